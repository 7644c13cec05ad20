"""MetaMotion S and RL (MbientLab): 16 g, 100 Hz live with a tick in every sample, 200 Hz into their own memory.

The driver and its decoder. Bytes: `metamotion_wire`; ticks: `metamotion_time`; conversation: `metamotion_talk`; its
log, fetched and read: `metamotion_log`, `metamotion_entries`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sensord.drivers.base import (
    About,
    Advertisement,
    Announce,
    DecodeCounts,
    LogAbout,
    PodInfo,
    Session,
    Wanted,
)
from sensord.drivers.metamotion_entries import LogDecoder
from sensord.drivers.metamotion_log import arm, recover, release
from sensord.drivers.metamotion_read import Scale, known
from sensord.drivers.metamotion_talk import (
    build_chain,
    clean,
    clock,
    configure,
    fast_link,
    hello,
    info_of_board,
    refuse_while_logging,
    run_sensors,
    see_first_sample,
    send,
)
from sensord.drivers.metamotion_time import TickLine
from sensord.drivers.metamotion_wire import (
    ACC_RANGES_G,
    GYR_RANGES,
    NAME,
    NOTIFY,
    SERVICE,
    Module,
    Processor,
    command,
    decode_stamped,
)
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import Json, Packet, SampleBlock

RATES_HZ = (25.0, 50.0, 100.0)
"""A sample is a notification of its own, and the maker says that 100 a second is what gets through
(hardware-protocols.md 4.3)."""

# ---------------------------------------------------------------------------------------------------------- decoder


class MetaMotionDecoder:
    """Notifications of one board to SampleBlocks of one sample each, across links. Latency: none."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._use(known(info))
        self._line = TickLine(self._info.rate_hz, self._clock_ticks)

    @property
    def rate_hz(self) -> float:
        """Nominal rate the board was configured to; the true one may be some per cent off."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: the same reset uid and settings go on in the same segment, others begin a new one."""
        before, after = self._info, known(info)
        self._use(after)
        self._line.relink(
            after.rate_hz,
            self._clock_ticks,
            anew=_epoch(after) != _epoch(before),
            other_rate=after.rate_hz != before.rate_hz,
        )

    def push(self, packet: Packet) -> list[SampleBlock]:
        """The sample of one notification, or none if it was seen before. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            tick, raw = self._checked(packet)
            place = self._line.place(tick, packet.t_ns)
        except PacketError as error:
            counts.refuse(error)
            raise
        if place is None:
            counts.duplicates += 1
            return []
        counts.samples += 1
        counts.lost = (counts.lost or 0) + (place.missing or 0)
        return [self._scale.one(place.tick, raw, place.segment, place.missing, packet.t_ns)]

    def _checked(self, packet: Packet) -> tuple[int, tuple[int, ...]]:
        if packet.characteristic != NOTIFY:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        processor, tick, raw = decode_stamped(packet.payload)
        if processor != self._processor:
            raise PacketError(PacketReason.TYPE, f"of processor {processor}")
        if len(raw) != 6:
            raise PacketError(PacketReason.LENGTH, f"{len(raw)} values")
        return tick, raw

    def _use(self, info: PodInfo) -> None:
        processor = info.details.get("processor")
        if not isinstance(processor, int) or isinstance(processor, bool):
            raise LinkError(LinkReason.IDENTITY, f"recorded pod info names no processor: {dict(info.details)}")
        self._info, self._processor = info, processor
        self._clock_ticks: int = info.details["clock_ticks"]
        self._scale = Scale(info)


def _epoch(info: PodInfo) -> tuple[str, int | None, float]:
    """What must stay the same for clock and sample grid to go on."""
    return info.serial, info.boot_id, info.rate_hz


# ----------------------------------------------------------------------------------------------------------- driver


class MetaMotion:
    """The driver: clean up, see who it is, configure, read back, build the chain, start, see that samples come."""

    name = NAME
    about = About(
        models=("MbientLab MetaMotion S", "MetaMotion RL (and R)"),
        rates_hz=RATES_HZ,
        acc_ranges_g=ACC_RANGES_G,
        gyr_ranges_dps=tuple(GYR_RANGES),
        clock="ticks of 1.46 ms in every sample, crystal; a restart is told",
        loss="by the tick of every sample: exact in gaps of some seconds, to a sample or two in longer ones",
        measures=("contacts", "contact time", "stride length", "foot strike"),
        cannot=(
            "impact peaks above 16 g: they are clipped",
            "more than 100 Hz live: each sample is a notification of its own (it logs 200 Hz)",
            "times of samples better than a tick of 1.46 ms",
            "how far apart its sensors measure: live the gyroscope's last value goes with each of the accelerometer",
            "hold half an hour of 200 Hz in the RL's 8 MB: 22 minutes, and firmware is known that says it holds 14 s",
            "keep what was fetched of its log: each page is erased once it is on our disk",
        ),
        tested_on="emulator only",
        log=LogAbout(
            rate_hz=200.0,
            minutes=1391.0,
            download_minutes=None,
            source="computed: 66,781,184 entries that an S says it holds, 4 a sample; the maker says of downloads that "
            "large ones can take hours",
        ),
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By the maker's service: names are changed by their owners."""
        return SERVICE in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures the nearest it can do to `wanted` and starts it. Raises LinkError (IDENTITY, SETUP).

        Entries of a log stay; one that is still being written would be ended, so `keep_log` refuses that.
        """
        if wanted.keep_log:
            yield from refuse_while_logging()
        yield from clean()
        identity = yield from hello()
        yield from clean(identity.board)
        yield from fast_link()
        settings = yield from configure(identity.board, wanted, RATES_HZ)
        processor = yield from build_chain(identity.board)
        tick, boot_id = yield from clock()
        info = yield from info_of_board(identity, settings, tick, boot_id, processor=processor)
        yield Announce(info)
        yield send(command(Module.PROCESSOR, Processor.NOTIFY_ENABLE, processor, 1))
        yield send(command(Module.PROCESSOR, Processor.NOTIFY, 1))
        yield from run_sensors()
        yield from see_first_sample(processor, tick)
        return info

    def stop(self) -> Session[None]:
        """Stops the sensors and removes what was built."""
        yield from clean()

    def decoder(self, info: Mapping[str, Json]) -> MetaMotionDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return MetaMotionDecoder(info)

    def arm(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures and starts a log. Raises LinkError (SETUP, IDENTITY)."""
        return arm(wanted)

    def recover(self, armed: Mapping[str, Json]) -> Session[PodInfo]:
        """Stops the log and fetches it, page by page; a page is erased once it is kept. Raises LinkError."""
        return recover(armed)

    def release(self) -> Session[None]:
        """Erases the log."""
        return release()

    def log_decoder(self, armed: Mapping[str, Json]) -> LogDecoder:
        """Kept pieces to SampleBlocks. Raises LinkError (IDENTITY)."""
        return LogDecoder(armed)
