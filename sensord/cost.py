"""What sensord costs in CPU time, on a simulated runner, beside a plain-numpy yardstick measured in the same run.

Machines differ, and so does one machine from hour to hour: compare the ratios to the yardstick, not the milliseconds.

The yardstick is about the least a script on numpy and scipy does with the same bytes. Live: for each packet
`np.frombuffer`, scale to SI, low-pass all six channels with `sosfilt` and carried state; once a second `find_peaks` on
the last two seconds of each foot. Batch: the whole recording through one `sosfilt` and one `find_peaks`. It knows no
losses, no clock, no axis, no contact, no value of any stride.

Live goes through `Pipeline`: two pods, packets of ten rows, ticks, the plan of the demo. Each stage is then timed apart
on the same data; `rest` is what is left of live: load, plan, and making events. Every figure is the best of `REPEATS`
runs of the process's own CPU time: whatever else the machine does can only add to it.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version

import numpy as np
import scipy
from scipy.signal import butter, find_peaks, sosfilt, sosfilt_zi

from sensord.analysis import analyse
from sensord.clock import PodClock
from sensord.demo import PODS, demo_plan
from sensord.drivers import DRIVERS, open_pod
from sensord.drivers.base import PodInfo
from sensord.drivers.open_pod_wire import DATA, RATES_HZ, DataPacket, Flag, encode_data
from sensord.dsp.foot import FootAnalyser
from sensord.model import (
    ALGORITHM,
    NS,
    Event,
    FloatArray,
    Input,
    IntArray,
    Json,
    Mark,
    MarkKind,
    Packet,
    PodSetup,
    RunSetup,
    SampleBlock,
    Side,
    Tick,
    canonical_json,
)
from sensord.pipeline import Pipeline
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Phase, Run, Stand, Walk
from sensord.sim.sensor import SensorModel

SCHEMA = "sensord-bench/1"
RATE_HZ = 200.0
PACKET_ROWS = 10
ODD_RATE_HZ = 202.6
"""True rate of a sensor that is set to 200 Hz and runs 1.3 % fast: its samples lie between the rows of the grid."""

REPEATS = 3
BATCH_S = 600.0
ACC_RANGE_G, GYR_RANGE_DPS = 32, 2000
LATENCY_NS = 12_000_000
"""From the last sample of a packet to its arrival: any constant does, nothing here depends on it."""

PEAK_WINDOW_S = 2


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the table: CPU-ms per second of data, over the yardstick of the same kind, and what was measured."""

    part: str
    what: str
    cpu_ms_per_s: float
    ratio: float
    times_real_time: float


@dataclass(frozen=True, slots=True)
class Cost:
    """All parts, and on what they were measured."""

    seconds: float
    batch_s: float
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values."""
        return {
            "schema": SCHEMA,
            "sensord": version("sensord"),
            "algorithm": ALGORITHM,
            "machine": {
                "processor": platform.machine(),
                "cpus": os.cpu_count(),
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
            },
            "data": {
                "seconds": self.seconds,
                "batch_s": self.batch_s,
                "rate_hz": RATE_HZ,
                "odd_rate_hz": ODD_RATE_HZ,
                "packet_rows": PACKET_ROWS,
                "repeats": REPEATS,
            },
            "parts": [asdict(part) for part in self.parts],
        }


def measure(seconds: float = 60.0, *, batch_s: float = BATCH_S) -> Cost:
    """Measure everything on `seconds` of a simulated runner (30 s or more say something about running)."""
    simulation = RunnerSimulation(_script(seconds), seed=1)
    world = _World(simulation, RATE_HZ)
    odd = _World(simulation, RATE_HZ, ODD_RATE_HZ)
    per_s = 1000.0 / world.duration_s
    yardstick = _best(lambda: _plain_live(world)) * per_s
    parts: list[Part] = []

    def add(part: str, what: str, cpu_ms: float, base_ms: float) -> None:
        parts.append(Part(part, what, cpu_ms, cpu_ms / base_ms, 1000.0 / cpu_ms))

    add("yardstick", "plain numpy and scipy, live", yardstick, yardstick)
    live = _best(lambda: _live(world)) * per_s
    add("live", f"two pods at {RATE_HZ:g} Hz, packets of {PACKET_ROWS} rows, all metrics, plan", live, yardstick)
    stages = _stages(world)
    for part, (what, work) in stages.items():
        stages_ms = _best(work) * per_s
        add(f"live: {part}", what, stages_ms, yardstick)
    apart = sum(part.cpu_ms_per_s for part in parts[2:])
    add("live: rest", "load, plan, events: live less the stages above", live - apart, yardstick)
    add("live, odd rate", "the same, the sensors 1.3 % fast", _best(lambda: _live(odd)) * per_s, yardstick)
    events = _live(world)
    add("event JSON", "besides: the events as stored bytes", _best(lambda: _json(events)) * per_s, yardstick)
    _add_batch(add, simulation, batch_s)
    return Cost(seconds, batch_s, tuple(parts))


def _add_batch(add: Callable[[str, str, float, float], None], simulation: RunnerSimulation, batch_s: float) -> None:
    feet = {side: _repeated(simulation, side, batch_s) for side in Side}
    left, right = feet[Side.LEFT], feet[Side.RIGHT]
    per_s = 1000.0 / batch_s
    yardstick = _best(lambda: _plain_batch(left)) * per_s
    add("batch yardstick", "plain numpy and scipy, one foot as a whole", yardstick, yardstick)
    add("batch, one foot", f"analyse() of {batch_s:g} s", _best(lambda: analyse(left)) * per_s, yardstick)
    both = _best(lambda: analyse(left, right)) * per_s
    add("batch, both feet", f"analyse() of {batch_s:g} s", both, 2 * yardstick)


# ------------------------------------------------------------------------------------------------------- what is timed


def _live(world: _World) -> list[Event]:
    pipeline = Pipeline(world.setup)
    events: list[Event] = []
    for item in world.inputs:
        events += pipeline.push(item)
    return [*events, *pipeline.flush()]


def _json(events: Iterable[Event]) -> None:
    for event in events:
        canonical_json(event.payload)


def _stages(world: _World) -> dict[str, tuple[str, Callable[[], object]]]:
    blocks = {pod: _decoded(world, pod) for pod in PODS.values()}

    def decode() -> None:
        for pod in PODS.values():
            _decoded(world, pod)

    def feet() -> None:
        for side, pod in PODS.items():
            foot = FootAnalyser(side, RATE_HZ)
            for block in blocks[pod]:
                foot.push(block)

    def clocks() -> None:
        for pod in PODS.values():
            clock = PodClock()
            for block in blocks[pod]:
                clock.observe(block.segment, int(block.t_pod_ns[-1]), block.t_rx_ns or 0)

    return {
        "decode": ("packets to samples", decode),
        "foot": ("samples to strides", feet),
        "clock": ("pod time to run time", clocks),
    }


def _decoded(world: _World, pod: str) -> list[SampleBlock]:
    decoder = DRIVERS[open_pod.NAME].decoder(_info(RATE_HZ).to_json())
    return [block for packet in world.packets(pod) for block in decoder.push(packet) if isinstance(block, SampleBlock)]


def _plain_live(world: _World) -> int:
    sos = butter(2, 5.0, fs=RATE_HZ, output="sos")
    scale = np.repeat((ACC_RANGE_G * 9.80665 / 32768, np.deg2rad(GYR_RANGE_DPS) / 32768), 3)
    rows_a_second, peaks = round(RATE_HZ), 0
    for pod in PODS.values():
        state = np.repeat(sosfilt_zi(sos)[:, :, None], 6, axis=2) * 0.0
        last = np.zeros((PEAK_WINDOW_S * rows_a_second, 6))
        rows = 0
        for packet in world.packets(pod):
            values = np.frombuffer(packet.payload, "<i2", offset=12).reshape(-1, 6) * scale
            slow, state = sosfilt(sos, values, axis=0, zi=state)
            last = np.concatenate((last[len(slow) :], slow))
            rows += len(slow)
            if rows >= rows_a_second:
                rows -= rows_a_second
                peaks += len(find_peaks(last[:, 4], height=1.4)[0])
    return peaks


def _plain_batch(arrays: tuple[FloatArray, FloatArray, FloatArray]) -> int:
    sos = butter(2, 5.0, fs=RATE_HZ, output="sos")
    slow = sosfilt(sos, np.concatenate(arrays[1:], axis=1), axis=0)
    return len(find_peaks(slow[:, 4], height=1.4)[0])


def _best(work: Callable[[], object]) -> float:
    """CPU seconds of the cheapest of `REPEATS` runs."""
    costs_s = []
    for _ in range(REPEATS):
        begun_s = time.process_time()
        work()
        costs_s.append(time.process_time() - begun_s)
    return min(costs_s)


# ---------------------------------------------------------------------------------------------------- what it is fed


def _script(seconds: float) -> tuple[Phase, ...]:
    run = Run(max(seconds - 16.0, 5.0), speed_mps=2.9, contact_asymmetry_pct=12.0, impact_asymmetry_pct=12.0)
    return Stand(3.0), Walk(10.0), run, Stand(3.0)


class _World:
    """What a run file of two pods would hold; the sensors, set to `rate_hz`, do `true_rate_hz`."""

    def __init__(self, simulation: RunnerSimulation, rate_hz: float, true_rate_hz: float | None = None) -> None:
        self.duration_s = simulation.truth.duration_s
        pods = tuple(PodSetup(address, side, open_pod.NAME) for side, address in PODS.items())
        plan = demo_plan().read_text(encoding="utf-8")
        self.setup = RunSetup("bench", "runner", "bench", "bench", pods, plan_text=plan)
        info = _info(rate_hz).to_json()
        inputs: list[Input] = [
            Tick(second * NS, second * NS) for second in range(1, round(simulation.truth.duration_s) + 1)
        ]
        for side, address in PODS.items():
            foot = simulation.render(side, true_rate_hz or rate_hz, SensorModel(acc_range_g=ACC_RANGE_G))
            inputs += _packets(address, foot.t_pod_ns, foot.acc_mps2, foot.gyr_radps, rate_hz)
        links = [Mark(0, MarkKind.LINK_UP, {"pod": address, "info": info}) for address in PODS.values()]
        self.inputs: list[Input] = [*links, *sorted(inputs, key=lambda item: item.t_ns)]

    def packets(self, pod: str) -> list[Packet]:
        """The packets of one pod."""
        return [item for item in self.inputs if isinstance(item, Packet) and item.pod == pod]


def _info(rate_hz: float) -> PodInfo:
    return PodInfo(
        driver=open_pod.NAME,
        model="Open Pod",
        firmware="bench",
        serial="bench",
        rate_hz=rate_hz,
        acc_range_g=float(ACC_RANGE_G),
        gyr_range_dps=float(GYR_RANGE_DPS),
        clock="us32",
        boot_id=1,
        clock_us=0,
    )


def _packets(address: str, t_ns: IntArray, acc: FloatArray, gyr: FloatArray, rate_hz: float) -> list[Packet]:
    acc_scale, gyr_scale = 32768 / (ACC_RANGE_G * 9.80665), 32768 / np.deg2rad(GYR_RANGE_DPS)
    raw = np.concatenate((acc * acc_scale, gyr * gyr_scale), axis=1)
    raw = np.clip(np.rint(raw), -32768, 32767).astype(np.int16)
    out = []
    for seq, start in enumerate(range(0, len(t_ns) - PACKET_ROWS + 1, PACKET_ROWS)):
        first_ns, last_ns = int(t_ns[start]), int(t_ns[start + PACKET_ROWS - 1])
        data = DataPacket(
            seq=seq,
            t_first_us=first_ns // 1000,
            span_10us=round((last_ns - first_ns) / 10_000),
            rate_id=RATES_HZ.index(rate_hz),
            flags=Flag(0) if seq else Flag.CLOCK_RESTARTED,
            raw=raw[start : start + PACKET_ROWS],
        )
        out.append(Packet(address, last_ns + LATENCY_NS, DATA, encode_data(data)))
    return out


def _repeated(simulation: RunnerSimulation, side: Side, seconds: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The script over and over (it begins and ends standing) as the arrays that `analyse` takes."""
    foot = simulation.render(side, RATE_HZ, SensorModel(acc_range_g=ACC_RANGE_G))
    rows = round(seconds * RATE_HZ)
    times = -(-rows // len(foot.t_pod_ns))
    acc, gyr = (np.tile(values, (times, 1))[:rows] for values in (foot.acc_mps2, foot.gyr_radps))
    return np.arange(rows) / RATE_HZ, acc, gyr
