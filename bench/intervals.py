"""How well repetitions are found, all workouts of all shipped protocols: `python -m bench.intervals [--whole [ID]]`.

Made strides by default (minutes). `--whole`: the simulated body, its pods and the whole pipeline (two hours for all).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

from sensord.model import payload
from sensord.pipeline import Pipeline
from tests.plan.made_strides import alerts, done, intervals, run_of
from tests.plan.shipped_workouts import Found, course_of, found, protocols, repeats_of, simulated, true_runs

WAYS: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
    "as planned": ({}, {}),
    "3 s early or late": ({"late_s": 3.0}, {}),
    "traffic lights in half of the runs": ({"stops": 0.5}, {}),
    "pods lost for 20 s in half of the segments": ({"lost": 0.5}, {}),
    "2 % of strides called by the wrong name": ({}, {"odd": 0.02}),
    "stride times vary by 8 %": ({}, {"jitter": 0.08}),
}


def made(how: Mapping[str, float], told: Mapping[str, float]) -> Iterator[tuple[str, Found, int, float]]:
    """Workout, what was found, alerts, done_pct."""
    for stages in protocols().values():
        for seed, (_, text) in enumerate(stages):
            course = course_of(text, seed=seed, **how)
            said = run_of(course, text, repeats=repeats_of(text), seed=seed, **told)
            seen = found(course.runs, [payload(one) for one in intervals(said)])
            yield text, seen, len(alerts(said)), done(said).done_pct


def whole(protocol: str | None) -> Iterator[tuple[str, Found, int, float]]:
    for name, stages in protocols().items():
        for _, text in stages if protocol in (None, name) else ():
            course = course_of(text)
            run = simulated(text, course)
            pipeline = Pipeline(run.setup)
            events = [event for item in run.inputs for event in pipeline.push(item)] + pipeline.flush()
            seen = found(true_runs(run, course), [event.payload for event in events if event.kind == "interval"])
            [end] = [event.payload for event in events if event.kind == "workout_done"]
            yield text, seen, sum(event.kind == "alert" for event in events), float(end["done_pct"])


def show(name: str, rows: Iterator[tuple[str, Found, int, float]]) -> None:
    listed = list(rows)
    for text, seen, _, _ in listed:
        if seen.found != seen.true or seen.strides_off > 3.0:
            print(f"  {text}: {seen.found} of {seen.true} runs, {seen.strides_off:.1f} strides off")
    true, got = sum(seen.true for _, seen, _, _ in listed), sum(seen.found for _, seen, _, _ in listed)
    same = [seen.strides_off for _, seen, _, _ in listed if seen.found == seen.true]
    print(
        f"{name}: {len(listed)} workouts, {got} of {true} runs, worst boundary {max(same, default=0.0):.1f} strides, "
        f"{sum(n for _, _, n, _ in listed)} alerts, done at least {min(pct for *_, pct in listed):.1f} %",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", nargs="?", const="", default=None)
    args = parser.parse_args()
    if args.whole is not None:
        show("whole pipeline", whole(args.whole or None))
        return
    for name, (how, told) in WAYS.items():
        show(name, made(how, told))


if __name__ == "__main__":
    main()
