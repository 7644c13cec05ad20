"""Values that wander round a limit with noise on them, and how often they truly cross it."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

from sensord.model import NS, Alert, RunTotals, Side
from sensord.plan.limits import Limits
from tests.plan.made_plans import stride

LIMIT, CLEAR = 3.0, 2.85
MIDDLE = (LIMIT + CLEAR) / 2
NOISE = 0.98 * (LIMIT - CLEAR) / 2
"""Less than half of the margin: what goes from an alert to its end and back has truly crossed the middle."""


def path(rng: random.Random, seconds: int = 240) -> list[float]:
    """Now above, now below, often for long at the limit itself."""
    values, value = [], rng.uniform(2.6, 3.2)
    while len(values) < seconds:
        to = rng.choice([rng.uniform(2.6, 3.3), LIMIT, CLEAR, MIDDLE])
        for _ in range(rng.randint(5, 60)):
            value += max(-0.02, min(0.02, to - value))
            values.append(value)
    return values[:seconds]


def noisy(rng: random.Random, values: list[float]) -> list[float]:
    """With noise of one value to the next, and of the worst kind: from end to end."""
    worst = rng.random() < 0.5
    return [v + (rng.choice([-NOISE, NOISE]) if worst else rng.uniform(-NOISE, NOISE)) for v in values]


def crossings(values: list[float]) -> tuple[int, int]:
    """How often the middle is crossed upwards (beginning above it counts) and downwards."""
    sides = [value > MIDDLE for value in values]
    ups = sum(b and not a for a, b in zip([False, *sides], sides, strict=False))
    downs = sum(a and not b for a, b in itertools.pairwise(sides))
    return ups, downs


def run_at(under_test: Limits, speeds: list[float]) -> list[Alert]:
    """Runs at these speeds, a stride a second of running time."""
    said = under_test.start(0)
    for second, speed in enumerate(speeds, start=1):
        one = replace(stride(Side.LEFT, None), speed_mps=speed, speed_source="trajectory")
        said += under_test.on_stride(one, second * NS)
        said += under_test.on_totals(RunTotals(2 * second, 3.0 * second, 3.0 * second, float(second)), second * NS)
        said += under_test.on_tick(second * NS)
    return [one for one in said if isinstance(one, Alert)]
