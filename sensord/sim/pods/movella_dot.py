"""A simulated Movella DOT (`drivers.movella_dot`)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Unpack

import numpy as np

from sensord.drivers import movella_dot_wire as wire
from sensord.drivers.base import Advertisement
from sensord.drivers.movella_dot_wire import Re
from sensord.errors import PacketError
from sensord.model import G_MPS2, NS, FloatArray
from sensord.sim.peripheral import Characteristic, Notification, Service
from sensord.sim.pods.sampled import PodOptions, SampledPod
from sensord.sim.sources import Samples, SampleSource

EXPORTED_PER_S = 400
"""Samples of an export in a second: some of the notifications that a link of 7.5 to 15 ms can carry; unverified."""

ERASES_NS = NS
FULL_BYTES = 64 * 1024 * 1024
"""How long it takes to erase, and its memory: unverified."""


@dataclass(slots=True)
class _File:
    """A recording: when it says it was started, for how long, its samples (time in us, values, status)."""

    utc_s: int
    seconds: int
    begun_ns: int
    rows: list[tuple[int, tuple[float, ...], int]] = field(default_factory=list)


@dataclass(slots=True)
class _Export:
    """A file that is being sent: the next sample, and how many since when."""

    file: int
    counter: int
    since: int
    since_ns: int


class MovellaDotSim(SampledPod):
    """Streams 28 bytes filled up to 40 with zeros, answers a message in a characteristic that is to be read at once.

    `outlives_link`: a measurement goes on when the link ends (unverified; the maker's clients stop it before they
    start). Its battery is told by a service of its own. `marks_first`: recordings begin with a sample of zeros, as in
    the maker's files.
    """

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        product: str = "XS-T02",
        marks_first: bool = False,
        **options: Unpack[PodOptions],
    ) -> None:
        self.identity = wire.Identity(product, (2, 4, 0), int(address.replace(":", ""), 16))
        self.outlives_link = True
        self.marks_first = marks_first
        self.files: list[_File] = []
        self.control_rate_hz = 60
        self._outbox: list[tuple[int, bytes]] = []
        super().__init__(address, name, source, **options)

    @property
    def services(self) -> tuple[Service, ...]:
        """Configuration, measurement, battery, messages."""
        both = ("read", "write")
        return (
            Service(
                wire.CONFIGURATION_SERVICE,
                (Characteristic(wire.INFO, ("read",)), Characteristic(wire.CONTROL, both)),
            ),
            Service(
                wire.MEASUREMENT_SERVICE,
                (Characteristic(wire.MEASURE, both), Characteristic(wire.SAMPLES, ("notify",))),
            ),
            Service(wire.BATTERY_SERVICE, (Characteristic(wire.BATTERY, ("read", "notify")),)),
            Service(
                wire.MESSAGE_SERVICE,
                (
                    Characteristic(wire.COMMAND, ("write",)),
                    Characteristic(wire.ACK, ("read",)),
                    Characteristic(wire.MESSAGES, ("notify",)),
                ),
            ),
        )

    @property
    def table(self) -> tuple[Service, ...]:
        """Without a standard battery service."""
        return self.services

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """None."""
        return ()

    def advertisement(self) -> Advertisement | None:
        """With the maker's number."""
        heard = super().advertisement()
        if heard is None:
            return None
        return Advertisement(heard.address, heard.name, heard.service_uuids, {wire.COMPANY: b"\0" * 6}, heard.rssi)

    def on_boot(self, now_ns: int) -> None:
        """Idle; files are kept."""
        super().on_boot(now_ns)
        self.measuring: int | None = None
        self.recording = False
        self._export: _Export | None = None
        self._erased_ns: int | None = None
        self._ack = b""
        self._outbox.clear()
        self.skip(now_ns)

    def disconnect(self) -> None:
        """The link ends; a recording goes on, an export does not."""
        super().disconnect()
        self._export = None
        self._outbox.clear()
        if not self.outlives_link:
            self.measuring = None

    # ---- characteristics

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """Values; of the messages, the answer to the last one."""
        if uuid == wire.INFO:
            return wire.encode_info(self.identity, bytes.fromhex(self.address.replace(":", ""))[::-1])
        if uuid == wire.CONTROL:
            return wire.encode_rate(self.control_rate_hz)
        if uuid == wire.MEASURE:
            return bytes([1, self.measuring is not None, self.measuring or wire.RATE_QUANTITIES])
        if uuid == wire.BATTERY:
            return bytes([round(self.battery_pct), 0])
        return self._ack.ljust(160, b"\0")

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """A rate, a start or stop, a message."""
        self._collect(now_ns)
        idle = self.measuring is None and not self.recording
        if uuid == wire.CONTROL:
            rate_hz = wire.decode_rate(payload)
            if payload[0] & wire.SET_RATE and rate_hz in self._rates and idle:
                self.control_rate_hz = rate_hz
        elif uuid == wire.MEASURE and len(payload) == 3 and payload[0] == 1:
            if payload[1] == 1 and self._state() == wire.IDLE and self.control_rate_hz <= 60:
                self.measuring = payload[2]
                self.skip(now_ns)
            elif payload[1] == 0:
                self.measuring = None
        elif uuid == wire.COMMAND:
            try:
                mid, data = wire.decode_message(payload)
            except PacketError:
                return
            if mid == wire.RECORDING and data:
                self._ack = wire.encode_ack(self._obey(data[0], data[1:], now_ns), data)

    @property
    def _rates(self) -> tuple[int, ...]:
        return wire.OUTPUT_RATES_HZ if self.only_rate_hz is None else (round(self.only_rate_hz), 60, 120)

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Messages, samples, a file."""
        made: list[tuple[int, Notification]] = []
        if self.recording:
            self._record(now_ns)
        elif self.measuring == wire.RATE_QUANTITIES and self.connected:
            made += self._streamed(now_ns)
        else:
            self.skip(now_ns)
        if self._erased_ns is not None and now_ns >= self._erased_ns:
            self._erased_ns = None
            self._say(Re.ERASED)
        made += [(now_ns, Notification(wire.MESSAGES, message)) for _, message in self._outbox]
        self._outbox.clear()
        if self._export is not None:
            made += [(now_ns, Notification(wire.MESSAGES, one)) for one in self._exported(self._export, now_ns)]
        return made

    # ---- messages

    def _say(self, reid: int, arguments: bytes = b"") -> None:
        self._outbox.append((reid, wire.recording(reid, arguments)))

    def _state(self) -> int:
        if self.recording:
            return wire.IS_RECORDING
        if self._erased_ns is not None:
            return wire.ERASING
        return Re.FILE_DATA if self._export is not None else wire.IDLE

    def _obey(self, reid: int, arguments: bytes, now_ns: int) -> int:
        """Result of a recording message."""
        if reid == Re.STATE:
            return self._state()
        allowed = {
            wire.IDLE: {Re.ERASE, Re.START, Re.FLASH_INFO, Re.FILE_INFO, Re.FILE_DATA, Re.SELECT},
            wire.IS_RECORDING: {Re.STOP, Re.TIME},
            Re.FILE_DATA: {Re.STOP_EXPORT, Re.AGAIN},
        }
        if reid not in allowed.get(self._state(), set()) or (reid == Re.START and self.measuring is not None):
            return wire.INVALID
        steps = {
            Re.ERASE: self._erase,
            Re.START: self._start,
            Re.STOP: self._stop,
            Re.TIME: self._tell_time,
            Re.FLASH_INFO: self._tell_flash,
            Re.FILE_INFO: self._tell_file,
            Re.FILE_DATA: self._begin_export,
            Re.AGAIN: self._begin_again,
            Re.STOP_EXPORT: self._stop_export,
        }
        if reid == Re.SELECT:
            return wire.DONE if arguments == wire.SELECTED else wire.INVALID
        steps[Re(reid)](arguments, now_ns)
        return wire.DONE

    def _erase(self, _: bytes, now_ns: int) -> None:
        self.files.clear()
        self._erased_ns = now_ns + ERASES_NS

    def _start(self, arguments: bytes, now_ns: int) -> None:
        utc_s, seconds = struct.unpack("<IH", arguments)
        self.files.append(_File(utc_s, seconds, now_ns))
        if self.marks_first:
            self.files[-1].rows.append((0, (0.0,) * 6, 0))
        self.recording = True
        self.skip(now_ns)

    def _stop(self, _: bytes, now_ns: int) -> None:  # noqa: ARG002
        self.recording = False
        self._say(Re.STOP)

    def _tell_time(self, _: bytes, now_ns: int) -> None:
        file = self.files[-1]
        left = max(0, file.seconds - (now_ns - file.begun_ns) // NS)
        self._say(Re.TIME_IS, struct.pack("<IHH", file.utc_s, file.seconds, left))

    def _tell_flash(self, _: bytes, now_ns: int) -> None:  # noqa: ARG002
        marks = b""
        for file in self.files:
            sectors = -(-len(file.rows) * wire.RECORD.itemsize // wire.SECTOR_BYTES)
            marks += bytes([wire.FILE_BEGINS]) + bytes([wire.SECTOR_USED]) * sectors
        head = wire.FLASH_HEAD.pack(wire.FLASH_MAGIC, wire.INFO_BYTES, 0x0200, 0, FULL_BYTES, len(marks))
        self._say(Re.FLASH_INFO_IS, head.ljust(wire.INFO_BYTES, b"\0"))
        for at in range(0, len(marks), wire.INFO_BYTES):
            self._say(Re.FLASH_INFO_IS, marks[at : at + wire.INFO_BYTES].ljust(wire.INFO_BYTES, b"\xff"))
        self._say(Re.FLASH_INFO_DONE)

    def _tell_file(self, arguments: bytes, now_ns: int) -> None:  # noqa: ARG002
        if not 1 <= arguments[0] <= len(self.files):
            self._say(Re.NO_FILE)
            return
        file = self.files[arguments[0] - 1]
        head = wire.FILE_HEAD.pack(wire.FILE_MAGIC, wire.INFO_BYTES, 0x0100, file.utc_s, file.seconds)
        self._say(Re.FILE_INFO_IS, head.ljust(wire.INFO_BYTES, b"\0"))
        self._say(Re.FILE_INFO_DONE)

    def _begin_export(self, arguments: bytes, now_ns: int) -> None:
        if 1 <= arguments[0] <= len(self.files):
            self._export = _Export(arguments[0] - 1, 0, 0, now_ns)
        else:
            self._say(Re.NO_FILE)

    def _begin_again(self, arguments: bytes, now_ns: int) -> None:
        assert self._export is not None
        counter = int.from_bytes(arguments, "little")
        self._export = _Export(self._export.file, counter, counter, now_ns)

    def _stop_export(self, _: bytes, now_ns: int) -> None:  # noqa: ARG002
        self._export = None
        self._say(Re.STOP_EXPORT)

    # ---- samples

    def _clipped(self, samples: Samples) -> tuple[FloatArray, FloatArray]:
        """Values (n, 6) in m/s2 and dps, and whether each is at the range."""
        values = np.hstack([samples.acc_mps2, np.degrees(samples.gyr_radps)])
        limits = np.repeat([wire.ACC_RANGE_G * G_MPS2, wire.GYR_RANGE_DPS], 3)
        flagged = (samples.saturated[:, None] >> np.arange(6) & 1) == 1
        at_range = flagged | (np.abs(values) >= limits)
        return np.where(at_range, np.copysign(limits, values), values), at_range

    def _streamed(self, now_ns: int) -> list[tuple[int, Notification]]:
        samples = self.take(now_ns, float(self.control_rate_hz))
        if samples is None:
            return []
        values, _ = self._clipped(samples)
        made = []
        for t_ns, row in zip(samples.t_ns.tolist(), values.tolist(), strict=True):
            payload = wire.encode_sample(self.stamped_ns(t_ns) // 1000, tuple(row[:3]), tuple(row[3:]))
            made.append((self.ready_ns(t_ns), Notification(wire.SAMPLES, payload)))
        self.used(samples, len(samples))
        return made

    def _record(self, now_ns: int) -> None:
        samples = self.take(now_ns, float(self.control_rate_hz))
        if samples is None:
            return
        values, at_range = self._clipped(samples)
        status = at_range @ (1 << np.arange(6))
        times = (self.stamped_ns(t_ns) // 1000 for t_ns in samples.t_ns.tolist())
        self.files[-1].rows += list(zip(times, map(tuple, values.tolist()), status.tolist(), strict=True))
        self.used(samples, len(samples))

    def _exported(self, export: _Export, now_ns: int) -> list[bytes]:
        rows = self.files[export.file].rows
        until = min(export.since + (now_ns - export.since_ns) * EXPORTED_PER_S // NS, len(rows))
        made = [wire.encode_record(i, *rows[i]) for i in range(export.counter, until)]
        export.counter = max(export.counter, until)
        if export.counter >= len(rows):
            made.append(wire.recording(Re.FILE_DATA_DONE))
            self._export = None
        return made
