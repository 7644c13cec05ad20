"""A recording at a lower rate, as a pod that takes fewer samples would have made it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.signal import resample_poly

from sensord.files.imu_recording import make_recording
from sensord.model import NS
from sensord.validation.rows import On
from sensord.validation.trial import Trial

RATIOS = {50.0: (1, 4), 52.0: (13, 50), 60.0: (3, 10), 100.0: (1, 2)}
"""Up and down, from 200 Hz."""


def resampled(trial: Trial, rate_hz: float) -> Trial:
    """A trial of 200 Hz without gaps at one of the rates of `RATIOS`, low-passed before samples are left out."""
    up, down = RATIOS[rate_hz]
    recordings = {}
    for side, recording in trial.recordings.items():
        acc = np.concatenate([b.acc_mps2 for b in recording.blocks])
        gyr = np.concatenate([b.gyr_radps for b in recording.blocks])
        start_s = recording.blocks[0].t_pod_ns[0] / NS
        values = resample_poly(np.column_stack((acc, gyr)), up, down, axis=0, padtype="line")
        t_s = start_s + np.arange(len(values)) / rate_hz
        recordings[side] = make_recording(trial.on.data, np.column_stack((t_s, values)), np.arange(1, len(values) + 1))
    on = On(f"{trial.on.data}, resampled to {rate_hz:g} Hz", trial.on.kind, trial.on.runners)
    return replace(trial, on=on, recordings=recordings, rate_hz=rate_hz)
