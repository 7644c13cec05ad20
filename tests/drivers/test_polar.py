"""Polar: what is asked of a pod and what happens when it will not; frames that are lost, late, repeated or wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.drivers import polar_control as control
from sensord.drivers.base import AttError, PodInfo, Wanted, Write
from sensord.drivers.polar import Polar
from sensord.drivers.polar_control import CONTROL, DATA, Kind
from sensord.drivers.polar_decoder import PolarDecoder
from sensord.drivers.polar_frame import MOST_SAMPLES, Frame, decode_frame, encode_frame
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, NS, Packet, SampleBlock
from sensord.sim.pods.polar import EPOCH_NS, PolarSim
from sensord.sim.sources import SineSource
from tests.drivers.wireless import ADDRESS, Wire

POLAR = Polar()
PERIOD_NS = NS / 208.0


def info(**changed: Any) -> PodInfo:
    details = {key: changed.pop(key, known) for key, known in (("acc_factor", 0.488e-3), ("gyr_factor", 0.07))}
    values: dict[str, Any] = {
        "driver": "polar",
        "model": "Verity Sense",
        "firmware": "2.1.0",
        "serial": "0A1B2C3D",
        "rate_hz": 208.0,
        "acc_range_g": 16.0,
        "gyr_range_dps": 2000.0,
        "clock": "ns64",
        "details": details,
    }
    return PodInfo(**{**values, **changed})


def decoder(**changed: Any) -> PolarDecoder:
    return PolarDecoder(info(**changed).to_json())


def sim(**options: Any) -> PolarSim:
    return PolarSim(ADDRESS, "Polar Sense 0A1B2C3D", now_ns=0, **options)


def frame(kind: Kind, first: int, n: int, *, late_ns: int = 0, value: int = 100, changed: bytes = b"") -> Packet:
    """Samples number first .. first + n - 1 of a sensor; the pod's clock began at 1000 s."""
    t_last_ns = 1000 * NS + round((first + n - 1) * PERIOD_NS)
    raw = np.full((n, 3), value, np.int64)
    raw[:, 0] += np.arange(first, first + n) % 50
    payload = changed or encode_frame(Frame(kind, t_last_ns, 0x80, raw))
    return Packet("pod", t_last_ns - 990 * NS + late_ns, DATA, payload)


def both(first: int, n: int) -> list[Packet]:
    return [frame(Kind.ACC, first, n), frame(Kind.GYRO, first, n)]


def push(made: PolarDecoder, packets: list[Packet]) -> list[SampleBlock]:
    return [block for packet in packets for block in made.push(packet)]


# ------------------------------------------------------------------------------------------------------------ frames


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.tuples(*[st.integers(-20, 20)] * 3), min_size=0, max_size=200),
    loud=st.lists(st.integers(0, 199), max_size=5),
    format_=st.sampled_from([0x80, 0x81]),
)
def test_deltas_of_any_width_come_back(steps: list[tuple[int, int, int]], loud: list[int], format_: int) -> None:
    raw = np.cumsum(np.array([(100, -100, 4000), *steps], np.int64), axis=0)
    for at in loud:
        raw[at % len(raw)] = (-32768, 32767, 0)
    sent = Frame(Kind.ACC, 5, format_, raw)
    assert np.array_equal(decode_frame(encode_frame(sent)).raw, raw)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.tuples(*[st.floats(-2000, 2000, width=32)] * 3), min_size=1, max_size=40))
def test_floats_come_back_to_the_bit(values: list[tuple[float, float, float]]) -> None:
    raw = np.array(values, np.float64)
    assert np.array_equal(decode_frame(encode_frame(Frame(Kind.GYRO, 5, 0x81, raw))).raw, raw)


def test_blocks_are_cut_where_widths_change() -> None:
    quiet, loud = np.zeros((30, 3), np.int64), 3000 * (np.arange(30) % 2)[:, None] * np.ones(3, np.int64)
    payload = encode_frame(Frame(Kind.ACC, 5, 0x80, np.vstack([quiet, loud, quiet])))
    body = payload[16:]
    assert (body[0], body[1]) == (1, 30)
    assert len(payload) < 10 + 6 + 2 + math.ceil(13 * 89 * 3 / 8)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("", PacketReason.TOO_SHORT),
        ("02 6500000000000000 80", PacketReason.TOO_SHORT),
        ("02 6500000000000000 80 0000 0000 00", PacketReason.TOO_SHORT),
        ("01 6500000000000000 80 0000 0000 0000", PacketReason.TYPE),
        ("02 6500000000000000 82 0000 0000 0000", PacketReason.TYPE),
        ("05 6500000000000000 01 0000 0000 0000", PacketReason.TYPE),
        ("02 65000000000000ff 80 0000 0000 0000", PacketReason.TIME),
        ("02 6500000000000000 01 0000 0000 0000 00", PacketReason.LENGTH),
        ("02 6500000000000000 80 0000 0000 0000 08", PacketReason.LENGTH),
        ("02 6500000000000000 80 0000 0000 0000 08 02 0000", PacketReason.LENGTH),
        ("02 6500000000000000 80 0000 0000 0000 21 01 00000000000000000000000000", PacketReason.VALUE),
        ("02 6500000000000000 80 ff7f 0000 0000 02 01 01", PacketReason.VALUE),
        ("02 6500000000000000 80 0000 0000 0000" + " 00 ff" * 3, PacketReason.COUNT),
    ],
)
def test_frames_are_refused_by_name(payload: str, reason: PacketReason) -> None:
    with pytest.raises(PacketError) as refused:
        decode_frame(bytes.fromhex(payload))
    assert refused.value.reason is reason
    made = decoder()
    with pytest.raises(PacketError):
        made.push(Packet("pod", 0, DATA, bytes.fromhex(payload)))
    assert made.counts.rejected == {reason: 1}


def test_plain_samples_are_bounded_too() -> None:
    with pytest.raises(PacketError) as refused:
        decode_frame(bytes.fromhex("02 6500000000000000 00") + bytes(3 * (MOST_SAMPLES + 1)))
    assert refused.value.reason is PacketReason.COUNT


# ------------------------------------------------------------------------------------------------------------ scales


@pytest.mark.parametrize(
    ("acc_format", "gyr_format", "told", "acc_step_g", "gyr_step_dps"),
    [
        (0x80, 0x80, True, 0.488e-3, 0.07),
        (0x81, 0x80, True, 0.488e-3, 0.07),
        (0x80, 0x81, True, 0.488e-3, 0.07),
    ],
)
def test_values_are_what_the_factor_says(
    acc_format: int, gyr_format: int, told: bool, acc_step_g: float, gyr_step_dps: float
) -> None:
    source = SineSource(1.0, 50.0, 10.0)
    wire = Wire(sim(source=source, acc_format=acc_format, gyr_format=gyr_format, tells_factors=told))
    made = PolarDecoder(wire.start(POLAR).to_json())
    wire.listen(2 * NS)
    blocks = push(made, wire.packets)
    t_ns = np.concatenate([b.t_pod_ns for b in blocks]) - wire.pod.stamped_ns(0)  # type: ignore[attr-defined]
    true = source.between(int(t_ns[0]) - 40_000, int(t_ns[-1]) + 40_000, 208.0)
    acc, gyr = (np.concatenate([getattr(b, f) for b in blocks]) for f in ("acc_mps2", "gyr_radps"))
    assert np.abs(acc - true.acc_mps2).max() <= 0.51 * acc_step_g * G_MPS2
    assert np.abs(gyr - true.gyr_radps).max() <= 0.51 * math.radians(gyr_step_dps)
    assert made.counts.rejected == {}


def test_without_a_factor_values_are_mg_and_dps() -> None:
    """As polar-ble-sdk reads them (issue 443 shows such an answer); whole g of format 0x80 are refused, not guessed."""
    made = decoder(acc_factor=None, gyr_factor=None)
    raw = np.full((30, 3), 1000, np.int64)
    t_ns = 1000 * NS
    made.push(Packet("pod", 0, DATA, encode_frame(Frame(Kind.ACC, t_ns, 0x81, raw))))
    (block,) = made.push(Packet("pod", 0, DATA, encode_frame(Frame(Kind.GYRO, t_ns, 0x80, raw))))
    assert block.acc_mps2 == pytest.approx(np.full((30, 3), G_MPS2))
    assert block.gyr_radps == pytest.approx(np.full((30, 3), math.radians(1000.0)))
    with pytest.raises(PacketError, match="factor"):
        made.push(Packet("pod", 0, DATA, encode_frame(Frame(Kind.ACC, t_ns + NS, 0x80, raw))))


def test_values_beyond_the_range_are_refused() -> None:
    made = decoder(acc_factor=None)
    with pytest.raises(PacketError) as refused:
        made.push(Packet("pod", 0, DATA, encode_frame(Frame(Kind.ACC, NS, 0x81, np.full((9, 3), 25_000, np.int64)))))
    assert refused.value.reason is PacketReason.VALUE
    nan = encode_frame(Frame(Kind.GYRO, NS, 0x81, np.full((9, 3), np.nan)))
    made = decoder(gyr_factor=1.0)
    with pytest.raises(PacketError) as refused:
        made.push(Packet("pod", 0, DATA, nan))
    assert refused.value.reason is PacketReason.VALUE


# ------------------------------------------------------------------------------------------------------- what is lost


def test_no_sample_is_stretched_over_a_lost_frame() -> None:
    made = decoder()
    blocks = push(made, [*both(0, 40), *both(40, 40), *both(115, 30), *both(145, 40)])
    assert [b.missing_before for b in blocks] == [0, 0, 35]
    t_ns = np.concatenate([b.t_pod_ns for b in blocks])
    steps = np.diff(t_ns) / PERIOD_NS
    assert steps[79] == pytest.approx(36, abs=1e-3)
    assert np.delete(steps, 79) == pytest.approx(np.ones(148), abs=1e-3)
    assert made.counts.lost == 35


def test_where_the_gyroscope_is_missing_the_accelerometer_is_not_used() -> None:
    made = decoder()
    packets = [*both(0, 40), *both(40, 40), *both(80, 40), *both(120, 40), *both(160, 40)]
    del packets[5]  # the gyroscope's 80 to 119
    blocks = push(made, packets)
    assert [(len(b), b.missing_before) for b in blocks] == [(40, 0), (40, 0), (80, 40)]
    assert made.counts.lost == 40
    assert made.counts.samples == 160


def test_a_gyroscope_between_is_joined_by_a_straight_line_and_only_there() -> None:
    """A third of a period apart: each value is between its neighbours', saturation of either is told."""
    made = decoder()
    shift_ns = round(PERIOD_NS / 3)
    ramp = np.arange(40)[:, None] * np.array([60, -30, 0])
    ramp[20, 2] = 32767
    t_last_ns = 1000 * NS + round(39 * PERIOD_NS)
    made.push(frame(Kind.ACC, 0, 40))
    gyr = encode_frame(Frame(Kind.GYRO, t_last_ns + shift_ns, 0x80, ramp))
    (block,) = made.push(Packet("pod", 11 * NS, DATA, gyr))
    assert len(block) == 39, "the first sample is before the gyroscope's first"
    expected = np.radians((np.arange(1, 40)[:, None] - 1 / 3) * np.array([60, -30]) * 0.07)
    assert block.gyr_radps[:, :2] == pytest.approx(expected, abs=1e-4)
    assert np.flatnonzero(block.saturated).tolist() == [19, 20]
    assert set(block.saturated[19:21]) == {0b100000}


def test_a_frame_that_comes_twice_is_counted_as_a_duplicate() -> None:
    made = decoder()
    packets = [*both(0, 40), *both(60, 40)]  # the second ones wait: is there a gap?
    assert sum(len(b) for b in push(made, [p for p in packets for _ in range(2)])) == 40
    assert made.counts.duplicates == 4
    assert sum(len(b) for b in push(made, both(100, 40))) == 80


def test_a_wrong_time_neither_moves_a_sample_nor_invents_a_loss() -> None:
    """Any bit of the time of one frame: what is lost is that frame."""
    for bit in range(64):
        made = decoder()
        packets = [p for i in range(12) for p in both(40 * i, 40)]
        wrong = bytearray(packets[12].payload)
        wrong[1 + bit // 8] ^= 1 << bit % 8
        packets[12] = Packet("pod", packets[12].t_ns, DATA, bytes(wrong))
        blocks = []
        for packet in packets:
            try:
                blocks += made.push(packet)
            except PacketError:
                continue
        assert set(made.counts.rejected) <= {PacketReason.TIME}
        t_ns = np.concatenate([b.t_pod_ns for b in blocks])
        number = (t_ns - 1000 * NS) / PERIOD_NS
        assert {b.segment for b in blocks} == {0}
        assert len(t_ns) == 480 - (made.counts.lost or 0), f"bit {bit}"
        assert made.counts.lost in {0, 40}, f"bit {bit}"
        assert np.abs(number - np.rint(number)).max() < 0.8  # bits 0 to 22 are less than 1.5 samples
        assert number[-1] == pytest.approx(479, abs=1e-3)


@pytest.mark.parametrize("off", [-2.3, -1.6, 1.6, 2.3])
def test_a_wrong_time_in_the_place_of_the_second_frame_costs_a_few_frames_not_the_run(off: float) -> None:
    """The period is measured by it, and the true frames seem to come after losses, or to be too many."""
    made = decoder()
    packets = [p for i in range(40) for p in both(40 * i, 40)]
    wrong = bytearray(packets[2].payload)
    wrong[1:9] = (int.from_bytes(wrong[1:9], "little") + round(off * PERIOD_NS)).to_bytes(8, "little")
    blocks = []
    for packet in (*packets[:2], Packet("pod", packets[2].t_ns, DATA, bytes(wrong)), *packets[2:]):
        try:
            blocks += made.push(packet)
        except PacketError:
            continue
    assert {b.segment for b in blocks} == {0}
    assert (made.counts.lost or 0) <= 5 * 40
    late = [b for b in blocks if b.t_pod_ns[0] > 1000 * NS + 10 * 40 * PERIOD_NS]
    assert [b.missing_before for b in late] == [0] * 29
    number = (np.concatenate([b.t_pod_ns for b in late]) - 1000 * NS) / PERIOD_NS
    assert number == pytest.approx(np.arange(440, 1600), abs=0.1)


def test_a_clock_that_was_set_begins_a_new_segment_after_five_frames() -> None:
    made = decoder()
    blocks = push(made, [p for i in range(4) for p in both(40 * i, 40)])
    refused = 0
    for i in range(4, 12):
        for packet in both(40 * i, 40):
            t_ns = int.from_bytes(packet.payload[1:9], "little") + 10**6 * NS
            moved = packet.payload[:1] + t_ns.to_bytes(8, "little") + packet.payload[9:]
            try:
                blocks += made.push(Packet("pod", packet.t_ns, DATA, moved))
            except PacketError:
                refused += 1
    assert refused == 8
    assert [b.segment for b in blocks] == [0] * 4 + [1] * 4
    assert [b.missing_before for b in blocks] == [0] * 4 + [None] + [0] * 3


def test_memory_is_bounded_when_one_sensor_falls_silent() -> None:
    made = decoder()
    push(made, [frame(Kind.ACC, 40 * i, 40) for i in range(200)])
    assert len(made._joiner._acc) <= 2048
    assert made.counts.samples == 0
    blocks = push(made, [p for i in range(200, 210) for p in both(40 * i, 40)])
    assert sum(len(b) for b in blocks) == 400


@settings(max_examples=25, deadline=None)
@given(ppm=st.floats(-30_000, 30_000), lost=st.sets(st.integers(6, 39), max_size=12), seed=st.integers(0, 2**20))
def test_losses_are_exact_at_any_true_rate(ppm: float, lost: set[int], seed: int) -> None:
    """A sensor 3 % off its nominal rate, frames of any length, stamps in steps of 30.5 us."""
    rng = np.random.default_rng(seed)
    made = decoder()
    period_ns = PERIOD_NS * (1 + ppm * 1e-6)
    at = 0
    sizes = rng.integers(20, 60, 50)
    given_, kept = [], 0
    for i, n in enumerate(int(size) for size in sizes):
        at += n
        t_last_ns = 1000 * NS + round(round((at - 1) * period_ns / NS * 32768) * NS / 32768)
        kept += n if i not in lost else 0
        for kind in (Kind.ACC, Kind.GYRO):
            if i not in lost:
                payload = encode_frame(Frame(kind, t_last_ns, 0x80, np.zeros((n, 3), np.int64)))
                given_ += made.push(Packet("pod", t_last_ns - 990 * NS, DATA, payload))
    assert made.counts.rejected == {}
    assert sum(len(b) for b in given_) == kept
    assert made.counts.lost == sum(int(sizes[i]) for i in lost)
    t_ns = np.concatenate([b.t_pod_ns for b in given_])
    assert np.abs((t_ns - 1000 * NS)[60:] / period_ns % 1 - 0.5).min() > 0.4


def test_link_lost_while_a_frame_waits() -> None:
    """What waited is gone and counted; the grid begins anew, the segment goes on."""
    made = decoder()
    blocks = push(made, [*both(0, 40), *both(40, 40), frame(Kind.ACC, 80, 40)])
    made.link_up(info().to_json())
    blocks += push(made, [*both(400, 40), *both(440, 40)])
    assert [(b.segment, b.missing_before) for b in blocks] == [(0, 0), (0, 0), (0, 320), (0, 0)]


@pytest.mark.parametrize("changed", [{"rate_hz": 104.0}, {"serial": "other"}])
def test_another_pod_or_rate_begins_a_new_segment(changed: dict[str, Any]) -> None:
    made = decoder()
    push(made, both(0, 40))
    made.link_up(info(**changed).to_json())
    assert made.rate_hz == changed.get("rate_hz", 208.0)
    (block,) = push(made, both(40, 40))
    assert (block.segment, block.missing_before) == (1, None)


@pytest.mark.parametrize("factor", [0, -1.0, "x", []])
def test_factors_that_cannot_be_are_refused(factor: Any) -> None:
    with pytest.raises(LinkError) as refused:
        decoder(acc_factor=factor)
    assert refused.value.reason is LinkReason.IDENTITY


# ------------------------------------------------------------------------------------------------------------- driver


def commands(wire: Wire) -> list[str]:
    return [r.payload.hex() for r in wire.requests if isinstance(r, Write)]


def test_asks_for_208_hz_16_g_2000_dps_in_sdk_mode() -> None:
    wire = Wire(sim())
    made = wire.start(POLAR)
    acc, gyr = "02020001d0000101100002011000040103", "02050001d000010110000201d007040103"
    assert commands(wire) == ["05", "06", "0209", "0102", "0105", acc, gyr]
    assert (made.rate_hz, made.acc_range_g, made.gyr_range_dps, made.clock) == (208.0, 16.0, 2000.0, "ns64")
    assert made.details["acc_factor"] == pytest.approx(0.488e-3)
    assert made.details["gyr_factor"] == pytest.approx(0.07)
    assert (made.model, made.firmware, made.serial) == ("Verity Sense", "2.1.0", "00000001")
    wire.listen(NS)
    assert int.from_bytes(wire.packets[0].payload[1:9], "little") > EPOCH_NS


def test_streams_that_outlived_the_link_are_stopped_first() -> None:
    pod = sim()
    wire = Wire(pod)
    wire.start(POLAR)
    pod.drop_link()
    assert set(pod.streams) == {Kind.ACC, Kind.GYRO}
    wire.requests.clear()
    wire.start(POLAR)
    assert commands(wire)[:4] == ["05", "0302", "0305", "06"]
    assert "0209" not in commands(wire), "SDK mode is on still"


def test_old_firmware_that_does_not_say_what_runs_is_told_to_stop_everything() -> None:
    pod = sim()
    obey = pod._obey
    pod._obey = lambda payload, now_ns: obey(b"\xff" if payload == b"\5" else payload, now_ns)  # type: ignore[method-assign]
    wire = Wire(pod)
    wire.start(POLAR)
    assert commands(wire)[1:7] == ["0300", "0301", "0302", "0303", "0305", "0306"]
    assert wire.listen(NS)


def test_stop_leaves_sdk_mode_so_that_heart_rate_is_told_again() -> None:
    pod = sim()
    wire = Wire(pod)
    wire.start(POLAR)
    wire.converse(POLAR.stop())
    assert not pod.streams
    assert not pod.sdk_mode


def test_in_its_charger() -> None:
    pod = sim()
    pod.in_charger = True
    with pytest.raises(LinkError, match="charger: take it out") as refused:
        Wire(pod).start(POLAR)
    assert refused.value.reason is LinkReason.SETUP


def test_recording_on_board() -> None:
    pod = sim()
    pod.recording = frozenset({Kind.ACC})
    with pytest.raises(LinkError, match="recording its accelerometer on board"):
        Wire(pod).start(POLAR)


def test_without_sdk_mode_only_for_those_who_want_no_more_than_52_hz() -> None:
    pod = sim()
    pod.has_sdk_mode = False
    with pytest.raises(LinkError, match=r"firmware 1\.1\.5 and later") as refused:
        Wire(pod).start(POLAR)
    assert refused.value.reason is LinkReason.SETUP
    pod.drop_link()
    made = Wire(pod).start(POLAR, Wanted(rate_hz=52.0))
    assert (made.rate_hz, made.acc_range_g, made.details["sdk_mode"]) == (52.0, 8.0, False)
    assert made.silent_after_s == pytest.approx(5.0)


def test_packets_too_short_for_it() -> None:
    with pytest.raises(LinkError, match="MTU"):
        Wire(sim(mtu=185)).start(POLAR)


class H10Sim(PolarSim):
    """ECG and accelerometer, no gyroscope."""

    KINDS = (Kind.ECG, Kind.ACC)
    MODEL = "H10"


def test_a_strap_without_a_gyroscope_is_told_what_it_can_be_used_for() -> None:
    pod = H10Sim(ADDRESS, "Polar H10 0A1B2C3D", now_ns=0)
    heard = pod.advertisement()
    assert heard is not None
    assert POLAR.matches(heard)
    with pytest.raises(LinkError, match=r"H10 has no gyroscope.*'standard'") as refused:
        Wire(pod).start(POLAR)
    assert refused.value.reason is LinkReason.IDENTITY


@pytest.mark.parametrize("status", range(1, 20))
def test_every_refusal_of_a_start_is_said_in_words(status: int) -> None:
    class Refusing(PolarSim):
        def _start(self, kind: Kind, settings: bytes, now_ns: int) -> bytes:
            raise type("No", (_refused(),), {})(status)

    with pytest.raises(LinkError) as refused:
        Wire(Refusing(ADDRESS, "Polar Sense 1", now_ns=0)).start(POLAR)
    assert refused.value.reason is LinkReason.SETUP
    assert control.status_text(status) in str(refused.value)
    assert "accelerometer (rate 208, resolution 16, range 16, channels 3)" in str(refused.value)


def _refused() -> type[Exception]:
    from sensord.sim.pods import polar

    return polar._Refused


@pytest.mark.parametrize(("factor", "fits"), [(0.244e-3, False), (0.488e-3, True), (0.488, True), (1.0, True)])
def test_a_factor_that_belongs_to_another_range_is_noticed(factor: float, fits: bool) -> None:
    pod = sim()
    pod._factor = lambda kind, full: factor if kind is Kind.ACC else 0.07  # type: ignore[method-assign]
    if fits:
        assert Wire(pod).start(POLAR).details["acc_factor"] == pytest.approx(factor)
        return
    with pytest.raises(LinkError, match="its range is 8, asked 16"):
        Wire(pod).start(POLAR)


def test_an_answer_in_parts_is_put_together() -> None:
    pod = sim()
    pod.answer_bytes = 12
    assert Wire(pod).start(POLAR).rate_hz == 208.0


def test_commands_need_indications() -> None:
    pod = sim()
    pod.connect(0, lambda: None)
    with pytest.raises(AttError) as refused:
        pod.write(CONTROL, b"\5", 0)
    assert refused.value.code == 0xFD


def test_a_stream_that_the_pod_ends_is_told() -> None:
    pod = sim()
    wire = Wire(pod)
    made = PolarDecoder(wire.start(POLAR).to_json())
    push(made, wire.listen(NS))
    pod.stop_by_itself(Kind.GYRO)
    packets = wire.listen(NS)
    said = [POLAR.ended(p.characteristic, p.payload) for p in packets]
    assert [s for s in said if s] == ["the pod stopped its gyroscope by itself"]
    push(made, packets)
    assert made.counts.rejected == {}
    assert POLAR.ended(CONTROL, bytes([1, Kind.PPG])) is None
    assert POLAR.ended(CONTROL, bytes.fromhex("f003050000")) is None
    assert POLAR.ended(DATA, bytes([1, Kind.ACC])) is None


@pytest.mark.parametrize(("payload", "reason"), [(b"", PacketReason.TOO_SHORT), (b"\x07", PacketReason.TYPE)])
def test_indications_that_make_no_sense_are_counted(payload: bytes, reason: PacketReason) -> None:
    made = decoder()
    with pytest.raises(PacketError):
        made.push(Packet("pod", 0, CONTROL, payload))
    assert made.counts.rejected == {reason: 1}


def test_sensors_that_have_no_rate_in_common() -> None:
    pod = sim()
    offered = pod._offered

    def other(kind: Kind) -> Any:
        return {**offered(kind), control.Setting.RATE_HZ: (52,) if kind is Kind.ACC else (104,)}

    pod._offered = other  # type: ignore[method-assign]
    with pytest.raises(LinkError, match="no rate in common"):
        Wire(pod).start(POLAR)


@pytest.mark.parametrize(
    "parameters", ["00 01 34", "00 01", "07 01 00", "00 00 02 01 08 00", "00 01 00 00 02 01 08 00"]
)
def test_settings_that_cannot_be_read(parameters: str) -> None:
    pod = sim()
    obey = pod._obey
    garbage = bytes.fromhex(parameters)
    pod._obey = lambda payload, now_ns: garbage if payload[:1] == b"\1" else obey(payload, now_ns)  # type: ignore[method-assign]
    with pytest.raises(LinkError) as refused:
        Wire(pod).start(POLAR)
    assert refused.value.reason is LinkReason.SETUP


def test_bits_that_are_no_number_are_refused() -> None:
    """A signalling NaN (0x7F800001) makes a conversion warn."""
    payload = bytes.fromhex("05 00ca9a3b00000000 81 0100807f 00000000 00000000")
    with pytest.raises(PacketError) as refused:
        decoder(gyr_factor=1.0).push(Packet("pod", 0, DATA, payload))
    assert refused.value.reason is PacketReason.VALUE
