"""Rows of the table: what is met, what is not, what was never measured; their words."""

from __future__ import annotations

import pytest

from sensord.validation.contacts import counted
from sensord.validation.rows import Kind, On, Target, Verdict, absent, compared, scored
from sensord.validation.words import HEADS, cells

ON = On("somebody, 200 Hz", Kind.DERIVED)


@pytest.mark.parametrize(
    ("target", "bias", "sd", "score", "verdict"),
    [
        (Target(), 1.0, 1.0, 1.0, Verdict.REPORTED),
        (Target(sd=3.0, bias=10.0), -9.9, 3.0, None, Verdict.MET),
        (Target(sd=3.0, bias=10.0), -10.1, 1.0, None, Verdict.NOT_MET),
        (Target(sd=3.0), 0.0, 3.01, None, Verdict.NOT_MET),
        (Target(sd=3.0), 0.0, None, None, Verdict.NOT_MEASURED),
        (Target(score_min=0.9, score_max=1.1), None, None, 1.0, Verdict.MET),
        (Target(score_min=0.9, score_max=1.1), None, None, 1.2, Verdict.NOT_MET),
        (Target(score_min=0.9, score_max=1.1), None, None, 0.8, Verdict.NOT_MET),
    ],
)
def test_judgement(target: Target, bias: float | None, sd: float | None, score: float | None, verdict: Verdict) -> None:
    assert target.judge(bias, sd, score) is verdict


def test_a_row_of_errors_has_the_constant_beside_it() -> None:
    row = compared("timing", "IC", ON, "ms", [1.0, 3.0], [100.0, 104.0, 102.0], Target(sd=3.0, bias=10.0), of=3)
    assert (row.n, row.bias, row.verdict) == (2, 2.0, Verdict.MET)
    assert row.constant == pytest.approx(2.0)
    assert row.note == "2 of 3 have a value"
    kept = row.to_json()
    assert kept["limits"] == [pytest.approx(2 - 1.96 * 2**0.5, abs=1e-6), pytest.approx(2 + 1.96 * 2**0.5, abs=1e-6)]


def test_nothing_measured_is_said_and_never_a_zero() -> None:
    row = compared("speed", "speed", ON, "%", [], [1.0, 2.0], Target(sd=3.0), of=2)
    assert (row.verdict, row.bias, row.n) == (Verdict.NOT_MEASURED, None, 0)
    shown = dict(zip(HEADS, cells(row.to_json()), strict=True))
    assert (shown["bias"], shown["SD"], shown["limits (95 %)"]) == ("–", "–", "–")
    assert shown[""] == "not measured: no stride has this value"
    assert scored("a", "b", ON, "%", 0, None, "share", Target(score_min=1.0)).verdict is Verdict.NOT_MEASURED


def test_what_the_data_cannot_support_says_why() -> None:
    row = absent("a", "cadence", ON, "%", Verdict.CANNOT, "one of the clocks is off", Target(bias=1.0))
    assert cells(row.to_json())[-1] == "the data cannot support this number: one of the clocks is off"


@pytest.mark.parametrize(
    ("true", "hits", "invented", "verdict"),
    [
        (10, 10, 0, Verdict.MET),
        (10, 9, 0, Verdict.NOT_MET),
        (10, 10, 1, Verdict.NOT_MET),
        (0, 0, 0, Verdict.NOT_MEASURED),
    ],
)
def test_a_count_is_met_only_when_all_are_found_and_none_invented(
    true: int, hits: int, invented: int, verdict: Verdict
) -> None:
    assert counted("contacts", ON, true, hits, invented).verdict is verdict


def test_cells_are_for_people() -> None:
    row = compared("timing", "IC", ON, "ms", [-12.34, -12.36], [250.0, 251.0], Target(sd=3.0, bias=10.0))
    shown = dict(zip(HEADS, cells(row.to_json()), strict=True))
    assert (shown["bias"], shown["SD"], shown["to reach"]) == ("−12.3 ms", "0.014 ms", "|bias| ≤ 10, SD ≤ 3")
    tiny = compared("timing", "IC", ON, "ms", [-0.0001, 0.0], [1.0, 2.0])
    assert cells(tiny.to_json())[5] == "0.000 ms"
