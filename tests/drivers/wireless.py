"""Carries a driver's session out against a virtual pod, with no Bluetooth and no event loop, in time that is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sensord.drivers import DRIVERS
from sensord.drivers.base import (
    Announce,
    AttError,
    Await,
    Driver,
    Fix,
    Has,
    Keep,
    Pause,
    PodInfo,
    Progress,
    Read,
    Session,
    Subscribe,
    Wanted,
    Write,
)
from sensord.drivers.connection import INBOX
from sensord.errors import LinkError, LinkReason
from sensord.model import NS, Packet
from sensord.sim.peripheral import VirtualPod
from sensord.sim.pods import SIMULATED
from tests.drivers.habits import habits_of

ADDRESS = "C0:00:00:00:00:01"
POD = "pod"
STEP_NS = 10_000_000


@dataclass
class Wire:
    """One pod and the one who talks to it. `now_ns` moves by STEP_NS with every request and with `listen`."""

    pod: VirtualPod
    now_ns: int = 0
    announced: list[PodInfo] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)
    answers: dict[str, deque[bytes]] = field(default_factory=dict)
    fixes: list[tuple[int, int]] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    data: set[str] = field(default_factory=set)

    def connect(self) -> None:
        self.announced.clear()
        self.data.clear()
        self.answers.clear()
        self.pod.connect(self.now_ns, lambda: None)

    def converse(self, session: Session[Any]) -> Any:
        """The session's result; LinkError and AttError pass through as the driver raised them."""
        try:
            request = next(session)
            while True:
                self.requests.append(request)
                try:
                    answer = self.carry_out(request)
                except AttError as refusal:
                    request = session.throw(refusal)
                else:
                    request = session.send(answer)
        except StopIteration as end:
            return end.value
        finally:
            session.close()

    def carry_out(self, request: Any) -> bytes:
        self.listen(STEP_NS)
        match request:
            case Announce(info):
                self.announced.append(info)
            case Has(uuid):
                known = any(c.uuid == uuid for service in self.pod.table for c in service.characteristics)
                return b"\1" if known else b""
            case Read(uuid):
                return self.pod.read(uuid, self.now_ns)
            case Has(uuid):
                return b"\1" if self.has(uuid) else b""
            case Write(uuid, payload):
                self.pod.write(uuid, payload, self.now_ns)
            case Subscribe(uuid, data):
                self.pod.subscribe(uuid, self.now_ns)
                if data:
                    self.data.add(uuid)
            case Await():
                return self.wait(request)
            case _:
                self.note(request)
        return b""

    def has(self, uuid: str) -> bool:
        """Whether the pod has such a characteristic."""
        return any(c.uuid == uuid for service in self.pod.table for c in service.characteristics)

    def note(self, request: Any) -> None:
        """What a session says and asks of its carrier rather than of the pod."""
        match request:
            case Pause(seconds):
                self.listen(int(seconds * NS))
            case Fix(pod_ns):
                self.fixes.append((self.now_ns, pod_ns))
            case Keep(payload):
                self.kept.append(payload)
            case Progress():
                self.progress.append(request)

    def wait(self, request: Await) -> bytes:
        """Looks at every notification once, in order, as the link does."""
        inbox = self.answers.setdefault(request.uuid, deque(maxlen=INBOX))
        for _ in range(int(request.timeout_s * NS / STEP_NS)):
            self.listen(STEP_NS)
            while inbox:
                payload = inbox.popleft()
                if request.match(payload):
                    return payload
        if request.else_none:
            return b""
        raise LinkError(LinkReason.CONNECT, "no answer")

    def listen(self, for_ns: int) -> list[Packet]:
        """Time passes; the packets that came meanwhile."""
        new = []
        until_ns = self.now_ns + for_ns
        while self.now_ns < until_ns:
            self.now_ns = min(self.now_ns + STEP_NS, until_ns)
            for notification in self.pod.due(self.now_ns):
                if notification.uuid in self.data and self.announced:
                    new.append(Packet(POD, self.now_ns, notification.uuid, notification.payload))
                self.answers.setdefault(notification.uuid, deque(maxlen=INBOX)).append(notification.payload)
        self.packets += new
        return new

    def start(self, driver: Driver, wanted: Wanted | None = None) -> PodInfo:
        self.connect()
        info = self.converse(driver.start(wanted or Wanted()))
        assert isinstance(info, PodInfo)
        return info


def pod_of(name: str, **options: Any) -> VirtualPod:
    """A simulated pod for a driver, at time 0, that goes by the name such pods have."""
    habits = habits_of(name)
    return SIMULATED[name](ADDRESS, habits.advertised, now_ns=0, **{**habits.options, **options})


def recorded(name: str, seconds: float, **options: Any) -> tuple[PodInfo, list[Packet]]:
    """What a pod says it is, and all packets of so many seconds."""
    wire = Wire(pod_of(name, **options))
    info = wire.start(DRIVERS[name])
    wire.listen(int(seconds * 1e9))
    return info, wire.packets
