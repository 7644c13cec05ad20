"""The curve of the statistical limits: the document is of this rule, and made series are what live strides give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.limit_curve import CHECK_SEED, check_line
from bench.limit_series import (
    CONTINUOUS,
    WALK_RUN,
    Pattern,
    landing_noise,
    log_ratio,
    may_alert,
    may_alert_by,
    mdc_si,
    pair_noise,
    play_landings,
    play_pairs,
    shifted,
    through_everything,
    values_of,
)
from bench.limit_told import ASYMMETRY, IMPACT, LIMIT_SI, STEPS, USUAL_G, WINDOW, asymmetry_curve, plan_of

DOCUMENT = Path(__file__).parents[1] / "docs" / "limits.md"
SHORT = Pattern("short", ((0.0, 400.0), (100.0, 300.0)))


def test_the_document_is_of_this_rule() -> None:
    """The same few runs give what the command wrote: another rule, or other constants, have to be measured again."""
    assert check_line() in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize("pattern", [SHORT, WALK_RUN])
def test_made_values_are_what_pairing_and_comparing_strides_give(pattern: Pattern) -> None:
    rng = np.random.default_rng(3)
    pairs = pair_noise(rng, 3, pattern, 0.035, 0.3) + log_ratio(7.5)
    series, plan = values_of(pairs, pattern), plan_of(ASYMMETRY)
    told = 0
    for run in range(3):
        quick, whole = play_pairs(plan, series, run), through_everything(plan, pairs[run], pattern, rng)
        assert [(a.id, a.phase, a.text) for a in quick] == [(a.id, a.phase, a.text) for a in whole]
        told += len(quick)
    assert told


def test_every_run_that_is_alerted_is_played() -> None:
    """Truths a little beyond the limit, where some runs of this length are told and some not."""
    rng = np.random.default_rng(4)
    series = shifted(values_of(pair_noise(rng, 40, SHORT, 0.05, 0.3), SHORT), 6.0)
    may = may_alert(series, LIMIT_SI, STEPS)
    told = [bool(play_pairs(plan_of(ASYMMETRY), series, run)) for run in range(40)]
    assert 0 < sum(told) <= may.sum() < 40
    assert all(may[run] for run in range(40) if told[run])
    peaks = 1.17 * USUAL_G * np.exp(landing_noise(rng, 20, SHORT, 0.07, 0.3))
    may, times = may_alert_by(peaks, 1.15 * USUAL_G, WINDOW), SHORT.strides()[1:]
    told = [bool(play_landings(plan_of(IMPACT), row.tolist(), times)) for row in peaks]
    assert 0 < sum(told) <= may.sum() < 20
    assert all(may[run] for run in range(20) if told[run])


def test_one_mdc_inside_is_not_told_and_one_outside_is() -> None:
    mdc = mdc_si(0.035, 0.3)
    inside, outside = asymmetry_curve(
        (LIMIT_SI - mdc, LIMIT_SI + mdc), 0.035, pattern=CONTINUOUS, runs=60, seed=CHECK_SEED + 1
    )
    assert inside.share == 0.0
    assert outside.share == 1.0
    assert outside.time_s(0.95) < 300.0
