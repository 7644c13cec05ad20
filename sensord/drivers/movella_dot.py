"""Movella DOT (Xsens DOT): 60 Hz live, which times steps; 120 Hz into its own memory.

The driver and its decoder. Bytes: `movella_dot_wire`; times: `movella_dot_time`; conversation: `movella_dot_talk`; its
recordings: `movella_dot_log`. Live it sends "rate quantities": calibrated acceleration and angular rate. No payload has
these and the marks of a clipped sensor, too, so live only an average over a sample that is at the range is marked; it
measures at 800 Hz inside. Recordings have the marks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sensord.drivers.base import (
    About,
    Advertisement,
    Announce,
    DecodeCounts,
    LogAbout,
    PodInfo,
    Session,
    Subscribe,
    Wanted,
)
from sensord.drivers.movella_dot_log import arm, recover, release
from sensord.drivers.movella_dot_read import LogDecoder
from sensord.drivers.movella_dot_talk import (
    LIVE_RATES_HZ,
    battery,
    hello,
    info_of,
    known,
    measure,
    need_idle,
    quiet,
    set_rate,
)
from sensord.drivers.movella_dot_time import MicrosLine
from sensord.drivers.movella_dot_wire import (
    ACC_RANGE_G,
    COMPANY,
    GYR_RANGE_DPS,
    MEASUREMENT_SERVICE,
    NAME,
    SAMPLES,
    decode_sample,
)
from sensord.errors import PacketError, PacketReason
from sensord.model import G_MPS2, Json, Packet, SampleBlock

NAMES = ("movella dot", "xsens dot")
"""Newer and older firmware (specification, table 4)."""

BEYOND = 1.05
"""Design choice: values so far beyond the range are junk."""

LIMITS = (ACC_RANGE_G * G_MPS2,) * 3 + (GYR_RANGE_DPS,) * 3
SATURATED = tuple(0.995 * limit for limit in LIMITS)
MOST = tuple(BEYOND * limit for limit in LIMITS)


class MovellaDotDecoder:
    """Notifications of one pod to SampleBlocks of one sample each, across links. Latency: none."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._info = known(info, LIVE_RATES_HZ)
        self._line = MicrosLine(self._info.rate_hz)

    @property
    def rate_hz(self) -> float:
        """The rate it was set to."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: its clock goes on, or is found to be another one; another rate begins a new segment."""
        before, self._info = self._info, known(info, LIVE_RATES_HZ)
        anew = (self._info.serial, self._info.rate_hz) != (before.serial, before.rate_hz)
        self._line.relink(self._info.rate_hz, anew=anew)

    def push(self, packet: Packet) -> list[SampleBlock]:
        """The sample of one notification, or none if it was seen before. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            t_us, values = _checked(packet)
            place = self._line.place(t_us, packet.t_ns)
        except PacketError as error:
            counts.refuse(error)
            raise
        if place is None:
            counts.duplicates += 1
            return []
        counts.samples += 1
        counts.lost = (counts.lost or 0) + (place.missing or 0)
        mask = sum(1 << i for i, value in enumerate(values) if abs(value) >= SATURATED[i])
        both = np.array((values,), np.float64)
        return [
            SampleBlock(
                t_pod_ns=np.array((place.t_us * 1000,), np.int64),
                acc_mps2=both[:, :3],
                gyr_radps=np.radians(both[:, 3:]),
                saturated=np.array((mask,), np.uint8),
                segment=place.segment,
                t_rx_ns=packet.t_ns,
                missing_before=place.missing,
                acc_range_mps2=ACC_RANGE_G * G_MPS2,
                gyr_range_radps=math.radians(GYR_RANGE_DPS),
            )
        ]


def _checked(packet: Packet) -> tuple[int, tuple[float, ...]]:
    if packet.characteristic != SAMPLES:
        raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
    t_us, values = decode_sample(packet.payload)
    if not all(-most <= value <= most for value, most in zip(values, MOST, strict=True)):
        raise PacketError(PacketReason.VALUE, f"{', '.join(f'{value:g}' for value in values)}: beyond its ranges")
    return t_us, values


class MovellaDot:
    """The driver: who it is, idle, its rate, then one kind of payload."""

    name = NAME
    about = About(
        models=("Movella DOT (Xsens DOT) v1", "v2"),
        rates_hz=LIVE_RATES_HZ,
        acc_ranges_g=(ACC_RANGE_G,),
        gyr_ranges_dps=(GYR_RANGE_DPS,),
        clock="microseconds in every sample, wraps after 72 minutes",
        loss="exact, by the clock",
        measures=("cadence", "stride time"),
        cannot=(
            "contact times to better than 17 ms live: it sends 60 Hz at most (its recordings have 120 Hz: 8 ms)",
            "impact peaks above 16 g: they are clipped, and live that is mostly not seen",
            "tell a restart from a clock that was set",
            "be armed with recordings in its memory: it can only be erased as a whole",
        ),
        tested_on="emulator only",
        log=LogAbout(
            rate_hz=120.0,
            minutes=44.0,
            download_minutes=None,
            source="specification, a v1 with an empty memory: 88 minutes at 60 Hz, so half at 120 Hz; a v2 holds 181",
        ),
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By its name, unless its owner changed it, or the maker's number."""
        named = (advertisement.name or "").lower().startswith(NAMES)
        return named or COMPANY in advertisement.manufacturer_data or MEASUREMENT_SERVICE in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Starts it at the nearest rate to `wanted` it has. Raises LinkError (IDENTITY, SETUP)."""
        identity = yield from hello()
        percent = yield from battery()
        yield from quiet()
        yield from need_idle()
        rate_hz = min(LIVE_RATES_HZ, key=lambda rate: abs(math.log(rate / wanted.rate_hz)))
        yield from set_rate(rate_hz)
        info = info_of(identity, rate_hz, percent)
        yield Announce(info)
        yield Subscribe(SAMPLES)
        yield from measure()
        return info

    def stop(self) -> Session[None]:
        """Stops it."""
        yield from quiet()

    def decoder(self, info: Mapping[str, Json]) -> MovellaDotDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return MovellaDotDecoder(info)

    def arm(self, wanted: Wanted) -> Session[PodInfo]:
        """Starts a recording. Raises LinkError (SETUP, IDENTITY)."""
        return arm(wanted)

    def recover(self, armed: Mapping[str, Json]) -> Session[PodInfo]:
        """Ends the recording and fetches it. Raises LinkError."""
        return recover(armed)

    def resume(self, armed: Mapping[str, Json], last: bytes) -> Session[PodInfo]:
        """As `recover`, from the first sample on that is not in that piece, nor before it. Raises LinkError."""
        return recover(armed, last)

    def release(self) -> Session[None]:
        """Erases all recordings."""
        return release()

    def log_decoder(self, armed: Mapping[str, Json]) -> LogDecoder:
        """Kept pieces to SampleBlocks. Raises LinkError (IDENTITY)."""
        return LogDecoder(armed)
