"""Simulated pods: peripherals that speak each driver's protocol, without a transport and without a clock of their own.

Whoever carries a `VirtualPod` (an in-process radio, an emulated BlueZ) connects it, reads, writes and subscribes for a
central, and asks `due(now_ns)` for the notifications that a real pod would have sent by now. Its faults are attributes
that a test sets: `loss`, `stalled`, `vanished`, `clock_ppm`, `jitter_ms`, and the calls `drop_link()` and `reboot()`.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sensord.drivers import open_pod
from sensord.drivers.base import BATTERY_LEVEL, Advertisement, AttError
from sensord.model import G_MPS2, NS
from sensord.sim.sources import Samples, SampleSource, SineSource

BATTERY_SERVICE = "0000180f-0000-1000-8000-00805f9b34fb"

ATT_READ_NOT_PERMITTED = 0x02
ATT_WRITE_NOT_PERMITTED = 0x03
ATT_NOT_FOUND = 0x0A


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic and what may be done with it ("read", "write", "notify")."""

    uuid: str
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a GATT table."""

    uuid: str
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """What a pod sends of its own accord."""

    uuid: str
    payload: bytes


class VirtualPod(ABC):
    """A peripheral. Times are ns on the carrier's clock; the pod's own clock runs off by `clock_ppm`.

    `sent` counts notifications that left the pod while someone was subscribed, by characteristic; `lost_on_air` those
    of them that `loss` ate (`due` does not return them).
    """

    def __init__(self, address: str, name: str, *, now_ns: int, seed: int = 0, mtu: int = 247) -> None:
        self.address = address.upper()
        self.name = name
        self.mtu = mtu
        self.vanished = False
        self.stalled = False
        self.loss = 0.0
        self.jitter_ms = 0.0
        self.clock_ppm = 0.0
        self.battery_pct = 100.0
        self.battery_pct_per_hour = 10.0
        self.connected = False
        self.subscribed: set[str] = set()
        self.sent: dict[str, int] = {}
        self.lost_on_air = 0
        self.boots = 0
        self._on_lost: Callable[[], None] | None = None
        self._random = random.Random(f"{self.address} {seed}")  # noqa: S311  (a simulation, not a secret)
        self._air: deque[tuple[int, Notification]] = deque()
        self._battery_told = 100
        self._now_ns = now_ns

    # ---- what a driver's pod is made of

    @property
    @abstractmethod
    def services(self) -> tuple[Service, ...]:
        """The GATT table without the battery service, which every pod has."""

    @property
    @abstractmethod
    def advertised_services(self) -> tuple[str, ...]:
        """Service UUIDs in the advertisement."""

    @abstractmethod
    def on_read(self, uuid: str, now_ns: int) -> bytes:
        """Value of a characteristic."""

    @abstractmethod
    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """A write, with or without response. Raises AttError."""

    @abstractmethod
    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Notifications made since the last call, each with the time it was ready, oldest first."""

    @abstractmethod
    def on_boot(self, now_ns: int) -> None:
        """The pod (re)starts: clock and counters begin anew."""

    # ---- what a carrier does

    @property
    def table(self) -> tuple[Service, ...]:
        """The whole GATT table."""
        return (*self.services, Service(BATTERY_SERVICE, (Characteristic(BATTERY_LEVEL, ("read", "notify")),)))

    def advertisement(self) -> Advertisement | None:
        """What it advertises now; nothing while it is connected or gone."""
        if self.vanished or self.connected:
            return None
        return Advertisement(self.address, self.name, self.advertised_services, rssi=-55 - self._random.randrange(10))

    def connect(self, now_ns: int, on_lost: Callable[[], None]) -> None:
        """A central connects; `on_lost` is called once if the link goes away other than by `disconnect`."""
        self.due(now_ns)
        self.connected = True
        self._on_lost = on_lost

    def disconnect(self) -> None:
        """The link ends: subscriptions and what was on the air are gone, the pod otherwise goes on."""
        self.connected = False
        self.subscribed.clear()
        self._air.clear()
        self._on_lost = None

    def read(self, uuid: str, now_ns: int) -> bytes:
        """Raises AttError."""
        self._need(uuid, "read", ATT_READ_NOT_PERMITTED)
        self._drain(now_ns)
        return bytes([round(self.battery_pct)]) if uuid == BATTERY_LEVEL else self.on_read(uuid, now_ns)

    def write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """Raises AttError."""
        self._need(uuid, "write", ATT_WRITE_NOT_PERMITTED)
        self.on_write(uuid, payload, now_ns)

    def subscribe(self, uuid: str, now_ns: int) -> None:
        """Notifications that are ready from now on are sent. Raises AttError."""
        self._need(uuid, "notify", ATT_NOT_FOUND)
        self._collect(now_ns)
        self.subscribed.add(uuid)

    def unsubscribe(self, uuid: str) -> None:
        """No more notifications of this characteristic."""
        self.subscribed.discard(uuid)

    def due(self, now_ns: int) -> list[Notification]:
        """Everything that arrives at the central by now, in order."""
        self._collect(now_ns)
        arrived = []
        while self._air and self._air[0][0] <= now_ns:
            arrived.append(self._air.popleft()[1])
        return arrived

    # ---- faults

    def drop_link(self) -> None:
        """The link breaks."""
        on_lost = self._on_lost
        self.disconnect()
        if on_lost is not None:
            on_lost()

    def vanish(self) -> None:
        """Out of range: the link breaks and nothing is advertised."""
        self.vanished = True
        self.drop_link()

    def reboot(self, now_ns: int) -> None:
        """Loses power for a moment."""
        self.drop_link()
        self.boots += 1
        self.on_boot(now_ns)

    # ---- inside

    def _collect(self, now_ns: int) -> None:
        self._drain(now_ns)
        made = self.produce(now_ns)
        if round(self.battery_pct) != self._battery_told:
            self._battery_told = round(self.battery_pct)
            made.append((now_ns, Notification(BATTERY_LEVEL, bytes([self._battery_told]))))
        for ready_ns, notification in made:
            if not self.connected or self.stalled or notification.uuid not in self.subscribed:
                continue
            self.sent[notification.uuid] = self.sent.get(notification.uuid, 0) + 1
            if self._random.random() < self.loss:
                self.lost_on_air += 1
                continue
            arrives_ns = ready_ns + int(self._random.random() * self.jitter_ms * 1e6)
            if self._air:
                arrives_ns = max(arrives_ns, self._air[-1][0])  # a link keeps the order
            self._air.append((arrives_ns, notification))

    def _drain(self, now_ns: int) -> None:
        hours = max(0, now_ns - self._now_ns) / NS / 3600
        self._now_ns = max(self._now_ns, now_ns)
        self.battery_pct = max(1.0, self.battery_pct - hours * self.battery_pct_per_hour)

    def _need(self, uuid: str, what: str, code: int) -> None:
        for service in self.table:
            for characteristic in service.characteristics:
                if characteristic.uuid == uuid:
                    if what in characteristic.properties:
                        return
                    raise AttError(code)
        raise AttError(ATT_NOT_FOUND)


class OpenPodSim(VirtualPod):
    """An Open Pod (docs/open-pod.md) that plays a `SampleSource`.

    The source's time line starts at `origin_ns` (carrier's clock; default: now), whether anyone listens or not, so pods
    with the same origin are worn by the same body. The pod's clock shows `uptime_us` at `now_ns`. With `rate_hz` the
    pod offers that rate only (a source of arrays has one rate), else all of the table. Samples that the source says are
    saturated go out at full scale, whatever range was asked for.
    """

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        now_ns: int,
        origin_ns: int | None = None,
        rate_hz: float | None = None,
        acc_range_g: int = 16,
        gyr_range_dps: int = 2000,
        uptime_us: int = 60_000_000,
        seed: int = 0,
        mtu: int = 247,
    ) -> None:
        super().__init__(address, name, now_ns=now_ns, seed=seed, mtu=mtu)
        self._source: SampleSource = source if source is not None else SineSource()
        self._origin_ns = now_ns if origin_ns is None else origin_ns
        self._rate_ids = tuple(i for i, rate in enumerate(open_pod.RATES_HZ) if rate_hz in (None, rate))
        if not self._rate_ids:
            raise ValueError(f"an Open Pod cannot do {rate_hz} Hz; it can do {open_pod.RATES_HZ}")
        self._serial = bytes.fromhex(self.address.replace(":", "").rjust(16, "0"))
        self._ranges = (acc_range_g, gyr_range_dps)
        self._uptime_us = uptime_us
        self._answers: list[Notification] = []
        self.on_boot(now_ns)

    @property
    def services(self) -> tuple[Service, ...]:
        """The five characteristics of the profile."""
        return (
            Service(
                open_pod.SERVICE,
                (
                    Characteristic(open_pod.INFO, ("read",)),
                    Characteristic(open_pod.CONFIG, ("read", "write")),
                    Characteristic(open_pod.CONTROL, ("write",)),
                    Characteristic(open_pod.DATA, ("notify",)),
                    Characteristic(open_pod.CLOCK, ("write", "notify")),
                ),
            ),
        )

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The service of the profile."""
        return (open_pod.SERVICE,)

    def on_boot(self, now_ns: int) -> None:
        """Counter 0, a new boot id, the clock near 0 (at `uptime_us` the first time), stopped."""
        self._boot_id = self._random.getrandbits(32)
        self._boot_ns = now_ns
        self._boot_clock_us = self._uptime_us if self.boots == 0 else 0
        self._config = open_pod.Config(min(self._rate_ids), *self._ranges)
        self.running = False
        self._clock_new = True
        self._seq = 0
        self._cursor_ns = 0
        self._last_end_ns: int | None = None

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """INFO or CONFIG."""
        if uuid == open_pod.CONFIG:
            return open_pod.encode_config(self._config) + bytes([self.running])
        acc, gyr = self._ranges
        fastest = int(open_pod.RATES_HZ[max(self._rate_ids)])
        streams = (open_pod.Stream(open_pod.Kind.ACC, acc, fastest), open_pod.Stream(open_pod.Kind.GYR, gyr, fastest))
        return open_pod.encode_info(
            open_pod.Identity(self._boot_id, self._serial, (1, 0, self.boots), streams, self._rate_ids)
        )

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """CONFIG, CONTROL or CLOCK."""
        if uuid == open_pod.CONFIG:
            self._configure(payload)
        elif uuid == open_pod.CONTROL:
            self._control(payload, now_ns)
        else:
            self._answer_clock(payload, now_ns)

    def clock_ns(self, now_ns: int) -> int:
        """The pod's clock at an instant of the carrier's."""
        return self._boot_clock_us * 1000 + self._paced(now_ns - self._boot_ns)

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Full packets of the samples up to now; a gap of the source ends a packet early."""
        made = [(now_ns, answer) for answer in self._answers]
        self._answers.clear()
        if not self.running:
            return made
        period_ns = NS / self._rate_hz
        until_ns = self._paced(now_ns - self._origin_ns)
        if until_ns - self._cursor_ns < (self._batch - 1) * period_ns:
            return made
        samples = self._source.between(self._cursor_ns, until_ns, self._rate_hz)
        batch = self._batch
        start = 0
        while start < len(samples):
            gaps = np.flatnonzero(np.diff(samples.t_ns[start : start + batch]) > 1.5 * period_ns)
            end = min(start + (int(gaps[0]) + 1 if len(gaps) else batch), len(samples))
            if end - start < batch and not len(gaps):
                break  # not full yet: the next call finds these samples again
            made.append(self._packet(samples, start, end, period_ns))
            start = end
            self._cursor_ns = int(samples.t_ns[end - 1]) + 1
        return made

    # ---- inside

    @property
    def _rate_hz(self) -> float:
        return open_pod.RATES_HZ[self._config.rate_id]

    @property
    def _batch(self) -> int:
        fits = (self.mtu - 3 - 12) // 12
        return max(1, min(self._config.batch or fits, fits))

    def _paced(self, elapsed_ns: int) -> int:
        return elapsed_ns + round(elapsed_ns * self.clock_ppm * 1e-6)

    def _configure(self, payload: bytes) -> None:
        if len(payload) != 9 or payload[0] != open_pod.VERSION:
            raise AttError(open_pod.Refusal.MALFORMED)
        if self.running:
            raise AttError(open_pod.Refusal.RUNNING)
        rate_id, acc, gyr = payload[1], int.from_bytes(payload[2:4], "little"), int.from_bytes(payload[4:6], "little")
        if rate_id not in self._rate_ids or acc > self._ranges[0] or gyr > self._ranges[1] or payload[6:8] != b"\0\0":
            raise AttError(open_pod.Refusal.UNSUPPORTED)
        self._config = open_pod.Config(rate_id, acc, gyr, 0, payload[8])

    def _control(self, payload: bytes, now_ns: int) -> None:
        if payload == bytes([open_pod.Op.START]):
            if not self.running:
                self._cursor_ns = self._paced(now_ns - self._origin_ns)
                self._last_end_ns = None
            self.running = True
        elif payload == bytes([open_pod.Op.STOP]):
            self.running = False
        else:
            raise AttError(open_pod.Refusal.UNKNOWN_OP)

    def _answer_clock(self, payload: bytes, now_ns: int) -> None:
        if len(payload) != 5 or payload[0] != 1:
            raise AttError(open_pod.Refusal.MALFORMED)
        clock_us = self.clock_ns(now_ns) // 1000
        answer = open_pod.encode_clock_answer(int.from_bytes(payload[1:], "little"), clock_us, clock_us)
        self._answers.append(Notification(open_pod.CLOCK, answer))

    def _packet(self, samples: Samples, start: int, end: int, period_ns: float) -> tuple[int, Notification]:
        t_first_ns, t_last_ns = int(samples.t_ns[start]), int(samples.t_ns[end - 1])
        shift_ns = self.clock_ns(self._origin_ns)
        raw = self._raw(samples, start, end)
        flags = open_pod.Flag(0)
        if samples.saturated[start:end].any():
            flags |= open_pod.Flag.SATURATED
        if self._last_end_ns is not None and t_first_ns - self._last_end_ns > 1.5 * period_ns:
            flags |= open_pod.Flag.OVERRUN
        if self._clock_new:
            flags |= open_pod.Flag.CLOCK_RESTARTED
            self._clock_new = False
        data = open_pod.DataPacket(
            seq=self._seq,
            t_first_us=(t_first_ns + shift_ns) // 1000,
            span_10us=round((t_last_ns - t_first_ns) / 10_000),
            rate_id=self._config.rate_id,
            flags=flags,
            raw=raw,
        )
        self._seq += 1
        self._last_end_ns = t_last_ns
        ready_ns = self._origin_ns + round(t_last_ns / (1 + self.clock_ppm * 1e-6))
        return ready_ns, Notification(open_pod.DATA, open_pod.encode_data(data))

    def _raw(self, samples: Samples, start: int, end: int) -> npt.NDArray[np.int16]:
        acc_scale = open_pod.FULL_SCALE / (self._config.acc_range_g * G_MPS2)
        gyr_scale = open_pod.FULL_SCALE / math.radians(self._config.gyr_range_dps)
        values = np.hstack([samples.acc_mps2[start:end] * acc_scale, samples.gyr_radps[start:end] * gyr_scale])
        limit = open_pod.FULL_SCALE - 1
        at_limit = (samples.saturated[start:end, None] >> np.arange(6)) & 1
        values = np.where(at_limit, np.copysign(limit, values), np.clip(np.rint(values), -limit - 1, limit))
        return values.astype(np.int16)
