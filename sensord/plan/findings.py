"""What follows from the clinic's findings: the limb symmetry index (LSI) of tests that were made on both sides.

LSI = 100 * injured / other, in percent. Some tests are better low (a time); the index says only how the sides compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sensord.model import Side
from sensord.plan.programme import Finding


@dataclass(frozen=True, slots=True)
class Lsi:
    """Injured against other side in `what`. `pct` None: the other side's value is 0 or of the other sign, or the sides
    are in different units. `days_apart`: between the two tests."""

    what: str
    injured: Finding
    other: Finding
    pct: float | None

    @property
    def days_apart(self) -> int:
        """Between the two tests."""
        return abs((self.injured.date - self.other.date).days)

    @property
    def date(self) -> date:
        """When the later of the two was made."""
        return max(self.injured.date, self.other.date)


def lsi(tests: Sequence[Finding], injured_side: Side | None) -> tuple[Lsi, ...]:
    """One for each test of the injured side that the other side has, too, in the order of name and date.

    Compared with the other side's test of the same name (capitals and blanks aside) on the same day, or the nearest
    day, of two as near the earlier; of several on one day the last in the file counts. Without an injured side: none.
    """
    if injured_side is None:
        return ()
    sides: dict[str, dict[tuple[str, date], Finding]] = {"left": {}, "right": {}}
    for test in tests:
        if test.side is not None:
            sides[test.side][" ".join(test.what.lower().split()), test.date] = test
    injured, other = sides[injured_side], sides[injured_side.other]
    found = []
    for (name, day), test in sorted(injured.items(), key=lambda item: item[0]):
        same = [candidate for (other_name, _), candidate in other.items() if other_name == name]
        if same:
            nearest = min(same, key=lambda candidate: (abs((candidate.date - day).days), candidate.date))
            found.append(Lsi(test.what, test, nearest, _pct(test, nearest)))
    return tuple(found)


def index_pct(injured: float, other: float) -> float | None:
    """100 * injured / other, in %; None: the other side's value is 0 or of the other sign."""
    if other == 0 or injured / other < 0:
        return None
    return 100.0 * injured / other


def _pct(injured: Finding, other: Finding) -> float | None:
    return index_pct(injured.value, other.value) if injured.unit.strip() == other.unit.strip() else None
