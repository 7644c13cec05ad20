"""The queue between callbacks and takers: in order, bounded, and what it drops is counted and told."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.drivers.inbox import Inbox
from sensord.model import Mark, MarkKind, Packet


def packet(n: int, pod: str = "a") -> Packet:
    return Packet(pod, n, "c", b"")


def mark(n: int) -> Mark:
    return Mark(n, MarkKind.NOTE, {"text": ""})


class Books:
    def __init__(self, room: int) -> None:
        self.got: list[Packet | Mark] = []
        self.told: list[tuple[str, int]] = []
        self.inbox = Inbox(self.got.append, self.got.append, lambda pod, n: self.told.append((pod, n)), room)


@given(st.lists(st.sampled_from(["put", "mark", "take", "b"]), max_size=200))
def test_received_is_handed_on_plus_dropped_and_nothing_overtakes(story: list[str]) -> None:
    books, put = Books(8), {"a": 0, "b": 0, "marks": 0}
    for n, step in enumerate(story):
        match step:
            case "take":
                books.inbox.drain(3)
            case "mark":
                books.inbox.put(mark(n))
                put["marks"] += 1
            case _:
                pod = "b" if step == "b" else "a"
                books.inbox.put(packet(n, pod))
                put[pod] += 1
        assert len(books.inbox) <= 8 + put["marks"]
    books.inbox.drain()
    got = {pod: sum(isinstance(i, Packet) and i.pod == pod for i in books.got) for pod in ("a", "b")}
    for pod in ("a", "b"):
        assert got[pod] + sum(n for name, n in books.told if name == pod) == put[pod]
    assert sum(isinstance(i, Mark) for i in books.got) == put["marks"]
    assert [i.t_ns for i in books.got] == sorted(i.t_ns for i in books.got)


async def test_it_hands_on_soon_and_lets_others_have_their_turn() -> None:
    books = Books(4096)
    task = asyncio.create_task(books.inbox.run())
    for n in range(1000):
        books.inbox.put(packet(n))
    turns = 0
    while len(books.got) < 1000:
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_a_taker_raises_ends_it() -> None:
    def broken(_: object) -> None:
        raise RuntimeError("no room on disk")

    inbox = Inbox(broken, broken, lambda _pod, _n: None)
    inbox.put(packet(0))
    with pytest.raises(RuntimeError, match="no room on disk"):
        await asyncio.wait_for(inbox.run(), 5)


def test_what_is_said_of_dropped_packets_at_the_very_end_is_handed_on_too() -> None:
    """The last drain, when links stop: nobody comes after it."""
    got: list[Packet | Mark] = []
    inbox = Inbox(got.append, got.append, lambda _pod, n: inbox.put(mark(n)), 4)
    for n in range(7):
        inbox.put(packet(n))
    inbox.drain()
    assert [item.t_ns for item in got if isinstance(item, Mark)] == [3]
    assert len(inbox) == 0
