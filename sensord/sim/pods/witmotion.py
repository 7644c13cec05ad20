"""A simulated WitMotion pod: it streams to whoever subscribes, at a rate it keeps for good, and says little else."""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np

from sensord.drivers import witmotion_wire as wire
from sensord.model import G_MPS2, NS
from sensord.sim.peripheral import Characteristic, Notification, Service
from sensord.sim.pods.sampled import ALL_ACC, PodOptions, SampledPod
from sensord.sim.sources import Samples, SampleSource

BUNDLED_S = 0.04
"""2 frames a notification at 50 Hz, 4 at 100 Hz (captured from a WT901BLE67); 200 Hz is taken to go on like that."""

FACTORY_HZ = 10.0
FACTORY_BANDWIDTH = 0x04
"""As WT9011DCL come; the bandwidth's code is the SDK's example."""


class WitMotionSim(SampledPod):
    """Frames of samples, answers amid them; commands need the key, and what is none of them is passed over in silence.

    `clock_ppm` is how far its oscillator is off (30,000: 3 %). `variant`: index of the GATT variant; `stuck`: registers
    that keep what they hold; `real_rate_hz`: what it does at most, whatever its rate register says; `mute`: registers
    that it does not tell.
    """

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        variant: int = 0,
        **options: Unpack[PodOptions],
    ) -> None:
        rate_hz = options.get("rate_hz")
        if rate_hz is not None and rate_hz not in wire.RATES:
            raise ValueError(f"a WitMotion pod cannot do {rate_hz} Hz; it can do {tuple(wire.RATES)}")
        self.gatt = wire.VARIANTS[variant]
        self.registers = {
            wire.RATE: wire.RATES[rate_hz or FACTORY_HZ],
            wire.BANDWIDTH: FACTORY_BANDWIDTH,
            wire.VERSION: 0x0705,
            wire.VERSION + 1: 0x8000 | 19,
            wire.SERIAL: int.from_bytes(b"WT", "little"),
            wire.SERIAL + 1: int.from_bytes(b"51", "little"),
        }
        self.stuck: set[int] = set()
        self.mute: set[int] = set()
        self.real_rate_hz: float | None = None
        super().__init__(address, name, source, **options)

    @property
    def services(self) -> tuple[Service, ...]:
        """One line each way."""
        gatt = self.gatt
        both = ("write", "write-without-response")
        return (Service(gatt.service, (Characteristic(gatt.notify, ("notify",)), Characteristic(gatt.write, both))),)

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The service, which real ones leave out at times."""
        return (self.gatt.service,)

    def on_boot(self, now_ns: int) -> None:
        """Locked; rate and bandwidth are what they were."""
        super().on_boot(now_ns)
        self._unlocked_until_ns = -1
        self._asked: list[int] = []
        self.skip(now_ns)

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """Nothing can be read."""
        return b""

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:  # noqa: ARG002
        """A command; nobody hears what became of it."""
        command = wire.decode_command(payload)
        if command is None:
            return
        register, value = command
        if register == wire.READ:
            self._asked.append(value)
        elif register == wire.KEY:
            self._unlocked_until_ns = now_ns + round(wire.UNLOCKED_S * NS) if value == wire.UNLOCKED else -1
        elif register in {wire.RATE, wire.BANDWIDTH} - self.stuck and now_ns <= self._unlocked_until_ns:
            self._collect(now_ns)
            self.registers[register] = value
            self.skip(now_ns)

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Bundles of frames; an answer ends a bundle at once."""
        rate_hz = self._rate_hz
        if not (self.connected and self.gatt.notify in self.subscribed):
            self.skip(now_ns)
            self._asked.clear()
            return []
        made: list[tuple[int, Notification]] = []
        fits = (self.mtu - 3) // wire.FRAME
        bundle = max(1, min(fits, round(rate_hz * BUNDLED_S)))
        frames: list[bytes] = []
        samples = None if rate_hz < 1 else self.take(now_ns, rate_hz, at_least=1 if self._asked else bundle)
        if samples is not None:
            n = len(samples) if self._asked else len(samples) // bundle * bundle
            frames = wire.encode_samples(self._raw(samples, n))
            for end in range(bundle, n + 1, bundle):
                ready_ns = self.ready_ns(int(samples.t_ns[end - 1]))
                made.append((ready_ns, Notification(self.gatt.notify, b"".join(frames[end - bundle : end]))))
            frames = frames[len(made) * bundle :]
            self.used(samples, n)
        answers = [*frames, *(self._answer(register) for register in self._asked if register not in self.mute)]
        self._asked.clear()
        parts = (answers[i : i + fits] for i in range(0, len(answers), fits))
        return [*made, *((now_ns, Notification(self.gatt.notify, b"".join(part))) for part in parts)]

    # ---- inside

    @property
    def _rate_hz(self) -> float:
        code = self.registers[wire.RATE]
        rate_hz = next((rate for rate, its in wire.RATES.items() if its == code), 0.2)
        return min(rate_hz, self.real_rate_hz or rate_hz)

    def _answer(self, register: int) -> bytes:
        known = self.registers | {wire.BATTERY: round(350 + 0.46 * self.battery_pct)}
        return wire.encode_registers(register, (known.get(register + i, 0) for i in range(8)))

    def _raw(self, samples: Samples, n: int) -> wire.RawArray:
        acc_scale = wire.FULL_SCALE / (wire.ACC_RANGE_G * G_MPS2)
        gyr_scale = wire.FULL_SCALE / math.radians(wire.GYR_RANGE_DPS)
        clipped = samples.saturated[:n]
        acc = self.counts(samples.acc_mps2[:n], acc_scale, clipped & ALL_ACC)
        gyr = self.counts(samples.gyr_radps[:n], gyr_scale, clipped >> 3)
        return np.hstack([acc, gyr, np.zeros((n, 3))]).astype(np.int16)
