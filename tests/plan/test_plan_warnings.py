"""What a plan is read with, but should be looked at."""

from __future__ import annotations

import pytest

from sensord.plan.model import read_plan
from sensord.plan.warnings import warnings_of
from tests.plan.made_plans import HEAD, IMPACT
from tests.plan.made_programme import EVERYTHING, LADDER

READY = '[readiness]\nitem = [{id = "a", kind = "clinician", text = "cleared"}]\n'
ADVANCE = '[advance]\nwhen = ["pain.during == 0"]\n'
QUIET = HEAD.format(side="left") + READY + ADVANCE + LADDER
"""A plan of a ladder that draws no warning."""


def warned(text: str) -> list[tuple[str, str, str]]:
    """Place, found, expected of each."""
    found = warnings_of(read_plan(text, "plan.toml"), text, "plan.toml")
    assert all(problem.file == "plan.toml" for problem in found)
    return [(problem.place, problem.found, problem.expected) for problem in found]


def places(text: str) -> list[str]:
    return [place.partition(", ")[2] or place for place, _, _ in warned(text)]


def test_nothing_to_look_at() -> None:
    assert warned(QUIET) == []
    assert warned(EVERYTHING) == []
    assert warned(HEAD.format(side="none")) == []


def test_with_the_text_each_has_its_line_and_without_none() -> None:
    text = QUIET.replace('injured_side = "left"', 'injured_side = "left"\ndecides = "auto"')
    assert [(place, found) for place, found, _ in warned(text)] == [("line 7, runner.decides", '"auto"')]
    (one,) = warnings_of(read_plan(text, "plan.toml"))
    assert str(one).startswith('plan: runner.decides: found "auto", expected "therapist"')
    assert warnings_of(read_plan("\ufeff" + text, "p"), "\ufeff" + text, "p")[0].place == "line 7, runner.decides"


@pytest.mark.parametrize("kind", ["published", "assembled"])
def test_what_others_published_has_a_source(kind: str) -> None:
    text = QUIET.replace('title = "Test"', f'title = "Test"\nkind = "{kind}"')
    assert warned(text) == [("line 4, kind", f'"{kind}" without a source', f"a [[source]] for what is {kind}")]
    assert warned(text + '[[source]]\nwho = "somebody"\n') == []


def test_a_ladder_begins_with_readiness_and_asks_something() -> None:
    assert places(QUIET.replace(READY, "")) == ["readiness"]
    assert places(QUIET.replace(ADVANCE, "")) == ["advance.when"]
    rule = '[[rule]]\nid = "r"\nwhen = ["done_pct < 50"]\nthen = {step = -1}\n'
    assert places(QUIET.replace(ADVANCE, "") + rule) == []


def test_the_therapist_fills_in() -> None:
    ((place, _, expected),) = warned(QUIET.replace("5x(", "?x("))
    assert place == "line 13, stage.#1.session.#1"
    assert expected == "repeats: the therapist fills it in"
    lsi = QUIET.replace('kind = "clinician", text = "cleared"', 'kind = "lsi", what = "hop", min_pct = 70')
    assert warned(lsi) == []
    assert places(lsi.replace('"left"', '"none"')) == ["runner.injured_side"]
    volume = '[[stage]]\nid = "3"\nkind = "volume"\nweekly = {start = "20km", growth_pct = [10], until = "30km"}\n'
    assert warned(QUIET + volume) == []
    unlock = volume + 'unlock = [{at_pct = 50, allow = ["hills"]}]\n'
    assert [expected for _, _, expected in warned(QUIET + unlock)] == [
        "runner.pre_injury.weekly: the therapist fills it in"
    ]
    shares = volume.replace('"30km"', '"100% pre_injury.weekly", longest = "80% pre_injury.longest"')
    assert len(warned(QUIET + shares)) == 2
    known = QUIET.replace('"left"', '"left"\npre_injury = {weekly = "40km", longest = "14km"}')
    assert warned(known + shares) == []


RULE = '[[rule]]\nid = "r"\nwhen = ["{when}"]\nthen = {{step = 0}}\n'


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("swelling == true", "an [[ask]] for swelling"),
        ("limp == true", "an [[ask]] for gait_altered"),
        ("symptom.numbness == true", "an [[ask]] for symptom.numbness"),
        ("pain.during_change > 0", "an [[ask]] for pain.before"),
        ("pain.next_morning_change > 0", "an [[ask]] for pain.next_morning and an [[ask]] for pain.before"),
        ("effusion_change > 0", "an [[ask]] for effusion"),
        ("impact.pct > 120", "[impact] with a baseline"),
        ("impact_load_ratio > 1.3", "[impact] with a baseline"),
        ("asym.contact_time > 5", "[asymmetry.contact_time] with a baseline"),
        ("asym.impact > 5", "[asymmetry.impact_peak]"),
        ("cadence.pct < 95", "runner.pre_injury.cadence_spm"),
        ("contact_time.pct > 105", "[contact_time]"),
    ],
)
def test_a_condition_that_nobody_can_answer(when: str, expected: str) -> None:
    ((place, found, got),) = warned(QUIET + RULE.format(when=when))
    assert (place, got) == ("line 19, rule.#1.when.#1", expected)
    assert found == f'"{when.replace("limp", "gait_altered")}"'


@pytest.mark.parametrize("when", ["pain.during > 3", "pain.week_trend > 0", "steps_injured > 100", "speed > 12km/h"])
def test_a_condition_that_is_asked_or_measured(when: str) -> None:
    """What leads on is asked in any case."""
    assert warned(QUIET + RULE.format(when=when)) == []


def test_the_steps_of_a_side_that_nobody_named() -> None:
    text = QUIET.replace('"left"', '"none"') + RULE.format(when="steps_injured > 100")
    assert [expected for _, _, expected in warned(text)] == ["runner.injured_side left or right"]


def test_every_list_of_conditions_is_looked_at() -> None:
    recovery = '[[recovery]]\nid = "r"\nwhen = ["rpe > 5"]\nmin_gap = "3d"\n'
    assert places(QUIET + recovery) == ["recovery.#1.when.#1"]
    assert places(QUIET + recovery + '[[ask]]\nwhen = "after"\nfields = ["rpe"]\n') == []
    stage = 'advance = {when = ["cadence.pct > 100"]}\n'
    assert places(QUIET + stage) == ["stage.#2.advance.when.#1"]


def test_a_rest_ends_by_an_answer() -> None:
    rule = '[[rule]]\nid = "r"\nwhen = ["pain.during > 3"]\nthen = {rest = "until pain 0 in daily life"}\n'
    assert places(QUIET + rule) == ["rule.#1.then.rest"]
    assert places(QUIET + rule + '[[ask]]\nwhen = "daily"\nfields = ["pain.daily"]\n') == []


def test_limits_say_who_set_them() -> None:
    text = HEAD.format(side="left") + '[limit.distance]\nstop = "5km"\n[limit.run_time]\nstop = "5min"\nsource = "PT"\n'
    assert [(place, found) for place, found, _ in warned(text)] == [("line 7, limit.distance.source", "nothing")]


IMPACT_OF_TWO = IMPACT.format(baseline='{mode = "sessions", n = 2}')
ASYMMETRY = """\
[asymmetry.contact_time]
formula = "si_signed"
baseline = {mode = "sessions"}
stop = 5.0
"""


def test_alarms_above_info_say_where_they_come_from_and_rest_on_runs() -> None:
    head = HEAD.format(side="left")
    assert places(head + IMPACT_OF_TWO) == ["impact.source", "impact.baseline.n"]
    assert places(head + IMPACT_OF_TWO.replace("n = 2", "n = 3") + 'source = "local"\n') == []
    assert places(head + ASYMMETRY) == ["asymmetry.contact_time.source"]
    cadence = "[cadence]\nbaseline_spm = 160\ntarget_pct = [105, 110]\n"
    assert places(head + cadence) == []
    assert places(head + cadence + 'alert = "warn"\n') == ["cadence.source"]
    assert places(head + cadence + 'alert = "warn"\nsource = "PT"\n') == []
    assert places(head + cadence.replace("baseline_spm = 160\n", "")) == ["cadence"]
    assert places(head + "[contact_time]\ninfo_pct = 5\n") == []
    assert places(head + "[contact_time]\nwarn_pct = 5\n") == ["contact_time.source"]
    assert places(head + '[contact_time]\nwarn_pct = 5\nsource = "PT"\n') == []


def test_what_is_urgent_reaches_somebody_who_can_be_called() -> None:
    rule = '[[rule]]\nid = "r"\nwhen = ["pain.during > 3"]\nthen = {alert = "urgent"}\n'
    limit = '[limit.distance]\nurgent = "5km"\nsource = "PT"\n'
    for urgent in (rule, limit):
        assert places(QUIET + urgent) == ["alerts.urgent.who", "alerts.contact"]
        assert places(QUIET + urgent + "[alerts.urgent]\nretain = true\n") == ["alerts.urgent.who", "alerts.contact"]
        assert places(QUIET + urgent + '[alerts]\ncontact = "call"\nurgent = {who = ["pt"]}\n') == []
    assert places(QUIET + rule.replace("urgent", "stop")) == []
    assert places(QUIET + limit.replace("urgent", "stop")) == []


# ------------------------------------------------------------------------------------------ bone

BONE = """\
[[rule]]
id = "first"
when = ["pain.during >= 1"]
then = {end_session = true, rest_days = 2, alert = "stop"}
[[rule]]
id = "again"
when = ["pain.during >= 1"]
within = "2wk"
then = {hold = "therapist"}
[[rule]]
id = "night"
when = ["night_pain == true"]
then = {hold = "therapist", alert = "urgent"}
[[rule]]
id = "rest"
when = ["rest_pain == true"]
then = {hold = "therapist", alert = "urgent"}
[[rule]]
id = "groin"
when = ["symptom.groin_pain == true"]
then = {hold = "therapist", alert = "urgent"}
[[ask]]
when = "after"
fields = ["night_pain", "rest_pain", "symptom.groin_pain"]
[alerts]
contact = "call"
stop = {who = ["pt"]}
urgent = {who = ["pt"]}
"""
NIGHT = 'when = ["night_pain == true"]\nthen = {hold = "therapist", alert'
OF_BONE = QUIET.replace('"left"', '"left"\ninjury = "bone_stress"').replace("cleared", "low-risk site confirmed")


def test_a_whole_bone_stress_plan() -> None:
    assert warned(OF_BONE + BONE) == []


@pytest.mark.parametrize("site", ["Bone of the shin", "stress fracture, tibia"])
def test_it_is_known_by_its_site_too(site: str) -> None:
    text = OF_BONE.replace('injury = "bone_stress"', f'site = "{site}"')
    assert places(text) == ["rule"] * 5
    assert places(text.replace(site, "tibia")) == []
    assert places(text + BONE) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("end_session = true, ", "", "pain.during >= 1"),
        ("rest_days = 2, ", "", "pain.during >= 1"),
        ('alert = "stop"', 'alert = "warn"', "pain.during >= 1"),
        ('stop = {who = ["pt"]}', "stop = {who = []}", "pain.during >= 1"),
        ('stop = {who = ["pt"]}\n', "", "pain.during >= 1"),
        ('within = "2wk"', 'within = "13d"', "pain.during >= 1"),
        (NIGHT, NIGHT.replace('hold = "therapist", ', ""), "night_pain == true"),
        ('["rest_pain == true"]', '["rest_pain == true", "swelling == true"]', "rest_pain == true"),
        ('["symptom.groin_pain == true"]', '["symptom.hip_pain == true"]', "symptom.groin_pain == true"),
    ],
)  # fmt: skip
def test_each_rule_that_a_bone_stress_plan_lacks(old: str, new: str, found: str) -> None:
    assert old in BONE
    text = OF_BONE + BONE.replace(old, new)
    assert f"no rule that is true for {found}" in [got for _, got, _ in warned(text) if got.startswith("no rule")]


def test_rest_until_clear_is_a_rest_and_urgent_is_loud_enough() -> None:
    rule = BONE.replace('rest_days = 2, alert = "stop"', 'rest = "until pain 0 in daily life", alert = "urgent"')
    assert warned(OF_BONE + rule + '[[ask]]\nwhen = "daily"\nfields = ["pain.daily"]\n') == []


def test_the_clinician_s_tick() -> None:
    text = OF_BONE.replace("low-risk site confirmed", "cleared") + BONE
    assert [(place.partition(", ")[2], found) for place, found, _ in warned(text)] == [("readiness", "none")]
