"""What sensors that compute for themselves say (RSC pods, heart rate straps, files of a watch), made use of.

In a run without a pod that measures strides they are all there is: speed, distance, steps and time count for the limits
on mileage, and nothing else can be told. Beside such pods they add heart rate and power, and a speed to learn from.

Cadence comes as "1/min" and may be steps or strides. `CadenceUnit` settles which by what is seen, never by a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensord.model import NS, Activity, GaitWindow, Reading, RunSummary, changed

WALK_RUN_SPM = 140.0
"""Cadence between walking and running: 91 % of 28 adults' bouts told right (Hum Mov Sci 2023;90:103117)."""

LOW_SPM = 134.0
"""The best border for single subjects was 134 to 141 (the same study): no running below it."""

FAST_MPS = 3.0
"""Nobody walks this fast: overground the change comes between 1.9 and 3.0 m/s (arXiv 2501.00720)."""

STRIDES_PER_MIN = (LOW_SPM / 2, 115.0)
"""Design choice: running strides a minute; above are 230 steps a minute, which sprinters reach."""

AGREE = 10
"""Design choice: readings in a row that must say the same before a unit is settled."""

FASTEST_MPS = 12.5
ROUNDING_M = 5.0
"""Design choice: faster is an error (the fastest men reach 12.4 m/s); a distance may be told in steps."""

STILL_MPS = 0.3
"""Design choice: slower is standing; pods round."""

HOLD_S = 5.0
"""Design choice: a reading holds for so long; a longer silence is a gap."""

LONGEST_GAP_S = 300.0
"""Design choice, as in `load.totals`: a gap up to this counts, by the sensor's own distance or at the mean of the
speeds before and after (then marked estimated); a longer one is a break."""

FRESH_NS = 5 * NS
"""Design choice: how long a value is shown as "now"."""

SPEED_SHARE = 0.03
"""Design choice: how far off an RSC pod's speed may be as a whole. Stryd's stride length and frequency agreed with an
optical system to 1 % in 18 runners (reference of `docs/metrics.md`); other pods are not that good."""


class CadenceUnit:
    """Whether a sensor counts steps or strides: settled once `AGREE` readings in a row leave only one answer."""

    def __init__(self) -> None:
        self.steps_each: int | None = None
        """1: it counts steps, 2: strides; None: not settled."""
        self._says: int | None = None
        self._in_a_row = 0

    def see(self, cadence_per_min: float, *, surely_running: bool) -> None:
        """A cadence, and whether she surely runs: only then do steps and strides lie apart."""
        if self.steps_each is not None or not surely_running:
            return
        low, high = STRIDES_PER_MIN
        says = 1 if cadence_per_min >= LOW_SPM else 2 if low <= cadence_per_min <= high else None
        self._in_a_row = self._in_a_row + 1 if says is not None and says == self._says else 1
        self._says = says
        if says is not None and self._in_a_row >= AGREE:
            self.steps_each = says


@dataclass(frozen=True, slots=True)
class Moved:
    """What one reading adds: from `begin_ns` to `end_ns` she went so far. `estimated`: nobody measured how far."""

    begin_ns: int
    end_ns: int
    activity: Activity
    metres: float
    steps: float
    estimated: bool = False


@dataclass(slots=True)
class _Source:
    """One sensor, between its readings. `unsettled`: counts of which nobody knows yet whether they are steps."""

    unit: CadenceUnit
    last: Reading | None = None
    unsettled: float = 0.0

    def steps(self, cadence_per_min: float | None, seconds: float) -> float:
        """Steps that this time adds; those of the time before the unit was settled come with the first after it."""
        self.unsettled += (cadence_per_min or 0.0) * seconds / 60
        if self.unit.steps_each is None:
            return 0.0
        steps, self.unsettled = self.unsettled * self.unit.steps_each, 0.0
        return steps


class Readings:
    """Readings of all sensors of a run. Times are run time (arrival). Bounded: the last reading of each sensor."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}
        self._leading: str | None = None
        self._heart: tuple[int, float] | None = None
        self._power: tuple[int, float] | None = None
        self._cadence: tuple[int, float] | None = None
        self._speed: tuple[int, float] | None = None
        self._activity: Activity | None = None
        self._heart_sum, self._heart_n = 0.0, 0
        self._run_steps, self._run_s, self._run_m = 0.0, 0.0, 0.0

    def add(self, pod: str, reading: Reading) -> Moved | None:
        """What this reading adds to the run; None when she stands, or when another sensor counts already."""
        source = self._sources.setdefault(pod, _Source(CadenceUnit()))
        self._note(source, reading)
        if reading.speed_mps is None:
            return None
        before = source.last
        if before is not None and _waits(before, reading):
            return None
        source.last = reading
        if self._leading not in {None, pod} and self._is_fresh(self._sources[str(self._leading)].last, reading):
            return None  # two feet, or a pod and a watch: one of them counts
        self._leading = pod
        return self._moved(source, before, reading)

    @property
    def heart_rate_bpm(self) -> float | None:
        """Mean over the run."""
        return self._heart_sum / self._heart_n if self._heart_n else None

    @property
    def running_cadence_spm(self) -> float | None:
        """Mean cadence while running, once the unit of a sensor is settled."""
        return 60 * self._run_steps / self._run_s if self._run_s else None

    def summed(self, summary: RunSummary) -> RunSummary:
        """The summary of a run that only sensors saw, with their speed and cadence while running."""
        run_s = summary.run_time_s
        speed_mps = self._run_m / run_s if run_s else None
        return changed(summary, cadence_spm=self.running_cadence_spm, speed_mps=speed_mps)

    def into(self, window: GaitWindow, t_ns: int) -> GaitWindow:
        """The window with what sensors say now, where no stride said it."""

        def now(value: tuple[int, float] | None) -> float | None:
            return None if value is None or t_ns - value[0] > FRESH_NS else value[1]

        window = changed(window, heart_rate_bpm=now(self._heart), power_w=now(self._power))
        speed = now(self._speed)
        if window.activity is not None or speed is None:
            return window
        shown = changed(window, cadence_spm=now(self._cadence), activity=self._activity)
        if speed <= STILL_MPS:
            return shown
        return changed(shown, speed_mps=speed, speed_sd_mps=SPEED_SHARE * speed, speed_source="sensor")

    def _note(self, source: _Source, reading: Reading) -> None:
        t_ns = reading.t_rx_ns
        if reading.heart_rate_bpm is not None:
            self._heart = t_ns, reading.heart_rate_bpm
            self._heart_sum, self._heart_n = self._heart_sum + reading.heart_rate_bpm, self._heart_n + 1
        if reading.power_w is not None:
            self._power = t_ns, reading.power_w
        if reading.speed_mps is not None:
            self._speed = t_ns, reading.speed_mps
        if reading.cadence_per_min is None:
            return
        surely = reading.running is True or (reading.speed_mps or 0.0) >= FAST_MPS
        source.unit.see(reading.cadence_per_min, surely_running=surely)
        if source.unit.steps_each is not None:
            self._cadence = t_ns, reading.cadence_per_min * source.unit.steps_each

    def _moved(self, source: _Source, before: Reading | None, now: Reading) -> Moved | None:
        assert now.speed_mps is not None
        steps_each = source.unit.steps_each
        spm = None if steps_each is None or now.cadence_per_min is None else now.cadence_per_min * steps_each
        self._activity = _activity(now, spm) if now.speed_mps > STILL_MPS else None
        if before is None:
            return None
        seconds = (now.t_rx_ns - before.t_rx_ns) / NS
        metres, estimated = _metres(before, now, seconds)
        if metres <= 0.0 or self._activity is None:
            return None
        if spm is not None and self._activity is Activity.RUN and not estimated:
            self._run_steps, self._run_s = self._run_steps + spm * seconds / 60, self._run_s + seconds
        if self._activity is Activity.RUN:
            self._run_m += metres
        steps = source.steps(now.cadence_per_min, seconds)
        return Moved(before.t_rx_ns, now.t_rx_ns, self._activity, metres, steps, estimated)

    @staticmethod
    def _is_fresh(last: Reading | None, now: Reading) -> bool:
        return last is not None and now.t_rx_ns - last.t_rx_ns <= FRESH_NS


def _waits(before: Reading, now: Reading) -> bool:
    """She moves, but the sensor's distance stands still: some tell it every few seconds, and the next tells of all."""
    stands = now.distance_m is not None and now.distance_m == before.distance_m and now.segment == before.segment
    return stands and (now.speed_mps or 0.0) > STILL_MPS and now.t_rx_ns - before.t_rx_ns <= HOLD_S * NS


def _metres(before: Reading, now: Reading, seconds: float) -> tuple[float, bool]:
    """How far, and whether that is an estimate: its own distance where it tells one, else speed over time."""
    if not 0.0 < seconds <= LONGEST_GAP_S:
        return 0.0, False
    if before.distance_m is not None and now.distance_m is not None and before.segment == now.segment:
        metres = now.distance_m - before.distance_m
        if metres > 0.0 or (now.speed_mps or 0.0) <= STILL_MPS:
            return (metres, False) if metres <= FASTEST_MPS * seconds + ROUNDING_M else (0.0, False)
    assert now.speed_mps is not None
    assert before.speed_mps is not None
    if now.speed_mps > FASTEST_MPS:
        return 0.0, False
    return (before.speed_mps + now.speed_mps) / 2 * seconds, seconds > HOLD_S


def _activity(reading: Reading, spm: float | None) -> Activity:
    """As the sensor says; else by cadence, else by speed."""
    if reading.running is not None:
        return Activity.RUN if reading.running else Activity.WALK
    if spm is not None:
        return Activity.RUN if spm >= WALK_RUN_SPM else Activity.WALK
    return Activity.RUN if (reading.speed_mps or 0.0) >= RUN_MPS else Activity.WALK


RUN_MPS = 2.1
"""Speed between walking and running, the weakest of the three signs: 55 % told right (the same study)."""
