"""Two whole plans with every key of impact and asymmetry, and what each of those keys does to a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensord.errors import InputError
from sensord.model import ALGORITHM, NS, Level, PodSetup, RunSetup, Side
from sensord.plan.baseline import Baselines
from sensord.plan.impact import ImpactRule
from sensord.plan.limits import Limits
from sensord.plan.model import SessionsBaseline, read_plan
from sensord.plan.stage_range import ran_in, stage_range
from sensord.plan.warnings import warnings_of
from tests.plan.made_plans import FIXED_ASYMMETRY, FIXED_IMPACT, HEAD, IMPACT, Runner, asymmetry, limits, stride

L, R = Side.LEFT, Side.RIGHT

LADDER = "".join(f'[[stage]]\nid = "{n}"\nsession = [{{do = "run {n}0min"}}]\n' for n in range(1, 6))

KNEE = """\
schema = "rtr-plan/1"
id = "knee"
title = "Back on the belt after surgery of the knee"
evidence = "expert"
[[source]]
who = "A clinic"
[runner]
alias = "R-1"
injured_side = "left"
surgery_date = 2026-03-02
decides = "therapist"
[readiness]
need = "all"
retest_after = "7d"
item = [
  {id = "weeks", kind = "weeks_since", ref = "surgery_date", min = 12},
  {id = "knee", kind = "lsi", what = "knee extension", min_pct = 70},
  {id = "walk", kind = "walk", min = "30min", max_pain = 0, gait = "normal"},
  {id = "fluid", kind = "grade", scale = ["zero", "trace", "1+"], max = "trace"},
]
[schedule]
surface = ["treadmill"]
min_gap = "48h"
max_stage_steps_7d = 2
cross_training = {allowed = ["bike"], on = "non-run days"}
[advance]
successes = 1
when = ["effusion_change <= 0", "soreness.warmup == 'none'"]
[[rule]]
id = "swollen"
when = ["effusion >= '2+'"]
then = {hold = "therapist", alert = "urgent"}
[asymmetry.contact_time]
formula = "si_signed"
baseline = {mode = "manual", value = 0.0}
warn = 5.0
stop = 10.0
needs = {steps = 60, sustained = "120s", clear_below = 4.0}
"""

SHIN = """\
schema = "rtr-plan/1"
id = "shin"
title = "Walk and run after a bone stress injury, then volume"
[runner]
alias = "R-2"
injured_side = "right"
pre_injury = {weekly = "40km", longest = "14km", cadence_spm = 162}
[[rule]]
id = "quiet"
when = ["pain.next_morning == missing"]
then = {step = 0, alert = "info"}
[limit.session_spike]
of = "longest_30d"
from_stage = "5"
warn_pct = 130
[limit.impact_load]
of = "previous_7d"
exponent = 1.0
warn_pct = 130
[impact]
metric = "peak_accel"
mount = "laces"
baseline = {mode = "sessions", n = 3, stage = "1..2", min_steps = 600, by = ["surface", "shoe", "pace_band"]}
target_pct = 90
warn_pct = 115
stop_pct = 130
needs = {window_steps = 30, sustained = "60s", clear_below_pct = 110, min_change_g = 2.0}
[asymmetry.contact_time]
formula = "si_signed"
baseline = {mode = "sessions", n = 3, stage = "1..2"}
target = 2.0
warn = 5.0
stop = 10.0
alert = "info"
from_stage = "2"
[cadence]
baseline_spm = 162
target_pct = [105, 110]
alert = "info"
"""

TARGET = FIXED_IMPACT.replace("warn_pct", "target_pct = 90\nwarn_pct", 1)


def a_run(stage: str | None = "1", impact_g: float = 10.0, **changes: Any) -> dict[str, Any]:
    """The summary of an earlier run by plan "test", of 700 strides of each foot."""
    values = {"left": 0.25, "right": 0.25, "n_left": 700, "n_right": 700, "index": 1.0, "pairs": 700}
    foot = {"source": "acc", "n": 700, "clipped": 0, "quantiles": {"50": impact_g}}
    run = {
        "algo": ALGORITHM, "mount": "laces", "shoe": None, "surface": None, "speed_band": "2.5-3.0",
        "day": {"plan": "test", "revision": 1, "stage": stage} if stage else {},
        "metrics": {"contact_time": values}, "bands": {"2.5-3.0": {"contact_time": values}},
        "impact": {"left": foot, "right": foot},
    }  # fmt: skip
    return run | changes


def today(stage: str) -> dict[str, Any]:
    return {"plan": "test", "revision": 1, "stage": stage, "workout": "run 10min"}


def usual(keys: str, *history: dict[str, Any], **setting: Any) -> str:
    """What an impact limit with this baseline of three runs is checked against: the g, or why nothing."""
    body = IMPACT.format(baseline=f'{{mode = "sessions", n = 3{keys}}}') + LADDER
    under_test = limits(body, history=history, **setting)
    (rule,) = [rule for rule in under_test._rules if isinstance(rule, ImpactRule)]
    return f"{rule._measure.usual:g}" if rule._measure else Runner(under_test).last("impact")[2] or ""


@pytest.mark.parametrize("text", [KNEE, SHIN])
def test_whole_plans_are_read(text: str) -> None:
    plan = read_plan(text + LADDER, "plan.toml")
    assert [stage.id for stage in plan.stage] == ["1", "2", "3", "4", "5"]
    assert plan.asymmetry.contact_time is not None


def test_a_whole_plan_is_kept_from_its_first_run_on() -> None:
    """Before there is a baseline nothing is checked against one; after three runs of the first stages it is."""
    plan = read_plan(SHIN + LADDER, "plan.toml")
    pods = tuple(PodSetup(f"pod-{foot}", foot, "open_pod") for foot in Side)
    setup = RunSetup(run="R", runner="r", site="s", gateway="g", pods=pods, mount="laces", day=today("1"))
    new = Runner(Limits(plan, setup))
    new.run(120, {L: 10.0, R: 10.0}, si=asymmetry(0.0))
    assert new.last("impact") == ("not_checked", "none", "no baseline: 0 of 3 runs")
    assert new.last("asymmetry.contact_time") == ("not_checked", "none", "counts from stage 2 on")
    by_this = {"plan": "shin", "revision": 1, "stage": "2"}
    history = tuple(a_run(day=by_this) for _ in range(3))
    later = Runner(Limits(plan, replace(setup, history=history, day=today("3"))))
    later.run(120, {L: 10.0, R: 9.9}, si=asymmetry(1.0))
    assert later.last("impact") == ("within", "none", "target 9.0 g not reached")
    assert later.last("asymmetry.contact_time")[2] == "target 2.0 points reached"
    later.run(200, {L: 10.0, R: 14.0}, si=asymmetry(20.0))
    assert later.alerts("impact") == [("onset", "stop")]
    assert later.alerts("asymmetry.contact_time") == [("onset", "info")]


def test_a_plan_for_nobody_is_one_clear_line() -> None:
    with pytest.raises(InputError) as refused:
        read_plan('schema = "rtr-plan/1"\nid = "c"\ntitle = "Twelve weeks"\n', "c.toml")
    assert str(refused.value) == "c.toml: runner: found nothing, expected this key"


@given(
    st.none() | st.sampled_from(["1", "1..2", "2..5"]),
    st.none() | st.integers(1, 100_000),
    st.none() | st.sets(st.sampled_from(["shoe", "surface", "pace_band"])),
    st.none() | st.floats(1, 100),
    st.none() | st.sampled_from(["info", "warn", "stop"]),
    st.none() | st.sampled_from(["1", "5"]),
)
def test_what_is_written_is_what_is_read(
    stage: str | None, steps: int | None, by: set[str] | None, target: float | None, loud: str | None, since: str | None
) -> None:
    def keys(between: str, **given: object) -> str:
        return "".join(f"{between}{key} = {value}" for key, value in given.items() if value is not None)

    def words(text: str | None) -> str | None:
        return text and f'"{text}"'

    inside = keys(", ", stage=words(stage), min_steps=steps, by=None if by is None else str(sorted(by)))
    more = keys("\n", target_pct=target, alert=words(loud), from_stage=words(since))
    body = IMPACT.format(baseline='{mode = "sessions"' + inside + "}").replace("\nwarn_pct", more + "\nwarn_pct")
    limit = read_plan(HEAD.format(side="left") + body + LADDER, "plan.toml").impact
    assert limit is not None
    assert isinstance(limit.baseline, SessionsBaseline)
    assert (limit.baseline.stage, limit.baseline.min_steps) == (stage, steps)
    assert limit.baseline.by == (None if by is None else sorted(by))
    assert (limit.target_pct, limit.alert, limit.from_stage) == (target, loud, since)
    assert type(limit).model_validate(limit.model_dump(exclude={"needs"})) == limit.model_copy(
        update={"needs": type(limit).model_fields["needs"].default}
    )


@pytest.mark.parametrize(
    ("body", "line", "expected"),
    [
        ('baseline = {mode = "sessions", stage = "2..1"}', "impact.baseline.stage", "the lower first"),
        ('baseline = {mode = "sessions", stage = "9"}', "impact.baseline.stage", "one of the stages: 1, 2"),
        ('baseline = {mode = "sessions", by = ["shoe", "shoe"]}', "impact.baseline.by", "each of them once"),
        ('baseline = {mode = "sessions", by = ["mount"]}', "impact.baseline.by", '"shoe", "surface", "pace_band"'),
        ('baseline = {mode = "sessions", min_steps = 0}', "impact.baseline.min_steps", "greater than or equal to 1"),
    ],
)
def test_a_baseline_of_runs_that_cannot_be_is_refused(body: str, line: str, expected: str) -> None:
    text = IMPACT.replace("baseline = {baseline}", body).replace("{{", "{").replace("}}", "}")
    with pytest.raises(InputError, match=line) as refused:
        read_plan(HEAD.format(side="left") + text + LADDER, "plan.toml")
    assert expected in str(refused.value)


@pytest.mark.parametrize(("target", "fits"), [(4.9, True), (5.0, False), (6.0, False)])
def test_a_target_is_nearer_than_the_first_limit(target: float, fits: bool) -> None:
    text = HEAD.format(side="left") + FIXED_ASYMMETRY.replace("warn =", f"target = {target}\nwarn =")
    if fits:
        assert read_plan(text, "plan.toml").asymmetry.limits["contact_time"].target == target
        return
    with pytest.raises(InputError, match=r"contact_time\.target.*less than warn"):
        read_plan(text, "plan.toml")


def test_impact_is_another_name_of_impact_peak() -> None:
    text = HEAD.format(side="left") + FIXED_ASYMMETRY.replace("contact_time", "impact") + LADDER
    plan = read_plan(text, "plan.toml")
    assert list(plan.asymmetry.limits) == ["impact_peak"]
    assert "asymmetry.impact_peak" in limits(FIXED_ASYMMETRY.replace("contact_time", "impact")).rules
    with pytest.raises(InputError, match=r"asymmetry.impact.*which are the same"):
        read_plan(text + FIXED_ASYMMETRY.replace("contact_time", "impact_peak"), "plan.toml")
    with pytest.raises(InputError, match=r"asymmetry\.impact\.from_stage: found \"7\""):
        read_plan(text.replace("warn =", 'from_stage = "7"\nwarn ='), "plan.toml")


# ------------------------------------------------------------------------------------------ which runs count


@pytest.mark.parametrize(
    ("text", "ladder", "stages"),
    [
        ("2", ["1", "2", "3"], ("2",)),
        ("1..2", ["1", "2", "3"], ("1", "2")),
        ("2..2", ["1", "2", "3"], ("2",)),
        ("3..1", ["1", "2", "3"], None),
        ("1..4", ["1", "2", "3"], None),
        ("..2", ["1", "2"], None),
        ("1..", ["1", "2"], None),
        ("1.1..1.3", ["1.1", "1.2", "1.3"], ("1.1", "1.2", "1.3")),
        ("a...b", ["a.", "b"], ("a.", "b")),
        ("a..b", ["a..b", "a", "b"], ("a..b",)),
    ],
)
def test_a_range_of_stages(text: str, ladder: list[str], stages: tuple[str, ...] | None) -> None:
    assert stage_range(text, ladder) == stages


def test_a_stage_of_another_plan_is_another_stage() -> None:
    assert ran_in(a_run("2"), "test", ("1", "2"))
    assert not ran_in(a_run("3"), "test", ("1", "2"))
    assert not ran_in(a_run("2"), "other", ("1", "2"))
    assert not ran_in(a_run(None), "test", ("1", "2"))


@pytest.mark.parametrize(
    ("keys", "other", "counts"),
    [
        ("", a_run("4"), True),
        (', stage = "1..2"', a_run("2"), True),
        (', stage = "1..2"', a_run("3"), False),
        (', stage = "1..2"', a_run(None), False),
        (", min_steps = 700", a_run(), True),
        (", min_steps = 701", a_run(), False),
        (', by = ["surface"]', a_run(shoe="red"), True),
        (', by = ["surface"]', a_run(surface="track"), False),
        (', by = ["shoe"]', a_run(surface="track"), True),
        (", by = []", a_run(shoe="red", surface="track"), True),
        (", by = []", a_run(mount="tibia"), False),
        ("", a_run(shoe="red"), False),
    ],
)
def test_which_runs_make_the_baseline_of_an_impact(keys: str, other: dict[str, Any], counts: bool) -> None:
    few = ", min_steps = 701" in keys
    said = usual(keys, a_run(), a_run(), other)
    assert said == "10" if counts else said.startswith(f"no baseline: {0 if few else 2} of 3 runs")


@pytest.mark.parametrize(
    ("keys", "other", "why"),
    [
        ('stage = "1..2"', a_run("3"), "no baseline: 2 of 3 runs (1 in another stage)"),
        ('by = ["surface"]', a_run(shoe="red"), None),
        ('by = ["shoe"]', a_run(shoe="red"), "no baseline: 2 of 3 runs (1 with another shoe)"),
        ("min_steps = 700", a_run(), None),
        ("min_steps = 700", a_run(metrics={"contact_time": {"index": 1.0, "pairs": 700}}), None),
        (
            "min_steps = 700",
            a_run(metrics={"contact_time": {"index": 1.0, "pairs": 650, "n_left": 800, "n_right": 699}}),
            "no baseline: 2 of 3 runs",
        ),
    ],
)
def test_which_runs_make_the_baseline_of_an_asymmetry(keys: str, other: dict[str, Any], why: str | None) -> None:
    base = FIXED_ASYMMETRY.replace('"fixed", value = 0.0', f'"sessions", n = 3, {keys}')
    found = of_plan(base, a_run(), a_run(), other).asymmetry("contact_time", None)
    assert found.why_none == why
    assert (found.value == pytest.approx(1.0)) is (why is None)


def of_plan(body: str, *history: dict[str, Any]) -> Baselines:
    plan = read_plan(HEAD.format(side="left") + body + LADDER, "plan.toml")
    setup = RunSetup(run="R", runner="r", site="s", gateway="g", pods=(), history=history, mount="laces")
    return Baselines(plan, setup)


def test_without_the_pace_band_an_asymmetry_is_compared_with_whole_runs() -> None:
    body = FIXED_ASYMMETRY.replace('"fixed", value = 0.0', '"sessions", n = 3{}')
    runs = (a_run(), a_run(), a_run())
    assert of_plan(body.replace("{}", ', by = ["shoe"]'), *runs).asymmetry("contact_time", "4.0-4.5").value is not None
    for keys in ("", ', by = ["pace_band"]'):
        found = of_plan(body.replace("{}", keys), *runs).asymmetry("contact_time", "4.0-4.5")
        assert found.why_none == "no baseline: 0 of 3 runs at 4.0-4.5 m/s"


# ------------------------------------------------------------------------------------------ while she runs


def strides(under_test: Limits, peak_g: float, *speeds: float | None) -> list[str]:
    """What the state of impact said as its reason, in turn, at these speeds, 40 strides each."""
    said, t_s = under_test.start(0), 0.0
    for speed in speeds:
        for _ in range(40):
            t_s += 0.7
            made = replace(stride(L, peak_g), speed_mps=speed, speed_source=None if speed is None else "measured")
            said += under_test.on_stride(made, round(t_s * NS))
    states = [state for state in said if state.KIND == "limit_state"]
    return [state.reason or f"{state.status.value} {state.value:g} {state.warn:g}" for state in states]


def test_an_impact_is_compared_with_runs_at_the_speed_she_runs_at() -> None:
    history = tuple(
        a_run(impact_g=g, speed_band=band)
        for g, band in ((10.0, "2.5-3.0"), (16.0, "3.5-4.0"))
        for _ in range(3)
    )  # fmt: skip
    body = IMPACT.format(baseline='{mode = "sessions", n = 3, by = ["pace_band"]}') + LADDER
    assert strides(limits(body, history=history), 9.0, 2.7)[-1] == "within 9 11.5"
    assert strides(limits(body, history=history), 14.0, 3.7)[-1] == "within 14 18.4"
    said = strides(limits(body, history=history), 9.0, 2.7, 4.7, 2.7)
    assert "no baseline: 0 of 3 runs at 4.5-5.0 m/s" in said
    assert said[-1] == "within 9 11.5"
    assert strides(limits(body, history=history), 9.0, None)[-1] == "within 9 18.4"  # no speed: her last three runs


def test_the_state_says_whether_the_target_is_reached_and_alerts_name_it() -> None:
    runner = Runner(limits(TARGET))
    runner.run(60, {L: 10.0, R: 10.0})
    assert runner.last("impact") == ("within", "none", "target 9.0 g not reached")
    runner.run(60, {L: 8.5, R: 10.0})
    assert runner.last("impact") == ("within", "none", "target 9.0 g reached")
    assert runner.alerts() == []
    runner.run(60, {L: 12.2, R: 10.0})
    (alert,) = [said for said in runner.said if said.KIND == "alert"]
    assert "Target 9.0 g." in alert.text
    assert runner.last("impact")[2] is None


def test_a_target_that_was_reached_is_kept_while_it_cannot_be_told() -> None:
    runner = Runner(limits(FIXED_ASYMMETRY.replace("warn =", "target = 2.0\nwarn =")))
    reasons = []
    for si in (2.0, 0.5, 2.5, 3.4, 2.5):
        runner.run(60, {L: 10.0, R: 10.0}, si=asymmetry(si))
        reasons.append(runner.last("asymmetry.contact_time")[2])
    on, off = "target 2.0 points reached", "target 2.0 points not reached"
    assert reasons == [off, on, on, off, off]
    runner.run(200, {L: 10.0, R: 10.0}, si=asymmetry(8.0))
    assert "Target 2.0." in next(said for said in runner.said if said.KIND == "alert").text


@pytest.mark.parametrize(
    ("levels", "most", "told"),
    [
        ("warn = 5.0\nstop = 10.0", "info", {Level.INFO: 5.0}),
        ("warn = 5.0\nstop = 10.0", "warn", {Level.WARN: 5.0}),
        ("warn = 5.0\nstop = 10.0", "stop", {Level.WARN: 5.0, Level.STOP: 10.0}),
        ("info = 4.5\nstop = 10.0", "info", {Level.INFO: 4.5}),
        ("info = 4.5\nstop = 10.0", "warn", {Level.INFO: 4.5, Level.WARN: 10.0}),
        ("info = 4.5", "stop", {Level.INFO: 4.5}),
    ],
)
def test_nothing_is_louder_than_the_plan_lets_it(levels: str, most: str, told: dict[Level, float]) -> None:
    body = FIXED_ASYMMETRY.replace("warn = 5.0\nstop = 10.0", f'{levels}\nalert = "{most}"')
    plan = read_plan(HEAD.format(side="left") + body, "plan.toml")
    assert plan.asymmetry.limits["contact_time"].levels == told
    assert bool(warnings_of(plan)) is (set(told) != {Level.INFO})


def test_an_impact_that_is_a_note_stays_one_however_hard() -> None:
    runner = Runner(limits(FIXED_IMPACT.replace("warn_pct", 'alert = "info"\nwarn_pct', 1)))
    runner.run(60, {L: 10.0, R: 10.0})
    runner.run(120, {L: 15.0, R: 10.0})
    assert runner.alerts() == [("onset", "info")]


@pytest.mark.parametrize(("body", "rule"), [(FIXED_IMPACT, "impact"), (FIXED_ASYMMETRY, "asymmetry.contact_time")])
def test_a_limit_counts_from_its_stage_on(body: str, rule: str) -> None:
    body = body.replace("\nwarn", '\nfrom_stage = "3"\nwarn', 1) + LADDER
    for stage, status in (("2", "not_checked"), ("3", "within"), ("4", "within")):
        runner = Runner(limits(body, day=today(stage)))
        runner.run(60, {L: 10.0, R: 10.0}, si=asymmetry(0.0))
        assert runner.last(rule)[0] == status
        assert (runner.last(rule)[2] == "counts from stage 3 on") is (stage == "2")
    assert Runner(limits(body)).last(rule)[2] == "stage not known"


def test_numbers_are_not_compared_across_mounts() -> None:
    shin = FIXED_IMPACT.replace("laces", "tibia")
    runner = Runner(limits(shin, mount="tibia"))
    runner.run(60, {L: 10.0, R: 10.0})
    assert runner.last("impact") == ("within", "none", None)
    assert Runner(limits(shin, mount="heel")).last("impact") == (
        "not_checked", "none", "pods on heel, baseline of tibia",
    )  # fmt: skip
    found = warnings_of(read_plan(HEAD.format(side="left") + shin, "plan.toml"))
    assert any(remark.place.startswith("impact.mount") for remark in found)


def test_an_impact_round_its_target_does_not_flicker() -> None:
    runner = Runner(limits(TARGET))
    reasons = []
    for peaks in ((8.5, 9.5), (8.5, 8.5), (8.5, 9.5), (9.5, 9.5), (8.5, 9.5)):
        for turn in range(100):
            runner.run(0.7, {L: peaks[turn % 2], R: 10.0})
        reasons.append([state.reason for state in runner.states("impact") if "target" in (state.reason or "")][-1])
    on, off = "target 9.0 g reached", "target 9.0 g not reached"
    assert reasons == [off, on, on, off, off]


def test_a_baseline_of_her_own_runs_goes_by_where_the_pods_sit_now() -> None:
    runs = [a_run(mount="heel") for _ in range(3)]
    assert usual("", *runs, mount="heel") == "10"
    assert usual("", *runs[:2], mount="heel") == "no baseline: 2 of 3 runs"
