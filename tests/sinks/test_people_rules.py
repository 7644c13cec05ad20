"""Who is told what, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.model import NS, Level
from sensord.plan.model import read_plan
from sensord.plan.programme import AlertLevel, Alerts
from sensord.sinks.notices import Notice, Phase
from sensord.sinks.people_rules import (
    BUSY,
    LATE_MIN,
    REMINDERS,
    SUMMARY_EVERY_MIN,
    Policy,
    Recent,
    When,
    local_time,
    loudest_of_breach,
    policy_of,
    quiet_hours,
    releasable,
    reminder_due,
    summary_due,
    when,
)
from sensord.sinks.receipts import Lasting
from tests.sinks.people_world import ALL, NOON_NS, alerts_of

MIN = 60 * NS
NIGHT = Policy(Alerts(quiet=["22:00", "07:00"]), timezone="Europe/Berlin")
LEVELS = [Level.INFO, Level.WARN, Level.STOP, Level.URGENT]


def notice(level: Level = Level.STOP, phase: Phase = Phase.ONSET, **changes: object) -> Notice:
    made = Notice("r/limit/stop/1", phase, level, "anna", "limit.distance", "Walk home", "101 of 100 m.", NOON_NS, "r")
    return replace(made, **changes)  # type: ignore[arg-type]


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * NS


def test_only_who_the_plan_names_for_a_level_is_told() -> None:
    policy = Policy(alerts_of(warn=["coach"], urgent=["coach", "therapist"]))
    assert [level for level in LEVELS if policy.tells("coach", level)] == [Level.WARN, Level.URGENT]
    assert [level for level in LEVELS if policy.tells("therapist", level)] == [Level.URGENT]
    assert policy.people == ("coach", "therapist")
    assert not any(Policy().tells("coach", level) for level in Level)


def test_the_policy_is_the_plans() -> None:
    head = 'schema = "rtr-plan/1"\nid = "p"\ntitle = "Back to 5 km"\n[[source]]\nwho = "Dr. Example"\n'
    text = head + '[runner]\nalias = "anna"\ntimezone = "Asia/Tokyo"\n[alerts.stop]\nwho = ["coach"]\n'
    policy = policy_of(read_plan(text, "plan.toml"))
    assert policy.tells("coach", Level.STOP)
    assert policy.limits_by == 'the plan "Back to 5 km" (Dr. Example)'
    assert policy.timezone == "Asia/Tokyo"
    assert policy_of(None).people == ()


@pytest.mark.parametrize(
    ("quiet", "time", "expected"),
    [
        (["22:00", "07:00"], "21:59", False),
        (["22:00", "07:00"], "22:00", True),
        (["22:00", "07:00"], "00:00", True),
        (["22:00", "07:00"], "06:59", True),
        (["22:00", "07:00"], "07:00", False),
        (["12:00", "13:00"], "12:59", True),
        (["12:00", "13:00"], "13:00", False),
        (None, "03:00", False),
    ],
)
def test_quiet_hours_begin_and_end_on_the_minute_also_over_midnight(
    quiet: list[str] | None, time: str, expected: bool
) -> None:
    policy = Policy(Alerts(quiet=quiet), timezone="Europe/Berlin")
    assert quiet_hours(policy, at(f"2026-11-24T{time}")) is expected


def test_quiet_hours_are_hers_not_the_gateways_and_keep_to_summer_time() -> None:
    for day in ("2026-07-01", "2026-12-01"):
        assert quiet_hours(NIGHT, at(f"{day}T06:30"))
        assert not quiet_hours(NIGHT, at(f"{day}T07:30"))
    assert local_time(NOON_NS, "Europe/Berlin").strftime("%H:%M %Z") == "12:00 CET"
    here = local_time(NOON_NS, None)
    assert local_time(NOON_NS, "No/Where") == local_time(NOON_NS, "/etc/passwd") == here


@given(st.sampled_from(LEVELS), st.floats(0, 1e7), st.integers(0, BUSY), st.integers(0, 24 * 60))
def test_nothing_above_info_is_ever_quiet_and_urgent_never_waits(
    level: Level, age_s: float, recent: int, minute: int
) -> None:
    now = at("2026-11-24T00:00") + minute * MIN
    how = when(notice(level), age_s, NIGHT, now, last_summary_ns=now - MIN, recent=recent)
    if level is Level.URGENT:
        assert how in (When.NOW, When.SUMMARY)
    elif level is Level.INFO and quiet_hours(NIGHT, now):
        assert how is When.HOLD
    elif age_s <= LATE_MIN * 60 and (level is Level.STOP or recent < BUSY):
        assert how is When.NOW
    else:
        assert how is When.HOLD  # a summary went a minute ago


def test_what_is_late_goes_in_a_summary_unless_one_just_went() -> None:
    late_s = LATE_MIN * 60 + 1
    assert when(notice(), late_s, ALL, NOON_NS, last_summary_ns=None, recent=0) is When.SUMMARY
    assert when(notice(), late_s, ALL, NOON_NS, last_summary_ns=NOON_NS - 16 * MIN, recent=0) is When.SUMMARY
    assert when(notice(), late_s, ALL, NOON_NS, last_summary_ns=NOON_NS - 14 * MIN, recent=0) is When.HOLD
    urgent = notice(Level.URGENT)
    assert when(urgent, late_s, ALL, NOON_NS, last_summary_ns=NOON_NS - MIN, recent=0) is When.SUMMARY
    assert when(notice(), late_s - 1, ALL, NOON_NS, last_summary_ns=None, recent=0) is When.NOW
    assert when(notice(), None, ALL, NOON_NS, last_summary_ns=None, recent=0) is When.NOW


def test_many_messages_make_the_quiet_ones_wait() -> None:
    recent = Recent()
    for _ in range(BUSY + 3):
        recent.add(NOON_NS)
    assert recent.count(NOON_NS) == BUSY
    assert recent.count(NOON_NS + round(SUMMARY_EVERY_MIN) * MIN) == 0
    assert recent.count(NOON_NS - 1) == 0
    for level, expected in zip(LEVELS, [When.HOLD, When.HOLD, When.NOW, When.NOW], strict=True):
        assert when(notice(level), 0.0, ALL, NOON_NS, last_summary_ns=None, recent=BUSY) is expected


def test_a_clock_that_was_set_back_holds_up_no_summary() -> None:
    assert summary_due(None, NOON_NS)
    assert not summary_due(NOON_NS, NOON_NS)
    assert not summary_due(NOON_NS, NOON_NS + 15 * MIN - 1)
    assert summary_due(NOON_NS, NOON_NS + 15 * MIN)
    assert summary_due(NOON_NS, NOON_NS - 1)


def test_what_is_kept_back_is_let_go_when_quiet_hours_are_over_and_a_summary_may_go() -> None:
    info, stop = notice(Level.INFO), notice(Level.STOP)
    assert releasable([info, stop], NIGHT, at("2026-11-24T23:00"), None) == [stop]
    assert releasable([info, stop], NIGHT, at("2026-11-24T07:00"), None) == [info, stop]
    assert releasable([info, stop], NIGHT, at("2026-11-24T07:00"), at("2026-11-24T06:50")) == []


def test_reminders_come_at_the_plans_interval_and_have_an_end() -> None:
    policy = Policy(alerts_of(urgent=AlertLevel(who=["coach"], repeat="10min"), stop=["coach"]))
    lasting = Lasting(notice(Level.URGENT), NOON_NS, 0)
    assert not reminder_due(lasting, policy, "coach", NOON_NS + 10 * MIN - 1)
    assert reminder_due(lasting, policy, "coach", NOON_NS + 10 * MIN)
    assert not reminder_due(lasting, policy, "therapist", NOON_NS + 10 * MIN)
    assert reminder_due(replace(lasting, reminders=REMINDERS - 1), policy, "coach", NOON_NS + 10 * MIN)
    assert not reminder_due(replace(lasting, reminders=REMINDERS), policy, "coach", NOON_NS + 10 * MIN)
    assert not reminder_due(replace(lasting, notice=notice(Level.STOP)), policy, "coach", NOON_NS + 60 * MIN)
    assert not reminder_due(lasting, Policy(), "coach", NOON_NS + 60 * MIN)
    info = Policy(
        Alerts(info=AlertLevel(who=["coach"], repeat="10min"), quiet=["22:00", "07:00"]), timezone="Europe/Berlin"
    )
    lasting = Lasting(notice(Level.INFO), at("2026-11-24T22:30"), 0)
    assert not reminder_due(lasting, info, "coach", at("2026-11-24T23:00"))
    assert reminder_due(lasting, info, "coach", at("2026-11-25T07:00"))


@given(st.permutations([Level.INFO, Level.WARN, Level.STOP]))
def test_levels_that_end_together_are_told_once_as_the_loudest(order: list[Level]) -> None:
    ends = [notice(level, Phase.RECOVERY, alert=f"r/limit/{level.value}/1") for level in order]
    other = notice(Level.WARN, Phase.RECOVERY, alert="r/other/warn/1", rule="other")
    found = loudest_of_breach([*ends, other, notice(Level.STOP)])
    assert {key: told.level for key, told in found.items()} == {
        **{end.key: Level.STOP for end in ends},
        other.key: Level.WARN,
    }
