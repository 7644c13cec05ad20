"""What things are called on the page, and what each number means: titles, units, definitions."""

from __future__ import annotations

from dataclasses import dataclass

DASH = "–"
"""What stands where nothing was measured."""

_TITLES = {
    "limit.distance": "Distance",
    "limit.run_time": "Running time",
    "impact": "Impact",
    "asymmetry.contact_time": "Contact time left/right",
    "asymmetry.swing_time": "Swing time left/right",
    "asymmetry.duty_factor": "Duty factor left/right",
    "asymmetry.step_time": "Step time left/right",
    "asymmetry.flight_time": "Flight time left/right",
    "asymmetry.impact_peak": "Impact left/right",
    "asymmetry.impact_band": "Impact band left/right",
    "asymmetry.force_peak": "Estimated peak force left/right",
    "asymmetry.impulse": "Estimated impulse left/right",
    "asymmetry.strike_angle": "Strike angle left/right",
}

_FEET = ("left", "right")


def title(rule: str, metric: str = "") -> str:
    """A limit's name for people: "limit.distance" is "Distance"; a foot named by rule or metric is named too."""
    base = rule
    for foot in _FEET:
        base = base.removesuffix(f".{foot}")
    plain = base.removeprefix("limit.").replace(".", " ").replace("_", " ").strip().capitalize()
    name = _TITLES.get(base) or plain or "Limit"
    if base.startswith("asymmetry"):
        return name
    words = f"{rule} {metric}".replace(".", " ").replace("_", " ").split()
    named = next((foot for foot in _FEET if foot in words), None)
    return f"{name} {named}" if named else name


def length_words(metres: float, digits: int = 1) -> str:
    """As "5 km", "1.2 km", "850 m": what can be read at a glance; below 1 km rounded down to 10 m."""
    whole = max(metres, 0.0)
    if whole < 1000.0:
        return f"{int(whole // 10) * 10} m"
    text = f"{whole / 1000.0:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.')} km"


def time_words(seconds: float) -> str:
    """As "15:20 min", minutes and seconds, rounded down as clocks do."""
    whole = max(int(seconds), 0)
    return f"{whole // 60}:{whole % 60:02d} min"


@dataclass(frozen=True, slots=True)
class Definition:
    """What stands behind the "?" of a number."""

    key: str
    name: str
    unit: str
    text: str


DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "distance",
        "Distance",
        "km",
        "Sum of the stride lengths. ± is how far off it may be: two times out of three the true distance lies within. "
        "Estimated: part of it that no pod saw, counted at the last known pace. Set step lengths: part of it counted "
        "by the step lengths in the settings, where nothing better was known. n is the number of steps.",
    ),
    Definition(
        "speed",
        "Speed and pace",
        "km/h, and minutes per km",
        "Mean over the last seconds. ± is how far off it may be: two times out of three the true speed lies within. By "
        "foot path: from how far the pods travel between two steps. By contact time: from how long the feet are down. "
        "A treadmill's speed entered below fits it to this runner; then no source is named and ± is smaller.",
    ),
    Definition(
        "treadmill",
        "Treadmill speed",
        "km/h, m/s, mph, or minutes per km",
        "Tell the speed the treadmill shows, and its slope if it has one, and again when you change it. Speed and "
        "distance are fitted to the runner by it. Forces are estimated on level ground only, within 3 % of slope. "
        "“Not known” when you leave the treadmill.",
    ),
    Definition(
        "run_time",
        "Running time",
        "minutes:seconds",
        "Time spent running. Walking breaks and standing do not count.",
    ),
    Definition(
        "cadence",
        "Cadence",
        "steps per minute (spm)",
        "Steps of both feet together in one minute, over the last seconds. n is the number of strides behind it.",
    ),
    Definition(
        "contact",
        "Contact time",
        "milliseconds (ms)",
        "How long the foot is on the ground in one step: from initial contact to toe-off, mean over the last seconds. "
        "n is the number of strides behind it. Flight is the mean time in the air between two contacts; without it, "
        "both feet are down together.",
    ),
    Definition(
        "impact",
        "Impact",
        "g, at the shoe",
        "Highest acceleration of the pod on the shoe around initial contact, mean over the last seconds. ≥ means that "
        "the pod's range was exceeded: the true value is higher. Shoe values cannot be compared with shin values or "
        "with another place on the shoe.",
    ),
    Definition(
        "asymmetry",
        "Left/right difference",
        "percent (symmetry index), or ms and degrees",
        "100 × (left − right) / mean of both. 0 is equal; positive means that the left foot has more. Flight time and "
        "strike angle are told as left − right. With the 95 % interval; n is the number of stride pairs of steady "
        "running. Balance is the left share of both: 51 % balance is a difference of 4 %. Device noise: so little can "
        "be the two pods alone, until a run with exchanged pods tells. Scatter: a change smaller than this may be "
        "nothing but scatter. Usual: her own baseline, at this speed. Curves are not recognised.",
    ),
    Definition(
        "feet",
        "Each foot in detail",
        "",
        "Step time: from a foot's contact to the other foot's next one; flight: from toe-off to it. Both only while "
        "the clocks of the two pods are known to agree. Landing: share of strides by strike angle, how steep the foot "
        "is at contact; unclear where no type is likelier than all others. Force is estimated from timing, on level "
        "ground, in body weights (BW). What a foot has taken so far is external load, estimated, only for comparison "
        "with earlier runs of the same runner.",
    ),
    Definition(
        "limits",
        "Limits",
        "",
        "Limits come from your therapist's plan. Within: inside the limit. Over: the limit is passed. Undecided: too "
        "few strides yet to tell. Not checked: cannot be told now, with the reason.",
    ),
    Definition(
        "pods",
        "Pods",
        "",
        "Link, battery and the share of samples that were lost on the way from the pod, counted since the run began.",
    ),
)
