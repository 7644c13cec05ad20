"""Scripted violations against what is told: `python bench/violations.py [--violations N] [--noise N] [--runs N]`.

First at stride level, through load and plan: random runs, plans and drop-outs, and an oracle that says which stride or
tick must tell of what (`tests/plan/violations.py`). Then values that wander round a limit with noise on them
(`tests/plan/noise.py`). Then whole runs of the simulated runner, packets and the pipeline (`tests/plan/whole_runs.py`).
Every line that is not a number is something missed, spurious or late, with the script's own explanation.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sensord.model import NS, AlertPhase, Level
from sensord.plan.breach import Breach
from tests.plan import noise, violations, whole_runs


def scripted(wanted: int) -> int:
    """So many onsets at stride level; how many problems."""
    began, kinds, problems, seed, onsets = time.perf_counter(), Counter[str](), 0, 0, 0
    dropped = 0
    while onsets < wanted:
        script = violations.make(seed)
        must, lines = violations.check(script)
        for line in lines:
            print(line)
        problems += len(lines)
        seed, dropped = seed + 1, dropped + script.dropped
        onsets += sum(one.phase == "onset" for one in must)
        kinds.update(one.phase for one in must)
        kinds["at a tick"] += sum("tick" in one.why for one in must)
        kinds.update(one.rule for one in must if one.phase == "onset")
    print(f"stride level: {seed} scripts, {dropped} with drop-outs, in {time.perf_counter() - began:.0f} s")
    print("  " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    print(f"  {onsets} violations, {problems} missed, spurious, repeated or late")
    return problems


def noisy(series: int) -> int:
    """So many noisy series; how many with more onsets or ends than true crossings."""
    began, onsets, ends, crossed, problems = time.perf_counter(), 0, 0, 0, 0
    for seed in range(series):
        rng = random.Random(seed)
        true = noise.path(rng)
        values, (ups, downs) = noise.noisy(rng, true), noise.crossings(true)
        breach, told = Breach((Level.WARN,), 0.0), []
        for t_s, value in enumerate(values):
            beyond = Level.WARN if value > noise.LIMIT else Level.NONE
            told += breach.update(beyond, back=value < noise.CLEAR, clock_s=float(t_s), t_ns=t_s * NS)
        begun = sum(turn.phase is AlertPhase.ONSET for turn in told)
        ended = len(told) - begun
        problems += begun > ups or ended > downs or (not begun and max(true) > noise.LIMIT + noise.NOISE)
        onsets, ends, crossed = onsets + begun, ends + ended, crossed + ups
    print(
        f"noise: {series} series, {crossed} true crossings, {onsets} onsets, {ends} ends, {problems} series with more"
    )
    print(f"  in {time.perf_counter() - began:.0f} s")
    return problems


def whole(runs: int) -> int:
    """So many whole runs; how many problems."""
    began, onsets, problems, away = time.perf_counter(), 0, 0, 0
    for seed in range(runs):
        run = whole_runs.make(seed)
        count, lines = whole_runs.check(run)
        for line in lines:
            print(line)
        onsets, problems, away = onsets + count, problems + len(lines), away + (run.away_s is not None)
    print(f"whole pipeline: {runs} runs, {away} with drop-outs, {onsets} violations, {problems} missed or spurious")
    print(f"  in {time.perf_counter() - began:.0f} s")
    return problems


def main() -> int:
    """Print the counts; 1 when anything was missed, spurious, repeated or late."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--violations", type=int, default=10_000)
    parser.add_argument("--noise", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=200)
    asked = parser.parse_args()
    return min(1, scripted(asked.violations) + noisy(asked.noise) + whole(asked.runs))


if __name__ == "__main__":
    sys.exit(main())
