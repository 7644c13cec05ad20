"""A person is told once what concerns them, late things in one summary, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensord import store_receipts
from sensord.errors import Away, Refused
from sensord.model import NS, AlertPhase, Level
from sensord.plan.programme import AlertLevel, Alerts
from sensord.plan.standing import Decision, Outcome
from sensord.sinks.base import AwayAfter, Backoff, Health, RefusedAt
from sensord.sinks.letter import Taken
from sensord.sinks.notices import notice_of_decision
from sensord.sinks.people import Clocks, PersonSink
from sensord.sinks.people_rules import BUSY, REMINDERS, Policy
from sensord.sinks.receipts import State
from tests.sinks.made_events import RUN, until
from tests.sinks.people_world import ALL, NOON_NS, Book, Scripted, World, alerts_of, opened, pumping

OTHER = "01JAC0FFEE0000000000000002"
INFO, WARN, STOP, URGENT = Level.INFO, Level.WARN, Level.STOP, Level.URGENT
ONSET, REMINDER, RECOVERY = AlertPhase


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        made.store.move_cursor("people.therapist", 0)
        yield made


def quiet_policy(quiet: tuple[str, str] = ("22:00", "07:00")) -> Policy:
    alerts = Alerts(info=AlertLevel(who=["therapist"]), stop=AlertLevel(who=["therapist"]), quiet=list(quiet))
    return Policy(alerts, "the plan", "Europe/Berlin")


# ------------------------------------------------------------------------------------------ who and how often


async def test_what_the_plan_names_them_for_and_nothing_else(world: World) -> None:
    world.policy = Policy(alerts_of(stop=["therapist"], warn=["coach"]))
    channel = Scripted()
    world.noise()
    for level in (INFO, WARN, STOP, URGENT):
        world.alert(level=level)
    world.noise()
    await world.carry(world.sink(channel))
    assert [letter.notices[0].level for letter in channel.letters] == [STOP]
    assert len(world.book.notes) == 1


async def test_each_breach_and_level_is_told_once_and_its_end(world: World) -> None:
    channel = Scripted()
    warn = world.alert("impact", WARN, ago_s=9)
    stop = world.alert("impact", STOP, ago_s=5)
    world.alert("impact", STOP, RECOVERY, ago_s=1, onset_ago_s=5)
    world.alert("impact", WARN, RECOVERY, ago_s=1, onset_ago_s=9)
    sink = world.sink(channel)
    await world.carry(sink)
    await sink.send(world.store.read_after(0, 100))  # as after a kill before the cursor moved
    assert channel.names == [["impact onset"], ["impact onset"], ["impact recovery"]]
    assert [letter.notices[0].level for letter in channel.letters] == [WARN, STOP, STOP]
    assert [letter.key for letter in channel.letters] == [f"{warn}/onset", f"{stop}/onset", f"{stop}/recovery"]
    assert world.states(stop) == ["delivered"]


async def test_an_end_is_not_told_to_whom_the_beginning_was_not(world: World) -> None:
    channel = Scripted()
    world.policy = Policy()
    world.alert("impact", WARN, ago_s=9)
    sink = world.sink(channel)
    await world.carry(sink)
    world.policy = ALL
    world.alert("impact", WARN, RECOVERY, onset_ago_s=9)
    await world.carry(sink)
    assert channel.letters == []


async def test_somebody_who_is_added_is_told_from_then_on(tmp_path: Path) -> None:
    with opened(tmp_path) as world:
        channel = Scripted()
        world.alert("before")
        async with world.sink(channel) as sink:
            world.alert("after")
            await world.carry(sink)
        async with world.sink(channel) as sink:
            await world.carry(sink)
        assert channel.names == [["after onset"]]


async def test_reminders_of_a_run_are_told_while_new_and_unseen(world: World) -> None:
    channel = Scripted()
    alert = world.alert("pace", STOP, ago_s=100)
    world.alert("pace", STOP, REMINDER, ago_s=50, onset_ago_s=100)
    world.alert("never told", INFO, REMINDER, ago_s=50, onset_ago_s=100)
    sink = world.sink(channel)
    await world.carry(sink)
    assert channel.names == [["pace onset"], ["pace reminder"]]
    world.clock.forward(hours=1)
    world.alert("pace", STOP, REMINDER, ago_s=1800, onset_ago_s=3700)
    await world.carry(sink)
    store_receipts.ack(world.store, alert, "therapist")
    world.alert("pace", STOP, REMINDER, onset_ago_s=3700)
    await world.carry(sink)
    assert len(channel.letters) == 2


async def test_no_alert_is_said_again_for_ever(world: World) -> None:
    channel = Scripted()
    world.alert("pace", STOP, ago_s=500)
    for number in range(REMINDERS + 5):
        world.alert("pace", STOP, REMINDER, ago_s=400 - number, onset_ago_s=500)
    await world.carry(world.sink(channel))
    assert len(channel.letters) == 1 + REMINDERS


# ------------------------------------------------------------------------------------------ outages


async def test_an_outage_loses_nothing_and_is_told_in_one_summary(world: World) -> None:
    """An hour without the server: 40 alerts with their ends in 600 events, over several batches."""
    channel = Scripted(*[Away("no route")] * 10_000)
    ids = []
    sink = world.sink(channel)
    states: list[object] = []
    async with pumping(sink, world.log, states.append, batch=50) as task:
        for number in range(20):
            ids.append(world.alert(f"rule{number}", STOP))
            world.noise(25)
            world.clock.forward(minutes=1)
            world.alert(f"rule{number}", STOP, RECOVERY, onset_ago_s=60)
            world.clock.forward(minutes=2)
            await asyncio.sleep(0.002)
        fresh = world.alert("fresh", STOP)
        assert world.store.cursor(sink.name) == 0, "the cursor waits for the other side"
        channel.script.clear()
        await until(lambda: world.store.cursor(sink.name) == world.store.last_seq())
        assert not task.done()
    assert any(state.health is Health.AWAY and state.detail == "no route" for state in states)  # type: ignore[attr-defined]
    summary, *rest = channel.letters
    assert summary.summary
    told = [(notice.alert, notice.phase.value) for notice in summary.notices]
    late = ids[:-3]  # the newest are less than ten minutes old, and told one by one
    assert {alert for alert, _ in told} >= set(late)
    assert len(told) == len(set(told))
    everything = told + [(n.alert, n.phase.value) for letter in rest for n in letter.notices]
    assert sorted(everything) == sorted([(a, p) for a in ids for p in ("onset", "recovery")] + [(fresh, "onset")])
    assert len(rest) <= 8
    assert world.states(ids[0]) == ["waiting", "delivered"]
    assert world.states(ids[5]) == ["delivered"]


async def test_a_server_that_stays_away_is_noted_once_and_asked_again(world: World) -> None:
    channel = Scripted(Away("busy", 30.0), Away("busy"), Away("busy"))
    alert = world.alert()
    sink = world.sink(channel)
    with pytest.raises(AwayAfter, match="busy") as caught:
        await sink.send(world.store.read_after(0, 10))
    assert (caught.value.done, caught.value.retry_after_s) == (0, 30.0)
    await world.carry(sink)
    assert len(channel.asked) == 4
    assert world.states(alert) == ["waiting", "delivered"]


async def test_what_is_refused_for_good_is_set_aside_with_its_reason_and_the_rest_goes_on(world: World) -> None:
    channel = Scripted(poison="poisoned")
    world.alert("one")
    bad = world.alert("two", text="poisoned")
    world.alert("three")
    states = await world.carry(world.sink(channel))
    assert channel.names == [["one onset"], ["three onset"]]
    (aside,) = world.store.quarantined("people.therapist")
    assert (aside.seq, aside.reason) == (2, "no poisoned")
    assert world.states(bad) == ["refused"]
    assert states[-1].quarantined == 1


async def test_one_poisoned_notice_does_not_spoil_a_summary(world: World) -> None:
    channel = Scripted(poison="poisoned")
    for number in range(9):
        world.alert(f"rule{number}", ago_s=3000 - number, text="poisoned" if number == 4 else None)
    await world.carry(world.sink(channel))
    told = [name for letter in channel.names for name in letter]
    assert sorted(told) == sorted(f"rule{number} onset" for number in range(9) if number != 4)
    assert [aside.seq for aside in world.store.quarantined("people.therapist")] == [5]
    assert all(letter.summary for letter in channel.asked), "several notices as one would show the first only"


async def test_a_summary_holds_what_is_late_and_neither_news_nor_old_reminders(world: World) -> None:
    channel = Scripted()
    world.alert("late", ago_s=3000)
    world.alert("late", STOP, REMINDER, ago_s=2900, onset_ago_s=3000)
    world.alert("late, too", ago_s=601)
    world.alert("new", ago_s=599)
    await world.carry(world.sink(channel))
    assert channel.names == [["late onset", "late, too onset"], ["new onset"]]
    assert [letter.summary for letter in channel.letters] == [True, False]


async def test_a_summary_tells_no_end_of_what_was_never_told(world: World) -> None:
    channel = Scripted()
    sink = world.sink(channel)
    world.policy = Policy()
    world.alert("before", STOP, ago_s=4000)
    await world.carry(sink)
    world.policy = ALL
    world.alert("late", STOP, ago_s=3000)
    world.alert("late", STOP, RECOVERY, ago_s=2500, onset_ago_s=3000)
    world.alert("before", STOP, RECOVERY, ago_s=2000, onset_ago_s=4000)
    await world.carry(sink)
    assert channel.names == [["late onset", "late recovery"]]


async def test_what_no_cursor_waits_for_and_is_refused_is_told_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sink = world.sink(Scripted(Refused("no such user")))
    notice = notice_of_decision(decided(), "anna")
    assert notice is not None
    store_receipts.post(world.store, notice, at_wall_ns=NOON_NS)
    await sink.tend()
    await sink.tend()
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert errors == [f"people.therapist refuses {notice.alert}: no such user"]
    assert world.states(notice.alert) == ["refused"]


async def test_an_alert_that_cannot_be_read_is_set_aside(world: World) -> None:
    world.alert("one")
    (event,) = world.store.read_after(0, 10)
    sink = world.sink(Scripted())
    for payload in ({"id": "x"}, {**event.payload, "level": "loud"}):
        with pytest.raises(RefusedAt) as caught:
            await sink.send([event, replace(event, seq=2, payload=payload)])
        assert caught.value.done == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from([INFO, WARN, STOP, URGENT]), st.floats(0, 40)), min_size=1, max_size=12),
    st.lists(st.sampled_from(["away", "took", "killed"]), max_size=12),
    st.integers(1, 5),
)
def test_whatever_fails_when_each_alert_is_told_and_twice_only_after_a_kill_in_between(
    tmp_path_factory: pytest.TempPathFactory, alerts: list[tuple[Level, float]], script: list[str], batch: int
) -> None:
    """`killed`: the other side took it, and we died before the receipt."""

    class Killing(Scripted):
        async def deliver(self, letter):  # type: ignore[no-untyped-def]
            step = self.script.pop(0) if self.script else "took"
            if step == "away":
                raise Away("away")
            self.letters.append(letter)
            if step == "killed":
                raise SystemExit
            return Taken(State.DELIVERED, "taken")

    channel = Killing(*script)

    async def live(world: World, sink: PersonSink) -> None:
        """One life of the process, until it has nothing left to do or dies."""
        while events := world.store.read_after(world.store.cursor(sink.name), batch):
            done = len(events)
            try:
                await sink.send(events)
            except AwayAfter as away:
                done = away.done
            if done:
                world.store.move_cursor(sink.name, events[done - 1].seq)
        await sink.tend()
        world.clock.forward(minutes=20)
        await sink.tend()

    async def run(world: World) -> None:
        ids = [world.alert(f"rule{n}", level, ago_s=60 * ago) for n, (level, ago) in enumerate(alerts)]
        for _ in range(len(script) + 1):
            with contextlib.suppress(SystemExit, Away):
                await live(world, world.sink(channel))
        counts = Counter(notice.alert for letter in channel.letters for notice in letter.notices)
        kills = script.count("killed")
        assert set(counts) == set(ids)
        assert max(counts.values()) <= 1 + kills

    with opened(tmp_path_factory.mktemp("world")) as world:
        world.store.move_cursor("people.therapist", 0)
        asyncio.run(run(world))


# ------------------------------------------------------------------------------------------ kept back


async def test_quiet_hours_keep_info_back_for_one_summary_and_nothing_else(world: World) -> None:
    world.policy = quiet_policy(("11:00", "13:00"))
    channel = Scripted()
    sink = world.sink(channel)
    first, second = world.alert("one", INFO, ago_s=5), world.alert("two", INFO)
    world.alert("one", INFO, RECOVERY, onset_ago_s=5)
    world.alert("loud", STOP)
    await world.carry(sink)
    await sink.tend()
    assert channel.names == [["loud onset"]]
    assert world.states(first) == world.states(second) == ["held"]
    world.clock.forward(minutes=61)
    await sink.tend()
    await sink.tend()
    assert channel.names[1:] == [["one onset", "two onset", "one recovery"]]
    assert channel.letters[1].summary
    assert world.states(first) == ["held", "delivered"]


async def test_what_is_kept_back_survives_a_restart_and_an_outage_and_a_discarded_run_is_dropped(
    tmp_path: Path,
) -> None:
    channel = Scripted(Away("down"))
    with opened(tmp_path) as world:
        world.store.move_cursor("people.therapist", 0)
        world.policy = quiet_policy(("11:00", "13:00"))
        world.alert("kept", INFO)
        world.begin(OTHER)
        world.alert("discarded", INFO, run=OTHER)
        await world.carry(world.sink(channel))
        world.store.discard(OTHER, "coach", "wrong runner")
    with opened(tmp_path) as world:
        world.policy = quiet_policy(("11:00", "13:00"))
        world.clock.forward(hours=2)
        sink = world.sink(channel)
        with pytest.raises(Away, match="down"):
            await sink.tend()
        await sink.tend()
        assert channel.names == [["kept onset"]]


async def test_an_end_waits_for_the_summary_that_its_beginning_waits_for(world: World) -> None:
    channel = Scripted()
    sink = world.sink(channel)
    for number in range(BUSY + 1):
        world.alert(f"rule{number}", WARN, ago_s=20)
    await world.carry(sink)
    world.clock.forward(minutes=15)
    world.alert(f"rule{BUSY}", WARN, RECOVERY, onset_ago_s=20 + 15 * 60)
    await world.carry(sink)
    assert len(channel.letters) == BUSY
    await sink.tend()
    assert channel.names[BUSY:] == [[f"rule{BUSY} onset", f"rule{BUSY} recovery"]]


async def test_the_age_of_an_alert_of_the_run_that_is_on_is_not_the_wall_clocks_business(world: World) -> None:
    channel = Scripted()
    world.alert()
    (event,) = world.store.read_after(0, 1)
    world.clock.forward(hours=5)  # the clock is set
    clocks = Clocks(world.clock, lambda run: event.t_ns + 2 * NS if run == RUN else None)
    await world.carry(PersonSink("therapist", channel, world.book, lambda: world.policy, clocks=clocks))
    assert channel.letters[0].ages_s == (2.0,)


async def test_what_concerns_nobody_costs_nothing(world: World) -> None:
    world.noise(4)
    clocks = Clocks(world.clock)
    sink = PersonSink("therapist", Scripted(), None, lambda: world.policy, clocks=clocks)  # type: ignore[arg-type]
    await sink.send(world.store.read_after(0, 10))


async def test_many_messages_at_once_are_folded_but_stop_is_not(world: World) -> None:
    channel = Scripted()
    sink = world.sink(channel)
    for number in range(BUSY + 4):
        world.alert(f"rule{number}", WARN, ago_s=BUSY + 4 - number)
    world.alert("loud", STOP)
    await world.carry(sink)
    assert len(channel.letters) == BUSY + 1
    assert channel.names[-1] == ["loud onset"]
    await sink.tend()
    assert [len(letter) for letter in channel.names[BUSY + 1 :]] == [4]


async def test_runs_that_are_imported_one_after_another_are_told_together(world: World) -> None:
    channel = Scripted()
    sink = world.sink(channel)
    for number in range(5):
        run = f"{OTHER[:-1]}{number + 3}"
        world.begin(run)
        world.alert("old", STOP, ago_s=3000, run=run)
        await world.carry(sink)
    assert [len(letter) for letter in channel.names] == [1]
    world.clock.forward(minutes=16)
    await sink.tend()
    assert [len(letter) for letter in channel.names] == [1, 4]
    assert all(letter.summary for letter in channel.letters)


async def test_urgent_is_never_kept_back_however_late(world: World) -> None:
    channel = Scripted()
    sink = world.sink(channel)
    world.alert("one", STOP, ago_s=3000)
    await world.carry(sink)
    world.alert("two", URGENT, ago_s=3000)
    await world.carry(sink)
    assert channel.names == [["one onset"], ["two onset"]]


async def test_an_alert_whose_time_nobody_knows_is_told_at_once(tmp_path: Path) -> None:
    with opened(tmp_path, anchor_ns=None) as world:
        world.store.move_cursor("people.therapist", 0)
        channel = Scripted()
        world.alert()
        await world.carry(world.sink(channel))
        (letter,) = channel.letters
        assert (letter.summary, letter.ages_s, letter.notices[0].at_wall_ns) == (False, (None,), None)


# ------------------------------------------------------------------------------------------ decisions, reminders


def decided(level: str | None = "urgent", **changes: object) -> Decision:
    made = Decision(
        at_wall_ns=NOON_NS, outcome=Outcome.HOLD, run=None, stage="s2", to_stage=None, rules=("night_pain",),
        why="Night pain: hold. No running until the therapist releases it.", alert=level,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_a_plans_decision_is_told_once_however_often_it_is_posted(world: World) -> None:
    channel = Scripted(Away("down"))
    sink = world.sink(channel)
    notice = notice_of_decision(decided(), "anna")
    assert notice is not None
    assert notice_of_decision(decided(None), "anna") is None
    assert store_receipts.post(world.store, notice, at_wall_ns=NOON_NS)
    assert not store_receipts.post(world.store, notice, at_wall_ns=NOON_NS + 1)
    with pytest.raises(Away):
        await sink.tend()
    await sink.tend()
    await sink.tend()
    assert [letter.key for letter in channel.letters] == [f"{notice.alert}/onset"]
    assert world.states(notice.alert) == ["waiting", "delivered"]


async def test_decisions_keep_to_levels_quiet_hours_lateness_and_have_an_age(world: World) -> None:
    channel = Scripted()
    world.policy = quiet_policy(("11:00", "13:00"))
    for number, (level, hours) in enumerate([("warn", 0), ("info", 0), ("stop", 0), ("stop", 2), ("stop", 24 * 8)]):
        notice = notice_of_decision(decided(level, at_wall_ns=NOON_NS - hours * 3600 * NS - number), "anna")
        assert notice is not None
        store_receipts.post(world.store, notice, at_wall_ns=NOON_NS - hours * 3600 * NS)
    sink = world.sink(channel)
    await sink.tend()
    assert [len(letter.notices) for letter in channel.letters] == [1, 1]
    assert [letter.summary for letter in channel.letters] == [False, True]
    assert [held.level for held in store_receipts.held(world.store, "therapist")] == [INFO]


async def test_urgent_is_said_again_until_somebody_has_seen_it(world: World) -> None:
    world.policy = Policy(alerts_of(urgent=AlertLevel(who=["therapist"], repeat="10min")))
    channel = Scripted()
    sink = world.sink(channel)
    notice = notice_of_decision(decided(), "anna")
    assert notice is not None
    store_receipts.post(world.store, notice, at_wall_ns=NOON_NS)
    await sink.tend()
    for _ in range(3):
        world.clock.forward(minutes=10)
        await sink.tend()
        await sink.tend()
    assert [letter.key.removeprefix(notice.alert) for letter in channel.letters] == [
        "/onset", "/reminder/1", "/reminder/2", "/reminder/3",
    ]  # fmt: skip
    store_receipts.ack(world.store, notice.alert, "Dr. Example")
    world.clock.forward(minutes=10)
    await sink.tend()
    assert len(channel.letters) == 4


async def test_urgent_of_a_run_is_said_again_once_the_run_no_longer_does_it_and_until_it_has_ended(
    world: World,
) -> None:
    world.policy = Policy(alerts_of(urgent=AlertLevel(who=["therapist"], repeat="10min")))
    channel = Scripted(Taken(State.SENT, "taken"), Refused("no more of this"))
    sink = world.sink(channel)
    world.alert("pain", URGENT)
    await world.carry(sink)
    world.clock.forward(minutes=11)
    await sink.tend()
    assert len(channel.asked) == 1, "the run reminds by itself"
    world.store.end_run(RUN, sha256=None)
    await sink.tend()
    await sink.tend()
    assert len(channel.asked) == 2, "one that is refused counts, too"
    world.clock.forward(minutes=11)
    await sink.tend()
    assert channel.letters[-1].key.endswith("/reminder/2")
    world.alert("pain", URGENT, RECOVERY, onset_ago_s=22 * 60)
    world.clock.forward(minutes=11)
    await sink.tend()
    assert len(channel.letters) == 2


async def test_an_answer_may_say_who_has_seen_it(world: World) -> None:
    channel = Scripted(Taken(State.DELIVERED, "taken", seen_by="nurse"))
    alert = world.alert(level=URGENT)
    await world.carry(world.sink(channel))
    assert store_receipts.seen(world.store, [alert]) == {alert}
    assert world.states(alert, "nurse") == ["acknowledged"]


async def test_an_answer_about_a_run_that_was_discarded_meanwhile_is_no_bug(world: World) -> None:
    class Discarding(Scripted):
        async def deliver(self, letter):  # type: ignore[no-untyped-def]
            world.store.discard(RUN, "coach", "wrong runner")
            return await super().deliver(letter)

    channel = Discarding(Taken(State.DELIVERED, "taken", seen_by="nurse"))
    alert = world.alert(level=URGENT)
    await world.sink(channel).send(world.store.read_after(0, 10))
    assert world.states(alert) == ["delivered"]
    assert world.states(alert, "nurse") == []


# ------------------------------------------------------------------------------------------ its life


async def test_a_stop_between_the_answer_and_its_receipt_waits_for_the_receipt(world: World) -> None:
    """A disk that is slow just then: the drain that follows must not send it again."""
    writing, go_on = asyncio.Event(), asyncio.Event()

    class SlowBook(Book):
        async def note(self, receipts):  # type: ignore[no-untyped-def]
            writing.set()
            await go_on.wait()
            await super().note(receipts)

    world.book = SlowBook(world.store)
    channel = Scripted()
    alert = world.alert()
    sink = world.sink(channel)
    task = asyncio.create_task(sink.send(world.store.read_after(0, 10)))
    await writing.wait()
    task.cancel()
    again = asyncio.create_task(sink.send(world.store.read_after(0, 10)))
    await asyncio.sleep(0.01)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await again
    assert len(channel.letters) == 1
    assert world.states(alert) == ["delivered"]


async def test_it_looks_after_what_is_due_by_itself_and_waits_when_the_server_is_away(world: World) -> None:
    channel = Scripted(Away("down"), Away("down"))
    notice = notice_of_decision(decided(), "anna")
    assert notice is not None
    store_receipts.post(world.store, notice, at_wall_ns=NOON_NS)
    async with world.sink(channel, tend_s=0.001, backoff=Backoff(0.001, 0.002)) as sink:
        await until(lambda: channel.letters)
        assert await sink.check() == "it is scripted"
    assert channel.closed
    assert len(channel.asked) == 3


async def test_a_bug_while_tending_is_told_to_the_pump(world: World) -> None:
    notice = notice_of_decision(decided(), "anna")
    assert notice is not None
    store_receipts.post(world.store, notice, at_wall_ns=NOON_NS)
    sink = world.sink(Scripted(ZeroDivisionError()), tend_s=0.001)
    await sink.__aenter__()
    await asyncio.sleep(0.02)
    with pytest.raises(ZeroDivisionError):
        await sink.send([])
    with pytest.raises(ZeroDivisionError):
        await sink.close()


async def test_two_letters_never_go_at_once(world: World) -> None:
    """The pump and the look after what is due share one channel, and one idea of what has gone."""

    class Slow(Scripted):
        inside = 0

        async def deliver(self, letter):  # type: ignore[no-untyped-def]
            assert self.inside == 0
            self.inside += 1
            await asyncio.sleep(0.001)
            self.inside -= 1
            return await super().deliver(letter)

    channel = Slow()
    sink: PersonSink = world.sink(channel)
    for number in range(5):
        world.alert(f"rule{number}", ago_s=3000)
        notice = notice_of_decision(decided(at_wall_ns=NOON_NS + number), "anna")
        assert notice is not None
        store_receipts.post(world.store, notice, at_wall_ns=NOON_NS)
    await asyncio.gather(sink.send(world.store.read_after(0, 10)), sink.tend(), sink.tend())
    told = [notice.name for letter in channel.letters for notice in letter.notices]
    assert len(told) == len(set(told)) == 10
