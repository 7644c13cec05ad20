"""Sensors that speak the Bluetooth SIG's own profiles: foot pods that tell speed and cadence, heart rate straps.

They measure nothing that we could look at: no contact, no impact, only what they computed, about once a second. The
bytes are drawn in `standard_wire`. Such a pod has no foot in the configuration, whichever shoe it sits on.

Cadence: the profile says "1/min" and vendors send steps or strides. Nothing is doubled here: `load.readings` settles
the unit by evidence, and until then there is none.
"""

from __future__ import annotations

from collections.abc import Mapping

from sensord.drivers.base import (
    About,
    Advertisement,
    Announce,
    DecodeCounts,
    Has,
    PodInfo,
    Read,
    Session,
    Subscribe,
    Wanted,
)
from sensord.drivers.standard_wire import (
    CRANK_UNIT_S,
    FIRMWARE,
    HEART_MEASUREMENT,
    HEART_SERVICE,
    MANUFACTURER,
    MODEL,
    POWER_MEASUREMENT,
    POWER_SERVICE,
    RSC_FEATURE,
    RSC_MEASUREMENT,
    RSC_SERVICE,
    SERIAL,
    Power,
    RscFeature,
    decode_heart,
    decode_power,
    decode_rsc,
)
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import Json, Packet, Reading

NAME = "standard"

SILENT_AFTER_S = 10.0
"""Design choice: measurements come about once a second, and some pods pause when nothing moves (a strap that is not
worn says so or leaves by itself)."""

WRAP = 1 << 16
LONGEST_CRANK_S = 4.0
"""Design choice: a revolution longer than that is no cadence (15 a minute); the time's own wrap is 64 s."""

_PROFILES = {RSC_MEASUREMENT: "rsc", POWER_MEASUREMENT: "power", HEART_MEASUREMENT: "heart"}


class StandardDecoder:
    """Measurements to `Reading`s, one each."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts(lost=None)
        self._segment = 0
        self._distance_m: float | None = None
        self._crank: Power | None = None
        self._use(info)

    @property
    def rate_hz(self) -> float:
        """0: no samples."""
        return 0.0

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: revolutions that were missed say nothing; a distance that went back begins a new segment."""
        self._crank = None
        self._use(info)

    def push(self, packet: Packet) -> list[Reading]:
        """The reading of one notification. Raises PacketError, counted."""
        counts = self.counts
        counts.packets += 1
        try:
            reading = self._reading(packet)
        except PacketError as error:
            counts.refuse(error)
            raise
        counts.samples += 1
        return [reading]

    def _use(self, info: Mapping[str, Json]) -> None:
        try:
            pod = PodInfo.from_json(info)
            self._tells_running = bool(pod.details["tells_running"])
        except (TypeError, KeyError) as error:
            raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
        if pod.driver != NAME:
            raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of a {NAME} sensor: {dict(info)}")

    def _reading(self, packet: Packet) -> Reading:
        kind = _PROFILES.get(packet.characteristic)
        if kind == "rsc":
            return self._rsc(packet)
        if kind == "power":
            return self._power(packet)
        if kind == "heart":
            heart = decode_heart(packet.payload)
            rate = None if heart.rate_bpm is None else float(heart.rate_bpm)
            return Reading(packet.t_ns, self._segment, heart_rate_bpm=rate, rr_s=heart.rr_s)
        raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)

    def _rsc(self, packet: Packet) -> Reading:
        rsc = decode_rsc(packet.payload)
        if rsc.distance_m is not None:
            if self._distance_m is not None and rsc.distance_m < self._distance_m:
                self._segment += 1  # it was set back, or began anew
            self._distance_m = rsc.distance_m
        return Reading(
            packet.t_ns,
            self._segment,
            speed_mps=rsc.speed_mps,
            cadence_per_min=float(rsc.cadence_per_min),
            stride_length_m=rsc.stride_length_m,
            distance_m=rsc.distance_m,
            running=rsc.running if self._tells_running else None,
        )

    def _power(self, packet: Packet) -> Reading:
        power = decode_power(packet.payload)
        before, self._crank = self._crank, power
        cadence = None if before is None else _crank_cadence(before, power)
        return Reading(packet.t_ns, self._segment, power_w=float(power.power_w), cadence_per_min=cadence)


def _crank_cadence(before: Power, now: Power) -> float | None:
    """Revolutions per minute between two measurements; None without a new one."""
    if before.crank_time is None or now.crank_time is None:
        return None
    assert before.crank_revolutions is not None
    assert now.crank_revolutions is not None
    revolutions = (now.crank_revolutions - before.crank_revolutions) % WRAP
    seconds = ((now.crank_time - before.crank_time) % WRAP) * CRANK_UNIT_S
    if revolutions == 0 or not 0 < seconds <= LONGEST_CRANK_S * revolutions:
        return None
    return 60.0 * revolutions / seconds


class Standard:
    """The driver: who it is, what it can tell, subscribe to all of it. Nothing is configured."""

    name = NAME
    about = About(
        models=("Stryd", "Polar Stride", "Zwift RunPod", "any RSC, power or heart rate sensor"),
        rates_hz=(1.0,),
        acc_ranges_g=(),
        gyr_ranges_dps=(),
        clock="none: time of arrival",
        loss="cannot be told",
        measures=("speed", "distance", "cadence", "power", "heart rate"),
        cannot=("contacts", "contact time", "impact", "asymmetry"),
        tested_on="emulator only",
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By the services; Polar's and Movesense have drivers of their own, though they tell a heart rate too."""
        if (advertisement.name or "").startswith(("Polar Sense", "Polar H10", "Polar 360", "Movesense")):
            return False
        return any(s in advertisement.service_uuids for s in (RSC_SERVICE, POWER_SERVICE, HEART_SERVICE))

    def start(self, wanted: Wanted) -> Session[PodInfo]:  # noqa: ARG002 (nothing to be chosen)
        """Subscribes to every profile it has. Raises LinkError (IDENTITY) when it has none."""
        profiles = []
        for uuid in _PROFILES:
            profiles += [uuid] if (yield Has(uuid)) else []
        if not profiles:
            raise LinkError(LinkReason.SERVICES, "it tells neither speed nor power nor heart rate")
        feature = RscFeature(0)
        if RSC_MEASUREMENT in profiles and (yield Has(RSC_FEATURE)):
            feature = RscFeature(int.from_bytes((yield Read(RSC_FEATURE))[:2], "little"))
        texts: dict[str, str] = {}
        for uuid in (MANUFACTURER, MODEL, SERIAL, FIRMWARE):
            if (yield Has(uuid)):
                texts[uuid] = (yield Read(uuid)).decode("utf-8", "replace").strip("\0 ")
        info = PodInfo(
            driver=NAME,
            model=" ".join(filter(None, (texts.get(MANUFACTURER), texts.get(MODEL)))) or "standard sensor",
            firmware=texts.get(FIRMWARE, ""),
            serial=texts.get(SERIAL, ""),
            rate_hz=0.0,
            acc_range_g=0.0,
            gyr_range_dps=0.0,
            clock="none",
            silent_after_s=SILENT_AFTER_S,
            details={
                "profiles": [_PROFILES[uuid] for uuid in profiles],
                "tells_running": RscFeature.WALK_OR_RUN in feature,
            },
        )
        yield Announce(info)
        for uuid in profiles:
            yield Subscribe(uuid)
        return info

    def stop(self) -> Session[None]:
        """Nothing to stop: it falls silent with the link."""
        yield from ()

    def decoder(self, info: Mapping[str, Json]) -> StandardDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return StandardDecoder(info)
