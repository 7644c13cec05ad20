"""Every workout of every shipped protocol: each repetition is found, its boundaries within three strides.

With made strides: all workouts, done as planned and with a person's inexactness. Through the simulated body, its pods,
their bytes and the whole pipeline: one workout of each protocol (`bench/intervals.py` plays all).
"""

from __future__ import annotations

import pytest

from sensord.model import payload
from sensord.pipeline import Pipeline
from tests.plan.made_strides import alerts, done, intervals, run_of
from tests.plan.shipped_workouts import course_of, found, protocols, repeats_of, shortest, simulated, true_runs

PROTOCOLS = protocols()
STRIDES_OFF = 3.0


def judged(text: str, seed: int, **how: float) -> None:
    course = course_of(text, seed=seed, **how)
    said = run_of(course, text, repeats=repeats_of(text), seed=seed)
    seen = found(course.runs, [payload(one) for one in intervals(said)])
    assert (seen.found, text) == (seen.true, text)
    assert seen.strides_off <= STRIDES_OFF
    end = done(said)
    short = [one for one in end.intervals if one.kind == "run" and one.quality == "short" and not one.optional]
    assert (end.merged, end.extra, end.missed, short) == (0, 0, 0, [])
    assert end.done_pct >= 97.0
    assert not alerts(said)


def test_all_protocols_are_here() -> None:
    assert len(PROTOCOLS) == 18
    assert sum(map(len, PROTOCOLS.values())) == 137


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_shortest_workout_of_each_protocol(protocol: str) -> None:
    judged(shortest(PROTOCOLS[protocol])[1], seed=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_repetition_of_every_workout_is_found(protocol: str) -> None:
    for seed, (_, text) in enumerate(PROTOCOLS[protocol]):
        judged(text, seed)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("protocol", sorted(set(PROTOCOLS) - {"ud-track"}))
def test_every_repetition_is_found_however_people_do_it(protocol: str) -> None:
    """Not on the track: 2 miles in pieces of 100 m leave a run of 19 m, and lights do not stand on tracks."""
    for seed, (_, text) in enumerate(PROTOCOLS[protocol]):
        judged(text, seed, late_s=3.0, stops=0.5, lost=0.3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_workout_of_each_protocol_through_the_whole_pipeline(protocol: str) -> None:
    _, text = shortest(PROTOCOLS[protocol])
    course = course_of(text, most=False, home_s=20.0)
    made = simulated(text, course)
    pipeline = Pipeline(made.setup)
    events = [event for item in made.inputs for event in pipeline.push(item)] + pipeline.flush()
    seen = found(true_runs(made, course), [event.payload for event in events if event.kind == "interval"])
    assert seen.found == seen.true
    assert seen.strides_off <= STRIDES_OFF
    [end] = [event.payload for event in events if event.kind == "workout_done"]
    assert (end["merged"], end["extra"]) == (0, 0)
    [summary] = [event.payload for event in events if event.kind == "summary"]
    assert summary["workout"]["reps_done"] == end["reps_done"]
