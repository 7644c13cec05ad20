"""A sensor of the SIG's profiles, spoken to by its driver: what it tells, and what it cannot."""

from __future__ import annotations

import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import Advertisement
from sensord.drivers.standard_wire import HEART_SERVICE, RSC_SERVICE, RscFeature
from sensord.errors import LinkError, LinkReason
from sensord.model import NS, Packet, Reading
from sensord.sim.pods.standard import Moving, StandardPodSim
from tests.drivers.wireless import ADDRESS, Wire

STANDARD = DRIVERS["standard"]


def told(wire: Wire, seconds: float = 5.0) -> list[Reading]:
    info = wire.start(STANDARD)
    decoder = STANDARD.decoder(info.to_json())
    return [r for p in wire.listen(int(seconds * NS)) for r in decoder.push(p) if isinstance(r, Reading)]


def sensor(**options: object) -> Wire:
    return Wire(StandardPodSim(ADDRESS, "sim", now_ns=0, **options))  # type: ignore[arg-type]


def test_a_foot_pod_and_strap_in_one() -> None:
    wire = sensor()
    readings = told(wire)
    info = wire.announced[0]
    assert (info.model, info.rate_hz, info.details["profiles"]) == ("sim pod", 0.0, ["rsc", "heart"])
    speeds = [r for r in readings if r.speed_mps is not None]
    assert [r.cadence_per_min for r in speeds] == [168.0] * 5
    assert speeds[0].speed_mps == pytest.approx(2.8, abs=1 / 512)
    assert speeds[-1].distance_m is not None
    assert speeds[0].distance_m is not None
    assert speeds[-1].distance_m - speeds[0].distance_m == pytest.approx(4 * 2.8, abs=0.11)
    assert all(r.running for r in speeds)
    assert {r.heart_rate_bpm for r in readings if r.speed_mps is None} == {145.0}


def test_cadence_is_handed_on_as_it_was_sent() -> None:
    assert {r.cadence_per_min for r in told(sensor(profiles=("rsc",), counts_strides=True))} == {84.0}


def test_a_pod_that_cannot_tell_running_from_walking_does_not() -> None:
    assert {r.running for r in told(sensor(profiles=("rsc",), tells=RscFeature(0)))} == {None}


def test_power_and_crank() -> None:
    readings = told(sensor(profiles=("power",)), 10.0)
    assert {r.power_w for r in readings} == {210.0}
    assert readings[0].cadence_per_min is None
    later = [r.cadence_per_min for r in readings[1:] if r.cadence_per_min is not None]
    assert len(later) >= 8
    assert all(cadence == pytest.approx(84.0, abs=1.0) for cadence in later)


def test_a_strap_that_is_not_worn_has_no_heart_rate() -> None:
    readings = told(sensor(profiles=("heart",), moving=lambda _: Moving(heart_rate_bpm=None)))
    assert readings
    assert {r.heart_rate_bpm for r in readings} == {None}


def test_a_distance_that_begins_anew_is_another_segment() -> None:
    wire = sensor(profiles=("rsc",))
    decoder = STANDARD.decoder(wire.start(STANDARD).to_json())

    def listen(packets: list[Packet]) -> list[Reading]:
        return [r for p in packets for r in decoder.push(p) if isinstance(r, Reading)]

    before = listen(wire.listen(5 * NS))
    wire.pod.reboot(wire.now_ns)
    decoder.link_up(wire.start(STANDARD).to_json())
    after = listen(wire.listen(3 * NS))
    assert ({r.segment for r in before}, {r.segment for r in after}) == ({0}, {1})


def test_one_without_any_profile_is_refused() -> None:
    with pytest.raises(LinkError) as caught:
        sensor(profiles=()).start(STANDARD)
    assert caught.value.reason is LinkReason.SERVICES


def test_polar_and_movesense_are_left_to_their_own_drivers() -> None:
    assert STANDARD.matches(Advertisement("a", "HRM", (HEART_SERVICE,)))
    assert STANDARD.matches(Advertisement("a", "Stryd", (RSC_SERVICE,)))
    for name in ("Polar Sense 12345678", "Polar H10 12345678", "Movesense 1234"):
        assert not STANDARD.matches(Advertisement("a", name, (HEART_SERVICE,)))
