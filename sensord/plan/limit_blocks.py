"""Blocks of a plan file that limit what a run adds up to, and how she runs: `[limit.*]`, `[cadence]`, `[contact_time]`.

Every block has one number or more, one for each level that it has: info, warn, stop, urgent, quietest first. Limits
have no defaults but one (`session_spike`), which says so in its alerts. What a block needs and is not there (a stage, a
baseline, a history, a slope) makes its limit "not checked" while a run goes on, never kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sensord.model import Level
from sensord.plan.quantity import Duration, Length
from sensord.plan.section import Section, any_of, refusal

LEVELS = (Level.INFO, Level.WARN, Level.STOP, Level.URGENT)
"""Quietest first."""

ABSOLUTE = tuple(level.value for level in LEVELS)
PERCENT = tuple(f"{level.value}_pct" for level in LEVELS)

SPIKE_PCT = 110.0
"""Runs more than 10 % longer than the longest of the 30 days before had more overuse injuries (Schuster Brandt Frandsen
et al. 2025, BJSM 59:1203, 5205 runners). Background, not a prescription: the alert says that nobody set it."""

_SPEED = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?(m/s|km/h|mph)")
_PACE = re.compile(r"([0-9]{1,2}):([0-5][0-9]) ?/ ?(km|mi)")
_MPS = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 1609.344 / 3600.0}
_PACE_M = {"km": 1000.0, "mi": 1609.344}


def parse_speed_mps(value: object) -> float:
    """A speed in m/s from text such as "12km/h" or the pace "5:00/km"; refuses anything else, and zero."""
    mps = 0.0
    if isinstance(value, str):
        if found := _SPEED.fullmatch(value):
            mps = float(found[1]) * _MPS[found[2]]
        elif (found := _PACE.fullmatch(value)) and (seconds := 60 * int(found[1]) + int(found[2])):
            mps = _PACE_M[found[3]] / seconds
    if mps <= 0:
        raise refusal('a speed such as "12km/h", "3.3m/s", "7mph", or a pace such as "5:00/km", "8:30/mi"')
    return mps


Speed = Annotated[
    float,
    BeforeValidator(parse_speed_mps),
    WithJsonSchema({"type": "string", "pattern": f"^({_SPEED.pattern}|{_PACE.pattern})$", "examples": ["12km/h"]}),
]
"""A speed or pace of a plan file, in m/s once read."""

Pct = Annotated[float | None, Field(gt=0, le=1000)]


def check_levels(block: Section, keys: Sequence[str]) -> None:
    """At least one of the keys, and none above a louder one."""
    given = [(key, value) for key in keys if (value := getattr(block, key)) is not None]
    if not given:
        raise refusal("one of " + ", ".join(keys), key=keys[1], found="nothing")
    for (key, value), (louder, more) in pairwise(given):
        if value > more:
            raise refusal(f"at most {louder}", key=key, other=louder)


def refuse_keys(block: Section, keys: Sequence[str], instead: str) -> None:
    """None of these, for the kind of limit that the block is."""
    for key in keys:
        if getattr(block, key) is not None:
            raise refusal(instead, key=key)


class LimitBlock(Section):
    """What every limit can say besides its numbers."""

    suffix: ClassVar[str] = ""

    live: Annotated[bool, Field(description="Checked while she runs; false: once, at the end of the run.")] = True
    source: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Who set it; stands in its alerts. None: the plan.")
    ] = None
    from_stage: Annotated[str | None, Field(max_length=32, description="Checked from this stage on.")] = None

    @property
    def levels(self) -> dict[Level, float]:
        """The number of each level that has one."""
        found = {level: getattr(self, f"{level.value}{self._suffix}", None) for level in LEVELS}
        return {level: float(value) for level, value in found.items() if value is not None}

    @property
    def _suffix(self) -> str:
        return self.suffix


class _StageBlock(LimitBlock):
    """An amount for one run, or a share of what the stage prescribes."""

    of: Annotated[
        Literal["run", "stage"], Field(description="run: an amount; stage: % of what the stage's workout comes to.")
    ] = "run"
    info_pct: Annotated[Pct, Field(description="Noted from this % on (of = stage).")] = None
    warn_pct: Annotated[Pct, Field(description="Warn from this % on (of = stage).")] = None
    stop_pct: Annotated[Pct, Field(description="Stop from this % on (of = stage).")] = None
    urgent_pct: Annotated[Pct, Field(description="Urgent from this % on (of = stage).")] = None

    @property
    def _suffix(self) -> str:
        return "" if self.of == "run" else "_pct"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.of == "run":
            refuse_keys(self, PERCENT, 'of = "stage" for percentages')
            check_levels(self, ABSOLUTE)
        else:
            refuse_keys(self, ABSOLUTE, 'percentages (warn_pct, ...) for of = "stage"')
            check_levels(self, PERCENT)
        return self


class DistanceLimit(_StageBlock):
    """How far, in this run."""

    model_config = any_of(*ABSOLUTE, *PERCENT)

    counts: Annotated[Literal["all", "run"], Field(description="all: walking too; run: running only.")] = "all"
    info: Annotated[Length | None, Field(description="Noted from here on.")] = None
    warn: Annotated[Length | None, Field(description="Warn from here on.")] = None
    stop: Annotated[Length | None, Field(description="Stop from here on.")] = None
    urgent: Annotated[Length | None, Field(description="Urgent from here on.")] = None


class RunTimeLimit(_StageBlock):
    """How long running, walking breaks not counted, in this run."""

    model_config = any_of(*ABSOLUTE, *PERCENT)

    counts: Annotated[Literal["run"], Field(description="Running only.")] = "run"
    info: Annotated[Duration | None, Field(description="Noted from here on.")] = None
    warn: Annotated[Duration | None, Field(description="Warn from here on.")] = None
    stop: Annotated[Duration | None, Field(description="Stop from here on.")] = None
    urgent: Annotated[Duration | None, Field(description="Urgent from here on.")] = None


class StepsLimit(LimitBlock):
    """How many steps, in this run."""

    model_config = any_of(*ABSOLUTE)

    of: Annotated[Literal["run"], Field(description="The limit is for one run.")] = "run"
    counts: Annotated[Literal["all", "run"], Field(description="all: walking too; run: running only.")] = "all"
    foot: Annotated[
        Literal["both", "each", "injured"],
        Field(description="both: steps of both feet; each, injured: steps of one foot, half of them."),
    ] = "both"
    info: Annotated[int | None, Field(ge=1, le=1_000_000, description="Noted from here on.")] = None
    warn: Annotated[int | None, Field(ge=1, le=1_000_000, description="Warn from here on.")] = None
    stop: Annotated[int | None, Field(ge=1, le=1_000_000, description="Stop from here on.")] = None
    urgent: Annotated[int | None, Field(ge=1, le=1_000_000, description="Urgent from here on.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, ABSOLUTE)
        return self


class _RatioBlock(LimitBlock):
    """A run, or a week, in percent of what was before."""

    suffix: ClassVar[str] = "_pct"

    counts: Annotated[Literal["all"], Field(description="Walking too: so is the history kept.")] = "all"
    info_pct: Annotated[Pct, Field(description="Noted from this % on.")] = None
    warn_pct: Annotated[Pct, Field(description="Warn from this % on.")] = None
    stop_pct: Annotated[Pct, Field(description="Stop from this % on.")] = None
    urgent_pct: Annotated[Pct, Field(description="Urgent from this % on.")] = None
    min_base: Annotated[
        Length | None,
        Field(description="Less than this before counts as this: a share of next to nothing says nothing."),
    ] = None


class SessionSpikeLimit(_RatioBlock):
    """This run in percent of the longest run of the 30 days before. Without a number: warns from 110 %."""

    of: Annotated[Literal["longest_30d"], Field(description="The longest run of the 30 days before.")] = "longest_30d"

    @property
    def by_default(self) -> bool:
        """Nobody wrote a number."""
        return not super().levels

    @property
    def levels(self) -> dict[Level, float]:
        """The number of each level that has one; 110 % as a warning when there is none."""
        return super().levels or {Level.WARN: SPIKE_PCT}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.by_default:
            check_levels(self, PERCENT)
        return self


class WeekGrowthLimit(_RatioBlock):
    """The last 7 days, this run among them, in percent of the 7 days before those."""

    model_config = any_of(*PERCENT)

    of: Annotated[Literal["previous_7d"], Field(description="The 7 days before the last 7.")] = "previous_7d"

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, PERCENT)
        return self


class ImpactLoadLimit(LimitBlock):
    """Impacts of the last 7 days, this run among them, added up as (peak / baseline)^exponent, in percent of the 7 days
    before those. Needs [impact] with a baseline."""

    suffix: ClassVar[str] = "_pct"
    model_config = any_of(*PERCENT)

    of: Annotated[Literal["previous_7d"], Field(description="The 7 days before the last 7.")] = "previous_7d"
    counts: Annotated[Literal["run"], Field(description="Running strides only.")] = "run"
    side: Annotated[
        Literal["injured", "both"], Field(description="injured: that side (both when none is); both: each by itself.")
    ] = "injured"
    exponent: Annotated[float, Field(ge=1, le=20, description="How much more a hard impact counts; 1: plain sum.")] = (
        1.0
    )
    info_pct: Annotated[Pct, Field(description="Noted from this % on.")] = None
    warn_pct: Annotated[Pct, Field(description="Warn from this % on.")] = None
    stop_pct: Annotated[Pct, Field(description="Stop from this % on.")] = None
    urgent_pct: Annotated[Pct, Field(description="Urgent from this % on.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, PERCENT)
        return self


class DownhillLimit(LimitBlock):
    """How far downhill, in this run. Only where the slope is known; pods do not measure it."""

    model_config = any_of(*ABSOLUTE)

    of: Annotated[
        Literal["run", "drop"], Field(description="run: metres gone on a slope; drop: metres of descent.")
    ] = "run"
    counts: Annotated[Literal["all", "run"], Field(description="all: walking too; run: running only.")] = "all"
    min_grade_pct: Annotated[float, Field(gt=0, le=50, description="Steeper than this is downhill, in %.")] = 1.0
    info: Annotated[Length | None, Field(description="Noted from here on.")] = None
    warn: Annotated[Length | None, Field(description="Warn from here on.")] = None
    stop: Annotated[Length | None, Field(description="Stop from here on.")] = None
    urgent: Annotated[Length | None, Field(description="Urgent from here on.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, ABSOLUTE)
        return self


class SpeedLimit(LimitBlock):
    """How fast, while she runs."""

    model_config = any_of(*ABSOLUTE)

    live: Annotated[Literal[True], Field(description="Checked while she runs.")] = True
    counts: Annotated[Literal["run"], Field(description="Running only.")] = "run"
    sustained: Annotated[
        Duration,
        Field(description="Running time beyond the limit, and back.", json_schema_extra={"default": "20s"}),
    ] = 20.0
    clear_below_pct: Annotated[float, Field(ge=50, lt=100, description="Ends below this % of the first limit.")] = 97.0
    info: Annotated[Speed | None, Field(description="Noted from here on.")] = None
    warn: Annotated[Speed | None, Field(description="Warn from here on.")] = None
    stop: Annotated[Speed | None, Field(description="Stop from here on.")] = None
    urgent: Annotated[Speed | None, Field(description="Urgent from here on.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, ABSOLUTE)
        return self


class LimitSection(Section):
    """Limits on what a run adds up to, and on speed."""

    distance: DistanceLimit | None = None
    run_time: RunTimeLimit | None = None
    steps: StepsLimit | None = None
    session_spike: SessionSpikeLimit | None = None
    week_growth: WeekGrowthLimit | None = None
    impact_load: ImpactLoadLimit | None = None
    downhill: DownhillLimit | None = None
    speed: SpeedLimit | None = None


class CadenceTarget(Section):
    """Where her cadence should be, in percent of her own before. A cue, not a limit: info unless it says more."""

    baseline_spm: Annotated[
        float | None, Field(ge=100, le=240, description="Her own cadence; none: runner.pre_injury.cadence_spm.")
    ] = None
    target_pct: Annotated[
        list[Annotated[float, Field(ge=50, le=200)]],
        Field(min_length=2, max_length=2, description="From, to, in % of her own cadence."),
    ]
    alert: Annotated[Literal["none", "info", "warn"], Field(description="How loud; none: shown only.")] = "info"
    sustained: Annotated[
        Duration,
        Field(description="Running time outside before it is said, and back.", json_schema_extra={"default": "60s"}),
    ] = 60.0
    source: Annotated[str | None, Field(min_length=1, max_length=200, description="Who set it.")] = None
    from_stage: Annotated[str | None, Field(max_length=32, description="From this stage on.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self.target_pct
        if low >= high:
            raise refusal("a low end below the high end", key="target_pct")
        return self


class ContactTimeTrend(Section):
    """How much contact time may change within a run, against its own beginning, at the same speed."""

    model_config = any_of("info_pct", "warn_pct")

    info_pct: Annotated[
        float | None, Field(gt=0, le=50, description="Noted from a change of so many % on, either way.")
    ] = None
    warn_pct: Annotated[
        float | None, Field(gt=0, le=50, description="Warn from a change of so many % on, either way.")
    ] = None
    sustained: Annotated[
        Duration,
        Field(description="Running time beyond before it is said, and back.", json_schema_extra={"default": "120s"}),
    ] = 120.0
    source: Annotated[str | None, Field(min_length=1, max_length=200, description="Who set it.")] = None
    from_stage: Annotated[str | None, Field(max_length=32, description="From this stage on.")] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, ("info_pct", "warn_pct"))
        return self
