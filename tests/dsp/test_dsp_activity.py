"""Walking or running: what a step looks like, and what strides are called."""

from __future__ import annotations

import itertools

import pytest

from sensord.dsp.activity import CLEAR, ActivityState, run_score
from sensord.dsp.walking import Signs
from sensord.model import Activity

WALK, RUN = (-3.0, (110.0, 0.62)), (4.0, (165.0, 0.35))


def called(*steps: tuple[float, tuple[float, float]]) -> str:
    """First letters of what the strides between these steps are called."""
    state = ActivityState()
    pairs = itertools.pairwise(steps)
    return "".join(state.of(score, after, *stride).value[0] for (score, stride), (after, _) in pairs)


@pytest.mark.parametrize(
    ("stride_s", "signs", "runs"),
    [
        (0.79, Signs(0.42, 0.12, 0.17), True),  # a jog of 6 km/h, 152 steps/min, without flight
        (0.85, Signs(0.46, 0.12, 0.17), True),  # the same at 141
        (0.70, Signs(0.28, 0.05, 0.17), True),
        (0.70, Signs(0.28, 0.0, 0.06), True),  # the second fold hides the first
        (0.50, Signs(0.17, 0.0, 0.06), True),
        (0.82, Signs(0.47, 0.20, 0.05), False),  # 2.2 m/s, 146 steps/min
        (0.80, Signs(0.45, 0.16, 0.05), False),  # the same at 150, hardly any double support
        (1.09, Signs(0.68, 0.36, 0.06), False),
        (1.60, Signs(1.00, 0.50, 0.08), False),
        (1.67, Signs(0.75, 0.0, 0.17), False),  # 72 steps/min: whatever it is, no run
    ],
)
def test_what_a_step_looks_like(stride_s: float, signs: Signs, *, runs: bool) -> None:
    assert (run_score(stride_s - 0.07, signs) > 0.0) is runs


def test_signs_that_are_missing_do_not_count() -> None:
    assert run_score(0.6, None) > CLEAR
    assert run_score(1.1, None) < -CLEAR
    assert run_score(0.6, Signs(0.3, 0.0, 0.17)) > run_score(0.6, None)


def test_a_change_is_told_with_its_first_stride() -> None:
    assert called(WALK, WALK, RUN, RUN, RUN) == "wwrr"
    assert called(RUN, RUN, WALK, WALK, WALK) == "rrww"


def test_one_odd_stride_changes_nothing() -> None:
    assert called(RUN, RUN, WALK, RUN, RUN) == "rrrr"
    assert called(WALK, WALK, RUN, WALK, WALK) == "wwww"


def test_strides_in_between_are_called_as_before_until_three_agree() -> None:
    to_run, to_walk = (0.5, (137.0, 0.53)), (-0.5, (137.0, 0.53))
    assert called(WALK, to_run, to_run, to_walk, to_run, to_run, to_walk) == "wwwwww"
    assert called(WALK, *[to_run] * 5) == "wwwrr"
    assert called(RUN, *[to_walk] * 5) == "rrrww"


def test_a_contact_that_does_not_tell_changes_nothing() -> None:
    state = ActivityState()
    assert state.of(WALK[0], WALK[0], *WALK[1]) is Activity.WALK
    assert state.of(RUN[0], None, *RUN[1]) is Activity.WALK
    assert state.of(None, RUN[0], *RUN[1]) is Activity.WALK
    state.restart()
    assert state.of(RUN[0], None, *RUN[1]) is Activity.RUN


@pytest.mark.parametrize(
    ("cadence", "duty", "expected"),
    [
        (150.0, 0.51, Activity.RUN),  # grounded running has no flight
        (125.0, 0.45, Activity.RUN),
        (120.0, 0.60, Activity.WALK),
        (120.0, None, Activity.WALK),
        (170.0, None, Activity.RUN),
        (145.0, 0.60, Activity.RUN),  # in between: cadence decides
    ],
)
def test_a_first_stride_whose_steps_do_not_tell(cadence: float, duty: float | None, expected: Activity) -> None:
    assert ActivityState().of(None, None, cadence, duty) is expected
