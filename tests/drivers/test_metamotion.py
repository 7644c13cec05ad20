"""MetaMotion: what must be on before anything is sent, what survives a link, ticks as clock and as loss detection."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from sensord.drivers import metamotion_wire as wire
from sensord.drivers.base import Await, PodInfo, Subscribe, Wanted, Write
from sensord.drivers.metamotion import MetaMotion
from sensord.drivers.metamotion_time import BELIEVE_AFTER
from sensord.errors import LinkError, LinkReason, PacketError
from sensord.model import G_MPS2, NS, Packet, SampleBlock
from sensord.sim.pods.metamotion import MetaMotionSim
from tests.drivers.conformance import SixSines, check_blocks, push_all, push_stubbornly, stamps, through_json
from tests.drivers.wireless import ADDRESS, POD, Wire

DRIVER = MetaMotion()
BOARDS = pytest.mark.parametrize("board", wire.BOARDS, ids=lambda board: board.name)
TICK_NS = 48e9 / 32768


def board_of(**options: Any) -> MetaMotionSim:
    return MetaMotionSim(ADDRESS, "MetaWear", **{"now_ns": 0, "source": SixSines(), **options})


class Forgetful(Wire):
    """Writes that begin with `forgets` never reach the pod."""

    forgets: bytes = b"none"

    def carry_out(self, request: Any) -> bytes:
        if isinstance(request, Write) and request.payload.startswith(self.forgets):
            return b""
        return super().carry_out(request)


# ------------------------------------------------------------------------------------------------------------ setup


@BOARDS
@pytest.mark.parametrize(
    "forgotten", ["130201", "030201", "130101", "030101", "090301", "0907"], ids=lambda text: f"without {text}"
)
def test_what_is_not_switched_on_sends_nothing_and_that_is_noticed(board: wire.Board, forgotten: str) -> None:
    link = Forgetful(board_of(board=board))
    link.forgets = bytes.fromhex(forgotten)
    with pytest.raises(LinkError, match="sends no sample") as caught:
        link.start(DRIVER)
    assert caught.value.reason is LinkReason.SETUP
    assert link.listen(NS) == []
    link.forgets = b"none"
    link.start(DRIVER)
    assert len(link.listen(NS)) == 100


@BOARDS
def test_what_a_board_is_set_to(board: wire.Board) -> None:
    link = Wire(board_of(board=board))
    info = link.start(DRIVER, Wanted(rate_hz=60.0, acc_range_g=5.0, gyr_range_dps=300.0))
    assert (info.rate_hz, info.acc_range_g, info.gyr_range_dps) == (50.0, 8.0, 500.0)
    assert (info.model, info.firmware, info.serial, info.battery_pct) == (board.name, "1.7.2", "000001", 100)
    assert (info.boot_id, info.details["processor"]) == (0, 2)
    assert isinstance(link.pod, MetaMotionSim)
    assert np.frombuffer(link.pod.connection, "<u2").tolist() == [6, 12, 0, 500]  # 7.5 to 15 ms, 5 s
    assert all(len(r.payload) <= 20 and not r.response for r in link.requests if isinstance(r, Write))


@pytest.mark.parametrize("model", ["", "2", "85"])
def test_other_boards_are_refused(model: str) -> None:
    link = Wire(board_of(board=replace(wire.MMS, model=model), capacity=10**6))
    with pytest.raises(LinkError, match="no MetaMotion") as caught:
        link.start(DRIVER)
    assert caught.value.reason is LinkReason.IDENTITY


def test_a_board_with_other_sensors_than_its_model_is_refused() -> None:
    link = Wire(board_of(board=replace(wire.MMS, acc_impl=1)))
    with pytest.raises(LinkError, match="other sensors"):
        link.start(DRIVER)


class Spoilt(Wire):
    """Answers are other ones."""

    spoil: tuple[bytes, bytes] = (b"", b"")

    def carry_out(self, request: Any) -> bytes:
        answer = super().carry_out(request)
        begins, other = self.spoil
        return other if isinstance(request, Await) and answer.startswith(begins) else answer


@pytest.mark.parametrize(
    ("begins", "other", "words"),
    [
        ("090302", "090302" + "00" * 12, "15 bytes, not 19"),
        ("0b84", "0b84ffffffff00", "ahead of its clock"),
        ("0383", "0383a800", "was set to"),
        ("0b80", "0b8000030800", "says of itself only"),
        ("1380", "1380", "has no GYR"),
    ],
)
def test_answers_that_cannot_be_right(begins: str, other: str, words: str) -> None:
    link = Spoilt(board_of())
    link.spoil = bytes.fromhex(begins), bytes.fromhex(other)
    with pytest.raises(LinkError, match=words):
        link.start(DRIVER)


@BOARDS
def test_what_others_left_behind_is_removed(board: wire.Board) -> None:
    """Sensors that stream, a chain with the same ids, events, triggers: all of it survives the link it was made in."""
    link = Wire(board_of(board=board))
    link.start(DRIVER, Wanted(rate_hz=50.0))
    for left in ("030401", f"13{board.gyr_data:02x}01", "0b020304ff60", "0b0101", "09020304ffa00f05"):
        link.carry_out(Write(wire.COMMAND, bytes.fromhex(left), response=False))
    link.pod.drop_link()
    link.now_ns += 5 * NS
    link.connect()
    link.carry_out(Subscribe(wire.NOTIFY))
    link.listen(NS)
    heads = {bytes(payload[:3]) for payload in link.answers[wire.NOTIFY]}
    assert {head[:2] for head in heads} == {b"\x03\x04", bytes([0x13, board.gyr_data]), b"\x09\x03"}, "it went on"
    assert isinstance(link.pod, MetaMotionSim)
    logged = link.pod.memory.length
    link.pod.drop_link()
    info = link.start(DRIVER)
    packets = link.listen(NS)
    assert info.details["processor"] == 2
    assert {packet.payload[:3] for packet in packets} == {b"\x09\x03\x02"}
    assert len(packets) == 100
    assert not link.pod.memory.logs
    assert link.pod.memory.length >= logged, "entries are not ours to erase"
    link.converse(DRIVER.stop())
    assert link.listen(NS) == []
    assert link.pod.filters == {}


# ------------------------------------------------------------------------------------------------------------- time


def numbered(n: int, period_ns: float = 1e7, first: int = 10) -> list[Packet]:
    """Samples that say their own number; they arrive at once."""
    return [
        at_tick(first + int(i * period_ns / TICK_NS), int(i * period_ns), (*divmod(i, 1000), 0, 0, 0, 0))
        for i in range(n)
    ]


def numbers(blocks: list[SampleBlock]) -> list[int]:
    rows = np.rint(np.concatenate([b.acc_mps2 for b in blocks]) / G_MPS2 * 2048).astype(int)
    return [1000 * thousands + rest for thousands, rest, _ in rows.tolist()]


def on_air(packets: list[Packet], *, loss: float, late_ms: float, seed: int) -> list[Packet]:
    """Over a bad link; the first half second is a good one."""
    dice = random.Random(seed)
    arrived, now_ns = packets[:50], packets[49].t_ns
    for packet in packets[50:]:
        if dice.random() >= loss:
            now_ns = max(now_ns, packet.t_ns + int(dice.random() * late_ms * 1e6))
            arrived.append(replace(packet, t_ns=now_ns))
    return arrived


@pytest.mark.parametrize("off", [-0.03, -0.011, 0.0, 0.007, 0.03])
def test_no_rate_makes_up_a_loss(off: float) -> None:
    decoder = fresh()
    blocks = push_all(decoder, on_air(numbered(5000, 1e7 / (1 + off)), loss=0.0, late_ms=150.0, seed=1))
    check_blocks(blocks)
    assert decoder.counts.rejected == {}
    assert (decoder.counts.samples, decoder.counts.lost) == (5000, 0)
    assert {b.segment for b in blocks} == {0}


@pytest.mark.parametrize("off", [-0.03, -0.011, 0.007, 0.03])
@pytest.mark.parametrize("loss", [0.02, 0.2, 0.6])
def test_losses_are_exact_whatever_the_rate(off: float, loss: float) -> None:
    """Up to three fifths of all packets are lost and all are late: each gap is told to the sample."""
    decoder = fresh()
    blocks = push_all(decoder, on_air(numbered(5000, 1e7 / (1 + off)), loss=loss, late_ms=60.0, seed=2))
    check_blocks(blocks)
    assert [b.missing_before for b in blocks[1:]] == [b - a - 1 for a, b in pairwise(numbers(blocks))]
    assert (decoder.counts.lost or 0) > 50
    assert decoder.counts.rejected == {}


@pytest.mark.parametrize(("gap_s", "most_off"), [(2, 0), (10, 1), (60, 2)])
@pytest.mark.parametrize("off", [-0.03, 0.013])
def test_a_long_gap_is_told_to_a_sample_or_two(gap_s: int, most_off: int, off: float) -> None:
    """As `about` says: once the period is measured."""
    packets = numbered(2000 + 100 * gap_s + 100, 1e7 / (1 + off))
    blocks = push_all(fresh(), [*packets[:2000], *packets[2000 + 100 * gap_s :]])
    assert blocks[2000].missing_before == pytest.approx(100 * gap_s, abs=most_off)
    assert sum(b.missing_before or 0 for b in blocks) == blocks[2000].missing_before
    assert {b.segment for b in blocks} == {0}


def fresh(ticks: int = 0, rate_hz: float = 100.0) -> Any:
    """A decoder whose board's clock read `ticks` at the link."""
    return DRIVER.decoder(info_at(ticks, rate_hz=rate_hz))


def info_at(ticks: int, *, boot_id: int = 0, rate_hz: float = 100.0) -> dict[str, Any]:
    details = {"clock_ticks": ticks, "processor": 2}
    return through_json(
        PodInfo("metamotion", "", "", "", rate_hz, 16.0, 2000.0, "tick32", boot_id, ticks * 1464, details=details)
    )


def at_tick(tick: int, rx_ns: int, raw: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> Packet:
    return Packet(POD, rx_ns, wire.NOTIFY, wire.encode_stamped(2, tick, raw))


def steady(n: int, first: int = 10, *, t0_ns: int = 0) -> list[Packet]:
    """A sample every 10 ms."""
    return [at_tick(first + int(i * 1e7 / TICK_NS), t0_ns + i * 10_000_000) for i in range(n)]


@pytest.mark.parametrize("ahead", [4, 16, 37, 300, 5000, 10**6, 2**31])
def test_a_tick_that_cannot_be_is_refused_and_shuts_nothing_out(ahead: int) -> None:
    packets = steady(400)
    whole = push_all(fresh(), packets)
    bad = at_tick(10 + int(200e7 / TICK_NS) + ahead, packets[200].t_ns)
    decoder = fresh()
    blocks = push_stubbornly(decoder, [*packets[:200], bad, *packets[201:]])
    assert decoder.counts.rejected_total == 1
    assert np.array_equal(stamps(blocks), np.delete(stamps(whole), 200))
    assert blocks[200].missing_before == 1


def test_samples_that_stay_away_from_the_line_are_believed_in_the_same_segment() -> None:
    """After a gap, all come earlier than any before it: refused at first, then told as lost."""
    packets = steady(300)
    late = [replace(p, t_ns=p.t_ns + 500_000_000) for p in packets[:200]]
    decoder = fresh()
    blocks = push_stubbornly(decoder, [*late, *packets[260:]])
    assert {b.segment for b in blocks} == {0}
    assert decoder.counts.rejected_total == BELIEVE_AFTER - 1
    assert blocks[200].missing_before == 60 + BELIEVE_AFTER - 1
    assert decoder.counts.lost == 300 - len(blocks)


def test_the_first_sample_is_near_the_clock_that_was_read() -> None:
    decoder = fresh(ticks=1000)
    for tick in (900, 1000 + 10**6):
        with pytest.raises(PacketError, match="after the clock was read"):
            decoder.push(at_tick(tick, 0))
    [block] = decoder.push(at_tick(1003, 1))
    assert block.t_pod_ns[0] == int(1003.5 * TICK_NS)


def test_a_wrapped_clock_goes_on_over_links() -> None:
    """The board says 32 bits of its clock; after a wrap they are small, and yet later."""
    span = wire.TICK_SPAN
    decoder = fresh(ticks=span - 500)
    before = push_all(decoder, steady(200, span - 400))
    assert before[-1].t_pod_ns[0] > span * TICK_NS
    decoder.link_up(info_at(5000))
    after = push_all(decoder, steady(50, 5100, t0_ns=round(5500 * TICK_NS)))
    check_blocks(before + after)
    assert {b.segment for b in after} == {0}
    assert after[0].missing_before == pytest.approx((5100 - 964) / 6.827 - 1, abs=2)


@pytest.mark.parametrize(("boot_id", "ticks"), [(1, 50), (0, 50), (0, 10**7)])
def test_a_restart_is_told_by_the_reset_uid_or_by_the_clock(boot_id: int, ticks: int) -> None:
    """The reset uid has three bits in the log's entries: a board may have started eight times meanwhile."""
    decoder = fresh(ticks=10**6)
    push_all(decoder, steady(100, 10**6 + 10))
    decoder.link_up(info_at(ticks, boot_id=boot_id))
    after = push_all(decoder, steady(100, ticks + 10, t0_ns=60 * NS))
    assert {b.segment for b in after} == {1}
    assert after[0].missing_before is None
    assert all(b.missing_before == 0 for b in after[1:])


def test_another_rate_is_another_segment() -> None:
    decoder = fresh()
    push_all(decoder, steady(100))
    decoder.link_up(info_at(1000, rate_hz=50.0))
    after = push_all(decoder, steady(100, 1010, t0_ns=2 * NS)[::2])
    assert {b.segment for b in after} == {1}
    assert sum(b.missing_before or 0 for b in after) == 0


def test_what_is_not_a_sample_is_refused_by_name() -> None:
    decoder = fresh()
    for payload, words in (
        ("", "too short"),
        ("0903", "too short"),
        ("118c633410", "packet type"),
        ("0304" + "00" * 6, "packet type"),
        ("090301" + "00" * 16, "processor 1"),
        ("090302" + "00" * 10, "3 values"),
        ("090302" + "00" * 15, "length"),
    ):
        with pytest.raises(PacketError, match=words):
            decoder.push(Packet(POD, 0, wire.NOTIFY, bytes.fromhex(payload)))
    assert decoder.counts.rejected_total == decoder.counts.packets == 7


def test_memory_is_bounded() -> None:
    dice = random.Random(1)
    decoder = fresh()
    packets = steady(3000)
    junk = [at_tick(dice.getrandbits(32), p.t_ns) for p in packets]
    push_stubbornly(decoder, [p for pair in zip(packets, junk, strict=True) for p in pair])
    line = decoder._line
    assert max(len(line._seen), len(line._suspects)) <= 64
    assert decoder.counts.samples > 2990
