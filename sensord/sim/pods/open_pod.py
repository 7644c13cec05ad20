"""A simulated Open Pod (docs/open-pod.md)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import AttError
from sensord.model import G_MPS2, NS
from sensord.sim.peripheral import Characteristic, Notification, Service
from sensord.sim.pods.sampled import ALL_ACC, SampledPod
from sensord.sim.sources import Samples, SampleSource


class OpenPodSim(SampledPod):
    """An Open Pod (docs/open-pod.md) that plays a `SampleSource`.

    Samples that the source says are saturated go out at full scale, whatever range was asked for.
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
        clock_ppm: float = 0.0,
        seed: int = 0,
        mtu: int = 247,
    ) -> None:
        self._rate_ids = tuple(i for i, rate in enumerate(wire.RATES_HZ) if rate_hz in (None, rate))
        if not self._rate_ids:
            raise ValueError(f"an Open Pod cannot do {rate_hz} Hz; it can do {wire.RATES_HZ}")
        self._serial = bytes.fromhex(address.replace(":", "").rjust(16, "0"))
        self._ranges = (acc_range_g, gyr_range_dps)
        self._answers: list[Notification] = []
        super().__init__(
            address,
            name,
            source,
            now_ns=now_ns,
            origin_ns=origin_ns,
            rate_hz=rate_hz,
            acc_range_g=acc_range_g,
            gyr_range_dps=gyr_range_dps,
            uptime_us=uptime_us,
            clock_ppm=clock_ppm,
            seed=seed,
            mtu=mtu,
        )

    @property
    def services(self) -> tuple[Service, ...]:
        """The five characteristics of the profile."""
        return (
            Service(
                wire.SERVICE,
                (
                    Characteristic(wire.INFO, ("read",)),
                    Characteristic(wire.CONFIG, ("read", "write")),
                    Characteristic(wire.CONTROL, ("write",)),
                    Characteristic(wire.DATA, ("notify",)),
                    Characteristic(wire.CLOCK, ("write", "notify")),
                ),
            ),
        )

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The service of the profile."""
        return (wire.SERVICE,)

    def on_boot(self, now_ns: int) -> None:
        """Counter 0, a new boot id, the clock near 0 (at `uptime_us` the first time), stopped."""
        super().on_boot(now_ns)
        self._boot_id = self._random.getrandbits(32)
        self._config = wire.Config(min(self._rate_ids), *self._ranges)
        self.running = False
        self._clock_new = True
        self._seq = 0
        self._cursor_ns = 0
        self._last_end_ns: int | None = None

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """INFO or CONFIG."""
        if uuid == wire.CONFIG:
            return wire.encode_config(self._config) + bytes([self.running])
        acc, gyr = self._ranges
        fastest = int(wire.RATES_HZ[max(self._rate_ids)])
        streams = (wire.Stream(wire.Kind.ACC, acc, fastest), wire.Stream(wire.Kind.GYR, gyr, fastest))
        return wire.encode_info(wire.Identity(self._boot_id, self._serial, (1, 0, self.boots), streams, self._rate_ids))

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """CONFIG, CONTROL or CLOCK."""
        if uuid == wire.CONFIG:
            self._configure(payload)
        elif uuid == wire.CONTROL:
            self._control(payload, now_ns)
        else:
            self._answer_clock(payload, now_ns)

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Full packets of the samples up to now; a gap of the source ends a packet early."""
        made = [(now_ns, answer) for answer in self._answers]
        self._answers.clear()
        if not (self.running and self.connected and wire.DATA in self.subscribed):
            self.skip(now_ns)  # nobody listens: samples and packets are not made
            self._last_end_ns = None
            return made
        period_ns = NS / self._rate_hz
        samples = self.take(now_ns, self._rate_hz, at_least=self._batch)
        if samples is None:
            return made
        batch = self._batch
        start = 0
        while start < len(samples):
            gaps = np.flatnonzero(np.diff(samples.t_ns[start : start + batch]) > 1.5 * period_ns)
            end = min(start + (int(gaps[0]) + 1 if len(gaps) else batch), len(samples))
            if end - start < batch and not len(gaps):
                break  # not full yet: the next call finds these samples again
            made.append(self._packet(samples, start, end, period_ns))
            start = end
            self.used(samples, end)
        return made

    # ---- inside

    @property
    def _rate_hz(self) -> float:
        return wire.RATES_HZ[self._config.rate_id]

    @property
    def _batch(self) -> int:
        fits = min((self.mtu - 3 - 12) // 12, int(0.65 * self._rate_hz) + 1)  # a packet spans 655 ms at most
        return max(1, min(self._config.batch or fits, fits))

    def _configure(self, payload: bytes) -> None:
        if len(payload) != 9 or payload[0] != wire.VERSION:
            raise AttError(wire.Refusal.MALFORMED)
        if self.running:
            raise AttError(wire.Refusal.RUNNING)
        rate_id, acc, gyr = payload[1], int.from_bytes(payload[2:4], "little"), int.from_bytes(payload[4:6], "little")
        if rate_id not in self._rate_ids or acc > self._ranges[0] or gyr > self._ranges[1] or payload[6:8] != b"\0\0":
            raise AttError(wire.Refusal.UNSUPPORTED)
        self._config = wire.Config(rate_id, acc, gyr, 0, payload[8])

    def _control(self, payload: bytes, now_ns: int) -> None:
        if payload == bytes([wire.Op.START]):
            self._collect(now_ns)
            self.running = True
        elif payload == bytes([wire.Op.STOP]):
            self.running = False
        else:
            raise AttError(wire.Refusal.UNKNOWN_OP)

    def _answer_clock(self, payload: bytes, now_ns: int) -> None:
        if len(payload) != 5 or payload[0] != 1:
            raise AttError(wire.Refusal.MALFORMED)
        clock_us = self.clock_ns(now_ns) // 1000
        answer = wire.encode_clock_answer(int.from_bytes(payload[1:], "little"), clock_us, clock_us)
        self._answers.append(Notification(wire.CLOCK, answer))

    def _packet(self, samples: Samples, start: int, end: int, period_ns: float) -> tuple[int, Notification]:
        t_first_ns, t_last_ns = int(samples.t_ns[start]), int(samples.t_ns[end - 1])
        raw = self._raw(samples, start, end)
        flags = wire.Flag(0)
        if samples.saturated[start:end].any():
            flags |= wire.Flag.SATURATED
        if self._last_end_ns is not None and t_first_ns - self._last_end_ns > 1.5 * period_ns:
            flags |= wire.Flag.OVERRUN
        if self._clock_new:
            flags |= wire.Flag.CLOCK_RESTARTED
            self._clock_new = False
        data = wire.DataPacket(
            seq=self._seq,
            t_first_us=self.stamped_ns(t_first_ns) // 1000,
            span_10us=round((t_last_ns - t_first_ns) / 10_000),
            rate_id=self._config.rate_id,
            flags=flags,
            raw=raw,
        )
        self._seq += 1
        self._last_end_ns = t_last_ns
        return self.ready_ns(t_last_ns), Notification(wire.DATA, wire.encode_data(data))

    def _raw(self, samples: Samples, start: int, end: int) -> npt.NDArray[np.int16]:
        acc_scale = wire.FULL_SCALE / (self._config.acc_range_g * G_MPS2)
        gyr_scale = wire.FULL_SCALE / math.radians(self._config.gyr_range_dps)
        clipped = samples.saturated[start:end]
        acc = self.counts(samples.acc_mps2[start:end], acc_scale, clipped & ALL_ACC, limit=wire.FULL_SCALE - 1)
        gyr = self.counts(samples.gyr_radps[start:end], gyr_scale, clipped >> 3, limit=wire.FULL_SCALE - 1)
        return np.hstack([acc, gyr]).astype(np.int16)
