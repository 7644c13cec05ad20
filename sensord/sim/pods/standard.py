"""A simulated sensor of the Bluetooth SIG's profiles: a foot pod, a heart rate strap, or both.

Habits: one measurement a second; vendors differ in whether cadence is steps or strides, whether stride length and
distance are sent, whether the pod tells walking from running; a strap that is not worn says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensord.drivers import standard_wire as wire
from sensord.drivers.base import AttError
from sensord.model import NS
from sensord.sim.peripheral import ATT_WRITE_NOT_PERMITTED, Characteristic, Notification, Service, VirtualPod

PERIOD_NS = NS
TELLS = wire.RscFeature.STRIDE_LENGTH | wire.RscFeature.DISTANCE | wire.RscFeature.WALK_OR_RUN


@dataclass(frozen=True, slots=True)
class Moving:
    """How the runner moves at one moment."""

    speed_mps: float = 2.8
    steps_per_min: float = 168.0
    power_w: float = 210.0
    heart_rate_bpm: int | None = 145

    @property
    def running(self) -> bool:
        """From 140 steps a minute on."""
        return self.steps_per_min >= 140


def steadily(_: float) -> Moving:
    """The same at every moment; a function of its own, so that a pod can be handed to another process."""
    return Moving()


class StandardPodSim(VirtualPod):
    """Tells `moving(seconds since origin)` by the profiles it has ("rsc", "power", "heart")."""

    def __init__(
        self,
        address: str,
        name: str,
        moving: Callable[[float], Moving] = steadily,
        *,
        now_ns: int,
        profiles: tuple[str, ...] = ("rsc", "heart"),
        counts_strides: bool = False,
        tells: wire.RscFeature = TELLS,
        seed: int = 0,
        mtu: int = 23,
    ) -> None:
        super().__init__(address, name, now_ns=now_ns, seed=seed, mtu=mtu)
        self._moving = moving
        self._profiles = profiles
        self._counts_strides = counts_strides
        self._tells = tells
        self._origin_ns = now_ns
        self.on_boot(now_ns)

    @property
    def services(self) -> tuple[Service, ...]:
        """Those of its profiles, and who it is."""
        offered = {
            "rsc": Service(
                wire.RSC_SERVICE,
                (Characteristic(wire.RSC_MEASUREMENT, ("notify",)), Characteristic(wire.RSC_FEATURE, ("read",))),
            ),
            "power": Service(wire.POWER_SERVICE, (Characteristic(wire.POWER_MEASUREMENT, ("notify",)),)),
            "heart": Service(wire.HEART_SERVICE, (Characteristic(wire.HEART_MEASUREMENT, ("notify",)),)),
        }
        who = tuple(Characteristic(uuid, ("read",)) for uuid in self._texts)
        return (*(offered[p] for p in self._profiles), Service(wire.INFORMATION_SERVICE, who))

    @property
    def advertised_services(self) -> tuple[str, ...]:
        """The profiles."""
        return tuple(service.uuid for service in self.services[:-1])

    @property
    def _texts(self) -> dict[str, str]:
        serial = self.address.replace(":", "")
        return {wire.MANUFACTURER: "sim", wire.MODEL: "pod", wire.SERIAL: serial, wire.FIRMWARE: f"1.{self.boots}"}

    def on_boot(self, now_ns: int) -> None:
        """Distance and revolutions begin at 0."""
        self._next_ns = now_ns + PERIOD_NS
        self._distance_m = 0.0
        self._revolutions = 0.0

    def on_read(self, uuid: str, now_ns: int) -> bytes:  # noqa: ARG002
        """Feature, or a text."""
        if uuid == wire.RSC_FEATURE:
            return int(self._tells).to_bytes(2, "little")
        return self._texts[uuid].encode()

    def on_write(self, uuid: str, payload: bytes, now_ns: int) -> None:  # noqa: ARG002
        """Nothing can be written."""
        raise AttError(ATT_WRITE_NOT_PERMITTED)

    def produce(self, now_ns: int) -> list[tuple[int, Notification]]:
        """A measurement of each profile a second."""
        made = []
        while self._next_ns <= now_ns:
            moving = self._moving((self._next_ns - self._origin_ns) / NS)
            self._distance_m += moving.speed_mps * PERIOD_NS / NS
            self._revolutions += moving.steps_per_min / 120 * PERIOD_NS / NS
            made += [(self._next_ns, note) for note in self._notes(moving)]
            self._next_ns += PERIOD_NS
        return made

    def _notes(self, moving: Moving) -> list[Notification]:
        notes = []
        if "rsc" in self._profiles:
            tells, stride_m = self._tells, 120 * moving.speed_mps / max(moving.steps_per_min, 1.0)
            value = wire.Rsc(
                moving.speed_mps,
                round(moving.steps_per_min / (2 if self._counts_strides else 1)),
                moving.running and wire.RscFeature.WALK_OR_RUN in tells,
                stride_m if wire.RscFeature.STRIDE_LENGTH in tells else None,
                self._distance_m if wire.RscFeature.DISTANCE in tells else None,
            )
            notes.append(Notification(wire.RSC_MEASUREMENT, wire.encode_rsc(value)))
        if "power" in self._profiles:
            whole = int(self._revolutions)
            at_s = self._next_ns / NS - (self._revolutions - whole) * 120 / max(moving.steps_per_min, 1.0)
            crank = wire.Power(round(moving.power_w), whole % 65536, round(at_s / wire.CRANK_UNIT_S) % 65536)
            notes.append(Notification(wire.POWER_MEASUREMENT, wire.encode_power(crank)))
        if "heart" in self._profiles:
            rate = moving.heart_rate_bpm
            rr = () if rate is None else (60 / rate,)
            notes.append(Notification(wire.HEART_MEASUREMENT, wire.encode_heart(wire.Heart(rate, rr))))
        return notes
