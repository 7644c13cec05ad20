"""Walking or running, stride by stride.

Cadence tells best (adults change at 134-141 steps/min; Hum Mov Sci 2023;90:103117: 140 steps/min right in 91 %), the
share of the stride on the ground helps; flight is not required, since slow runners may have none (Sports 2019;7:233).
"""

from __future__ import annotations

from sensord.model import Activity

RUN_SPM = 138.0
RUN_DUTY = 0.52
SURE_RUN_DUTY = 0.48
WALK_SPM = 130.0

CHANGE_AFTER = 3
"""A change is believed after this many strides that say so in a row."""


class ActivityState:
    """Says what a stride was; changes its mind after `CHANGE_AFTER` strides. After a pause the first stride decides."""

    def __init__(self) -> None:
        self.current: Activity | None = None
        self._other = 0

    def restart(self) -> None:
        """She stopped in between: the next stride decides anew."""
        self.current = None
        self._other = 0

    def of(self, cadence_spm: float, duty_factor: float | None) -> Activity:
        """Activity of the next stride."""
        seems = looks_like(cadence_spm, duty_factor)
        if self.current is None:
            self.current = seems or (Activity.RUN if cadence_spm >= (RUN_SPM + WALK_SPM) / 2 else Activity.WALK)
        elif seems is None or seems is self.current:
            self._other = 0
        else:
            self._other += 1
            if self._other >= CHANGE_AFTER:
                self.current, self._other = seems, 0
        return self.current


def looks_like(cadence_spm: float, duty_factor: float | None) -> Activity | None:
    """What this stride alone looks like; None in between."""
    if duty_factor is not None and duty_factor < SURE_RUN_DUTY:
        return Activity.RUN
    if cadence_spm >= RUN_SPM and (duty_factor is None or duty_factor < RUN_DUTY):
        return Activity.RUN
    if cadence_spm < WALK_SPM:
        return Activity.WALK
    return None
