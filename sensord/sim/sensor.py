"""What a pod makes of a motion: mount, noise, offsets, range, word length, clock and lost packets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial.transform import Rotation

from sensord.errors import InputError, Problem
from sensord.model import G_MPS2, NS, FloatArray, IntArray, MaskArray, Side

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
Vector = tuple[float, float, float]

LEVEL: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
"""Pod axes along the foot's."""

SATURATED_SHARE = 0.995
"""A sample at or beyond this share of full scale counts as clipped (see `model.SampleBlock`)."""


_RATTLE_ACC = 0.17
_RATTLE_RADPS_PER_G = float(np.deg2rad(4.0))
"""Shaking of each axis for every g of impact, so that the spectrum above 40 Hz is that of the recordings with real pods
(`python bench/compare_simulator.py`, cases walk and streamed)."""


def mount(pitch_deg: float, roll_deg: float = 0.0, yaw_deg: float = 0.0) -> Matrix:
    """Columns = pod axes in the foot frame: Rz(yaw) Ry(pitch) Rx(roll), pitch positive = nose down."""
    m = Rotation.from_euler("ZYX", [yaw_deg, pitch_deg, roll_deg], degrees=True).as_matrix()
    rows = [(float(r[0]), float(r[1]), float(r[2])) for r in m]
    return (rows[0], rows[1], rows[2])


@dataclass(frozen=True, slots=True)
class SensorModel:
    """A pod on a shoe; defaults as in the derived recordings: a six-axis part of ±16 g and ±2000 dps on the laces.

    `None` for mount, offset and bias draws them from the seed: nose down 28 degrees with a few degrees of difference
    between the feet, up to 30 mg and 1 dps. `loss` is the share of packets of `packet_samples` that never arrive.
    """

    acc_range_g: float = 16.0
    gyr_range_dps: float = 2000.0
    bits: int | None = 16
    acc_noise_ug_rthz: float = 150.0
    gyr_noise_mdps_rthz: float = 5.0
    acc_offset_mps2: Vector | None = None
    gyr_bias_radps: Vector | None = None
    mount: Matrix | None = None
    position_m: Vector = (0.152, 0.0, 0.075)
    """In the foot frame from the heel on the ground: on the laces, 5 cm behind the ball, 7.5 cm up."""
    clock_ppm: float = 0.0
    clock_start_s: float = 0.0
    """What the pod's clock shows when the script begins."""
    rattle: float = 0.0
    """Broadband shaking of shoe and pod that no foot motion explains: 1 = as much as in the two recordings made with
    real pods (spectrum above 40 Hz; `docs/simulator.md`), 0 = none, as in recordings derived from markers."""
    loss: float = 0.0
    packet_samples: int = 10

    @classmethod
    def ideal(cls, mount: Matrix = LEVEL, **other: float) -> SensorModel:
        """No noise, no offsets, no rounding, a range nothing reaches; axes along the foot unless told otherwise."""
        none: Vector = (0.0, 0.0, 0.0)
        bare = cls(
            acc_range_g=1e6,
            gyr_range_dps=1e9,
            bits=None,
            acc_noise_ug_rthz=0.0,
            gyr_noise_mdps_rthz=0.0,
            acc_offset_mps2=none,
            gyr_bias_radps=none,
            mount=mount,
        )
        return replace(bare, **other)  # type: ignore[arg-type]

    def check(self) -> None:
        """Raise InputError naming every field that cannot be."""
        problems = [
            Problem("sensor", name, str(getattr(self, name)), "above 0")
            for name in ("acc_range_g", "gyr_range_dps", "packet_samples")
            if not getattr(self, name) > 0
        ]
        if not 0 <= self.loss < 1:
            problems.append(Problem("sensor", "loss", f"{self.loss:g}", "0 to below 1"))
        if self.bits is not None and not 8 <= self.bits <= 32:
            problems.append(Problem("sensor", "bits", str(self.bits), "8 to 32 or None"))
        if self.mount is not None:
            m = np.array(self.mount)
            if m.shape != (3, 3) or not np.allclose(m @ m.T, np.eye(3), atol=1e-6) or np.linalg.det(m) < 0:
                problems.append(Problem("sensor", "mount", str(self.mount), "a rotation matrix"))
        if problems:
            raise InputError(problems)

    def pod_time_ns(self, true_s: FloatArray) -> IntArray:
        """What the pod's clock shows at true times, ns."""
        return np.round((true_s * (1.0 + self.clock_ppm * 1e-6) + self.clock_start_s) * NS).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Ticks:
    """When a pod samples: on its own clock and in true time."""

    t_pod_ns: IntArray
    true_s: FloatArray


def ticks(model: SensorModel, rate_hz: float, duration_s: float) -> Ticks:
    """Every sample of a script: k / rate on the pod's clock."""
    count = int(np.floor(duration_s * (1.0 + model.clock_ppm * 1e-6) * rate_hz))
    k = np.arange(count, dtype=np.float64)
    t_pod_ns = np.round(k * (NS / rate_hz)).astype(np.int64) + round(model.clock_start_s * NS)
    return Ticks(t_pod_ns, k / rate_hz / (1.0 + model.clock_ppm * 1e-6))


@dataclass(frozen=True, slots=True)
class Reading:
    """Samples as the pod gives them, pod frame. Arrays (n, 3) and (n,)."""

    acc_mps2: FloatArray
    gyr_radps: FloatArray
    saturated: MaskArray
    kept: np.ndarray
    """False where the packet was lost."""
    mount: FloatArray = field(default_factory=lambda: np.eye(3))


def read(
    model: SensorModel,
    side: Side,
    rate_hz: float,
    force_mps2: FloatArray,
    rate_radps: FloatArray,
    tremor_g: FloatArray,
    seed: tuple[int, ...],
) -> Reading:
    """Turn the motion of the foot at the pod (foot frame, (n, 3), tremor (n,)) into what the pod reports."""
    noise, place, lost, shake = (np.random.default_rng([*seed, k]) for k in range(4))
    matrix = np.array(model.mount) if model.mount is not None else _typical_mount(side, place)
    offset = place.uniform(-1, 1, 3) * 0.030 * G_MPS2
    bias = np.deg2rad(place.uniform(-1, 1, 3))
    offset = offset if model.acc_offset_mps2 is None else np.array(model.acc_offset_mps2)
    bias = bias if model.gyr_bias_radps is None else np.array(model.gyr_bias_radps)
    band = np.sqrt(rate_hz / 2.0)
    white = noise.standard_normal((len(force_mps2), 6))
    acc = np.einsum("ni,ij->nj", force_mps2, matrix) + offset
    acc += white[:, :3] * (model.acc_noise_ug_rthz * 1e-6 * G_MPS2 * band)
    gyr = np.einsum("ni,ij->nj", rate_radps, matrix) + bias
    gyr += white[:, 3:] * np.deg2rad(model.gyr_noise_mdps_rthz * 1e-3 * band)
    if model.rattle > 0:
        shaking = shake.standard_normal((len(force_mps2), 6)) * (model.rattle * tremor_g)[:, None]
        acc += shaking[:, :3] * _RATTLE_ACC * G_MPS2
        gyr += shaking[:, 3:] * _RATTLE_RADPS_PER_G
    acc, acc_full = _digitise(acc, model.acc_range_g * G_MPS2, model.bits)
    gyr, gyr_full = _digitise(gyr, np.deg2rad(model.gyr_range_dps), model.bits)
    mask = np.einsum("nk,k->n", np.hstack([acc_full, gyr_full]).astype(np.uint8), 1 << np.arange(6, dtype=np.uint8))
    packets = -(-len(acc) // model.packet_samples)
    kept = np.repeat(lost.random(packets) >= model.loss, model.packet_samples)[: len(acc)]
    return Reading(acc, gyr, mask.astype(np.uint8), kept, matrix)


def _digitise(x: FloatArray, full: float, bits: int | None) -> tuple[FloatArray, np.ndarray]:
    if bits is None:
        clipped = np.clip(x, -full, full)
    else:
        lsb = full / 2 ** (bits - 1)
        clipped = np.clip(np.round(x / lsb), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * lsb
    return clipped, np.abs(clipped) >= SATURATED_SHARE * full


def _typical_mount(side: Side, rng: np.random.Generator) -> FloatArray:
    """Nose down about 28 degrees with the instep, rolled and turned a few degrees outward, mirrored left and right."""
    pitch, roll, yaw = rng.uniform((-1.5, 3.0, 2.0), (1.5, 6.0, 5.0))
    sign = 1.0 if side is Side.LEFT else -1.0
    return np.array(mount(28.0 + pitch, sign * roll, sign * yaw))
