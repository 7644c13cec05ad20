"""What the real pipeline says fits the sinks: no event is refused, no two share a point, every payload its schema."""

from __future__ import annotations

import pytest

from sensord.model import StoredEvent
from sensord.pipeline import Pipeline
from sensord.sinks.homeassistant import RULES
from sensord.sinks.lines import lines_of
from sensord.sinks.messages import Topics, messages_of
from tests.sinks.made_events import ANCHOR_NS
from tests.sinks.schemas import check
from tests.sinks.test_plan_rules import PLAN
from tests.worlds import world


@pytest.fixture(scope="module")
def events() -> list[StoredEvent]:
    run = world(plan_text=PLAN.format(injured="").replace("5km", "30m"))
    pipeline = Pipeline(run.setup)
    found = [event for item in run.inputs for event in pipeline.push(item)] + pipeline.flush()
    s = run.setup
    return [
        StoredEvent(i + 1, s.run, e.n, "1", e.t_ns, e.kind, e.payload, s.runner, s.site, ANCHOR_NS)
        for i, e in enumerate(found)
    ]


def test_every_event_is_a_point_of_its_own(events: list[StoredEvent]) -> None:
    assert {event.kind for event in events} >= {"stride", "gait", "limit_state", "alert", "run", "summary", "pod"}
    heads = [line.partition(" ")[0] + line.rpartition(" ")[2] for event in events for line in lines_of(event)]
    assert len(set(heads)) == len(heads)


def test_some_would_have_shared_a_point_by_time_alone(events: list[StoredEvent]) -> None:
    """Why the number of the event is in the time: two states of the same kind at one moment do occur."""
    by_time = [(event.kind, event.payload.get("foot"), event.payload.get("rule"), event.t_ns) for event in events]
    assert len(set(by_time)) < len(by_time)


def test_every_message_fits_its_schema_and_every_rule_is_known(events: list[StoredEvent]) -> None:
    messages = [message for event in events for message in messages_of(event, Topics("home"), "/sensord/gw", 0.1)]
    bodies = [check(message.topic, message.payload) for message in messages]
    assert {"live", "alert", "run"} <= {message.topic.rpartition("/")[2] for message in messages}
    assert {body["rule"] for body in bodies if "rule" in body} <= set(RULES)
