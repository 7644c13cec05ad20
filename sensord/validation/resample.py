"""A recording at a lower rate, as a pod that takes fewer samples would have made it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.signal import resample_poly

from sensord.files.imu_recording import make_recording
from sensord.model import NS, FloatArray
from sensord.validation.rows import On
from sensord.validation.trial import Trial

RATIOS = {50.0: (1, 4), 52.0: (13, 50), 60.0: (3, 10), 100.0: (1, 2)}
"""Up and down, from 200 Hz."""


def resampled(trial: Trial, rate_hz: float) -> Trial:
    """A trial of 200 Hz without gaps at one of the rates of `RATIOS`, low-passed before samples are left out."""
    up, down = RATIOS[rate_hz]
    on = On(f"{trial.on.data}, resampled to {rate_hz:g} Hz", trial.on.kind, trial.on.runners)
    return _made(trial, on, rate_hz, lambda values: _at(values, up, down))


def in_band_of(trial: Trial, rate_hz: float) -> Trial:
    """A trial of 200 Hz without gaps that keeps its rate, but of its signal only what `resampled` leaves."""
    up, down = RATIOS[rate_hz]
    on = On(f"{trial.on.data} in the band of {rate_hz:g} Hz", trial.on.kind, trial.on.runners)
    return _made(trial, on, trial.rate_hz, lambda values: _at(_at(values, up, down), down, up)[: len(values)])


def _at(values: FloatArray, up: int, down: int) -> FloatArray:
    return np.asarray(resample_poly(values, up, down, axis=0, padtype="line"))


def _made(trial: Trial, on: On, rate_hz: float, change: Callable[[FloatArray], FloatArray]) -> Trial:
    """The trial with its signals (n, 6) changed, at `rate_hz` now."""
    recordings = {}
    for side, recording in trial.recordings.items():
        acc = np.concatenate([b.acc_mps2 for b in recording.blocks])
        gyr = np.concatenate([b.gyr_radps for b in recording.blocks])
        start_s = recording.blocks[0].t_pod_ns[0] / NS
        values = change(np.column_stack((acc, gyr)))
        t_s = start_s + np.arange(len(values)) / rate_hz
        recordings[side] = make_recording(trial.on.data, np.column_stack((t_s, values)), np.arange(1, len(values) + 1))
    return replace(trial, on=on, recordings=recordings, rate_hz=rate_hz)
