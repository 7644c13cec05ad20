"""A simulated Open Pod (docs/open-pod.md), with a memory for a log and, if told so, a high-g sensor."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sensord.drivers import open_pod_log_wire as log_wire
from sensord.drivers import open_pod_wire as wire
from sensord.drivers.base import AttError
from sensord.model import G_MPS2, NS
from sensord.sim.peripheral import Characteristic, Notification, Service
from sensord.sim.pods.open_pod_log import PART_S, LogMemory
from sensord.sim.pods.sampled import ALL_ACC, SampledPod
from sensord.sim.sources import Samples, SampleSource


class OpenPodSim(SampledPod):
    """An Open Pod (docs/open-pod.md) that plays a `SampleSource`.

    Samples that the source says are saturated go out at full scale, whatever range was asked for. `high_g_range_g`: it
    has such a sensor, which feels what the accelerometer feels. `log_bytes`: its memory, 0 for a pod without.
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
        high_g_range_g: int = 0,
        log_bytes: int = 16 << 20,
        uptime_us: int = 60_000_000,
        clock_ppm: float = 0.0,
        seed: int = 0,
        mtu: int = 247,
    ) -> None:
        self._rate_ids = tuple(i for i, rate in enumerate(wire.RATES_HZ) if rate_hz in (None, rate))
        if not self._rate_ids:
            raise ValueError(f"an Open Pod cannot do {rate_hz} Hz; it can do {wire.RATES_HZ}")
        self._serial = bytes.fromhex(address.replace(":", "").rjust(16, "0"))
        self._ranges = (acc_range_g, gyr_range_dps, high_g_range_g)
        self.log = LogMemory(log_bytes, mtu) if log_bytes else None
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
        """The five characteristics of the profile, and two of the log."""
        plain = (
            Characteristic(wire.INFO, ("read",)),
            Characteristic(wire.CONFIG, ("read", "write")),
            Characteristic(wire.CONTROL, ("write",)),
            Characteristic(wire.DATA, ("notify",)),
            Characteristic(wire.CLOCK, ("write", "notify")),
        )
        log = (
            Characteristic(log_wire.LOG_CONTROL, ("read", "write")),
            Characteristic(log_wire.LOG_DATA, ("notify",)),
        )
        return (Service(wire.SERVICE, (*plain, *log) if self.log else plain),)

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The service of the profile."""
        return (wire.SERVICE,)

    def on_boot(self, now_ns: int) -> None:
        """Counter 0, a new boot id, the clock near 0 (at `uptime_us` the first time), stopped; a log goes on."""
        super().on_boot(now_ns)
        self._boot_id = self._random.getrandbits(32)
        self._config = wire.Config(min(self._rate_ids), *self._ranges)
        if self.log and self.log.logging and self.log.config:
            self._config = self.log.config
            self.log.flags |= log_wire.LogFlag.RESTARTED
            self._begin_log(now_ns)
        self.running = False
        self._clock_new = True
        self._seq = 0
        self._cursor_ns = 0
        self._last_end_ns: int | None = None

    def on_read(self, uuid: str, now_ns: int) -> bytes:
        """INFO, CONFIG or LOG."""
        if uuid == wire.CONFIG:
            return wire.encode_config(self._config) + bytes([self.running])
        if self.log and uuid == log_wire.LOG_CONTROL:
            self._log_until(now_ns)
            part = self._rate_hz * PART_S
            return self.log.status(now_ns, (12 + self._sample_bytes * part) / PART_S)
        acc, gyr, high_g = self._ranges
        fastest = int(wire.RATES_HZ[max(self._rate_ids)])
        streams: tuple[wire.Stream, ...] = (
            wire.Stream(wire.Kind.ACC, acc, fastest),
            wire.Stream(wire.Kind.GYR, gyr, fastest),
        )
        if high_g:
            streams += (wire.Stream(wire.Kind.HIGH_G, high_g, fastest),)
        return wire.encode_info(wire.Identity(self._boot_id, self._serial, (1, 0, self.boots), streams, self._rate_ids))

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:
        """CONFIG, CONTROL, CLOCK or LOG."""
        if uuid == wire.CONFIG:
            self._configure(payload)
        elif uuid == wire.CONTROL:
            self._control(payload, now_ns)
        elif self.log and uuid == log_wire.LOG_CONTROL:
            self._log_until(now_ns, least=1 if payload[:1] == bytes([log_wire.LogOp.STOP]) else None)
            if self.log.command(payload, now_ns, battery_pct=self.battery_pct) is log_wire.LogOp.ARM:
                self.log.config = self._config
                self._begin_log(now_ns)
        else:
            self._answer_clock(payload, now_ns)

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Full packets of the samples up to now; a gap of the source ends a packet early."""
        made = [(now_ns, answer) for answer in self._answers]
        self._answers.clear()
        if self.log:
            self._log_until(now_ns)
            made += self.log.due(now_ns)
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
            made.append(self._notification(samples, start, end, period_ns))
            start = end
            self.used(samples, end)
        return made

    # ---- inside

    @property
    def _rate_hz(self) -> float:
        return wire.RATES_HZ[self._config.rate_id]

    @property
    def _sample_bytes(self) -> int:
        return 18 if self._config.high_g_range_g else 12

    @property
    def _batch(self) -> int:
        fits = min(
            (self.mtu - 3 - 12) // self._sample_bytes, int(0.65 * self._rate_hz) + 1
        )  # a packet spans 655 ms at most
        return max(1, min(self._config.batch or fits, fits))

    def _configure(self, payload: bytes) -> None:
        if len(payload) != 9 or payload[0] != wire.VERSION:
            raise AttError(wire.Refusal.MALFORMED)
        if self.running or (self.log and self.log.logging):
            raise AttError(wire.Refusal.RUNNING)
        asked = wire.decode_config(payload) if payload[1] < len(wire.RATES_HZ) else None
        if asked is None or asked.rate_id not in self._rate_ids:
            raise AttError(wire.Refusal.UNSUPPORTED)
        ranges = (asked.acc_range_g, asked.gyr_range_dps, asked.high_g_range_g)
        if any(want > widest for want, widest in zip(ranges, self._ranges, strict=True)) or 0 in ranges[:2]:
            raise AttError(wire.Refusal.UNSUPPORTED)
        self._config = asked

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

    # ---- the log

    def _begin_log(self, now_ns: int) -> None:
        """From here on samples are written, after a mark that says whose clock counts."""
        assert self.log is not None
        self.log.cursor_ns, self.log.end_ns, self.log.seq = self.source_ns(now_ns), None, 0
        self.log.keep(log_wire.encode_boot(self._boot_id, self.clock_ns(now_ns) // 1000))

    def _log_until(self, now_ns: int, *, least: int | None = None) -> None:
        """Writes what was measured since the last time, in parts; a gap of the source ends a part early.

        `least`: samples that are a part (None: as many as a part holds).
        """
        log, period_ns = self.log, NS / self._rate_hz
        assert log is not None
        part = max(1, round(self._rate_hz * PART_S))
        least = part if least is None else least
        until_ns = self.source_ns(now_ns)
        while log.logging and until_ns - log.cursor_ns >= (least - 1) * period_ns:
            samples = self._source.between(log.cursor_ns, min(until_ns, log.cursor_ns + 60 * NS), self._rate_hz)
            start = 0
            while start < len(samples):
                gaps = np.flatnonzero(np.diff(samples.t_ns[start : start + part]) > 1.5 * period_ns)
                end = min(start + (int(gaps[0]) + 1 if len(gaps) else part), len(samples))
                if end - start < least and not len(gaps):
                    break
                flags = self._gap(log.end_ns, samples, start, period_ns)
                if log.seq == 0 and log.flags:
                    flags |= wire.Flag.CLOCK_RESTARTED
                if not log.keep(wire.encode_data(self._packet(samples, start, end, log.seq, flags))):
                    return
                log.seq += 1
                log.end_ns = int(samples.t_ns[end - 1])
                log.cursor_ns = log.end_ns + 1
                start = end
            if start == 0:
                return

    # ---- packets

    def _notification(self, samples: Samples, start: int, end: int, period_ns: float) -> tuple[int, Notification]:
        flags = self._gap(self._last_end_ns, samples, start, period_ns)
        if self._clock_new:
            flags |= wire.Flag.CLOCK_RESTARTED
            self._clock_new = False
        packet = self._packet(samples, start, end, self._seq, flags)
        self._seq += 1
        self._last_end_ns = int(samples.t_ns[end - 1])
        return self.ready_ns(self._last_end_ns), Notification(wire.DATA, wire.encode_data(packet))

    @staticmethod
    def _gap(end_ns: int | None, samples: Samples, start: int, period_ns: float) -> wire.Flag:
        lost = end_ns is not None and int(samples.t_ns[start]) - end_ns > 1.5 * period_ns
        return wire.Flag.OVERRUN if lost else wire.Flag(0)

    def _packet(self, samples: Samples, start: int, end: int, seq: int, flags: wire.Flag) -> wire.DataPacket:
        t_first_ns, t_last_ns = int(samples.t_ns[start]), int(samples.t_ns[end - 1])
        if samples.saturated[start:end].any():
            flags |= wire.Flag.SATURATED
        return wire.DataPacket(
            seq=seq,
            t_first_us=self.stamped_ns(t_first_ns) // 1000,
            span_10us=round((t_last_ns - t_first_ns) / 10_000),
            rate_id=self._config.rate_id,
            flags=flags,
            raw=self._raw(samples, start, end),
        )

    def _raw(self, samples: Samples, start: int, end: int) -> npt.NDArray[np.int16]:
        acc_scale = wire.FULL_SCALE / (self._config.acc_range_g * G_MPS2)
        gyr_scale = wire.FULL_SCALE / math.radians(self._config.gyr_range_dps)
        clipped = samples.saturated[start:end]
        acc = self.counts(samples.acc_mps2[start:end], acc_scale, clipped & ALL_ACC, limit=wire.FULL_SCALE - 1)
        gyr = self.counts(samples.gyr_radps[start:end], gyr_scale, clipped >> 3, limit=wire.FULL_SCALE - 1)
        parts = [acc, gyr]
        if self._config.high_g_range_g:
            scale = wire.FULL_SCALE / (self._config.high_g_range_g * G_MPS2)
            felt = samples.acc_mps2[start:end]
            parts.append(self.counts(felt, scale, np.zeros(len(felt), np.uint8), limit=wire.FULL_SCALE - 1))
        return np.hstack(parts).astype(np.int16)
