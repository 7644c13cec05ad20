"""One row of the table of accuracy: what was measured on what, how well, against which target and which constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sensord.model import FloatArray, Json
from sensord.validation.statistics import LIMITS, agreement, best_constant

DIGITS = 6
"""Values of the result are rounded to so many decimals of their unit: more is not the same on every processor."""


class Kind(StrEnum):
    """Where the signals come from."""

    REAL = "real IMU"
    DERIVED = "derived"  # signals of a pod computed from optical markers
    SIMULATED = "simulated"
    FORCE = "force plate"  # no pod: the model alone, fed with true timing
    PROCESSED = "processed values"  # what another device had made of its signals


class Verdict(StrEnum):
    """What the row says about its target."""

    MET = "met"
    NOT_MET = "not met"
    CANNOT = "the data cannot support this number"
    NOT_MEASURED = "not measured"
    REPORTED = "reported"  # there is no target


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached, in the row's unit; only what is given is judged. `bias` is of the absolute value."""

    sd: float | None = None
    bias: float | None = None
    score_min: float | None = None
    score_max: float | None = None
    words: str | None = None

    def __str__(self) -> str:
        if self.words is not None:
            return self.words
        parts = []
        if self.bias is not None:
            parts.append(f"|bias| ≤ {self.bias:g}")
        if self.sd is not None:
            parts.append(f"SD ≤ {self.sd:g}")
        if self.score_min is not None and self.score_max is not None:
            parts.append(f"{self.score_min:g} to {self.score_max:g}")
        elif self.score_min is not None:
            parts.append(f"≥ {self.score_min:g}")
        elif self.score_max is not None:
            parts.append(f"≤ {self.score_max:g}")
        return ", ".join(parts)

    def judge(self, bias: float | None, sd: float | None, score: float | None) -> Verdict:
        """Met when everything that is asked for was measured and is within."""
        size = None if bias is None else abs(bias)
        at_most = [(self.sd, sd), (self.bias, size), (self.score_max, score)]
        asked = [(limit, value, -1.0) for limit, value in at_most] + [(self.score_min, score, 1.0)]
        wanted = [(limit, value, sign) for limit, value, sign in asked if limit is not None]
        if not wanted:
            return Verdict.REPORTED
        if any(value is None for _, value, _ in wanted):
            return Verdict.NOT_MEASURED
        kept = all(value is not None and sign * value >= sign * limit for limit, value, sign in wanted)
        return Verdict.MET if kept else Verdict.NOT_MET


@dataclass(frozen=True, slots=True)
class Row:
    """What was found on one data set, in `unit`.

    `bias` and `sd` are of found minus true. `score` is the number that is neither (a share, a slope, F1, a mean
    absolute error), `score_name` what it is. `constant` is what the best constant would score: an SD, or a score when
    the row has one (docs/accuracy.md says which constant). `reason` is why a number is missing or not to be had,
    `note` what a reader must know.
    """

    section: str
    what: str
    data: str
    kind: Kind
    runners: int
    n: int
    unit: str
    bias: float | None = None
    sd: float | None = None
    score: float | None = None
    score_name: str = ""
    constant: float | None = None
    target: str = ""
    verdict: Verdict = Verdict.REPORTED
    reason: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        """Names the row in the result."""
        return f"{self.section} / {self.what} / {self.data}"

    @property
    def limits(self) -> tuple[float, float] | None:
        """The 95 % limits of agreement; None without bias and SD."""
        if self.bias is None or self.sd is None:
            return None
        return self.bias - LIMITS * self.sd, self.bias + LIMITS * self.sd

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values, rounded, the same every time."""
        limits = self.limits
        return {
            "section": self.section,
            "what": self.what,
            "data": self.data,
            "kind": self.kind.value,
            "runners": int(self.runners),
            "n": int(self.n),
            "unit": self.unit,
            "bias": _rounded(self.bias),
            "sd": _rounded(self.sd),
            "limits": None if limits is None else [_rounded(v) for v in limits],
            "score": _rounded(self.score),
            "score_name": self.score_name,
            "constant": _rounded(self.constant),
            "target": self.target,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "note": self.note,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DIGITS) + 0.0


@dataclass(frozen=True, slots=True)
class On:
    """What a row was measured on: the words that rows of one recording share."""

    data: str
    kind: Kind
    runners: int = 1


def compared(
    section: str,
    what: str,
    on: On,
    unit: str,
    errors: FloatArray | Sequence[float],
    true: FloatArray | Sequence[float],
    target: Target | None = None,
    *,
    of: int | None = None,
    note: str = "",
    reason: str = "",
) -> Row:
    """A row of bias and SD, beside the constant that is the mean of `true`; `of`: how many there could have been."""
    got, aim = agreement(errors), target or Target()
    if of is not None and 0 < got.n < of:
        note = "; ".join(part for part in (f"{got.n} of {of} have a value", note) if part)
    verdict = Verdict.NOT_MEASURED if not got.n else aim.judge(got.bias, got.sd, None)
    return Row(
        section, what, on.data, on.kind, on.runners, got.n, unit, got.bias, got.sd,
        constant=best_constant(true).sd, target=str(aim), verdict=verdict, note=note,
        reason=reason or ("" if got.n else "no stride has this value"),
    )  # fmt: skip


def scored(
    section: str,
    what: str,
    on: On,
    unit: str,
    n: int,
    score: float | None,
    name: str,
    target: Target | None = None,
    *,
    constant: float | None = None,
    bias: float | None = None,
    sd: float | None = None,
    note: str = "",
    reason: str = "",
) -> Row:
    """A row of one number that is neither bias nor SD, which may stand beside it."""
    aim = target or Target()
    verdict = Verdict.NOT_MEASURED if score is None else aim.judge(bias, sd, score)
    return Row(
        section, what, on.data, on.kind, on.runners, n, unit, bias, sd, score, name, constant, str(aim), verdict,
        reason, note,
    )  # fmt: skip


def absent(
    section: str, what: str, on: On, unit: str, verdict: Verdict, reason: str, target: Target | None = None
) -> Row:
    """A row without a number, and why."""
    return Row(
        section, what, on.data, on.kind, on.runners, 0, unit, target=str(target or ""), verdict=verdict, reason=reason
    )
