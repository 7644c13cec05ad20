"""The IMU CSV: what is read, what is counted, and one clear line for each way a file can be wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.files.imu_csv import COLUMNS, read_imu_csv
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.files.wearable_my_foot import read_wearable_my_foot
from sensord.model import G_MPS2, NS

HEADER = ",".join(COLUMNS)


def still(n: int = 200, rate_hz: float = 100.0) -> np.ndarray:
    """Rows of a pod that lies still."""
    rng = np.random.default_rng(1)
    rows = np.zeros((n, 7))
    rows[:, 0] = np.arange(n) / rate_hz
    rows[:, 1:4] = rng.normal(0.0, 0.02, (n, 3)) + np.array([0.0, 0.0, G_MPS2])
    rows[:, 4:7] = rng.normal(0.0, 0.01, (n, 3))
    return rows


def lines_of(rows: np.ndarray) -> list[str]:
    return [",".join(f"{value:.9g}" for value in row) for row in rows]


def write(path: Path, lines: list[str], header: str = HEADER) -> Path:
    file = path / "foot.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


def joined(recording: ImuRecording, name: str) -> np.ndarray:
    return np.concatenate([getattr(block, name) for block in recording.blocks])


def problem(file: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_imu_csv(file)
    said = str(refused.value)
    assert all(line.startswith(str(file)) for line in said.splitlines())
    return said.removeprefix(str(file))


# ---------------------------------------------------------------------------------------------- what is read


def test_a_clean_file_comes_through(tmp_path: Path) -> None:
    rows = still()
    recording = read_imu_csv(write(tmp_path, lines_of(rows)))
    assert recording.rate_hz == 100.0
    assert len(recording) == 200
    assert joined(recording, "t_pod_ns").tolist() == [i * 10_000_000 for i in range(200)]
    assert joined(recording, "acc_mps2") == pytest.approx(rows[:, 1:4], rel=1e-8)
    assert joined(recording, "gyr_radps") == pytest.approx(rows[:, 4:7], rel=1e-8)
    assert not joined(recording, "saturated").any()
    d = recording.defects
    assert (d.rows, d.not_numbers, d.repeats, d.backward_steps, d.dropped, d.gaps) == (200, 0, 0, 0, 0, 0)


def test_other_columns_orders_and_marks_do_not_matter(tmp_path: Path) -> None:
    rows = still()
    order = [3, 0, 6, 1, 2, 5, 4]
    header = "\ufeffnote," + ",".join(f" {COLUMNS[i]}" for i in order)
    lines = [f"walk,{line}" for line in lines_of(rows[:, order])]
    recording = read_imu_csv(write(tmp_path, lines, header))
    assert joined(recording, "gyr_radps") == pytest.approx(rows[:, 4:7], rel=1e-8)


def test_rows_out_of_order_and_doubled_are_put_right_and_counted(tmp_path: Path) -> None:
    rows = still()
    shuffled = rows[[*range(50), 60, *range(50, 60), 61, 61, 61, *range(62, 200)]]
    recording = read_imu_csv(write(tmp_path, lines_of(shuffled)))
    assert joined(recording, "acc_mps2") == pytest.approx(rows[:, 1:4], rel=1e-8)
    d = recording.defects
    assert (d.rows, d.repeats, d.backward_steps, d.dropped, d.gaps) == (202, 2, 1, 2, 0)


def test_gaps_begin_a_block_that_says_what_is_missing(tmp_path: Path) -> None:
    rows = np.delete(still(), slice(70, 75), axis=0)
    recording = read_imu_csv(write(tmp_path, lines_of(rows)))
    assert [(len(b), b.missing_before) for b in recording.blocks] == [(70, 0), (125, 5)]
    assert (recording.defects.gaps, recording.defects.missing) == (1, 5)
    assert recording.rate_hz == 100.0


def test_rows_without_numbers_are_dropped_and_counted(tmp_path: Path) -> None:
    lines = lines_of(still())
    lines[20] = lines[20].rsplit(",", 1)[0] + ","
    lines[30] = "nan" + lines[30][lines[30].index(",") :]
    lines[40] = lines[40].rsplit(",", 1)[0] + ",inf"
    recording = read_imu_csv(write(tmp_path, lines))
    assert (recording.defects.not_numbers, len(recording), recording.defects.gaps) == (3, 197, 3)


def test_a_stated_range_marks_saturated_samples(tmp_path: Path) -> None:
    rows = still()
    rows[100, 1], rows[101, 6] = -0.996 * 8 * G_MPS2, np.radians(499.0)
    recording = read_imu_csv(write(tmp_path, lines_of(rows)), acc_range_g=8.0, gyr_range_dps=500.0)
    assert np.flatnonzero(joined(recording, "saturated")).tolist() == [100, 101]
    assert joined(recording, "saturated")[100:102].tolist() == [0b000001, 0b100000]
    assert recording.blocks[0].acc_range_mps2 == pytest.approx(8 * G_MPS2)


@pytest.mark.parametrize(("top_g", "times", "marked"), [(15.99, 3, True), (15.99, 2, False), (13.0, 3, False)])
def test_a_plateau_at_a_common_full_scale_tells_the_range(
    tmp_path: Path, top_g: float, times: int, marked: bool
) -> None:
    rows = still()
    rows[100 : 100 + times, 2] = top_g * G_MPS2
    rows[50, 3] = 15.0 * G_MPS2
    recording = read_imu_csv(write(tmp_path, lines_of(rows)))
    expected = list(range(100, 100 + times)) if marked else []
    assert np.flatnonzero(joined(recording, "saturated") & 0b010).tolist() == expected
    assert (recording.blocks[0].acc_range_mps2 is not None) is marked


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(0, 39), max_size=8))
def test_any_disorder_under_half_a_second_gives_the_same_recording(order: list[int], doubled: list[int]) -> None:
    """Shuffled within 0.12 s at 100 Hz, some rows repeated: the samples are those of the file in order."""
    rows = still(40)
    mixed = rows[[*range(10), *(10 + i for i in order), *range(22, 40)]]
    mixed = np.concatenate((mixed, mixed[[i for i in doubled if mixed[i, 0] == rows[i, 0] and i >= 30]]))
    recording = make_recording("x", mixed, np.arange(len(mixed)))
    assert joined(recording, "t_pod_ns").tolist() == np.rint(rows[:, 0] * NS).astype(int).tolist()
    assert joined(recording, "acc_mps2").tobytes() == np.ascontiguousarray(rows[:, 1:4]).tobytes()
    assert recording.defects.dropped == len(mixed) - 40


# ------------------------------------------------------------------------------------------------- bad input


def test_no_file(tmp_path: Path) -> None:
    assert "no readable file (No such file or directory)" in problem(tmp_path / "absent.csv")
    assert "no readable file" in problem(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "found an empty file"),
        (b"\n\n", "found an empty file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "found binary data"),
        (b"\xff\xfe\x00\x01" * 100, "found binary data"),
        (HEADER.encode() + b"\n", "found a header and no rows"),
        (HEADER.encode() + b"\n\n\n", "found a header and no rows"),
        (HEADER.replace("acc_z,", "").encode() + b"\n0,0,0,0,0,0\n", "line 1: found no column acc_z"),
        (HEADER.replace(",", ";").encode() + b"\n0;0;0;0;0;0;0\n", "line 1: found columns parted by semicolons"),
        (HEADER.encode() + b",acc_x\n0,0,0,0,0,0,0,0\n", "line 1: found column acc_x twice"),
    ],
)
def test_what_is_no_imu_csv(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "foot.csv"
    file.write_bytes(content)
    assert said in problem(file)


def test_text_in_a_number_names_its_line(tmp_path: Path) -> None:
    lines = lines_of(still())
    lines[7] = lines[7].replace(",", ",oops", 1)
    lines[9] = "0.09,1"
    said = problem(write(tmp_path, lines))
    assert "line 9: found 'oops" in said
    assert "in acc_x, expected a number" in said
    assert "line 11: found 2 columns, expected 7 as in the header" in said


def test_many_bad_lines_are_not_all_listed(tmp_path: Path) -> None:
    assert len(problem(write(tmp_path, ["x,0,0,9.8,0,0,0"] * 1000)).splitlines()) == 5


def test_disorder_over_half_a_second_names_its_line(tmp_path: Path) -> None:
    rows = still()
    rows[[20, 75]] = rows[[75, 20]]
    assert "line 23: found a time 0.540 s before an earlier row" in problem(write(tmp_path, lines_of(rows)))


def test_all_nan(tmp_path: Path) -> None:
    assert "found no complete row among 5" in problem(write(tmp_path, ["nan,nan,nan,nan,nan,nan,nan"] * 5))


@pytest.mark.parametrize("rate_hz", [25.0, 48.0, 1500.0])
def test_a_rate_that_is_not_read(tmp_path: Path, rate_hz: float) -> None:
    said = problem(write(tmp_path, lines_of(still(rate_hz=rate_hz))))
    assert f"found {rate_hz:.4g} rows a second, expected 50 to 1000 Hz" in said


@pytest.mark.parametrize("rate_hz", [49.5, 50.0, 104.0, 204.8, 1000.0])
def test_rates_that_are_read(tmp_path: Path, rate_hz: float) -> None:
    assert read_imu_csv(write(tmp_path, lines_of(still(rate_hz=rate_hz)))).rate_hz == pytest.approx(rate_hz, rel=1e-6)


def test_one_row(tmp_path: Path) -> None:
    assert "found one row with a time of its own" in problem(write(tmp_path, lines_of(still(1))))


def test_g_instead_of_mps2(tmp_path: Path) -> None:
    rows = still()
    rows[:, 1:4] /= G_MPS2
    assert "found acceleration in g (standing reads 1.00), expected m/s2" in problem(write(tmp_path, lines_of(rows)))


def test_g_without_any_standing(tmp_path: Path) -> None:
    rows = still()
    rows[:, 1:4] = np.random.default_rng(0).normal(0, 1.5, (200, 3))
    said = problem(write(tmp_path, lines_of(rows)))
    assert "found acceleration in g (half the rows read less" in said


def test_gravity_taken_off(tmp_path: Path) -> None:
    rows = still()
    rows[:, 3] -= G_MPS2
    assert "expected m/s2 with gravity in it (standing reads 9.8)" in problem(write(tmp_path, lines_of(rows)))


@pytest.mark.parametrize(("column", "value"), [(1, 1e300), (4, -1e308), (3, 2e6)])
def test_values_that_no_unit_makes_are_one_line_and_no_arithmetic(tmp_path: Path, column: int, value: float) -> None:
    rows = still()
    rows[50, column] = value
    said = problem(write(tmp_path, lines_of(rows)))
    assert f"found a value of {abs(value):.2g}, expected m/s2 and rad/s" in said
    assert len(said.splitlines()) == 1


def test_degrees_instead_of_radians(tmp_path: Path) -> None:
    rows = still()
    rows[50, 5] = -420.0
    said = problem(write(tmp_path, lines_of(rows)))
    assert "found a rate of 420, likely deg/s, expected rad/s" in said


# ------------------------------------------------------------------------------------------ wearable-my-foot


def test_the_recorder_of_wearable_my_foot(tmp_path: Path) -> None:
    rows = still()
    file = tmp_path / "run.csv"
    own = rows * [1000.0, *[1 / G_MPS2] * 3, *[np.degrees(1.0)] * 3]
    own[60, 2] = 15.98242
    file.write_text("\n".join(["time,aX,aY,aZ,gX,gY,gZ", *lines_of(own)]) + "\n")
    recording = read_wearable_my_foot(file)
    assert recording.rate_hz == 100.0
    assert joined(recording, "gyr_radps") == pytest.approx(rows[:, 4:7], rel=1e-7)
    assert np.flatnonzero(joined(recording, "saturated")).tolist() == [60]
    with pytest.raises(InputError, match="no column t_s"):
        read_imu_csv(file)


@pytest.mark.data
def test_real_recordings_of_wearable_my_foot(sensord_data: Path) -> None:
    folder = sensord_data / "wearable_my_foot"
    run = read_wearable_my_foot(folder / "test-run.csv")
    assert (run.rate_hz, run.defects.rows, run.defects.missing) == (100.0, 9064, 1128)
    assert int((joined(run, "saturated") > 0).sum()) in (90, 91)  # the folder's README counts 91 on one axis
    still_pod = read_wearable_my_foot(folder / "other/still-6000rows.csv")
    assert (still_pod.defects.backward_steps, still_pod.defects.repeats) == (656, 1982)
    assert (np.diff(joined(still_pod, "t_pod_ns")) > 0).all()
