"""Movesense: accelerometer and gyroscope over the GATT SensorData Protocol, 8 g; logs at 104 Hz.

The driver; `movesense_decoder` has its decoder, `movesense_talk` the conversation, `movesense_log` its log. Bytes are
drawn in `movesense_wire`. The wall clock of the sensor is left as it is: nothing that is read here has it in it, and a
driver knows no wall time.
"""

from __future__ import annotations

from collections.abc import Mapping

from sensord.drivers.base import About, Advertisement, Announce, LogAbout, PodInfo, Session, Wanted
from sensord.drivers.movesense_decoder import MovesenseDecoder
from sensord.drivers.movesense_log import LogDecoder, arm, recover, release
from sensord.drivers.movesense_talk import ask, battery, choose, clock, hello, info_of, logging, ranges, try_to_ask
from sensord.drivers.movesense_wire import NAME, SERVICE, Command, Ref, path
from sensord.errors import LinkError, LinkReason
from sensord.model import Json

RATES_HZ = (13.0, 26.0, 52.0, 104.0, 208.0)
"""Of those it has (up to 1666): samples are sent as float32, so 208 Hz are 5.1 kB/s already. The maker's own program
warns above 104 Hz that samples may be lost. 208 Hz are used where more than 109 Hz are wanted, all the same: every
lost packet is seen, and 104 Hz tell a contact time to 10 ms only. Who finds too much lost asks for 100 Hz."""


class Movesense:
    """The driver: who it is, how it is set, its clock, then one subscription to both sensors."""

    name = NAME
    about = About(
        models=("Movesense Flash", "Movesense HR+", "Movesense HR2", "Movesense Medical"),
        rates_hz=RATES_HZ,
        acc_ranges_g=(8.0,),
        gyr_ranges_dps=(2000.0,),
        clock="milliseconds since it was switched on, first sample of a packet; smoothed over 2.5 s",
        loss="exact, by the clock: packets have a fixed number of samples",
        measures=("contacts", "contact time", "stride length", "foot strike"),
        cannot=(
            "impact peaks above 8 g: they are clipped, at many foot strikes",
            "set its range over this protocol: it is read; 8 g is what the one stock unit known of was found at",
            "tell a restart from a clock that was set",
            "log a run on an HR+, HR2 or Medical: 384 kB hold 2.5 minutes",
        ),
        tested_on="emulator only",
        log=LogAbout(
            rate_hz=104.0,
            minutes=828.0,
            download_minutes=6.8,
            source="computed for a Flash (128 MB): 200 bytes for 8 samples; 11.3 kB/s measured by "
            "sokolmarek/movesense-commander with a log of 5 kB",
        ),
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By its name, or by the service that few firmwares advertise (the company's is on its watches, too)."""
        named = (advertisement.name or "").startswith("Movesense")
        return named or SERVICE in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Starts both sensors at the nearest rate to `wanted`. Raises LinkError (IDENTITY, SETUP)."""
        identity = yield from hello()
        percent = yield from battery()
        if (yield from logging()):
            raise LinkError(LinkReason.SETUP, "it is logging: fetch or end that log first")
        found = yield from ranges()
        rate_hz = choose(found.rates_hz, RATES_HZ, wanted)
        info = info_of(identity, found, rate_hz, (yield from clock()), percent)
        yield Announce(info)
        yield from ask(f"{rate_hz:g} Hz", Ref.SAMPLES, Command.SUBSCRIBE, path(f"/Meas/IMU6/{rate_hz:g}"))
        return info

    def stop(self) -> Session[None]:
        """Ends the subscription; a lost link does that, too."""
        yield from try_to_ask(Ref.SAMPLES, Command.UNSUBSCRIBE, timeout_s=1.0)

    def decoder(self, info: Mapping[str, Json]) -> MovesenseDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return MovesenseDecoder(info)

    def arm(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures and starts a log. Raises LinkError (SETUP, IDENTITY)."""
        return arm(wanted)

    def recover(self, armed: Mapping[str, Json]) -> Session[PodInfo]:
        """Ends the log and fetches it. Raises LinkError."""
        return recover(armed)

    def release(self) -> Session[None]:
        """Erases all logs."""
        return release()

    def log_decoder(self, armed: Mapping[str, Json]) -> LogDecoder:
        """Kept pieces to SampleBlocks. Raises LinkError (IDENTITY)."""
        return LogDecoder(armed)
