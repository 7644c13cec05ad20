"""Shimmer3R beyond what every driver must do: its setup, its calibration, its high-g sensor, its clock."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sensord.drivers.base import Advertisement, PodInfo, Wanted, Write
from sensord.drivers.shimmer3r import Shimmer3R
from sensord.drivers.shimmer3r_stream import HIGH_G_BIT, ShimmerDecoder, find_frames
from sensord.drivers.shimmer3r_time import TickLine
from sensord.drivers.shimmer3r_wire import (
    DATA,
    DONE,
    SERVICE,
    TICK_SPAN,
    TICKS_HZ,
    Calibration,
    Op,
    Schema,
    decode_calibration,
    default_calibration,
    encode_sample,
    has_high_g,
    sealed,
    ticks_to_ns,
)
from sensord.dsp.foot import FootAnalyser
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, NS, Packet, SampleBlock, Side, Stride
from sensord.sim.pods.shimmer3r import Shimmer3RSim
from sensord.sim.runner import Run, RunnerSimulation, Stand
from sensord.sim.sensor import SensorModel
from sensord.sim.sources import ArraySource
from tests.drivers.wireless import ADDRESS, POD, Wire

DRIVER = Shimmer3R()
NAME = "Shimmer3R-0001-BLE"


def pod_of(**options: Any) -> Shimmer3RSim:
    return Shimmer3RSim(ADDRESS, NAME, now_ns=0, **options)


def started(**options: Any) -> tuple[Wire, PodInfo]:
    wire = Wire(pod_of(**options))
    return wire, wire.start(DRIVER)


def decoded(wire: Wire, info: PodInfo) -> list[SampleBlock]:
    decoder = ShimmerDecoder(info.to_json())
    return [block for packet in wire.packets for block in decoder.push(packet)]


def commands(wire: Wire) -> list[bytes]:
    return [r.payload for r in wire.requests if isinstance(r, Write)]


# ------------------------------------------------------------------------------------------------------------ setup


def test_sensors_run_faster_than_samples_are_taken_and_ranges_are_set() -> None:
    """A pod fresh from the box samples its sensor at 60 Hz, 2 g and 500 dps, whatever rate is asked for."""
    wire, info = started()
    firmware = wire.pod.firmware  # type: ignore[attr-defined]
    assert (firmware.divisor, firmware.acc_code, firmware.gyr_code) == (160, 3, 4)
    assert (firmware.odr, firmware.high_g_odr) == (8, 1)
    assert info.rate_hz == 204.8
    assert (info.details["odr_hz"], info.details["high_g_odr_hz"]) == (480.0, 640.0)
    assert (info.high_g_range_g, info.details["board"]) == (200.0, "SR31-11-2")
    assert (info.serial, info.firmware) == ("c00000000001", "1.01.020")
    assert info.details["battery_v"] == pytest.approx(2700 * 2 * 3000 / 4095 / 1000, abs=1e-3)
    assert info.battery_pct is None


def test_settings_are_kept_in_its_memory_so_only_what_differs_is_written() -> None:
    wire, _ = started()
    wire.converse(DRIVER.stop())
    wire.pod.drop_link()
    wire.requests.clear()
    wire.start(DRIVER)
    written = {c[0] for c in commands(wire)}
    assert written.isdisjoint({Op.SET_RATE, Op.SET_ODR, Op.SET_ACC_RANGE, Op.SET_GYR_RANGE, Op.SET_SENSORS})
    wire.converse(DRIVER.stop())
    wire.pod.drop_link()
    wire.requests.clear()
    wire.start(DRIVER, Wanted(rate_hz=100.0))
    changed = {c[0] for c in commands(wire)} & {Op.SET_RATE, Op.SET_ODR, Op.SET_HIGH_G_ODR, Op.SET_ACC_RANGE}
    assert changed == {Op.SET_RATE, Op.SET_ODR, Op.SET_HIGH_G_ODR}


@pytest.mark.parametrize("board", [(48, 8, 1), (47, 8, 0), (0xFF, 0xFF, 0xFF)])
def test_a_unit_without_the_part_is_not_asked_for_high_g(board: tuple[int, int, int]) -> None:
    """The firmware sends the channels whether the part is there or not."""
    wire, info = started(board=board)
    wire.listen(NS)
    blocks = decoded(wire, info)
    assert info.high_g_range_g is None
    assert 0x14 not in info.details["channels"]
    assert blocks
    assert all(b.high_g_mps2 is None for b in blocks)


def test_who_has_the_part() -> None:
    assert has_high_g(bytes([31, 11, 1]))
    assert has_high_g(bytes([48, 6, 0]))
    assert not has_high_g(bytes([48, 8, 0]))
    assert not has_high_g(b"")


@pytest.mark.parametrize(
    ("firmware", "fits"), [((1, 0, 23), False), ((0, 9, 99), False), ((1, 0, 24), True), ((2, 0, 0), True)]
)
def test_firmware_that_is_too_old_is_named(firmware: tuple[int, int, int], fits: bool) -> None:
    if fits:
        started(firmware=firmware)
        return
    with pytest.raises(LinkError, match="too old") as refused:
        started(firmware=firmware)
    assert refused.value.reason == LinkReason.SETUP


def test_a_setting_that_does_not_take_is_named() -> None:
    pod = pod_of()
    honest = pod.firmware.set

    def clamps(op: int, arguments: bytes) -> bool:
        return honest(op, b"\5" if op == Op.SET_ODR else arguments)

    pod.firmware.set = clamps  # type: ignore[method-assign]
    with pytest.raises(LinkError, match="odr_code is 5, asked 8"):
        Wire(pod).start(DRIVER)


def test_a_pod_that_refuses_everything_is_told_from_one_that_does_not_answer() -> None:
    pod = pod_of()
    pod._obey = lambda _op, _arguments, now_ns: pod._say(now_ns, b"\xfe")  # type: ignore[method-assign]
    with pytest.raises(LinkError, match="SD synchronisation"):
        Wire(pod).start(DRIVER)
    deaf = pod_of()
    deaf.deaf = 10**6
    with pytest.raises(LinkError, match="no answer to the checksum"):
        Wire(deaf).start(DRIVER)


def test_a_pod_that_still_streams_for_someone_else_is_silenced_first() -> None:
    """A link that the firmware never saw drop: it streams on, without a checksum."""
    wire = Wire(pod_of())
    wire.connect()
    wire.pod.subscribe(DATA, wire.now_ns)
    wire.pod.write(DATA, bytes([Op.START_STREAM]), wire.now_ns)
    wire.listen(NS)
    info = wire.converse(DRIVER.start(Wanted()))
    wire.listen(NS)
    assert sum(len(b) for b in decoded(wire, info)) > 180


@pytest.mark.parametrize("lost", [1, 2])
def test_a_stop_that_is_lost_under_load_is_sent_again(lost: int) -> None:
    wire, _ = started()
    wire.listen(NS)
    wire.pod.deaf = lost  # type: ignore[attr-defined]
    wire.converse(DRIVER.stop())
    wire.listen(NS // 5)
    assert wire.listen(NS) == []


def test_a_start_that_is_heard_but_does_not_happen_is_told() -> None:
    pod = pod_of()
    pod._start = lambda _now_ns: setattr(pod, "_streaming", False)  # type: ignore[method-assign]
    honest = pod._act

    def hears(op: int, arguments: bytes, now_ns: int) -> bool:
        return op == Op.START_STREAM or honest(op, arguments, now_ns)

    pod._act = hears  # type: ignore[method-assign]
    with pytest.raises(LinkError, match="the stream's start did not happen"):
        Wire(pod).start(DRIVER)


@pytest.mark.parametrize(
    ("name", "services", "fits"),
    [
        ("Shimmer3R-A5C1-BLE", (SERVICE,), True),
        ("Shimmer3R-A5C1-BLE", (), False),
        ("naviBelt", (SERVICE,), False),
        (None, (SERVICE,), False),
    ],
)
def test_others_with_the_same_module_are_left_alone(name: str | None, services: tuple[str, ...], fits: bool) -> None:
    assert DRIVER.matches(Advertisement(ADDRESS, name, services)) is fits


# ------------------------------------------------------------------------------------------------------ calibration


def test_the_units_own_calibration_is_read_and_used() -> None:
    _, info = started()
    assert info.details["calibration_from"] == {"acc": "device", "gyr": "device", "high_g": "device"}
    assert info.details["calibration"]["acc"]["sensitivity"] == [208.0, 209.0, 210.0]


def test_defaults_are_named_where_nothing_is_stored() -> None:
    pod = pod_of()
    pod.firmware.calibrations.clear()
    info = Wire(pod).start(DRIVER)
    assert info.details["calibration_from"] == dict.fromkeys(("acc", "gyr", "high_g"), "default: none is stored")
    assert info.details["calibration"]["acc"] == default_calibration("acc", 3).to_json()


def test_a_calibration_of_another_range_is_not_believed() -> None:
    pod = pod_of()
    stored = pod.firmware.calibrations["acc"]
    pod.firmware.calibrations["acc"] = replace(stored, sensitivity=(836.0, 836.0, 836.0))
    info = Wire(pod).start(DRIVER)
    assert info.details["calibration_from"]["acc"].startswith("default: what is stored cannot be of this range")
    assert info.details["calibration"]["acc"] == default_calibration("acc", 3).to_json()


@pytest.mark.parametrize("steps", [1, 100])
def test_calibration_blocks_round_trip(steps: int) -> None:
    one = Calibration(
        (-5.0, 300.0, 0.0), (1428 / steps, 1430 / steps, 1427 / steps), (0.0, -0.99, 0.02) * 2 + (0.1,) * 3
    )
    squared = replace(one, alignment=(0.99, 0.02, -0.01, 0.0, 1.0, 0.0, 0.01, 0.0, 1.0))
    assert decode_calibration(squared.encode(steps), steps) == squared
    assert Calibration.from_json(squared.to_json()) == squared
    assert decode_calibration(one.encode(steps), steps) is None, "an alignment that has no inverse"
    assert decode_calibration(b"\xff" * 21) is None
    assert decode_calibration(bytes(21)) is None
    assert decode_calibration(replace(squared, sensitivity=(0.0, 209.0, 209.0)).encode()) is None


# ----------------------------------------------------------------------------------------------------------- high g


def test_high_g_reads_on_where_the_accelerometer_ends_and_says_where_it_ends_itself() -> None:
    n = 200
    acc = np.zeros((n, 3))
    acc[40, 2] = 60 * G_MPS2
    acc[60, 0] = -190 * G_MPS2
    acc[80, 1] = 205 * G_MPS2
    acc[100, 2] = -205 * G_MPS2
    t_ns = np.rint(np.arange(n) * NS / 204.8).astype(np.int64)
    wire = Wire(pod_of(source=ArraySource(t_ns, acc, np.zeros((n, 3))), rate_hz=204.8, origin_ns=2 * NS))
    info = wire.start(DRIVER)
    wire.listen(4 * NS)
    blocks = decoded(wire, info)
    mask = np.concatenate([b.saturated for b in blocks])
    high = np.concatenate([b.high_g_mps2 for b in blocks if b.high_g_mps2 is not None])
    low = np.concatenate([b.acc_mps2 for b in blocks])
    at = np.flatnonzero(mask)
    assert [int(mask[i]) for i in at] == [0b100, 0b001, HIGH_G_BIT | 0b010, HIGH_G_BIT | 0b100]
    assert high[at[0], 2] == pytest.approx(60 * G_MPS2, abs=1.0)
    assert high[at[1], 0] == pytest.approx(-190 * G_MPS2, abs=1.0)
    assert abs(low[at[0], 2]) < 16.1 * G_MPS2
    assert np.abs(high[at[2:]]).max() >= 199 * G_MPS2


def test_the_high_g_sensor_gives_the_impact() -> None:
    """From the motion of a shoe to strides: peaks beyond 16 g are measured, not floors."""
    sensor = SensorModel(acc_range_g=200.0, bits=None)
    script = [Stand(3), Run(12, speed_mps=4.5), Stand(2)]
    foot = RunnerSimulation(script, seed=4).render(Side.LEFT, 204.8, sensor)
    wire = Wire(Shimmer3RSim.worn(foot, ADDRESS, NAME, now_ns=0, origin_ns=3 * NS))
    info = wire.start(DRIVER)
    wire.listen(20 * NS)
    analyser = FootAnalyser(Side.LEFT, info.rate_hz)
    items = [item for block in decoded(wire, info) for item in analyser.push(block)] + analyser.flush()
    strides = [s for s in items if isinstance(s, Stride) and s.impact_peak_g is not None]
    assert len(strides) > 10
    assert {s.impact_source for s in strides} == {"high_g"}
    assert not any(s.impact_clipped for s in strides)


# ------------------------------------------------------------------------------------------------------------- time


def test_the_first_65_ms_are_not_given_out() -> None:
    wire, info = started()
    wire.listen(NS)
    first_ns = int(decoded(wire, info)[0].t_pod_ns[0])
    assert first_ns >= ticks_to_ns(info.details["clock_ticks"] + 2130)


def test_a_clock_of_today_is_no_trouble() -> None:
    """64 bits of ticks since 1970, and nanoseconds of them."""
    uptime_us = 1_764_000_000_123_456
    wire, info = started(uptime_us=uptime_us)
    wire.listen(NS)
    blocks = decoded(wire, info)
    t_ns = np.concatenate([b.t_pod_ns for b in blocks])
    assert t_ns[0] == pytest.approx(uptime_us * 1000 + wire.now_ns, abs=2 * NS)
    assert set(np.diff(t_ns)) <= {4882812, 4882813}


def test_a_clock_that_someone_set_while_we_were_away_begins_a_new_segment() -> None:
    wire, info = started()
    decoder = ShimmerDecoder(info.to_json())
    before = [b for p in wire.listen(NS) for b in decoder.push(p)]
    wire.pod.drop_link()
    wire.pod._boot_clock_us += 3_600_000_000  # type: ignore[attr-defined]
    wire.now_ns += NS
    known = len(wire.packets)
    decoder.link_up(wire.start(DRIVER).to_json())
    wire.listen(NS)
    after = [b for p in wire.packets[known:] for b in decoder.push(p)]
    assert {b.segment for b in before} == {0}
    assert {b.segment for b in after} == {1}
    assert after[0].missing_before is None
    assert decoder.counts.lost == 0


def test_host_time_counts_the_wraps_where_the_clock_is_not_known() -> None:
    line = TickLine(160, None)
    (run,) = line.place([1000], 0)
    assert (run.ticks, run.missing) == ([1000], 0)
    line.relink(160, None, anew=False)
    away = 3 * TICK_SPAN + 160 * 50
    (run,) = line.place([(1000 + away) % TICK_SPAN], away * NS // TICKS_HZ + NS // 10)
    assert (run.ticks, run.missing, run.segment) == ([1000 + away], round(away / 160) - 1, 0)


def test_gaps_are_counted_in_samples_and_split_blocks() -> None:
    line = TickLine(160, 0)
    ticks = [320, 480, 640, 640 + 160 * 4, 640 + 160 * 5]
    runs = line.place([t % TICK_SPAN for t in ticks], 10**9)
    assert [(r.ticks, r.missing) for r in runs] == [(ticks[:3], 0), (ticks[3:], 3)]
    assert line.place([480, 640], 10**9) == []
    assert line.repeats == 2


# ------------------------------------------------------------------------------------------------------------ bytes


def test_a_status_that_nobody_asked_for_does_not_disturb_the_stream() -> None:
    wire, info = started()
    wire.listen(NS // 2)
    wire.pod.press_button(wire.now_ns)  # type: ignore[attr-defined]
    wire.listen(NS // 2)
    decoder = ShimmerDecoder(info.to_json())
    blocks = [b for p in wire.packets for b in decoder.push(p)]
    assert decoder.counts.rejected == {}
    assert decoder.counts.lost == 0
    assert sum(len(b) for b in blocks) > 180


def test_frames_are_found_whatever_stands_between() -> None:
    schema = Schema((0, 1, 2, 10, 11, 12))
    sample = encode_sample(b"\1\0\0" + bytes(range(12)))
    status = sealed(bytes([Op.IN_STREAM, Op.STATUS_RSP, 0x36, 0]))
    stream = b"\x55" + sample + DONE + status + b"\xff\x8a" + sample + sealed(b"\xff" + status[:4]) + sample[:5]
    found = find_frames(stream, schema.frame_bytes)
    assert [stream[i : i + len(sample)] for i in found.samples] == [sample] * 2
    assert (found.frames, found.skipped, stream[found.rest :]) == (5, 3, sample[:5])


def test_memory_is_bounded_whatever_comes() -> None:
    _, info = started()
    decoder = ShimmerDecoder(info.to_json())
    for byte in (0x00, 0x8A, 0xFF, 0x55):
        for _ in range(50):
            with contextlib.suppress(PacketError):
                decoder.push(Packet(POD, 0, DATA, bytes([byte]) * 200))
    assert set(decoder.counts.rejected) == {PacketReason.CHECKSUM}
    assert max(len(decoder._sure), len(decoder._all)) < 64
