"""A MetaMotion's log: what is armed, pages that are erased once they are kept, entries to samples."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from sensord.drivers import metamotion_wire as wire
from sensord.drivers.base import LOG, Keep, PodInfo, Read, Subscribe, Wanted, Write
from sensord.drivers.metamotion import MetaMotion
from sensord.errors import LinkError, LinkReason, PacketError
from sensord.model import G_MPS2, NS, Packet, SampleBlock
from sensord.sim.pods.metamotion import MetaMotionSim
from sensord.sim.pods.metamotion_log import PAGE_ENTRIES
from tests.drivers.conformance import SixSines, check_blocks, check_joined, push_all, stamps, through_json, values
from tests.drivers.wireless import ADDRESS, POD, Wire

DRIVER = MetaMotion()
BOARDS = pytest.mark.parametrize("board", wire.BOARDS, ids=lambda board: board.name)
TICK_NS = 48e9 / 32768


def link_to(**options: Any) -> Wire:
    return Wire(MetaMotionSim(ADDRESS, "MetaWear", **{"now_ns": 0, "source": SixSines(), **options}))


def memory_of(link: Wire) -> Any:
    assert isinstance(link.pod, MetaMotionSim)
    return link.pod.memory


def arm(link: Wire, wanted: Wanted | None = None) -> dict[str, Any]:
    link.connect()
    return through_json(link.converse(DRIVER.arm(wanted or Wanted())))


def fetch(link: Wire, armed: dict[str, Any]) -> PodInfo:
    link.pod.drop_link()
    link.connect()
    info = link.converse(DRIVER.recover(armed))
    assert isinstance(info, PodInfo)
    return info


def read(armed: dict[str, Any], kept: list[bytes]) -> tuple[Any, list[SampleBlock]]:
    decoder = DRIVER.log_decoder(armed)
    blocks = push_all(decoder, [Packet(POD, i, LOG, piece) for i, piece in enumerate(kept)])
    check_blocks(blocks)
    return decoder, blocks


# ------------------------------------------------------------------------------------------------------------- arm


@BOARDS
@pytest.mark.parametrize("rate_hz", [25.0, 100.0, 200.0])
def test_what_was_logged_is_read_to_the_last_entry(board: wire.Board, rate_hz: float) -> None:
    """The S holds its last page back until it is flushed."""
    link = link_to(board=board)
    armed = arm(link, Wanted(rate_hz=rate_hz))
    link.pod.drop_link()
    link.now_ns += 7 * NS
    fetch(link, armed)
    _, blocks = read(armed, link.kept)
    check_joined(blocks)
    t_ns = stamps(blocks)
    fetched_ns = link.fixes[-1][1]
    assert fetched_ns - t_ns[-1] < 1e9 / rate_hz + 0.3 * NS  # the flush is given 0.2 s
    assert np.allclose(np.diff(t_ns), 1e9 / rate_hz, rtol=0, atol=TICK_NS)
    assert len(t_ns) == pytest.approx(7.3 * rate_hz, abs=0.3 * rate_hz)
    assert memory_of(link).length == 0, "confirmed pages are erased"


def test_minutes_and_ids_are_told() -> None:
    armed = arm(link_to())
    assert armed["details"]["log_ids"] == [0, 1, 2, 3]
    assert armed["details"]["log_minutes"] == round(DRIVER.about.log.minutes or 0) == 1391
    assert armed["rate_hz"] == 200.0
    assert arm(link_to(board=wire.MMRL))["details"]["log_minutes"] == 22


def test_a_board_that_says_it_holds_next_to_nothing_is_not_armed() -> None:
    """11,136 entries: what old firmware of 8 MB boards said."""
    link = link_to(board=wire.MMRL, capacity=11_136)
    with pytest.raises(LinkError, match=r"room for 0\.2 minutes at 200 Hz") as caught:
        arm(link)
    assert caught.value.reason is LinkReason.SETUP
    assert not memory_of(link).enabled


def test_a_log_that_nobody_released_is_kept_and_left_out() -> None:
    link = link_to()
    first = arm(link)
    link.listen(5 * NS)
    second = arm(link)
    assert second["details"]["log_had_entries"] > 3000
    link.listen(5 * NS)
    fetch(link, second)
    _, old = read(first, link.kept)
    _, new = read(second, link.kept)
    assert stamps(new)[0] > second["clock_us"] * 1000 - 2 * TICK_NS
    assert stamps(old)[0] < first["clock_us"] * 1000 + 0.1 * NS
    assert len(stamps(old)) > len(stamps(new)) + 900


def test_a_log_that_is_to_be_kept_is_not_ended_by_a_stream() -> None:
    """Entries stay in either case."""
    link = link_to()
    armed = arm(link)
    link.listen(5 * NS)
    with pytest.raises(LinkError, match="it is logging"):
        link.start(DRIVER, Wanted(keep_log=True))
    assert memory_of(link).logs
    link.listen(5 * NS)
    link.start(DRIVER)
    assert not memory_of(link).logs
    link.start(DRIVER, Wanted(keep_log=True))
    fetch(link, armed)
    _, blocks = read(armed, link.kept)
    check_joined(blocks)
    assert len(stamps(blocks)) == pytest.approx(2000, abs=150)


def test_an_empty_battery_is_not_armed() -> None:
    link = link_to()
    link.pod.battery_pct = 5.0
    with pytest.raises(LinkError, match="battery is nearly empty: 5 %"):
        arm(link)


class Other(Wire):
    """Some writes never reach the pod; some answers are others."""

    forgets: bytes = b"none"
    spoil: tuple[bytes, bytes] = (b"none", b"")

    def carry_out(self, request: Any) -> bytes:
        if isinstance(request, Write) and request.payload.startswith(self.forgets):
            return b""
        answer = super().carry_out(request)
        begins, other = self.spoil
        return other if answer.startswith(begins) and not isinstance(request, Read) else answer


@pytest.mark.parametrize(
    ("forgotten", "words"),
    [
        ("030201", "its ACC was set up and started, and gives no sample"),
        ("130101", "its GYR was set up and started, and gives no sample"),
        ("0b0101", "told to log, and says that it does not"),
        ("0b02", "no answer to what to log"),
    ],
)
def test_a_board_that_would_log_nothing_is_noticed(forgotten: str, words: str) -> None:
    link = Other(link_to().pod)
    link.forgets = bytes.fromhex(forgotten)
    with pytest.raises(LinkError, match=words):
        arm(link)


def test_firmware_that_sends_no_pages_is_not_armed() -> None:
    link = Other(link_to().pod)
    link.spoil = bytes.fromhex("0b80"), bytes.fromhex("0b80000108" + "0000fb03" + "0002")
    with pytest.raises(LinkError, match="in pages"):
        arm(link)


# --------------------------------------------------------------------------------------------------------- recover


def test_a_page_is_confirmed_when_it_is_kept_and_not_before() -> None:
    link = link_to()
    armed = arm(link)
    link.now_ns += 5 * NS
    fetch(link, armed)
    kinds = [
        "keep" if isinstance(request, Keep) else "confirm"
        for request in link.requests
        if isinstance(request, Keep) or (isinstance(request, Write) and request.payload == b"\x0b\x0e")
    ]
    assert kinds == ["keep", "confirm"] * (len(kinds) // 2)
    assert len(kinds) > 30
    done = [p.done for p in link.progress]
    assert done[0] == 0
    assert done[-1] == link.progress[-1].total == sum((len(k) - 6) // 9 for k in link.kept)


def test_a_page_that_is_not_confirmed_stalls_and_comes_again() -> None:
    link = link_to()
    armed = arm(link)
    link.now_ns += 5 * NS
    link.pod.drop_link()
    link.connect()
    for text in ("0b0100", "0b1001", "0b0701", "0b0d01", "0b0801"):
        link.carry_out(Write(wire.COMMAND, bytes.fromhex(text), response=False))
    link.carry_out(Subscribe(wire.NOTIFY))
    link.carry_out(Write(wire.COMMAND, wire.encode_readout(2000, 0), response=False))
    link.answers.clear()
    seen = [n.payload for _ in range(200) for n in self_due(link)]
    entries = [p for p in seen if p.startswith(b"\x0b\x07")]
    assert sum((len(p) - 2) // 9 for p in entries) == PAGE_ENTRIES
    assert seen[-2:] == [b"\x0b\x08" + (2000 - PAGE_ENTRIES).to_bytes(4, "little"), b"\x0b\x0d"]
    fetch(link, armed)
    assert link.kept[0][2:20] == entries[0][2:]


def self_due(link: Wire) -> list[Any]:
    link.now_ns += 10_000_000
    return link.pod.due(link.now_ns)


def test_another_board_is_not_fetched_for_this_one() -> None:
    armed = arm(link_to())
    other = Wire(MetaMotionSim("C0:00:00:00:00:99", "MetaWear", now_ns=0))
    with pytest.raises(LinkError, match="000099 was not armed, 000001 was") as caught:
        fetch(other, armed)
    assert caught.value.reason is LinkReason.IDENTITY


def test_a_board_that_restarted_meanwhile_says_so_and_hands_over_what_it_has() -> None:
    link = link_to(board=wire.MMRL)
    armed = arm(link)
    link.now_ns += 5 * NS
    link.pod.due(link.now_ns)
    link.pod.reboot(link.now_ns)
    link.now_ns += 5 * NS
    info = fetch(link, armed)
    assert (armed["boot_id"], info.boot_id) == (0, 1)
    _, blocks = read(armed, link.kept)
    check_joined(blocks)
    assert 990 <= len(stamps(blocks)) <= 1020


def test_a_log_that_is_full_ends_and_keeps_its_beginning() -> None:
    link = link_to(board=wire.MMRL, capacity=60_102)
    armed = arm(link, Wanted(rate_hz=12.0))
    link.pod.drop_link()
    link.now_ns += 700 * NS
    fetch(link, armed)
    _, blocks = read(armed, link.kept)
    check_joined(blocks)
    assert len(stamps(blocks)) == 60_102 // 4
    assert stamps(blocks)[0] < armed["clock_us"] * 1000 + 0.1 * NS


def test_what_a_release_does_not_erase_is_noticed() -> None:
    link = Other(link_to().pod)
    arm(link)
    link.listen(5 * NS)
    link.forgets = bytes.fromhex("0b09")
    with pytest.raises(LinkError, match=r"holds .* entries still"):
        link.converse(DRIVER.release())
    link.forgets = b"none"
    link.converse(DRIVER.release())
    assert memory_of(link).length == 0
    assert memory_of(link).triggers == {}


# --------------------------------------------------------------------------------------------------------- entries

INFO = {
    "driver": "metamotion", "model": "MetaMotion S", "firmware": "", "serial": "", "rate_hz": 200.0,
    "acc_range_g": 16.0, "gyr_range_dps": 2000.0, "clock": "tick32", "boot_id": 2, "clock_us": 0,
    "details": {"clock_ticks": 100, "log_ids": [0, 1, 2, 3]},
}  # fmt: skip


def entries(
    n: int, *, first_ns: float = 2e8, gyr_late_ns: float = 0.0, uid: int = 2, slope: int = 10, rate_hz: float = 200.0
) -> np.ndarray:
    """Entries (n, 4) of samples whose axes are their number times something."""
    t_ns = first_ns + np.arange(n) * 1e9 / rate_hz
    made = np.zeros((n, 4), wire.ENTRY)
    number = np.arange(n)
    for k, (late_ns, data) in enumerate(
        (
            (0.0, number | (number & 0xFFFF) << 16),
            (0.0, number),
            (gyr_late_ns, (slope * number) & 0xFFFF | ((slope * number) & 0xFFFF) << 16),
            (gyr_late_ns, slope * number),
        )
    ):
        made[:, k] = list(zip([k | uid << 5] * n, ((t_ns + late_ns) // TICK_NS).astype(int), data, strict=True))
    return made


def decode(decoder: Any, made: np.ndarray) -> list[SampleBlock]:
    blocks = push_all(decoder, [Packet(POD, 1, LOG, wire.seal(made.tobytes()))])
    check_blocks(blocks)
    return blocks


def counts_of(blocks: list[SampleBlock]) -> tuple[np.ndarray, np.ndarray]:
    rows = values(blocks)
    return rows[:, 0] / G_MPS2 * 2048, np.rad2deg(rows[:, 3]) * 16.4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_however_pieces_are_cut_and_repeated_they_give_the_same(seed: int) -> None:
    made = entries(1500).reshape(-1)
    whole = decode(DRIVER.log_decoder(INFO), made)
    assert counts_of(whole)[0] == pytest.approx(np.arange(1500))
    assert counts_of(whole)[1] == pytest.approx(10 * np.arange(1500))
    dice = random.Random(seed)
    decoder, blocks, at = DRIVER.log_decoder(INFO), [], 0
    while at < len(made):
        end = min(at + dice.randint(1, 300), len(made))
        blocks += decode(decoder, made[max(0, at - dice.choice([0, 0, 3, 200])) : end])
        at = end
    assert np.array_equal(stamps(blocks), stamps(whole))
    assert np.array_equal(values(blocks), values(whole))
    check_joined(blocks)
    assert decode(decoder, made[-400:]) == []
    assert decoder.counts.duplicates >= 1
    assert decoder.counts.lost == 0


@pytest.mark.parametrize("late_ms", [1.0, 2.5, 4.0])
def test_a_gyroscope_with_times_of_its_own_is_put_on_the_accelerometers(late_ms: float) -> None:
    """As well as ticks tell: at worst half a sample off."""
    blocks = decode(DRIVER.log_decoder(INFO), entries(800, gyr_late_ns=late_ms * 1e6).reshape(-1))
    number, gyr = counts_of(blocks)
    expected = 10 * (number - late_ms / 5.0)
    assert np.abs(gyr - expected)[2:].max() <= 10 * 0.5 + 1e-6
    check_joined(blocks)


def test_full_scale_is_not_averaged_away() -> None:
    made = entries(400, gyr_late_ns=2.5e6, slope=1)
    made["data"][200, 2] = 32767
    blocks = decode(DRIVER.log_decoder(INFO), made.reshape(-1))
    mask = np.concatenate([b.saturated for b in blocks])
    assert mask.max() == 0b001000
    assert 1 <= (mask > 0).sum() <= 2


@pytest.mark.parametrize("half", range(4))
def test_a_half_that_is_missing_costs_its_sample_and_is_told(half: int) -> None:
    made = entries(1000)
    lost = [300, 301, 500, 777]
    flat = np.delete(made.reshape(-1), [4 * i + half for i in lost])
    decoder = DRIVER.log_decoder(INFO)
    blocks = decode(decoder, flat)
    kept = np.delete(np.arange(1000), lost)
    assert counts_of(blocks)[0] == pytest.approx(kept)
    assert counts_of(blocks)[1] == pytest.approx(10 * kept)
    assert [b.missing_before for b in blocks] == [0, 2, 1, 1]
    assert decoder.counts.lost == len(lost)


def test_a_restart_in_the_log_begins_a_new_segment_and_older_logs_are_left_out() -> None:
    parts = [
        entries(50, uid=1),
        entries(20, first_ns=1e7),
        entries(500),
        entries(300, uid=3, first_ns=1e6),
        entries(20, uid=1),
        entries(20),
    ]
    decoder = DRIVER.log_decoder(INFO)
    blocks = decode(decoder, np.concatenate([part.reshape(-1) for part in parts]))
    assert [(b.segment, len(b), b.missing_before) for b in blocks] == [(0, 500, 0), (1, 300, None)]


def test_a_clock_that_wraps_in_the_log_goes_on() -> None:
    info = {**INFO, "details": {**INFO["details"], "clock_ticks": wire.TICK_SPAN - 100}}  # type: ignore[dict-item]
    made = entries(500)
    made["tick"] -= np.uint32(300)
    blocks = decode(DRIVER.log_decoder(info), made.reshape(-1))
    check_joined(blocks)
    assert stamps(blocks)[-1] > wire.TICK_SPAN * TICK_NS


def test_pieces_that_are_not_as_they_were_kept_are_refused_by_name() -> None:
    decoder = DRIVER.log_decoder(INFO)
    good = wire.seal(entries(50).tobytes())
    flipped = bytes([*good[:40], good[40] ^ 1, *good[41:]])
    for piece, words in ((b"", "too short"), (good[:5], "too short"), (flipped, "checksum"), (good[:-9], "checksum")):
        with pytest.raises(PacketError, match=words):
            decoder.push(Packet(POD, 0, LOG, piece))
    for entry_bytes, words in ((b"", "length"), (b"123", "length")):
        with pytest.raises(PacketError, match=words):
            decoder.push(Packet(POD, 0, LOG, wire.seal(entry_bytes)))
    with pytest.raises(PacketError, match="characteristic"):
        decoder.push(Packet(POD, 0, wire.NOTIFY, good))
    assert len(stamps(push_all(decoder, [Packet(POD, 0, LOG, good)]))) == 50


def test_entries_that_never_find_their_other_half_are_given_up() -> None:
    decoder = DRIVER.log_decoder(INFO)
    only_first = entries(20_000, slope=1)[:, 0]
    for start in range(0, 20_000, 500):
        assert decode(decoder, only_first[start : start + 500]) == []
    assert len(decoder._acc.first.ticks) < 5000
    assert len(decode(decoder, entries(100, first_ns=102e9).reshape(-1))[-1]) == 100


def test_a_reset_uid_that_flash_forgot_is_no_restart() -> None:
    made = entries(1000)
    made["id"][500, 1] ^= 1 << 6
    decoder = DRIVER.log_decoder(INFO)
    blocks = decode(decoder, made.reshape(-1))
    assert {b.segment for b in blocks} == {0}
    assert (decoder.counts.samples, decoder.counts.lost) == (999, 1)


@pytest.mark.parametrize("bit", [3, 8, 12, 20, 30])
@pytest.mark.parametrize("where", [(100, 0), (100, 3), (127, 0), (127, 3), (255, 2)])
def test_a_bit_that_flash_forgot_costs_a_sample_or_few(bit: int, where: tuple[int, int]) -> None:
    """Pieces of 128 samples: a bad tick may be the last one of its piece."""
    made = entries(1000)
    made["tick"][where] ^= np.uint32(1 << bit)
    decoder = DRIVER.log_decoder(INFO)
    blocks = [block for at in range(0, 1000, 128) for block in decode(decoder, made[at : at + 128].reshape(-1))]
    number, gyr = counts_of(blocks)
    assert (np.abs(10 * number - gyr) > 15).sum() <= 1, "a half that says another sample's tick passes for that one's"
    assert len(number) >= 997
    assert 1000 - len(number) == pytest.approx(decoder.counts.lost, abs=1)
    assert number[-1] == pytest.approx(999)
