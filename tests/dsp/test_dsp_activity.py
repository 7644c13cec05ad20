"""Walking or running: what a step looks like, and what strides are called."""

from __future__ import annotations

import itertools

import pytest

from sensord.dsp.activity import CLEAR, ActivityState, run_score
from sensord.model import Activity

WALK, RUN = (-3.0, (110.0, 0.62)), (4.0, (165.0, 0.35))


def called(*steps: tuple[float, tuple[float, float]]) -> str:
    """First letters of what the strides between these steps are called."""
    state = ActivityState()
    pairs = itertools.pairwise(steps)
    return "".join(state.of(score, after, *stride).value[0] for (score, stride), (after, _) in pairs)


@pytest.mark.parametrize(
    ("stride_s", "contact_s", "flat_s", "runs"),
    [
        (0.79, 0.41, 0.12, True),  # a jog of 6 km/h, 152 steps/min, without flight (the walking rule: 0.03 s more)
        (0.85, 0.45, 0.12, True),  # the same at 141
        (0.70, 0.28, 0.05, True),
        (0.50, 0.17, 0.0, True),
        (0.82, 0.47, 0.20, False),  # 2.2 m/s, 146 steps/min
        (1.09, 0.68, 0.36, False),
        (1.60, 1.00, 0.50, False),
    ],
)
def test_what_a_step_looks_like(stride_s: float, contact_s: float, flat_s: float, *, runs: bool) -> None:
    score = run_score(stride_s - 0.07, contact_s, flat_s)
    assert (score > 0.0) is runs


def test_signs_that_are_missing_do_not_count() -> None:
    assert run_score(0.6, None, None) > CLEAR
    assert run_score(1.1, None, None) < -CLEAR
    assert run_score(0.6, 0.3, None) > run_score(0.6, None, None)


def test_a_change_is_told_with_its_first_stride() -> None:
    assert called(WALK, WALK, RUN, RUN, RUN) == "wwrr"
    assert called(RUN, RUN, WALK, WALK, WALK) == "rrww"


def test_one_odd_stride_changes_nothing() -> None:
    assert called(RUN, RUN, WALK, RUN, RUN) == "rrrr"
    assert called(WALK, WALK, RUN, WALK, WALK) == "wwww"


def test_strides_in_between_are_called_as_before() -> None:
    between = (0.5, (137.0, 0.53))
    assert called(WALK, *[between] * 5) == "wwwww"
    assert called(RUN, *[(-0.5, (137.0, 0.53))] * 5) == "rrrrr"


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
