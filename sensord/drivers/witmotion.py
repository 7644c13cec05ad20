"""WitMotion WT9011DCL-BT50, WT901BLE and their like: the driver and its decoder; bytes are drawn in `witmotion_wire`.

The cheapest 200 Hz pods, and the ones that say least: a sample has neither time nor number. Times are made from
arrivals (`arrival_clock`), a loss shows only where later packets fall behind, and never how long it was.

Commands get no answer, so every setting is read back. Answers come on the line of the samples, which flow all the time.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping

import numpy as np

from sensord.drivers.arrival_clock import ArrivalClock
from sensord.drivers.base import (
    About,
    Advertisement,
    Announce,
    Await,
    DecodeCounts,
    Has,
    PodInfo,
    Request,
    Session,
    Subscribe,
    Wanted,
    Write,
)
from sensord.drivers.witmotion_wire import (
    ACC_RANGE_G,
    BANDWIDTH,
    BATTERY,
    FRAME,
    FULL_SCALE,
    GYR_RANGE_DPS,
    HEADER,
    KEY,
    NO_SAMPLES,
    RATE,
    RATES,
    SATURATED_RAW,
    SERIAL,
    SLOWEST_CODE,
    UNLOCKED,
    VARIANTS,
    VERSION,
    FrameStream,
    Gatt,
    RawArray,
    battery_pct,
    encode_command,
    encode_read,
    firmware,
    raw_samples,
    registers,
    serial_number,
)
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, Json, MaskArray, Packet, SampleBlock

NAME = "witmotion"

NAMES = ("WT9", "BWT9")
"""Names of the family; the vendor's own apps look for "WT"."""

ANSWER_S = 1.0
ASKED = 3
"""Design choice: a read is asked three times, a second each: commands and answers are not acknowledged."""

WATCHED_S = 1.4
"""Design choice: a second's samples must come in 1.4 s: with the rate 5 % low and 0.2 s late they come in 1.25 s; at
half the rate, with 0.2 s of it in store, in 1.9 s."""

FALLBACK_HZ = 100.0
"""A code on which all of the vendor's tables agree; the least that running needs (hardware-protocols.md 2)."""

BANDWIDTH_CODE = 0x00
BANDWIDTH_WORDS = "register 1F reads {read}; the vendor's tables disagree on what that is in Hz"
"""0 is 256 Hz in the vendor's C# SDK, and not in its Android SDK, which begins with 188 Hz at 2."""

REPEATED_NS = 5_000_000
"""Design choice: what comes twice at once and moves is a notification that was delivered twice."""

# ---------------------------------------------------------------------------------------------------------- decoder


class WitMotionDecoder:
    """Notifications of one pod to SampleBlocks, across links, each a new segment. Latency: none."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts(lost=None)
        self._info, self._notify = _recorded(info)
        self._clock = ArrivalClock(self._info.rate_hz)
        self._segment = 0
        self._missing: int | None = 0
        self._link()
        self._scale = np.repeat([ACC_RANGE_G * G_MPS2, math.radians(GYR_RANGE_DPS)], 3) / FULL_SCALE

    @property
    def rate_hz(self) -> float:
        """Nominal rate the pod was configured to; the true one is some per cent off (`t_pod_ns` follows it)."""
        return self._info.rate_hz

    @property
    def waiting(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return self._stream.waiting

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: nobody knows how many samples there were meanwhile; the rate that was found stays."""
        self._info, self._notify = _recorded(info)
        self._clock.link(self._info.rate_hz)
        if self._streamed:
            self._segment += 1
            self._missing = None
        self._link()

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples that these bytes complete. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            raw = self._checked(packet)
            if raw is None:
                counts.duplicates += 1
                return []
            if not len(raw):
                return []
            t_pod_ns, gap = self._clock.stamp(len(raw), packet.t_ns)
        except PacketError as error:
            counts.refuse(error)
            raise
        missing, self._missing = self._missing, 0
        self._streamed = True
        counts.samples += len(raw)
        values = raw[:, :6] * self._scale
        return [
            SampleBlock(
                t_pod_ns=t_pod_ns,
                acc_mps2=values[:, :3],
                gyr_radps=values[:, 3:],
                saturated=_saturated(raw),
                segment=self._segment,
                t_rx_ns=packet.t_ns,
                missing_before=None if gap else missing,
                acc_range_mps2=ACC_RANGE_G * G_MPS2,
                gyr_range_radps=math.radians(GYR_RANGE_DPS),
            )
        ]

    def _link(self) -> None:
        self._stream = FrameStream()
        self._streamed = False
        self._before: tuple[bytes, bytes] = (b"", b"")
        self._before_ns = 0

    def _checked(self, packet: Packet) -> RawArray | None:
        """Raw samples; None for a notification that was seen before."""
        if packet.characteristic != self._notify:
            raise PacketError(PacketReason.CHARACTERISTIC, packet.characteristic)
        if not packet.payload:
            raise PacketError(PacketReason.TOO_SHORT, "empty")
        if self._repeated(packet):
            return None
        frames, skipped = self._stream.push(packet.payload)
        if skipped and not len(frames):
            raise PacketError(PacketReason.TYPE, f"no frame begins in {skipped} bytes")
        return raw_samples(frames) if len(frames) else NO_SAMPLES

    def _repeated(self, packet: Packet) -> bool:
        """Whether this is the last one again. Pods at rest may well say the same thing again and again."""
        payload, (last, before) = packet.payload, self._before
        at_once = packet.t_ns - self._before_ns <= REPEATED_NS
        whole = len(payload) % FRAME == 0 and payload[0] == HEADER and not self._stream.waiting
        self._before, self._before_ns = (payload, last), packet.t_ns
        return whole and at_once and payload == last != before


def _saturated(raw: RawArray) -> MaskArray:
    """Bits 0-2 acc x,y,z, 3-5 gyr x,y,z."""
    if raw[:, :6].max() < SATURATED_RAW and raw[:, :6].min() > -SATURATED_RAW:
        return np.zeros(len(raw), dtype=np.uint8)
    at_limit = np.abs(raw[:, :6].astype(np.int32)) >= SATURATED_RAW
    mask: MaskArray = np.packbits(at_limit, axis=1, bitorder="little")[:, 0]
    return mask


def _recorded(info: Mapping[str, Json]) -> tuple[PodInfo, str]:
    """The info and the characteristic of its samples."""
    try:
        pod = PodInfo.from_json(info)
        ranges = (pod.acc_range_g, pod.gyr_range_dps)
        usable = pod.driver == NAME and pod.rate_hz in RATES and ranges == (ACC_RANGE_G, GYR_RANGE_DPS)
        gatt = next((v for v in VARIANTS if v.name == pod.details.get("gatt")), None)
    except (TypeError, AttributeError) as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable or gatt is None:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of a {NAME}: {dict(info)}")
    return pod, gatt.notify


# ----------------------------------------------------------------------------------------------------------- driver


class WitMotion:
    """The driver: unlock, rate, bandwidth, read back, see that samples come as fast as that."""

    name = NAME
    about = About(
        models=("WitMotion WT9011DCL-BT50", "WT901BLE67/68, WT901BLECL", "BWT901BLE5.0"),
        rates_hz=tuple(RATES),
        acc_ranges_g=(ACC_RANGE_G,),
        gyr_ranges_dps=(GYR_RANGE_DPS,),
        clock="none: samples are counted, at a rate that is fitted to their arrivals",
        loss="none: only that later packets fall behind for 2 s or more, not how many samples or where",
        measures=("contacts", "contact time", "stride length", "foot strike"),
        cannot=(
            "impact peaks above 16 g: they are clipped",
            "times to the sample where packets are lost: up to 0.1 s off for a few seconds",
            "a known bandwidth: the vendor's tables contradict each other",
            "log a run on board",
        ),
        tested_on="emulator only",
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By the vendor's service or the family's names: the service is missing from some advertisements."""
        named = (advertisement.name or "").startswith(NAMES)
        return named or VARIANTS[0].service in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures the highest rate up to the wanted one (else the lowest). Raises LinkError (IDENTITY, SETUP).

        Nothing is saved in the pod: it wears its memory, and every link configures it anew.
        """
        talk = _Talk((yield from _variant()))
        yield Subscribe(talk.gatt.notify)
        identity = yield from talk.read(VERSION)
        serial = yield from talk.read(SERIAL, needed=False)
        yield from talk.write(BANDWIDTH, BANDWIDTH_CODE)
        bandwidth = yield from talk.read(BANDWIDTH, needed=False)
        battery = yield from talk.read(BATTERY, needed=False)
        rate_hz, details = yield from _set_rate(talk, wanted.rate_hz)
        read = None if bandwidth is None else bandwidth[0]
        words = "nothing" if read is None else f"{read:#04x}"
        info = PodInfo(
            driver=NAME,
            model="WitMotion BLE 5.0" if talk.gatt is VARIANTS[0] else "WitMotion dual mode",
            firmware=firmware(identity[0], identity[1]) if identity else "",
            serial=serial_number(serial[:6]) if serial else "",
            rate_hz=rate_hz,
            acc_range_g=ACC_RANGE_G,
            gyr_range_dps=GYR_RANGE_DPS,
            clock="none",
            details={
                "gatt": talk.gatt.name,
                **details,
                "bandwidth_code": read,
                "bandwidth": BANDWIDTH_WORDS.format(read=words),
                "battery_v": battery[0] / 100 if battery else None,
            },
            battery_pct=battery_pct(battery[0]) if battery else None,
        )
        yield Announce(info)
        return info

    def stop(self) -> Session[None]:
        """As good as quiet: one sample in 5 s or more, so that the vendor's app does not find a pod that seems dead.

        The pod keeps it, even through power off; `start` sets the rate in any case.
        """
        talk = _Talk((yield from _variant()))
        yield from talk.write(RATE, SLOWEST_CODE)

    def decoder(self, info: Mapping[str, Json]) -> WitMotionDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return WitMotionDecoder(info)


def _variant() -> Generator[Request, bytes, Gatt]:
    for gatt in VARIANTS:
        if (yield Has(gatt.notify)) and (yield Has(gatt.write)):
            return gatt
    raise LinkError(LinkReason.SERVICES, "it has neither of the services that WitMotion pods have")


def _set_rate(talk: _Talk, wanted_hz: float) -> Generator[Request, bytes, tuple[float, dict[str, Json]]]:
    """The rate, read back and seen to be kept; 100 Hz if more does not come through. Raises LinkError (SETUP)."""
    choice = max((rate for rate in RATES if rate <= wanted_hz), default=min(RATES))
    details: dict[str, Json] = {}
    for rate_hz in sorted({choice, min(choice, FALLBACK_HZ)}, reverse=True):
        yield from talk.write(RATE, RATES[rate_hz])
        answer = yield from talk.read(RATE)
        if answer is None or answer[0] & 0xFF != RATES[rate_hz]:
            found = "nothing" if answer is None else f"{answer[0]:#04x}"
            raise LinkError(LinkReason.SETUP, f"rate code {RATES[rate_hz]:#04x} was written, {found} read back")
        if (yield from talk.keeps_up(rate_hz)):
            return rate_hz, {"rate_code": RATES[rate_hz], **details}
        details["slower"] = f"set to {rate_hz:g} Hz, less than {rate_hz / WATCHED_S:.0f} samples a second came"
    raise LinkError(LinkReason.SETUP, str(details["slower"]))


class _Talk:
    """Commands, and what of the stream answers them."""

    def __init__(self, gatt: Gatt) -> None:
        self.gatt = gatt
        self._stream = FrameStream()
        self._answers: dict[int, tuple[int, ...]] = {}
        self._samples = 0

    def write(self, register: int, value: int) -> Generator[Request, bytes, None]:
        yield Write(self.gatt.write, encode_command(KEY, UNLOCKED))
        yield Write(self.gatt.write, encode_command(register, value))

    def read(self, register: int, *, needed: bool = True) -> Generator[Request, bytes, tuple[int, ...] | None]:
        """Eight registers from this one on; None if the pod does not tell what is not needed. Raises LinkError."""
        for _ in range(ASKED if needed else 1):
            self._answers.clear()
            yield Write(self.gatt.write, encode_read(register))
            yield Await(self.gatt.notify, lambda payload: self._hear(payload, register), ANSWER_S, else_none=True)
            if register in self._answers:
                return self._answers[register]
        if needed:
            raise LinkError(LinkReason.SETUP, f"no answer to a read of register {register:02X}")
        return None

    def keeps_up(self, rate_hz: float) -> Generator[Request, bytes, bool]:
        """Whether a second's samples come in `WATCHED_S`."""
        self._samples = 0
        enough = round(rate_hz)
        yield Await(self.gatt.notify, lambda payload: self._count(payload) >= enough, WATCHED_S, else_none=True)
        return self._samples >= enough

    def _hear(self, payload: bytes, register: int) -> bool:
        self._count(payload)
        return register in self._answers

    def _count(self, payload: bytes) -> int:
        frames, _ = self._stream.push(payload)
        answers = registers(frames)
        self._answers |= answers
        self._samples += len(frames) - len(answers)
        return self._samples
