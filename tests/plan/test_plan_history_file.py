"""History files: TOML and CSV, and what is said about mistakes in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.plan.facts import Approval, CheckIn, HistoryKnown, Moment, RunFact, Verdict, union
from sensord.plan.facts import Tested as Result
from sensord.plan.history_file import read_history
from sensord.plan.simulate import simulate
from tests.plan.made_facts import BERLIN, HEAD, A, at

TOML = """
known_from = 2026-01-01
[[run]]
at = 2026-03-02T18:00:00
minutes = 31
distance = "3.2km"
run_distance = "1km"
run_time = "6min"
done_pct = 100
reps = 6
surface = "grass"
[[run]]
at = 2026-03-04T17:00:00Z
name = "second"
minutes = 30
clock = false
[[checkin]]
at = 2026-03-02T18:40:00
moment = "after"
answers = {"pain.during" = 0, gait_altered = false, "soreness.warmup" = "none"}
[[checkin]]
at = 2026-03-06T18:40:00
moment = "after"
run = "run 1"
answers = {rpe = 4.5}
[[checkin]]
at = 2026-03-03T07:00:00
moment = "daily"
answers = {"pain.daily" = 0}
[[test]]
at = 2026-03-01T09:00:00
item = "hop"
value = 82
side = "left"
[[test]]
at = 2026-03-01T09:01:00
item = "tender"
passed = true
[[decision]]
at = 2026-03-09T09:00:00
verdict = "set_stage"
stage = "2"
"""


def refused(text: str, file: str = "h.toml") -> list[str]:
    with pytest.raises(InputError) as caught:
        read_history(text, file, BERLIN)
    return [str(problem) for problem in caught.value.problems]


def test_a_history_in_toml() -> None:
    facts = read_history(TOML, "h.toml", BERLIN)
    first, second = (fact for fact in facts if isinstance(fact, RunFact))
    assert (first.run, first.at_wall_ns, first.end_wall_ns) == ("run 1", at("03-02 18:00"), at("03-02 18:31"))
    assert (first.distance_m, first.run_distance_m, first.run_time_s, first.reps_done) == (3200.0, 1000.0, 360.0, 6)
    assert (first.done_pct, first.surface, first.clock_trusted) == (100.0, "grass", True)
    assert (second.run, second.at_wall_ns, second.clock_trusted) == ("second", at("03-04 18:00"), False)
    told = [fact for fact in facts if isinstance(fact, CheckIn)]
    assert [(fact.run, fact.moment) for fact in told] == [
        ("run 1", Moment.AFTER),
        ("run 1", Moment.AFTER),
        (None, Moment.DAILY),
    ]
    assert told[0].answers == {"pain.during": 0.0, "gait_altered": False, "soreness.warmup": "none"}
    assert type(told[0].answers["pain.during"]) is float
    (hop, tender) = (fact for fact in facts if isinstance(fact, Result))
    assert (hop.value, hop.side, tender.passed) == (82.0, "left", True)
    (said,) = (fact for fact in facts if isinstance(fact, Approval))
    assert (said.verdict, said.stage, said.at_wall_ns) == (Verdict.SET_STAGE, "2", at("03-09 09:00"))
    (known,) = (fact for fact in facts if isinstance(fact, HistoryKnown))
    assert known.at_wall_ns == at("01-01 00:00")
    assert len(union(facts)) == len(facts)  # every fact has a key of its own


def test_an_answer_is_about_the_last_run_before_it() -> None:
    told = 'moment = "next_morning"\nanswers = {"pain.next_morning" = 1}\n'
    more = f"{TOML}[[checkin]]\nat = 2026-03-05T07:00:00\n{told}"
    assert [fact.run for fact in read_history(more, "h.toml", BERLIN) if isinstance(fact, CheckIn)][-1] == "second"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[run]\n", "h.toml: found broken TOML"),
        ("a = " + "[" * 9999, "lists or tables nested without end"),
        ("[[run]]\nat = 1900-01-01T00:00:00\nminutes = 9\n", "line 2, run.#1.at: found"),
        ("[[run]]\nat = 2026-03-02T18:00:00\n", "h.toml: line 1, run.#1.minutes: found nothing, expected this key"),
        ("[[run]]\nat = 2026-03-02T18:00:00\nminutes = 0\n", "line 3, run.#1.minutes: found 0"),
        ("[[run]]\nat = 2026-03-02T18:00:00\nminutes = 9\nmood = 1\n", "line 4, run.#1.mood: found unknown key mood"),
        ('[[run]]\nat = "soon"\nminutes = 9\n', "line 2, run.#1.at"),
        ("runs = 1\n", "line 1, runs: found unknown key runs, expected run, perhaps?"),
        (
            '[[checkin]]\nat = 2026-03-02T18:00:00\nmoment = "after"\nanswers = {rpe = 1}\n',
            'h.toml: checkin.#1.run: found no run before it, expected a run, or moment = "daily"',
        ),
        (
            TOML + '[[checkin]]\nat = 2026-03-05T07:00:00\nmoment = "after"\nrun = "third"\nanswers = {rpe = 1}\n',
            'h.toml: checkin.#4.run: found "third", expected the name of a run (run 1, second)',
        ),
        (
            '[[checkin]]\nat = 2026-03-05T07:00:00\nmoment = "after"\nrun = "third"\nanswers = {rpe = 1}\n',
            'found "third", expected the name of a run (none)',
        ),
        (
            '[[checkin]]\nat = 2026-03-05T07:00:00\nmoment = "daily"\nanswers = {mood = 1}\n',
            "line 4, checkin.#1.answers: found unknown field mood, expected a field of docs/plan-file.md",
        ),
        (
            '[[checkin]]\nat = 2026-03-05T07:00:00\nmoment = "daily"\nanswers = {rpe = 11}\n',
            "line 4, checkin.#1.answers: found 11, expected rpe: 0 to 10",
        ),
        ('[[checkin]]\nat = 2026-03-05T07:00:00\nmoment = "daily"\nanswers = {}\n', "expected answers by field"),
        ('[[decision]]\nat = 2026-03-05T07:00:00\nverdict = "advance"\nstage = "2"\n', "line 4, decision.#1.stage"),
        ("[[run]]\nat = 1900-01-01T00:00:00\nminutes = 9\n", 'line 2, run.#1.at: found "1900-01-01'),
        ('[[decision]]\nat = 2026-03-05T07:00:00\nverdict = "set_stage"\n', "expected a stage with verdict"),
    ],
)
def test_a_mistake_in_toml_is_named_with_its_place(text: str, problem: str) -> None:
    assert any(problem in found for found in refused(text))


PAIN = "pain.before,pain.during,pain.after_60min,pain.next_morning"
CSV = f"""\ufeffat,minutes,distance_km,run_min,done_pct,reps,{PAIN},night_pain,rest_pain
2026-03-02 18:00,31,3.2,6,100,6,0,0,1,2,no,yes

,,,,,,,,,,,
2026-03-04 07:00,,,,,,,,,,yes,
2026-03-05T18:00:00+01:00,30,,,,,,,,,,
"""


def test_a_history_in_csv() -> None:
    facts = read_history(CSV, "h.CSV", BERLIN)
    first, last = (fact for fact in facts if isinstance(fact, RunFact))
    assert (first.run, first.at_wall_ns, first.end_wall_ns) == ("line 2", at("03-02 18:00"), at("03-02 18:31"))
    assert (first.distance_m, first.run_time_s, first.done_pct, first.reps_done) == (3200.0, 360.0, 100.0, 6)
    assert (last.distance_m, last.run_time_s, last.done_pct, last.reps_done) == (None, None, None, None)
    told = {(fact.moment, fact.run): fact for fact in facts if isinstance(fact, CheckIn)}
    assert told[Moment.BEFORE, "line 2"].answers == {"pain.before": 0.0}
    assert told[Moment.AFTER, "line 2"].at_wall_ns == at("03-02 18:36")
    assert told[Moment.AFTER_60MIN, "line 2"].answers == {"pain.after_60min": 1.0}
    assert told[Moment.NEXT_MORNING, "line 2"].answers == {"pain.next_morning": 2.0, "night_pain": False}
    assert told[Moment.NEXT_MORNING, "line 2"].at_wall_ns == at("03-03 07:30")
    daily = [fact for fact in facts if isinstance(fact, CheckIn) and fact.moment is Moment.DAILY]
    assert [(fact.run, fact.answers) for fact in daily] == [(None, {"rest_pain": True}), (None, {"night_pain": True})]
    assert len(union(facts)) == len(facts)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: found nothing, expected a column called at"),
        ("when,minutes\n", "line 1: found when,minutes, expected a column called at"),
        ("at,mood\n", "line 1, mood: found an unknown column, expected one of: at, minutes"),
        ("at,minutes\nsoon,3\n", "line 2, at: found soon, expected a time such as 2026-03-02 18:00"),
        ("at,minutes\n9999-12-31 23:00,3\n", "line 2, at: found 9999-12-31 23:00, expected a time between"),
        ("at,minutes\n,3\n", "line 2, at: found nothing, expected a time"),
        ("at,minutes\n2026-03-02 18:00,long\n", "line 2, minutes: found long, expected 0 to 1440"),
        ("at,minutes\n2026-03-02 18:00,-3\n", "line 2, minutes: found -3, expected 0 to 1440"),
        ("at,minutes\n2026-03-02 18:00\n", "line 2, columns: found another number of values"),
        ("at,minutes\n2026-03-02 18:00,3,4\n", "line 2, columns: found another number of values"),
        ("at,minutes\n2026-03-02 18:00,\n", "line 2, minutes: found nothing, expected the minutes of a run"),
        ("at,rpe\n2026-03-02 18:00,hard\n", "line 2, rpe: found hard, expected 0 to 10"),
        ("at,night_pain\n2026-03-02 18:00,perhaps\n", "line 2, night_pain: found perhaps, expected yes or no"),
        ("at,effusion\n2026-03-02 18:00,9+\n", "line 2, effusion: found 9+, expected 'zero'"),
    ],
)
def test_a_mistake_in_csv_is_named_with_its_line(text: str, problem: str) -> None:
    assert any(problem in found for found in refused(text, "h.csv"))


def test_every_mistake_is_named() -> None:
    assert len(refused("at,rpe,minutes\nsoon,1,1\n2026-03-02 18:00,11,1441\n", "h.csv")) == 3


@given(st.text(max_size=200), st.sampled_from(["h.csv", "h.toml"]))
def test_any_text_is_read_or_refused(text: str, file: str) -> None:
    try:
        assert isinstance(read_history(text, file), tuple)
    except InputError as error:
        assert error.problems  # noqa: PT017 (either will do)


@given(st.lists(st.tuples(st.integers(1, 28), st.floats(0, 10)), min_size=1, max_size=9, unique_by=lambda one: one[0]))
def test_what_is_written_is_what_is_read(told: list[tuple[int, float]]) -> None:
    lines = [f"2026-03-{day:02} 18:00,30,{pain}" for day, pain in told]
    facts = read_history("at,minutes,pain.during\n" + "\n".join(lines), "h.csv", BERLIN)
    answers = [fact.answers["pain.during"] for fact in facts if isinstance(fact, CheckIn)]
    assert answers == [pain for _, pain in told]


def test_a_plan_is_tried_over_it() -> None:
    rows = simulate(HEAD.format(id="a", decides="auto") + A, read_history(TOML, "h.toml", BERLIN), days=9, tz=BERLIN)
    assert rows[0].date == "Sun 2026-03-01"
    assert rows[-1].decisions[-1].to_stage == "2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at,minutes,minutes\n2026-02-20 18:00,31,3\n", "line 1, minutes: found this column twice"),
        ("at,minutes\n2026-02-20 18:00" + "x" * 200_000 + ",31\n", "line 2: found no CSV"),
        ("x" * 200_000, "line 1: found no CSV"),
    ],
)
def test_a_table_that_is_none_is_one_line(text: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read_history(text, "h.csv")
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_history_is_known_from_a_day_that_can_be_meant(day: str) -> None:
    with pytest.raises(InputError, match="a day between 1990 and 2100"):
        read_history(f"known_from = {day}\n", "h.toml")
