"""Movesense: what only these sensors do. All that every driver must do is in the conformance suite."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import LOG, Keep, LoggingDriver, PodInfo, Progress, Wanted, Write
from sensord.drivers.movesense_sbem import MAGIC, encode_chunk, encode_description
from sensord.drivers.movesense_wire import NOTIFY, WRITE, Command, Ref, Reply, encode_imu6, encode_parts
from sensord.drivers.sealed import seal
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, NS, Packet, SampleBlock
from sensord.sim.pods.movesense import MovesenseSim
from tests.drivers.conformance import (
    PLAIN,
    SixSines,
    decoder_of,
    push_all,
    push_stubbornly,
    stamps,
    through_json,
    values,
)
from tests.drivers.wireless import POD, Wire, pod_of, recorded

NAME = "movesense"


def sim(**options: object) -> MovesenseSim:
    pod = pod_of(NAME, **options)
    assert isinstance(pod, MovesenseSim)
    return pod


def driver() -> LoggingDriver:
    found = DRIVERS[NAME]
    assert isinstance(found, LoggingDriver)
    return found


def refused(wire: Wire, match: str, reason: LinkReason = LinkReason.SETUP) -> None:
    with pytest.raises(LinkError, match=match) as error:
        wire.start(driver())
    assert error.value.reason is reason


# ------------------------------------------------------------------------------------------------------------ times


def test_times_are_smooth_although_stamps_are_whole_milliseconds() -> None:
    """A second after the start they lie on a straight line to 0.25 ms, and true within the millisecond cut off."""
    info, packets = recorded(NAME, 20.0, clock_ppm=150.0)
    t_ns = stamps(push_all(decoder_of(NAME, info), packets))
    settled = t_ns[208:]
    places = np.arange(len(settled))
    off_ns = settled - np.polyval(np.polyfit(places, settled.astype(float), 1), places)
    assert np.abs(off_ns).max() < 250_000
    assert np.diff(settled).std() < 20_000


def test_times_do_not_look_ahead() -> None:
    """What a packet gives does not depend on those that follow."""
    info, packets = recorded(NAME, 4.0)
    whole = push_all(decoder_of(NAME, info), packets)
    part = push_all(decoder_of(NAME, info), packets[:21])
    assert np.array_equal(stamps(part), stamps(whole)[: len(stamps(part))])


@pytest.mark.parametrize("off", [-0.025, 0.025])
def test_a_sensor_that_is_some_per_cent_off_loses_nothing(off: float) -> None:
    info, _ = recorded(NAME, 0.1)
    decoder = decoder_of(NAME, info)
    zeros = np.zeros((16, 3))
    blocks: list[SampleBlock] = []
    for i in range(100):
        if i % 10 in {7, 8}:
            continue
        t_ms = round(60_300 + i * (1 + off) * 16 / 208 * 1000)
        parts = encode_parts(Ref.SAMPLES, encode_imu6(t_ms, zeros, zeros), 244)
        blocks += push_all(decoder, [Packet(POD, (t_ms - 60_000) * 1_000_000, NOTIFY, part) for part in parts])
    assert [b.missing_before for b in blocks if b.missing_before] == [32] * 10
    assert decoder.counts.rejected == {}


# ------------------------------------------------------------------------------------------------------------ parts


def test_packets_of_208_hz_come_in_two_parts_and_of_104_hz_in_one() -> None:
    _, packets = recorded(NAME, 1.0)
    assert [p.payload[0] for p in packets[1:7]] == [Reply.DATA, Reply.REST] * 3
    wire = Wire(sim())
    wire.start(driver(), Wanted(rate_hz=104.0))
    assert {p.payload[0] for p in wire.listen(NS)} <= {Reply.ANSWER, Reply.DATA}


def test_what_is_left_of_two_packets_is_not_joined() -> None:
    """Where one part of a packet is lost, all of it is."""
    info, packets = recorded(NAME, 2.0, source=SixSines())
    real = {row.tobytes() for row in values(push_all(decoder_of(NAME, info), packets))}
    firsts = [i for i, p in enumerate(packets) if p.payload[0] == Reply.DATA]
    for at in firsts[2:8]:
        for lost in ({at, at + 3}, {at + 1}, {at}, {at + 1, at + 5}):
            decoder = decoder_of(NAME, info)
            blocks = push_all(decoder, [p for i, p in enumerate(packets) if i not in lost])
            assert all(row.tobytes() in real for row in values(blocks))
            assert decoder.counts.lost == 16 * len({(i - firsts[0]) // 2 for i in lost})
            assert decoder.counts.rejected == {}


def test_a_first_part_and_the_rest_of_the_next_packet_are_mostly_told_apart() -> None:
    """They fit by their lengths; the value that is cut in two gives them away, unless it is one of few, or zero."""
    info, packets = recorded(NAME, 4.0, source=SixSines())
    real = {row.tobytes() for row in values(push_all(decoder_of(NAME, info), packets))}
    firsts = [i for i, p in enumerate(packets) if p.payload[0] == Reply.DATA][2:-2]
    mixed = 0
    for at in firsts:
        blocks = push_all(decoder_of(NAME, info), [p for i, p in enumerate(packets) if i not in {at + 1, at + 2}])
        mixed += any(row.tobytes() not in real for row in values(blocks))
    assert len(firsts) > 40
    assert mixed <= 0.2 * len(firsts)


def test_a_first_packet_that_was_junk_shuts_nothing_out_for_long() -> None:
    """Where packets are cut is learned of the first one."""
    info, packets = recorded(NAME, 8.0)
    decoder = decoder_of(NAME, info)
    whole = packets[1].payload[2:] + packets[2].payload[2:]
    junk = [replace(packets[1], payload=part) for part in encode_parts(Ref.SAMPLES, whole, 202)]
    assert len(push_all(decoder, junk)) == 1
    blocks = push_stubbornly(decoder, packets[3:])
    assert len(stamps(blocks)) > 5 * 208
    assert {b.segment for b in blocks} == {0}


def test_data_of_another_ref_and_answers_are_no_samples() -> None:
    info, packets = recorded(NAME, 1.0, source=None)
    decoder = decoder_of(NAME, info)
    stray = replace(packets[1], payload=bytes([Reply.DATA, 7]) + packets[1].payload[2:])
    assert push_stubbornly(decoder, [stray]) == []
    assert decoder.counts.rejected == {PacketReason.TYPE: 1}
    assert decoder.push(replace(packets[1], payload=bytes.fromhex("0163c800"))) == []
    assert decoder.counts.rejected == {PacketReason.TYPE: 1}


def test_values_that_no_sensor_measures_are_refused() -> None:
    info, _ = recorded(NAME, 0.1)
    for acc, gyr in ((90.0, 0.0), (0.0, 2500.0), (float("nan"), 0.0), (float("inf"), 0.0)):
        decoder = decoder_of(NAME, info)
        packet = encode_imu6(60_300, np.full((16, 3), acc), np.full((16, 3), gyr))
        parts = [Packet(POD, 300_000_000, NOTIFY, part) for part in encode_parts(Ref.SAMPLES, packet, 244)]
        assert push_stubbornly(decoder, parts) == []
        assert PacketReason.VALUE in decoder.counts.rejected


# ----------------------------------------------------------------------------------------------------------- ranges


def test_its_range_is_read_and_where_it_is_not_told_it_is_taken_to_be_that_of_the_captured_unit() -> None:
    assert recorded(NAME, 0.1, range_g=16)[0].acc_range_g == 16.0
    pod = sim()
    pod.mute |= {"/Meas/Acc/Config"}
    wire = Wire(pod)
    info = wire.start(driver(), PLAIN)
    assert (info.acc_range_g, info.details["range_told"]) == (8.0, False)
    packet = encode_imu6(info.details["clock_ms"] + 50, np.full((16, 3), 12 * G_MPS2), np.zeros((16, 3)))
    parts = [Packet(POD, wire.now_ns, NOTIFY, part) for part in encode_parts(Ref.SAMPLES, packet, 244)]
    (block,) = push_all(decoder_of(NAME, info), parts)
    assert set(block.saturated) == {0b111}, "beyond what is known of it: not to be believed, and not thrown away"


# --------------------------------------------------------------------------------------------------------- requests


def test_one_request_at_a_time_and_none_that_is_known_not_to_be_answered() -> None:
    wire = Wire(sim())
    wire.start(driver())
    written = [r.payload for r in wire.requests if isinstance(r, Write)]
    assert all(b"/Info\0" not in w or b"/Meas/Acc/Info" in w for w in written)
    assert len({w[1] for w in written}) == len(written), "each has a ref of its own"


def test_a_sensor_whose_requests_are_all_taken_is_restarted_and_says_why() -> None:
    pod = sim()
    pod.slots_taken = 2
    wire = Wire(pod)
    refused(wire, "429.*restarted")
    wire.listen(NS)
    assert pod.boots == 1
    assert wire.start(driver()).rate_hz == 208.0


def test_without_the_service_it_is_told_what_is_missing() -> None:
    class Old(MovesenseSim):
        services = ()

    refused(Wire(Old("C0:00:00:00:00:01", "Movesense 1", now_ns=0)), "2.3 and later", LinkReason.SERVICES)


def test_a_sensor_that_logs_is_left_alone() -> None:
    wire = Wire(sim())
    wire.connect()
    wire.converse(driver().arm(PLAIN))
    wire.pod.drop_link()
    refused(wire, "it is logging")


@pytest.mark.parametrize("path", ["/Mem/DataLogger/State", "/Meas/Acc/Info", "/Time/Detailed"])
def test_what_must_be_known_and_is_not_answered_is_named(path: str) -> None:
    pod = sim()
    pod.mute |= {path}
    refused(Wire(pod), "no answer within 3 s", LinkReason.CONNECT)


# -------------------------------------------------------------------------------------------------------------- log


def armed(pod: MovesenseSim, away_s: int = 10) -> tuple[Wire, dict[str, object]]:
    wire = Wire(pod)
    wire.connect()
    info = wire.converse(driver().arm(PLAIN))
    assert isinstance(info, PodInfo)
    pod.drop_link()
    wire.now_ns += away_s * NS
    wire.connect()
    return wire, through_json(info)


def decoded(info: dict[str, object], kept: list[bytes]) -> tuple[int, int | None, list[int]]:
    """Samples, how many are missing, and the segments, of kept pieces."""
    decoder = driver().log_decoder(info)
    blocks = push_all(decoder, [Packet(POD, i, LOG, piece) for i, piece in enumerate(kept)])
    return decoder.counts.samples, decoder.counts.lost, sorted({b.segment for b in blocks})


def test_a_log_that_is_closed_by_a_restart_only_is_fetched_in_the_next_link() -> None:
    pod = sim()
    pod.closes_at_restart = True
    wire, info = armed(pod)
    with pytest.raises(LinkError, match="closes its log only when it is restarted"):
        wire.converse(driver().recover(info))
    wire.listen(NS)
    wire.connect()
    after = wire.converse(driver().recover(info))
    assert after.boot_id != info["boot_id"], "its clock is another one now, and that shows"
    samples, lost, segments = decoded(info, wire.kept)
    assert samples == pytest.approx(10 * 104, abs=30)
    assert (lost, segments) == (0, [0])


def test_a_restart_during_the_run_begins_a_new_segment() -> None:
    pod = sim()
    wire, info = armed(pod)
    pod.reboot(wire.now_ns)
    wire.connect()
    for code, arguments in ((Command.PUT_LOGGER_CONFIG, b"/Meas/IMU6/104\0"), (Command.PUT_LOGGER_STATE, b"\3")):
        pod.write(WRITE, bytes([code, 1]) + arguments, wire.now_ns)  # somebody starts it again
    wire.listen(5 * NS)
    pod.drop_link()
    wire.connect()
    wire.kept.clear()
    wire.converse(driver().recover(info))
    samples, lost, segments = decoded(info, wire.kept)
    assert samples == pytest.approx(15 * 104, abs=60)
    assert (lost, segments) == (0, [0, 1])


def test_a_memory_with_logs_of_others_is_not_armed_because_it_is_erased_as_a_whole() -> None:
    pod = sim()
    pod.memory.logs[1] = bytearray(b"of somebody else")
    pod.memory.boots[1] = 0
    wire = Wire(pod)
    wire.connect()
    with pytest.raises(LinkError, match="1 other logs and can only be erased as a whole"):
        wire.converse(driver().arm(PLAIN))


def test_logs_that_are_not_listed_are_fetched_too() -> None:
    """The list is cut at what a notification holds."""
    wire, info = armed(sim(mtu=517))
    pod = wire.pod
    assert isinstance(pod, MovesenseSim)
    data = bytes(pod.memory.logs[1])
    wire.converse(driver().recover(info))
    wire.kept.clear()
    pod.memory.logs |= {log: bytearray(data) for log in range(2, 40)}
    wire.converse(driver().recover(info))
    assert {int.from_bytes(piece[:4], "little") for piece in wire.kept} == set(range(1, 40))


def test_a_memory_without_the_log_says_so() -> None:
    pod = sim()
    wire, info = armed(pod)
    wire.converse(driver().recover(info))
    wire.converse(driver().release())
    with pytest.raises(LinkError, match="no log of the armed run"):
        wire.converse(driver().recover(info))


def test_another_sensor_is_not_taken_for_the_armed_one() -> None:
    _, info = armed(sim())
    other = Wire(MovesenseSim("C0:00:00:00:00:02", "Movesense 2", now_ns=0))
    other.connect()
    with pytest.raises(LinkError, match="was not armed") as error:
        other.converse(driver().recover(info))
    assert error.value.reason is LinkReason.IDENTITY


def test_a_notification_that_is_lost_is_fetched_again_and_nothing_is_kept_twice() -> None:
    pod = sim(seed=5)
    wire, info = armed(pod, away_s=60)
    pod.loss = 0.01
    wire.converse(driver().recover(info))
    fetches = [r for r in wire.requests if isinstance(r, Write) and r.payload[0] == Command.FETCH_LOG]
    assert len(fetches) > 2
    sizes = [r.done for r in wire.requests if isinstance(r, Progress)]
    assert sizes == sorted(sizes)
    assert sum(len(r.payload) - 12 for r in wire.requests if isinstance(r, Keep)) == sizes[-1]
    assert decoded(info, wire.kept)[0] == pytest.approx(60 * 104, abs=30)


FILE = (
    encode_description(13, "<PTH>Samples+Array.MeasIMU6.Timestamp\n<FRM>uint32")
    + b"".join(
        encode_description(39 + i, f"<PTH>Samples.Array.MeasIMU6.ArrayAcc{a}\n<FRM>float32")
        for i, a in enumerate(("+x", ".y", ".z"))
    )
    + b"".join(
        encode_description(42 + i, f"<PTH>Samples.Array.MeasIMU6.ArrayGyro{a}\n<FRM>float32")
        for i, a in enumerate(("+x", ".y", ".z"))
    )
    + encode_description(54, "<PTH>[")
    + encode_description(55, "<PTH>]")
    + encode_description(60, "<GRP>13,54,39,40,41,39,40,41,55,54,42,43,44,42,43,44,55")
    + encode_description(61, "<PTH>Samples+Array.MeasTemp.Timestamp\n<FRM>uint32")
)
"""Descriptions as a Flash writes them (texts: movesense-device-lib), of packets of two samples and something else."""


def log_of(*chunks: bytes, magic: bytes = MAGIC, described: bytes = FILE) -> list[bytes]:
    data = magic + described + b"".join(chunks)
    return [seal(3, at, data[at : at + 50]) for at in range(0, len(data), 50)]


def push_log(pieces: list[bytes]) -> tuple[int, int, dict[PacketReason, int]]:
    """Samples, stretches that were passed over, pieces that were refused."""
    _, info = armed(sim())
    decoder = driver().log_decoder(info)
    for piece in pieces:
        try:
            decoder.push(Packet(POD, 0, LOG, piece))
        except PacketError:
            continue
    return decoder.counts.samples, decoder.counts.damaged, decoder.counts.rejected


def packet(t_ms: int) -> bytes:
    return encode_imu6(t_ms, np.ones((2, 3)), np.ones((2, 3)))


def test_a_log_is_read_by_what_it_says_of_itself() -> None:
    """Packets are found by their description; what else was logged is passed over; a long length has four bytes."""
    other = encode_chunk(61, bytes(4))
    assert push_log(log_of(encode_chunk(60, packet(70_000)), other, encode_chunk(60, packet(70_019)))) == (4, 0, {})
    many = encode_description(62, "<GRP>" + ",".join(["13", *["39,40,41"] * 12, *["42,43,44"] * 12]))
    long = encode_chunk(62, encode_imu6(70_000, np.ones((12, 3)), np.ones((12, 3))))
    assert long[1] == 0xFF
    assert push_log(log_of(many, long)) == (12, 0, {})


GOOD = encode_chunk(60, packet(70_000))
AFTER = encode_chunk(60, packet(70_019))


@pytest.mark.parametrize(
    "chunk",
    [
        encode_chunk(77, packet(70_000)),
        encode_chunk(60, packet(70_000)[:-4]),
        encode_description(63, "<GRP>13,39,40") + encode_chunk(63, bytes(12)),
        encode_description(63, "<GRP>13,x") + encode_chunk(63, bytes(12)) * 3,
        encode_chunk(60, encode_imu6(70_000, np.full((2, 3), 1e6), np.ones((2, 3)))),
    ],
    ids=["undescribed", "length", "layout", "group", "values"],
)
def test_what_is_not_as_it_is_described_is_passed_over_and_counted(chunk: bytes) -> None:
    assert push_log(log_of(GOOD, chunk, AFTER)) == (4, 1, {})


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        (log_of(GOOD, magic=b"SBEM0103"), PacketReason.TYPE),
        (log_of(GOOD, described=b""), PacketReason.TYPE),
        (log_of(b"\x3c\xff\xff\xff\xff\xff"), PacketReason.LENGTH),
    ],
    ids=["version", "no descriptions", "length"],
)
def test_what_is_no_log_is_refused_by_name(pieces: list[bytes], reason: PacketReason) -> None:
    """And nothing of it is read on."""
    samples, damaged, rejected = push_log(pieces)
    assert (samples, damaged) == (0, 0)
    assert set(rejected) - {PacketReason.ORDER} == {reason}
