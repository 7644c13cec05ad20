"""Open Pod: what is refused and why, what is asked of a pod, and what happens when it will not."""

from __future__ import annotations

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers import open_pod_log_wire as log_wire
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import LOG, AttError, Read, Wanted, Write
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, Packet
from sensord.sim.peripheral import VirtualPod
from sensord.sim.pods import OpenPodSim
from tests.drivers.conformance import Steep
from tests.drivers.wireless import ADDRESS, Wire, recorded

OPEN_POD = DRIVERS["open-pod"]


def data(**changed: object) -> bytes:
    """Ten samples at 200 Hz, changed as told."""
    packet = wire.DataPacket(3, 1_000_000, 4500, 5, wire.Flag(0), np.zeros((10, 6), np.int16))
    return wire.encode_data(packet._replace(**changed))  # type: ignore[arg-type]


def patched(offset: int, *values: int) -> bytes:
    payload = bytearray(data())
    payload[offset : offset + len(values)] = bytes(values)
    return bytes(payload)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", PacketReason.TOO_SHORT),
        (data()[:11], PacketReason.TOO_SHORT),
        (data()[:-1], PacketReason.LENGTH),
        (data() + b"\0", PacketReason.LENGTH),
        (data()[:12], PacketReason.LENGTH),
        (patched(0, 0), PacketReason.TYPE),
        (patched(0, 3), PacketReason.TYPE),
        (patched(0, 2), PacketReason.LENGTH),
        (patched(10, 0), PacketReason.COUNT),
        (patched(10, 11), PacketReason.LENGTH),
        (patched(11, len(wire.RATES_HZ)), PacketReason.RATE),
        (patched(11, 4), PacketReason.TIME),  # the span of 200 Hz is not that of 104 Hz
        (data(span_10us=0), PacketReason.TIME),
        (data(span_10us=5200), PacketReason.TIME),
        (data(flags=wire.Flag.CLOCK_RESTARTED), PacketReason.TIME),  # the clock began, but this is packet 3
    ],
)
def test_refuses_by_name(payload: bytes, reason: PacketReason) -> None:
    with pytest.raises(PacketError) as refused:
        wire.decode_data(payload)
    assert refused.value.reason is reason
    info, _ = recorded("open-pod", 0.1)
    decoder = OPEN_POD.decoder(info.to_json())
    with pytest.raises(PacketError):
        decoder.push(Packet("pod", 0, wire.DATA, payload))
    assert decoder.counts.rejected == {reason: 1}


def test_refuses_what_does_not_fit_the_configuration() -> None:
    info, _ = recorded("open-pod", 0.1)
    decoder = OPEN_POD.decoder(info.to_json())
    other_rate = data(rate_id=8, span_10us=2163)
    with pytest.raises(PacketError, match="416 Hz, set to 200 Hz"):
        decoder.push(Packet("pod", 0, wire.DATA, other_rate))
    high_g = data(raw=np.zeros((10, 9), np.int16))
    with pytest.raises(PacketError) as refused:
        decoder.push(Packet("pod", 0, wire.DATA, high_g))
    assert refused.value.reason is PacketReason.TYPE
    with pytest.raises(PacketError) as refused:
        decoder.push(Packet("pod", 0, wire.CLOCK, data()))
    assert refused.value.reason is PacketReason.CHARACTERISTIC
    assert decoder.counts.rejected_total == decoder.counts.packets == 3


@pytest.mark.parametrize("columns", [5, 6, 9])
@pytest.mark.parametrize("n", [0, 256])
def test_does_not_encode_what_nobody_could_read(n: int, columns: int) -> None:
    with pytest.raises(ValueError, match="cannot encode"):
        data(raw=np.zeros((n, columns), np.int16))


@pytest.mark.parametrize(
    ("asked", "rate_hz", "acc_g", "gyr_dps"),
    [
        (Wanted(), 200.0, 16.0, 2000.0),
        (Wanted(rate_hz=1e6, acc_range_g=4.0, gyr_range_dps=500.0), 1000.0, 4.0, 500.0),
        (Wanted(rate_hz=207.9, acc_range_g=100.0, gyr_range_dps=9000.0), 200.0, 16.0, 2000.0),
        (Wanted(rate_hz=1.0, acc_range_g=1.5), 26.0, 2.0, 2000.0),
    ],
)
def test_asks_for_the_nearest_the_pod_can_do(asked: Wanted, rate_hz: float, acc_g: float, gyr_dps: float) -> None:
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0))
    info = wired.start(OPEN_POD, asked)
    assert (info.rate_hz, info.acc_range_g, info.gyr_range_dps) == (rate_hz, acc_g, gyr_dps)
    assert wired.listen(10**9)


def test_stops_before_it_configures_and_subscribes_before_it_starts() -> None:
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0))
    wired.start(OPEN_POD)
    written = [(r.uuid, r.payload[0]) for r in wired.requests if isinstance(r, Write)]
    assert written == [(wire.CONTROL, 2), (wire.CONFIG, 1), (wire.CLOCK, 1), (wire.CONTROL, 1)]
    assert [r.uuid for r in wired.requests if isinstance(r, Read)] == [wire.INFO, wire.CONFIG]


class Stubborn(OpenPodSim):
    """Answers some reads with what it was told to, and refuses some writes."""

    reads: dict[str, bytes]
    refuses: dict[str, int]

    def on_read(self, uuid: str, now_ns: int) -> bytes:
        return self.reads.get(uuid) or super().on_read(uuid, now_ns)

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        if uuid in self.refuses:
            raise AttError(self.refuses[uuid])
        super().on_write(uuid, payload, now_ns)


def stubborn(reads: dict[str, bytes] | None = None, refuses: dict[str, int] | None = None) -> VirtualPod:
    pod = Stubborn(ADDRESS, "pod", now_ns=0)
    pod.reads, pod.refuses = reads or {}, refuses or {}
    return pod


@pytest.mark.parametrize(
    ("pod", "reason", "text"),
    [
        (stubborn({wire.INFO: b"\x02" + bytes(40)}), LinkReason.IDENTITY, "not of Open Pod version 1"),
        (stubborn({wire.INFO: b"\x01\x02"}), LinkReason.IDENTITY, "not of Open Pod version 1"),
        (stubborn({wire.INFO: b"\x01\x09" + bytes(30)}), LinkReason.IDENTITY, "INFO of 9 streams has only 32 bytes"),
        (stubborn({wire.INFO: b"\x01\x00" + bytes(30)}), LinkReason.IDENTITY, "no accelerometer"),
        (stubborn({wire.CONFIG: b"\x01\x05"}), LinkReason.SETUP, "CONFIG is not of"),
        (stubborn({wire.CONFIG: bytes.fromhex("01 63 1000 d007 0000 0a 00")}), LinkReason.SETUP, "unknown rate id 99"),
        (
            stubborn({wire.CONFIG: bytes.fromhex("01 00 1000 d007 0000 0a 00")}),
            LinkReason.SETUP,
            "rate 26 Hz, asked 200",
        ),
        (
            stubborn({wire.CONFIG: bytes.fromhex("01 05 0400 d007 0000 0a 00")}),
            LinkReason.SETUP,
            "acc range 4, asked 16",
        ),
        (stubborn({wire.CONFIG: bytes.fromhex("01 05 1000 a00f 0000 0a 00")}), LinkReason.SETUP, "gyr range 4000"),
        (stubborn(refuses={wire.CONFIG: wire.Refusal.UNSUPPORTED}), LinkReason.SETUP, "value not supported"),
        (stubborn(refuses={wire.CONFIG: 0x0E}), LinkReason.SETUP, "0x0e"),
    ],
)
def test_a_pod_that_will_not_is_named_with_why(pod: VirtualPod, reason: LinkReason, text: str) -> None:
    with pytest.raises(LinkError, match=text) as refused:
        Wire(pod).start(OPEN_POD)
    assert refused.value.reason is reason


def test_refusals_of_the_simulated_pod_are_those_of_the_specification() -> None:
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0, rate_hz=200.0))
    wired.start(OPEN_POD)
    good = wire.encode_config(wire.Config(5, 16, 2000))

    def code(uuid: str, payload: bytes) -> int:
        with pytest.raises(AttError) as refused:
            wired.pod.write(uuid, payload, wired.now_ns)
        return refused.value.code

    assert code(wire.CONFIG, good) == wire.Refusal.RUNNING
    wired.pod.write(wire.CONTROL, b"\x02", wired.now_ns)
    wired.pod.write(wire.CONFIG, good, wired.now_ns)
    assert code(wire.CONFIG, good[:-1]) == wire.Refusal.MALFORMED
    assert code(wire.CONFIG, b"\x02" + good[1:]) == wire.Refusal.MALFORMED
    assert code(wire.CONFIG, wire.encode_config(wire.Config(8, 16, 2000))) == wire.Refusal.UNSUPPORTED
    assert code(wire.CONFIG, wire.encode_config(wire.Config(5, 17, 2000))) == wire.Refusal.UNSUPPORTED
    assert code(wire.CONTROL, b"\x09") == wire.Refusal.UNKNOWN_OP
    assert code(wire.CLOCK, b"\x01") == wire.Refusal.MALFORMED


def test_the_same_pod_with_another_rate_begins_a_segment() -> None:
    """A sample grid that changed is not the same stream, whatever counter and clock say."""
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0))
    decoder = OPEN_POD.decoder(wired.start(OPEN_POD).to_json())
    first = [b for p in wired.listen(10**9) for b in decoder.push(p)]
    wired.pod.drop_link()
    decoder.link_up(wired.start(OPEN_POD, Wanted(rate_hz=100.0)).to_json())
    second = [b for p in wired.listen(10**9) for b in decoder.push(p)]
    assert decoder.rate_hz == 100.0
    assert {b.segment for b in first} == {0}
    assert {b.segment for b in second} == {1}


@pytest.mark.parametrize("logged", [False, True])
def test_a_high_g_sensor_beside_a_wide_one_feels_the_same(logged: bool) -> None:
    """Streamed and logged: what passes 32 g is clipped in one and whole in the other."""
    pod = OpenPodSim(ADDRESS, "pod", now_ns=0, source=Steep(), acc_range_g=32, high_g_range_g=320)
    wired = Wire(pod)
    if logged:
        wired.connect()
        info = wired.converse(OPEN_POD.arm(Wanted())).to_json()  # type: ignore[attr-defined]
        wired.listen(3 * 10**9)
        wired.converse(OPEN_POD.recover(info))  # type: ignore[attr-defined]
        decoder = OPEN_POD.log_decoder(info)  # type: ignore[attr-defined]
        packets = [Packet("pod", i, LOG, piece) for i, piece in enumerate(wired.kept)]
    else:
        info = wired.start(OPEN_POD).to_json()
        wired.listen(3 * 10**9)
        decoder, packets = OPEN_POD.decoder(info), wired.packets
    assert (info["acc_range_g"], info["high_g_range_g"]) == (32.0, 320.0)
    blocks = [block for packet in packets for block in decoder.push(packet)]
    acc = np.concatenate([b.acc_mps2 for b in blocks])
    high = np.concatenate([b.high_g_mps2 for b in blocks if b.high_g_mps2 is not None])
    beyond = np.abs(high) > 32 * G_MPS2
    assert beyond.any()
    assert np.abs(acc).max() <= 32 * G_MPS2
    assert np.abs(acc - high)[~beyond].max() < 320 * G_MPS2 / 32768
    saturated = np.concatenate([b.saturated for b in blocks])
    assert ((saturated & 0b111) > 0)[beyond.any(axis=1)].all()


def test_a_pod_without_a_memory_says_so_and_streams() -> None:
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0, log_bytes=0))
    wired.connect()
    with pytest.raises(LinkError, match="no memory for a log"):
        wired.converse(OPEN_POD.arm(Wanted()))  # type: ignore[attr-defined]
    wired.pod.drop_link()
    wired.start(OPEN_POD)
    assert wired.listen(10**9)


def test_refusals_of_the_memory_are_those_of_the_specification() -> None:
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0))
    pod = wired.pod
    wired.connect()

    def code(payload: bytes, uuid: str = log_wire.LOG_CONTROL) -> int:
        with pytest.raises(AttError) as refused:
            pod.write(uuid, payload, wired.now_ns)
        return refused.value.code

    def tell(op: log_wire.LogOp, *log_id: int) -> None:
        pod.write(log_wire.LOG_CONTROL, log_wire.encode_command(op, *log_id), wired.now_ns)

    assert code(b"") == wire.Refusal.MALFORMED
    assert code(b"\x01\x01") == wire.Refusal.MALFORMED
    assert code(b"\x09") == wire.Refusal.UNKNOWN_OP
    assert code(log_wire.encode_command(log_wire.LogOp.ARM, 0)) == wire.Refusal.UNSUPPORTED
    pod.battery_pct = 3.0
    assert code(log_wire.encode_command(log_wire.LogOp.ARM, 7)) == wire.Refusal.BATTERY_LOW
    pod.battery_pct = 90.0
    pod.log.broken = True  # type: ignore[attr-defined]
    assert code(log_wire.encode_command(log_wire.LogOp.ARM, 7)) == wire.Refusal.MEMORY
    pod.log.broken = False  # type: ignore[attr-defined]
    tell(log_wire.LogOp.STOP)
    tell(log_wire.LogOp.ERASE, 7)
    tell(log_wire.LogOp.ARM, 7)
    assert code(log_wire.encode_command(log_wire.LogOp.ARM, 8)) == wire.Refusal.HOLDS_A_LOG
    assert code(log_wire.encode_command(log_wire.LogOp.ERASE, 7)) == wire.Refusal.RUNNING
    assert code(log_wire.encode_read(0, 10)) == wire.Refusal.RUNNING
    assert code(wire.encode_config(wire.Config(5, 16, 2000)), wire.CONFIG) == wire.Refusal.RUNNING
    wired.now_ns += 10**9
    tell(log_wire.LogOp.STOP)
    assert code(log_wire.encode_read(100_000, 10)) == wire.Refusal.NO_SUCH_PLACE
    assert code(log_wire.encode_command(log_wire.LogOp.ERASE, 8)) == wire.Refusal.UNSUPPORTED
    tell(log_wire.LogOp.ERASE, 7)
    assert code(log_wire.encode_command(log_wire.LogOp.ARM, 8)) == wire.Refusal.HOLDS_A_LOG
    wired.now_ns += 10**9
    tell(log_wire.LogOp.ARM, 8)


@pytest.mark.parametrize("junk", [b"\x01" * 40, b"\x55" * 7, b"\xff" * 4096, b"\x10" + b"\xff" * 15, bytes(100)])
def test_what_is_no_record_in_a_log_is_passed_over(junk: bytes) -> None:
    """Flash that lost a page between two packets: what comes after it is read, and what is missing is told."""
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0))
    wired.connect()
    info = wired.converse(OPEN_POD.arm(Wanted())).to_json()  # type: ignore[attr-defined]
    wired.now_ns += 5 * 10**9
    wired.pod.due(wired.now_ns)
    size = 12 + 50 * 12
    written = wired.pod.log.written  # type: ignore[attr-defined]
    written[16 + 4 * size : 16 + 6 * size] = junk
    wired.converse(OPEN_POD.recover(info))  # type: ignore[attr-defined]
    decoder = OPEN_POD.log_decoder(info)  # type: ignore[attr-defined]
    blocks = [b for i, p in enumerate(wired.kept) for b in decoder.push(Packet("pod", i, LOG, p))]
    assert [b.missing_before for b in blocks if b.missing_before] == [100]
    assert decoder.counts.lost == 100
    assert {b.segment for b in blocks} == {0}


def test_a_download_goes_on_behind_what_is_kept() -> None:
    wired = Wire(OpenPodSim(ADDRESS, "pod", now_ns=0))
    wired.connect()
    info = wired.converse(OPEN_POD.arm(Wanted())).to_json()  # type: ignore[attr-defined]
    wired.now_ns += 20 * 10**9
    wired.converse(OPEN_POD.recover(info))  # type: ignore[attr-defined]
    whole = [log_wire.decode_piece(p) for p in wired.kept]
    kept, wired.kept = wired.kept[:2], []
    wired.converse(OPEN_POD.resume(info, kept[-1]))  # type: ignore[attr-defined]
    rest = [log_wire.decode_piece(p) for p in wired.kept]
    assert rest[0].offset == whole[1].offset + len(whole[1].data)
    assert b"".join(p.data for p in [*whole[:2], *rest]) == b"".join(p.data for p in whole)
    wired.kept = []
    wired.converse(OPEN_POD.resume(info, log_wire.encode_piece(whole[0]._replace(log_id=1))))  # type: ignore[attr-defined]
    assert log_wire.decode_piece(wired.kept[0]).offset == 0, "a piece of another log is no beginning"
