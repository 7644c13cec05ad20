"""The memory of a simulated Open Pod: what it is told, what it keeps, how it hands it over (docs/open-pod.md, 9).

It outlives restarts of the pod. `capacity` is what a maker built in; `broken` makes it refuse.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sensord.drivers import open_pod_log_wire as wire
from sensord.drivers.base import AttError
from sensord.drivers.open_pod_wire import Config, Refusal
from sensord.model import NS
from sensord.sim.peripheral import Notification

PART_S = 0.25
"""Samples that are written at once; lost when the power is."""

EVERY_NS = 15_000_000
AT_ONCE = 4
"""Notifications in a connection event of 15 ms (hardware-protocols.md 6.1: four to six)."""

ERASE_NS = NS // 2


@dataclass(slots=True)
class LogMemory:
    """`written` is the log; `config` what it is written with; `cursor_ns` the source's time up to which it is."""

    capacity: int
    mtu: int
    written: bytearray = field(default_factory=bytearray)
    state: wire.LogState = wire.LogState.EMPTY
    flags: wire.LogFlag = field(default_factory=lambda: wire.LogFlag(0))
    log_id: int = 0
    config: Config | None = None
    cursor_ns: int = 0
    end_ns: int | None = None
    seq: int = 0
    broken: bool = False
    erased_at_ns: int = 0
    sending: list[tuple[int, Notification]] = field(default_factory=list)

    @property
    def logging(self) -> bool:
        """Whether samples are being written."""
        return self.state is wire.LogState.LOGGING

    def status(self, now_ns: int, bytes_per_s: float) -> bytes:
        """LOG as it is read."""
        if self.state is wire.LogState.ERASING and now_ns >= self.erased_at_ns:
            self.state = wire.LogState.EMPTY
        left_s = int((self.capacity - len(self.written)) / bytes_per_s)
        used = len(self.written)
        return wire.encode_status(wire.LogStatus(self.state, self.flags, self.log_id, used, self.capacity, left_s))

    def command(self, payload: bytes, now_ns: int, *, battery_pct: float) -> wire.LogOp:
        """Does what can be done without the pod; returns the command. Raises AttError."""
        try:
            told = wire.decode_command(payload)
        except ValueError:
            raise AttError(Refusal.UNKNOWN_OP) from None
        if told is None:
            raise AttError(Refusal.MALFORMED)
        op, numbers = told
        self.status(now_ns, 1.0)
        match op:
            case wire.LogOp.ARM:
                self._arm(numbers[0], battery_pct=battery_pct)
            case wire.LogOp.STOP:
                if self.logging:
                    self.state = wire.LogState.STOPPED
            case wire.LogOp.READ:
                self._read(numbers[0], numbers[1], now_ns)
            case wire.LogOp.READ_NO_MORE:
                self.sending.clear()
            case wire.LogOp.ERASE:
                self._erase(numbers[0], now_ns)
        return op

    def keep(self, record: bytes) -> bool:
        """Writes a record whole, or is full."""
        if len(self.written) + len(record) > self.capacity:
            self.state = wire.LogState.FULL
            return False
        self.written += record
        return True

    def due(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Parts of a read that go out by now."""
        ready = [item for item in self.sending if item[0] <= now_ns]
        del self.sending[: len(ready)]
        return ready

    def _arm(self, log_id: int, *, battery_pct: float) -> None:
        if self.broken:
            raise AttError(Refusal.MEMORY)
        if self.state is not wire.LogState.EMPTY:
            raise AttError(Refusal.HOLDS_A_LOG)
        if not log_id:
            raise AttError(Refusal.UNSUPPORTED)
        if battery_pct < 5:
            raise AttError(Refusal.BATTERY_LOW)
        self.state, self.flags, self.log_id = wire.LogState.LOGGING, wire.LogFlag(0), log_id

    def _read(self, offset: int, length: int, now_ns: int) -> None:
        if self.logging or self.state is wire.LogState.ERASING:
            raise AttError(Refusal.RUNNING)
        if offset > len(self.written):
            raise AttError(Refusal.NO_SUCH_PLACE)
        data = bytes(self.written[offset : offset + length])
        size = self.mtu - 3 - wire.BLOCK_HEAD_BYTES
        parts = [wire.encode_part(offset + at, data[at : at + size]) for at in range(0, len(data), size)]
        parts.append(wire.encode_end(offset, data))
        self.sending = [
            (now_ns + i // AT_ONCE * EVERY_NS, Notification(wire.LOG_DATA, part)) for i, part in enumerate(parts)
        ]

    def _erase(self, log_id: int, now_ns: int) -> None:
        if self.state is wire.LogState.EMPTY:
            return
        if self.logging or self.state is wire.LogState.ERASING:
            raise AttError(Refusal.RUNNING)
        if log_id != self.log_id:
            raise AttError(Refusal.UNSUPPORTED)
        self.written.clear()
        self.sending.clear()
        self.state, self.log_id, self.erased_at_ns = wire.LogState.ERASING, 0, now_ns + ERASE_NS
        self.flags = wire.LogFlag(0)
