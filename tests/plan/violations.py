"""Scripted runs that pass limits, and an oracle that says by other means which stride or tick must tell of it.

A script is what one runner did (walk, run, stand, pods that drop out), as strides with arrival times on a grid of
milliseconds, a plan with thresholds drawn from what the run comes to, and what was known of her history. The oracle
paints strides on that grid, one cell a millisecond, and counts cells; it shares no code with `load.totals` and `plan`.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from sensord.load.totals import Totals
from sensord.model import Activity, Alert, PodSetup, RunSetup, Side, StepLengths, Stride
from sensord.plan.limits import Limits
from sensord.plan.model import read_plan
from sensord.plan.standing import Day
from tests.plan.made_plans import HEAD, stride

MS = 1_000_000
WALK, RUN = 1, 2
LEVELS = ("info", "warn", "stop", "urgent")
FIRST_STRIDE_MS, TOLD_MS = 760, 700
"""A running stride of the scripts lasts at most so long, and is told at most so long after."""
NAMES = ("distance", "run_time", "steps", "session_spike", "week_growth", "impact_load", "downhill")
USUAL_G = 8.0
STEP_M = {Activity.WALK: 0.70, Activity.RUN: 0.95}


@dataclass(frozen=True)
class Item:
    """What happens at `at_ms`: a stride becomes known, a link breaks or is back, a second has passed."""

    at_ms: int
    kind: str  # "stride" | "down" | "up" | "tick"
    stride: Stride | None = None
    foot: Side | None = None


@dataclass(frozen=True)
class Expected:
    """An alert that must come, and why."""

    at_ms: int
    rule: str
    level: str
    phase: str
    why: str = field(compare=False)


@dataclass(frozen=True)
class Limit:
    """One limit of the plan: its name, what it counts, thresholds in the unit it counts, base for percentages."""

    rule: str
    counts: str  # "distance" | "run_distance" | "run_ms" | "steps" | "run_steps" | "downhill"
    levels: dict[str, float]
    walking_clears: bool
    live: bool = True
    plus: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class Script:
    """A run, its plan, and what the oracle needs to know of both."""

    seed: int
    items: tuple[Item, ...]
    plan_text: str
    setup: RunSetup
    limits: tuple[Limit, ...]
    true: tuple[tuple[int, int, Activity], ...]  # every stride there was, seen or not
    dropped: bool
    grade_pct: float | None


# ------------------------------------------------------------------------------------------------ the script


def make(seed: int) -> Script:
    """The script of a seed."""
    rng = random.Random(seed)
    pods = rng.choice([(Side.LEFT, Side.RIGHT)] * 4 + [(Side.LEFT,), (Side.RIGHT,)])
    segments = _segments(rng)
    strides = {foot: list(_strides(rng, segments, offset)) for foot, offset in zip(pods, (0, 380), strict=False)}
    end_ms = sum(ms for _, ms in segments) + 8000
    items, dropped = _heard(rng, strides, end_ms)
    true = tuple((b, e, a) for own in strides.values() for b, e, a, _ in own)
    grade = rng.choice([None, -4.0, 3.0])
    totals = _painted(strides)
    text, limits, day = _Planner(rng, totals, grade, pods).plan()
    setup = RunSetup(
        run="RUN",
        runner="r-1",
        site="s",
        gateway="g",
        pods=tuple(PodSetup(f"pod-{foot}", foot, "open_pod") for foot in pods),
        plan_text=text,
        grade_pct=grade,
        day=None if day is None else day.to_json(),
    )
    return Script(seed, tuple(items), text, setup, tuple(limits), true, dropped, grade)


def _segments(rng: random.Random) -> list[tuple[str, int]]:
    segments: list[tuple[str, int]] = []
    for _ in range(rng.randint(2, 8)):
        kind = rng.choice(["run", "run", "run", "walk", "walk", "stand"])
        longest = {"run": 60_000, "walk": 30_000, "stand": 20_000}[kind]
        segments.append((kind, rng.randint(2_000, longest)))
    style = rng.random()
    if style < 0.1:
        segments.append(("run", rng.randint(190_000, 420_000)))  # long enough for reminders
    elif style < 0.4:
        segments += [(kind, rng.randint(9_000, 25_000)) for _ in range(4) for kind in ("walk", "run")]
    if rng.random() < 0.4:
        segments.append(("walk", rng.randint(12_000, 30_000)))
    return [("run", rng.randint(5_000, 30_000)), *segments] if rng.random() < 0.8 else segments


def _strides(
    rng: random.Random, segments: list[tuple[str, int]], offset_ms: int
) -> Iterator[tuple[int, int, Activity, float]]:
    """Begin and end in ms, activity, length in m, one after the other."""
    now, t = 1000, 1000 + offset_ms
    for kind, ms in segments:
        now += ms
        if kind == "stand":
            t = now + offset_ms
            continue
        activity = Activity.RUN if kind == "run" else Activity.WALK
        while t < now:
            lasts = rng.randint(680, FIRST_STRIDE_MS) if activity is Activity.RUN else rng.randint(1000, 1200)
            yield t, t + lasts, activity, rng.uniform(1.7, 2.3) if activity is Activity.RUN else rng.uniform(1.2, 1.5)
            t += lasts


def _heard(
    rng: random.Random, strides: dict[Side, list[tuple[int, int, Activity, float]]], end_ms: int
) -> tuple[list[Item], bool]:
    """What becomes known of it, and when; whether pods dropped out."""
    away: dict[Side, list[tuple[int, int, int]]] = {foot: [] for foot in strides}
    for _ in range(rng.choice([0, 0, 0, 1, 2])):
        begin = rng.randint(3_000, end_ms)
        back = begin + rng.choice([rng.randint(2_000, 20_000), rng.randint(20_000, 90_000)])
        for foot in rng.choice([tuple(strides), tuple(strides), (next(iter(strides)),)]):
            if all(back < a or begin > b for a, _, b in away[foot]):
                away[foot].append((begin, min(begin + rng.randint(500, 6_000), back - 500), back))
    items: list[Item] = []
    for foot, own in strides.items():
        known = 0
        for begin, end, activity, length in own:
            lost = next((gap for gap in away[foot] if begin < gap[2] + 1000 and end > gap[0]), None)
            made = _stride(foot, begin, end, activity, length if rng.random() < 0.93 else None)
            made = replace(made, impact_peak_g=rng.uniform(6.0, 12.0))
            if lost is None:
                known = max(known + 1, end + rng.randint(450, TOLD_MS))
                items.append(Item(known, "stride", made))
            elif begin < lost[0] and rng.random() < 0.5:  # it began, and its end was never seen
                items.append(Item(lost[1] - 1, "stride", replace(made, next_ic_pod_ns=None, next_ic_run_ns=None)))
        for _, down, back in away[foot]:
            items += [Item(down, "down", foot=foot), Item(back, "up", foot=foot)]
    items += [Item(ms, "tick") for ms in range(1000, end_ms + 1, 1000)]
    order = {"down": 0, "up": 1, "stride": 2, "tick": 3}
    return sorted(items, key=lambda i: (i.at_ms, order[i.kind])), any(away.values())


def _stride(foot: Side, begin: int, end: int, activity: Activity, length: float | None) -> Stride:
    return replace(
        stride(foot, 10.0, run=activity is Activity.RUN),
        ic_pod_ns=begin * MS,
        next_ic_pod_ns=end * MS,
        ic_run_ns=begin * MS,
        next_ic_run_ns=end * MS,
        stride_length_m=length,
    )


@dataclass
class _Planner:
    """Writes a plan with thresholds near and below what the run comes to (and some above it)."""

    rng: random.Random
    came_to: dict[str, float]
    grade: float | None
    pods: tuple[Side, ...]
    limits: list[Limit] = field(default_factory=list)
    setting: dict[str, object] = field(default_factory=dict)  # what is known of her history and stage
    shares: dict[str, float] = field(default_factory=dict)
    live: bool = True

    def plan(self) -> tuple[str, list[Limit], Day | None]:
        text, rng = HEAD.format(side="left"), self.rng
        for name in rng.sample(NAMES, rng.randint(1, 4)):
            self.live = rng.random() < 0.92
            some = [("warn",), ("stop",), ("warn", "stop"), ("info", "stop"), LEVELS, ("warn", "stop", "urgent")]
            levels = rng.choice(some)
            self.shares = dict(zip(levels, sorted(rng.uniform(0.1, 1.25) for _ in levels), strict=True))
            still = "" if self.live else "live = false\n"
            text += f"[limit.{name}]\n{still}{getattr(self, name)()}"
        if not self.setting:
            return text, self.limits, None
        for name in ("session_spike", "week_growth", "impact_load"):  # from the only stage on, whatever its workout
            text = text.replace(f"[limit.{name}]\n", f'[limit.{name}]\nfrom_stage = "1"\n')
        text += '[[stage]]\nid = "1"\nsession = [{do = "run 30min"}]\n'
        return text, self.limits, Day("test", 1, "1", stages=("1",), **({"workout": "run 30min"} | self.setting))

    def _add(
        self, rule: str, counts: str, levels: dict[str, float], clears: bool, plus: float = 0.0, scale: float = 1.0
    ) -> None:
        self.limits.append(Limit(f"limit.{rule}", counts, levels, clears, self.live, plus, scale))

    def _metres(self, whole: float) -> dict[str, float]:
        return {name: round(max(share * whole, 1.0), 5) for name, share in self.shares.items()}

    def _pcts(self) -> dict[str, float]:
        return {name: round(100 * share + 20, 4) for name, share in self.shares.items()}

    def distance(self) -> str:
        counts = self.rng.choice(["distance", "run_distance"])
        levels = self._metres(self.came_to[counts])
        self._add("distance", counts, levels, counts == "run_distance")
        return f'counts = "{"all" if counts == "distance" else "run"}"\n' + _lines(levels, "m")

    def run_time(self) -> str:
        run_ms = self.came_to["run_ms"]
        if self.rng.random() < 0.6:
            levels = {name: float(max(round(share * run_ms), 500)) for name, share in self.shares.items()}
            self._add("run_time", "run_ms", levels, True)
            return "".join(f'{name} = "{ms / 1000:.3f}s"\n' for name, ms in levels.items())
        minutes = self.rng.randint(1, 5)  # what the stage asks for
        self.setting["workout"] = f"{minutes}x(walk 1min, run 1min)"
        pcts = {n: min(max(round(s * run_ms / (600.0 * minutes), 3), 1.0), 1000.0) for n, s in self.shares.items()}
        self._add("run_time", "run_ms", {n: pct * (minutes * 60.0) / 100.0 * 1000.0 for n, pct in pcts.items()}, True)
        return 'of = "stage"\n' + _pct_lines(pcts)

    def steps(self) -> str:
        counts, foot = self.rng.choice(["steps", "run_steps"]), self.rng.choice(["both", "each", "injured"])
        part = 1.0 if foot == "both" else 0.5
        levels = {name: max(1, round(share * part * self.came_to[counts])) for name, share in self.shares.items()}
        self._add("steps", counts, {n: float(v) for n, v in levels.items()}, counts == "run_steps", 0.0, part)
        body = f'counts = "{"all" if counts == "steps" else "run"}"\nfoot = "{foot}"\n'
        return body + "".join(f"{name} = {value}\n" for name, value in levels.items())

    def session_spike(self) -> str:
        pcts, base_m = self._pcts(), self.came_to["distance"] / self.rng.uniform(0.6, 1.5) + 1.0
        self.setting["longest_30d_m"] = base_m
        self._add("session_spike", "distance", pcts, False, 0.0, 100.0 / base_m)
        return _pct_lines(pcts)

    def week_growth(self) -> str:
        pcts, all_m, rng = self._pcts(), self.came_to["distance"], self.rng
        before_m, so_far_m = all_m * rng.uniform(0.5, 3.0) + 1.0, all_m * rng.uniform(0.0, 0.5)
        least_m = rng.choice([None, round(before_m * rng.uniform(0.5, 2.0), 3)])
        self.setting |= {"previous_7d_m": before_m, "distance_7d_m": so_far_m}
        self._add("week_growth", "distance", pcts, False, so_far_m, 100.0 / max(before_m, least_m or 0.0))
        return _pct_lines(pcts) + (f'min_base = "{least_m:.3f}m"\n' if least_m else "")

    def impact_load(self) -> str:
        pcts, rng = self._pcts(), self.rng
        exponent, before = rng.choice([1.0, 2.0, 4.0]), self.came_to["run_steps"] * rng.uniform(0.5, 3.0)
        so_far = before * rng.uniform(0.0, 0.5)
        self.setting |= {"impact_load_previous_7d": {"left": before}, "impact_load_7d": {"left": so_far}}
        if Side.LEFT in self.pods:
            self._add("impact_load", f"load {exponent}", pcts, True, so_far, 100.0 / before)
        body = f"exponent = {exponent}\n" + _pct_lines(pcts)
        body += "[impact]\nmetric = 'peak_accel'\nmount = 'laces'\nwarn_pct = 1000\n"
        return body + f"baseline = {{mode = 'fixed', value_g = {USUAL_G}}}\n"

    def downhill(self) -> str:
        levels = self._metres(self.came_to["distance"])
        if self.grade is not None and self.grade < 0:
            self._add("downhill", "distance", levels, False)
        return _lines(levels, "m")


def _pct_lines(pcts: dict[str, float]) -> str:
    return "".join(f"{name}_pct = {pct}\n" for name, pct in pcts.items())


def _lines(levels: dict[str, float], unit: str) -> str:
    return "".join(f'{name} = "{value:.5f}{unit}"\n' for name, value in levels.items())


def _painted(strides: dict[Side, list[tuple[int, int, Activity, float]]]) -> dict[str, float]:
    """About what the run comes to, for thresholds."""
    first = next(iter(strides.values()))
    sums = {"distance": 1.0, "run_distance": 1.0, "run_ms": 1000.0, "steps": 2.0, "run_steps": 2.0}
    for begin, end, activity, length in first:
        sums["distance"] += length
        sums["steps"] += 2
        if activity is Activity.RUN:
            sums["run_distance"] += length
            sums["run_steps"] += 2
            sums["run_ms"] += end - begin
    return sums


# ------------------------------------------------------------------------------------------------ the oracle


class Paint:
    """A row of cells, one a millisecond: what she did in each, painted once."""

    def __init__(self, cells: int) -> None:
        self.cells = np.zeros(cells, dtype=np.uint8)
        self.sums = {
            WALK: dict.fromkeys(("ms", "metres", "steps"), 0.0),
            RUN: dict.fromkeys(("ms", "metres", "steps"), 0.0),
        }

    def free(self, begin: int, end: int) -> int:
        return int(np.count_nonzero(self.cells[begin:end] == 0))

    def paint(self, begin: int, end: int, color: int, metres: float, steps: float) -> None:
        """`metres` and `steps` of the whole stretch; only the cells that are free count."""
        free = self.free(begin, end)
        row = self.cells[begin:end]
        row[row == 0] = color
        share = free / (end - begin)
        for name, whole in (("ms", float(end - begin)), ("metres", metres), ("steps", steps)):
            self.sums[color][name] += share * whole


class Oracle:
    """Goes through a script in order and writes down what must be told."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.paint = Paint(script.items[-1].at_ms + 10_000)
        self.recent: deque[tuple[float, int]] = deque(maxlen=8)
        self.doing = RUN
        self.lost: dict[Side, int] = {}
        self.ended: dict[Side, int] = {}
        self.gaps: list[tuple[int, int, int, float, float]] = []
        self.newest: tuple[int, int] | None = None
        self.up = {pod.side for pod in script.setup.pods}
        self.expected: list[Expected] = []
        self.books = [_Book(limit) for limit in script.limits]
        self.counted_run = 0.0
        self.walked_at_run = 0.0
        self.bout_from = 0.0
        self.walked = 0.0
        self.ran_at: int | None = None
        self.any = False
        self.peaks: list[float] = []

    def told(self) -> list[Expected]:
        for item in self.script.items:
            match item.kind:
                case "tick":
                    self._tick(item)
                case "down":
                    self._down(item)
                case "up":
                    self.up.add(item.foot)
                case _:
                    self._stride(item)
        for book in self.books:
            if not book.limit.live and self.any:
                self.expected += book.reach(self._value(book.limit), item.at_ms, None, "the end of the run")
        return self.expected

    def _down(self, item: Item) -> None:
        self.up.discard(item.foot)
        ended = self.ended.get(item.foot)
        if ended is not None and item.at_ms - ended <= 8000 and item.foot not in self.lost:
            self.lost[item.foot] = ended

    def _stride(self, item: Item) -> None:
        one = item.stride
        assert one is not None
        begin = one.ic_run_ns // MS
        if one.foot is Side.LEFT and one.activity is Activity.RUN:
            self.peaks.append(one.impact_peak_g / USUAL_G)
        lost = self.lost.pop(one.foot, None)
        if lost is not None and lost < begin <= lost + 300_000 and self.recent:
            metres, ms = sum(m for m, _ in self.recent), sum(t for _, t in self.recent)
            self.gaps.append((lost, begin, self.doing, metres / ms, ms / len(self.recent)))
        if one.next_ic_run_ns is None:
            self.lost[one.foot] = begin
        else:
            self._whole(one, begin, one.next_ic_run_ns // MS)
        self._after_stride(item)

    def _whole(self, one: Stride, begin: int, end: int) -> None:
        color = RUN if one.activity is Activity.RUN else WALK
        length = 2 * STEP_M[one.activity] if one.stride_length_m is None else one.stride_length_m
        self.paint.paint(begin, end, color, length, 2.0)
        self.doing = color
        self.recent.append((length, end - begin))
        self.ended[one.foot] = end
        if self.newest is None or end >= self.newest[0]:
            self.newest = (end, color)
        for gap in [gap for gap in self.gaps if gap[1] + 3000 <= begin]:
            self.gaps.remove(gap)
            lost, back, what, pace, per = gap
            self.paint.paint(lost, back, what, pace * (back - lost), 2.0 * (back - lost) / per)

    def _after_stride(self, item: Item) -> None:
        run, walk = self.paint.sums[RUN]["ms"], self.paint.sums[WALK]["ms"]
        if run > self.counted_run:
            self.walked_at_run, self.ran_at = walk, item.at_ms
        self.counted_run, self.walked = run, walk - self.walked_at_run
        if self.walked >= 10_000:  # running again begins here
            self.bout_from = run
        if not any(self.paint.sums[c]["steps"] for c in (WALK, RUN)):
            return
        self.any = True
        number = item.stride.foot.value
        for book in self.books:
            if book.limit.live:
                why = f"the {number} stride that ended at {self.ended.get(item.stride.foot)} ms"
                self.expected += book.reach(self._value(book.limit), item.at_ms, run - self.bout_from, why)
                if self.walked >= 10_000:
                    self.expected += book.clear(item.at_ms)

    def _tick(self, item: Item) -> None:
        now = self._run_ms_at(item.at_ms)
        for book in self.books:
            if book.limit.live and self.any and book.limit.counts == "run_ms":
                why = f"the tick: {now / 1000:.3f} s of running by now"
                self.expected += book.reach(now, item.at_ms, self.counted_run - self.bout_from, why)
        for book in self.books:
            runs_on = self.ran_at is not None and item.at_ms - self.ran_at <= 3000
            self.expected += book.remind(item.at_ms, runs_on=runs_on)

    def _run_ms_at(self, at_ms: int) -> float:
        cells = self.paint.cells.copy()
        for lost, back, what, _, _ in self.gaps:
            if what == RUN:
                row = cells[lost:back]
                row[row == 0] = RUN + 1
        run = (
            self.paint.sums[RUN]["ms"] + float(np.count_nonzero(cells == RUN + 1))
            if self.gaps
            else self.paint.sums[RUN]["ms"]
        )
        if self.newest is None or self.newest[1] != RUN:
            return run
        since = at_ms - self.newest[0]
        nobody = not self.up and bool(self.lost) and since <= 300_000
        return run + max(since, 0) if since <= 1500 or nobody else run

    def _value(self, limit: Limit) -> float:
        if limit.counts.startswith("load"):
            exponent = float(limit.counts.split()[1])
            return limit.scale * (limit.plus + sum(peak**exponent for peak in self.peaks))
        run, walk = self.paint.sums[RUN], self.paint.sums[WALK]
        value = {
            "distance": run["metres"] + walk["metres"],
            "run_distance": run["metres"],
            "run_ms": run["ms"],
            "steps": round(run["steps"] + walk["steps"]),
            "run_steps": round(run["steps"]),
        }[limit.counts]
        return limit.scale * (limit.plus + value)


class _Book:
    """What was told of one limit."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.open: dict[str, int] = {}
        self.walked_off = False
        self.last = 0
        self.ever = 0  # levels that were ever reached

    def reach(self, value: float, at_ms: int, bout_ms: float | None, why: str) -> list[Expected]:
        reached = [name for name in LEVELS if name in self.limit.levels and value >= self.limit.levels[name]]
        new, self.ever = len(reached) > self.ever, max(self.ever, len(reached))
        if self.walked_off and not new and (bout_ms is None or bout_ms < 10_000):
            return []
        self.walked_off = False
        if not reached or any(LEVELS.index(name) >= LEVELS.index(reached[-1]) for name in self.open):
            return []
        self.open[reached[-1]] = self.last = at_ms
        limit = self.limit.levels[reached[-1]]
        return [Expected(at_ms, self.limit.rule, reached[-1], "onset", f"{value:.5f} of {limit:.5f} with {why}")]

    def clear(self, at_ms: int) -> list[Expected]:
        if not self.limit.walking_clears or not self.open or max(self.open, key=LEVELS.index) != "stop":
            return []
        levels = sorted(self.open, key=LEVELS.index, reverse=True)
        self.open.clear()
        self.walked_off = True
        return [Expected(at_ms, self.limit.rule, level, "recovery", "ten seconds of walking") for level in levels]

    def remind(self, at_ms: int, *, runs_on: bool) -> list[Expected]:
        loudest = max(self.open, key=LEVELS.index, default=None)
        if loudest not in ("stop", "urgent") or not runs_on or at_ms - self.last < 180_000:
            return []
        self.last = at_ms
        return [Expected(at_ms, self.limit.rule, loudest, "reminder", "three minutes of running on")]


# ------------------------------------------------------------------------------------------------ what is tested


def told(script: Script) -> list[Expected]:
    """What `Totals` and `Limits` tell of a script, in the order in which the pipeline asks them."""
    totals, limits = Totals(StepLengths(STEP_M[Activity.WALK], STEP_M[Activity.RUN])), limits_of(script)
    up = {pod.side for pod in script.setup.pods}
    said = [(0, one) for one in limits.start(0)]
    for item in script.items:
        t_ns = item.at_ms * MS
        now: list = []
        match item.kind:
            case "tick":
                now = limits.on_tick(t_ns, up, totals.run_time_at(t_ns, linked=bool(up)))
            case "down":
                up.discard(item.foot)
                totals.lost(item.foot, t_ns)
            case "up":
                up.add(item.foot)
            case _:
                totals.add(item.stride)
                now = limits.on_stride(item.stride, t_ns) + limits.on_totals(totals.now, t_ns)
        said += [(item.at_ms, one) for one in now]
    said += [(item.at_ms, one) for one in limits.end(item.at_ms * MS)]
    return [
        Expected(at_ms, one.rule, one.level.value, one.phase.value, one.text)
        for at_ms, one in said
        if isinstance(one, Alert)
    ]


def limits_of(script: Script) -> Limits:
    """The limits under test."""
    return Limits(read_plan(script.plan_text, "plan.toml"), script.setup)


def check(script: Script) -> tuple[list[Expected], list[str]]:
    """What had to come; and what was missed, told without reason or at another moment, again, or late."""
    must, found = Oracle(script).told(), told(script)
    missed, extra = list(must), []
    for one in found:
        if one in missed:
            missed.remove(one)
        else:
            extra.append(one)
    lines = [f"missed {e.phase} {e.level} of {e.rule} at {e.at_ms} ms: {e.why}" for e in missed]
    lines += [f"spurious {e.phase} {e.level} of {e.rule} at {e.at_ms} ms: {e.why}" for e in extra]
    lines += restless(script, found) + late(script, found)
    return must, [f"seed {script.seed}: {line}" for line in lines]


def restless(script: Script, found: list[Expected]) -> list[str]:
    """What is told again within a breach: an onset comes anew only after ten seconds of walking and ten of running,
    and a limit to which walking counts, or an urgent one, never."""
    told_again = []
    onsets = [e for e in found if e.phase == "onset"]
    colors = np.zeros(script.items[-1].at_ms + 10_000, dtype=np.uint8)
    for begin, end, activity in script.true:
        colors[begin:end] = np.maximum(colors[begin:end], RUN if activity is Activity.RUN else WALK)
    for number, one in enumerate(onsets):
        before = [e.at_ms for e in onsets[:number] if (e.rule, e.level) == (one.rule, one.level)]
        if not before:
            continue
        since = colors[before[-1] : one.at_ms]
        clears = next(limit.walking_clears for limit in script.limits if limit.rule == one.rule)
        enough = np.count_nonzero(since == WALK) >= 9_000 and np.count_nonzero(since == RUN) >= 9_000
        if one.level != "stop" or not clears or not enough:
            told_again.append(f"{one.level} of {one.rule} at {one.at_ms} ms again: {one.why}")
    return told_again


def late(script: Script, found: list[Expected]) -> list[str]:
    """Running-time onsets against what she really did, when nothing was lost: at most one tick after the moment, and
    never when she ran a second and a half less in all. Where one foot walked and the other ran, either counts. That she
    runs is known with the first stride of it: a moment within that stride is told when the stride is."""
    limit = next((one for one in script.limits if one.rule == "limit.run_time" and one.live), None)
    if limit is None or script.dropped:
        return []
    last_ms = script.items[-1].at_ms
    running, walking = np.zeros(last_ms + 10_000, dtype=bool), np.zeros(last_ms + 10_000, dtype=bool)
    for begin, end, activity in script.true:
        (running if activity is Activity.RUN else walking)[begin:end] = True
    least, most_ms = np.cumsum(running & ~walking), int(np.count_nonzero(running))
    onsets = [e for e in found if e.rule == limit.rule and e.phase == "onset"]
    problems = []
    for name, threshold in limit.levels.items():
        first = next((e.at_ms for e in onsets if LEVELS.index(e.level) >= LEVELS.index(name)), None)
        if least[-1] >= threshold:
            moment = int(np.argmax(least >= threshold)) + 1
            tick = -(-moment // 1000) * 1000
            bout = moment - 1 - int(np.argmin(running[moment - 1 :: -1]))  # the last moment before she ran
            if moment - bout <= FIRST_STRIDE_MS:
                tick = max(tick, bout + FIRST_STRIDE_MS + TOLD_MS)
            if tick <= last_ms and (first is None or first > tick):
                problems.append(f"{name} at {moment} ms was told at {first} ms")
        if first is not None and most_ms + 1500 < threshold:
            problems.append(f"{name} told at {first} ms, though she ran {most_ms} ms in all")
    return problems
