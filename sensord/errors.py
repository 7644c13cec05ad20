"""One tree of errors, by whose fault it is.

    SensordError
    ├── InputError          yours: a file, setting or plan we were given     exit 2
    ├── PodError            the pod's or its radio's
    │   ├── PacketError         a packet that cannot be what the pod claims (named reason, counted)
    │   └── LinkError           a link that cannot be made or kept (named reason, retried)
    ├── NetworkError        the other side of a sink: away, busy, or refusing  exit 1
    │   ├── Away                try again later, nothing is lost
    │   └── Refused             this very event will never be taken: quarantine it
    ├── MachineError        this machine's                                     exit 1
    │   ├── DiskError           the disk did not take, or give back, what it must
    │   └── JournalFailed       nothing more can be kept
    └── InternalError       ours: a bug                                        exit 70

A failure never turns into an empty result; whoever catches one of these counts it or shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class SensordError(Exception):
    """Root of everything sensord raises on purpose."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with what we were given: where it is, what was found, what was expected."""

    file: str
    place: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{where}: found {self.found}, expected {self.expected}"


class InputError(SensordError):
    """What we were given cannot be used; carries every problem found, not just the first."""

    exit_code = 2

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class RelayedError(InputError):
    """Another sensord refused what we were given; its words stand as they came."""

    def __init__(self, words: str) -> None:
        super().__init__(())
        self.args = (words,)


class PodError(SensordError):
    """The pod or its radio did something we cannot use."""


class PacketReason(StrEnum):
    """Why a packet was refused."""

    TOO_SHORT = "too short"
    LENGTH = "length does not fit the header"
    TYPE = "unknown packet type"
    COUNT = "impossible sample count"
    TIME = "impossible time"
    RATE = "unknown rate id"
    CHARACTERISTIC = "unexpected characteristic"
    ORDER = "data before the pod said what it is"
    CHECKSUM = "checksum does not fit"
    VALUE = "impossible value"


class PacketError(PodError):
    """A packet that cannot be what the pod claims; it is counted and skipped."""

    def __init__(self, reason: PacketReason, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)


class LinkReason(StrEnum):
    """Why a link could not be made or kept."""

    NOT_FOUND = "pod not seen"
    CONNECT = "connection failed"
    BUSY = "in use by another device or program"
    PAIRING = "the pod wants to be paired with this computer first"
    SETUP = "pod refused its settings"
    LOST = "link lost"
    SILENT = "no data"
    SLEPT = "this computer was asleep"
    ADAPTER = "no usable Bluetooth adapter"
    IDENTITY = "not the pod it says it is"
    SERVICES = "what its kind of pod offers was not found"
    STOPPED = "stopped by us"


class LinkError(PodError):
    """A link that cannot be made or kept; the link layer retries by reason."""

    def __init__(self, reason: LinkReason, detail: str = "") -> None:
        self.reason = reason
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)


class NetworkError(SensordError):
    """The other side of a sink."""


class Away(NetworkError):
    """The other side cannot be reached or is busy: keep the cursor, try again later."""

    def __init__(self, detail: str, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)


class Refused(NetworkError):
    """The other side will never take this: quarantine what caused it and go on."""


class MachineError(SensordError):
    """This machine cannot do what it must."""


class DiskError(MachineError):
    """The machine's disk did not take, or give back, what it must: full, worn, read-only or gone."""


class JournalFailed(MachineError):
    """Nothing more can be kept; the cause is the disk's or ours and was told to `on_error`."""


class InternalError(SensordError):
    """A bug of ours."""

    exit_code = 70
