"""Open Pod, from bytes to samples: DATA packets of one pod, across links (the bytes: `open_pod_wire`)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sensord.drivers.base import DecodeCounts, PodInfo
from sensord.drivers.open_pod_wire import (
    DATA,
    FULL_SCALE,
    LATEST_US,
    RATES_HZ,
    SATURATED_RAW,
    DataPacket,
    Flag,
    RawArray,
    decode_data,
)
from sensord.drivers.timeline import Stamp, Timeline
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, IntArray, Json, MaskArray, Packet, SampleBlock, maker

NAME = "open-pod"

OFFSETS_KEPT = 64
"""Design choice: lengths of packets whose sample times are kept; the true period varies by a few steps of 10 us."""

_BLOCK = maker(SampleBlock)


class OpenPodDecoder:
    """DATA packets of one pod to SampleBlocks, across links. Latency: none, a packet gives its samples at once."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._use(info_of(info))
        self._timeline = Timeline(self._info.clock_us)

    @property
    def rate_hz(self) -> float:
        """Nominal rate the pod was configured to."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: the same boot id goes on in the same segment, another one begins a new segment."""
        fresh = info_of(info)
        self._timeline.relink(restarted=_epoch(fresh) != _epoch(self._info), clock_us=fresh.clock_us)
        self._use(fresh)

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples of one notification, or none if it was seen before. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        t_rx_ns = packet.t_ns
        try:
            data = self._checked(packet)
            flags, raw = data.flags, data.raw
            overrun, restarted = (Flag.OVERRUN in flags, Flag.CLOCK_RESTARTED in flags) if flags else (False, False)
            n, period_us = len(raw), data.period_us
            stamp = Stamp(data.seq, data.t_first_us, n, period_us, overrun, restarted, t_rx_ns // 1000)
            place = self._timeline.place(stamp)
        except PacketError as error:
            counts.refuse(error)
            raise
        if place is None:
            counts.duplicates += 1
            return []
        first_us, segment, missing = place
        counts.samples += n
        counts.lost = (counts.lost or 0) + (missing or 0)
        values = raw * self._scale
        block = _BLOCK(
            self._offsets(n, period_us) + first_us * 1000,
            values[:, :3],
            values[:, 3:6],
            _saturated(raw),
            segment,
            t_rx_ns,
            missing,
            self._acc_range_mps2,
            self._gyr_range_radps,
            values[:, 6:] if self._info.high_g_range_g else None,
        )
        return [block]

    def _use(self, info: PodInfo) -> None:
        self._info = info
        self._acc_range_mps2 = info.acc_range_g * G_MPS2
        self._gyr_range_radps = math.radians(info.gyr_range_dps)
        ranges = [self._acc_range_mps2, self._gyr_range_radps]
        if info.high_g_range_g:
            ranges.append(info.high_g_range_g * G_MPS2)
        self._scale = np.repeat(ranges, 3) / FULL_SCALE
        self._offsets_ns: dict[tuple[int, float], IntArray] = {}

    def _checked(self, packet: Packet) -> DataPacket:
        if packet.characteristic != DATA:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        data = decode_data(packet.payload)
        if RATES_HZ[data.rate_id] != self._info.rate_hz:
            raise PacketError(PacketReason.RATE, f"{RATES_HZ[data.rate_id]:g} Hz, set to {self._info.rate_hz:g} Hz")
        if data.raw.shape[1] != len(self._scale):
            raise PacketError(PacketReason.TYPE, f"{data.raw.shape[1]} values a sample is not what was set")
        return data

    def _offsets(self, n: int, period_us: float) -> IntArray:
        """Times of n samples after the first; most packets have one of a few lengths."""
        known = self._offsets_ns.get((n, period_us))
        if known is None:
            if len(self._offsets_ns) >= OFFSETS_KEPT:
                self._offsets_ns.clear()
            known = np.rint(np.arange(n) * (period_us * 1e3)).astype(np.int64)
            self._offsets_ns[n, period_us] = known
        return known


def _saturated(raw: RawArray) -> MaskArray:
    """Bits 0-2 acc x,y,z, 3-5 gyr x,y,z, 6 any of high g, from raw values (n, 6 or 9)."""
    if raw.item(raw.argmax()) < SATURATED_RAW and raw.item(raw.argmin()) > -SATURATED_RAW:
        return np.zeros(len(raw), dtype=np.uint8)
    at_limit = np.abs(raw.astype(np.int32)) >= SATURATED_RAW
    at_limit[:, 6:7] = at_limit[:, 6:].any(axis=1, keepdims=True)
    mask: MaskArray = np.packbits(at_limit[:, :7], axis=1, bitorder="little")[:, 0]
    return mask


def info_of(info: Mapping[str, Json]) -> PodInfo:
    """What LINK_UP recorded. Raises LinkError (IDENTITY) when it is not that of an Open Pod."""
    try:
        pod = PodInfo.from_json(info)
        usable = pod.driver == NAME and pod.rate_hz in RATES_HZ and pod.acc_range_g > 0 and pod.gyr_range_dps > 0
        usable = usable and 0 <= (pod.clock_us or 0) <= LATEST_US
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of an {NAME}: {dict(info)}")
    return pod


def _epoch(info: PodInfo) -> tuple[str, int | None, float]:
    """What must stay the same for clock, counter and sample grid to go on."""
    return info.serial, info.boot_id, info.rate_hz
