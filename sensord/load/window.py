"""The last seconds of both feet, once a second: what the page and the dashboards show as "now"."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from sensord.load.steps import SYNC_MS, mean_flight_s
from sensord.model import NS, Activity, FootGait, GaitWindow, RunTotals, Side, Stride
from sensord.plan.bands import measured_speed
from sensord.plan.censored import Peak, median_of

WINDOW_S = 5.0
"""Design choice: about seven running strides a foot; short enough to follow a change of pace, long enough to read."""

KEPT = 32
"""Design choice: strides kept a foot, more than a foot can make in the window."""


class Windows:
    """Bounded memory of recent strides. Values are None, and n is 0, when nothing recent was measured."""

    def __init__(self) -> None:
        # each with the run time of its end
        self._recent: dict[Side, deque[tuple[int, Stride]]] = {side: deque(maxlen=KEPT) for side in Side}

    def add(self, stride: Stride) -> None:
        """Remember a stride; one without run time cannot be placed and is left out."""
        if stride.ic_run_ns is not None:
            self._recent[stride.foot].append((_end_ns(stride), stride))

    def at(self, t_ns: int, totals: RunTotals, started_ns: int, *, sync_quality_ms: float | None = None) -> GaitWindow:
        """The window that ends at `t_ns`: strides that ended less than `WINDOW_S` before. Cadence in steps/min.

        `sync_quality_ms`: how far the clocks of the two feet may be apart; beyond `load.steps.SYNC_MS` or unknown there
        are no step and flight times of one side. The mean flight time of both feet needs none: it is for running.
        """
        from_ns = t_ns - int(WINDOW_S * NS)
        left, right = ([s for end_ns, s in self._recent[side] if end_ns > from_ns] for side in (Side.LEFT, Side.RIGHT))
        both = [*left, *right]
        running = [[s for s in foot if s.activity is Activity.RUN] for foot in (left, right)]
        measured = [s for s in both if measured_speed(s) is not None]
        step_s, flight_s = _steps(left, right) if sync_quality_ms is not None and sync_quality_ms <= SYNC_MS else _NONE
        return GaitWindow(
            window_s=WINDOW_S,
            activity=_activity(both),
            cadence_spm=_cadence(both),
            left=_foot(left),
            right=_foot(right),
            steps=totals.steps,
            distance_m=totals.distance_m,
            distance_calibrated=totals.measured,
            run_time_s=totals.run_time_s,
            walk_time_s=totals.walk_time_s,
            elapsed_s=max(0, t_ns - started_ns) / NS,
            flight_time_s=_flight(*running),
            step_time_left_s=step_s[0],
            step_time_right_s=step_s[1],
            flight_time_left_s=flight_s[0],
            flight_time_right_s=flight_s[1],
            sync_quality_ms=sync_quality_ms,
            run_distance_m=totals.run_distance_m,
            speed_mps=_mean([s.speed_mps for s in measured if s.speed_mps is not None]),
            speed_sd_mps=_mean([s.speed_sd_mps for s in measured if s.speed_sd_mps is not None]),
            speed_source=_most([s.speed_source for s in measured if s.speed_source is not None]),
            distance_sd_m=totals.distance_sd_m,
            estimated_m=totals.estimated_m,
            configured_m=totals.configured_m,
        )


def _end_ns(stride: Stride) -> int:
    end_ns = stride.ic_run_ns if stride.next_ic_run_ns is None else stride.next_ic_run_ns
    assert end_ns is not None  # add() keeps no stride without a run time
    return end_ns


def _activity(strides: Sequence[Stride]) -> Activity | None:
    """What most of the strides were; in a tie, what the latest was."""
    if not strides:
        return None
    running = [s.activity for s in strides].count(Activity.RUN)
    if 2 * running == len(strides):
        return max(strides, key=_end_ns).activity
    return Activity.RUN if 2 * running > len(strides) else Activity.WALK


def _most(words: Sequence[str]) -> str | None:
    """The commonest word; in a tie, the first in the alphabet."""
    return max(sorted(set(words)), key=words.count) if words else None


def _cadence(strides: Sequence[Stride]) -> float | None:
    """Two steps a stride over the mean stride time."""
    mean_s = _mean([s.stride_time_s for s in strides if s.stride_time_s is not None])
    return 120.0 / mean_s if mean_s else None


_Sides = tuple[float | None, float | None]
_NONE: tuple[_Sides, _Sides] = ((None, None), (None, None))


def _steps(left: Sequence[Stride], right: Sequence[Stride]) -> tuple[_Sides, _Sides]:
    """Mean step times, and flight times of running strides, each (left, right); walking has no flight."""
    feet = (left, right)
    step = [_mean([s.step_time_s for s in foot if s.step_time_s is not None]) for foot in feet]
    running = [[s for s in foot if s.activity is Activity.RUN] for foot in feet]
    flight = [_mean([s.flight_time_s for s in foot if s.flight_time_s is not None]) for foot in running]
    return (step[0], step[1]), (flight[0], flight[1])


def _flight(left: Sequence[Stride], right: Sequence[Stride]) -> float | None:
    """Mean flight time of running strides of both feet, without a common clock."""
    contacts = [_mean([s.contact_time_s for s in foot if s.contact_time_s is not None]) for foot in (left, right)]
    stride_s = _mean([s.stride_time_s for s in (*left, *right) if s.stride_time_s is not None])
    return mean_flight_s(stride_s, *contacts)


def _foot(strides: Sequence[Stride]) -> FootGait:
    contacts = [s.contact_time_s for s in strides if s.contact_time_s is not None]
    peaks = [Peak(s.impact_peak_g, s.impact_clipped) for s in strides if s.impact_peak_g is not None]
    return FootGait(
        n=len(strides),
        cadence_spm=_cadence(strides),
        contact_time_s=_mean(contacts),
        contact_n=len(contacts),
        # a median, because some peaks may be clipped; with many clipped ones it is a lower bound, and the share says so
        impact_peak_g=median_of(peaks).value if peaks else None,
        impact_clipped_share=[p.clipped for p in peaks].count(True) / len(peaks) if peaks else None,
        confidence=_mean([s.confidence for s in strides]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
