"""What live samples and logged ones have in common: the info they are read by, and raw values to SampleBlocks."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sensord.drivers.base import PodInfo
from sensord.drivers.metamotion_wire import (
    ACC_RANGES_G,
    GYR_RANGES,
    NAME,
    ODR,
    SATURATED_RAW,
    TICK_SPAN,
    acc_lsb_per_g,
    gyr_lsb_per_dps,
    stamp_ns,
)
from sensord.errors import LinkError, LinkReason
from sensord.model import G_MPS2, FloatArray, IntArray, Json, MaskArray, SampleBlock


def known(info: Mapping[str, Json]) -> PodInfo:
    """The info that was recorded, with a clock reading among its details. Raises LinkError (IDENTITY)."""
    try:
        pod = PodInfo.from_json(info)
        ticks = pod.details.get("clock_ticks")
        usable = (
            pod.driver == NAME
            and pod.rate_hz in ODR
            and pod.acc_range_g in ACC_RANGES_G
            and pod.gyr_range_dps in GYR_RANGES
            and isinstance(ticks, int)
            and not isinstance(ticks, bool)
            and 0 <= ticks < TICK_SPAN
        )
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of a {NAME}: {dict(info)}")
    return pod


class Scale:
    """Raw values of a board as it was set to SampleBlocks."""

    def __init__(self, info: PodInfo) -> None:
        self._acc_range_mps2 = info.acc_range_g * G_MPS2
        self._gyr_range_radps = math.radians(info.gyr_range_dps)
        steps = [G_MPS2 / acc_lsb_per_g(info.acc_range_g), math.radians(1 / gyr_lsb_per_dps(info.gyr_range_dps))]
        self._step = np.repeat(steps, 3)

    def block(self, ticks: IntArray, raw: FloatArray, segment: int, missing: int | None, rx_ns: int) -> SampleBlock:
        """Samples at these ticks: raw (n, 6), the gyroscope's perhaps between two steps."""
        return self._made(stamp_ns(ticks), raw * self._step, _saturated(raw), segment, missing, rx_ns)

    def one(self, tick: int, raw: tuple[int, ...], segment: int, missing: int | None, rx_ns: int) -> SampleBlock:
        """A block of one sample: the same, without the toll of arrays."""
        clipped = max(raw) >= SATURATED_RAW or min(raw) <= -SATURATED_RAW
        mask = sum(1 << i for i, value in enumerate(raw) if abs(value) >= SATURATED_RAW) if clipped else 0
        values = np.array((raw,), np.float64) * self._step
        return self._made(
            np.array((stamp_ns(tick),), np.int64), values, np.array((mask,), np.uint8), segment, missing, rx_ns
        )

    def _made(
        self,
        t_pod_ns: IntArray,
        values: FloatArray,
        saturated: MaskArray,
        segment: int,
        missing: int | None,
        rx_ns: int,
    ) -> SampleBlock:
        return SampleBlock(
            t_pod_ns=t_pod_ns,
            acc_mps2=values[:, :3],
            gyr_radps=values[:, 3:],
            saturated=saturated,
            segment=segment,
            t_rx_ns=rx_ns,
            missing_before=missing,
            acc_range_mps2=self._acc_range_mps2,
            gyr_range_radps=self._gyr_range_radps,
        )


def _saturated(raw: FloatArray) -> MaskArray:
    """Bits 0-2 acc x,y,z, 3-5 gyr x,y,z."""
    mask: MaskArray = np.packbits(np.abs(raw) >= SATURATED_RAW, axis=1, bitorder="little")[:, 0]
    return mask
