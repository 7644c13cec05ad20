"""A simulated MetaMotion S or RL (`drivers.metamotion`): modules, sensors, processors; its log: `metamotion_log`."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Unpack

import numpy as np
import numpy.typing as npt

from sensord.drivers import metamotion_wire as wire
from sensord.drivers.base import AttError
from sensord.drivers.metamotion_wire import MMS, ODR, READ, Board, Filter, Module, Processor, Sensor, command
from sensord.model import G_MPS2, IntArray
from sensord.sim.peripheral import Characteristic, Notification, Service
from sensord.sim.pods.metamotion_log import LogMemory
from sensord.sim.pods.sampled import ALL_ACC, PodOptions, SampledPod
from sensord.sim.sources import Samples, SampleSource

INVALID_LENGTH = 0x0D
"""ATT: invalid attribute value length (Core 5.4, Vol 3 Part F 3.4.1.1): a command has 2 to 20 bytes."""

PROCESSORS = 28
"""As boards say of themselves: 1C."""

CAPACITY = {"8": 0x03FB0000, "5": 0x00100000}
"""Entries: what an S said (SDK-Cpp test/common.py), what the maker's table has for 8 MB."""

RATES = {code: rate for rate, code in ODR.items()}
AWAKE_CONF = ODR[100.0]


_Data = dict[tuple[int, int], npt.NDArray[np.int16]]
"""Raw values (n, 3) by module and register."""


@dataclass(slots=True)
class _Filter:
    """A data processor: what feeds it, its kind and settings."""

    module: int
    register: int
    index: int
    kind: int
    config: bytes
    count: int = 0


class MetaMotionSim(SampledPod):
    """A board that plays a `SampleSource`.

    Nothing is sent of a sensor unless its interrupt, its power and the notification of its register are on. All of it,
    data processors and log triggers survive a lost link; a reset forgets all but the log's entries, and is counted in
    the reset uid. A command that makes no sense is not answered.
    """

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        board: Board = MMS,
        capacity: int | None = None,
        **options: Unpack[PodOptions],
    ) -> None:
        rate_hz = options.get("rate_hz")
        if rate_hz is not None and rate_hz not in ODR:
            raise ValueError(f"a MetaMotion cannot do {rate_hz} Hz; it can do {tuple(ODR)}")
        self.board = board
        self.memory = LogMemory(CAPACITY[board.model] if capacity is None else capacity, caches=board.flushes)
        self.connection: bytes = b""
        self._ready: list[tuple[int, bytes]] = []
        options.setdefault("mtu", 23)
        super().__init__(address, name, source, **options)

    @property
    def services(self) -> tuple[Service, ...]:
        """The maker's service and Device Information."""
        readable = tuple(Characteristic(uuid, ("read",)) for uuid in (wire.MODEL, wire.SERIAL, wire.FIRMWARE))
        return (
            Service(
                wire.SERVICE,
                (
                    Characteristic(wire.COMMAND, ("read", "write", "write-without-response")),
                    Characteristic(wire.NOTIFY, ("read", "notify")),
                ),
            ),
            Service(wire.INFORMATION, readable),
        )

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The maker's service."""
        return (wire.SERVICE,)

    def on_boot(self, now_ns: int) -> None:
        """All off; entries of the log are kept."""
        super().on_boot(now_ns)
        self.config = {Module.ACC: self._default_acc(), Module.GYR: bytes([wire.GYR_CONF | AWAKE_CONF, 0])}
        self.on = {(module, register): False for module in self.config for register in (Sensor.POWER, Sensor.INTERRUPT)}
        self.notified: set[tuple[int, int]] = set()
        self.filters: dict[int, _Filter] = {}
        self.notified_filters: set[int] = set()
        self.memory.reset(self.boots & wire.RESET_UID)
        self._ready.clear()
        self._cursor_ns = self.source_ns(now_ns)

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """Device Information; the rest reads as nothing."""
        told = {
            wire.MODEL: self.board.model,
            wire.SERIAL: self.address.replace(":", "")[-6:],
            wire.FIRMWARE: "1.7.2",
        }
        return told.get(uuid, "").encode()

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:  # noqa: ARG002
        """A command; answers are notifications."""
        if not 2 <= len(payload) <= wire.MOST_BYTES:
            raise AttError(INVALID_LENGTH)
        self._sample(now_ns)
        module, register, value = payload[0], payload[1], payload[2:]
        answers: list[bytes] = []
        if register & READ:
            answer = self._read(module, register & ~READ, now_ns)
            answers = [] if answer is None else [payload[:2] + answer]
        elif module in self.config:
            self._set_sensor(Module(module), register, value)
        elif module == Module.PROCESSOR:
            answers = self._set_processor(register, value)
        elif module == Module.LOG:
            answers = self.memory.write(register, value, now_ns, self.notified)
        elif module == Module.SETTINGS and register == wire.CONNECTION:
            self.connection = value
        if len(value) == 1 and (module, register) in self._notifiable():
            (self.notified.add if value[0] else self.notified.discard)((module, register))
        self._ready += [(now_ns, answer) for answer in answers]

    def disconnect(self) -> None:
        """A readout ends with the link; all else goes on."""
        self.memory.abort()
        super().disconnect()

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Samples, entries and answers up to now."""
        self._sample(now_ns)
        made = sorted(self._ready + self.memory.send(now_ns, self.notified), key=lambda one: one[0])
        self._ready.clear()
        return [(ready_ns, Notification(wire.NOTIFY, payload)) for ready_ns, payload in made]

    def tick(self, now_ns: int) -> int:
        """What its clock shows, wrapped."""
        return int(_ticks(np.array([self.clock_ns(now_ns)]))[0]) % wire.TICK_SPAN

    # ---- commands

    def _default_acc(self) -> bytes:
        return bytes([self.board.acc_conf | AWAKE_CONF, self.board.acc_ranges[2.0]])

    def _notifiable(self) -> set[tuple[int, int]]:
        sensors = {(p[0], p[1]) for p in self.board.unsubscribe}
        logs = {(Module.LOG, register) for register in (0x07, 0x08, 0x0D)}
        return sensors | logs | {(Module.PROCESSOR, Processor.NOTIFY)}

    def _read(self, module: int, register: int, now_ns: int) -> bytes | None:
        if register == wire.INFO:
            return self._info(module)
        if module in self.config and register == Sensor.CONFIG:
            return self.config[Module(module)]
        if module in self.config and register == Sensor.INTERRUPT:
            return bytes([self.on[Module(module), Sensor.INTERRUPT]])
        if module == Module.LOG:
            return self.memory.read(register, self.tick(now_ns))
        if (module, register) == (Module.SETTINGS, wire.BATTERY):
            return bytes([round(self.battery_pct)]) + struct.pack("<H", 3500 + round(7 * self.battery_pct))
        return None

    def _info(self, module: int) -> bytes:
        """Implementation, revision and more; nothing of a module that is not there."""
        new = self.board is MMS
        told: dict[int, bytes] = {
            Module.ACC: bytes([self.board.acc_impl, 0 if new else 2]),
            Module.GYR: bytes([self.board.gyr_impl, 0 if new else 1]),
            Module.PROCESSOR: bytes([0, 3, PROCESSORS]),
            Module.EVENT: bytes([0, 0, 28]),
            Module.LOG: bytes([0, 3, 8]) + struct.pack("<IH", self.memory.capacity, 0x0200),
            Module.SETTINGS: bytes([0, 10, 7, 0]),
            Module.MAG: bytes([0, 2]),
            Module.FUSION: bytes([0, 3, 3, 0, 6, 0, 2, 0, 1, 0]),
        }
        return told.get(module, b"")

    def _set_sensor(self, module: Module, register: int, value: bytes) -> None:
        if register == Sensor.CONFIG and len(value) == 2 and value[0] & wire.ODR_MASK in RATES:
            self.config[module] = value
        elif register == Sensor.POWER and value:
            self.on[module, Sensor.POWER] = value[0] == 1
        elif register == Sensor.INTERRUPT and len(value) == 2:
            self.on[module, Sensor.INTERRUPT] = (
                bool(self.on[module, Sensor.INTERRUPT] | value[0] & 1) and not value[1] & 1
            )

    def _set_processor(self, register: int, value: bytes) -> list[bytes]:
        if register == Processor.REMOVE_ALL:
            self.filters.clear()
            self.notified_filters.clear()
        elif register == Processor.ADD and len(value) > 5 and len(self.filters) < PROCESSORS:
            index = next(i for i in range(PROCESSORS) if i not in self.filters)
            self.filters[index] = _Filter(value[0], value[1], value[2], value[4], value[5:])
            return [command(Module.PROCESSOR, Processor.ADD, index)]
        elif register == Processor.NOTIFY_ENABLE and len(value) == 2 and value[0] in self.filters:
            (self.notified_filters.add if value[1] else self.notified_filters.discard)(value[0])
        return []

    # ---- samples

    def _runs(self, module: Module) -> bool:
        return self.on[module, Sensor.POWER] and self.on[module, Sensor.INTERRUPT]

    def _sample(self, now_ns: int) -> None:
        """Sensors go on up to now."""
        heard = self.connected and wire.NOTIFY in self.subscribed
        if not self._runs(Module.ACC) or not (heard or self.memory.logs):
            self.skip(now_ns)
            return
        samples = self.take(now_ns, RATES[self.config[Module.ACC][0] & wire.ODR_MASK])
        if samples is None:
            return
        self.used(samples, len(samples))
        acc, gyr = self._raw(samples)
        stamped_ns = samples.t_ns + self.stamped_ns(0)
        data: _Data = {(int(Module.ACC), wire.ACC_DATA): acc}
        if self._runs(Module.GYR):
            data[int(Module.GYR), self.board.gyr_data] = gyr
        self.memory.log(stamped_ns, data)
        if heard:
            self._send(samples, _ticks(stamped_ns), data)

    def _raw(self, samples: Samples) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int16]]:
        acc_g = next(g for g, code in self.board.acc_ranges.items() if code == self.config[Module.ACC][1])
        gyr_dps = next(dps for dps, code in wire.GYR_RANGES.items() if code == self.config[Module.GYR][1])
        per_radps = wire.gyr_lsb_per_dps(gyr_dps) * 180.0 / np.pi
        acc = self.counts(samples.acc_mps2, wire.acc_lsb_per_g(acc_g) / G_MPS2, samples.saturated & ALL_ACC)
        gyr = self.counts(samples.gyr_radps, per_radps, samples.saturated >> 3)
        return acc.astype(np.int16), gyr.astype(np.int16)

    def _send(self, samples: Samples, ticks: IntArray, data: _Data) -> None:
        """What is notified of these samples."""
        made: list[list[bytes]] = []
        for key, raw in data.items():
            if key in self.notified:
                made.append([wire.encode_axes(*key, row) for row in raw[:, None, :]])
        for index in sorted(self.notified_filters) if (Module.PROCESSOR, Processor.NOTIFY) in self.notified else ():
            values = self._value(index, data)
            if values is not None and self.filters[index].kind == Filter.ACCOUNTER:
                stamps = self._account(index, ticks)
                made.append([wire.encode_stamped(index, *one) for one in zip(stamps, values.tolist(), strict=True)])
        if made:
            ready_ns = [self.ready_ns(t_ns) for t_ns in samples.t_ns.tolist()]
            for column in made:
                self._ready += zip(ready_ns, column, strict=True)

    def _value(self, index: int, data: _Data) -> npt.NDArray[np.int16] | None:
        """What a processor is fed with, or makes of it (n, 3 or 6): None where something is missing."""
        one = self.filters.get(index)
        if one is None:
            return None
        fed = self._value(one.index, data) if one.module == Module.PROCESSOR else data.get((one.module, one.register))
        if one.kind != Filter.FUSER or fed is None:
            return fed
        for other in one.config[1 : 1 + one.config[0]]:
            more = self._value(other, data)
            if more is None or self.filters[other].kind != Filter.BUFFER:
                return None
            fed = np.hstack([fed, more])
        return fed

    def _account(self, index: int, ticks: IntArray) -> list[int]:
        """Ticks, or how many there were before."""
        one = self.filters[index]
        before, one.count = one.count, one.count + len(ticks)
        counts: list[int] = list(range(before, one.count))
        return ticks.tolist() if one.config[0] & 0x0F else counts


def _ticks(t_ns: IntArray) -> IntArray:
    """Ticks of 48/32768 s, not wrapped."""
    half, per = wire.HALF_TICK_NS
    return t_ns * (per // 2) // half
