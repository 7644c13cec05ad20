"""Open Pod: what is refused and why, what is asked of a pod, and what happens when it will not."""

from __future__ import annotations

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import AttError, Read, Wanted, Write
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import Packet
from sensord.sim.peripheral import VirtualPod
from sensord.sim.pods import OpenPodSim
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
