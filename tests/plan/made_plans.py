"""Plan texts and runs made by hand."""

from __future__ import annotations

from sensord.model import NS, Activity, Asymmetry, PodSetup, RunSetup, RunTotals, Side, Stride
from sensord.plan.limits import Limits
from sensord.plan.model import read_plan

HEAD = """\
schema = "rtr-plan/1"
id = "test"
title = "Test"
[runner]
alias = "r-1"
injured_side = "{side}"
"""

IMPACT = """\
[impact]
metric = "peak_accel"
mount = "laces"
baseline = {baseline}
warn_pct = 115
stop_pct = 130
needs = {{window_steps = 30, sustained = "20s", clear_below_pct = 110, min_change_g = 1.0}}
"""

ASYMMETRY = """\
[asymmetry.contact_time]
formula = "si_signed"
baseline = {baseline}
warn = 5.0
stop = 10.0
needs = {{steps = 60, sustained = "30s", clear_below = 4.0}}
"""

FIXED_IMPACT = IMPACT.format(baseline='{mode = "fixed", value_g = 10.0}')
FIXED_ASYMMETRY = ASYMMETRY.format(baseline='{mode = "fixed", value = 0.0}')
DISTANCE = '[limit.distance]\nwarn = "4.5km"\nstop = "5km"\n'
RUN_TIME = '[limit.run_time]\nwarn = "18min"\nstop = "20min"\n'


def limits(
    body: str, side: str = "left", pods: tuple[Side, ...] = tuple(Side), history: tuple = (), **setting: object
) -> Limits:
    setup = RunSetup(
        run="RUN",
        runner="r-1",
        site="home",
        gateway="g",
        pods=tuple(PodSetup(f"pod-{foot}", foot, "open_pod") for foot in pods),
        history=history,
        **setting,
    )
    return Limits(read_plan(HEAD.format(side=side) + body, "plan.toml"), setup)


def totals(distance_m: float = 0.0, run_s: float = 0.0, steps: int | None = None, run_m: float = 0.0) -> RunTotals:
    steps = round(distance_m) if steps is None else steps
    return RunTotals(steps=steps, distance_m=distance_m, run_distance_m=run_m, run_time_s=run_s, walk_time_s=0.0)


def stride(
    foot: Side, peak_g: float | None, *, clipped: bool = False, run: bool = True, confidence: float = 1.0
) -> Stride:
    return Stride(
        foot=foot,
        stride=0,
        segment=0,
        ic_pod_ns=0,
        tc_pod_ns=None,
        next_ic_pod_ns=None,
        activity=Activity.RUN if run else Activity.WALK,
        stride_time_s=0.7,
        contact_time_s=0.25,
        swing_time_s=None,
        duty_factor=None,
        cadence_spm=None,
        stride_length_m=None,
        speed_mps=None,
        strike_angle_deg=None,
        strike_type=None,
        impact_peak_g=peak_g,
        impact_clipped=clipped,
        force_peak_bw=None,
        impulse_bw_s=None,
        gap=False,
        confidence=confidence,
    )


def asymmetry(si: float, half: float | None = 1.0, n: int = 60) -> Asymmetry:
    low, high = (None, None) if half is None else (si - half, si + half)
    se = None if half is None else half / 2.26  # Student's t of ten batches
    return Asymmetry("contact_time", si, low, high, 50 + si / 4, None, n, se=se, latest=si, latest_n=10)


class Runner:
    """Drives `Limits` as the pipeline does: strides, totals, asymmetry, a tick a second. Running time is real time."""

    def __init__(self, under_test: Limits) -> None:
        self.limits = under_test
        self.said: list = under_test.start(0)
        self.t_s = 0.0
        self.run_s = 0.0
        self._ticks = 0

    def run(self, seconds: float, feet: dict[Side, float | None], *, clipped: bool = False, si: object = None) -> None:
        """Run for a while: peaks per foot that is seen (None: seen without an impact), asymmetry every 7 s."""
        end_s = self.t_s + seconds - 1e-9
        while self.t_s < end_s:
            self.t_s += 0.7
            for foot, peak_g in feet.items():
                self.said += self.limits.on_stride(stride(foot, peak_g, clipped=clipped), self.t_ns)
            if feet:
                self.run_s += 0.7
            self.said += self.limits.on_totals(totals(2.6 * self.run_s, self.run_s), self.t_ns)
            if si is not None and round(self.t_s / 0.7) % 10 == 0:
                self.said += self.limits.on_asymmetry(si, self.t_ns)
            self._tick()

    def stand(self, seconds: float) -> None:
        """Nothing comes but ticks."""
        self.t_s += seconds
        self._tick()

    def _tick(self) -> None:
        while self._ticks < int(self.t_s):
            self._ticks += 1
            self.said += self.limits.on_tick(self._ticks * NS)

    @property
    def t_ns(self) -> int:
        return round(self.t_s * NS)

    def states(self, rule: str) -> list:
        return [item for item in self.said if item.KIND == "limit_state" and item.rule == rule]

    def alerts(self, rule: str = "") -> list[tuple[str, str]]:
        """(phase, level) of each alert so far."""
        return [(a.phase.value, a.level.value) for a in self.said if a.KIND == "alert" and (not rule or a.rule == rule)]

    def last(self, rule: str) -> tuple[str, str, str | None]:
        state = self.states(rule)[-1]
        return state.status.value, state.level.value, state.reason
