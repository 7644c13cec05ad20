"""Data frames of a Polar Verity Sense to SampleBlocks (driver: `polar`, bytes: `polar_frame`, times: `polar_time`)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sensord.drivers import polar_control as control
from sensord.drivers.base import DecodeCounts, PodInfo
from sensord.drivers.joined import Joined, Joiner, Part
from sensord.drivers.polar_control import CONTROL, DATA, SENSORS, Kind
from sensord.drivers.polar_frame import Frame, decode_frame
from sensord.drivers.polar_time import Batch, PodTime, Stream, Timed
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, FloatArray, Json, MaskArray, Packet, SampleBlock

NAME = "polar"

SATURATED = 0.995
"""As in `model.SampleBlock.saturated`."""

BEYOND = 1.2
"""Values so far beyond the range are junk. A gyroscope of 70 mdps a bit ends at 1.15 times 2000 dps."""


class PolarDecoder:
    """Data frames of one pod to SampleBlocks, across links. Latency: until the other sensor's frame has come."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._segment = -1
        self._time = PodTime()
        self._use(_info_of(info))

    @property
    def rate_hz(self) -> float:
        """Nominal rate the pod was configured to."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: the clock goes on, if the first frame is of the time that has passed; else a new segment."""
        fresh = _info_of(info)
        if (fresh.serial, fresh.rate_hz) != (self._info.serial, self._info.rate_hz):
            self._time.reset()
            self._use(fresh)
            return
        self._read_scales(fresh)
        self._time.at_link = True
        for stream in self._streams.values():
            stream.relink()
        self._joiner.part()

    def push(self, packet: Packet) -> list[SampleBlock]:
        """What a notification completes. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            return _heard(packet.payload) if packet.characteristic == CONTROL else self._frame(packet)
        except PacketError as error:
            counts.refuse(error)
            raise

    def _frame(self, packet: Packet) -> list[SampleBlock]:
        if packet.characteristic != DATA:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        frame = decode_frame(packet.payload)
        stream = self._streams[frame.kind]
        if stream.seen(frame.t_last_ns):
            self.counts.duplicates += 1
            return []
        add = self._joiner.add_acc if frame.kind is Kind.ACC else self._joiner.add_gyr
        for timed in self._place(stream, self._batch(frame, packet.t_ns)):
            batch = timed.batch
            add(Part(timed.t_ns, batch.values, batch.saturated, timed.missing, batch.rx_ns))
        return [self._block(joined) for joined in self._joiner.take()]

    def _use(self, info: PodInfo) -> None:
        self._read_scales(info)
        self._streams = {kind: Stream(info.rate_hz) for kind in SENSORS}
        self._joiner = Joiner(info.rate_hz)

    def _read_scales(self, info: PodInfo) -> None:
        self._info = info
        self._acc_range_mps2 = info.acc_range_g * G_MPS2
        self._gyr_range_radps = math.radians(info.gyr_range_dps)
        self._scales = _scales(info)

    def _batch(self, frame: Frame, rx_ns: int) -> Batch:
        scale = self._scales.get((frame.kind, frame.format))
        if scale is None:
            raise PacketError(PacketReason.TYPE, f"format 0x{frame.format:02x} is not what the pod's factor is for")
        values: FloatArray = np.multiply(frame.raw, scale, dtype=np.float64)
        full = self._acc_range_mps2 if frame.kind is Kind.ACC else self._gyr_range_radps
        most = max(values.item(values.argmax()), -values.item(values.argmin()))
        if not most <= BEYOND * full:
            raise PacketError(PacketReason.VALUE, f"{most / full:.1f} times the range of the {frame.kind.text}")
        if most >= SATURATED * full:
            at_limit = np.abs(values) >= SATURATED * full
            saturated: MaskArray = np.packbits(at_limit, axis=1, bitorder="little")[:, 0]
        else:
            saturated = np.zeros(len(values), dtype=np.uint8)
        return Batch(frame.t_last_ns, rx_ns, values, saturated)

    def _place(self, stream: Stream, batch: Batch) -> list[Timed]:
        """When these samples were taken; a new segment where the pod's clock was set."""
        time = self._time
        problem = time.problem(batch.t_last_ns, batch.rx_ns)
        if not time.known or (time.at_link and (problem or stream.overlaps(batch))):
            self._begin()
            problem = None
        placed: list[Timed] = []
        if problem is None:
            try:
                placed = stream.place(batch)
            except PacketError as error:
                problem = str(error)
        if problem is not None:
            if not stream.believes(batch):
                raise PacketError(PacketReason.TIME, problem)
            self._begin()
            placed = stream.place(batch)
        time.observe(batch.t_last_ns, batch.rx_ns)
        return placed

    def _begin(self) -> None:
        self._segment += 1
        self._first = True
        self._time.reset()
        for stream in self._streams.values():
            stream.reset()
        self._joiner.reset()

    def _block(self, joined: Joined) -> SampleBlock:
        missing = None if self._first and self._segment > 0 else joined.missing
        self._first = False
        self.counts.samples += len(joined.t_ns)
        self.counts.lost = (self.counts.lost or 0) + (missing or 0)
        return SampleBlock(
            t_pod_ns=joined.t_ns,
            acc_mps2=joined.acc,
            gyr_radps=joined.gyr,
            saturated=joined.saturated,
            segment=self._segment,
            t_rx_ns=joined.rx_ns,
            missing_before=missing,
            acc_range_mps2=self._acc_range_mps2,
            gyr_range_radps=self._gyr_range_radps,
        )


def _scales(info: PodInfo) -> dict[tuple[Kind, int], float]:
    """What raw values are multiplied with, for each format that goes with the factors the pod told.

    A factor that was not told is 1 (polar-ble-sdk, BlePMDClient.kt). One that makes the range of 16 bits is for 0x80.
    """
    acc, gyr = info.details["acc_factor"], info.details["gyr_factor"]
    mg, dps = G_MPS2 / 1000.0, math.radians(1.0)
    scales: dict[tuple[Kind, int], float] = {}
    if acc is not None and fits(acc, info.acc_range_g):
        scales[Kind.ACC, 0x80] = acc * G_MPS2
    else:
        scales = {(Kind.ACC, plain): mg for plain in (0x00, 0x01, 0x02)}
        scales[Kind.ACC, 0x81] = mg * (1.0 if acc is None else acc)
    scales[Kind.GYRO, 0x80] = dps * (1.0 if gyr is None else gyr)
    if gyr is None or not fits(gyr, info.gyr_range_dps):
        scales[Kind.GYRO, 0x81] = scales[Kind.GYRO, 0x80]
    return scales


def fits(factor: float, full: float) -> bool:
    """Whether 16 bits times the factor are the full scale."""
    return 0.95 * full <= 32768 * factor <= BEYOND * full


def _heard(indication: bytes) -> list[SampleBlock]:
    """The control point holds no samples: answers to commands, and what `Polar.ended` reads."""
    if not indication:
        raise PacketError(PacketReason.TOO_SHORT, "an empty indication")
    if indication[0] not in {control.ANSWER, control.STOPPED_BY_POD}:
        raise PacketError(PacketReason.TYPE, f"indication 0x{indication[0]:02x}")
    return []


def _info_of(info: Mapping[str, Json]) -> PodInfo:
    try:
        pod = PodInfo.from_json(info)
        usable = pod.driver == NAME and pod.rate_hz > 0 and pod.acc_range_g > 0 and pod.gyr_range_dps > 0
        usable = usable and all(
            pod.details[key] is None or pod.details[key] > 0 for key in ("acc_factor", "gyr_factor")
        )
    except (KeyError, TypeError) as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of a {NAME} pod: {dict(info)}")
    return pod
