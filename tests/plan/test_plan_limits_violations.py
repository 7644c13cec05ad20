"""Scripted violations: what must be told is told, at the stride or tick that an oracle names, and nothing else is.

`bench/violations.py` does the same with 10,000 violations, 10,000 noisy series and 200 whole runs.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sensord.load.totals import Totals
from sensord.model import NS, AlertPhase, Level
from sensord.plan import cumulative, rule
from sensord.plan.breach import Breach
from tests.plan import whole_runs
from tests.plan.made_plans import limits
from tests.plan.noise import CLEAR, LIMIT, NOISE, crossings, noisy, path, run_at
from tests.plan.violations import Script, check, make

SPEED = f'[limit.speed]\nwarn = "{LIMIT}m/s"\nsustained = "1s"\nclear_below_pct = {100 * CLEAR / LIMIT}\n'


@pytest.fixture(scope="module")
def scripts() -> list[Script]:
    return [make(seed) for seed in range(40)]


def test_every_scripted_violation_is_told_at_its_moment_and_nothing_else_is(scripts: list[Script]) -> None:
    """Nothing is missed, nothing spurious, nothing told again without a reason, running time waits for no stride."""
    found = [check(script) for script in scripts]
    assert [line for _, lines in found for line in lines] == []
    told = [one for must, _ in found for one in must]
    assert sum(one.phase == "onset" for one in told) >= 100
    assert sum("tick" in one.why for one in told) >= 10
    assert {one.phase for one in told} == {"onset", "recovery", "reminder"}


def test_the_scripts_hold_what_they_are_for(scripts: list[Script]) -> None:
    assert sum(script.dropped for script in scripts) >= 8
    assert {limit.rule for script in scripts for limit in script.limits} == {
        "limit.distance", "limit.run_time", "limit.steps", "limit.session_spike", "limit.week_growth",
        "limit.impact_load", "limit.downhill",
    }  # fmt: skip
    assert any(not limit.live for script in scripts for limit in script.limits)


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        (cumulative, "WALKED_S", 11.0),
        (cumulative, "AGAIN_S", 9.0),
        (rule, "RUNS_ON_S", 0.0),
        (Totals, "run_time_at", None),
    ],
)
def test_the_oracle_sees_a_change(
    where: object, name: str, value: object, scripts: list[Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no second copy that changes with the first."""
    if value is None:
        monkeypatch.setattr(Totals, "run_time_at", lambda self, t_ns, *, linked: self.now.run_time_s)
    else:
        monkeypatch.setattr(where, name, value)
    assert any(check(script)[1] for script in scripts)


@pytest.mark.parametrize("seed", range(100))
def test_noise_round_a_limit_is_one_alert_and_one_end_a_crossing(seed: int) -> None:
    rng = random.Random(seed)
    true = path(rng)
    values, (ups, downs) = noisy(rng, true), crossings(true)
    breach = Breach((Level.WARN,), 0.0)
    turns = []
    for t_s, value in enumerate(values):
        beyond = Level.WARN if value > LIMIT else Level.NONE
        turns += breach.update(beyond, back=value < CLEAR, clock_s=float(t_s), t_ns=t_s * NS)
    told = [turn.phase for turn in turns]
    assert told.count(AlertPhase.ONSET) <= ups
    assert told.count(AlertPhase.RECOVERY) <= downs
    assert told or max(true) <= LIMIT + NOISE
    said = [alert.phase for alert in run_at(limits(SPEED), values) if alert.phase is not AlertPhase.REMINDER]
    assert said == [AlertPhase.ONSET, AlertPhase.RECOVERY] * (len(said) // 2) + [AlertPhase.ONSET] * (len(said) % 2)
    assert said.count(AlertPhase.ONSET) <= ups
    assert said.count(AlertPhase.RECOVERY) <= downs


def test_a_crossing_of_more_than_the_noise_is_told() -> None:
    rng = random.Random(1)
    values = noisy(rng, [2.7] * 40 + [3.2] * 40 + [2.7] * 40)
    said = run_at(limits(SPEED), values)
    assert [alert.phase.value for alert in said] == ["onset", "recovery"]
    assert said[1].duration_s == pytest.approx(40.0, abs=3.0)
    assert replace(said[0], phase=AlertPhase.RECOVERY).id == said[1].id


@pytest.mark.slow
def test_whole_runs_tell_what_she_did() -> None:
    """Pods drop out of some of them; the bench does two hundred."""
    runs = [whole_runs.make(seed) for seed in (0, 3, 20, 23, 40, 43)]
    found = [whole_runs.check(run) for run in runs]
    assert [line for _, lines in found for line in lines] == []
    assert sum(count for count, _ in found) >= 4
    assert any(run.away_s is not None for run in runs)
