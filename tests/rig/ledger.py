"""Conservation for any kind of pod: what was handed on in each link is what left the pod in it, in order, each once.

A carrier writes down every notification that left a pod (`tests.rig.sent`), a `Ledger` what a link handed on, and
`reconcile` lays one beside the other. What came before LINK_UP (answers to the setup) is not handed on; what came after
we had stopped listening is not either; in between nothing may be missing, doubled, or in another order.

A real kernel that gets no CPU drops what does not fit into a socket's buffer, as radios drop what is disturbed: where
that is allowed (`may_miss`), what is missing in between is counted, and nothing may be doubled or in another order
still. It is then for the pod's decoder to have noticed.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensord.errors import LinkReason, PacketError
from sensord.model import Mark, MarkKind, Packet
from tests.rig.harness import Books
from tests.rig.sent import WHICH, Entry, entry


@dataclass(slots=True)
class Balance:
    """Sums over the links of one pod. `head`: sent before LINK_UP; `tail`: sent after the last that was handed on.

    `cut`: of the tails, those of links that broke. Nobody had stopped listening, so that they should be empty.
    `missing`: sent in between and not handed on.
    """

    links: int = 0
    sent: int = 0
    received: int = 0
    head: int = 0
    tail: int = 0
    cut: int = 0
    missing: int = 0

    @property
    def conserved(self) -> bool:
        return self.sent == self.received + self.head + self.tail + self.missing


class Ledger(Books):
    """Books that stay small: checksums link by link instead of packets and blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.links: dict[str, list[list[Entry]]] = {}
        self.balance: dict[str, Balance] = {}
        self._ends: dict[str, list[str]] = {}
        self._sent: dict[str, list[list[Entry]]] = {}

    def on_packet(self, packet: Packet) -> None:
        self.links[packet.pod][-1].append(entry(packet.characteristic, packet.payload))
        try:
            self.decoders[packet.pod].push(packet)
        except PacketError:
            return  # counted by the decoder

    def on_mark(self, mark: Mark) -> None:
        super().on_mark(mark)
        if mark.kind is MarkKind.LINK_UP:
            self.links.setdefault(mark.data["pod"], []).append([])
        elif mark.kind is MarkKind.LINK_DOWN:
            ends = self._ends.setdefault(mark.data["pod"], [])
            if len(ends) < len(self.links.get(mark.data["pod"], ())):
                ends.append(mark.data["reason"])

    def reconcile(self, pod: str, sent: list[list[Entry]], *, last: bool, may_miss: bool = False) -> Balance:
        """Adds what a carrier wrote down since; AssertionError where it and what was handed on differ.

        The link that may be going on is left for later, unless `last`.
        """
        balance = self.balance.setdefault(pod, Balance())
        waiting = self._sent.setdefault(pod, [])
        waiting += sent
        mine = self.links.get(pod, [])
        n = len(mine) if last else max(len(mine) - 1, 0)
        ends = self._ends.get(pod, [])
        for received, end in zip(mine[:n], ends[:n], strict=True):
            broke = end == LinkReason.LOST
            tail = _settle(received, waiting, balance, pod, broke=broke, may_miss=may_miss)
            balance.cut += tail if broke else 0
            balance.links += 1
        self._ends[pod] = ends[n:]
        assert balance.conserved, balance
        self.links[pod] = mine[n:]
        if last:
            waiting.clear()
        return balance


def _settle(
    received: list[Entry], waiting: list[list[Entry]], balance: Balance, pod: str, *, broke: bool, may_miss: bool
) -> int:
    """Finds the connection that this link was, past those that never came to LINK_UP; returns its tail.

    Answers to a setup are the same in many connections: of those that fit, a link that broke is the one without a tail.
    """
    if not received:
        return 0
    kinds = {one[:WHICH] for one in received}
    why = ["no connection is left"]
    fits: list[tuple[int, bool, int, int, int]] = []
    for nth, sent in enumerate(waiting):
        data = [one for one in sent if one[:WHICH] in kinds]
        for head in (at for at, one in enumerate(data) if one == received[0]):
            missing = _missing(data[head:], received, at_most=len(data) if may_miss else 0)
            if missing is not None:
                tail = len(data) - head - len(received) - missing
                fits.append((missing, broke and tail > 0, nth, tail, head))
            else:
                why.append(_first_difference(data[head:], received))
    if not fits:
        raise AssertionError(f"{pod}: what was handed on is not what was sent: {why[:5]}")
    missing, _, nth, tail, head = min(fits)
    del waiting[: nth + 1]
    balance.sent += head + len(received) + missing + tail
    balance.missing += missing
    balance.received += len(received)
    balance.head += head
    balance.tail += tail
    return tail


def _missing(sent: list[Entry], received: list[Entry], *, at_most: int) -> int | None:
    """How many of `sent` are passed over when `received` is found in it in order; None: it is not, or too many."""
    if sent[: len(received)] == received:
        return 0
    if not at_most:
        return None
    at = 0
    for one in received:
        try:
            at = sent.index(one, at) + 1
        except ValueError:
            return None
    missing = at - len(received)
    return missing if missing <= at_most else None


def _first_difference(sent: list[Entry], received: list[Entry]) -> str:
    at = next(
        (i for i, (a, b) in enumerate(zip(sent, received, strict=False)) if a != b), min(len(sent), len(received))
    )
    return f"packet {at} of {len(received)}: {received[at : at + 3]}, sent were {sent[max(at - 1, 0) : at + 3]}"
