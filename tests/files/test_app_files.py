"""What phone apps wrote comes out as it was measured, whole or with the line that is wrong."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.files.part import FootRecording, NotNeeded, Part, Sensors, Times, foot_recording
from sensord.files.recognise import LAYOUTS, read_recording
from sensord.model import G_MPS2, NS, Side
from tests.app_files import ADDRESS, APPS, BEGUN_NS, RATE_HZ, consensys, dot, foot, imu_csv, metabase, polar

COARSE = {  # of the format: m/s², rad/s
    "MetaBase": (0.0005 * G_MPS2, 0.0005),
    "Polar Sensor Logger": (1e-5, 1e-5),
    "Movella DOT": (1e-6, 1e-7),
    "Shimmer Consensys": (1e-6, 1e-7),
}


def recording(paths: list[Path]) -> FootRecording:
    parts = [read_recording(path) for path in paths]
    assert all(isinstance(part, Part) for part in parts)
    return foot_recording(*parts)  # type: ignore[arg-type]


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("app", APPS)
@pytest.mark.usefixtures("utc")
def test_the_samples_are_those_of_the_foot(app: str, tmp_path: Path) -> None:
    found = recording(APPS[app](tmp_path, Side.LEFT))
    t_ns, acc, _ = foot(Side.LEFT)
    got_ns = np.concatenate([block.t_pod_ns for block in found.imu.blocks])
    got_acc = np.concatenate([block.acc_mps2 for block in found.imu.blocks])
    assert found.layout == app
    assert found.imu.rate_hz == pytest.approx(RATE_HZ, rel=1e-3)
    assert found.times.wall_ns is not None
    first_ns = found.times.wall_ns + int(got_ns[0]) - BEGUN_NS
    skipped = {"MetaBase": 5, "Movella DOT": 1}.get(app, 0)  # the gyroscope began later; the zero row
    assert len(got_ns) == len(t_ns) - skipped
    assert np.abs(got_acc - acc[skipped:]).max() <= COARSE[app][0] + 1e-9
    assert np.abs(np.diff(got_ns) - np.diff(t_ns[skipped:])).max() < 1_000_000
    assert abs(first_ns - t_ns[skipped]) < 10_000_000
    assert found.imu.defects.gaps == 0


@pytest.mark.parametrize("app", ["Polar Sensor Logger", "Movella DOT", "Shimmer Consensys"])
def test_so_are_the_rates(app: str, tmp_path: Path) -> None:
    found = recording(APPS[app](tmp_path, Side.LEFT))
    _, _, gyr = foot(Side.LEFT)
    got = np.concatenate([block.gyr_radps for block in found.imu.blocks])
    assert np.abs(got - gyr[len(gyr) - len(got) :]).max() <= COARSE[app][1] + 1e-9


def test_rounded_times_of_two_files_do_not_spoil_the_rates(tmp_path: Path) -> None:
    """Rounded to a millisecond, of 8.3: as they are they would leave 0.4 rad/s (RMS) after interpolation."""
    found = recording(metabase(tmp_path, Side.LEFT))
    _, _, gyr = foot(Side.LEFT)
    got = np.concatenate([block.gyr_radps for block in found.imu.blocks])
    assert np.sqrt(np.mean((got - gyr[len(gyr) - len(got) :]) ** 2)) < 0.01


def test_devices_are_named_as_the_files_name_them(tmp_path: Path) -> None:
    devices = {app: recording(write(tmp_path, Side.RIGHT)).device for app, write in APPS.items()}
    address = ADDRESS[Side.RIGHT]
    assert devices == {
        "MetaBase": address, "Polar Sensor Logger": address[:8], "Movella DOT": address,
        "Shimmer Consensys": f"Shimmer_{address[-4:]}",
    }  # fmt: skip


def test_numbers_with_commas_and_tables_with_semicolons_or_tabs(tmp_path: Path) -> None:
    (tmp_path / "comma").mkdir()
    plain, comma = recording(polar(tmp_path, Side.LEFT)), recording(polar(tmp_path / "comma", Side.LEFT, comma=True))
    assert np.array_equal(plain.imu.blocks[0].acc_mps2, comma.imu.blocks[0].acc_mps2)
    whole = recording(consensys(tmp_path, Side.LEFT))
    for delimiter in ";\t":
        again = recording(consensys(tmp_path, Side.LEFT, delimiter=delimiter))
        assert np.array_equal(whole.imu.blocks[0].gyr_radps, again.imu.blocks[0].gyr_radps)


@pytest.mark.parametrize(
    ("told", "wall_s", "local"),
    [
        ("2021-08-30_17:05:05_000 GMT+8", 1630314305, False),
        ("2021-08-30 17:05:05.000 +0800", 1630314305, False),
        ("2021-08-30_09:05:05_000 UTC", 1630314305, False),
        ("2021-08-30_09:05:05_000 WEST", 1630314305, True),
        ("2021-08-30_29:05:05_000 UTC", None, False),
        ("yesterday", None, False),
    ],
)
@pytest.mark.usefixtures("utc")
def test_the_start_of_a_dot(told: str, wall_s: int | None, local: bool, tmp_path: Path) -> None:
    path = dot(tmp_path, Side.LEFT)[0]
    text = path.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("StartTime"))
    path.write_text(text.replace(line, f"StartTime: ,{told}"), encoding="utf-8")
    part = read_recording(path)
    assert isinstance(part, Part)
    assert part.times.wall_ns == (None if wall_s is None else wall_s * NS)
    assert part.times.local is local


def test_files_of_other_sensors_are_not_needed(tmp_path: Path) -> None:
    texts = {
        "heart.txt": "Phone timestamp;HR [bpm]\n2026-01-01T10:00:00.000;60\n",
        "ecg.txt": "Phone timestamp;sensor timestamp [ns];timestamp [ms];ecg [uV]\n2026-01-01T10:00:00.000;1;0;3\n",
        "mag.csv": "epoch (ms),time (01:00),elapsed (s),x-axis (T),y-axis (T),z-axis (T)\n1,2,3,4,5,6\n",
        "warm.csv": "epoch (ms),time (01:00),elapsed (s),temperature (C)\n1,2,3,4\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert isinstance(read_recording(tmp_path / name), NotNeeded), name


# ------------------------------------------------------------------------------------------------------------ faults


def changed(path: Path, line: int, new: str) -> Path:
    """The file with another line (from the end if negative)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line if line < 0 else line - 1] = new
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


FIRST_ROW = {"MetaBase": 2, "Polar Sensor Logger": 2, "Movella DOT": 13, "Shimmer Consensys": 4}


@pytest.mark.parametrize("app", APPS)
def test_a_bad_line_is_named(app: str, tmp_path: Path) -> None:
    path = APPS[app](tmp_path, Side.LEFT)[0]
    line = FIRST_ROW[app] + 100
    row = path.read_text(encoding="utf-8").splitlines()[line - 1]
    with pytest.raises(InputError, match=rf"line {line}: found \d+ columns"):
        read_recording(changed(path, line, row[: len(row) // 3]))
    delimiter = ";" if app.startswith("Polar") else ","
    cells = row.split(delimiter)
    cells[-2 if app.startswith("Shimmer") else -1] = "fast"
    with pytest.raises(InputError, match=rf"line {line}: found 'fast' in .*, expected a number"):
        read_recording(changed(path, line, delimiter.join(cells)))


@pytest.mark.parametrize("app", APPS)
def test_a_header_without_rows_is_named(app: str, tmp_path: Path) -> None:
    path = APPS[app](tmp_path, Side.LEFT)[0]
    lines = path.read_text(encoding="utf-8").splitlines()[: FIRST_ROW[app] - 1]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="a header and no rows"):
        read_recording(path)


@pytest.mark.parametrize("app", APPS)
def test_times_that_go_back_are_named(app: str, tmp_path: Path) -> None:
    paths = APPS[app](tmp_path, Side.LEFT)
    lines = paths[0].read_text(encoding="utf-8").splitlines()
    first = FIRST_ROW[app] - 1
    rows = lines[first:]
    paths[0].write_text("\n".join([*lines[:first], *rows[600:900], *rows[:600], *rows[900:]]), encoding="utf-8")
    with pytest.raises(InputError, match=r"line \d+: found a time .* before an earlier row"):
        recording(paths)


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("told", ["1e300", "9e18", "-9e18"])
def test_a_time_that_cannot_be_is_named(app: str, told: str, tmp_path: Path) -> None:
    """Otherwise it would be a run of centuries."""
    path = APPS[app](tmp_path, Side.LEFT)[0]
    line = FIRST_ROW[app] + 100
    delimiter = ";" if app.startswith("Polar") else ","
    cells = path.read_text(encoding="utf-8").splitlines()[line - 1].split(delimiter)
    cells[{"MetaBase": 0, "Shimmer Consensys": 0}.get(app, 1)] = told
    with pytest.raises(InputError, match=rf"line {line}: found a time"):
        foot_recording(read_recording(changed(path, line, delimiter.join(cells))))  # type: ignore[arg-type]


def test_a_clock_that_was_never_set_tells_no_wall_time(tmp_path: Path) -> None:
    for write in (metabase, consensys):
        part = read_recording(write(tmp_path, Side.LEFT, 5 * NS)[0])
        assert isinstance(part, Part)
        assert part.times.wall_ns is None


def test_a_first_row_without_a_time_is_dropped(tmp_path: Path) -> None:
    path = consensys(tmp_path, Side.LEFT)[0]
    row = path.read_text(encoding="utf-8").splitlines()[3]
    found = recording([changed(path, 4, "," + row.partition(",")[2])])
    assert found.imu.defects.not_numbers == 1
    assert found.times.wall_ns is not None
    assert abs(found.times.wall_ns - BEGUN_NS) < 0.01 * NS


BINARY = {
    "empty.csv": (b"", "an empty file"),
    "run.zip": (b"PK\x03\x04" + bytes(200), "a zip archive"),
    "run.csv.gz": (b"\x1f\x8b\x08" + bytes(200), "a gzip file"),
    "junk.csv": (bytes(range(256)) * 20, "binary data"),
    "latin.csv": ("t_s,acc_x,m/s²\n".encode("latin-1"), "line 1: found the byte 0xb2"),
    "endless.csv": (b"t_s," * 100_000, "line 1: found more than 65536 characters"),
    "notes.txt": (b"Lauf am Montag\n", "line 1: found 'Lauf am Montag', expected a FIT file, or a table of"),
    "picture.png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "binary data"),
    "blank.csv": (b"\n\n\n", "found ''"),
}


@pytest.mark.parametrize("name", BINARY)
def test_what_is_no_recording_is_named(name: str, tmp_path: Path) -> None:
    data, words = BINARY[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        read_recording(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert len(str(caught.value)) < 400


def test_no_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no readable file"):
        read_recording(tmp_path / "none.csv")
    with pytest.raises(InputError, match="a folder"):
        read_recording(tmp_path)


def test_a_byte_that_is_no_utf_8_behind_the_beginning_is_named(tmp_path: Path) -> None:
    path = consensys(tmp_path, Side.LEFT)[0]
    path.write_bytes(path.read_bytes() + b"\xff\xfe\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_recording(path)


def test_a_huge_line_among_the_rows_is_named(tmp_path: Path) -> None:
    path = consensys(tmp_path, Side.LEFT)[0]
    with pytest.raises(InputError, match=r"no table|columns|number"):
        read_recording(changed(path, 50, "9" * 400_000))


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    euler = dot(tmp_path, Side.LEFT)[0]
    with pytest.raises(InputError, match=r"line 12: found no column Acc_X.*\(mode: Rate quantities\)"):
        read_recording(changed(euler, 12, "PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z,F_X,F_Y,F_Z"))
    narrow = consensys(tmp_path, Side.LEFT)[0]
    text = narrow.read_text(encoding="utf-8")
    narrow.write_text(text.replace("Accel_WR", "Accel_LN"), encoding="utf-8")
    with pytest.raises(InputError, match="the wide-range accelerometer"):
        read_recording(narrow)
    narrow.write_text(text.replace("Timestamp_Unix_CAL", "Timestamp_FormattedUnix_CAL"), encoding="utf-8")
    with pytest.raises(InputError, match="line 2: found 0 columns of time in Unix milliseconds"):
        read_recording(narrow)
    narrow.write_text(text.replace("deg/s", "rad/s"), encoding="utf-8")
    with pytest.raises(InputError, match="line 3: found 'rad/s' for Shimmer_255C_Gyro_X_CAL, expected deg/s"):
        read_recording(narrow)
    own = imu_csv(tmp_path, Side.LEFT)[0]
    with pytest.raises(InputError, match="line 1: found no column gyr_z"):
        read_recording(changed(own, 1, "t_s,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr"))


# ------------------------------------------------------------------------------------------------------------- joining


def part(sensors: Sensors, t_s: np.ndarray, values: np.ndarray, zero_ns: int = 0) -> Part:
    rows = np.column_stack([t_s, values])
    return Part(Path(f"{sensors}.csv"), "app", sensors, rows, np.arange(2, len(rows) + 2), Times(zero_ns))


def wave(t_s: np.ndarray) -> np.ndarray:
    """Slow enough for straight lines between rows at 50 Hz and more."""
    return np.column_stack([np.sin(3 * t_s), np.cos(2 * t_s), 0.1 * t_s])


def gravity(n: int) -> np.ndarray:
    return np.tile([0.1, -0.2, G_MPS2], (n, 1)) + np.random.default_rng(3).normal(0, 0.01, (n, 3))


@settings(deadline=None, max_examples=30)
@given(
    acc_hz=st.sampled_from([50.0, 100.0, 204.8, 416.0]),
    gyr_hz=st.sampled_from([50.0, 104.0, 208.0]),
    later_s=st.floats(-1.0, 1.0),
    zero_ns=st.integers(0, 10**18),
)
def test_rates_are_those_of_the_time_of_each_acceleration(
    acc_hz: float, gyr_hz: float, later_s: float, zero_ns: int
) -> None:
    acc_s, gyr_s = np.arange(0, 8, 1 / acc_hz), np.arange(0, 8, 1 / gyr_hz)
    later_ns = round(later_s * NS)
    found = foot_recording(
        part(Sensors.GYR, gyr_s, wave(gyr_s + later_s), zero_ns + later_ns),
        part(Sensors.ACC, acc_s, gravity(len(acc_s)), zero_ns),
    )
    t_s = np.concatenate([block.t_pod_ns for block in found.imu.blocks]) / NS
    got = np.concatenate([block.gyr_radps for block in found.imu.blocks])
    assert np.abs(got - wave(t_s))[(t_s >= later_s) & (t_s <= later_s + gyr_s[-1])].max() < 2e-3
    assert found.imu.rate_hz == pytest.approx(acc_hz, rel=1e-3)
    assert t_s[0] >= max(0.0, later_s - 0.5 / gyr_hz) - 1e-9
    assert found.times.zero_ns == zero_ns


def test_a_hole_in_the_rates_is_a_hole_in_the_recording() -> None:
    t_s = np.arange(0, 10, 0.01)
    there = (t_s < 4.0) | (t_s > 4.3)
    found = foot_recording(
        part(Sensors.ACC, t_s, gravity(len(t_s))), part(Sensors.GYR, t_s[there] + 0.002, wave(t_s[there]))
    )
    assert found.imu.defects.gaps == 1
    assert found.imu.defects.missing == pytest.approx(30, abs=2)
    steps = np.diff(np.concatenate([block.t_pod_ns for block in found.imu.blocks]))
    assert steps.max() == pytest.approx(0.31e9, abs=0.02e9)


def test_what_cannot_be_joined_is_refused() -> None:
    t_s = np.arange(0, 10, 0.01)
    acc, gyr = part(Sensors.ACC, t_s, gravity(len(t_s))), part(Sensors.GYR, t_s, wave(t_s))
    with pytest.raises(InputError, match="acceleration only, expected the file of angular rate"):
        foot_recording(acc)
    with pytest.raises(InputError, match="angular rate only"):
        foot_recording(gyr)
    with pytest.raises(InputError, match=r"acceleration .* beside acceleration"):
        foot_recording(acc, acc)
    with pytest.raises(InputError, match="no time in common"):
        foot_recording(acc, part(Sensors.GYR, t_s, wave(t_s), 60 * NS))
    slow_s = np.arange(0, 10, 0.04)
    with pytest.raises(InputError, match="25 rows of angular rate a second"):
        foot_recording(acc, part(Sensors.GYR, slow_s, wave(slow_s)))
    with pytest.raises(InputError, match="complete rows"):
        foot_recording(acc, part(Sensors.GYR, t_s[:1], wave(t_s[:1])))
    back_s = np.concatenate([t_s[500:], t_s[:500]])
    with pytest.raises(InputError, match=r"line 502: found a time 9\.990 s before an earlier row"):
        foot_recording(acc, part(Sensors.GYR, back_s, wave(back_s)))


def test_linear_acceleration_is_not_taken_for_acceleration(tmp_path: Path) -> None:
    acc, gyr = metabase(tmp_path, Side.LEFT)
    lines = acc.read_text(encoding="utf-8").splitlines()
    acc.write_text(
        "\n".join([lines[0], *(",".join([*line.split(",")[:3], "0.01", "0.02", "0.01"]) for line in lines[1:])]),
        encoding="utf-8",
    )
    with pytest.raises(InputError, match="with gravity in it"):
        recording([acc, gyr])


def test_every_layout_has_its_files_here() -> None:
    assert {layout.name for layout in LAYOUTS} == {*APPS, "IMU CSV", "wearable-my-foot"}


@pytest.mark.data
def test_a_real_recording_of_one_foot() -> None:
    path = Path(os.environ["SENSORD_DATA"]) / "wearable_my_foot" / "test-run.csv"
    assert recording([path]).layout == "wearable-my-foot"
