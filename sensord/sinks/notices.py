"""What a person is told: an alert of a run, or a decision of the plan that comes with one. Pure.

Both become a `Notice`. Its `alert` is the stable id: it comes twice only with the same id. As CloudEvents it is the
payload that MQTT carries, with reminders and plan decisions beside it (docs/schema/people-notice.json).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sensord.errors import Refused
from sensord.model import NS, Alert, AlertPhase, Json, Level, StoredEvent
from sensord.plan.standing import Decision
from sensord.sinks.messages import ALERT_TYPES, LATE_S, alert_event, rfc3339

DECISION_TYPES = {"onset": "io.sensord.plan.decided.v1", "reminder": "io.sensord.plan.reminder.v1"}
"""CloudEvents types of what MQTT's alert topic does not carry."""

Key = tuple[str, "Phase", int]
"""Which message: an alert's id, its phase, and which reminder."""


class Phase(StrEnum):
    """An alert begins, is said again while it lasts, and ends."""

    ONSET = "onset"
    REMINDER = "reminder"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. `at_wall_ns` None: no clock could be trusted. `event` is the alert it was made from."""

    alert: str
    phase: Phase
    level: Level
    runner: str
    rule: str
    cue: str
    text: str
    at_wall_ns: int | None
    run: str | None = None
    event: StoredEvent | None = None
    number: int = 0  # which reminder: counted from 1, or the run time of the event that is one

    @property
    def key(self) -> Key:
        """Which message this is."""
        return (self.alert, self.phase, self.number)

    @property
    def name(self) -> str:
        """Names this message to the other side: who gets it twice may drop the second."""
        return f"{self.alert}/{self.phase.value}" + (f"/{self.number}" if self.number else "")

    @property
    def breach(self) -> tuple[str | None, str, int | None]:
        """What levels of one limit that end together have in common."""
        return (self.run, self.rule, self.event.t_ns if self.event else self.at_wall_ns)


def notice_of(event: StoredEvent) -> Notice:
    """The notice of a stored alert. `Refused` when the payload lacks what it must have."""
    alert = event.payload
    try:
        phase = Phase(alert["phase"])
        return Notice(
            alert=str(alert["id"]),
            phase=phase,
            level=Level(alert["level"]),
            runner=event.runner,
            rule=str(alert["rule"]),
            cue=str(alert["cue"]),
            text=str(alert["text"]),
            at_wall_ns=None if event.wall_anchor_ns is None else event.wall_anchor_ns + event.t_ns,
            run=event.run,
            event=event,
            number=event.t_ns if phase is Phase.REMINDER else 0,
        )
    except KeyError as missing:
        raise Refused(f"{Alert.KIND}: {missing} is missing") from None
    except ValueError as wrong:
        raise Refused(f"{Alert.KIND}: {wrong}") from None


def notice_of_decision(decision: Decision, runner: str, *, cue: str = "Plan decision") -> Notice | None:
    """The notice of a plan's decision; None when it comes without an alert.

    Its id is made of what was decided when and why, so that the same decision computed again is the same notice.
    """
    if decision.alert is None:
        return None
    rules = "+".join(decision.rules) or decision.outcome.value
    return Notice(
        alert=f"plan/{runner}/{decision.outcome.value}/{rules}/{decision.at_wall_ns}",
        phase=Phase.ONSET,
        level=Level(decision.alert),
        runner=runner,
        rule=rules,
        cue=cue,
        text=decision.why,
        at_wall_ns=decision.at_wall_ns,
        run=decision.run,
    )


def notice_json(notice: Notice) -> Json:
    """A notice that is no run's event as plain JSON values; `notice_from_json` reads it back."""
    return {
        "alert": notice.alert,
        "level": notice.level.value,
        "runner": notice.runner,
        "rule": notice.rule,
        "cue": notice.cue,
        "text": notice.text,
        "at_wall_ns": notice.at_wall_ns,
        "run": notice.run,
    }


def notice_from_json(values: Mapping[str, Json]) -> Notice:
    """The inverse of `notice_json`."""
    return Notice(phase=Phase.ONSET, **{**values, "level": Level(values["level"])})


def cloud_event(notice: Notice, source: str, age_s: float | None) -> Json:
    """A notice as CloudEvents 1.0. `source` names the gateway; `age_s` is how long ago it was (None: not known)."""
    if notice.event is None:
        return _decided(notice, source, age_s)
    body = alert_event(notice.event, source, age_s)
    if notice.phase is Phase.REMINDER:  # perhaps of an event that was the onset
        body |= {"id": notice.name, "type": ALERT_TYPES[AlertPhase.REMINDER]}
        body["data"] = {**body["data"], "phase": Phase.REMINDER.value}
    return body


def _decided(notice: Notice, source: str, age_s: float | None) -> dict[str, Json]:
    return {
        "specversion": "1.0",
        "id": notice.name,
        "source": source,
        "type": DECISION_TYPES[notice.phase.value],
        "subject": notice.runner,
        **({} if notice.at_wall_ns is None else {"time": rfc3339(notice.at_wall_ns)}),
        "datacontenttype": "application/json",
        "data": {
            "rule": notice.rule,
            "level": notice.level.value,
            "phase": notice.phase.value,
            "cue": notice.cue,
            "text": notice.text,
            "run": notice.run,
            "late": None if age_s is None else age_s > LATE_S,
        },
    }


def age_s(notice: Notice, wall_ns: int, run_now_ns: int | None) -> float | None:
    """How long ago it was, in s; by the run's own clock while that run is on. None: nobody can tell."""
    if notice.event is not None and run_now_ns is not None:
        return (run_now_ns - notice.event.t_ns) / NS
    return None if notice.at_wall_ns is None else (wall_ns - notice.at_wall_ns) / NS
