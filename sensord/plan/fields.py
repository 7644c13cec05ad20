"""What may be asked or measured: every field that may stand in a condition, with its kind, bounds and question."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from sensord.plan.quantity import DURATION_UNITS_S, LENGTH_UNITS_M

Answer = float | bool | str
"""What a field can be once it is known: a number, yes or no, or a word of its scale."""

SPEED_UNITS_M_S: Mapping[str, float] = {"m/s": 1.0, "km/h": 1000.0 / 3600.0, "mph": 1609.344 / 3600.0}
"""Units of a speed (both exact by definition)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that may be asked or measured.

    `scale`: its words, the lowest first when `ordered`; empty for numbers, yes/no and free text. `low`, `high`: what a
    number can be. `unit`: what a number is in; `units`: the field's numbers are written with one of these (factor to
    `unit` by name), never bare. `question`: what people are asked; empty when sensord measures it or works it out of
    other answers, which `means` then says."""

    name: str
    kind: type[float] | type[bool] | type[str]
    asked: bool
    scale: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    question: str = ""
    ordered: bool = False
    unit: str = ""
    units: Mapping[str, float] | None = None
    means: str = ""

    def allows(self, answer: object) -> bool:
        """Whether it can be an answer at all: of its kind, on its scale, within its bounds."""
        if self.kind is float:
            return _is_number(answer) and self.within(answer)
        if self.kind is bool:
            return isinstance(answer, bool)
        return isinstance(answer, str) and bool(answer) and (not self.scale or answer in self.scale)

    def within(self, number: float) -> bool:
        """Whether a number lies in its bounds."""
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    @property
    def answers(self) -> str:
        """What it can be, for people: "0 to 10", "true or false", "'zero', 'trace', '1+', '2+' or '3+'"."""
        if self.kind is bool:
            return "true or false"
        if self.kind is str:
            *first, last = (repr(word) for word in self.scale or ("text",))
            return f"{', '.join(first)} or {last}" if first else f"a {last}"
        if self.units:
            return f"a number with its unit ({', '.join(self.units)})"
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return "a number" if self.low is None else f"a number of {self.low:g} or more"


def _is_number(answer: object) -> TypeGuard[float]:
    largest = sys.float_info.max  # a whole number may be larger than any float, and is as little an answer as infinity
    return isinstance(answer, int | float) and not isinstance(answer, bool) and -largest <= answer <= largest


def _score(name: str, question: str) -> Field:
    return Field(name, float, asked=True, low=0.0, high=10.0, question=f"{question} 0 (none) to 10 (worst imaginable)")


def _yes_no(name: str, question: str) -> Field:
    return Field(name, bool, asked=True, question=question)


def _worked_out(name: str, low: float, high: float, means: str) -> Field:
    return Field(name, float, asked=False, low=low, high=high, means=means)


def _measured(
    name: str, means: str, *, unit: str = "", low: float | None = 0.0, units: Mapping[str, float] | None = None
) -> Field:
    return Field(name, float, asked=False, low=low, unit=unit, units=units, means=means)


_ASKED = (
    _score("pain.before", "Pain before the run?"),
    _score("pain.during", "Worst pain during the run?"),
    _score("pain.after", "Pain right after the run?"),
    _score("pain.after_60min", "Pain one hour after the run?"),
    _score("pain.next_morning", "Pain this morning?"),
    _score("pain.daily", "Worst pain today in daily life, running aside?"),
    Field("pain.where", str, asked=True, question="Where is the pain?"),
    _score("soreness", "How sore are the muscles?"),
    Field(
        "soreness.warmup",
        str,
        asked=True,
        scale=("none", "gone", "persists", "returns"),
        question="Soreness in the warm-up: none, gone by its end, there to stay, or gone and back again?",
    ),
    _yes_no("soreness.next_day", "Is the joint or tendon (not the muscle) sore today?"),
    _yes_no("stiffness", "Does it feel stiff?"),
    Field(
        "stiffness.morning_min",
        float,
        asked=True,
        low=0.0,
        high=1440.0,
        unit="min",
        question="How many minutes was it stiff this morning? 0 if not at all",
    ),
    _yes_no("swelling", "Is it swollen?"),
    Field(
        "effusion",
        str,
        asked=True,
        scale=("zero", "trace", "1+", "2+", "3+"),
        ordered=True,
        question="Fluid in the knee by the sweep test: zero, trace, 1+, 2+ or 3+?",
    ),
    _yes_no("gait_altered", "Did you limp, or run differently than usual?"),
    _yes_no("night_pain", "Did pain wake you at night?"),
    _yes_no("rest_pain", "Does it hurt when you rest?"),
    Field(
        "rpe",
        float,
        asked=True,
        low=0.0,
        high=10.0,
        question="How hard was the run? 0 (rest) to 10 (as hard as you can)",
    ),
    _yes_no("exercises_done", "Did you do the exercises?"),
)

_FROM_ANSWERS = (
    _worked_out("pain.during_change", -10.0, 10.0, "worst pain during the run minus pain before it"),
    _worked_out("pain.after_60min_change", -10.0, 10.0, "pain one hour after the run minus pain before it"),
    _worked_out("pain.next_morning_change", -10.0, 10.0, "pain the next morning minus pain before the run"),
    _worked_out(
        "pain.week_trend", -10.0, 10.0, "mean of the worst pains of the last 7 days minus that of the 7 before"
    ),
    _worked_out("effusion_change", -4.0, 4.0, "grades of effusion more than the time before"),
)

_MEASURED = (
    _measured("done_pct", "share of the workout that was done", unit="%"),
    _measured("run_time", "running time of the run", unit="s", units=DURATION_UNITS_S),
    _measured("distance", "distance of the run", unit="m", units=LENGTH_UNITS_M),
    _measured("steps_injured", "running steps of the injured side in the run"),
    _measured("longest_ratio_30d", "distance of the run divided by the longest of the 30 days before"),
    _measured("week_ratio", "distance of the last 7 days divided by that of the 7 before"),
    _measured("hours_since_run", "from the end of the run before to the start of this one", unit="h"),
    _measured("sessions_7d", "runs of the last 7 days, this one included"),
    _measured("impact.pct", "impact of the injured side, of its baseline", unit="%"),
    _measured("impact_load_ratio", "impact load of the last 7 days divided by that of the 7 before"),
    _measured("asym.contact_time", "contact time's symmetry index minus its baseline", unit="points", low=None),
    _measured("asym.impact", "the impact's symmetry index minus its baseline", unit="points", low=None),
    _measured("cadence.pct", "cadence, of its baseline", unit="%"),
    _measured("contact_time.pct", "contact time, of its baseline", unit="%"),
    _measured("downhill_m", "metres run downhill", unit="m"),
    _measured("speed", "mean running speed of the run", unit="m/s", units=SPEED_UNITS_M_S),
)

FIELDS: Mapping[str, Field] = {field.name: field for field in (*_ASKED, *_FROM_ANSWERS, *_MEASURED)}
"""By name. `field_of` also knows other names of the same thing and the symptoms a plan names itself."""

ALIASES: Mapping[str, str] = {"limp": "gait_altered"}
"""Other names that a plan may use."""

_SYMPTOM = re.compile(r"symptom\.([a-z][a-z0-9_]{0,39})")


def field_of(name: str) -> Field | None:
    """The field of that name, None when there is none. `symptom.NAME` is a yes/no question for any name."""
    if match := _SYMPTOM.fullmatch(name):
        return _yes_no(name, f"Any {match[1].replace('_', ' ')}?")
    return FIELDS.get(ALIASES.get(name, name))


def known_names() -> Iterable[str]:
    """What may be written, for suggestions."""
    return (*FIELDS, *ALIASES, "symptom.NAME")
