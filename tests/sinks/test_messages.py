"""What events say on MQTT, and what Home Assistant makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jinja2.sandbox
import jsonschema
import pytest

from sensord.errors import Refused
from sensord.model import NS, AlertPhase, Level, LimitStatus, RunChange, RunState, Side, StoredEvent
from sensord.sinks.homeassistant import RULES, discovery
from sensord.sinks.messages import Message, Topics, messages_of, rfc3339, status_message
from tests.sinks.made_events import ANCHOR_NS, RUN, a_limit, a_run, a_stride, a_window, an_alert, stored
from tests.sinks.schemas import BY_TOPIC, FOLDER, check, validator

HOME = Topics("home")
ALERT = stored(9, 30 * NS, an_alert(AlertPhase.ONSET, 30 * NS))


def say(event: StoredEvent, age_s: float | None = 0.1) -> list[Message]:
    return messages_of(event, HOME, "/sensord/gw", age_s)


def said(event: StoredEvent, age_s: float | None = 0.1) -> Any:
    (message,) = say(event, age_s)
    return check(message.topic, message.payload)


def test_every_schema_is_one_and_is_used() -> None:
    ours = {path.stem for path in FOLDER.glob("*.json") if path.stem.startswith(("mqtt-", "homeassistant-"))}
    assert ours == set(BY_TOPIC.values())
    for name in BY_TOPIC.values():
        assert validator(name).schema["$id"] == f"urn:sensord:schema:{name}"  # type: ignore[index, call-overload]


def test_an_onset_is_a_cloud_event_with_a_cue() -> None:
    (message,) = say(ALERT)
    assert (message.topic, message.qos, message.retain) == ("sensord/home/r/runner-1/alert", 1, False)
    assert check(message.topic, message.payload) == {
        "specversion": "1.0",
        "id": f"{RUN}/limit.distance/warn/30000000000/onset",
        "source": "/sensord/gw",
        "type": "io.sensord.limit.exceeded.v1",
        "subject": "runner-1",
        "time": "2025-10-09T08:53:50.123Z",
        "datacontenttype": "application/json",
        "data": {
            "rule": "limit.distance",
            "metric": "distance",
            "level": "warn",
            "phase": "onset",
            "cue": "distance reached",
            "text": '101 m of "100 m": walk home, 20 m remain',
            "value": 101.5,
            "limit": 100.0,
            "unit": "m",
            "duration_s": None,
            "run": RUN,
            "t_ns": 30 * NS,
            "late": False,
        },
    }


def test_a_recovery_has_its_own_id_and_type() -> None:
    recovery = said(stored(10, 42 * NS, an_alert(AlertPhase.RECOVERY, 30 * NS)))
    assert recovery["id"] == f"{RUN}/limit.distance/warn/30000000000/recovery"
    assert recovery["type"] == "io.sensord.limit.recovered.v1"
    assert recovery["data"]["duration_s"] == 12.5


def test_each_reminder_has_an_id_of_its_own() -> None:
    """A reader drops what it has seen by its id: the second reminder is news all the same."""
    onset = an_alert(AlertPhase.ONSET, 30 * NS)
    said_again = [said(stored(10, at_ns, replace(onset, phase=AlertPhase.REMINDER))) for at_ns in (210 * NS, 390 * NS)]
    assert [again["id"] for again in said_again] == [f"{onset.id}/reminder/{at_ns}" for at_ns in (210 * NS, 390 * NS)]
    assert {again["type"] for again in said_again} == {"io.sensord.limit.reminder.v1"}


@pytest.mark.parametrize("level", [level for level in Level if level is not Level.NONE])
def test_every_level_has_a_place_in_the_schema(level: Level) -> None:
    alert = replace(an_alert(AlertPhase.ONSET, 30 * NS), level=level)
    assert said(stored(10, 30 * NS, alert))["data"]["level"] == level.value
    state = a_limit("limit.distance", LimitStatus.OVER, 101.5, level=level)
    (message,) = say(stored(1, NS, state), 1e6)
    assert check(message.topic, message.payload)["level"] == level.value


@pytest.mark.parametrize(
    ("age_s", "late"), [(0.0, False), (10.0, False), (10.1, True), (1e6, True), (-3.0, False), (None, None)]
)
def test_late_means_more_than_ten_seconds_after_the_fact(age_s: float | None, late: bool | None) -> None:
    assert said(ALERT, age_s)["data"]["late"] is late


def test_without_a_trusted_clock_an_alert_goes_out_without_a_time() -> None:
    alert = said(replace(ALERT, wall_anchor_ns=None), None)
    assert "time" not in alert
    assert alert["data"]["late"] is None


@pytest.mark.parametrize(("age_s", "sent"), [(0.0, 1), (4.9, 1), (5.1, 0), (3600.0, 0), (-3600.0, 0), (None, 0)])
def test_live_values_are_fresh_or_not_sent(age_s: float | None, sent: int) -> None:
    assert len(say(stored(1, NS, a_window(1)), age_s)) == sent


def test_live_is_not_kept_by_anybody() -> None:
    (message,) = say(stored(1, NS, a_window(1)))
    assert (message.topic, message.qos, message.retain) == ("sensord/home/r/runner-1/live", 0, False)
    live = check(message.topic, message.payload)
    assert live["cadence_spm"] == 171.5
    assert live["right"]["cadence_spm"] is None


def test_limits_and_the_life_of_a_run_are_states() -> None:
    for event, topic in (
        (stored(1, NS, a_limit("limit.distance", LimitStatus.OVER, 101.5)), "limit/limit.distance"),
        (stored(1, NS, RunChange(RunState.PAUSED, "no stride for 30 s")), "run"),
    ):
        (message,) = say(event, 1e6)
        assert (message.topic, message.qos, message.retain) == (f"sensord/home/r/runner-1/{topic}", 1, True)
        assert check(message.topic, message.payload)["run"] == RUN


def test_strides_notes_pods_and_summaries_say_nothing() -> None:
    silent = {event.kind for event in a_run(60) if not say(event)}
    quiet = {"stride", "note", "pod", "summary", "asymmetry", "load", "workout", "interval", "workout_done"}
    assert silent == quiet


@pytest.mark.parametrize("name", ["a/b", "a+", "#", "", "x" * 65, "a\x00", "a\nb"])
def test_what_cannot_be_in_a_topic_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="cannot be part of a topic"):
        say(replace(ALERT, runner=name))
    with pytest.raises(Refused, match="cannot be part of a topic"):
        say(stored(1, NS, a_limit(name, LimitStatus.WITHIN, 1.0)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phase": "middle"}, "middle"),
        ({"value": float("nan")}, "alert"),
        ({"text": "\ud800"}, "surrogates"),
        ({"text": ...}, "alert"),
    ],
)
def test_a_payload_without_a_form_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        say(replace(ALERT, payload={**ALERT.payload, **change}))
    with pytest.raises(Refused, match="'cue' is missing"):
        say(replace(ALERT, payload={key: value for key, value in ALERT.payload.items() if key != "cue"}))


def test_schemas_refuse_what_they_should() -> None:
    for topic, wrong in (
        ("sensord/home/status", {"state": "asleep", "site": "home", "gateway": "gw"}),
        ("sensord/home/r/x/run", {"run": RUN, "t_ns": 1, "state": "ended"}),
        ("sensord/home/r/x/alert", {**said(ALERT), "data": {**said(ALERT)["data"], "cue": "more than three words"}}),
        ("sensord/home/r/x/alert", {**said(ALERT), "time": "yesterday"}),
        ("sensord/home/cmd/end", {"by": ""}),
    ):
        with pytest.raises(jsonschema.ValidationError):
            check(topic, json.dumps(wrong).encode())


def test_times_as_text() -> None:
    assert rfc3339(ANCHOR_NS) == "2025-10-09T08:53:20.123Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999Z"


# ------------------------------------------------------------------------------------------------ Home Assistant


def render(template: str, payload: bytes) -> str:
    """As Home Assistant does: a sandboxed Jinja with `value_json` and its filter `to_json`."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters["to_json"] = json.dumps
    return environment.from_string(template).render(value_json=json.loads(payload))


def components() -> dict[str, Any]:
    message = discovery(HOME, "runner-1")
    assert (message.topic, message.qos, message.retain) == (
        "homeassistant/device/sensord_home_runner-1/config",
        1,
        True,
    )
    found: dict[str, Any] = check(message.topic, message.payload)["cmps"]
    return found


def value(key: str, event: StoredEvent) -> str:
    """What an entity shows after an event, given that the event goes to the topic it listens to."""
    (message,) = say(event)
    assert message.topic == components()[key]["state_topic"]
    return render(components()[key]["value_template"], message.payload)


def test_sensors_show_the_live_values_and_nothing_for_what_was_not_measured() -> None:
    window = stored(1, NS, a_window(7))
    assert value("cadence", window) == "171.5"
    assert value("contact_time_left", window) == "250.0"
    assert value("contact_time_right", window) == "240.0"
    assert float(value("distance", window)) == pytest.approx(19.95)
    told = stored(1, NS, replace(a_window(7), speed_mps=2.75, flight_time_s=0.085))
    assert (value("speed", told), value("flight_time", told)) == ("2.75", "85.0")
    assert (value("speed", window), value("flight_time", window)) == ("None", "None")
    blank = replace(a_window(7), cadence_spm=None, left=replace(a_window(7).left, contact_time_s=None))
    assert value("cadence", stored(1, NS, blank)) == "None"
    assert value("contact_time_left", stored(1, NS, blank)) == "None"


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (LimitStatus.OVER, "ON"),
        (LimitStatus.WITHIN, "OFF"),
        (LimitStatus.UNDECIDED, "None"),
        (LimitStatus.NOT_CHECKED, "None"),
    ],
)
def test_each_limit_is_a_problem_no_problem_or_unknown(status: LimitStatus, shown: str) -> None:
    for rule in RULES:
        key = "limit_" + rule.replace(".", "_")
        assert value(key, stored(1, NS, a_limit(rule, status, 1.0))) == shown


def test_an_alert_is_an_event_with_its_type() -> None:
    event = json.loads(value("alert", ALERT))
    assert event["event_type"] in components()["alert"]["event_types"]
    assert event["cue"] == "distance reached"
    assert event["text"] == '101 m of "100 m": walk home, 20 m remain'


def test_availability_is_what_status_says() -> None:
    config = json.loads(discovery(HOME, "runner-1").payload)
    (availability,) = config["avty"]
    for online in (True, False):
        status = status_message(HOME, "gw", online=online)
        assert status.topic == availability["t"]
        assert render(availability["val_tpl"], status.payload) == ("online" if online else "offline")
        check(status.topic, status.payload)


def test_two_runners_are_two_devices() -> None:
    one, two = (json.loads(discovery(HOME, runner).payload) for runner in ("runner-1", "runner-2"))
    ids = [{c["unique_id"] for c in config["cmps"].values()} for config in (one, two)]
    assert not ids[0] & ids[1]
    assert len(ids[0]) == len(one["cmps"])
    assert one["dev"]["ids"] != two["dev"]["ids"]
    assert a_stride(Side.LEFT, 0, 0.0).foot is Side.LEFT


def test_an_older_run_told_late_leaves_the_retained_state_of_the_newest_alone() -> None:
    limit, change = (
        stored(1, NS, value)
        for value in (a_limit("limit.distance", LimitStatus.OVER, 1.0), RunChange(RunState.ENDED, "end"))
    )
    for event in (limit, change):
        assert [message.retain for message in say(event)] == [True]
        assert messages_of(event, HOME, "/sensord/gw", 1e6, newest=False) == []
    assert len(messages_of(ALERT, HOME, "/sensord/gw", 1e6, newest=False)) == 1
