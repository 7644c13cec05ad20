"""What each kind of pod can do: the conformance suite walks DRIVERS and expects of each driver what is declared here.

A driver of DRIVERS without a line in HABITS fails the suite (one test says so). Declare what the *device* allows,
never what a driver happens to do: a bound that is loosened so that a test passes hides a defect.

The simulated pod of a driver that gives samples takes the keywords of `SampledPod` (source, now_ns, origin_ns, rate_hz,
acc_range_g, gyr_range_dps, uptime_us, clock_ppm, seed, mtu); one that gives readings at least now_ns, seed and mtu.
`DecodeCounts.samples` counts what was given: samples, or readings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sensord.drivers import DRIVERS
from sensord.drivers.metamotion_wire import MMRL
from sensord.errors import PacketReason
from sensord.model import G_MPS2, Json
from tests.drivers.oddities import (
    mend_metamotion,
    mend_open_pod,
    mend_sealed,
    mend_shimmer,
    odd_movella_logs,
    odd_movesense_logs,
    odd_open_pod_logs,
    odd_open_pods,
    odd_polars,
    odd_shimmer_logs,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """One kind of pod. Tests ask for 16 g and 2000 dps (`Wanted`) unless they say otherwise."""

    gives: Literal["samples", "readings"] = "samples"

    advertised: str
    """Local name in the advertisement of the simulated pod."""

    options: Mapping[str, object] = field(default_factory=dict)
    """What else the simulated pod is told, so that all of the driver has something to do."""

    variants: tuple[Mapping[str, object], ...] = ()
    """Options of further simulated pods of this kind (more sensors, other firmware) that the fuzz goes through too."""

    also: Callable[[], Iterable[tuple[str, bytes]]] | None = None
    """Further packets for the fuzz, in order (characteristic, bytes): what the simulated pod never sends."""

    odd_logs: Callable[[Mapping[str, Json], Sequence[bytes]], Iterable[Iterable[bytes]]] | None = None
    """Further logs for the fuzz (pieces in order), made of what was armed and the pieces of a good one."""

    mend: Callable[[str, bytes], bytes] | None = None
    """Makes the checksums of a mangled packet (characteristic, bytes) right: else nothing behind them is tried."""

    rates_hz: tuple[tuple[float, float], ...] = ()
    """Rate wanted, rate that the pod then does: what the round trip tries. 200.0 (what `Wanted` asks) must be there."""

    acc_range_g: float = 16.0
    gyr_range_dps: float = 2000.0
    """Full scale that PodInfo names when 16 g and 2000 dps are wanted."""

    acc_step_mps2: float | None = None
    gyr_step_radps: float | None = None
    """One step of the raw values at those ranges; None: range / 32768. Round trip error: at most 0.51 steps."""

    acc_clips_g: float | None = None
    gyr_clips_dps: float | None = None
    """Where raw values end, where that is not at the named range (a sensor may read on beyond it)."""

    high_g_step_mps2: float | None = None
    """One step of the high-g sensor, for pods that have one."""

    high_g_options: Mapping[str, object] = field(default_factory=dict)
    """What the simulated pod must be told to have one."""

    widest_acc_g: float = 16.0
    """Widest accelerometer range of the device."""

    clock: Literal["own", "arrival"] = "own"
    """Times come from the pod's clock, or from arrivals only."""

    time_atol_ns: int = 15_000
    """Own clock: how far any stamp may be off the true one. Arrival: how far neighbours' distance may be off."""

    gyr_interpolated: bool = False
    """The gyroscope has times of its own and is put on the accelerometer's."""

    loss: Literal["exact", "time", "none"] = "exact"
    """Lost samples are counted exactly, counted from times (to one sample a gap), or cannot be told (None)."""

    first_missing: int | None = 0
    """`missing_before` of the very first block."""

    stream: bool = False
    """The bytes are a stream that may be cut anywhere: where a notification ends means nothing."""

    torn: bool = False
    """Stream without a checksum: pieces of two frames can pass for one where a notification was lost between them."""

    mtus: tuple[int, ...] = (23, 48, 103, 185, 247, 517)
    """MTUs that the device can live with."""

    at_once: bool = False
    """Every packet gives its own samples at once, as one block."""

    repeats: bool = True
    """A notification that is delivered twice is told (and counted) as a duplicate."""

    wrap_s: float | None = None
    """Seconds after which the clock in the packets wraps; None: never, or no clock."""

    counter_span: int | None = None
    """Packets after which a counter wraps."""

    goes_on: bool = True
    """After a lost link samples go on in the same segment, with what is missing known; else a new one begins."""

    away_s: tuple[float, ...] = (0.5, 20.0, 4000.0, 9000.0)
    """How long a link may be away (only where `goes_on`)."""

    period_off: float = 1e-4
    """How far off the sample period may be that is known of 2 s of packets (as a share)."""

    setup_s: float = 1.0
    """From the link's return to the first sample, at most."""

    first_within_s: float = 0.5
    """After `start` has returned: samples come within this time."""

    reboot: bool = True
    """A restart of the pod can be told, so that a new segment begins."""

    answers_on_data: bool = False
    """The characteristic that carries the samples is subscribed to before LINK_UP (nothing is kept until then), because
    commands are answered there, or the maker wants that order."""

    never_quiet: bool = False
    """The device cannot be told to stop."""

    reads_back: bool = True
    """The device can be asked how it is configured."""

    reasons: frozenset[PacketReason] = frozenset()
    """Reasons for refusal that the fuzz must bring about (each at least once in 20,000 packets)."""

    refused_share: float = 0.5
    """Share of mangled packets that must be refused: a stream only waits for more when it is cut short."""

    kept_share: float = 0.97
    """Share of good packets that must be read although junk came between all of them."""

    junk_passes: bool = False
    """No checksum, counter or clock: junk may look like a good frame, so what is read between junk is not compared."""

    header_bytes: int = 12
    """Bytes at the start of a packet in which every single bit is flipped once."""

    flip_costs: int = 1
    """Packets' worth of samples that one flipped bit may cost."""

    flip_moves_ns: int = 0
    """How far one flipped bit may move stamps a second later (arrival clocks only: they count what came)."""

    logs: bool = False
    """It can log on board: the driver is a `LoggingDriver`."""

    log_rate_hz: float | None = None
    """Rate it logs at when 200 Hz are wanted; None: as it streams."""

    log_edge_s: float = 1.0
    """What a log may lack at its beginning and end: what the device buffers before it writes."""

    frees_as_it_goes: bool = False
    """The device forgets what it has sent and was told is received, so that nothing can be fetched twice."""

    @property
    def rate_hz(self) -> float:
        """What the pod does when 200 Hz are wanted."""
        return dict(self.rates_hz)[200.0]

    @property
    def acc_error_mps2(self) -> float:
        """Largest error of a round trip."""
        return 0.51 * (self.acc_step_mps2 or self.acc_range_g * G_MPS2 / 32768)

    @property
    def gyr_error_radps(self) -> float:
        """Largest error of a round trip, without what interpolation adds."""
        return 0.51 * (self.gyr_step_radps or self.gyr_range_dps * 0.017453292519943295 / 32768)


HABITS: dict[str, Habits] = {
    "metamotion": Habits(
        advertised="MetaWear",
        mend=mend_metamotion,
        variants=({"board": MMRL, "uptime_us": 12_000_000},),
        rates_hz=((52.0, 50.0), (100.0, 100.0), (200.0, 100.0), (208.0, 100.0), (416.0, 100.0)),
        gyr_step_radps=math.radians(1 / 16.4),
        gyr_clips_dps=32768 / 16.4,
        time_atol_ns=1_465_000,  # one tick of 48/32768 s
        loss="time",
        wrap_s=2**32 * 48 / 32768,
        answers_on_data=True,
        logs=True,
        log_rate_hz=200.0,
        frees_as_it_goes=True,
        reasons=frozenset(
            {
                PacketReason.TOO_SHORT,
                PacketReason.LENGTH,
                PacketReason.TYPE,
                PacketReason.TIME,
                PacketReason.CHECKSUM,
                PacketReason.CHARACTERISTIC,
            }
        ),
    ),
    "movella-dot": Habits(
        advertised="Movella DOT",
        mend=mend_sealed,
        odd_logs=odd_movella_logs,
        rates_hz=((10.0, 20.0), (26.0, 30.0), (52.0, 60.0), (200.0, 60.0), (208.0, 60.0)),
        at_once=True,
        wrap_s=2**32 / 1e6,
        mtus=(48, 103, 247, 517),
        header_bytes=40,
        logs=True,
        log_rate_hz=120.0,
        reasons=frozenset(
            {
                PacketReason.TOO_SHORT,
                PacketReason.LENGTH,
                PacketReason.TYPE,
                PacketReason.TIME,
                PacketReason.VALUE,
                PacketReason.CHECKSUM,
                PacketReason.CHARACTERISTIC,
            }
        ),
    ),
    "movesense": Habits(
        advertised="Movesense 174630000192",
        mend=mend_sealed,
        odd_logs=odd_movesense_logs,
        variants=({"mtu": 517}, {"range_g": 16}),
        rates_hz=((10.0, 13.0), (52.0, 52.0), (100.0, 104.0), (200.0, 208.0), (208.0, 208.0), (416.0, 208.0)),
        acc_range_g=8.0,  # it is at 8 g and cannot be set
        acc_step_mps2=0.244e-3 * 9.807,
        gyr_step_radps=math.radians(0.07),
        acc_clips_g=0.244e-3 * 32767,
        gyr_clips_dps=0.07 * 32767,
        widest_acc_g=8.0,
        time_atol_ns=2_000_000,  # stamps are whole milliseconds, and the first few tell little of the period
        period_off=3e-4,  # three deviations of a line through 26 such stamps
        wrap_s=2**32 / 1000,
        mtus=(199, 247, 517),  # a packet is in two notifications at most
        answers_on_data=True,
        header_bytes=8,
        flip_moves_ns=300_000,  # a stamp that is off by a millisecond is as good as any
        logs=True,
        log_rate_hz=104.0,
        reasons=frozenset(
            {
                PacketReason.TOO_SHORT,
                PacketReason.LENGTH,
                PacketReason.TYPE,
                PacketReason.TIME,
                PacketReason.VALUE,
                PacketReason.CHECKSUM,
                PacketReason.CHARACTERISTIC,
            }
        ),
    ),
    "open-pod": Habits(
        advertised="open-pod",
        also=odd_open_pods,
        odd_logs=odd_open_pod_logs,
        mend=mend_open_pod,
        rates_hz=((52.0, 52.0), (100.0, 100.0), (200.0, 200.0), (208.0, 208.0), (416.0, 416.0)),
        variants=({"high_g_range_g": 320},),
        high_g_options={"high_g_range_g": 320},
        high_g_step_mps2=320 * G_MPS2 / 32768,
        widest_acc_g=32.0,
        logs=True,
        at_once=True,
        wrap_s=2**32 / 1e6,
        counter_span=2**16,
        mtus=(27, 48, 103, 185, 247, 517),
        reasons=frozenset(
            {
                PacketReason.TOO_SHORT,
                PacketReason.LENGTH,
                PacketReason.TYPE,
                PacketReason.COUNT,
                PacketReason.TIME,
                PacketReason.RATE,
                PacketReason.CHARACTERISTIC,
            }
        ),
    ),
    "polar": Habits(
        advertised="Polar Sense 0A1B2C3D",
        also=odd_polars,
        variants=({"acc_format": 0x81, "gyr_format": 0x81}, {"tells_factors": False, "acc_format": 0x81}),
        rates_hz=((52.0, 52.0), (100.0, 104.0), (200.0, 208.0), (208.0, 208.0), (416.0, 416.0)),
        acc_step_mps2=0.488e-3 * G_MPS2,
        gyr_step_radps=math.radians(0.07),
        time_atol_ns=65_000,  # both ends of a frame are stamped in steps of 30.5 us
        gyr_interpolated=True,
        mtus=(232, 247, 517),
        setup_s=2.0,  # a frame is only sent when it is full
        first_within_s=1.0,
        answers_on_data=True,
        header_bytes=10,
        flip_costs=3,  # a frame is told in two or three blocks
        reasons=frozenset(
            {
                PacketReason.TOO_SHORT,
                PacketReason.LENGTH,
                PacketReason.TYPE,
                PacketReason.TIME,
                PacketReason.VALUE,
                PacketReason.CHARACTERISTIC,
            }
        ),
    ),
    "shimmer3r": Habits(
        advertised="Shimmer3R-A5C1-BLE",
        mend=mend_shimmer,
        odd_logs=odd_shimmer_logs,
        variants=({"board": (48, 8, 1)},),
        rates_hz=((52.0, 51.2), (100.0, 102.4), (200.0, 204.8), (208.0, 204.8), (416.0, 409.6)),
        acc_step_mps2=1 / 204,  # counts of a unit whose axes are a little askew
        gyr_step_radps=math.radians(1 / 14.0),
        high_g_step_mps2=1.0,
        acc_clips_g=15.91,
        gyr_clips_dps=2294.6,
        time_atol_ns=31_000,  # one tick of 32768 Hz
        stream=True,
        wrap_s=512.0,
        answers_on_data=True,
        refused_share=0.2,
        logs=True,
        reasons=frozenset(
            {PacketReason.TOO_SHORT, PacketReason.CHECKSUM, PacketReason.TIME, PacketReason.CHARACTERISTIC}
        ),
    ),
    "standard": Habits(
        gives="readings",
        advertised="Stryd",
        options={"profiles": ("rsc", "power", "heart")},
        clock="arrival",
        loss="none",
        repeats=False,
        never_quiet=True,
        reads_back=False,
        reasons=frozenset({PacketReason.TOO_SHORT, PacketReason.LENGTH, PacketReason.CHARACTERISTIC}),
    ),
    "witmotion": Habits(
        advertised="WT901BLE67",
        rates_hz=((52.0, 50.0), (100.0, 100.0), (200.0, 200.0), (208.0, 200.0), (416.0, 200.0)),
        clock="arrival",
        time_atol_ns=300_000,
        loss="none",
        stream=True,
        torn=True,
        repeats=False,
        goes_on=False,
        answers_on_data=True,
        junk_passes=True,
        refused_share=0.2,
        header_bytes=20,
        flip_moves_ns=50_000_000,
        reasons=frozenset({PacketReason.TOO_SHORT, PacketReason.TYPE, PacketReason.TIME, PacketReason.CHARACTERISTIC}),
    ),
}


def habits_of(name: str) -> Habits:
    """What is declared for a driver. AssertionError names the driver that has declared nothing."""
    assert name in HABITS, f"driver {name!r} is in DRIVERS but tests/drivers/habits.py says nothing about it"
    return HABITS[name]


def drivers(*, gives: str | None = "samples", **fields: object) -> list[str]:
    """Names of the drivers with these habits (`gives` None: samples or readings)."""

    def fits(habits: Habits) -> bool:
        return gives in {None, habits.gives} and all(getattr(habits, k) == v for k, v in fields.items())

    return [name for name in DRIVERS if name in HABITS and fits(HABITS[name])]
