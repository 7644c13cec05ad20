"""Pods that compute for themselves: their readings are stamped, in order, and claim nothing that was not sent."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise
from math import isfinite

from sensord.drivers import DRIVERS
from sensord.model import NS, Reading
from tests.drivers.conformance import READINGS, decoder_of, through_json
from tests.drivers.wireless import Wire, pod_of, recorded

NUMBERS = [f.name for f in fields(Reading) if f.name not in {"t_rx_ns", "segment", "running", "rr_s"}]


def check_readings(readings: list[Reading]) -> None:
    for reading in readings:
        said = [getattr(reading, name) for name in NUMBERS]
        assert any(value is not None for value in [*said, reading.running]) or reading.rr_s, "a reading of nothing"
        assert all(value is None or (isfinite(value) and value >= 0) for value in said)
        assert all(isfinite(rr) and rr > 0 for rr in reading.rr_s)
    segments = [r.segment for r in readings]
    assert segments == sorted(segments)
    assert all(a.t_rx_ns <= b.t_rx_ns for a, b in pairwise(readings))
    for segment in set(segments):
        run = [r.distance_m for r in readings if r.segment == segment and r.distance_m is not None]
        assert run == sorted(run)


@READINGS
def test_readings_are_stamped_as_they_come(name: str) -> None:
    info, packets = recorded(name, 20.0)
    decoder = decoder_of(name, info)
    readings = []
    for packet in packets:
        for reading in decoder.push(packet):
            assert isinstance(reading, Reading)
            assert reading.t_rx_ns == packet.t_ns
            readings.append(reading)
    check_readings(readings)
    assert len(readings) >= 10
    assert decoder.counts.samples == len(readings)
    assert decoder.counts.lost is None, "a pod that sends readings cannot tell which were lost"
    assert decoder.counts.rejected == {}
    assert {r.segment for r in readings} == {0}


@READINGS
def test_a_pod_of_readings_has_no_rate_and_no_range(name: str) -> None:
    info, _ = recorded(name, 0.1)
    assert (info.rate_hz, info.acc_range_g, info.gyr_range_dps) == (0.0, 0.0, 0.0)
    about = DRIVERS[name].about
    assert about.acc_ranges_g == about.gyr_ranges_dps == ()


@READINGS
def test_distance_never_runs_backwards_over_lost_links_and_restarts(name: str) -> None:
    wire = Wire(pod_of(name))
    decoder = decoder_of(name, wire.start(DRIVERS[name]))
    readings = [r for p in wire.listen(10 * NS) for r in decoder.push(p)]
    for fault in ("drop", "reboot", "drop"):
        if fault == "reboot":
            wire.pod.reboot(wire.now_ns)
        else:
            wire.pod.drop_link()
        wire.now_ns += 5 * NS
        known = len(wire.packets)
        decoder.link_up(through_json(wire.start(DRIVERS[name])))
        wire.listen(10 * NS)
        came = [r for p in wire.packets[known:] for r in decoder.push(p)]
        assert came
        readings += came
    check_readings(readings)  # type: ignore[arg-type]
    assert decoder.counts.rejected == {}
