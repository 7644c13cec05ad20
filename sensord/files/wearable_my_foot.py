"""CSV files of the wearable-my-foot recorder: one foot, columns `time` (ms), `aX,aY,aZ` (g), `gX,gY,gZ` (deg/s).

Source: recordings in github.com/fuzzylabs/wearable-my-foot (Apache-2.0), an LSM6DS3 at about 100 Hz, +-16 g and
+-2000 deg/s, streamed over Bluetooth and stored row by row: repeated, late and lost rows are usual.
"""

from __future__ import annotations

from math import radians
from pathlib import Path

import numpy as np

from sensord.files.imu_csv import read_columns
from sensord.files.imu_recording import ImuRecording, make_recording
from sensord.model import G_MPS2

COLUMNS = ("time", "aX", "aY", "aZ", "gX", "gY", "gZ")
ACC_RANGE_G = 16.0
GYR_RANGE_DPS = 2000.0


def read_wearable_my_foot(path: Path) -> ImuRecording:
    """Read such a file; the same checks and InputErrors as `read_imu_csv`, but for units. Times are the file's own."""
    rows, lines = read_columns(path, COLUMNS)
    rows[:, 0] /= 1000.0
    rows[:, 1:4] *= G_MPS2
    rows[:, 4:7] = np.deg2rad(rows[:, 4:7])
    return make_recording(
        str(path), rows, lines, acc_range_mps2=ACC_RANGE_G * G_MPS2, gyr_range_radps=radians(GYR_RANGE_DPS)
    )
