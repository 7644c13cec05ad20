"""Rows whose stamps jitter: the even clock they were sampled by, told from the number of rows.

A sensor samples evenly; what a file says may be when a row was written, or rounded to a millisecond. At 200 Hz stamps
that scatter by more than a millisecond look like lost samples, and rows of an 833 Hz sensor rounded to a millisecond
look like 1000 Hz with holes. Both are told from losses by counting: with all rows there, means over many rows advance
evenly, however the stamps scatter; each loss would shift all later rows by a period.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensord.model import NS, IntArray

ON_TIME = 0.15
ON_TIME_SHARE = 0.95
"""Design choice: stamps are even when 95 % of the steps are within 15 % of a period of a whole number of periods."""

OTHER_RATE = 0.03
"""Design choice: a rate by count that differs by more than this from that of most steps shows rounded stamps."""

PAUSE_S = 0.1
PAUSE_PERIODS = 8
"""Design choice: longer steps (both) are pauses, not jitter: what lies between two of them is looked at by itself."""

MEAN_ROWS = 50
STEADY = 0.15
"""Design choice: rows are all counted when means over 50 rows advance evenly to 15 % of a period (standard deviation).
Jitter of half a period leaves 10 %; one row in a thousand that is lost and not found 18 %."""

SURE_PERIODS = 4
ROUNDS = 4
"""Design choices: a step of more than four periods has lost rows, unless all are there without (rows that were written
in bursts); what each round of looking for losses finds helps to find others near by."""

SMOOTH_S = 1.0
"""Design choice: the even clock follows the stamps' mean over this time, and with it the drift of two clocks."""

FEWEST_ROWS = 3 * MEAN_ROWS

TOGETHER = 0.1
TOGETHER_SHARE = 0.3
SPREAD = 1.5
"""Design choices: rows less than a tenth of a period apart were written together, with the time their packet came; if
that is so for 30 % of the steps, they are spread over the time since the packet before, or by the period where that
comes to more than 1.5 of it (packets were lost)."""


@dataclass(frozen=True, slots=True)
class EvenClock:
    """Times of the rows (n,), ns, by an even clock of `period_ns`; rows missing before each (n,)."""

    t_ns: IntArray
    period_ns: float
    missing: IntArray


def spread_bursts(t_ns: IntArray) -> IntArray | None:
    """Times of rows (n,) that came packet by packet, each with the time its packet came: a packet ends at that time.

    None where rows have times of their own, or go back in time.
    """
    steps = np.diff(t_ns)
    if len(t_ns) < FEWEST_ROWS or steps.min() < 0:
        return None
    period_ns = float(np.median(t_ns[MEAN_ROWS:] - t_ns[:-MEAN_ROWS])) / MEAN_ROWS
    if (steps < TOGETHER * period_ns).mean() < TOGETHER_SHARE:
        return None
    first = np.concatenate(([0], np.flatnonzero(steps >= TOGETHER * period_ns) + 1))
    counts = np.diff(np.append(first, len(t_ns)))
    came = t_ns[first]
    since = np.concatenate(([period_ns * counts[0]], np.diff(came)))
    apart = since / counts
    apart[apart > SPREAD * period_ns] = period_ns
    before_end = np.repeat(first + counts - 1, counts) - np.arange(len(t_ns))
    return np.asarray(np.rint(np.repeat(came, counts) - before_end * np.repeat(apart, counts)).astype(np.int64))


def even_clock(t_ns: IntArray, period_ns: float, *, packets: bool = False) -> EvenClock | None:
    """The even clock behind stamps (n,) in the order of the rows, `period_ns` being that of most steps.

    None where the stamps are even as they are, or where too many rows are lost among stamps that scatter. Stamps that
    were spread from those of `packets` look even when they are not.
    """
    if len(t_ns) < FEWEST_ROWS:
        return None
    steps = np.diff(t_ns)
    over_many_ns = float(np.median(t_ns[MEAN_ROWS:] - t_ns[:-MEAN_ROWS])) / MEAN_ROWS
    if not packets and even_as_it_is(steps, period_ns) and abs(over_many_ns / period_ns - 1.0) < OTHER_RATE:
        return None
    pauses = np.flatnonzero(steps > max(PAUSE_S * NS, PAUSE_PERIODS * over_many_ns)) + 1
    if len(pauses) * MEAN_ROWS > len(t_ns):
        return None  # too little between them to tell anything
    stretches = list(zip([0, *pauses.tolist()], [*pauses.tolist(), len(t_ns)], strict=True))
    for certain in (np.zeros_like(steps, dtype=np.bool_), steps > SURE_PERIODS * over_many_ns):
        missing = _missing(t_ns, over_many_ns, pauses, certain)
        there = np.arange(len(t_ns)) + np.cumsum(missing)
        if all(_steady(t_ns[a:b], there[a:b], over_many_ns) for a, b in stretches):
            return _on_even_clock(t_ns, there, missing, stretches)
    return None


def _on_even_clock(t_ns: IntArray, there: IntArray, missing: IntArray, stretches: list[tuple[int, int]]) -> EvenClock:
    lasted_ns = sum(int(t_ns[b - 1] - t_ns[a]) for a, b in stretches)
    period_ns = lasted_ns / sum(int(there[b - 1] - there[a]) for a, b in stretches)
    even = np.concatenate([_evened(t_ns[a:b], there[a:b], period_ns) for a, b in stretches])
    return EvenClock(even, period_ns, missing)


def even_as_it_is(steps: IntArray, period_ns: float) -> bool:
    """Whether steps (n,) between stamps are near whole numbers of periods."""
    whole = np.maximum(np.rint(steps / period_ns), 1.0)
    return bool((np.abs(steps - whole * period_ns) < ON_TIME * period_ns).mean() >= ON_TIME_SHARE)


def _missing(t_ns: IntArray, period_ns: float, pauses: IntArray, certain: npt.NDArray[np.bool_]) -> IntArray:
    """Rows missing before each: where those after a long step are late in the mean, compared to those before it.

    `certain` steps say so by themselves, to a row or two.
    """
    steps = np.diff(t_ns)
    missing = np.zeros(len(t_ns), dtype=np.int64)
    missing[1:][certain] = np.rint(steps[certain] / period_ns) - 1
    at = np.flatnonzero(steps > 1.5 * period_ns) + 1
    at = at[np.argsort(-steps[at - 1], kind="stable")]
    ends = np.concatenate(([0], pauses, [len(t_ns)]))
    first = np.maximum(at - MEAN_ROWS, ends[np.searchsorted(ends, at - 1, side="right") - 1])
    last = np.minimum(at + MEAN_ROWS, ends[np.searchsorted(ends, at, side="right")])
    for _ in range(ROUNDS):
        late = t_ns - t_ns[0] - (np.arange(len(t_ns)) + np.cumsum(missing)) * period_ns
        total = np.concatenate(([0.0], np.cumsum(late)))
        level = (total[last] - total[at]) / (last - at) - (total[at] - total[first]) / (at - first)
        more = np.rint(level / period_ns).astype(np.int64)
        free = np.ones(len(t_ns), dtype=np.bool_)
        for row, n in zip(at[more != 0].tolist(), more[more != 0].tolist(), strict=True):
            if free[row] and missing[row] + n >= 0:
                missing[row] += n
                free[max(0, row - MEAN_ROWS) : row + MEAN_ROWS] = False
        if free.all():
            break
    return missing


def _steady(t_ns: IntArray, there: IntArray, period_ns: float) -> bool:
    """Whether means over `MEAN_ROWS` rows advance evenly."""
    whole = len(t_ns) // MEAN_ROWS * MEAN_ROWS
    late = (t_ns - there * period_ns)[:whole].reshape(-1, MEAN_ROWS).mean(axis=1)
    return len(late) < 2 or bool(np.sqrt(np.mean(np.diff(late) ** 2)) < STEADY * period_ns)


def _evened(t_ns: IntArray, there: IntArray, period_ns: float) -> IntArray:
    """One stretch on a line of that period, moved slowly to where its stamps are in the mean."""
    line = (there - there[0]) * period_ns
    reach = max(1, round(SMOOTH_S * NS / period_ns / 2))
    total = np.concatenate(([0.0], np.cumsum(t_ns - t_ns[0] - line)))
    at = np.arange(len(t_ns))
    first, last = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(t_ns))
    return np.asarray(t_ns[0] + np.rint(line + (total[last] - total[first]) / (last - first)).astype(np.int64))
