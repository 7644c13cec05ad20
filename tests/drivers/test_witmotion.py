"""What only WitMotion pods do: settings without an answer, a stream without a checksum, times without a clock."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers import witmotion_wire as wire
from sensord.drivers.base import Advertisement, PodInfo, Wanted
from sensord.drivers.witmotion import WitMotion
from sensord.dsp.foot import FootAnalyser
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import NS, Packet, Side, Stride
from sensord.sim.pods.witmotion import WitMotionSim
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand
from sensord.sim.sensor import SensorModel
from sensord.sim.sources import ArraySource
from tests.drivers.wireless import ADDRESS, POD, Wire

NOTIFY = wire.VARIANTS[0].notify


def pod(**options: object) -> WitMotionSim:
    return WitMotionSim(ADDRESS, "WT901BLE67", now_ns=0, **options)  # type: ignore[arg-type]


def started(a_pod: WitMotionSim, rate_hz: float = 200.0) -> tuple[Wire, PodInfo]:
    carrier = Wire(a_pod)
    return carrier, carrier.start(WitMotion(), Wanted(rate_hz=rate_hz))


# ------------------------------------------------------------------------------------------------------------ setup


@pytest.mark.parametrize("variant", [0, 1])
def test_both_variants_stream_and_say_what_was_read(variant: int) -> None:
    a_pod = pod(variant=variant)
    a_pod.battery_pct = 60.0
    carrier, info = started(a_pod)
    packets = carrier.listen(NS)
    assert {p.characteristic for p in packets} == {wire.VARIANTS[variant].notify}
    assert sum(len(b) for p in packets for b in WitMotion().decoder(info.to_json()).push(p)) == pytest.approx(
        200, abs=9
    )
    assert (info.rate_hz, info.acc_range_g, info.gyr_range_dps, info.clock) == (200.0, 16.0, 2000.0, "none")
    assert (info.firmware, info.serial) == ("76.7.5", "WT51")
    assert info.battery_pct == 40
    assert info.details["rate_code"] == 0x0B
    assert info.details["bandwidth_code"] == 0
    assert "256" not in str(info.details), "no table says which bandwidth that is"


def test_a_bandwidth_that_stays_is_told_as_it_was_read() -> None:
    a_pod = pod()
    a_pod.stuck = {wire.BANDWIDTH}
    assert started(a_pod)[1].details["bandwidth_code"] == 4
    a_pod = pod()
    a_pod.mute = {wire.BANDWIDTH, wire.BATTERY, wire.SERIAL}
    info = started(a_pod)[1]
    assert info.details["bandwidth_code"] is None
    assert "reads nothing" in info.details["bandwidth"]
    assert (info.battery_pct, info.serial) == (None, "")


def test_a_rate_that_is_not_taken_is_refused() -> None:
    a_pod = pod()
    a_pod.stuck = {wire.RATE}
    with pytest.raises(LinkError, match="rate code 0x0b was written, 0x06 read back") as refused:
        started(a_pod)
    assert refused.value.reason is LinkReason.SETUP
    a_pod = pod()
    a_pod.mute = {wire.RATE}
    with pytest.raises(LinkError, match="register 03"):
        started(a_pod)


@pytest.mark.parametrize(("really_hz", "set_hz"), [(100.0, 100.0), (50.0, None)])
def test_a_rate_that_does_not_come_through_is_not_claimed(really_hz: float, set_hz: float | None) -> None:
    """Whatever the register says: another table of rates, or a radio that is too slow."""
    a_pod = pod()
    a_pod.real_rate_hz = really_hz
    if set_hz is None:
        with pytest.raises(LinkError, match="set to 100 Hz, less than 71 samples a second came"):
            started(a_pod)
        return
    _, info = started(a_pod)
    assert info.rate_hz == set_hz
    assert "set to 200 Hz" in info.details["slower"]


@pytest.mark.parametrize("ppm", [-30_000.0, 30_000.0])
@pytest.mark.parametrize("rate_hz", list(wire.RATES))
def test_a_sensor_that_is_3_per_cent_off_in_bursts_keeps_its_rate(rate_hz: float, ppm: float) -> None:
    a_pod = pod(clock_ppm=ppm)
    a_pod.jitter_ms = 200.0
    assert started(a_pod, rate_hz)[1].rate_hz == rate_hz


def test_a_pod_without_the_services_is_none() -> None:
    a_pod = pod()
    a_pod.gatt = wire.Gatt("other", "0000fff0-0000-1000-8000-00805f9b34fb", "n", "w")
    with pytest.raises(LinkError) as refused:
        started(a_pod)
    assert refused.value.reason is LinkReason.SERVICES


def test_known_by_name_where_the_service_is_left_out() -> None:
    """And not by the transparent UART that many devices have."""
    uart = (wire.VARIANTS[1].service,)
    for name, uuids, known in (
        ("WT901BLE67", (), True),
        ("WT9011DCL", (), True),
        (None, (wire.VARIANTS[0].service,), True),
        ("scales", uart, False),
        ("BWT901BLE5.0", uart, True),
        ("WTF", (), False),
    ):
        assert WitMotion().matches(Advertisement(ADDRESS, name, uuids)) == known


# ----------------------------------------------------------------------------------------------------------- stream


def rows(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-32768, 32768, (n, 9)).astype(np.int16)


def read(stream: wire.FrameStream, pieces: list[bytes]) -> np.ndarray:
    return np.concatenate([wire.raw_samples(stream.push(piece)[0]) for piece in pieces])


@settings(max_examples=60, deadline=None)
@given(
    junk=st.binary(max_size=60),
    sync_at=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 8)), max_size=6),
    cuts=st.lists(st.integers(1, 70), max_size=12),
)
def test_in_step_again_after_any_junk(junk: bytes, sync_at: list[tuple[int, int]], cuts: list[int]) -> None:
    """Also where data look like the beginning of a frame: at most two frames are lost, and none is made up."""
    raw = rows(12)
    for row, column in sync_at:
        raw[row, column] = 0x6155
    data = b"".join(wire.encode_samples(raw[:4])) + junk + b"".join(wire.encode_samples(raw[4:]))
    pieces = []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]
    got = read(wire.FrameStream(), [*pieces, data])
    real = {row.tobytes() for row in raw}
    known = [row.tobytes() in real for row in got]
    assert sum(known) >= 10
    assert known.count(False) <= 1 + len(junk) // wire.FRAME


@pytest.mark.parametrize("column", range(1, 8))
@pytest.mark.parametrize("size", [7, 20, 33, 400])
def test_what_looks_like_a_header_inside_a_frame_is_none(column: int, size: int) -> None:
    """The stream is heard from the middle of a frame on whose data hold `55 61`; the next frame begins 20 bytes on."""
    raw = rows(10)
    raw[0, column] = 0x6155
    data = b"".join(wire.encode_samples(raw))[3:]
    got = read(wire.FrameStream(), [data[i : i + size] for i in range(0, len(data), size)])
    assert np.array_equal(got, raw[1:])


def test_halves_of_two_frames_are_no_frame() -> None:
    """Notifications of 28 bytes, one of which is lost: what is left of its neighbours is passed over."""
    raw = rows(60)
    data = b"".join(wire.encode_samples(raw))
    pieces = [data[i : i + 28] for i in range(0, len(data), 28)]
    real = {row.tobytes() for row in raw}
    for lost in range(1, len(pieces) - 2):
        got = read(wire.FrameStream(), pieces[:lost] + pieces[lost + 1 :])
        assert all(row.tobytes() in real for row in got), lost
        assert len(got) >= 55


def test_answers_are_no_samples() -> None:
    raw = rows(4)
    frames = wire.encode_samples(raw)
    answer = wire.encode_registers(wire.BATTERY, range(8))
    got, skipped = wire.FrameStream().push(b"".join([*frames[:2], answer, *frames[2:]]))
    assert skipped == 0
    assert np.array_equal(wire.raw_samples(got), raw)
    assert wire.registers(got) == {wire.BATTERY: tuple(range(8))}


def test_versions_and_batteries_as_the_vendor_reads_them() -> None:
    assert wire.firmware(1234, 0) == "1234"
    assert wire.firmware(0x0705, 0x8000) == "0.7.5"
    assert wire.firmware(0xC705, 0x8001) == "7.7.5"
    assert [wire.battery_pct(v) for v in (420, 396, 395, 382, 370, 341, 339)] == [100, 100, 90, 60, 20, 5, 0]
    assert wire.serial_number([0x5457, 0xFFFF]) == ""


# ---------------------------------------------------------------------------------------------------------- decoder


def test_a_notification_that_comes_twice_is_read_once() -> None:
    carrier, info = started(pod())
    packets = carrier.listen(NS)
    decoder = WitMotion().decoder(info.to_json())
    n = sum(len(b) for p in packets for twice in (p, p) for b in decoder.push(twice))
    assert decoder.counts.duplicates == len(packets)
    assert n == sum(len(b) for p in packets for b in WitMotion().decoder(info.to_json()).push(p))


def test_a_pod_that_lies_still_says_the_same_again_and_again() -> None:
    still = ArraySource(np.arange(2) * 5_000_000, np.full((2, 3), 5.0), np.zeros((2, 3)))
    a_pod = pod(source=still)
    carrier, info = started(a_pod)
    a_pod.jitter_ms = 200.0
    carrier.listen(10 * NS)
    decoder = WitMotion().decoder(info.to_json())
    for packet in carrier.packets:
        decoder.push(packet)
    assert decoder.counts.duplicates <= 1
    assert decoder.counts.samples >= 1950


def test_junk_is_refused_by_name() -> None:
    _, info = started(pod())
    decoder = WitMotion().decoder(info.to_json())
    for payload, reason in ((b"", PacketReason.TOO_SHORT), (b"\0" * 40, PacketReason.TYPE)):
        with pytest.raises(PacketError) as refused:
            decoder.push(Packet(POD, NS, NOTIFY, payload))
        assert refused.value.reason is reason
    [block] = decoder.push(Packet(POD, NS, NOTIFY, b"".join(wire.encode_samples(rows(3)))))
    assert len(block) == 3
    assert decoder.waiting == 0
    assert decoder.counts.rejected_total == 2


# ------------------------------------------------------------------------------------------------- through the shoe


@pytest.mark.parametrize(("off", "jitter_ms"), [(-0.03, 20.0), (0.03, 200.0)])
def test_contacts_are_as_long_as_they_are(off: float, jitter_ms: float) -> None:
    """3 % off, up to 200 ms late, at ±16 g: against the same samples with the times they really had."""
    runner = RunnerSimulation((Stand(4.0), Run(40.0, speed_mps=2.8), Stand(2.0)), seed=3)
    foot = runner.render(Side.LEFT, 200.0, SensorModel(acc_range_g=16.0, clock_ppm=off * 1e6))
    a_pod = WitMotionSim.worn(foot, ADDRESS, "WT901BLE67", now_ns=0, clock_ppm=off * 1e6, seed=3)
    carrier, info = started(a_pod)
    a_pod.jitter_ms = jitter_ms
    carrier.listen(round((runner.truth.duration_s + 1) * NS) - carrier.now_ns)
    decoder, analyser = WitMotion().decoder(info.to_json()), FootAnalyser(Side.LEFT, info.rate_hz)
    items = [item for p in carrier.packets for block in decoder.push(p) for item in analyser.push(block)]
    strides = [item for item in (*items, *analyser.flush()) if isinstance(item, Stride)][3:]
    true = runner.truth.strides(Side.LEFT)[-len(strides) :]
    assert len(strides) >= len(runner.truth.strides(Side.LEFT)) - 4
    assert {block.gap for block in strides} == {False}
    contact_s = np.array([s.contact_time_s or np.nan for s in strides]) - [s.contact_time_s for s in true]
    stride_s = np.array([s.stride_time_s or np.nan for s in strides]) - [s.stride_time_s for s in true]
    late = len(strides) // 2  # by then the rate is known however bad the radio
    assert np.nanstd(contact_s) <= 2e-3
    assert np.percentile(np.abs(stride_s[late:]), 95) <= 5e-3
