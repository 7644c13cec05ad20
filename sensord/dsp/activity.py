"""Walking or running: what one step looks like, and what a stride is called.

Four things tell, each of them worth about as much as the others, none of them flight (slow runners may have none:
Sports 2019;7:233):

- cadence: adults change at 134-141 steps/min (Hum Mov Sci 2023;90:103117: 140 steps/min right in 91 %);
- the share of the stride on the ground: half of it divides a walk's double support from a run's flight;
- how long the foot lies flat: a walker's foot rests while the body passes over it, a runner's rolls on. In the
  recordings a third of the time from swing to swing in walking, a tenth or less in running;
- how the foot leaves: a walker's turns toe-up at once, a runner's goes on folding up behind the body.

So a jog of 6 km/h at 145 steps/min without flight is running, and walking 2.2 m/s at 147 steps/min is walking.
"""

from __future__ import annotations

from sensord.dsp.walking import Signs
from sensord.model import Activity

CHANGE_SPM = 138.0
SPM_SCALE = 12.0
"""Cadence of the change (middle of 134-141), and the distance from it that counts one. The scale is a design choice."""

DUTY = 0.57
DUTY_SCALE = 0.05
"""As the walking rule sees it, which tells a runner's contact 0.03-0.05 too long. Design choices."""

FLAT = 0.20
FLAT_SCALE = 0.05
"""Flat time over swing-to-swing time. Design choices, half-way between walks (0.28-0.42) and runs (0-0.16) known."""

FOLLOW_S = 0.12
FOLLOW_SCALE_S = 0.02
"""From push-off's lowest rate to toe-up. Design choices, half-way between walks (0.04-0.10 s) and runs (0.16-0.20 s; a
fast runner's second fold can hide the first and show 0.06 s, when all the other signs are clear)."""

MOST = 2.0
"""Design choice: no single sign counts more."""

CLEAR = 1.0
"""Design choice: signs that add up to one scale or more are clear."""

CHANGE_AFTER = 3
"""Design choice: strides."""

RUN_SPM = 138.0
RUN_DUTY = 0.52
SURE_RUN_DUTY = 0.48
WALK_SPM = 130.0
SURE_WALK_SPM = 100.0
"""Bounds for a finished stride whose steps do not tell: cadence of the change, duty factor 0.5 +- 0.02, and a
cadence too slow for any run: design choices."""

WINDOW_TO_STRIDE_S = 0.07
"""Design choice: a window ends where the next swing begins, this much before its middle (0.05-0.09 s, both gaits)."""


def run_score(window_s: float, signs: Signs | None) -> float:
    """One step: above zero a run, below a walk; beyond `CLEAR` clear.

    `window_s` from mid-swing to the beginning of the next swing; the signs in it, None when they do not show.
    """
    stride_s = window_s + WINDOW_TO_STRIDE_S
    cadence_spm = 120.0 / stride_s
    score = _bounded((cadence_spm - CHANGE_SPM) / SPM_SCALE)
    if signs is not None:
        score += _bounded((DUTY - signs.contact_s / stride_s) / DUTY_SCALE)
        score += _bounded((FLAT - signs.flat_s / window_s) / FLAT_SCALE)
        score += _bounded((signs.follow_s - FOLLOW_S) / FOLLOW_SCALE_S)
    return min(score, -CLEAR) if cadence_spm < SURE_WALK_SPM else score


def _bounded(value: float) -> float:
    return max(-MOST, min(MOST, value))


class ActivityState:
    """What strides are called. After a pause the first stride decides.

    A stride is told when the contact after its own is over, so both are known: a change is told with its first stride
    when that stride's own contact clearly says so and the next one agrees. One odd stride between others changes
    nothing; two that agree do. What is not clear changes it after `CHANGE_AFTER` strides that all lean one way.
    """

    def __init__(self) -> None:
        self.current: Activity | None = None
        self._leaning = 0

    def restart(self) -> None:
        """She stopped in between: the next stride decides anew."""
        self.current = None
        self._leaning = 0

    def of(self, score: float | None, after: float | None, cadence_spm: float, duty_factor: float | None) -> Activity:
        """Activity of the next stride: `run_score` of its contact, and of the contact after it, None when unknown."""
        if self.current is None:
            self.current = self._first(score, after, cadence_spm, duty_factor)
        elif score is not None and after is not None:
            sign = 1.0 if self.current is Activity.WALK else -1.0
            self._leaning = self._leaning + 1 if sign * score > 0.0 else 0
            if sign * after > 0.0 and (sign * score >= CLEAR or self._leaning >= CHANGE_AFTER):
                self.current, self._leaning = other(self.current), 0
        return self.current

    def _first(
        self, score: float | None, after: float | None, cadence_spm: float, duty_factor: float | None
    ) -> Activity:
        known = [s for s in (score, after) if s is not None]
        if known and abs(sum(known)) >= CLEAR:
            return Activity.RUN if sum(known) > 0.0 else Activity.WALK
        alone = looks_like(cadence_spm, duty_factor)
        return alone or (Activity.RUN if cadence_spm >= (RUN_SPM + WALK_SPM) / 2 else Activity.WALK)


def other(activity: Activity) -> Activity:
    """The other activity."""
    return Activity.WALK if activity is Activity.RUN else Activity.RUN


def looks_like(cadence_spm: float, duty_factor: float | None) -> Activity | None:
    """What a stride looks like by cadence and duty factor alone; None in between."""
    if cadence_spm < SURE_WALK_SPM:
        return Activity.WALK
    if duty_factor is not None and duty_factor < SURE_RUN_DUTY:
        return Activity.RUN
    if cadence_spm >= RUN_SPM and (duty_factor is None or duty_factor < RUN_DUTY):
        return Activity.RUN
    if cadence_spm < WALK_SPM:
        return Activity.WALK
    return None
