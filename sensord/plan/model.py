"""The plan file: what a therapist may write, read strictly (`rtr-plan/1`; every key in docs/plan-file.md).

Strict means: an unknown key, a number without a unit, a limit without a number, a name that nothing has are refused
with line, key, what was found and what is allowed. Lengths are m and durations s once read. Numbers that are defaults
here are the examples of docs/plan-file.md, with their sources; limits themselves have no defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from sensord.errors import InputError, Problem
from sensord.model import Level, Side
from sensord.plan.breach import RANK
from sensord.plan.checks import checked
from sensord.plan.ladder import Advance, Placement, Recovery, Rule, Schedule, Stage, different
from sensord.plan.limit_blocks import CadenceTarget, ContactTimeTrend, LimitSection, check_levels
from sensord.plan.problems import placed, problems_of
from sensord.plan.programme import Alerts, Ask, Evaluation, Exercise, Note, PreInjury, Readiness
from sensord.plan.quantity import Duration
from sensord.plan.section import Section, any_of, clears, refusal
from sensord.plan.texts import Id, SourceOfOne, StageId, TimeZone


class Source(Section):
    """Where the plan's numbers come from."""

    who: Annotated[str, Field(min_length=1, max_length=300, description="Publication, clinic or person.")]
    url: Annotated[str | None, Field(max_length=300, description="Where to read it.")] = None


def _side(value: object) -> Side | None:
    if value not in ("left", "right", "none"):
        raise refusal('one of: "left", "right", "none"')
    return None if value == "none" else Side(value)


class Runner(Section):
    """Whose plan it is, without saying who she is."""

    alias: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_-]{1,32}$", description="Pseudonym: 1 to 32 letters, digits, - or _; never a name."
        ),
    ]
    injured_side: Annotated[
        Side | None,
        BeforeValidator(_side),
        WithJsonSchema({"enum": ["left", "right", "none"]}),
        Field(description="left, right or none: whose impact is limited, and the sign of injured minus other."),
    ] = None
    mass_kg: Annotated[float | None, Field(ge=20, le=250, description="Body mass in kg.")] = None
    injury: Annotated[
        Literal["mtss", "bone_stress", "pfp", "achilles", "plantar_fascia", "it_band", "acl", "muscle", "other", "none"]
        | None,
        Field(description="What sort of injury; a bone_stress plan is checked for the rules it should have."),
    ] = None
    site: Annotated[str | None, Field(max_length=40, description="Where the injury is, e.g. tibia.")] = None
    goal: Annotated[str | None, Field(max_length=200, description="What she wants to be able to do.")] = None
    injury_date: Annotated[date | None, Field(description="When it began.")] = None
    surgery_date: Annotated[date | None, Field(description="When she was operated on.")] = None
    pre_injury: Annotated[PreInjury, Field(description="What she ran before.")] = PreInjury()
    decides: Annotated[
        Literal["therapist", "auto"],
        Field(description="Who raises a stage past a hold; auto: sensord raises when all conditions are met."),
    ] = "therapist"
    timezone: Annotated[TimeZone | None, Field(description="IANA name; none: the gateway's.")] = None


class SessionsBaseline(Section):
    """Her own usual: the median of her last runs in which it was measured well enough."""

    mode: Literal["sessions"]
    n: Annotated[int, Field(ge=1, le=20, description="Runs that make the baseline.")] = 3
    stage: Annotated[
        str | None, Field(min_length=1, max_length=66, description='Only runs of these stages: "1..2", or one.')
    ] = None
    min_steps: Annotated[
        int | None, Field(ge=1, le=100_000, description="Measured running strides of a foot that a run needs.")
    ] = None
    by: Annotated[
        list[Literal["shoe", "surface", "pace_band"]] | None,
        Field(max_length=3, description="What must be alike besides mount and pods; none: as docs/plan-file.md says."),
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        different(self.by or [], "by")
        return self


class RunsBaseline(Section):
    """Her own usual: the median of runs that were chosen, such as pain-free ones."""

    mode: Literal["runs"]
    runs: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]],
        Field(min_length=1, max_length=20, description="The runs, by the name that `sensord runs` shows."),
    ]


class FixedImpactBaseline(Section):
    """A baseline peak measured before, in g."""

    mode: Literal["fixed", "manual"]
    value_g: Annotated[float, Field(gt=0, le=400, description="Baseline peak in g.")]


class FixedAsymmetryBaseline(Section):
    """A baseline asymmetry measured before, in points of SI, ms or degrees as the limit is."""

    mode: Literal["fixed", "manual"]
    value: Annotated[float, Field(ge=-100, le=100, description="Baseline difference, in unit and sign of the limit.")]


_ABSOLUTE = ("info", "warn", "stop")
_PERCENT = ("info_pct", "warn_pct", "stop_pct")


_Alert = Annotated[
    Literal["info", "warn", "stop"] | None, Field(description="No alert is louder than this; none: as the levels say.")
]
_FromStage = Annotated[StageId | None, Field(description="Not checked before this stage.")]


def _levels(block: Section, keys: Sequence[str], most: str | None) -> dict[Level, float]:
    """What is louder than `most` is told as that, from the first value on that would have been louder."""
    given = {Level(key.removesuffix("_pct")): getattr(block, key) for key in keys}
    levels = {level: float(value) for level, value in given.items() if value is not None}
    if most is None:
        return levels
    top = Level(most)
    kept = {level: value for level, value in levels.items() if RANK[level] <= RANK[top]}
    if len(kept) < len(levels):
        kept.setdefault(top, min(value for level, value in levels.items() if level not in kept))
    return kept


class ImpactNeeds(Section):
    """What an impact alert needs before it speaks, and when it ends."""

    window_steps: Annotated[int, Field(ge=10, le=200, description="Strides of one foot behind a median.")] = 30
    sustained: Annotated[
        Duration, Field(description="Running time beyond the limit.", json_schema_extra={"default": "60s"})
    ] = 60.0
    clear_below_pct: Annotated[float, Field(ge=100, le=500, description="Ends below this % of baseline.")] = 110.0
    min_change_g: Annotated[float, Field(ge=0, le=100, description="No alert for a smaller change, in g.")] = 2.0


class ImpactLimit(Section):
    """Peak acceleration of the foot against her own baseline, same mount, shoe, surface and pace."""

    model_config = any_of(*_PERCENT)

    metric: Annotated[Literal["peak_accel"], Field(description="Resultant peak at contact.")]
    mount: Annotated[
        Literal["laces", "heel", "tibia"], Field(description="Where the pods sit; mounts are not comparable.")
    ]
    baseline: Annotated[FixedImpactBaseline | SessionsBaseline, Field(discriminator="mode")]
    target_pct: Annotated[float | None, Field(gt=0, le=100, description="What to aim for, in % of baseline.")] = None
    info_pct: Annotated[float | None, Field(gt=100, le=1000, description="Noted from this % of baseline.")] = None
    warn_pct: Annotated[float | None, Field(gt=100, le=1000, description="Warn from this % of baseline.")] = None
    stop_pct: Annotated[float | None, Field(gt=100, le=1000, description="Stop from this % of baseline.")] = None
    alert: _Alert = None
    from_stage: _FromStage = None
    needs: ImpactNeeds = ImpactNeeds()
    source: SourceOfOne = None

    @property
    def levels(self) -> dict[Level, float]:
        """The % of baseline of each level that has one, quietest first."""
        return _levels(self, _PERCENT, self.alert)

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, _PERCENT)
        clears(self, "clear_below_pct", _PERCENT)
        return self


class AsymmetryNeeds(Section):
    """What an asymmetry alert needs before it speaks, and when it ends."""

    steps: Annotated[int, Field(ge=30, le=100, description="Running stride pairs behind a value.")] = 60
    sustained: Annotated[
        Duration, Field(description="Running time beyond the limit.", json_schema_extra={"default": "120s"})
    ] = 120.0
    clear_below: Annotated[float, Field(gt=0, le=100, description="Ends below this distance from baseline.")] = 4.0


class AsymmetryLimit(Section):
    """How far left and right may differ from her own baseline, either way; `formula` names what is compared."""

    model_config = any_of(*_ABSOLUTE)

    baseline: Annotated[FixedAsymmetryBaseline | SessionsBaseline | RunsBaseline, Field(discriminator="mode")]
    target: Annotated[float | None, Field(gt=0, le=100, description="What to aim for: nearer to baseline.")] = None
    info: Annotated[float | None, Field(gt=0, le=100, description="Noted beyond this change from baseline.")] = None
    warn: Annotated[float | None, Field(gt=0, le=100, description="Warn beyond this change from baseline.")] = None
    stop: Annotated[float | None, Field(gt=0, le=100, description="Stop beyond this change from baseline.")] = None
    alert: _Alert = None
    from_stage: _FromStage = None
    needs: AsymmetryNeeds = AsymmetryNeeds()
    source: SourceOfOne = None

    @property
    def levels(self) -> dict[Level, float]:
        """The change of each level that has one, quietest first."""
        return _levels(self, _ABSOLUTE, self.alert)

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_levels(self, _ABSOLUTE)
        clears(self, "clear_below", _ABSOLUTE)
        if self.target is not None and self.target >= min(self.levels.values()):
            first = next(key for key in _ABSOLUTE if getattr(self, key) is not None)
            raise refusal(f"less than {first}", key="target", other=first)
        return self


class SymmetryIndexLimit(AsymmetryLimit):
    """How far the symmetry index of a metric may differ from her own baseline, either way, in points."""

    formula: Annotated[Literal["si_signed"], Field(description="SI, signed injured - other (left - right if none).")]


class FlightTimeLimit(AsymmetryLimit):
    """How far the difference of flight times may be from her own baseline, either way, in ms."""

    formula: Annotated[
        Literal["difference_ms"], Field(description="ms, signed injured - other (left - right if none).")
    ]


class StrikeAngleLimit(AsymmetryLimit):
    """How far the difference of foot strike angles may be from her own baseline, either way, in degrees."""

    formula: Annotated[
        Literal["difference_deg"], Field(description="Degrees, signed injured - other (left - right if none).")
    ]


class AsymmetrySection(Section):
    """Limits on left/right differences."""

    contact_time: SymmetryIndexLimit | None = None
    swing_time: SymmetryIndexLimit | None = None
    duty_factor: SymmetryIndexLimit | None = None
    step_time: SymmetryIndexLimit | None = None
    flight_time: FlightTimeLimit | None = None
    impact_peak: SymmetryIndexLimit | None = None
    impact_band: SymmetryIndexLimit | None = None
    force_peak: SymmetryIndexLimit | None = None
    impulse: SymmetryIndexLimit | None = None
    strike_angle: StrikeAngleLimit | None = None
    impact: Annotated[SymmetryIndexLimit | None, Field(description="Another name of impact_peak.")] = None

    @property
    def written(self) -> dict[str, AsymmetryLimit]:
        """The limits that the plan has, by the key under which they stand in the file."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: limit for name, limit in found.items() if limit is not None}

    @property
    def limits(self) -> dict[str, AsymmetryLimit]:
        """The limits that the plan has, by metric."""
        return {"impact_peak" if name == "impact" else name: limit for name, limit in self.written.items()}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.impact is not None and self.impact_peak is not None:
            raise refusal("impact or impact_peak, which are the same", key="impact", found="both")
        return self


class LoadSection(Section):
    """What is added up for each foot besides steps, force and impulse."""

    intensity: Annotated[
        Literal["force_peak", "impact_peak", "impact_band"],
        Field(description="What the bins are made of: peak force (BW), impact peak (g), impact band (g)."),
    ] = "force_peak"
    edges: Annotated[
        list[Annotated[float, Field(gt=0, le=400)]],
        Field(max_length=12, description="Rising edges between bins; none: no bins."),
    ] = Field(default_factory=list)
    exponent: Annotated[
        float | None, Field(ge=1, le=20, description="m of the weighted cycles, sum of (force / usual force)^m.")
    ] = None
    exponent_source: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Where m comes from; needed with exponent.")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(later <= one for one, later in pairwise(self.edges)):
            raise refusal("rising edges", key="edges")
        if (self.exponent is None) != (self.exponent_source is None):
            missing = "exponent_source" if self.exponent_source is None else "exponent"
            raise refusal("exponent and exponent_source together", key=missing, found="nothing")
        return self


class Plan(Section):
    """One runner's plan."""

    schema_: Annotated[Literal["rtr-plan/1"], Field(alias="schema", description="Format of this file.")]
    id: Annotated[Id, Field(description="Name of the plan: 1 to 64 letters, digits, ., - or _.")]
    title: Annotated[str, Field(min_length=1, max_length=200, description="What it is, for people.")]
    evidence: Annotated[
        Literal["rct", "cohort", "consensus", "expert"] | None, Field(description="What the numbers rest on.")
    ] = None
    source: Annotated[list[Source], Field(max_length=50, description="Where the numbers come from.")] = Field(
        default_factory=list
    )
    runner: Runner
    kind: Annotated[
        Literal["published", "assembled", "local"],
        Field(description="published: one protocol as its source has it; assembled: from several sources."),
    ] = "local"
    readiness: Readiness | None = None
    placement: Placement | None = None
    schedule: Schedule = Field(default_factory=Schedule)
    advance: Advance = Field(default_factory=Advance)
    stage: Annotated[list[Stage], Field(max_length=100, description="The ladder, lowest first.")] = Field(
        default_factory=list
    )
    rule: Annotated[list[Rule], Field(max_length=100, description="What leads back.")] = Field(default_factory=list)
    recovery: Annotated[list[Recovery], Field(max_length=20, description="Longer gaps after harder runs.")] = Field(
        default_factory=list
    )
    ask: Annotated[list[Ask], Field(max_length=20, description="Questions.")] = Field(default_factory=list)
    exercise: Annotated[list[Exercise], Field(max_length=50, description="Besides running.")] = Field(
        default_factory=list
    )
    alerts: Alerts = Alerts()
    evaluation: Evaluation | None = None
    note: Annotated[list[Note], Field(max_length=500, description="Dated notes.")] = Field(default_factory=list)
    limit: LimitSection = LimitSection()
    impact: ImpactLimit | None = None
    asymmetry: AsymmetrySection = AsymmetrySection()
    cadence: CadenceTarget | None = None
    contact_time: ContactTimeTrend | None = None
    load: LoadSection = LoadSection()


def read_plan(text: str, file: str) -> Plan:
    """The plan that a TOML text holds; `InputError` with every problem, each with line, key, found and expected.

    `file` is what the problems call it. A byte order mark, which some editors leave, is passed over. What names
    something that stands elsewhere in the file is checked when every value by itself is fine.
    """
    text = text.removeprefix("\ufeff")
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(Problem(file, "", f"broken TOML: {error}", "a TOML file")) from None
    except RecursionError:
        raise InputError(Problem(file, "", "lists or tables nested without end", "a plan file")) from None
    except ValueError:  # what Python itself refuses, after the parser has taken it
        raise InputError(Problem(file, "", "a number of thousands of digits", "a plan file")) from None
    try:
        plan = Plan.model_validate(values)
    except ValidationError as error:
        raise InputError(problems_of(error, text, file, Plan)) from None
    if found := checked(plan):
        raise InputError(placed(found, values, text, file))
    return plan
