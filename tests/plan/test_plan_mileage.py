"""Mileage: rolling sums, longest runs, growth, and the measures that are shown and never alarmed."""

from __future__ import annotations

from math import inf
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.model import NS
from sensord.plan.facts import Exercised, Fact, HistoryKnown, Key, RunFact, union
from sensord.plan.mileage import History, mileage, runs_of
from tests.plan.made_facts import BERLIN, DAY_NS, Log, at

NOW = at("06-01 12:00")


def run(name: str, at_ns: int, far_m: float | None = 1000.0, *, gateway: str = "g", clock: bool = True) -> RunFact:
    return RunFact(Key(gateway, 0, name), at_ns, at_ns + 1800 * NS, name, "pods", clock_trusted=clock, distance_m=far_m)


def known(days: float = 60) -> HistoryKnown:
    return HistoryKnown(Key("g", 1), NOW - round(days * DAY_NS), "me")


def daily(loads: list[float]) -> list[Fact]:
    """A run at eight on each of the last days, today last; 0: none."""
    facts: list[Fact] = [HistoryKnown(Key("g", 1), at("06-01 00:00") - (len(loads) - 1) * DAY_NS, "me")]
    for back, load in enumerate(reversed(loads)):
        if load:
            facts.append(run(f"r{back}", at("06-01 08:00") - back * DAY_NS, load))
    return facts


def test_windows_take_their_beginning_in_and_leave_their_end_out() -> None:
    facts = [known(), run("a", NOW - 7 * DAY_NS), run("b", NOW - 7 * DAY_NS - NS, 500.0), run("c", NOW - NS, 10.0)]
    found = mileage(facts, NOW, BERLIN)
    assert (found.sums_m[7].value, found.sums_m[7].n) == (1010.0, 2)
    assert found.sums_m[14].value == found.sums_m[30].value == 1510.0
    assert (found.previous_7d_m.value, found.previous_7d_m.n) == (500.0, 1)
    assert found.week_growth_pct.value == pytest.approx(202.0)
    assert (found.longest_30d_m.value, found.longest_30d_m.n) == (1000.0, 3)


@given(st.lists(st.tuples(st.integers(0, 40 * 24), st.floats(1, 30000)), max_size=20))
def test_sums_are_those_of_the_runs_in_the_window(made: list[tuple[int, float]]) -> None:
    facts: list[Fact] = [known()]
    facts += [run(f"r{i}", NOW - hours * 3600 * NS - NS, far_m) for i, (hours, far_m) in enumerate(made)]
    found = mileage(facts, NOW, BERLIN)
    for days in (7, 14, 30):
        inside = [far_m for hours, far_m in made if hours * 3600 + 1 <= days * 86400]
        assert found.sums_m[days].value == pytest.approx(sum(inside))
        assert found.sums_m[days].n == len(inside)
    longest = max((far_m for hours, far_m in made if hours * 3600 + 1 <= 30 * 86400), default=None)
    assert found.longest_30d_m.value == longest


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([run("a", NOW - DAY_NS)], "nobody has said from when on all runs are on file"),
        ([known(5), run("a", NOW - DAY_NS)], "not all runs of that time are on file"),
        ([known(), run("a", NOW - DAY_NS, None)], "a run has no distance"),
        ([known(), run("a", NOW - DAY_NS, clock=False)], "the clock of a run was not set"),
    ],
)
def test_what_cannot_be_summed_says_why(facts: list[Fact], why: str) -> None:
    found = mileage(facts, NOW, BERLIN)
    for measure in (found.sums_m[7], found.sums_m[30], found.longest_30d_m, found.week_growth_pct):
        assert (measure.value, measure.why_not) == (None, why)
    assert found.session_rpe_7d.value is None


def test_no_run_is_a_sum_of_zero_and_no_longest_run() -> None:
    found = mileage([known()], NOW, BERLIN)
    assert (found.sums_m[7].value, found.sums_m[7].why_not) == (0.0, None)
    assert found.longest_30d_m.why_not == "no run in that time"
    assert found.week_growth_pct.why_not == "nothing was run in the week before"


def test_a_run_that_two_gateways_recorded_counts_once() -> None:
    one, other = run("a", NOW - DAY_NS, 3000.0), run("a", NOW - DAY_NS + NS, 3010.0, gateway="h")
    for facts in ([one, other], [other, one]):
        assert runs_of(facts) == (other,)
        assert mileage([known(), *facts], NOW, BERLIN).sums_m[7].value == 3010.0
    untrusted = run("a", NOW, 9000.0, gateway="f", clock=False)
    assert runs_of([untrusted, one]) == (one,)
    assert runs_of([run("a", 5, gateway="z"), run("a", 5)]) == (run("a", 5),)


def test_a_run_without_a_clock_was_before_the_next_one_with_a_clock() -> None:
    facts = [known(), run("a", NOW - 20 * DAY_NS), run("b", NOW - 20 * DAY_NS, clock=False), run("c", NOW - 9 * DAY_NS)]
    history = History.of(facts)
    assert history.why_unsure(NOW - 8 * DAY_NS) is None
    assert history.why_unsure(NOW - 10 * DAY_NS) == "the clock of a run was not set"
    assert history.why_unsure(NOW - 30 * DAY_NS) == "the clock of a run was not set"
    assert History.of([known(), run("c", NOW - 9 * DAY_NS)]).why_unsure(NOW - 30 * DAY_NS) is None


def test_the_earliest_word_about_history_counts() -> None:
    facts = [known(5), HistoryKnown(Key("g", 2), NOW - 50 * DAY_NS, "me")]
    assert mileage(facts, NOW, BERLIN).sums_m[30].value == 0.0


# ------------------------------------------------------------------------------------------ shown, never alarmed

LOADS = [float(1000 * (day % 5)) for day in range(40)]


def test_the_ratios_are_what_their_authors_say() -> None:
    found = mileage(daily(LOADS), NOW, BERLIN)
    assert found.acwr_coupled.value == pytest.approx(fmean(LOADS[-7:]) / fmean(LOADS[-28:]))
    assert found.acwr_uncoupled.value == pytest.approx(fmean(LOADS[-7:]) / fmean(LOADS[-28:-7]))
    acute, chronic = LOADS[0], LOADS[0]
    for load in LOADS[1:]:
        acute = 0.25 * load + 0.75 * acute
        chronic = 2 / 29 * load + 27 / 29 * chronic
    assert found.acwr_ewma.value == pytest.approx(acute / chronic)
    assert (found.acwr_ewma.n, found.acwr_coupled.n) == (40, 28)
    week = LOADS[-7:]
    assert found.monotony.value == pytest.approx(fmean(week) / stdev(week))
    assert found.strain.value == pytest.approx(sum(week) * fmean(week) / stdev(week))


def test_steady_loads_have_a_ratio_of_one() -> None:
    found = mileage(daily([2000.0] * 60), NOW, BERLIN)
    for measure in (found.acwr_coupled, found.acwr_uncoupled, found.acwr_ewma):
        assert measure.value == pytest.approx(1.0)
    assert found.monotony.why_not == found.strain.why_not == "every day of the week was the same"


@given(st.lists(st.sampled_from([0.0, 500.0, 4000.0]), min_size=29, max_size=60), st.floats(0.1, 10))
def test_ratios_do_not_depend_on_the_unit(loads: list[float], factor: float) -> None:
    one, other = (mileage(daily([load * f for load in loads]), NOW, BERLIN) for f in (1.0, factor))
    for name in ("acwr_coupled", "acwr_uncoupled", "acwr_ewma", "monotony"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a.value is None) == (b.value is None)
        assert a.why_not == b.why_not
        if a.value is not None:
            assert b.value == pytest.approx(a.value)
            assert 0 <= a.value < inf


@pytest.mark.parametrize(("days", "ewma", "rolling", "monotony"), [(28, False, True, True), (27, False, False, True)])
def test_too_few_days_are_counted_out(days: int, ewma: bool, rolling: bool, monotony: bool) -> None:
    loads = [1000.0 + day for day in range(days)]
    found = mileage(daily(loads), NOW, BERLIN)
    assert (found.acwr_ewma.value is not None) is ewma
    assert found.acwr_ewma.why_not == f"{days} of 29 days are on file"
    assert (found.acwr_coupled.value is not None) is rolling
    assert (found.monotony.value is not None) is monotony
    assert mileage(daily(loads[:3]), NOW, BERLIN).monotony.why_not == "3 of 7 days are on file"


def test_a_ratio_to_nothing_is_none() -> None:
    found = mileage(daily([0.0] * 40), NOW, BERLIN)
    assert found.acwr_coupled.why_not == "nothing was run in the weeks it is compared with"
    assert found.acwr_ewma.why_not == "nothing was run"
    assert mileage(daily([0.0] * 33 + [1000.0] * 7), NOW, BERLIN).acwr_uncoupled.value is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([run("a", NOW - DAY_NS)], "nobody has said from when on all runs are on file"),
        ([HistoryKnown(Key("g", 1), NOW + DAY_NS, "me")], "not all runs of that time are on file"),
        ([known(), run("a", NOW - DAY_NS, None)], "a run has no distance"),
        ([known(), run("a", NOW - DAY_NS, clock=False)], "the clock of a run was not set"),
    ],
)
def test_measures_of_days_say_why_not(facts: list[Fact], why: str) -> None:
    found = mileage(facts, NOW, BERLIN)
    for measure in (found.acwr_coupled, found.acwr_uncoupled, found.acwr_ewma, found.monotony, found.strain):
        assert (measure.value, measure.why_not) == (None, why)


def test_days_are_those_of_her_time_zone() -> None:
    late = [known(40), run("a", at("05-31 23:30"), 700.0), run("b", at("06-01 00:30"), 300.0)]
    week = [0.0] * 5 + [700.0, 300.0]
    assert mileage(late, NOW, BERLIN).monotony.value == pytest.approx(fmean(week) / stdev(week))


def test_effort_times_minutes_of_runs_and_cross_training() -> None:
    log = Log()
    log.known("01-01 00:00")
    log.run("05-30 08:00", "a", minutes=30)
    log.told("05-30 09:00", "a", rpe=2.0)
    log.told("05-30 10:00", "a", rpe=4.0)  # the later answer counts
    log.run("05-20 08:00", "old", minutes=30)
    log.exercised("05-31 08:00", "bike", minutes=40.0, rpe=3.0)
    log.exercised("05-31 09:00", "bike", minutes=40.0)
    log.exercised("05-10 09:00", "bike", minutes=40.0, rpe=5.0)
    found = mileage(union(log.facts), NOW, BERLIN).session_rpe_7d
    assert (found.value, found.n, found.unit) == (30 * 4.0 + 40 * 3.0, 2, "effort x min")
    log.run("05-31 12:00", "b", minutes=30)
    assert mileage(union(log.facts), NOW, BERLIN).session_rpe_7d.why_not == "a run has no effort or no duration"
    assert isinstance(log.facts[-2], Exercised)
