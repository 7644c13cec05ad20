"""Shimmer3R: a 6-axis sensor of 16 g, on IMU boards a 200 g sensor beside it, a crystal clock, a microSD card.

The driver. Bytes: `shimmer3r_wire`; conversation: `shimmer3r_talk`; samples: `shimmer3r_stream`; its files and the log
in them: `shimmer3r_card`, `shimmer3r_log`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sensord.drivers.base import About, Advertisement, Announce, LogAbout, PodInfo, Session, Wanted
from sensord.drivers.shimmer3r_log import LogDecoder, arm, recover, release
from sensord.drivers.shimmer3r_stream import ShimmerDecoder
from sensord.drivers.shimmer3r_talk import prepare, until
from sensord.drivers.shimmer3r_wire import (
    ACC_RANGES_G,
    DIVISORS,
    GYR_RANGES_DPS,
    HIGH_G_RANGE_G,
    NAME,
    NAME_END,
    NAME_STEM,
    SERVICE,
    TICKS_HZ,
    Op,
    Status,
)
from sensord.model import Json


class Shimmer3R:
    """The driver; see the module."""

    name = NAME
    about = About(
        models=("Shimmer3R IMU (with the 200 g sensor)", "Shimmer3R ExG, GSR+, Bridge Amplifier, Proto3 Deluxe"),
        rates_hz=tuple(TICKS_HZ / divisor for divisor in DIVISORS),
        acc_ranges_g=ACC_RANGES_G,
        gyr_ranges_dps=GYR_RANGES_DPS,
        high_g_range_g=HIGH_G_RANGE_G,
        clock="every sample, 1/32768 s, crystal; its 64 bits are read at every link",
        loss="exact: by the clock of every sample",
        measures=("contacts", "contact time", "impact", "stride length", "foot strike"),
        cannot=(
            "impact peaks beyond 16 g on units without the 200 g sensor (known to be at least that)",
            "a peak that falls between two samples: the 200 g sensor is read once a sample",
            "battery in percent (its voltage is told)",
        ),
        tested_on="emulator only",
        log=LogAbout(
            rate_hz=204.8,
            minutes=None,
            download_minutes=4.0,
            source="computed: 21 bytes a sample at the 32 KB/s that the maker measured on Windows; any card is taken",
        ),
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By name and service: other makers' products have the module's service, too."""
        name = advertisement.name or ""
        named = name.startswith(NAME_STEM) and name.endswith(NAME_END)
        return named and SERVICE in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures, reads back, starts; an answer is no start, so the status is asked. Raises LinkError."""
        info = yield from prepare(wanted)
        yield Announce(info)
        yield from until("the stream's start", Op.START_STREAM, lambda status: bool(status & Status.STREAMING))
        return info

    def stop(self) -> Session[None]:
        """Stops streaming; a stop may be lost under load, so the status is asked."""
        yield from until("the stream's stop", Op.STOP_STREAM, lambda status: not status & Status.STREAMING)

    def decoder(self, info: Mapping[str, Json]) -> ShimmerDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return ShimmerDecoder(info)

    def arm(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures and starts a log on its card. Raises LinkError (SETUP, IDENTITY)."""
        return arm(wanted)

    def recover(self, armed: Mapping[str, Json]) -> Session[PodInfo]:
        """Stops the log and fetches its files; nothing is erased. Raises LinkError."""
        return recover(armed)

    def release(self) -> Session[None]:
        """Erases the newest log."""
        return release()

    def log_decoder(self, armed: Mapping[str, Json]) -> LogDecoder:
        """Kept pieces to SampleBlocks. Raises LinkError (IDENTITY)."""
        return LogDecoder(armed)
