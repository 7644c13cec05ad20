"""A simulated Movesense sensor (`drivers.movesense`), as its default app is, with a Flash's memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Unpack

from sensord.drivers import movesense_wire as wire
from sensord.drivers.movesense_sbem import MAGIC, encode_chunk, encode_description
from sensord.drivers.movesense_wire import NOTIFY, WRITE, Command, Reply
from sensord.model import NS, IntArray
from sensord.sim.peripheral import Characteristic, Notification, Service
from sensord.sim.pods.sampled import ALL_ACC, PodOptions, SampledPod
from sensord.sim.sources import Samples, SampleSource

RATES_HZ = (13, 26, 52, 104, 208, 416, 833, 1666)
RANGES_G = (2, 4, 8, 16)

SLOTS = 2
"""Requests that it keeps (hardware-protocols.md 4.5: at most 2 in flight)."""

BYTES_PER_S = 11_300
"""Of a log, as was measured (hardware-protocols.md 4.5)."""

LOGGED_AT_ONCE = 8
"""Samples in a logged packet, at 104 Hz: as many as in a live one."""

IMU6 = 94
"""Id of packets in the simulated log; real ones differ between firmwares."""

EPOCH_2015_US = 1_420_070_400_000_000
"""What its wall clock is set to when it is switched on: 2015-01-01 (hardware-protocols.md 4.5)."""


@dataclass(slots=True)
class _Fetch:
    """A log that is being sent."""

    ref: int
    data: bytes
    begun_ns: int
    offset: int = 0
    ended: bool = False


@dataclass(slots=True)
class _Memory:
    """Logs by id, and since which start they are written; `open` is the one that still is."""

    logs: dict[int, bytearray] = field(default_factory=dict)
    boots: dict[int, int] = field(default_factory=dict)
    next_id: int = 1
    open: int | None = None


class MovesenseSim(SampledPod):
    """Answers one command after the other, subscriptions die with the link, the data logger goes on.

    `mute`: resources whose GET is never answered (each such request takes one of few slots until it is restarted, then
    all are answered 429); `range_g`: what its accelerometer is set to, which nobody can change here;
    `closes_at_restart`: a log is only listed once it was restarted.
    """

    def __init__(
        self,
        address: str,
        name: str,
        source: SampleSource | None = None,
        *,
        range_g: int = 8,
        **options: Unpack[PodOptions],
    ) -> None:
        self.range_g = min(range_g, options.get("acc_range_g", 16))
        self.mute = {"/Info"}
        self.closes_at_restart = False
        self.memory = _Memory()
        self._outbox: list[bytes] = []
        self._restarting = False
        super().__init__(address, name, source, **options)

    @property
    def services(self) -> tuple[Service, ...]:
        """One line each way."""
        return (Service(wire.SERVICE, (Characteristic(WRITE, ("write",)), Characteristic(NOTIFY, ("notify",)))),)

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The company's and the heart rate's, not the one that is used."""
        return (wire.COMPANY_SERVICE, wire.HEART_RATE_SERVICE)

    def on_boot(self, now_ns: int) -> None:
        """All slots are free, nothing is subscribed to or logged; what was logged is closed."""
        super().on_boot(now_ns)
        self.slots_taken = 0
        self.stream: tuple[int, int] | None = None  # ref, rate
        self.log_paths: list[str] = []
        self.memory.open = None
        self._fetch: _Fetch | None = None
        self._outbox.clear()
        self._utc_us = EPOCH_2015_US - self.clock_ns(now_ns) // 1000
        self.skip(now_ns)

    def disconnect(self) -> None:
        """The link ends, and with it what was subscribed to."""
        super().disconnect()
        self.stream = None
        self._fetch = None
        self._outbox.clear()

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """Nothing can be read."""
        return b""

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:  # noqa: ARG002
        """A command."""
        if len(payload) < 2 or payload[0] not in set(Command):
            return
        code, ref, arguments = Command(payload[0]), payload[1], payload[2:]
        self._collect(now_ns)
        if code is Command.PUT_SYSTEM_MODE:
            self._outbox.append(wire.encode_answer(ref, wire.ACCEPTED))
            self._restarting = arguments == bytes([wire.RESTART_MODE])
        elif self.slots_taken >= SLOTS:
            self._outbox.append(wire.encode_answer(ref, wire.BUSY))
        elif code is Command.HELLO:
            identity = wire.Identity(self.address.replace(":", "")[-12:], "Movesense Flash", "DataLogger", "2.3.1")
            self._outbox.append(wire.encode_hello(ref, identity, self.address))
        elif code is Command.GET and arguments.rstrip(b"\0").decode() in self.mute:
            self.slots_taken += 1
        else:
            status, data = self._obey(code, ref, arguments, now_ns)
            self._outbox.append(wire.encode_answer(ref, status, data))

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """Answers, then samples or a log."""
        made = [(now_ns, Notification(NOTIFY, answer)) for answer in self._outbox]
        self._outbox.clear()
        if self.memory.open is not None:
            self._log(now_ns)
        elif self.stream is not None and self.connected:
            made += self._packets(self.stream, now_ns)
        else:
            self.skip(now_ns)
        if self._fetch is not None:
            made += self._sent(self._fetch, now_ns)
        if self._restarting:
            self._restarting = False
            self.reboot(now_ns)
        return made

    # ---- commands

    def _obey(self, code: Command, ref: int, arguments: bytes, now_ns: int) -> tuple[int, bytes]:
        """Status and data of the answer."""
        match code:
            case Command.GET:
                return self._get(arguments.rstrip(b"\0").decode(), now_ns)
            case Command.SUBSCRIBE | Command.UNSUBSCRIBE:
                return self._subscribe(ref, arguments.rstrip(b"\0").decode(), now_ns), b""
            case Command.PUT_LOGGER_CONFIG:
                self.log_paths = arguments.rstrip(b"\0").decode().split("\0")
            case Command.PUT_LOGGER_STATE:
                return self._switch_logger(on=arguments == bytes([wire.LOGGING]), now_ns=now_ns), b""
            case Command.PUT_UTC_TIME:
                self._utc_us = int.from_bytes(arguments, "little") - self.clock_ns(now_ns) // 1000
            case Command.CLEAR_LOGBOOK:
                self.memory.logs.clear()
            case Command.FETCH_LOG:
                return self._begin_fetch(ref, int.from_bytes(arguments, "little"), now_ns), b""
        return wire.OK, b""

    def _get(self, resource: str, now_ns: int) -> tuple[int, bytes]:
        """Status and data of a resource."""
        refused = {"/System/Memory/Heap": 503, "/Meas/HR": 401}
        now_us = self.clock_ns(now_ns) // 1000
        relative_ms = now_us // 1000 % wire.CLOCK_SPAN_MS
        rates = RATES_HZ if self.only_rate_hz is None else (round(self.only_rate_hz),)
        entries = [(log, 0, len(self.memory.logs[log])) for log in sorted(self._closed())]
        found = {
            "/System/Energy/Level": bytes([round(self.battery_pct)]),
            "/Meas/Acc/Info": wire.encode_acc_info(rates, RANGES_G),
            "/Meas/Acc/Config": bytes([self.range_g]),
            "/Meas/Gyro/Config": self.widest_gyr_dps.to_bytes(2, "little"),
            "/Mem/DataLogger/State": bytes([wire.READY if self.memory.open is None else wire.LOGGING]),
            "/Mem/Logbook/entries": wire.encode_entries(entries, self.mtu - 3),
            "/Time/Detailed": wire.TIME_DETAILED.pack(now_us + self._utc_us, relative_ms, 1024, 20),
        }
        return (wire.OK, found[resource]) if resource in found else (refused.get(resource, wire.NOT_FOUND), b"")

    def _subscribe(self, ref: int, path: str, now_ns: int) -> int:
        """To a path, or no longer, if there is none."""
        resource, _, rate = path.rpartition("/")
        if path and (resource != "/Meas/IMU6" or int(rate) not in RATES_HZ):
            return wire.NOT_FOUND
        if not path and (self.stream is None or self.stream[0] != ref):
            return wire.NOT_FOUND
        self.stream = (ref, int(rate)) if path else None
        self.skip(now_ns)
        return wire.OK

    def _begin_fetch(self, ref: int, log: int, now_ns: int) -> int:
        if log not in self._closed():
            return wire.NOT_FOUND
        self._fetch = _Fetch(ref, bytes(self.memory.logs[log]), now_ns)
        return wire.OK

    # ---- samples

    def _packets(self, stream: tuple[int, int], now_ns: int) -> list[tuple[int, Notification]]:
        ref, rate = stream
        made = []
        for t_ns, payload in self._whole_packets(rate, now_ns, rate // wire.PACKETS_HZ):
            parts = wire.encode_parts(ref, payload, self.mtu - 3)
            made += [(self.ready_ns(t_ns), Notification(NOTIFY, part)) for part in parts]
        return made

    def _whole_packets(self, rate: int, now_ns: int, n: int) -> list[tuple[int, bytes]]:
        """Time of the last sample, and bytes, of packets that are full."""
        samples = self.take(now_ns, float(rate), at_least=n)
        if samples is None:
            return []
        acc, gyr = self._raw(samples)
        made = []
        for end in range(n, len(samples) + 1, n):
            rows = slice(end - n, end)
            stamp = self.stamped_ns(int(samples.t_ns[end - n])) // 1_000_000
            acc_mps2 = acc[rows] * (wire.ACC_BITS_G[float(self.range_g)] * wire.GRAVITY_MPS2)
            gyr_dps = gyr[rows] * wire.GYR_BITS_DPS[float(self.widest_gyr_dps)]
            made.append((int(samples.t_ns[end - 1]), wire.encode_imu6(stamp, acc_mps2, gyr_dps)))
        self.used(samples, len(made) * n)
        return made

    def _raw(self, samples: Samples) -> tuple[IntArray, IntArray]:
        acc_bit = wire.ACC_BITS_G[float(self.range_g)] * wire.GRAVITY_MPS2
        gyr_bit = math.radians(wire.GYR_BITS_DPS[float(self.widest_gyr_dps)])
        acc = self.counts(samples.acc_mps2, 1 / acc_bit, samples.saturated & ALL_ACC, limit=wire.MOST_COUNTS)
        return acc, self.counts(samples.gyr_radps, 1 / gyr_bit, samples.saturated >> 3, limit=wire.MOST_COUNTS)

    # ---- logs

    def _closed(self) -> set[int]:
        """Logs that can be listed and fetched."""
        if not self.closes_at_restart:
            return set(self.memory.logs)
        return {log for log in self.memory.logs if self.memory.boots[log] < self.boots}

    def _switch_logger(self, *, on: bool, now_ns: int) -> int:
        memory = self.memory
        if not on:
            memory.open = None
            return wire.OK
        if memory.open is not None or not any("/Meas/IMU6/" in p for p in self.log_paths):
            return wire.CONFLICT
        memory.open, memory.next_id = memory.next_id, memory.next_id + 1
        memory.boots[memory.open] = self.boots
        memory.logs[memory.open] = bytearray(MAGIC + _descriptions())
        self.skip(now_ns)
        return wire.OK

    def _log(self, now_ns: int) -> None:
        assert self.memory.open is not None
        rate = next(int(p.rpartition("/")[2]) for p in self.log_paths if "/Meas/IMU6/" in p)
        n = min(rate // wire.PACKETS_HZ, LOGGED_AT_ONCE)
        log = self.memory.logs[self.memory.open]
        for _, payload in self._whole_packets(rate, now_ns, n):
            log += encode_chunk(IMU6 + n.bit_length(), payload)

    def _sent(self, fetch: _Fetch, now_ns: int) -> list[tuple[int, Notification]]:
        """What has been sent of a log by now."""
        room = self.mtu - 3 - 6
        made = []
        allowed = (now_ns - fetch.begun_ns) * BYTES_PER_S // NS
        while not fetch.ended and fetch.offset <= allowed:
            data = fetch.data[fetch.offset : fetch.offset + room]
            head = bytes([Reply.DATA, fetch.ref]) + fetch.offset.to_bytes(4, "little")
            made.append((now_ns, Notification(NOTIFY, head + data)))
            fetch.offset += len(data)
            fetch.ended = not data
        if fetch.ended:
            self._fetch = None
        return made


def _descriptions() -> bytes:
    """What a Flash writes before its packets: the maker's texts, ids as they come."""
    leaf = {13: "Samples+Array.MeasIMU6.Timestamp\n<FRM>uint32", 54: "[", 55: "]"}
    for first, sensor in ((39, "ArrayAcc"), (42, "ArrayGyro")):
        for i, axis in enumerate(("+x", ".y", ".z")):
            leaf[first + i] = f"Samples.Array.MeasIMU6.{sensor}{axis}\n<FRM>float32"
    texts = {kind: f"<PTH>{text}" for kind, text in leaf.items()}
    texts |= {89: "<GRP>39,40,41", 90: "<GRP>42,43,44"}
    for n in (1, 2, 4, 8):
        acc, gyr = (",".join([str(kind)] * n) for kind in (89, 90))
        texts[IMU6 + n.bit_length()] = f"<GRP>13,54,{acc},55,54,{gyr},55"
    return b"".join(encode_description(kind, text) for kind, text in texts.items())
