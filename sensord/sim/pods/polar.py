"""A simulated Polar Verity Sense (`drivers.polar`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Unpack

import numpy as np

from sensord.drivers import polar_control as control
from sensord.drivers.base import AttError
from sensord.drivers.polar import ACC_RANGES_G, FIRMWARE, FRAME_SAMPLES, GYR_RANGES_DPS, MODEL, RATES_HZ, SERIAL
from sensord.drivers.polar_control import CONTROL, DATA, SENSORS, Answer, Kind, Op, Setting
from sensord.drivers.polar_frame import HEADER, MOST_BYTES, Frame, block_bytes, encode_frame, is_float, widths
from sensord.errors import LinkError
from sensord.model import G_MPS2, NS, FloatArray, IntArray
from sensord.sim.peripheral import Characteristic, Notification, Service
from sensord.sim.pods.sampled import ALL_ACC, PodOptions, SampledPod
from sensord.sim.sources import Samples, SampleSource

CCC_IMPROPERLY_CONFIGURED = 0xFD
"""ATT error (Core Specification Supplement, B 1.2): indications of the control point were not asked for."""

HEART_RATE_SERVICE, FILE_SERVICE, INFORMATION_SERVICE = (
    f"0000{n}-0000-1000-8000-00805f9b34fb" for n in ("180d", "feee", "180a")
)
EPOCH_NS = 536_544_000 * NS
"""Time since 2000 when the pod lost its clock: 2017-01-01. A guess: a stamp that was reported lies 6 days after it
(polar-ble-sdk issue 818)."""

ACC_FACTORS = {2: 0.061e-3, 4: 0.122e-3, 8: 0.244e-3, 16: 0.488e-3}
"""g a bit. 8 g as in the specification's example; the others are those of the same kind of sensor, unverified."""

GYR_FACTORS = {250: 8.75e-3, 500: 17.5e-3, 1000: 35e-3, 2000: 70e-3}
"""dps a bit, of the same kind of sensor, unverified."""

ACC_ENDS_AT, GYR_ENDS_AT = 1.0, 1.14
"""Largest value by the range."""

STEPS_HZ = 32768
"""Frames are stamped by a timer of 32768 Hz (polar-ble-sdk issue 597)."""

FEWEST_IN_A_FRAME = 30
"""Fewer samples always fit, whatever their widths: nothing is to be looked at yet."""

FEWEST_OF_FLOATS = 16
"""So many of 32 bits each fit, whatever they are."""


LEAST_MTU = 232
"""What the specification asks for."""

REFUSALS = {Setting.RESOLUTION_BITS: 7, Setting.RATE_HZ: 8, Setting.RANGE: 9, Setting.CHANNELS: 11}
"""Status when a setting has a value that is not offered."""


class _Refused(Exception):
    """A command that is answered with an error."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(control.status_text(status))


def _need(condition: bool, status: int) -> None:
    if not condition:
        raise _Refused(status)


@dataclass(slots=True)
class _Stream:
    """A sensor that is on: what it was set to, and where in the source's time it is."""

    kind: Kind
    rate_hz: float
    range: float
    cursor_ns: int


class PolarSim(SampledPod):
    """A Verity Sense that plays a `SampleSource`: ACC and GYRO are streams of their own, cut into frames apart.

    A frame goes out when the next sample would not fit. `outlives_link`: streams go on when the link ends, as has been
    reported; `in_charger`: nothing can be started; `has_sdk_mode`: not so before firmware 1.1.5; `recording`: sensors
    that record on board; `sdk_mode` and `streams`: what is on; `tells_factors`: not so in all firmware, values are mg
    and dps then; formats as in `drivers.polar_frame`. It forgets the time when it reboots (an empty battery).
    """

    KINDS: ClassVar[tuple[int, ...]] = (Kind.PPG, Kind.ACC, Kind.PPI, Kind.GYRO, Kind.MAG, Kind.SDK_MODE)
    MODEL: ClassVar[str] = "Verity Sense"

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        acc_format: int = 0x80,
        gyr_format: int = 0x80,
        tells_factors: bool = True,
        **options: Unpack[PodOptions],
    ) -> None:
        self.outlives_link = True
        self.in_charger = False
        self.has_sdk_mode = True
        self.tells_factors = tells_factors
        self.recording: frozenset[int] = frozenset()
        self.acc_format, self.gyr_format = acc_format, gyr_format
        self.answer_bytes = options.get("mtu", 247) - 3
        self._indications: list[bytes] = []
        super().__init__(address, name, source, **options)

    @property
    def services(self) -> tuple[Service, ...]:
        """The measurement service and Device Information."""
        return (
            Service(
                control.SERVICE,
                (Characteristic(CONTROL, ("read", "write", "indicate")), Characteristic(DATA, ("notify",))),
            ),
            Service(INFORMATION_SERVICE, tuple(Characteristic(uuid, ("read",)) for uuid in (MODEL, SERIAL, FIRMWARE))),
        )

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """Heart rate and file transfer, not the measurement service (Heltec WiFi_Kit_series issue 239, an H10)."""
        return (HEART_RATE_SERVICE, FILE_SERVICE)

    def on_boot(self, now_ns: int) -> None:
        """Nothing runs, SDK mode is off, the time is that of the first day."""
        super().on_boot(now_ns)
        self.streams: dict[Kind, _Stream] = {}
        self.sdk_mode = False
        self._indications.clear()

    def clock_ns(self, now_ns: int) -> int:
        """The pod's clock at an instant of the carrier's, ns since 2000."""
        return EPOCH_NS + super().clock_ns(now_ns)

    def disconnect(self) -> None:
        """The link ends; what runs goes on, or not."""
        super().disconnect()
        self._indications.clear()
        if not self.outlives_link:
            self.streams.clear()

    def stop_by_itself(self, *kinds: Kind) -> None:
        """The pod ends streams and says so."""
        for kind in kinds:
            self.streams.pop(kind, None)
        self._indications.append(bytes([control.STOPPED_BY_POD, *kinds]))

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """Features, or Device Information."""
        if uuid == CONTROL:
            kinds = [kind for kind in self.KINDS if kind != Kind.SDK_MODE or self.has_sdk_mode]
            return control.encode_features(kinds)
        said = {MODEL: self.MODEL, SERIAL: self.address.replace(":", "")[-8:], FIRMWARE: "2.1.0"}
        return said[uuid].encode()

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:  # noqa: ARG002
        """A command; its answer is indicated."""
        if CONTROL not in self.subscribed:
            raise AttError(CCC_IMPROPERLY_CONFIGURED)
        op, kind = payload[0] if payload else 0, payload[1] if len(payload) > 1 else 0
        try:
            answer = Answer(control.DONE, self._obey(payload, now_ns))
        except _Refused as refused:
            answer = Answer(refused.status)
        self._indications += control.encode_answer(op, kind, answer, most_bytes=self.answer_bytes)

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Indications, and the frames that are full."""
        made = [(now_ns, Notification(CONTROL, indication)) for indication in self._indications]
        self._indications.clear()
        heard = self.connected and DATA in self.subscribed
        for stream in self.streams.values():
            if not heard:
                stream.cursor_ns = self.source_ns(now_ns)  # nobody listens: no frames are made
                continue
            made += self._frames(stream, self.source_ns(now_ns))
        return sorted(made, key=lambda item: item[0])

    # ---- commands

    def _obey(self, payload: bytes, now_ns: int) -> bytes:
        """Parameters of the answer. Raises _Refused."""
        op, arguments = payload[:1], payload[1:]
        if op == bytes([Op.RUNNING]):
            kinds = [kind for kind in self.KINDS if kind != Kind.SDK_MODE]
            return bytes((kind in self.streams) * 0x40 | (kind in self.recording) * 0x80 | kind for kind in kinds)
        if op == bytes([Op.SDK_MODE]) and self.has_sdk_mode:
            return bytes([self.sdk_mode])
        _need(op in {bytes([known]) for known in (Op.SETTINGS, Op.START, Op.STOP)}, 1)
        _need(bool(arguments), 4)
        _need(arguments[0] in set(Kind), 2)
        _need(arguments[0] in self.KINDS, control.NOT_SUPPORTED)
        kind, start = Kind(arguments[0]), op == bytes([Op.START])
        if op == bytes([Op.SETTINGS]):
            _need(kind in SENSORS, control.NOT_SUPPORTED)
            return control.encode_settings(self._offered(kind))
        _need(not self.in_charger, control.IN_CHARGER)
        if kind is Kind.SDK_MODE:
            return self._switch_sdk_mode(on=start)
        if start:
            return self._start(kind, arguments[1:], now_ns)
        _need(kind in self.streams, control.ALREADY)
        self._collect(now_ns)
        del self.streams[kind]
        return b""

    def _switch_sdk_mode(self, *, on: bool) -> bytes:
        _need(self.has_sdk_mode, control.NOT_SUPPORTED)
        _need(not self.streams and not self.recording, control.WRONG_STATE)
        _need(self.sdk_mode != on, control.ALREADY)
        self.sdk_mode = on
        return b""

    def _offered(self, kind: Kind) -> dict[Setting, tuple[float, ...]]:
        acc = kind is Kind.ACC
        rates: tuple[float, ...] = (52,)
        ranges: tuple[float, ...] = (8,) if acc else (2000,)
        if self.sdk_mode:
            rates = RATES_HZ if self.only_rate_hz is None else (self.only_rate_hz,)
            widest = self.widest_acc_g if acc else self.widest_gyr_dps
            ranges = tuple(r for r in (ACC_RANGES_G if acc else GYR_RANGES_DPS) if r <= widest)
        return {
            Setting.RATE_HZ: rates,
            Setting.RESOLUTION_BITS: (16,),
            Setting.RANGE: ranges,
            Setting.CHANNELS: (3,),
        }

    def _start(self, kind: Kind, settings: bytes, now_ns: int) -> bytes:
        _need(kind in SENSORS, control.NOT_SUPPORTED)
        _need(kind not in self.streams and kind not in self.recording, control.ALREADY)
        _need(self.mtu >= LEAST_MTU, 10)
        try:
            asked = control.decode_settings(settings)
        except LinkError:
            raise _Refused(4) from None
        offered = self._offered(kind)
        _need(set(asked) == set(offered) and all(len(values) == 1 for values in asked.values()), 5)
        for setting, status in REFUSALS.items():
            _need(asked[setting][0] in offered[setting], status)
        self._collect(now_ns)
        full = asked[Setting.RANGE][0]
        self.streams[kind] = _Stream(kind, asked[Setting.RATE_HZ][0], full, self.source_ns(now_ns))
        return control.encode_settings({Setting.FACTOR: (self._factor(kind, full),)}) if self.tells_factors else b""

    # ---- frames

    def _format(self, kind: Kind) -> int:
        return self.acc_format if kind is Kind.ACC else self.gyr_format

    def _step(self, kind: Kind, full: float) -> float:
        """What a bit is worth, in g or dps."""
        if kind is Kind.ACC:
            return ACC_FACTORS[int(full)] if self.tells_factors else 1e-3
        return GYR_FACTORS[int(full)] if self.tells_factors else 1.0

    def _factor(self, kind: Kind, full: float) -> float:
        """What the pod tells: the bit's worth in the unit of the format."""
        if kind is Kind.ACC:
            return self._step(kind, full) * (1000.0 if self.acc_format == 0x81 else 1.0)
        return 1.0 if self.gyr_format == 0x81 else self._step(kind, full)

    def _frames(self, stream: _Stream, until_ns: int) -> list[tuple[int, Notification]]:
        made = []
        while (until_ns - stream.cursor_ns) * stream.rate_hz >= FEWEST_IN_A_FRAME * NS:
            # a frame and the sample that does not fit into it
            end_ns = min(until_ns, stream.cursor_ns + round((FRAME_SAMPLES + 2) * NS / stream.rate_hz))
            samples = self._source.between(stream.cursor_ns, end_ns, stream.rate_hz)
            if not len(samples):
                stream.cursor_ns = end_ns
                continue
            raw = self._raw(stream, samples)
            n = self._fit(stream, samples, raw)
            if n == len(samples) and end_ns == until_ns:
                break
            t_last_ns = int(samples.t_ns[n - 1])
            made.append((self.ready_ns(t_last_ns), Notification(DATA, self._encoded(stream, t_last_ns, raw[:n]))))
            stream.cursor_ns = t_last_ns + 1
        return made

    def _fit(self, stream: _Stream, samples: Samples, raw: IntArray) -> int:
        """How many samples fit into a frame; all of them: it is not full yet."""
        gaps = np.flatnonzero(np.diff(samples.t_ns) > 1.5 * NS / stream.rate_hz)
        until_gap = int(gaps[0]) + 1 if len(gaps) else FRAME_SAMPLES
        if is_float(stream.kind, self._format(stream.kind)):
            fits = FEWEST_OF_FLOATS
        else:
            width = np.maximum.accumulate(widths(np.diff(raw, axis=0)))
            size = HEADER.size + 6 + block_bytes(width, np.arange(1, len(width) + 1))
            fits = 1 + int(np.searchsorted(size, min(self.mtu - 3, MOST_BYTES), side="right"))
        return min(until_gap, fits, FRAME_SAMPLES, len(samples))

    def _raw(self, stream: _Stream, samples: Samples) -> IntArray:
        step, full = self._step(stream.kind, stream.range), stream.range
        if stream.kind is Kind.ACC:
            limit = min(32767, int(ACC_ENDS_AT * full / step))
            return self.counts(samples.acc_mps2, 1 / (step * G_MPS2), samples.saturated & ALL_ACC, limit=limit)
        limit = min(32767, int(GYR_ENDS_AT * full / step))
        return self.counts(samples.gyr_radps, 1 / math.radians(step), samples.saturated >> 3, limit=limit)

    def _encoded(self, stream: _Stream, t_last_ns: int, raw: IntArray) -> bytes:
        frame_format = self._format(stream.kind)
        values: IntArray | FloatArray = raw
        if is_float(stream.kind, frame_format):
            values = raw.astype(np.float64) * self._step(stream.kind, stream.range)
        return encode_frame(Frame(stream.kind, self._stamp_ns(t_last_ns), frame_format, values))

    def _stamp_ns(self, t_last_ns: int) -> int:
        """The time as the pod's timer has it."""
        ticks = (self.stamped_ns(t_last_ns) * STEPS_HZ + NS // 2) // NS
        return ticks * NS // STEPS_HZ
