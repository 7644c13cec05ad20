"""Open Pod, profile version 1: our own GATT profile for pods that anyone may build (specified in docs/open-pod.md).

The driver and its decoder; the bytes are drawn in `open_pod_wire`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sensord.drivers.base import (
    About,
    Advertisement,
    Announce,
    AttError,
    Await,
    DecodeCounts,
    PodInfo,
    Read,
    Session,
    Subscribe,
    Wanted,
    Write,
)
from sensord.drivers.open_pod_wire import (
    CLOCK,
    CONFIG,
    CONTROL,
    DATA,
    FULL_SCALE,
    INFO,
    RATES_HZ,
    SATURATED_RAW,
    SERVICE,
    Config,
    DataPacket,
    Flag,
    Identity,
    Kind,
    Op,
    RawArray,
    Refusal,
    decode_clock_answer,
    decode_config,
    decode_data,
    decode_info,
    encode_clock_request,
    encode_config,
)
from sensord.drivers.timeline import Stamp, Timeline
from sensord.errors import LinkError, LinkReason, PacketError, PacketReason
from sensord.model import G_MPS2, IntArray, Json, MaskArray, Packet, SampleBlock

NAME = "open-pod"

PACKET_S = 0.05
"""Design choice: a packet at most this long; shorter wakes the radio more often, longer makes cues late."""

OFFSETS_KEPT = 64
"""Design choice: lengths of packets whose sample times are kept; the true period varies by a few steps of 10 us."""

# ---------------------------------------------------------------------------------------------------------- decoder


class OpenPodDecoder:
    """DATA packets of one pod to SampleBlocks, across links. Latency: none, a packet gives its samples at once."""

    def __init__(self, info: Mapping[str, Json]) -> None:
        self.counts = DecodeCounts()
        self._use(_info_of(info))
        self._timeline = Timeline(self._info.clock_us)

    @property
    def rate_hz(self) -> float:
        """Nominal rate the pod was configured to."""
        return self._info.rate_hz

    def link_up(self, info: Mapping[str, Json]) -> None:
        """Linked again: the same boot id goes on in the same segment, another one begins a new segment."""
        fresh = _info_of(info)
        self._timeline.relink(restarted=_epoch(fresh) != _epoch(self._info), clock_us=fresh.clock_us)
        self._use(fresh)

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples of one notification, or none if it was seen before. Raises PacketError, counted by reason."""
        counts = self.counts
        counts.packets += 1
        try:
            data = self._checked(packet)
            flags = data.flags
            overrun, restarted = (Flag.OVERRUN in flags, Flag.CLOCK_RESTARTED in flags) if flags else (False, False)
            n, period_us, rx_us = len(data.raw), data.period_us, packet.t_ns // 1000
            place = self._timeline.place(Stamp(data.seq, data.t_first_us, n, period_us, overrun, restarted, rx_us))
        except PacketError as error:
            counts.rejected[error.reason] = counts.rejected.get(error.reason, 0) + 1
            raise
        if place is None:
            counts.duplicates += 1
            return []
        counts.samples += n
        counts.lost = (counts.lost or 0) + (place.missing or 0)
        t_pod_ns = self._offsets(n, period_us) + place.first_us * 1000
        return [self._block(data.raw, t_pod_ns, place.segment, place.missing, packet.t_ns)]

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

    def _block(self, raw: RawArray, t_pod_ns: IntArray, segment: int, missing: int | None, t_rx_ns: int) -> SampleBlock:
        values = raw * self._scale
        return SampleBlock(
            t_pod_ns=t_pod_ns,
            acc_mps2=values[:, :3],
            gyr_radps=values[:, 3:6],
            saturated=_saturated(raw),
            segment=segment,
            t_rx_ns=t_rx_ns,
            missing_before=missing,
            acc_range_mps2=self._acc_range_mps2,
            gyr_range_radps=self._gyr_range_radps,
            high_g_mps2=values[:, 6:] if self._info.high_g_range_g else None,
        )

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


def _info_of(info: Mapping[str, Json]) -> PodInfo:
    try:
        pod = PodInfo.from_json(info)
        usable = pod.driver == NAME and pod.rate_hz in RATES_HZ and pod.acc_range_g > 0 and pod.gyr_range_dps > 0
    except TypeError as error:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info cannot be read: {error}") from error
    if not usable:
        raise LinkError(LinkReason.IDENTITY, f"recorded pod info is not that of an {NAME}: {dict(info)}")
    return pod


def _epoch(info: PodInfo) -> tuple[str, int | None, float]:
    """What must stay the same for clock, counter and sample grid to go on."""
    return info.serial, info.boot_id, info.rate_hz


# ----------------------------------------------------------------------------------------------------------- driver


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
    )

    def matches(self, advertisement: Advertisement) -> bool:
        """By the service UUID."""
        return SERVICE in advertisement.service_uuids

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures the nearest the pod can do to `wanted` and starts it. Raises LinkError (IDENTITY, SETUP)."""
        identity = decode_info((yield Read(INFO)))
        yield Write(CONTROL, bytes([Op.STOP]))
        asked = _choose(identity, wanted)
        try:
            yield Write(CONFIG, encode_config(asked))
        except AttError as error:
            raise LinkError(LinkReason.SETUP, f"{asked}: {_refusal(error)}") from error
        actual = decode_config((yield Read(CONFIG)))
        _verify(identity, asked, actual)
        token = identity.boot_id
        yield Subscribe(CLOCK, data=False)
        yield Write(CLOCK, encode_clock_request(token))
        answer = decode_clock_answer((yield Await(CLOCK, lambda payload: _answers(payload, token))))
        assert answer is not None
        info = PodInfo(
            driver=NAME,
            model="Open Pod",
            firmware=".".join(str(v) for v in identity.firmware),
            serial=identity.serial.hex(),
            rate_hz=RATES_HZ[actual.rate_id],
            acc_range_g=float(actual.acc_range_g),
            gyr_range_dps=float(actual.gyr_range_dps),
            clock="us32",
            boot_id=identity.boot_id,
            clock_us=answer[2],
            high_g_range_g=float(actual.high_g_range_g) or None,
            details={"batch": actual.batch},
        )
        yield Announce(info)
        yield Subscribe(DATA)
        yield Write(CONTROL, bytes([Op.START]))
        return info

    def stop(self) -> Session[None]:
        """Stops sampling."""
        yield Write(CONTROL, bytes([Op.STOP]))

    def decoder(self, info: Mapping[str, Json]) -> OpenPodDecoder:
        """A decoder for what LINK_UP recorded. Raises LinkError (IDENTITY) if it cannot be read."""
        return OpenPodDecoder(info)


def _choose(identity: Identity, wanted: Wanted) -> Config:
    """The highest supported rate up to the wanted one (else the lowest), the wanted ranges as far as the pod goes."""
    at_most = [i for i in identity.rate_ids if RATES_HZ[i] <= wanted.rate_hz]
    rate_id = max(at_most) if at_most else min(identity.rate_ids)
    return Config(
        rate_id=rate_id,
        acc_range_g=min(math.ceil(wanted.acc_range_g), identity.range_of(Kind.ACC)),
        gyr_range_dps=min(math.ceil(wanted.gyr_range_dps), identity.range_of(Kind.GYR)),
        high_g_range_g=identity.range_of(Kind.HIGH_G),
        batch=max(1, round(RATES_HZ[rate_id] * PACKET_S)),
    )


def _verify(identity: Identity, asked: Config, actual: Config) -> None:
    """What was read back must be what was asked; a pod may take the next wider range it has."""
    wrong = []
    if actual.rate_id != asked.rate_id:
        wrong.append(f"rate {RATES_HZ[actual.rate_id]:g} Hz, asked {RATES_HZ[asked.rate_id]:g} Hz")
    pairs = (
        ("acc", asked.acc_range_g, actual.acc_range_g, identity.range_of(Kind.ACC)),
        ("gyr", asked.gyr_range_dps, actual.gyr_range_dps, identity.range_of(Kind.GYR)),
        ("high g", asked.high_g_range_g, actual.high_g_range_g, identity.range_of(Kind.HIGH_G)),
    )
    for what, want, got, widest in pairs:
        if not want <= got <= widest:
            wrong.append(f"{what} range {got}, asked {want}, widest {widest}")
    if wrong:
        raise LinkError(LinkReason.SETUP, "; ".join(wrong))


def _answers(payload: bytes, token: int) -> bool:
    answer = decode_clock_answer(payload)
    return answer is not None and answer[0] == token


def _refusal(error: AttError) -> str:
    try:
        return Refusal(error.code).text
    except ValueError:
        return str(error)
