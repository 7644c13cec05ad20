"""A simulated Shimmer3R. Its firmware and its card are in `shimmer3r_firmware` and `shimmer3r_card`.

Starts and stops are heard before they happen, and heard when they cannot; the checksum and the stream end with the
link, a log does not; bytes leave the module in pieces of 42, whatever they hold; the first 65 ms are not given out.
"""

from __future__ import annotations

from collections import deque
from typing import Unpack

import numpy as np

from sensord.drivers.base import AttError
from sensord.drivers.shimmer3r_card import CardOp
from sensord.drivers.shimmer3r_wire import (
    CALIBRATION_OPS,
    DATA,
    SERVICE,
    TICKS_HZ,
    Op,
    Schema,
    Status,
    encode_sample,
    sealed,
)
from sensord.model import NS, IntArray
from sensord.sim.peripheral import ATT_READ_NOT_PERMITTED, Characteristic, Notification, Service
from sensord.sim.pods.sampled import PodOptions, SampledPod
from sensord.sim.pods.shimmer3r_card import SimulatedCard
from sensord.sim.pods.shimmer3r_firmware import SETTINGS, Firmware
from sensord.sim.sources import Samples, SampleSource

FRAGMENT_BYTES = 42
"""Pieces that were seen on the air (reference, hardware 4.2)."""

FLUSH_NS = 20_000_000
"""Design choice: bytes that fill no piece leave after so long."""

SUPPRESSED_TICKS = 2130
"""Samples of the first 65 ms are not given out."""

CARD_BYTES_PER_S = 32_000
"""What the maker measured over BLE (shimmer-web-sdk src/devices/shimmer3r/constants.ts)."""

AT_ONCE_NS = 60 * NS
"""Samples are made of at most so much time at once."""


class Shimmer3RSim(SampledPod):
    """A Shimmer3R that plays a `SampleSource`; arrays are played at their own rate, whatever divisor is set.

    Faults to set: `deaf` (so many commands from now on are lost), `docked`, `card.present`, `battery_counts`;
    to call: `press_button` (a log begins or ends, and it says so unasked).
    """

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        board: tuple[int, int, int] = (31, 11, 2),
        firmware: tuple[int, int, int] = (1, 1, 20),
        fragment_bytes: int = FRAGMENT_BYTES,
        **options: Unpack[PodOptions],
    ) -> None:
        self.deaf = 0
        self.docked = False
        self.battery_counts = 2700
        mac = address.replace(":", "").lower()
        self.firmware = Firmware(mac, board, firmware)
        self.card = SimulatedCard(f"Shimmer_{mac[-4:].upper()}")
        self._fragment_bytes = fragment_bytes
        self._out: deque[tuple[int, bytes]] = deque()
        self._streaming = self._logging = False
        self._checksum = False
        self._sent_ns = options["now_ns"]
        super().__init__(address, name, source, **options)

    @property
    def services(self) -> tuple[Service, ...]:
        """The module's cable replacement."""
        both = Characteristic(DATA, ("write-without-response", "notify"))
        return (Service(SERVICE, (Characteristic(DATA.replace("ca102", "ca101"), ("write", "indicate")), both)),)

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The module's service."""
        return (SERVICE,)

    def on_boot(self, now_ns: int) -> None:
        """Settings stay, the clock begins anew, nothing is sampled."""
        if self.sampling:
            self._sample(now_ns)
        super().on_boot(now_ns)
        self._streaming = self._logging = self._checksum = False
        self._out.clear()
        self.card.forget()
        self.skip(now_ns)

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """There is nothing to read."""
        raise AttError(ATT_READ_NOT_PERMITTED)

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:  # noqa: ARG002
        """Bytes for the command parser."""
        if self.deaf:
            self.deaf -= 1
            return
        self._sample(now_ns)
        self.firmware.heard += payload
        while (command := self.firmware.next_command()) is not None:
            self._obey(*command, now_ns)

    def disconnect(self) -> None:
        """The stream and the checksum end with the link; a log goes on."""
        super().disconnect()
        self._streaming = self._checksum = False
        self._out.clear()
        self.firmware.heard = b""
        self.card.hang_up()

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Bytes that are due, in pieces."""
        self._sample(now_ns)
        if self.card.reading:
            allowed = (now_ns - self._sent_ns) * CARD_BYTES_PER_S // NS
            self._out.extend((now_ns, frame) for frame in self.card.frames(allowed))
        self._sent_ns = now_ns
        if not (self.connected and DATA in self.subscribed):
            self._out.clear()
            return []
        return self._pieces(now_ns)

    def press_button(self, now_ns: int) -> None:
        """Begins or ends a log; says so unasked, as for all that no command brought about."""
        self._sample(now_ns)
        if self._logging:
            self._logging = False
        else:
            self._start_log(now_ns)
        self._say(now_ns, bytes([Op.ACK, Op.IN_STREAM, Op.STATUS_RSP]) + self._status())

    # ---- commands

    def _obey(self, op: int, arguments: bytes, now_ns: int) -> None:
        if op in SETTINGS and self.sampling:
            self._say(now_ns, bytes([Op.NACK]))
            return
        if op in set(CardOp):
            answer = self._card_answer(op, arguments)
        elif self.firmware.set(op, arguments) or self._act(op, arguments, now_ns):
            answer = b""
        else:
            answer = self._tell(op, now_ns) or self.firmware.answer(op, arguments)
        self._say(now_ns, bytes([Op.ACK]) + answer)

    def _act(self, op: int, arguments: bytes, now_ns: int) -> bool:
        """Starts, stops and the checksum; False if it is none of these."""
        match op:
            case Op.SET_CRC:
                self._checksum = arguments == b"\2"
            case Op.START_STREAM:
                self._start(now_ns)
                self._streaming = True
            case Op.START_LOG:
                if self.card.present and not self.docked and not self._logging:
                    self._start_log(now_ns)
            case Op.STOP_STREAM:
                self._streaming = False
            case Op.STOP_ALL:
                self._streaming = self._logging = False
            case _:
                return False
        return True

    def _tell(self, op: int, now_ns: int) -> bytes:
        """Response opcode and payload of what it is doing."""
        match op:
            case Op.GET_STATUS:
                return bytes([Op.IN_STREAM, Op.STATUS_RSP]) + self._status()
            case Op.GET_CLOCK:
                return bytes([Op.CLOCK_RSP]) + self.ticks_at(now_ns).to_bytes(8, "little")
            case Op.GET_BATTERY:
                return bytes([Op.IN_STREAM, Op.BATTERY_RSP]) + self.battery_counts.to_bytes(2, "little") + b"\xc0"
            case Op.GET_DIR:
                name = self.card.newest.encode()
                return bytes([Op.IN_STREAM, Op.DIR_RSP, len(name)]) + name
        return b""

    def _card_answer(self, op: int, arguments: bytes) -> bytes:
        self.card.busy = self.sampling
        self.card.away = self.docked
        return self.card.answer(op, arguments)

    def _status(self) -> bytes:
        now = Status(0)
        for flag, on in (
            (Status.DOCKED, self.docked),
            (Status.SENSING, self.sampling),
            (Status.LOGGING, self._logging),
            (Status.STREAMING, self._streaming),
            (Status.CARD_IN, self.card.present),
        ):
            now |= flag if on else Status(0)
        return bytes([now, 0])

    def _say(self, now_ns: int, message: bytes) -> None:
        self._out.append((now_ns, sealed(message) if self._checksum else message))

    # ---- samples

    @property
    def sampling(self) -> bool:
        """Whether its sensors run."""
        return self._streaming or self._logging

    def ticks_at(self, now_ns: int) -> int:
        """Its clock."""
        return int(_ticks(np.array([self.clock_ns(now_ns)]))[0])

    def _start(self, now_ns: int) -> None:
        if not self.sampling:
            self.skip(now_ns)
            self._begun_tick = self.ticks_at(now_ns)

    def _start_log(self, now_ns: int) -> None:
        self._start(now_ns)
        self._logging = True
        self.card.begin()

    def _sample(self, now_ns: int) -> None:
        """Samples up to now, to the link and the card."""
        if not self.sampling:
            self.skip(now_ns)
            return
        rate_hz = self.only_rate_hz or TICKS_HZ / self.firmware.divisor
        at_ns = self.ready_ns(self._cursor_ns)
        while True:
            at_ns = min(at_ns + AT_ONCE_NS, now_ns)
            samples = self.take(at_ns, rate_hz)
            if samples is not None:
                self.used(samples, len(samples))
                self._give_out(samples)
            if at_ns >= now_ns:
                return

    def _give_out(self, samples: Samples) -> None:
        ticks = _ticks(samples.t_ns + self.stamped_ns(0))
        rows = ticks - self._begun_tick >= SUPPRESSED_TICKS
        ticks = ticks[rows]
        if not len(ticks):
            return
        firmware = self.firmware
        schema = Schema(firmware.channels)
        records = schema.encode(ticks, firmware.words(samples, high_g=schema.high_g)[rows])
        if self._logging:
            blocks = {sensor: firmware.calibration_block(sensor) for sensor in CALIBRATION_OPS}
            self.card.log(ticks, records, firmware.inquiry, firmware.mac, blocks)
        if self._streaming and self.connected:
            ready = (self.ready_ns(t) for t in samples.t_ns[rows].tolist())
            self._out.extend((t, encode_sample(record.tobytes())) for t, record in zip(ready, records, strict=True))

    # ---- the module

    def _pieces(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Cuts what goes out; what fills no piece waits for more, unless it has waited or is an answer."""
        size = min(self._fragment_bytes, self.mtu - 3)
        made: list[tuple[int, Notification]] = []
        piece = b""
        begun_ns = ready_ns = now_ns
        answered = False
        for t_ns, message in self._out:
            begun_ns = t_ns if not piece else begun_ns
            piece += message
            ready_ns = t_ns
            answered = message[:1] != b"\0"
            while len(piece) >= size:
                made.append((ready_ns, Notification(DATA, piece[:size])))
                piece, begun_ns = piece[size:], t_ns
        self._out.clear()
        if piece and (answered or now_ns - begun_ns >= FLUSH_NS):
            made.append((now_ns, Notification(DATA, piece)))
        elif piece:
            self._out.append((begun_ns, piece))
        return made


def _ticks(clock_ns: IntArray) -> IntArray:
    """The nearest tick of each time."""
    ticks: IntArray = clock_ns // NS * TICKS_HZ + (clock_ns % NS * TICKS_HZ + NS // 2) // NS
    return ticks
