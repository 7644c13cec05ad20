"""Shimmer3R's log: refusals, files by the hour, logs begun since, frames that are lost, files that are not ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers.base import LOG, Keep, Wanted
from sensord.drivers.shimmer3r import Shimmer3R
from sensord.drivers.shimmer3r_card import (
    Entry,
    Header,
    Window,
    decode_entries,
    decode_header,
    encode_close,
    encode_entries,
    encode_frame,
    encode_header,
    listing_bytes,
    read_command,
    with_path,
)
from sensord.drivers.shimmer3r_log import LogDecoder
from sensord.drivers.shimmer3r_wire import DATA, Op, encode_sample, sealed
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import NS, Packet, SampleBlock
from sensord.sim.pods import shimmer3r_card as card
from sensord.sim.pods.shimmer3r import Shimmer3RSim
from tests.drivers.wireless import ADDRESS, POD, Wire

DRIVER = Shimmer3R()
NAME = "Shimmer3R-0001-BLE"


def armed(seconds: float, **options: Any) -> tuple[Wire, dict[str, Any], Shimmer3RSim]:
    """A pod that was armed and left for so long."""
    pod = Shimmer3RSim(ADDRESS, NAME, now_ns=0, **options)
    wire = Wire(pod)
    wire.connect()
    info = wire.converse(DRIVER.arm(Wanted()))
    pod.drop_link()
    wire.now_ns += round(seconds * NS)
    return wire, info.to_json(), pod


def recover(wire: Wire, info: dict[str, Any]) -> list[SampleBlock]:
    """Samples of what was fetched now."""
    wire.connect()
    wire.kept.clear()
    wire.converse(DRIVER.recover(info))
    return read(info, wire.kept)


def read(info: dict[str, Any], pieces: list[bytes]) -> list[SampleBlock]:
    decoder = LogDecoder(info)
    blocks = [b for i, p in enumerate(pieces) for b in decoder.push(Packet(POD, i, LOG, p))]
    assert decoder.counts.rejected == {}
    return blocks


def stamps(blocks: list[SampleBlock]) -> np.ndarray:
    return np.concatenate([b.t_pod_ns for b in blocks])


# -------------------------------------------------------------------------------------------------------------- arm


def spoiled(**what: Any) -> Callable[[Shimmer3RSim], None]:
    def spoil(pod: Shimmer3RSim) -> None:
        for name, value in what.items():
            owner = pod.card if hasattr(pod.card, name) else pod
            setattr(owner, name, value)

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoiled(present=False), "its card is missing"),
        (spoiled(docked=True), "its card is missing, bad, or in use by a dock"),
        (spoiled(battery_counts=2499), "its battery is nearly empty: 3.66"),
        (spoiled(free_kib=9_000), "its card has room for 36 minutes only"),
    ],
    ids=["no card", "docked", "empty", "full"],
)
def test_what_a_log_cannot_be_begun_without_is_named(spoil: Callable[[Shimmer3RSim], None], words: str) -> None:
    pod = Shimmer3RSim(ADDRESS, NAME, now_ns=0)
    spoil(pod)
    wire = Wire(pod)
    wire.connect()
    with pytest.raises(LinkError, match=words) as refused:
        wire.converse(DRIVER.arm(Wanted()))
    assert refused.value.reason == LinkReason.SETUP


def test_firmware_that_hands_no_log_over_is_not_armed() -> None:
    with pytest.raises(LinkError, match="hands no log over"):
        armed(1.0, firmware=(1, 1, 8))


def test_arming_says_where_the_log_is_and_how_long_it_may_be() -> None:
    _, info, pod = armed(1.0)
    assert info["details"]["log_directory"] == pod.card.newest.rstrip("/")
    assert info["details"]["log_minutes"] == round(8_000_000 * 1024 / 21 / 204.8 / 60)


# ---------------------------------------------------------------------------------------------------------- recover


def test_files_of_an_hour_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head of a file is written after its first record was sampled; with an hour of 5 s there are seven files."""
    monkeypatch.setattr(card, "SPLIT_TICKS", 5 * 32768)
    wire, info, pod = armed(33.0)
    blocks = recover(wire, info)
    assert len(pod.card.files) == 7
    assert all(b.missing_before == 0 for b in blocks)
    assert set(np.diff(stamps(blocks))) <= {4882812, 4882813}
    assert len(stamps(blocks)) > 33 * 204


def test_many_files_are_listed_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "SPLIT_TICKS", 32768)
    wire, info, pod = armed(40.0)
    blocks = recover(wire, info)
    assert len(pod.card.files) > 2 * 16
    assert all(b.missing_before == 0 for b in blocks)
    assert len(stamps(blocks)) > 40 * 204


def test_a_log_that_was_begun_by_its_button_since_is_fetched_too_and_no_other() -> None:
    wire, info, pod = armed(5.0)
    pod.card.files["data/DefaultTrial_1700000000/Shimmer_FFFF-0009/000"] = bytearray(b"another pod's")
    pod.card.files["data/DefaultTrial_1700000000/sdlog.txt"] = bytearray(b"a note")
    pod.press_button(wire.now_ns)
    wire.now_ns += 2 * NS
    pod.press_button(wire.now_ns)
    wire.now_ns += 5 * NS
    blocks = recover(wire, info)
    assert {b.segment for b in blocks} == {0}
    gaps = [b.missing_before for b in blocks if b.missing_before]
    assert gaps == [pytest.approx(2 * 204.8, abs=204.8 * 0.2)]


def test_a_log_of_before_is_not_fetched() -> None:
    wire, info, _ = armed(5.0)
    first = recover(wire, info)
    wire.pod.drop_link()
    wire.connect()
    again = wire.converse(DRIVER.arm(Wanted())).to_json()
    wire.pod.drop_link()
    wire.now_ns += 5 * NS
    second = recover(wire, again)
    assert stamps(second)[0] > stamps(first)[-1]


@pytest.mark.parametrize("loss", [0.002, 0.02])
def test_windows_with_lost_frames_are_fetched_again(loss: float) -> None:
    wire, info, pod = armed(20.0)
    pod.loss = loss
    pieces: list[bytes] = []
    for _ in range(40):
        try:
            whole = recover(wire, info)
            break
        except LinkError:  # a link this bad is given up, and made anew
            pieces += wire.kept
            pod.drop_link()
    else:
        pytest.fail("never came")
    assert all(b.missing_before == 0 for b in whole)
    assert np.array_equal(stamps(read(info, pieces + wire.kept)), stamps(whole))


def test_a_card_that_is_taken_away_is_named() -> None:
    wire, info, pod = armed(5.0)

    def docked_meanwhile() -> None:
        session = DRIVER.recover(info)
        request = next(session)
        while True:
            if isinstance(request, Keep):
                pod.docked = pod.card.away = True
            request = session.send(wire.carry_out(request))

    wire.connect()
    with pytest.raises(LinkError, match="its card is away"):
        docked_meanwhile()


def test_another_pod_is_not_taken_for_the_armed_one() -> None:
    _, info, _ = armed(1.0)
    other = Wire(Shimmer3RSim("C0:00:00:00:00:02", NAME, now_ns=0))
    other.connect()
    with pytest.raises(LinkError, match="was not armed") as refused:
        other.converse(DRIVER.recover(info))
    assert refused.value.reason == LinkReason.IDENTITY


def test_a_card_without_the_log_is_named() -> None:
    wire, info, pod = armed(5.0)
    pod.press_button(wire.now_ns)
    pod.card.files.clear()
    wire.connect()
    with pytest.raises(LinkError, match="no such file or directory"):
        wire.converse(DRIVER.recover(info))


def test_release_erases_the_newest_log_only_and_nothing_once_it_is_not_known() -> None:
    wire, info, pod = armed(5.0)
    old = "data/DefaultTrial_1600000000/Shimmer_0001-0000/000"
    pod.card.files[old] = bytearray(b"kept")
    recover(wire, info)
    wire.converse(DRIVER.release())
    assert list(pod.card.files) == [old]
    wire.converse(DRIVER.release())
    wire, info, pod = armed(5.0)
    pod.reboot(wire.now_ns)
    blocks = recover(wire, info)
    wire.converse(DRIVER.release())
    assert len(stamps(blocks)) > 900
    assert len(pod.card.files) == 1


# --------------------------------------------------------------------------------------------------------- decoding


@pytest.fixture(scope="module")
def log() -> tuple[dict[str, Any], list[bytes]]:
    wire, info, _ = armed(20.0)
    recover(wire, info)
    return info, list(wire.kept)


Log = tuple[dict[str, Any], list[bytes]]


@settings(max_examples=25, deadline=None)
@given(order=st.lists(st.integers(0, 6), max_size=12))
def test_pieces_that_come_again_give_nothing_new(log: Log, order: list[int]) -> None:
    """Begun again from the start any number of times, cut anywhere: each sample once."""
    info, pieces = log
    whole = stamps(read(info, pieces))
    again = [piece for n in order for piece in pieces[:n]]
    assert np.array_equal(stamps(read(info, again + pieces)), whole)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda p: b"\x55" + p[1:], PacketReason.TYPE),
        (lambda p: p[:1] + b"\1" + p[2:], PacketReason.CHECKSUM),
        (lambda p: p[:-1], PacketReason.CHECKSUM),
        (lambda p: p[:200] + b"\x55" + p[201:], PacketReason.CHECKSUM),
        (lambda p: p + b"\0", PacketReason.LENGTH),
        (lambda _: b"", PacketReason.TYPE),
        (lambda p: p[:12] + b"\0" * 40, PacketReason.LENGTH),
    ],
)
def test_damaged_pieces_are_refused_by_name(log: Log, spoil: Callable[[bytes], bytes], reason: PacketReason) -> None:
    info, pieces = log
    decoder = LogDecoder(info)
    with pytest.raises(PacketError) as refused:
        decoder.push(Packet(POD, 0, LOG, spoil(pieces[0])))
    assert refused.value.reason == reason
    for i, piece in enumerate(pieces):
        decoder.push(Packet(POD, i, LOG, piece))
    assert decoder.counts.rejected == {reason: 1}
    assert decoder.counts.lost == 0


def test_a_missing_piece_is_refused_and_not_bridged(log: Log) -> None:
    info, pieces = log
    decoder = LogDecoder(info)
    decoder.push(Packet(POD, 0, LOG, pieces[0]))
    with pytest.raises(PacketError) as refused:
        decoder.push(Packet(POD, 0, LOG, pieces[2]))
    assert refused.value.reason == PacketReason.ORDER
    with pytest.raises(PacketError) as foreign:
        decoder.push(Packet(POD, 0, DATA, pieces[1]))
    assert foreign.value.reason == PacketReason.CHARACTERISTIC


CHANNELS = (0x0A, 0x0B, 0x0C, 0, 1, 2, 0x14, 0x15, 0x16)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"address": "ffffffffffff"}, PacketReason.TYPE),
        ({"synchronised": True}, PacketReason.TYPE),
        ({"divisor": 128}, PacketReason.RATE),
        ({"settings": bytes(7)}, PacketReason.RATE),
        ({"channels": CHANNELS[:6]}, PacketReason.TYPE),
        ({"channels": (*CHANNELS, 0x60)}, PacketReason.TYPE),
        ({"divisor": 0}, PacketReason.COUNT),
        ({"channels": ()}, PacketReason.COUNT),
        ({"ticks": 1 << 60}, PacketReason.TIME),  # centuries
    ],
)
def test_a_file_that_is_not_what_was_armed_is_refused(log: Log, change: dict[str, Any], reason: PacketReason) -> None:
    info, pieces = log
    head = bytearray()
    window = Window()
    assert window.match(pieces[0][len(read_command("x", 0, 0, 0)) :])
    for frame in window.frames[:-1]:
        head += frame[7:-2]
    header = replace(decode_header(bytes(head[:384])), **change)
    data = encode_header(header, {}) + bytes(head[384:])
    path = "data/t_1/Shimmer_0001-0000/000"
    with pytest.raises(PacketError) as refused:
        LogDecoder(info).push(Packet(POD, 0, LOG, piece_of(path, data)))
    assert refused.value.reason == reason


def piece_of(path: str, data: bytes) -> bytes:
    frames = [encode_frame(1, i, data[at : at + 1024]) for i, at in enumerate(range(0, len(data), 1024))]
    return sealed(read_command(path, 0, len(data), 1024)) + b"".join(frames) + encode_close(1, 1, len(data))


def test_records_without_a_time_are_left_out_and_gaps_are_told(log: Log) -> None:
    info, _ = log
    header = Header(160, settings_of_armed(), info["serial"], 10, 1_000_400, CHANNELS)
    ticks = [1_000_000, 1_000_160, 0, 1_000_480, 1_000_470, 1_000_640, 1_001_600]
    records = b"".join(t.to_bytes(3, "little") + bytes(18) for t in ticks)
    data = encode_header(header, {}) + records
    blocks = read(info, [piece_of("data/t_1/Shimmer_0001-0000/000", data)])
    assert [(len(b), b.missing_before) for b in blocks] == [(2, 0), (2, 1), (1, 5)]


def settings_of_armed() -> bytes:
    from sensord.drivers.shimmer3r_wire import settings_of

    return settings_of(3, 4)


@pytest.mark.parametrize("ticks", [-1, (1 << 48) + 1])
def test_a_clock_that_shows_centuries_is_none(log: Log, ticks: int) -> None:
    info, _ = log
    with pytest.raises(LinkError) as refused:
        LogDecoder({**info, "details": {**info["details"], "clock_ticks": ticks}})
    assert refused.value.reason is LinkReason.IDENTITY
    pod = Shimmer3RSim(ADDRESS, NAME, now_ns=0, uptime_us=9_000_000_000_000_000)
    wire = Wire(pod)
    wire.connect()
    with pytest.raises(LinkError, match="which is centuries"):
        wire.converse(DRIVER.start(Wanted()))


def test_info_of_a_stream_is_not_that_of_a_log() -> None:
    wire = Wire(Shimmer3RSim(ADDRESS, NAME, now_ns=0))
    info = wire.start(DRIVER)
    with pytest.raises(LinkError, match="armed"):
        LogDecoder(info.to_json())


def test_ranges_that_no_such_pod_has_are_refused(log: Log) -> None:
    with pytest.raises(LinkError, match="ranges"):
        LogDecoder({**log[0], "acc_range_g": 5.0})


# ------------------------------------------------------------------------------------------------------------ bytes


def test_heads_and_listings_round_trip() -> None:
    header = Header(160, bytes(range(7)), "0123456789ab", 10, 0x1122334455667788, CHANNELS)
    head = encode_header(header, {"acc": b"\1" * 21})
    assert decode_header(head) == header
    assert len(head) == 384
    assert (head[44:47], head[251:256]) == (b"\x11\x22\x33", b"\x44\x88\x77\x66\x55")
    assert head[139:160] == b"\1" * 21
    entries = [Entry("000", 5), Entry("Shimmer_0001-0002", 0, directory=True)]
    payload = encode_entries(0, 3, entries, more=True)
    assert listing_bytes(payload[:4]) is None
    assert listing_bytes(payload[:5]) == len(payload)
    assert decode_entries(payload) == (entries, True)
    with pytest.raises(LinkError, match="no such file or directory"):
        decode_entries(encode_entries(5, 0, [], more=False))


def test_paths_that_a_card_cannot_have_are_refused() -> None:
    assert with_path(b"\xc2", "data/000") == b"\xc2\x08data/000"
    for path in ("", "x" * 97, "data/é"):
        with pytest.raises(LinkError):
            with_path(b"\xc2", path)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 1024), min_size=1, max_size=6),
    cut=st.integers(1, 300),
    seed=st.integers(0, 2**32),
)
def test_a_window_is_whole_however_it_is_cut_and_whatever_is_between(sizes: list[int], cut: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = [rng.integers(0, 256, size, dtype=np.uint8).tobytes() for size in sizes]
    others = [sealed(bytes([Op.ACK])), encode_sample(b"\x8a" * 21), encode_close(6, 5, 99), b"\x8a\x71\0\0"]
    stream = others[0] + encode_frame(6, 4, b"of the read before")
    for i, part in enumerate(data):
        stream += encode_frame(7, i, part) + others[int(rng.integers(len(others)))]
    stream += encode_close(7, 0, sum(sizes))
    window = Window()
    done = [window.match(stream[at : at + cut]) for at in range(0, len(stream), cut)]
    assert done == [False] * (len(done) - 1) + [True]
    assert window.size == sum(sizes)
    assert window.frames == [*(encode_frame(7, i, part) for i, part in enumerate(data)), encode_close(7, 0, sum(sizes))]
