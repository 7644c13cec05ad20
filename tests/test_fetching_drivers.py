"""A whole armed run on each kind of pod that logs: armed over the simulated radio, away, fetched: each sample once."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sensord.armed import ArmedState, Flight
from sensord.drivers import DRIVERS
from sensord.drivers.base import LOG, LoggingDriver
from sensord.errors import LinkError
from sensord.log_samples import FetchedLog, one_line
from sensord.model import NS, Packet
from sensord.pod_time import Axis
from sensord.sim.pods import SIMULATED
from tests.away import LEFT, Place, fast_logs
from tests.drivers.conformance import PLAIN, SixSines
from tests.drivers.habits import habits_of
from tests.drivers.wireless import POD, Wire, pod_of

LOGGING = [name for name, driver in sorted(DRIVERS.items()) if isinstance(driver, LoggingDriver)]
AWAY_S = 12.0


@pytest.mark.slow
@pytest.mark.parametrize("name", LOGGING)
async def test_every_logged_sample_is_home_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fast_logs(monkeypatch)
    habits = habits_of(name)
    place = Place(tmp_path, ago_s=AWAY_S)
    place.settings.stream.acc_range_g = 16
    pod = SIMULATED[name](
        LEFT, habits.advertised, now_ns=place.now_ns(), source=SixSines(), clock_ppm=40.0, **habits.options
    )
    place.wear([pod], {LEFT: name})
    [report] = await place.arm()
    assert report.ok
    armed_ns = place.now_ns()
    place.later(AWAY_S)
    flights: list[Flight] = []
    save = ArmedState.save
    monkeypatch.setattr(ArmedState, "save", lambda state, flight: (flights.append(flight), save(state, flight)))
    found = await place.fetch()
    assert [report.text for report in found.pods if not report.ok] == []
    [fetched] = found.pods
    assert fetched.ok
    assert not fetched.details["lost"]
    flight = flights[-1]
    [armed] = flight.pods
    rate_hz = habits.log_rate_hz or habits.rate_hz
    log = FetchedLog(armed, ArmedState(tmp_path).log_file(flight, armed), Axis.of(armed.fixes))
    log.survey()
    line = list(one_line(log, []))
    t_ns = np.concatenate([timed.block.t_pod_ns for timed in line])
    at_ns = np.concatenate([timed.axis_ns for timed in line])
    assert len(t_ns) == fetched.details["samples"] == log.samples
    assert np.allclose(np.diff(t_ns), NS / rate_hz, rtol=0, atol=2 * habits.time_atol_ns)
    assert log.untimed_samples == 0
    # what was logged begins when it was armed, ends when it was fetched, and its time is ours
    edge_ns = habits.log_edge_s * NS + 2 * NS
    assert abs(at_ns[0] - armed_ns) < edge_ns
    assert abs(at_ns[-1] - armed.fixes[-1].at_ns) < edge_ns, "its clock is read when its log is stopped"
    with capsys.disabled():
        rate, error_ms = f"{rate_hz:g} Hz", fetched.details["error_ns"] / 1e6
        sys.stdout.write(f"\n{name}: {len(t_ns)} samples at {rate}, each once; clock to {error_ms:.1f} ms\n")


@pytest.mark.parametrize("name", LOGGING)
def test_a_stream_that_is_begun_meanwhile_leaves_the_log_alone(name: str) -> None:
    """It streams beside it, or says that it cannot; the log has no hole either way."""
    driver = DRIVERS[name]
    assert isinstance(driver, LoggingDriver)
    wire = Wire(pod_of(name, source=SixSines()))
    wire.connect()
    armed = wire.converse(driver.arm(PLAIN)).to_json()
    wire.pod.drop_link()
    wire.now_ns += 4 * NS
    wire.connect()
    refusal = "fetch"
    try:
        info = wire.converse(driver.start(replace(PLAIN, keep_log=True)))
        wire.listen(2 * NS)
        assert wire.packets
        assert info.rate_hz == armed["rate_hz"]
        wire.converse(driver.stop())
    except LinkError as refused:
        refusal = str(refused)
        wire.listen(2 * NS)
    assert "fetch" in refusal
    wire.pod.drop_link()
    wire.now_ns += 4 * NS
    wire.connect()
    wire.converse(driver.recover(armed))
    decoder = driver.log_decoder(armed)
    blocks = [b for i, piece in enumerate(wire.kept) for b in decoder.push(Packet(POD, i, LOG, piece))]
    t_ns = np.concatenate([b.t_pod_ns for b in blocks])
    assert len(t_ns) > 8 * decoder.rate_hz
    assert np.allclose(np.diff(t_ns), NS / decoder.rate_hz, rtol=0, atol=2 * habits_of(name).time_atol_ns)
    assert not decoder.counts.lost
