"""Between the radio's callbacks and whoever takes what they bring: a queue with a bound, and a count of what it lost.

A callback only stamps and puts; a task hands on. When the taker cannot keep up, the newest packets are dropped and
counted, and the taker is told how many as soon as there is room: a loss of ours looks different from one on the air.
Marks are few and are never dropped, and nothing overtakes anything.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable

from sensord.model import Mark, Packet

ROOM = 4096
"""Design choice: packets of two pods of more than a minute, 2 MB; a taker that is so far behind will not catch up."""

AT_ONCE = 64
"""Design choice: items handed on before the event loop's other tasks have their turn."""


class Inbox:
    """Hands `Packet`s and `Mark`s on in order. `on_overflow(pod, n)`: n packets of a pod were dropped since last told.

    What the takers raise ends `run` with it.
    """

    def __init__(
        self,
        on_packet: Callable[[Packet], None],
        on_mark: Callable[[Mark], None],
        on_overflow: Callable[[str, int], None],
        room: int = ROOM,
    ) -> None:
        self._on_packet, self._on_mark, self._on_overflow = on_packet, on_mark, on_overflow
        self._room = room
        self._items: deque[Packet | Mark] = deque()
        self._dropped: Counter[str] = Counter()
        self._some = asyncio.Event()

    def put(self, item: Packet | Mark) -> None:
        """From a callback; never blocks."""
        if isinstance(item, Packet) and len(self._items) >= self._room:
            self._dropped[item.pod] += 1
        else:
            self._items.append(item)
        self._some.set()

    def __len__(self) -> int:
        return len(self._items)

    async def run(self) -> None:
        """Hands on until it is cancelled, or until a taker raises."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._items:
                self.drain(AT_ONCE)
                await asyncio.sleep(0)

    def drain(self, most: int | None = None) -> None:
        """Hands on now what is there, at most so many items; without a bound also what is put meanwhile."""
        for _ in range(len(self._items) if most is None else min(most, len(self._items))):
            item = self._items.popleft()
            if isinstance(item, Packet):
                self._on_packet(item)
            else:
                self._on_mark(item)
        if self._dropped and len(self._items) < self._room // 2:
            dropped, self._dropped = self._dropped, Counter()
            for pod, n in dropped.items():
                self._on_overflow(pod, n)
        if most is None and self._items:
            self.drain()
