"""What was armed and is not home yet: one small file a flight in the data directory, whole at any moment.

A flight is what one `sensord arm` sent off: some pods, each with what it said of itself, the readings of its clock, and
how far it has come: arming, armed, fetched, released. Files: `armed/<flight>.json`; the bytes of a log as they came:
`logs/<flight>-<pod>.log`, a run file with packets of the characteristic `log`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from sensord.disk import disk_errors, sync_directory
from sensord.errors import InputError, Problem
from sensord.files.atomic import write_text
from sensord.model import Json, PodSetup, Side
from sensord.pod_time import ClockFix

FORMAT = 1


class Stage(StrEnum):
    """How far a pod of a flight has come."""

    ARMING = "arming"
    ARMED = "armed"
    FETCHED = "fetched"
    RELEASED = "released"
    FORGOTTEN = "forgotten"


WAITING = frozenset({Stage.ARMING, Stage.ARMED})
"""Its log is on board only."""


@dataclass(slots=True)
class ArmedPod:
    """One pod of a flight. `info`: what its log is read by; `now`: what it said when it was fetched."""

    pod: str
    side: Side | None
    driver: str
    stage: Stage = Stage.ARMING
    info: Mapping[str, Json] | None = None
    now: Mapping[str, Json] | None = None
    fixes: list[ClockFix] = field(default_factory=list)

    @property
    def setup(self) -> PodSetup:
        """As the core knows it."""
        return PodSetup(self.pod, self.side, self.driver)

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.side} pod" if self.side else f"pod {self.pod}"


@dataclass(slots=True)
class Flight:
    """`begun_ns` on the clock of the boot `boot`. `making`: runs that were begun to be written; `made`: those that are.

    `made_of`: pods whose logs are in them. `replaces`: runs that they stand for. `simulated`: the demo's pods.
    """

    flight: str
    boot: str
    begun_ns: int
    begun_wall_ns: int
    pods: list[ArmedPod]
    making: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    made_of: list[str] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)
    simulated: bool = False

    @property
    def waiting(self) -> list[ArmedPod]:
        """Pods whose log nobody has fetched."""
        return [one for one in self.pods if one.stage in WAITING]

    @property
    def fetched(self) -> list[ArmedPod]:
        """Pods whose log is on our disk."""
        return [one for one in self.pods if one.stage in (Stage.FETCHED, Stage.RELEASED)]

    @property
    def to_make(self) -> bool:
        """Whether there is a log that no run was made of yet."""
        return not {one.pod for one in self.fetched} <= set(self.made_of)

    @property
    def over(self) -> bool:
        """Nothing is left to do."""
        return not self.to_make and all(one.stage in (Stage.RELEASED, Stage.FORGOTTEN) for one in self.pods)


class ArmedState:
    """The flights of one data directory. Whoever writes holds its lock."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "armed"
        self._logs = data_dir / "logs"

    def create(self) -> None:
        """Make the folders that are not there yet. DiskError when that cannot be."""
        with disk_errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._logs.mkdir(exist_ok=True, mode=0o700)

    def log_file(self, flight: Flight, pod: ArmedPod) -> Path:
        """Where the bytes of a pod's log are kept, for good."""
        return self._logs / f"{flight.flight}-{pod.pod.replace(':', '').lower()}.log"

    def flights(self) -> list[Flight]:
        """Those that are not over, oldest first. InputError for a file that cannot be read."""
        return [_read(path) for path in sorted(self._folder.glob("*.json"))]

    def save(self, flight: Flight) -> None:
        """Whole and durable, or as it was. A flight that is over leaves no file but its logs."""
        path = self._folder / f"{flight.flight}.json"
        if flight.over:
            with disk_errors(path):
                path.unlink(missing_ok=True)
        else:
            write_text(path, json.dumps({"format": FORMAT, **asdict(flight)}, indent=1, sort_keys=True) + "\n")
        with disk_errors(path):
            sync_directory(self._folder)


def any_on_board(data_dir: Path) -> bool:
    """Whether a log may be on board of some pod that nobody has fetched yet; a file that cannot be read may say so."""
    try:
        return any(flight.waiting for flight in ArmedState(data_dir).flights())
    except InputError:
        return True


def _read(path: Path) -> Flight:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        version = value.pop("format")
        if version != FORMAT:
            raise InputError(Problem(str(path), "format", str(version), f"{FORMAT}: another sensord wrote this"))
        pods = [_pod(one) for one in value.pop("pods")]
        return Flight(pods=pods, **value)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise InputError(Problem(str(path), "", f"a file that cannot be read ({what})", "what arm wrote")) from None


def _pod(value: dict[str, Json]) -> ArmedPod:
    fixes = [ClockFix.from_json(fix) for fix in value.pop("fixes")]
    side, stage = value.pop("side"), Stage(value.pop("stage"))
    return ArmedPod(side=None if side is None else Side(side), stage=stage, fixes=fixes, **value)
