"""Open Pod, profile version 1: our own GATT profile for pods that anyone may build (specified in docs/open-pod.md).

The driver. Bytes: `open_pod_wire`; conversation: `open_pod_talk`; samples: `open_pod_decoder`; its log: `open_pod_log`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sensord.drivers import open_pod_log
from sensord.drivers.base import About, Advertisement, Announce, LogAbout, PodInfo, Session, Subscribe, Wanted, Write
from sensord.drivers.open_pod_decoder import NAME, OpenPodDecoder
from sensord.drivers.open_pod_log import LogDecoder
from sensord.drivers.open_pod_talk import clock, configure
from sensord.drivers.open_pod_wire import CLOCK, CONTROL, DATA, RATES_HZ, SERVICE, Op
from sensord.model import Json

__all__ = ["NAME", "OpenPod"]


class OpenPod:
    """The driver: INFO, stop, configure, read back, clock, subscribe, start."""

    name = NAME
    about = About(
        models=("any pod built to docs/open-pod.md",),
        rates_hz=RATES_HZ,
        acc_ranges_g=(16.0, 32.0),
        gyr_ranges_dps=(2000.0, 4000.0),
        high_g_range_g=320.0,
        clock="microseconds, first sample of a packet, read with an answer time",
        loss="exact: counter and clock",
        measures=("contacts", "contact time", "impact", "stride length", "foot strike"),
        cannot=(),
        tested_on="emulator only",
        log=LogAbout(
            rate_hz=200.0,
            minutes=None,
            download_minutes=None,
            source="as much as its maker built in: 2 MB hold 14 minutes; the pod says how long it can",
        ),
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By the service UUID."""
        return SERVICE in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures the nearest the pod can do to `wanted` and starts it. Raises LinkError (IDENTITY, SETUP).

        A pod that logs is never disturbed: it streams beside it, with the settings that it was armed with.
        """
        pod = yield from configure(wanted, or_logging=True)
        yield Subscribe(CLOCK, data=False)
        info = pod.info((yield from clock(pod.identity.boot_id)))
        yield Announce(info)
        yield Subscribe(DATA)
        yield Write(CONTROL, bytes([Op.START]))
        return info

    def stop(self) -> Session[None]:
        """Stops the stream; a log goes on."""
        yield Write(CONTROL, bytes([Op.STOP]))

    def decoder(self, info: Mapping[str, Json]) -> OpenPodDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return OpenPodDecoder(info)

    def arm(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures and starts a log. Raises LinkError (SETUP, IDENTITY)."""
        return open_pod_log.arm(wanted)

    def recover(self, armed: Mapping[str, Json]) -> Session[PodInfo]:
        """Stops the log and fetches it; nothing is erased. Raises LinkError."""
        return open_pod_log.recover(armed)

    def resume(self, armed: Mapping[str, Json], last: bytes) -> Session[PodInfo]:
        """As `recover`, from behind the newest piece that is kept on."""
        return open_pod_log.recover(armed, last)

    def release(self) -> Session[None]:
        """Erases the log that was fetched."""
        return open_pod_log.release()

    def log_decoder(self, armed: Mapping[str, Json]) -> LogDecoder:
        """Kept pieces to SampleBlocks. Raises LinkError (IDENTITY)."""
        return LogDecoder(armed)
