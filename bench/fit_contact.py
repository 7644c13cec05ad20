"""Rules for initial and terminal contact in running, on two runners against a force plate, and what their constants do.

    SENSORD_DATA=... python bench/fit_contact.py

1. Rules of the literature, shares of the pitch-rate minima, and the shipped rules, on the variant without a placed
   impact (`smooth_200hz`): bias and SD of each foot, and how far the two runners and the two feet differ. A rule that
   is right but for a constant has the same bias everywhere; the last column is what is left on one runner when that
   constant is fitted on the other.
2. The same for the shipped rules on every variant (in `impact*` and `hard*` the shock was placed at the force event:
   initial contact is not to be judged there).
3. Every constant of `sensord/dsp/contact.py` and `braking.py` moved.
4. Where AFTER_PUSH_S comes from: no force plate is used for it.
5. The timing model of `sensord/dsp/timing.py`: what the data say about it.

Two runners on treadmills are a demonstration, not a population.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sensord import analyse
from sensord.dsp import braking, contact
from sensord.dsp.braking import FootAcceleration, Habit, vertex
from sensord.files.imu_csv import read_imu_csv
from sensord.model import NS, FloatArray, Side

RUNNERS = {"heel 4.1 m/s": "jdx_derived/jdx_s999_run0021", "midfoot 3.5 m/s": "rbds_derived/rbds001_run35"}
SMOOTH = "smooth_200hz"
VARIANTS = (SMOOTH, "impact_100hz", "impact_200hz", "impact_400hz", "hard_400hz", "impact_lossy_200hz")
NEAR_S = 0.06
Feet = dict[tuple[str, str], FloatArray]
"""Errors in ms of each foot of each runner, (strides, 3): initial, terminal contact, contact time."""
EVENTS = ("IC", "TC", "contact")


def errors(data: Path, variant: str) -> Feet:
    """Found minus true of whatever is in force in `sensord.dsp` now; strides without a marked gap."""
    out: Feet = {}
    for runner, folder in RUNNERS.items():
        truth = json.loads((data / folder / "truth.json").read_text(encoding="utf-8"))["feet"]
        files = {side: data / folder / f"{variant}_{side.value}.csv" for side in Side}
        strides = analyse(left=files[Side.LEFT], right=files[Side.RIGHT]).strides
        for side in Side:
            ic, tc = (np.array(truth[side.value][name]) for name in ("ic_pod_s", "tc_pod_s"))
            rows = []
            for s in strides:
                if s.foot is not side or s.tc_pod_ns is None or "gap_at_contact" in s.spoiled:
                    continue
                landed, left = s.ic_pod_ns / NS, s.tc_pod_ns / NS
                true_ic = ic[np.abs(ic - landed).argmin()]
                later = tc[tc > true_ic]
                if abs(landed - true_ic) <= NEAR_S and len(later):
                    rows.append((landed - true_ic, left - later[0], (left - landed) - (later[0] - true_ic)))
            out[runner, side.value] = 1000.0 * np.array(rows)
    return out


def line(name: str, feet: Feet, event: int) -> str:
    """Bias and SD of each foot; differences of runners and feet."""
    means = {key: float(e[:, event].mean()) for key, e in feet.items()}
    cells = [f"{means[key]:+6.1f} ± {e[:, event].std(ddof=1):3.1f}" for key, e in feet.items()]
    a, b = (np.mean([m for (who, _), m in means.items() if who == runner]) for runner in RUNNERS)
    sides = [means[who, "left"] - means[who, "right"] for who in RUNNERS]
    return f"{name:36s}" + "  ".join(cells) + f"   {a - b:+6.1f}   {sides[0]:+5.1f} {sides[1]:+5.1f}"


HEAD = f"{'':36s}" + "  ".join(f"{r.split()[0]:>8s} {s:5s}" for r in RUNNERS for s in ("left", "right"))
HEAD += "   runners differ; feet differ, each runner"


class Rule:
    """Another rule in the place of the shipped one, while it lasts."""

    def __init__(self, event: str, rule: Callable[..., tuple[float, bool]]) -> None:
        self._name, self._rule = event, rule

    def __enter__(self) -> None:
        self._kept = getattr(FootAcceleration, self._name)
        setattr(FootAcceleration, self._name, self._rule)

    def __exit__(self, *_: object) -> None:
        setattr(FootAcceleration, self._name, self._kept)


def _share(share: float) -> Callable[..., tuple[float, bool]]:
    """Where the pitch rate has come to a share of its first minimum."""

    def landing(foot: FootAcceleration, near: float, habit: Habit) -> tuple[float, bool]:  # noqa: ARG001
        bottom = _slap(foot, near)
        level, row = share * float(foot._smooth[bottom]), bottom
        while foot._smooth[row - 1] < level:
            row -= 1
        return row - float((level - foot._smooth[row]) / (foot._smooth[row - 1] - foot._smooth[row])), True

    return landing


def _slap(foot: FootAcceleration, near: float) -> int:
    row = round(near)
    while foot._smooth[row + 1] < foot._smooth[row]:
        row += 1
    return row


def _slap_itself(foot: FootAcceleration, near: float, habit: Habit) -> tuple[float, bool]:  # noqa: ARG001
    return vertex(foot._smooth, _slap(foot, near)), True


def _pod_braked(foot: FootAcceleration, near: float, habit: Habit) -> tuple[float, bool]:
    """The pod itself, not the heel, is braked hardest."""
    heel, braking.HEEL_M = braking.HEEL_M, 0.0
    try:
        return SHIPPED_LANDING(foot, near, habit)
    finally:
        braking.HEEL_M = heel


def _resultant(foot: FootAcceleration, near: float, habit: Habit) -> tuple[float, bool]:  # noqa: ARG001
    """Peak of the resultant within 40 ms (Strohrmann 2012, Mo & Chow 2018)."""
    low = round(near - 0.04 * foot._rate_hz)
    size = np.hypot(foot._normal, foot._along)[low : round(near + 0.04 * foot._rate_hz)]
    return float(low + size.argmax()), True


def _eased(share: float) -> Callable[..., tuple[float, bool]]:
    """Where the pitch rate has eased to a share of push-off's minimum."""

    def leaving(foot: FootAcceleration, push: int, turned: float) -> tuple[float, bool]:  # noqa: ARG001
        level, row = share * float(foot._smooth[push]), push
        while foot._smooth[row + 1] < level:
            row += 1
        return row + float((level - foot._smooth[row]) / (foot._smooth[row + 1] - foot._smooth[row])), True

    return leaving


def _collapse(foot: FootAcceleration, push: int, turned: float) -> tuple[float, bool]:
    found = foot._collapse(push)
    return turned if found is None else found, True


def _both(foot: FootAcceleration, near: float, habit: Habit) -> tuple[float, bool]:
    """Mean of the braking and of the pitch rate's landing put off by the foot's habit."""
    row, shows = SHIPPED_LANDING(foot, near, habit)
    usual_s = habit.usual_s
    return (row if usual_s is None else (row + near + usual_s * foot._rate_hz) / 2.0), shows


SHIPPED_LANDING = FootAcceleration.landing
LANDINGS = {
    "pitch-rate minimum (Falbriard 2018)": _slap_itself,
    "comes to 50 % of it": _share(0.5),
    "comes to 75 % of it (second choice)": _share(0.75),
    "peak of the resultant": _resultant,
    "pod braked hardest": _pod_braked,
    "heel braked hardest (shipped)": SHIPPED_LANDING,
    "mean of that and the pitch rate": _both,
}
LEAVINGS = {
    "pitch-rate minimum (Falbriard 2018)": lambda f, push, turned: (vertex(f._smooth, push), True),  # noqa: ARG005
    "eased to 85 % of it": _eased(0.85),
    "AFTER_PUSH_S after it": lambda f, push, turned: (turned, True),  # noqa: ARG005
    "throw half collapsed": _collapse,
    "mean of the last two (shipped)": FootAcceleration.leaving,
}


def compare_rules(data: Path) -> None:
    """Part 1."""
    print(f"ms, found minus true, {SMOOTH}\n{HEAD}   left after fitting on the other")
    for name, event, rules in (("landing", 0, LANDINGS), ("leaving", 1, LEAVINGS)):
        for label, rule in rules.items():
            with Rule(name, rule):
                feet = errors(data, SMOOTH)
            print(line(f"{EVENTS[event]} {label}", feet, event) + f"   {_left_over(feet, event):.1f}")
    feet = errors(data, SMOOTH)
    print(line("contact time (shipped)", feet, 2) + f"   {_left_over(feet, 2):.1f}")


def _left_over(feet: Feet, event: int) -> float:
    """Size of one runner's bias once the other's is taken off (the same both ways)."""
    a, b = (np.mean([e[:, event].mean() for (who, _), e in feet.items() if who == runner]) for runner in RUNNERS)
    return abs(float(a - b))


def all_variants(data: Path) -> None:
    """Part 2."""
    print(f"\nthe shipped rules, every variant\n{HEAD}")
    for variant in VARIANTS:
        feet = errors(data, variant)
        for event in range(3):
            print(line(f"{variant} {EVENTS[event]}", feet, event))


MOVES: dict[str, tuple[object, tuple[float | tuple[float, float], ...]]] = {
    "HEEL_M": (braking, (0.05, 0.10, 0.20, 0.25)),
    "LANDING_HZ": (braking, (25.0, 30.0, 50.0, 60.0)),
    "LANDING_S": (braking, ((0.008, 0.01), (0.02, 0.02))),
    "LEAVING_HZ": (braking, (15.0, 20.0, 30.0, 40.0)),
    "FALL_S": (braking, (0.03, 0.042)),
    "FLAT_SHARE": (braking, ((0.25, 0.5), (0.45, 0.7))),
    "CUTOFF_HZ": (contact, (20.0, 25.0, 40.0)),
    "AFTER_PUSH_S": (contact, (0.018, 0.026)),
}


def move_constants(data: Path) -> None:
    """Part 3: only what a constant moves is printed."""
    print(f"\neach constant moved, {SMOOTH}\n{HEAD}")
    shipped = errors(data, SMOOTH)
    for event in range(3):
        print(line(f"shipped {EVENTS[event]}", shipped, event))
    for name, (module, values) in MOVES.items():
        kept = getattr(module, name)
        print(f"{name} = {kept} (shipped)")
        for value in values:
            setattr(module, name, value)
            feet = errors(data, SMOOTH)
            setattr(module, name, kept)
            for event in range(3):
                if any(abs(float(feet[k][:, event].mean() - shipped[k][:, event].mean())) >= 0.05 for k in feet):
                    print(line(f"  {value} {EVENTS[event]}", feet, event))


def after_push(data: Path) -> None:
    """Part 4: from the signals alone."""
    print("\nfrom the lowest pitch rate of push-off to the middle of the collapse, ms (no force plate)")
    means = []
    for runner, folder in RUNNERS.items():
        for side in Side:
            since: list[float] = []

            def leaving(
                foot: FootAcceleration, push: int, turned: float, into: list[float] = since
            ) -> tuple[float, bool]:
                found = foot._collapse(push)
                if found is not None:
                    into.append(1000.0 * (found - vertex(foot._smooth, push)) / foot._rate_hz)
                return turned, True

            with Rule("leaving", leaving):
                analyse(**{side.value: read_imu_csv(data / folder / f"{SMOOTH}_{side.value}.csv")})
            means.append(float(np.mean(since)))
            print(f"  {runner:16s} {side.value:5s} {means[-1]:5.1f} ± {np.std(since, ddof=1):.1f} (n {len(since)})")
    print(f"  mean of four feet {np.mean(means):.1f}; shipped {1000.0 * contact.AFTER_PUSH_S:.1f}")


def timing_model(data: Path) -> None:
    """Part 5: contact time (force plate) less found = b0 + b1 * stride frequency."""
    print("\nb0 + b1 * stride frequency (shipped: 0, 0), fitted on one runner as b0 alone, told on the other, ms")
    bias = {r: [0.0, 0.0] for r in RUNNERS}
    for runner, folder in RUNNERS.items():
        feet = json.loads((data / folder / "truth.json").read_text(encoding="utf-8"))["feet"]
        strides_s = np.mean([foot["summary"]["stride_time_s_mean"] for foot in feet.values()])
        off = [e[:, 2].mean() for (who, _), e in errors(data, SMOOTH).items() if who == runner]
        bias[runner] = [1.0 / float(strides_s), -float(np.mean(off))]
    for runner, other in (tuple(RUNNERS), tuple(reversed(RUNNERS))):
        left = bias[other][1] - bias[runner][1]
        print(
            f"  {runner:16s} {bias[runner][0]:.3f} strides/s, b0 {bias[runner][1]:+.1f}; left on {other}: {left:+.1f}"
        )
    (f0, y0), (f1, y1) = bias.values()
    slope = (y1 - y0) / (f1 - f0)
    print(f"  through both: b1 {slope:+.0f} ms per stride/s; 2 ms of error on either runner moves it by", end=" ")
    print(f"{2.0 / abs(f1 - f0):.0f}: frequency and runner cannot be told apart, so nothing is corrected")


def main() -> int:
    """Print everything."""
    where = os.environ.get("SENSORD_DATA")
    if not where:
        print("SENSORD_DATA names no folder of real recordings", file=sys.stderr)
        return 2
    data = Path(where)
    compare_rules(data)
    all_variants(data)
    move_constants(data)
    after_push(data)
    timing_model(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
