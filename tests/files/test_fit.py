"""FIT files of watches: what is read, what is refused, and that pauses count for nothing."""

from __future__ import annotations

import builtins
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.files.fit import read_fit
from sensord.load.readings import Readings
from sensord.model import NS
from tests.fit_writer import CYCLING, START, STOP_ALL, FitWriter, steady_run

BEGUN_S = 1_700_000_000


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "run.fit"
    path.write_bytes(data)
    return path


def metres(path: Path) -> float:
    """What the readings come to in a run."""
    readings = Readings()
    return sum(moved.metres for r in read_fit(path).readings if (moved := readings.add("watch", r)) is not None)


def test_a_run_second_by_second(tmp_path: Path) -> None:
    data = steady_run(BEGUN_S, 120, stance_time=250.0, power=240).bytes()
    activity = read_fit(write(tmp_path, data))
    assert (activity.device, activity.serial, activity.wall_ns) == ("garmin-77", "77", BEGUN_S * NS)
    assert activity.wall_span_ns == (BEGUN_S * NS, (BEGUN_S + 120) * NS + NS // 1000)  # the timer stops
    middle = activity.readings[60]
    assert (middle.t_rx_ns, middle.speed_mps, middle.distance_m) == (60 * NS, 3.0, 180.0)
    assert (middle.cadence_per_min, middle.heart_rate_bpm, middle.power_w) == (82.5, 150.0, 240.0)
    assert middle.contact_time_s == 0.25
    assert activity.said["contact_time_s"] == {"median": 0.25, "n": 121}
    assert metres(tmp_path / "run.fit") == pytest.approx(360.0)


def test_unmeasured_is_none_and_a_heart_that_does_not_beat_is_no_heart_rate(tmp_path: Path) -> None:
    fit = FitWriter()
    for second in range(3):
        fit.record(BEGUN_S + second, speed=2.5, heart_rate=0)
    reading = read_fit(write(tmp_path, fit.bytes())).readings[1]
    assert reading.speed_mps == 2.5
    assert (reading.heart_rate_bpm, reading.power_w, reading.distance_m, reading.contact_time_s) == (None,) * 4
    assert reading.cadence_per_min is None


def test_a_file_without_speed_has_that_of_its_distance(tmp_path: Path) -> None:
    fit = FitWriter()
    for second in range(0, 20, 2):
        fit.record(BEGUN_S + second, distance=3.0 * second)
    path = write(tmp_path, fit.bytes())
    assert [r.speed_mps for r in read_fit(path).readings[1:]] == [3.0] * 9
    assert metres(path) == pytest.approx(48.0)  # nobody knows the speed of the first record


@pytest.mark.parametrize("has_distance", [True, False])
def test_while_the_timer_is_stopped_nothing_counts(tmp_path: Path, *, has_distance: bool) -> None:
    """Stopped for 200 s, in which the watch goes on recording: 60 s of running before it and 60 s after."""
    fit = FitWriter().timer(BEGUN_S, START)
    at_m = 0.0
    for second in range(321):
        running = second <= 60 or second > 260
        if second == 60:
            fit.timer(BEGUN_S + second, STOP_ALL)
        if second == 260:
            fit.timer(BEGUN_S + second, START)
        values = {"distance": at_m} if has_distance else {}
        fit.record(BEGUN_S + second, speed=3.0, **values)
        at_m += 3.0 * running
    assert metres(write(tmp_path, fit.bytes())) == pytest.approx(360.0, abs=6.1)  # a second at each end


def test_a_distance_that_begins_anew_is_a_new_segment(tmp_path: Path) -> None:
    fit = FitWriter()
    for second, at_m in enumerate([0, 3, 6, 0, 3]):
        fit.record(BEGUN_S + second, distance=at_m, speed=3.0)
    assert [r.segment for r in read_fit(write(tmp_path, fit.bytes())).readings] == [0, 0, 0, 1, 1]


def test_two_records_of_one_second_are_one(tmp_path: Path) -> None:
    fit = FitWriter()
    for second in (0, 1, 1, 2):
        fit.record(BEGUN_S + second, speed=3.0)
    assert [r.t_rx_ns // NS for r in read_fit(write(tmp_path, fit.bytes())).readings] == [0, 1, 2]


def good() -> bytes:
    return steady_run(BEGUN_S, 20).bytes()


BAD = {
    "flipped": (lambda: good()[:100] + bytes([good()[100] ^ 0xFF]) + good()[101:], "checksum|damaged"),
    "crc": (lambda: good()[:-1] + bytes([good()[-1] ^ 1]), "checksum"),
    "cut": (lambda: good()[: len(good()) // 2], "ends too early|damaged"),
    "cycling": (lambda: FitWriter().session(CYCLING).record(BEGUN_S, speed=9.0).bytes(), "the sport cycling"),
    "no records": (lambda: FitWriter().bytes(), "no record with a speed"),
    "heart only": (lambda: FitWriter().record(BEGUN_S, heart_rate=140).bytes(), "no record with a speed"),
    "back": (
        lambda: FitWriter().record(BEGUN_S + 9, speed=3.0).record(BEGUN_S, speed=3.0).bytes(),
        "record 2: found a time 9 s before",
    ),
    "a leap": (
        lambda: FitWriter().record(BEGUN_S, speed=3.0).record(BEGUN_S + 10**6, speed=3.0).bytes(),
        "record 2: found a time 278 h after the first",
    ),
    "a course": (lambda: FitWriter(kind=6).record(BEGUN_S, speed=3.0).bytes(), "type course"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_named(tmp_path: Path, name: str) -> None:
    make, words = BAD[name]
    with pytest.raises(InputError, match=words) as caught:
        read_fit(write(tmp_path, make()))
    assert str(tmp_path / "run.fit") in str(caught.value)


@settings(deadline=None, max_examples=60)
@given(at=st.integers(14, len(good()) - 1), junk=st.binary(min_size=1, max_size=12))
def test_junk_in_a_file_is_an_input_error_or_a_run(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("fit") / "junk.fit"
    path.write_bytes(good()[:at] + junk + good()[at + len(junk) :])
    try:
        activity = read_fit(path)
    except InputError:
        return
    assert activity.readings  # the very same bytes


def test_without_fitdecode_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: object) -> object:
        if name == "fitdecode":
            raise ImportError(name)
        return real(name, *args)  # type: ignore[arg-type]

    path = write(tmp_path, good())
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"sensord\[fit\]"):
        read_fit(path)
