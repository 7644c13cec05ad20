"""The contract of a pod driver: what it is told, what it asks of the link, what it makes of the bytes.

A driver is sans-I/O. It never sees Bluetooth: `start` and `stop` are generators that *yield requests* (`Read`,
`Write`, `Subscribe`, `Await`, `Announce`) and are *sent the answers*; whoever holds a link carries the requests out
(`drivers.link` over the air, a test against a dictionary). When the pod refuses a request the link throws `AttError`
into the generator; what the driver does not turn into a `LinkError` of its own the link reports as `LinkReason.SETUP`.

    def start(wanted):
        identity = yield Read(INFO)             # answer: bytes
        yield Write(CONFIG, encode(...))        # answer: b""
        yield Announce(info)                    # LINK_UP is recorded here, before any packet can arrive
        yield Subscribe(DATA)
        yield Write(CONTROL, START)
        return info                             # what was read back: the only source of scales and rates

A decoder turns `Packet`s into `SampleBlock`s and counts all it refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, fields
from typing import Protocol, TypeVar

from sensord.errors import PacketReason, PodError
from sensord.model import Json, Packet, SampleBlock

BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
"""Battery Level, one byte, percent (Bluetooth SIG). The link reads and follows it for every pod that has it."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """What a pod shouts before anyone is connected. UUIDs are 128 bit, lower case."""

    address: str
    name: str | None = None
    service_uuids: tuple[str, ...] = ()
    manufacturer_data: Mapping[int, bytes] = field(default_factory=dict)
    rssi: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What we would like a pod to do; what it does is in `PodInfo`.

    200 Hz is enough for stride duration and kinematics (Mitschke et al. 2017, doi 10.1080/10255842.2017.1382482). 32 g
    and 2000 dps ask for wide ranges, because a heel strike passes the usual 16 g.
    """

    rate_hz: float = 200.0
    acc_range_g: float = 32.0
    gyr_range_dps: float = 2000.0


@dataclass(frozen=True, slots=True)
class PodInfo:
    """What a pod said it is and does, read back after it was configured. Goes into the LINK_UP mark as JSON.

    `clock` names the pod's clock ("us32": microseconds that wrap at 32 bit, "none"); `clock_us` is its reading at setup
    where it has a wide one; `boot_id` changes when the pod restarts (None: the pod cannot tell).
    """

    driver: str
    model: str
    firmware: str
    serial: str
    rate_hz: float
    acc_range_g: float
    gyr_range_dps: float
    clock: str
    boot_id: int | None = None
    clock_us: int | None = None
    high_g_range_g: float | None = None
    details: Mapping[str, Json] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values, one per field."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["details"] = dict(self.details)
        return values

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> PodInfo:
        """The inverse of `to_json`; fields it does not know are left out, so that old run files stay readable."""
        names = {f.name for f in fields(cls)}
        return cls(**{k: v for k, v in value.items() if k in names})


# -------------------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic; the answer is its value."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a characteristic (with response: the pod can refuse); the answer is empty."""

    uuid: str
    payload: bytes
    response: bool = True


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for notifications. `data`: they are measurements (kept as packets); otherwise they only serve `Await`."""

    uuid: str
    data: bool = True


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for a notification that `match` accepts, among those since the subscription; the answer is its value."""

    uuid: str
    match: Callable[[bytes], bool]
    timeout_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Announce:
    """The pod is configured and about to send: the link records LINK_UP with this; the answer is empty."""

    info: PodInfo


Request = Read | Write | Subscribe | Await | Announce

_Result = TypeVar("_Result")

Session = Generator[Request, bytes, _Result]
"""A conversation with a pod: yields requests, is sent answers, returns what came of it."""


class AttError(PodError):
    """The pod refused a request with an ATT error code (0x80-0x9F are the pod's own)."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        super().__init__(f"ATT error 0x{code:02x}" + (f" ({detail})" if detail else ""))


# --------------------------------------------------------------------------------------------------------- decoding


@dataclass(slots=True)
class DecodeCounts:
    """What became of a pod's packets. `packets` = accepted + duplicates + the sum of `rejected`.

    `lost` counts samples known to be missing between accepted packets; None for pods that cannot tell.
    """

    packets: int = 0
    duplicates: int = 0
    rejected: dict[PacketReason, int] = field(default_factory=dict)
    samples: int = 0
    lost: int | None = 0

    @property
    def rejected_total(self) -> int:
        """All packets that were refused, whatever the reason."""
        return sum(self.rejected.values())


class Decoder(Protocol):
    """Packets of one pod to samples. State is explicit and bounded; the same packets give the same samples."""

    counts: DecodeCounts

    @property
    def rate_hz(self) -> float:
        """Nominal sample rate the pod was configured to."""
        ...

    def link_up(self, info: Mapping[str, Json]) -> None:
        """The same pod was linked again: goes on where it was, or begins a new segment if the pod restarted."""
        ...

    def push(self, packet: Packet) -> list[SampleBlock]:
        """Samples of a packet, oldest first (none for a repeated one). Raises PacketError, counted; stays usable."""
        ...


class Driver(Protocol):
    """One kind of pod. Stateless: every call stands alone."""

    @property
    def name(self) -> str:
        """Key in `DRIVERS` and in configuration."""
        ...

    def matches(self, advertisement: Advertisement) -> bool:
        """Whether this looks like a pod of this kind."""
        ...

    def start(self, wanted: Wanted) -> Session[PodInfo]:
        """Configure, verify, subscribe, start. Raises LinkError (SETUP, IDENTITY)."""
        ...

    def stop(self) -> Session[None]:
        """Leave the pod quiet, as we would like to find it."""
        ...

    def decoder(self, info: Mapping[str, Json]) -> Decoder:
        """A decoder for what LINK_UP recorded (`PodInfo.to_json()`). Raises LinkError (IDENTITY) if unreadable."""
        ...
