"""Simulated pods as peripherals: when they send, what they keep, how they fail. Time is told."""

from __future__ import annotations

import numpy as np
import pytest

from sensord.drivers import DRIVERS
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import BATTERY_LEVEL, AttError, Wanted
from sensord.model import NS, SampleBlock, Side
from sensord.sim.pods import OpenPodSim
from sensord.sim.runner import Run, RunnerSimulation, SensorModel, Stand
from sensord.sim.sources import ArraySource, SineSource
from tests.drivers.wireless import ADDRESS, Wire

OPEN_POD = DRIVERS["open-pod"]


def wired(**options: object) -> Wire:
    return Wire(OpenPodSim(ADDRESS, "pod", now_ns=0, **options))  # type: ignore[arg-type]


def decode(line: Wire, info: object, packets: list[object] | None = None) -> list[SampleBlock]:
    decoder = OPEN_POD.decoder(info.to_json())  # type: ignore[attr-defined]
    return [b for p in (packets if packets is not None else line.packets) for b in decoder.push(p)]  # type: ignore[arg-type]


def test_sends_only_when_connected_subscribed_and_started() -> None:
    line = wired()
    pod = line.pod
    assert pod.due(NS) == []
    pod.connect(NS, lambda: None)
    pod.write(wire.CONTROL, b"\x01", NS)
    assert pod.due(2 * NS) == []
    pod.subscribe(wire.DATA, 2 * NS)
    sent = pod.due(3 * NS)
    assert {n.uuid for n in sent} == {wire.DATA}
    packets = [wire.decode_data(n.payload) for n in sent]
    assert [p.seq for p in packets] == list(range(len(packets)))
    assert packets[0].t_first_us >= 60_000_000 + 2_000_000, "nothing from before anybody listened"
    pod.write(wire.CONTROL, b"\x02", 3 * NS)
    assert pod.due(4 * NS) == []


def test_keeps_clock_and_counter_through_a_lost_link_and_not_through_a_restart() -> None:
    line = wired()
    first = line.start(OPEN_POD)
    line.listen(NS)
    last = wire.decode_data(line.packets[-1].payload)
    line.pod.drop_link()
    line.now_ns += 5 * NS
    second = line.start(OPEN_POD)
    after = wire.decode_data(line.listen(NS)[0].payload)
    assert first.boot_id == second.boot_id
    assert after.seq == last.seq + 1
    assert after.t_first_us - last.t_first_us > 5_000_000
    line.pod.reboot(line.now_ns)
    third = line.start(OPEN_POD)
    fresh = wire.decode_data(line.listen(NS)[0].payload)
    assert third.boot_id != second.boot_id
    assert fresh.seq == 0
    assert wire.Flag.CLOCK_RESTARTED in fresh.flags
    assert fresh.t_first_us < 1_000_000


@pytest.mark.parametrize("mtu", [27, 64, 185, 247, 517])
def test_packets_fit_the_mtu(mtu: int) -> None:
    line = wired(mtu=mtu)
    info = line.start(OPEN_POD, Wanted(rate_hz=1000.0))
    line.listen(NS)
    assert max(len(p.payload) for p in line.packets) <= mtu - 3
    assert sum(len(b) for b in decode(line, info)) > 900


def test_clock_error_shows_in_the_stamps_and_not_in_the_grid() -> None:
    line = wired(clock_ppm=300.0)
    info = line.start(OPEN_POD)
    line.listen(100 * NS)
    t_ns = np.concatenate([b.t_pod_ns for b in decode(line, info)])
    assert np.allclose(np.diff(t_ns), 5_000_000, atol=15_000)
    newest_age_ns = line.pod.clock_ns(line.now_ns) - t_ns[-1]
    assert 0 <= newest_age_ns < 60_000_000
    assert line.pod.clock_ns(100 * NS) - line.pod.clock_ns(0) == 100 * NS + 30_000_000


def test_loss_takes_its_share_and_books_it() -> None:
    line = wired()
    line.pod.loss = 0.1
    info = line.start(OPEN_POD)
    line.listen(60 * NS)
    sent, lost = line.pod.sent[wire.DATA], line.pod.lost_on_air
    assert 0.05 < lost / sent < 0.15
    assert len(line.packets) == sent - lost
    missing = sum(b.missing_before or 0 for b in decode(line, info))
    assert missing == pytest.approx(10 * lost, abs=30)  # what is lost at the very end cannot be known


def test_jitter_bunches_packets_and_keeps_their_order() -> None:
    line = wired(seed=3)
    line.pod.jitter_ms = 200.0
    info = line.start(OPEN_POD)
    line.listen(10 * NS)
    arrivals = np.array([p.t_ns for p in line.packets])
    assert (np.diff(arrivals) == 0).any()
    assert np.diff(arrivals).max() > 100_000_000
    assert all(b.missing_before == 0 for b in decode(line, info))


def test_battery_drains_and_tells_on_change() -> None:
    line = wired()
    line.pod.battery_pct_per_hour = 3600.0
    line.pod.connect(0, lambda: None)
    assert line.pod.read(BATTERY_LEVEL, 0) == bytes([100])
    line.pod.subscribe(BATTERY_LEVEL, 0)
    told = [n.payload[0] for t in range(1, 6) for n in line.pod.due(t * NS)]
    assert told == [99, 98, 97, 96, 95]


def test_faults() -> None:
    line = wired()
    lost: list[int] = []
    line.pod.connect(0, lambda: lost.append(1))
    assert line.pod.advertisement() is None
    line.pod.drop_link()
    assert lost == [1]
    assert line.pod.advertisement() is not None
    line.pod.vanish()
    assert line.pod.advertisement() is None
    line.pod.vanished = False
    line.start(OPEN_POD)
    line.pod.stalled = True
    assert line.listen(NS) == []
    line.pod.stalled = False
    assert line.listen(NS)
    assert lost == [1]


def test_att_rules_of_the_table() -> None:
    line = wired()
    for call, code in [
        (lambda: line.pod.read(wire.CONTROL, 0), 0x02),
        (lambda: line.pod.write(wire.INFO, b"", 0), 0x03),
        (lambda: line.pod.subscribe(wire.INFO, 0), 0x0A),
        (lambda: line.pod.read("nothing", 0), 0x0A),
    ]:
        with pytest.raises(AttError) as refused:
            call()
        assert refused.value.code == code


def test_an_array_source_holds_plays_loops_and_keeps_its_gaps() -> None:
    t_ns = np.array([7, 8, 9, 13, 14]) * 5_000_000
    acc = np.arange(15.0).reshape(5, 3)
    source = ArraySource(t_ns, acc, -acc)
    ms = 1_000_000
    held = source.between(-20 * ms, 0, 200.0)
    assert held.t_ns.tolist() == [-20 * ms, -15 * ms, -10 * ms, -5 * ms]
    assert held.acc_mps2[:, 0].tolist() == [0, 0, 0, 0]
    played = source.between(0, 40 * ms, 200.0)
    assert played.t_ns.tolist() == [0, 5 * ms, 10 * ms, 30 * ms, 35 * ms]
    assert np.array_equal(played.gyr_radps, -acc)
    assert source.between(40 * ms, 60 * ms, 200.0).acc_mps2[:, 2].tolist() == [14.0] * 4
    looped = ArraySource(t_ns, acc, -acc, loop=True).between(30 * ms, 55 * ms, 200.0)
    assert looped.t_ns.tolist() == [30 * ms, 35 * ms, 40 * ms, 45 * ms, 50 * ms]
    assert looped.acc_mps2[:, 0].tolist() == [9, 12, 0, 3, 6]
    cut = [source.between(a, a + 3 * ms, 200.0).t_ns for a in range(-20 * ms, 60 * ms, 3 * ms)]
    whole = source.between(-20 * ms, 61 * ms, 200.0).t_ns
    assert np.concatenate(cut).tolist() == whole[whole < -20 * ms + 27 * 3 * ms].tolist()
    with pytest.raises(ValueError, match="in order"):
        ArraySource(t_ns[::-1], acc, acc)


def test_sine_source_gives_the_same_samples_however_it_is_asked() -> None:
    source = SineSource()
    whole = source.between(0, NS, 208.0)
    parts = [source.between(a * NS // 100, (a + 1) * NS // 100, 208.0) for a in range(100)]
    assert np.concatenate([p.t_ns for p in parts]).tolist() == whole.t_ns.tolist()
    assert np.array_equal(np.concatenate([p.acc_mps2 for p in parts]), whole.acc_mps2)


@pytest.mark.parametrize("ppm", [0.0, -150.0])
def test_a_simulated_foot_arrives_as_it_was_rendered(ppm: float) -> None:
    """Script, sensor, pod, packets, decoder: every sample, stamp (to 10 us) and saturation bit comes out."""
    sensor = SensorModel(clock_ppm=ppm, clock_start_s=12.0, acc_range_g=8.0)
    simulation = RunnerSimulation([Stand(2), Run(8, speed_mps=3.0)], seed=5)
    foot = simulation.render(Side.LEFT, 200.0, sensor)
    line = Wire(OpenPodSim.worn(foot, ADDRESS, "left", now_ns=0, origin_ns=NS, clock_ppm=ppm))
    info = line.start(OPEN_POD)
    line.listen(11 * NS)
    blocks = decode(line, info)
    t_ns = np.concatenate([b.t_pod_ns for b in blocks])
    start_ns = line.pod.clock_ns(NS)
    rows = np.rint((t_ns - start_ns) / 5_000_000).astype(int)
    ours = (rows >= 0) & (rows < len(foot))
    assert ours.sum() > 0.97 * len(foot)
    wanted = rows[ours]
    assert np.abs(t_ns[ours] - start_ns - (foot.t_pod_ns - foot.t_pod_ns[0])[wanted]).max() <= 10_000
    acc, gyr, saturated = (
        np.concatenate([getattr(b, name) for b in blocks])[ours] for name in ("acc_mps2", "gyr_radps", "saturated")
    )
    assert np.allclose(acc, foot.acc_mps2[wanted], atol=1e-9)
    assert np.allclose(gyr, foot.gyr_radps[wanted], atol=1e-9)
    assert saturated.tolist() == foot.saturated[wanted].tolist()
    assert saturated.any(), "a step passes 8 g"
    assert sum(b.missing_before or 0 for b in blocks) == 0


def test_what_the_simulated_foot_lost_is_missing_and_counted() -> None:
    sensor = SensorModel(loss=0.1, packet_samples=7)
    simulation = RunnerSimulation([Stand(3), Run(6, speed_mps=3.0)], seed=6)
    foot = simulation.render(Side.RIGHT, 200.0, sensor)
    line = Wire(OpenPodSim.worn(foot, ADDRESS, "right", now_ns=0, origin_ns=0))
    info = line.start(OPEN_POD)
    line.listen(8 * NS)
    blocks = decode(line, info)
    gone = int(np.diff(foot.index).sum() - (len(foot) - 1))
    assert gone > 50
    t_ns = np.concatenate([b.t_pod_ns for b in blocks])
    holes = np.rint(np.diff(t_ns) / 5_000_000).astype(int) - 1
    assert sum(b.missing_before or 0 for b in blocks) == holes.sum() > 50
