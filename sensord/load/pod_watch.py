"""A pod that is missing, or whose samples are lost: the runner hears of it once, and once when it is back.

The link is torn down and made anew within seconds of silence (`drivers.link`), which nobody needs to hear of. What she
must know is that a foot is not measured any more, and that takes a while to be sure of.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sensord.model import NS, Alert, Level
from sensord.plan.breach import Breach

MISSING_S = 20.0
"""How long a pod is away before she hears of it (the issue's "about 20 s"): a tree, a body, a bend pass sooner."""

LOST_PCT = 5.0
"""Share of samples lost in the last `WINDOW_S` from which she hears of it."""

FINE_PCT = 2.0
"""Design choice: below it the losses are over."""

WINDOW_S = 60
"""Design choice: losses come in bursts; over a minute 5 % are three seconds."""

BACK_S = 5.0
"""Design choice: how long a link must hold to be back."""


@dataclass(slots=True)
class _Watched:
    breach: Breach = field(default_factory=lambda: Breach((Level.WARN,), 0.0))
    changed_ns: int | None = None
    up: bool = False
    missing: bool = False
    """Whether she was told that it is away, not that it loses samples."""
    counts: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=WINDOW_S + 1))


class PodWatch:
    """Looks at each pod once a second of a run. Bounded: a minute of counts a pod."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._pods: dict[str, _Watched] = {}

    def look(self, name: str, *, up: bool, samples: int, lost: int | None, rate_hz: float, t_ns: int) -> list[Alert]:
        """`name`: "left", "right", or a sensor's, another for each. Counts since the start; `lost` None: unknown."""
        pod = self._pods.get(name)
        if pod is None:
            pod = self._pods[name] = _Watched()
        if pod.changed_ns is None or pod.up is not up:
            pod.up, pod.changed_ns = up, t_ns
        pod.counts.append((samples, lost or 0))
        for_s = (t_ns - pod.changed_ns) / NS
        lost_pct = self._lost_pct(pod, rate_hz)
        if pod.missing and up and for_s >= BACK_S:  # what was lost while it was away was told
            pod.missing = False
            pod.counts.clear()
            pod.counts.append((samples, lost or 0))
            lost_pct = 0.0
        missing = not up and for_s >= MISSING_S
        pod.missing = pod.missing or missing
        beyond = Level.WARN if missing or (up and lost_pct >= LOST_PCT) else Level.NONE
        back = up and for_s >= BACK_S and lost_pct < FINE_PCT
        turns = pod.breach.update(beyond, back=back, clock_s=t_ns / NS, t_ns=t_ns)
        value, limit, unit = (for_s, MISSING_S, "s") if missing else (lost_pct, LOST_PCT, "%")
        return [
            Alert(
                id=f"{self._run}/pod.{name}/{turn.level.value}/{turn.onset_ns}",
                phase=turn.phase,
                level=turn.level,
                rule=f"pod.{name}",
                metric="link",
                unit=unit,
                value=value,
                limit=limit,
                cue=_cue(name, turn.duration_s, missing=missing),
                text=_text(name, turn.duration_s, value, missing=missing),
                onset_ns=turn.onset_ns,
                duration_s=turn.duration_s,
            )
            for turn in turns
        ]

    @staticmethod
    def _lost_pct(pod: _Watched, rate_hz: float) -> float:
        """Of a whole minute, also when less than that has been looked at."""
        (samples, lost), (samples_now, lost_now) = pod.counts[0], pod.counts[-1]
        lost, came = lost_now - lost, samples_now - samples
        of_all = max(came + lost, rate_hz * WINDOW_S)
        return 100.0 * lost / of_all if of_all > 0 else 0.0


def _cue(name: str, duration_s: float | None, *, missing: bool) -> str:
    what = "back" if duration_s is not None else "lost" if missing else "weak"
    return f"{name.capitalize()} pod {what}"


def _text(name: str, duration_s: float | None, value: float, *, missing: bool) -> str:
    if duration_s is not None:
        return f"The {name} pod is back after {duration_s:.0f} s."
    if missing:
        return f"The {name} pod has not been heard for {value:.0f} s. What it measures is not checked."
    return f"The {name} pod loses {value:.0f} % of its samples. Turn it off and on, or carry the gateway nearer."
