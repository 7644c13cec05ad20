"""Two sensors with times of their own: joined the same however they are cut, never over a gap, in bounded memory."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers.joined import MOST_WAITING, Joined, Joiner, Part
from sensord.model import IntArray

STEP_NS = 5_000_000


def part(first: int, n: int, shift_ns: int = 0, missing: int = 0, rx_ns: int = 0) -> Part:
    """Samples number first ... with values that say which they are."""
    number = np.arange(first, first + n)
    t_ns: IntArray = number * STEP_NS + shift_ns
    return Part(t_ns, np.column_stack([t_ns / STEP_NS, -number, number * 0]), np.zeros(n, np.uint8), missing, rx_ns)


def numbers(joined: list[Joined]) -> list[int]:
    return [int(t) // STEP_NS for one in joined for t in one.t_ns]


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shift_ns=st.integers(-2 * STEP_NS, 2 * STEP_NS),
    lost=st.sets(st.integers(0, 40), max_size=8),
)
def test_cuts_and_order_change_nothing(seed: int, shift_ns: int, lost: set[int]) -> None:
    """Frames of 10 samples of both, some lost, against the same sent in other pieces and in another order."""
    kept = [(kind, i) for i in range(20) for kind in ("acc", "gyr") if 2 * i + (kind == "gyr") not in lost]

    def join(pieces: list[tuple[str, int, int]]) -> list[Joined]:
        joiner, joined, ends = Joiner(1e9 / STEP_NS), [], {"acc": 0, "gyr": 0}
        for kind, first, n in pieces:
            made = part(first, n, shift_ns if kind == "gyr" else 0, first - ends[kind])
            ends[kind] = first + n
            (joiner.add_acc if kind == "acc" else joiner.add_gyr)(made)
            joined += joiner.take()
        return joined

    plain = join([(kind, 10 * i, 10) for kind, i in kept])
    dice = random.Random(seed)
    cut = []
    for kind, i in kept:
        at = dice.randrange(11)
        cut += [(kind, 10 * i, at), (kind, 10 * i + at, 10 - at)]
    queues = {kind: [c for c in cut if c[0] == kind and c[2]] for kind in ("acc", "gyr")}
    mixed = []
    while any(queues.values()):
        mixed.append(queues[dice.choice([kind for kind, queue in queues.items() if queue])].pop(0))
    other = join(mixed)
    for field in ("t_ns", "acc", "gyr", "saturated"):
        one, two = (np.concatenate([getattr(j, field) for j in js]) if js else np.zeros(0) for js in (plain, other))
        assert np.array_equal(one, two), field
    got = numbers(plain)
    assert got == sorted(set(got))
    told = [(j.missing, int(j.t_ns[0]) // STEP_NS, int(j.t_ns[-1]) // STEP_NS) for j in plain]
    for (_, _, before), (missing, first, _) in pairwise(told):
        assert first - before - 1 == missing
    # what is joined is the gyroscope's straight line at that time, or its sample there
    for j in plain:
        off = np.abs(j.gyr[:, 0] - j.t_ns / STEP_NS)
        assert off.max() <= 0.02 + 1e-9
        assert all(2 * (n // 10) not in lost for n in numbers([j]))


def test_says_when_the_later_of_both_was_known() -> None:
    joiner = Joiner(200.0)
    joiner.add_acc(part(0, 10, rx_ns=1))
    assert joiner.take() == []
    joiner.add_gyr(part(0, 6, rx_ns=2))
    (first,) = joiner.take()
    assert (len(first.t_ns), first.rx_ns) == (6, 2)  # it ends where the gyroscope's part does
    joiner.add_gyr(part(6, 9, rx_ns=3))
    (second,) = joiner.take()
    assert (len(second.t_ns), second.rx_ns) == (4, 1)  # it ends where the accelerometer's part did
    assert second.missing == 0


@pytest.mark.parametrize("kind", ["acc", "gyr"])
def test_one_that_is_alone_does_not_pile_up(kind: str) -> None:
    joiner = Joiner(200.0)
    add = joiner.add_acc if kind == "acc" else joiner.add_gyr
    for i in range(100):
        add(part(100 * i, 100))
        assert joiner.take() == []
    waiting = joiner._acc if kind == "acc" else joiner._gyr
    assert len(waiting) == MOST_WAITING


def test_parted_links_are_not_joined_and_what_waited_is_missing() -> None:
    joiner = Joiner(200.0)
    joiner.add_acc(part(0, 10))
    joiner.add_gyr(part(0, 5))
    assert numbers(joiner.take()) == [0, 1, 2, 3, 4]
    joiner.part()
    joiner.add_gyr(part(20, 10, missing=15))
    joiner.add_acc(part(20, 10, missing=10))
    (after,) = joiner.take()
    assert (int(after.t_ns[0]) // STEP_NS, after.missing) == (20, 15)
