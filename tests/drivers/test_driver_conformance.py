"""What every driver must do, whatever the pod: who it is, how it starts and stops, what it says of itself.

The suite walks DRIVERS with the simulated pod of each, by what `habits` declares; samples, links, fuzz, logs and
readings have files of their own (test_conformance_*.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sensord.drivers import DRIVERS
from sensord.drivers.base import Advertisement, Announce, LoggingDriver, PodInfo, Subscribe, Wanted
from sensord.errors import LinkError
from sensord.model import NS
from sensord.sim.pods import SIMULATED
from tests.drivers.conformance import EVERY, SAMPLES, decoder_of, through_json
from tests.drivers.habits import HABITS, habits_of
from tests.drivers.wireless import Wire, pod_of, recorded

HERE = Path(__file__).parent


def test_every_driver_has_a_simulated_pod_and_its_own_name() -> None:
    assert set(SIMULATED) == set(DRIVERS)
    assert all(driver.name == name for name, driver in DRIVERS.items())


def test_every_driver_has_declared_its_habits() -> None:
    missing = sorted(set(DRIVERS) - set(HABITS))
    assert not missing, f"drivers without a line in tests/drivers/habits.py: {', '.join(missing)}"


@EVERY
def test_known_bytes_are_decoded_and_say_where_they_come_from(name: str) -> None:
    """Every driver has a file of vectors, and each file names the provenance of what it decodes."""
    file = HERE / f"test_{name.replace('-', '_')}_vectors.py"
    assert file.exists(), f"{name} has no {file.name}"
    text = file.read_text().lower()
    assert "provenance" in text, f"{file.name} does not name the provenance of its bytes"
    assert "def test_" in text


@EVERY
def test_knows_its_pod_by_the_advertisement_and_no_other(name: str) -> None:
    heard = pod_of(name).advertisement()
    assert heard is not None
    assert [n for n, driver in DRIVERS.items() if driver.matches(heard)] == [name]
    assert not DRIVERS[name].matches(Advertisement("00:11:22:33:44:55", "kitchen scale"))
    assert not DRIVERS[name].matches(Advertisement("00:11:22:33:44:55"))


@EVERY
def test_info_survives_the_run_file(name: str) -> None:
    info, _ = recorded(name, 0.1)
    assert PodInfo.from_json(through_json(info)) == info
    assert info.driver == name


@EVERY
def test_announces_itself_before_data_can_come_and_returns_the_same(name: str) -> None:
    """Subscribing to data before the announcement is for pods that answer on their data line: nothing is kept then."""
    wire = Wire(pod_of(name))
    info = wire.start(DRIVERS[name])
    assert wire.announced == [info]
    kinds = [(type(r), getattr(r, "data", None)) for r in wire.requests]
    announced = kinds.index((Announce, None))
    assert (Subscribe, True) in kinds
    if not habits_of(name).answers_on_data:
        assert (Subscribe, True) not in kinds[:announced]


@SAMPLES
def test_what_it_says_of_itself_is_what_it_does(name: str) -> None:
    habits, about = habits_of(name), DRIVERS[name].about
    info, _ = recorded(name, 0.1, acc_range_g=16)
    assert info.rate_hz == habits.rate_hz
    assert info.rate_hz in about.rates_hz
    assert info.acc_range_g in about.acc_ranges_g
    assert info.gyr_range_dps in about.gyr_ranges_dps
    assert {got for _, got in habits.rates_hz} <= set(about.rates_hz)
    assert habits.widest_acc_g == max(about.acc_ranges_g)


@EVERY
def test_tells_people_what_it_can_and_cannot(name: str) -> None:
    about, habits = DRIVERS[name].about, habits_of(name)
    assert about.models
    assert about.clock
    assert about.loss
    assert about.measures
    assert about.tested_on
    assert (about.log is not None) == habits.logs == isinstance(DRIVERS[name], LoggingDriver)
    if about.log is not None:
        assert about.log.source
    if habits.gives == "readings":
        assert about.cannot, "a pod that only computes for itself cannot measure what needs samples"


@EVERY
@pytest.mark.parametrize("other", [False, True], ids=["its own", "of another driver"])
def test_recorded_info_that_cannot_be_read_is_refused(name: str, other: bool) -> None:
    driver = DRIVERS[name]
    info, _ = recorded(name, 0.1)
    good = through_json(info)
    driver.decoder(good)
    if other:
        bad = [{}, {"driver": "toaster"}, {**good, "driver": "toaster"}]
    else:
        bad = [{"driver": name, "rate_hz": 200.0}, {k: good[k] for k in ("driver", "model")}]
        if habits_of(name).gives == "samples":
            bad += [{**good, "rate_hz": 0.0}, {**good, "acc_range_g": 0.0}]
    for value in bad:
        with pytest.raises(LinkError):
            driver.decoder(value)


@EVERY
def test_stop_leaves_the_pod_quiet_and_it_can_be_started_again(name: str) -> None:
    wire = Wire(pod_of(name))
    wire.start(DRIVERS[name])
    assert wire.listen(NS)
    wire.converse(DRIVERS[name].stop())
    wire.listen(NS // 5)
    assert wire.listen(NS) == [] or habits_of(name).never_quiet
    wire.pod.drop_link()
    wire.start(DRIVERS[name])
    assert wire.listen(NS)


@EVERY
def test_started_again_after_a_lost_link_without_a_stop(name: str) -> None:
    """What survived the lost link in the pod is in nobody's way; settings are made anew every time."""
    wire = Wire(pod_of(name))
    first = wire.start(DRIVERS[name], Wanted(rate_hz=52.0))
    wire.listen(NS)
    wire.pod.drop_link()
    wire.now_ns += NS
    wire.start(DRIVERS[name])
    wire.listen(NS)
    wire.pod.drop_link()
    wire.now_ns += NS
    known = len(wire.packets)
    third = wire.start(DRIVERS[name], Wanted(rate_hz=52.0))
    assert (third.rate_hz, third.acc_range_g, third.gyr_range_dps, third.serial) == (
        first.rate_hz,
        first.acc_range_g,
        first.gyr_range_dps,
        first.serial,
    )
    wire.listen(3 * NS)
    decoder = decoder_of(name, third)
    made = [one for packet in wire.packets[known:] for one in decoder.push(packet)]
    assert made
    assert decoder.counts.rejected == {}


@EVERY
def test_restarted_pod_can_be_started_again(name: str) -> None:
    wire = Wire(pod_of(name))
    wire.start(DRIVERS[name])
    wire.listen(NS)
    wire.pod.reboot(wire.now_ns)
    wire.now_ns += NS
    info = wire.start(DRIVERS[name])
    packets = wire.listen(3 * NS)
    decoder = decoder_of(name, info)
    assert [one for packet in packets for one in decoder.push(packet)]
    assert decoder.counts.rejected == {}
