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
        "Steps counted by the pods times the step lengths set for walking and running. Uncalibrated until a step "
        "length was measured over a known distance. n is the number of steps.",
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
        "n is the number of strides behind it.",
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
        "Left/right difference of contact time",
        "percent (symmetry index)",
        "100 × (left − right) / mean of both. 0 is equal; positive means that the left foot stays longer. In brackets "
        "the 95 % interval; n is the number of stride pairs. Balance is the left share of both: 51 % balance is a "
        "difference of 4 %.",
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
