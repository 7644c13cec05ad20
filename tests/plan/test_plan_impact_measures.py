"""An impact limit whose peaks clip: by what it is checked then, against which baseline, and that it says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from scipy.stats import binom

from sensord.load.impact_summary import ImpactSummary
from sensord.model import ALGORITHM, NS, Activity, Json, Level, Side
from sensord.plan.censored import Peak, interval_ranks, quantile_of
from sensord.plan.impact_measures import MEMORY, Landing, choose
from tests.plan.made_plans import FIXED_IMPACT, IMPACT, Runner, limits, stride

L = Side.LEFT
SESSIONS = IMPACT.format(baseline='{mode = "sessions", n = 3}')
SCALE_G = 16.0


def peaks(scale: float, seed: int = 1) -> Iterator[float]:
    """True peaks of which 64 % are beyond 16 g at scale 1."""
    return cycle((scale * np.random.default_rng(seed).normal(17.0, 2.5, 400)).tolist())


def landing(true_g: float, *, band_g: float | None = None, force_bw: float | None = None, source: str = "acc"):
    clipped = true_g >= SCALE_G and source == "acc"
    made = stride(L, min(true_g, SCALE_G) if source == "acc" else true_g, clipped=clipped)
    return replace(made, impact_band_g=band_g, force_peak_bw=force_bw, impact_source=source)


def summary(scale: float = 1.0, band_g: float | None = None, force_bw: float | None = None, **kept: str) -> Json:
    """What a run of 400 strides leaves."""
    collected, source = ImpactSummary(), kept.pop("source", "acc")
    for _, true_g in zip(range(400), peaks(scale), strict=False):
        collected.add(landing(true_g, source=source))
    metrics = {}
    if band_g is not None:
        metrics["impact_band"] = {"left": band_g, "n_left": 400}
    if force_bw is not None:
        metrics["force_peak"] = {"left": force_bw, "n_left": 400}
    return {"impact": collected.fields(), "metrics": metrics, "mount": "laces"} | kept


def story(history: tuple, scale: float, strides: int = 150, **values: object) -> Runner:
    """A run of harder or softer landings."""
    runner = Runner(limits(SESSIONS, history=history))
    for _, true_g in zip(range(strides), peaks(scale, seed=2), strict=False):
        runner.t_s += 0.7
        runner.run_s += 0.7
        runner.limits._clock.run_s = runner.run_s
        runner.said += runner.limits.on_stride(landing(true_g, **values), round(runner.t_s * NS))
    return runner


def test_a_run_keeps_the_quantiles_that_clipping_leaves() -> None:
    kept = summary()["impact"]["left"]
    assert (kept["n"], kept["source"]) == (400, "acc")
    assert 0.55 < kept["clipped"] / kept["n"] < 0.75
    assert kept["quantiles"]["50"] is kept["quantiles"]["40"] is None
    true = np.sort([g for _, g in zip(range(400), peaks(1.0), strict=False)])
    assert kept["quantiles"]["30"] == pytest.approx(true[399 * 30 // 100], abs=0.0501)
    assert kept["quantiles"]["20"] == pytest.approx(true[399 * 20 // 100], abs=0.0501)


def test_only_running_strides_with_an_impact_are_kept() -> None:
    collected = ImpactSummary()
    for other in (stride(L, None), stride(L, 9.0, run=False), stride(L, 9.0, confidence=0.4)):
        collected.add(other)
    assert collected.fields() == {}


def test_a_low_quantile_stands_in_for_a_hidden_median() -> None:
    usual = story((summary(),) * 3, 0.85)
    state = usual.states("impact")[-1]
    assert state.metric in ("impact_left_p30", "impact_left_p20")
    assert state.unit == "g"
    assert state.status.value == "within"
    assert state.reason.startswith("checked by impact (softest ")


def test_harder_landings_are_found_below_the_censoring_point_or_by_the_band() -> None:
    quantile = story((summary(0.85),) * 3, 1.25)  # the usual median was known: even the recorded 16 g are beyond
    assert ("onset", "warn") in quantile.alerts() or ("onset", "stop") in quantile.alerts()
    history = (summary(2.0, band_g=2.0),) * 3  # everything clips, always
    assert story(history, 2.0, band_g=2.0).last("impact")[0] == "within"
    harder = story(history, 2.0, band_g=2.5)
    assert harder.alerts() == [("onset", "warn")]
    alert = next(item for item in harder.said if item.KIND == "alert")
    assert (alert.metric, alert.unit, alert.limit) == ("impact_band_left", "g", pytest.approx(2.3))
    assert alert.text == (
        "Left impact at 12-20 Hz (peaks are clipped) 2.50 g, limit 2.30 g (usual 2.00 g; limit set by plan test). "
        "Stop at 2.60 g."
    )


def test_force_is_the_last_resort_and_named() -> None:
    history = (summary(2.0, force_bw=2.0),) * 3
    state = story(history, 2.0, force_bw=2.0).states("impact")[-1]
    assert (state.status.value, state.metric, state.unit) == ("within", "force_peak_left", "bw")
    assert state.reason == "checked by estimated peak force (impacts are clipped)"
    assert story(history, 2.0, force_bw=2.7).alerts() == [("onset", "stop")]


def test_without_a_baseline_of_what_can_be_measured_it_is_not_checked() -> None:
    assert story((summary(0.5),) * 3, 1.0, band_g=2.0).last("impact")[0] == "over"  # 16 g is beyond 1.3 x 8.5 g
    hidden = story((summary(0.85),) * 3, 1.4, strides=31, band_g=2.0)
    assert hidden.states("impact")[-1].status.value in ("not_checked", "undecided")
    runner = Runner(limits(SESSIONS, history=(summary(2.0),) * 3))
    assert runner.last("impact") == ("not_checked", "none", "no baseline: 0 of 3 runs")


def test_a_high_g_sensor_has_a_baseline_of_its_own() -> None:
    history = (summary(1.0, source="high_g"),) * 3
    found = story(history, 1.0, source="high_g")
    state = found.states("impact")[-1]
    assert (state.status.value, state.metric, state.reason) == ("within", "impact_left", None)
    assert story(history, 1.6, source="high_g").alerts()[-1] == ("onset", "stop")
    other = story(history, 0.5, source="acc")
    assert other.last("impact") == ("not_checked", "none", "no baseline: 0 of 3 runs (3 with another sensor)")


def test_another_algorithm_or_mount_is_no_baseline() -> None:
    run = summary(0.5)
    assert Runner(limits(SESSIONS, history=(run,) * 3)).last("impact")[0] == "undecided"
    for other, more in ({"algo": "1"}, ""), ({"mount": "heel"}, " (1 under other conditions)"):
        runner = Runner(limits(SESSIONS, history=(run, run | {"algo": ALGORITHM}, run | other)))
        assert runner.last("impact")[2] == f"no baseline: 2 of 3 runs{more}"


def test_a_fixed_baseline_is_of_the_median_only() -> None:
    runner = Runner(limits(FIXED_IMPACT.replace("10.0", "15.0")))
    for k in range(60):
        runner.said += runner.limits.on_stride(landing(20.0, band_g=2.0, force_bw=2.0), k * NS)
    assert runner.last("impact") == ("not_checked", "none", "100 % of impacts clipped at >= 16 g")


@pytest.mark.parametrize("percent", [20, 30, 40, 50])
@pytest.mark.parametrize("n", [10, 30, 60, 200])
def test_ranks_of_any_quantile_are_the_binomial_ones(n: int, percent: int) -> None:
    low, high = interval_ranks(n, percent)
    p = percent / 100
    if low is None:
        assert binom.cdf(0, n, p) > 0.025
    else:
        assert binom.cdf(low - 1, n, p) <= 0.025 < binom.cdf(low, n, p)
    assert high is not None
    assert binom.cdf(high - 2, n, p) < 0.975 <= binom.cdf(high - 1, n, p)


def test_the_interval_of_a_quantile_covers_it() -> None:
    rng, covered = np.random.default_rng(5), 0
    true = 17.0 - 0.5244 * 2.5  # 30th percentile of a normal
    for _ in range(1000):
        found = quantile_of([Peak(min(g, SCALE_G), clipped=g >= SCALE_G) for g in rng.normal(17.0, 2.5, 30)], 30)
        covered += found.low <= true <= found.high
    assert covered >= 940


def test_clipped_landings_below_the_limit_speak_neither_for_an_alert_nor_for_its_end() -> None:
    body = IMPACT.format(baseline='{mode = "fixed", value_g = 14.5}')  # warns at 16.7 g, clears below 16.0 g
    measure = limits(body)._rules[0]._measures[0]
    hidden = [Landing.of(landing(20.0))] * 10  # recorded as 16 g
    hard = [Landing.of(landing(17.0, source="high_g"))] * 10
    soft = [Landing.of(landing(15.0))] * 10
    assert measure.beyond(hidden, 16.7) == measure.beyond(soft, 16.7) == -measure.beyond(hard, 16.7)
    assert measure.inside(hidden, 16.5) == -measure.inside(soft, 16.5) == measure.inside(hard, 16.5)
    assert measure.beyond(hidden, 15.9) == measure.beyond(hard, 15.9)  # at least 16 g is beyond 15.9 g
    assert measure.beyond(hard[:5] + soft[:5], 16.7) == 0.0


def test_a_quantile_is_at_its_limit_when_as_many_are_above_as_it_says() -> None:
    [low] = [m for m in story((summary(),) * 3, 1.0).limits._rules[0]._measures if m.percent == 30]
    landings = [Landing.of(landing(g)) for g in (10.0, 10.0, 10.0, *[12.0] * 7)]
    assert low.beyond(landings, 11.0) == pytest.approx(0.0)
    assert low.inside(landings, 11.0) == pytest.approx(0.0)
    assert low.beyond([*landings[:-1], Landing.of(landing(10.0))], 11.0) < 0.0


def test_landings_without_a_band_speak_for_nothing() -> None:
    history = (summary(2.0, band_g=2.0),) * 3
    [band] = [m for m in story(history, 2.0, band_g=2.0).limits._rules[0]._measures if m.quantity == "band"]
    some = [Landing.of(landing(30.0, band_g=3.0))] * 5
    none = [Landing.of(landing(30.0))] * 5
    assert band.beyond(some + none, 2.5) == 0.0
    assert band.beyond(some * 2, 2.5) > 0.0


def test_landings_remember_their_neighbours_as_said() -> None:
    """The standard deviation of the number beyond the median, for an autoregression of 0.3, over the binomial one."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(400, 1000))
    x = np.zeros_like(noise)
    for k in range(1, 1000):
        x[:, k] = 0.3 * x[:, k - 1] + noise[:, k]
    counts = (x[:, 100:] > 0).sum(axis=1)
    assert counts.std() / (0.5 * 900**0.5) == pytest.approx(MEMORY, rel=0.08)
    signs = 1 + 2 * sum(2 / np.pi * np.arcsin(0.3**k) for k in range(1, 40))
    assert pytest.approx(signs**0.5, abs=0.006) == MEMORY


def test_after_a_break_the_limit_stands_where_it_stood() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    runner.run(33, {L: 10.0, Side.RIGHT: 10.0})
    assert runner.last("impact")[0] == "within"
    runner.stand(15)
    assert runner.last("impact")[2] == "not running"
    runner.run(0.7, {L: 10.0, Side.RIGHT: 10.0})
    assert runner.last("impact")[0] == "within"


def test_walking_and_the_other_foot_pass_by() -> None:
    runner = Runner(limits(FIXED_IMPACT))
    walk = replace(landing(30.0), activity=Activity.WALK)
    assert all(runner.limits.on_stride(walk, k * NS) == [] for k in range(100))


def test_another_sensor_in_the_middle_of_a_run_starts_again_with_its_own_baseline() -> None:
    history = (*(summary(0.5),) * 3, *(summary(1.0, source="high_g"),) * 3)
    runner = story(history, 1.0, source="high_g")
    assert runner.last("impact") == ("within", "none", None)
    runner.said += runner.limits.on_stride(landing(8.0, source="acc"), runner.t_ns + NS)
    assert runner.last("impact") == ("undecided", "none", "1 of 30 strides")
    never = story(history[3:], 1.0, source="high_g")
    never.said += never.limits.on_stride(landing(8.0, source="acc"), never.t_ns + NS)
    assert never.last("impact") == ("not_checked", "none", "no baseline: 0 of 3 runs (3 with another sensor)")


def test_what_was_building_up_in_peaks_does_not_count_for_the_band() -> None:
    """Her peaks come to clip: from then on the band is judged, and from nothing."""
    runner = story((summary(1.0, band_g=2.0),) * 3, 0.75, band_g=2.0)  # every limit of a quantile is beyond 16 g
    assert runner.last("impact")[0] == "within"
    for _ in range(80):
        runner.t_s += 0.7
        runner.run_s += 0.7
        runner.limits._clock.run_s = runner.run_s
        runner.said += runner.limits.on_stride(landing(20.0, band_g=2.5), runner.t_ns)
    assert "impact_left_p30" in {state.metric for state in runner.states("impact")}
    assert runner.states("impact")[-1].metric == "impact_band_left"
    assert runner.alerts() == [("onset", "warn")]


def test_nothing_that_is_exact_and_bounded_leaves_the_first_that_is_exact() -> None:
    [measure] = limits(FIXED_IMPACT)._rules[0]._measures
    few = [Landing.of(landing(10.0))] * 4
    second = replace(measure, percent=40)
    assert choose([measure, second], few)[0] is measure
    hidden = [Landing.of(landing(20.0))] * 30
    beyond = replace(measure, limits={Level.WARN: 17.0})
    assert choose([beyond], hidden) is None


def test_what_too_few_landings_have_is_passed_over() -> None:
    history = (summary(2.0, band_g=2.0),) * 3
    [band] = [m for m in story(history, 2.0, band_g=2.0).limits._rules[0]._measures if m.quantity == "band"]
    some = [Landing.of(landing(30.0, band_g=2.0))]
    none = [Landing.of(landing(30.0))]
    assert choose([band], some * 14 + none * 16) is None
    assert choose([band], some * 15 + none * 15)[0] is band
