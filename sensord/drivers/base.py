"""The contract of a pod driver: what it is told, what it asks of the link, what it makes of the bytes.

A driver is sans-I/O. It never sees Bluetooth: `start` and `stop` are generators that *yield requests* (`Read`,
`Write`, `Subscribe`, `Await`, `Announce`, ...) and are *sent the answers*; whoever holds a link carries them out
(`drivers.link` over the air, a test against a dictionary). When the pod refuses a request the link throws `AttError`
into the generator; what the driver does not turn into a `LinkError` of its own the link reports as `LinkReason.SETUP`.

    def start(wanted):
        identity = yield Read(INFO)             # answer: bytes
        yield Write(CONFIG, encode(...))        # answer: b""
        yield Announce(info)                    # LINK_UP is recorded here, before any packet can arrive
        yield Subscribe(DATA)
        yield Write(CONTROL, START)
        return info                             # what was read back: the only source of scales and rates

A decoder turns `Packet`s into `SampleBlock`s, or into `Reading`s where a pod says only what it computed, and counts all
it refuses.

Pods that keep a log on board have a driver that is a `LoggingDriver` too: `arm` starts the log, `recover` hands every
piece of it on (`Keep`, the bytes as they came), `release` frees it once the pieces are on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeVar, runtime_checkable

from sensord.errors import PacketError, PacketReason, PodError
from sensord.model import Json, Packet, Reading, SampleBlock

BATTERY_LEVEL = "00002a19-0000-1000-8000-00805f9b34fb"
"""Battery Level, one byte, percent (Bluetooth SIG). The link reads and follows it for every pod that has it."""


SILENT_AFTER_S = 2.0
"""A streaming pod that says nothing for so long is torn down. A connection that is dead can look alive for ever: after
bluetoothd was killed bleak calls no callback and `is_connected` stays true."""


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
    keep_log: bool = False
    """A log may be on board that nobody has fetched: `start` leaves it alone, or is refused (SETUP) where it cannot."""


@dataclass(frozen=True, slots=True)
class PodInfo:
    """What a pod said it is and does, read back after it was configured. Goes into the LINK_UP mark as JSON.

    `clock` names the pod's clock ("us32": microseconds that wrap at 32 bit, "none"); `clock_us` is its reading at setup
    where it has a wide one; `boot_id` changes when the pod restarts (None: the pod cannot tell). Rates and ranges are 0
    for a pod that gives readings instead of samples. `silent_after_s`: how long its stream may pause while all is well.
    `battery_pct`: for pods that tell it in a way of their own (the standard service is read by the link).
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
    silent_after_s: float = SILENT_AFTER_S
    battery_pct: int | None = None

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values, one per field."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["details"] = dict(self.details)
        return values

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> PodInfo:
        """The inverse of `to_json`; fields it does not know are left out, so that old run files stay readable.

        Raises TypeError for a field that is missing or of another kind.
        """
        kinds = {f.name: _KINDS[str(f.type)] for f in fields(cls)}
        info = cls(**{k: v for k, v in value.items() if k in kinds})
        wrong = [name for name, kind in kinds.items() if not isinstance(getattr(info, name), kind)]
        if wrong:
            raise TypeError(f"not what they should be: {', '.join(wrong)}")
        return info


_KINDS: Mapping[str, Any] = {
    "str": str,
    "float": int | float,
    "int | None": int | None,
    "float | None": int | float | None,
    "Mapping[str, Json]": Mapping,
}


# -------------------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Read:
    """Read a characteristic; the answer is its value."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Has:
    """Whether there is such a characteristic: b"\x01" or b""."""

    uuid: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write a characteristic (with response: the pod can refuse); the answer is empty."""

    uuid: str
    payload: bytes
    response: bool = True


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for notifications or indications. `data`: from `Announce` on they are kept as packets.

    In either case `Await` sees them: some pods answer commands on the characteristic that carries their samples.
    """

    uuid: str
    data: bool = True


@dataclass(frozen=True, slots=True)
class Await:
    """Wait for a notification that `match` accepts, among those since the subscription; the answer is its value.

    Notifications are looked at once, in order: what did not match is gone. Give `match` a state where an answer may be
    spread over several. The link raises LinkError when none came in time, unless `else_none`: then the answer is b"".
    """

    uuid: str
    match: Callable[[bytes], bool]
    timeout_s: float = 3.0
    else_none: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Give the pod time; the answer is empty."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Announce:
    """The pod is configured and about to send: the link records LINK_UP with this; the answer is empty."""

    info: PodInfo


@dataclass(frozen=True, slots=True)
class Fix:
    """The pod's clock read `pod_ns` between our last request and the answer just received; the answer is empty.

    Two fixes, before and after, tie a log to our time. Yield it at once after the answer that told the clock.
    """

    pod_ns: int


@dataclass(frozen=True, slots=True)
class Keep:
    """A piece of a pod's log, as it came: the answer (empty) comes when it is on disk, so the pod may forget it."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a log has come; `total` None when the pod does not say. The answer is empty."""

    done: int
    total: int | None


Request = Has | Read | Write | Subscribe | Await | Pause | Announce | Fix | Keep | Progress

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
    """What became of a pod's packets. `packets` = accepted + duplicates + the sum of `rejected`, for logs as well.

    A packet is in `rejected` if, and only if, `push` raised. A piece of a log holds thousands of samples: what of it
    cannot be read is passed over, the rest of the piece is accepted, and `damaged` counts such stretches. Whether they
    cost samples, their times say.

    `samples` were given, or readings; a duplicate gives none. `lost` is the sum of their blocks' `missing_before`:
    samples known to be missing between them; None for pods that cannot tell.
    """

    packets: int = 0
    duplicates: int = 0
    rejected: dict[PacketReason, int] = field(default_factory=dict)
    samples: int = 0
    lost: int | None = 0
    damaged: int = 0

    def refuse(self, error: PacketError) -> None:
        """Count a packet that was refused, by its reason."""
        self.rejected[error.reason] = self.rejected.get(error.reason, 0) + 1

    @property
    def rejected_total(self) -> int:
        """All packets that were refused, whatever the reason."""
        return sum(self.rejected.values())


Decoded = SampleBlock | Reading
"""What packets become."""


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

    def push(self, packet: Packet) -> Sequence[Decoded]:
        """What a packet completes, oldest first (nothing for a repeated one). Raises PacketError, counted; goes on.

        Samples and readings never come from the same pod.
        """
        ...


class Reader(Protocol):
    """What the pipeline asks of a driver: bytes to samples."""

    def decoder(self, info: Mapping[str, Json]) -> Decoder:
        """A decoder for what LINK_UP recorded (`PodInfo.to_json()`). Raises LinkError (IDENTITY) if unreadable."""
        ...


class Driver(Reader, Protocol):
    """One kind of pod. Stateless: every call stands alone."""

    @property
    def name(self) -> str:
        """Key in `DRIVERS` and in configuration."""
        ...

    @property
    def about(self) -> About:
        """What people want to know before they buy: a line of `sensord pods`."""
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


@runtime_checkable
class EndsItself(Protocol):
    """A driver of a pod that may stop a sensor by itself while other packets still come: no silence tells of it."""

    def ended(self, characteristic: str, payload: bytes) -> str | None:
        """Why no more samples will come, if this notification says so: the link is then made anew."""
        ...


# ---------------------------------------------------------------------------------------------------------- logging

LOG = "log"
"""Characteristic of the packets that hold a pod's log: what `Keep` handed on, in order."""


@dataclass(frozen=True, slots=True)
class LogAbout:
    """On-board memory of a kind of pod: minutes it holds at `rate_hz`, and minutes to fetch a run of 30 minutes.

    None: nobody has said or measured it. `source` says who did.
    """

    rate_hz: float
    minutes: float | None
    download_minutes: float | None
    source: str


@dataclass(frozen=True, slots=True)
class About:
    """One kind of pod, for people; empty tuples and None mean that it has no such thing."""

    models: tuple[str, ...]
    rates_hz: tuple[float, ...]
    acc_ranges_g: tuple[float, ...]
    gyr_ranges_dps: tuple[float, ...]
    clock: str
    loss: str
    measures: tuple[str, ...]
    cannot: tuple[str, ...]
    tested_on: str
    high_g_range_g: float | None = None
    log: LogAbout | None = None


@runtime_checkable
class LoggingDriver(Driver, Protocol):
    """A driver of a pod that can log on board while it is out of range."""

    def arm(self, wanted: Wanted) -> Session[PodInfo]:
        """Configures and starts the log; at least one `Fix`. The info, stored as JSON, is what the log is read by.

        Raises LinkError (SETUP: no memory left, not charged enough, refused; IDENTITY).
        """
        ...

    def recover(self, armed: Mapping[str, Json]) -> Session[PodInfo]:
        """Stops the log, at least one `Fix`, then every piece by `Keep` and `Progress`; after a lost link begin again.

        Returns the info it now has (a restart shows in `boot_id`). Nothing is erased. Raises LinkError.
        """
        ...

    def release(self) -> Session[None]:
        """Erases the log that was recovered: only called when all of it is on disk."""
        ...

    def log_decoder(self, armed: Mapping[str, Json]) -> Decoder:
        """Kept pieces (packets of characteristic `LOG`) to SampleBlocks, in the same pod time as live ones."""
        ...


@runtime_checkable
class ResumingDriver(LoggingDriver, Protocol):
    """One whose pods hand their log on from any place: a download that broke off need not begin again."""

    def resume(self, armed: Mapping[str, Json], last: bytes) -> Session[PodInfo]:
        """As `recover`, but only what comes after the kept piece `last`."""
        ...
