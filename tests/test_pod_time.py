"""A pod's clock on ours: between two readings, beyond them, over restarts of the pod and of this machine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.model import NS
from sensord.pod_time import Axis, ClockFix, PodTime, epochs

HERE, BEFORE = "boot-now", "boot-before"
WALL = 1_780_000_000 * NS


def fix(at_s: float, pod_s: float, *, boot: str = HERE, wide_ms: float = 10.0, **more: object) -> ClockFix:
    at_ns, half_ns = round(at_s * NS), round(wide_ms * 5e5)
    values = {"wall_ns": WALL + at_ns + half_ns, "wall_trusted": True, **more}
    return ClockFix(boot, at_ns - half_ns, at_ns + half_ns, pod_ns=round(pod_s * NS), **values)  # type: ignore[arg-type]


def at(*seconds: float) -> np.ndarray:
    return np.rint(np.array(seconds) * NS).astype(np.int64)


@settings(max_examples=40, deadline=None)
@given(
    ppm=st.floats(-300, 300),
    offset_s=st.integers(-(10**6), 10**6),
    away_s=st.integers(60, 200_000),
    inside=st.floats(0, 1),
)
def test_a_steady_clock_is_mapped_to_the_microsecond(ppm: float, offset_s: int, away_s: int, inside: float) -> None:
    rate = 1 + ppm * 1e-6
    fixes = [fix(100 + t, offset_s + t * rate, wide_ms=0) for t in (0, away_s)]
    (clock,) = epochs(fixes, Axis.of(fixes))
    t = inside * away_s
    assert abs(int(clock.to_axis_ns(at(offset_s + t * rate))[0]) - round((100 + t) * NS)) < 2_000
    assert clock.to_axis_ns(at(offset_s, offset_s + away_s * rate)).tolist() == [100 * NS, (100 + away_s) * NS]


def test_beyond_the_readings_it_goes_on_as_it_went_and_always_forward() -> None:
    fixes = [fix(0, 50), fix(1000, 1050.1), fix(2000, 2050.2)]
    (clock,) = epochs(fixes, Axis.of(fixes))
    t = at(*np.linspace(-100, 3000, 5000))
    mapped = clock.to_axis_ns(t)
    assert np.all(np.diff(mapped) > 0)
    assert abs(int(clock.to_axis_ns(at(3050.3))[0]) - 3000 * NS) < 1000


def test_of_several_readings_in_a_row_the_quickest_counts() -> None:
    slow, quick = fix(10.0, 60.040, wide_ms=100), fix(10.2, 60.2, wide_ms=4)
    fixes = [slow, quick, fix(500, 550, wide_ms=4)]
    (clock,) = epochs(fixes, Axis.of(fixes))
    assert int(clock.to_axis_ns(at(60.2))[0]) == round(10.2 * NS)
    assert clock.error_ns(60_200_000_000) == 2_000_000


def test_the_error_grows_with_the_distance_from_a_reading() -> None:
    twice = [fix(0, 0), fix(1800, 1800)]
    (clock,) = epochs(twice, Axis.of(twice))
    assert clock.error_ns(0) == 5_000_000
    assert clock.error_ns(900 * NS) == 5_000_000 + 900 * 5_000
    (once,) = epochs(twice[:1], Axis.of(twice[:1]))
    assert once.error_ns(900 * NS) == 5_000_000 + 900 * 300_000


def test_a_restart_of_the_pod_begins_another_clock() -> None:
    by_time = [fix(0, 5000), fix(1800, 700)]
    assert len(epochs(by_time, Axis.of(by_time))) == 2
    by_id = [fix(0, 0, pod_boot=1), fix(1800, 1800, pod_boot=2)]
    assert len(epochs(by_id, Axis.of(by_id))) == 2
    unknown = [fix(0, 0, pod_boot=1), fix(1800, 1800.05), fix(1900, 1900.05, pod_boot=1)]
    assert len(epochs(unknown, Axis.of(unknown))) == 1


def test_a_restart_of_this_machine_is_bridged_by_the_wall_clock() -> None:
    """Two hours of one boot, 60 s of darkness, then the next."""
    fixes = [fix(7000, 100, boot=BEFORE, wall_ns=WALL + 7000 * NS + 5_000_000), fix(40, 400)]
    fixes[1] = fix(40, 400, wall_ns=WALL + 7300 * NS + 5_000_000)
    axis = Axis.of(fixes)
    assert axis.boot == HERE
    assert axis.place(BEFORE, 7000 * NS) == (40 - 300) * NS
    (clock,) = epochs(fixes, axis)
    assert clock.fixed_twice
    assert int(clock.to_axis_ns(at(250))[0]) == (40 - 150) * NS


@pytest.mark.parametrize("untrusted", [0, 1])
def test_without_a_trusted_wall_clock_only_this_boot_counts(untrusted: int) -> None:
    fixes = [fix(7000, 100, boot=BEFORE, wall_trusted=untrusted != 0), fix(40, 400, wall_trusted=untrusted != 1)]
    axis = Axis.of(fixes)
    assert axis.place(BEFORE, 7000 * NS) is None
    (clock,) = epochs(fixes, axis)
    assert not clock.fixed_twice
    assert (axis.wall_zero_ns is None) == (untrusted == 1)


def test_days_keep_their_nanoseconds() -> None:
    clock = PodTime([(0, 0, 0), (10 * 86400 * NS, 10 * 86400 * NS, 0)])
    t = np.arange(5) * 5_000_000 + 9 * 86400 * NS
    assert clock.to_axis_ns(t).tolist() == t.tolist()


def test_fixes_survive_their_file() -> None:
    one = fix(1, 2, pod_boot=77)
    assert ClockFix.from_json(one.to_json()) == one
