"""`sensord pods`: every driver is there, nothing unknown is made up, and docs/pods.md says the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from sensord import cli
from sensord.cli.pods import as_markdown, log_words, samples
from sensord.drivers import DRIVERS
from sensord.drivers.base import About, LogAbout

ROOT = Path(__file__).parents[1]


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["sensord", "pods", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    return capsys.readouterr().out


def test_the_table_has_a_row_for_every_driver(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(monkeypatch, capsys)
    words = " ".join(out.split())
    for name, driver in DRIVERS.items():
        assert name in words
        assert driver.about.tested_on.split()[0] in words
    for column in ("samples", "clock, loss", "measures", "log on board", "tested on"):
        assert column in words


def test_json_is_all_that_drivers_say_of_themselves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = json.loads(told(monkeypatch, capsys, "--json"))
    assert [row["driver"] for row in rows] == sorted(DRIVERS)
    for row in rows:
        about = DRIVERS[row["driver"]].about
        assert row["rates_hz"] == list(about.rates_hz)
        assert row["acc_ranges_g"] == list(about.acc_ranges_g)
        assert row["cannot"] == list(about.cannot)
        assert (row["log"] is None) == (about.log is None)


def test_the_document_is_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = told(monkeypatch, capsys, "--markdown")
    kept = (ROOT / "docs" / "pods.md").read_text(encoding="utf-8")
    assert kept == printed, "docs/pods.md is not what drivers say: sensord pods --markdown > docs/pods.md"


SCALE = About(
    models=("Scale",),
    rates_hz=(12.5, 25.0),
    acc_ranges_g=(2.0, 4.0),
    gyr_ranges_dps=(),
    clock="none",
    loss="cannot be told",
    measures=("mass",),
    cannot=("contacts",),
    tested_on="emulator only",
    log=LogAbout(rate_hz=25.0, minutes=None, download_minutes=4.0, source="nobody"),
)


def test_what_nobody_measured_is_not_a_number() -> None:
    assert log_words(None) == ["none"]
    assert log_words(SCALE.log) == ["minutes not known at 25 Hz", "30 min fetched in 4 min"]
    assert log_words(LogAbout(100.0, 1234.5, None, "")) == ["1,234 min at 100 Hz", "fetching not known"]


def test_a_sensor_without_a_gyroscope_names_no_range_of_it() -> None:
    assert samples(SCALE) == ["12.5, 25 Hz", "±2/4 g"]
    text = as_markdown({"scale": SCALE})
    assert "| [scale](#scale) | 12.5, 25 Hz; ±2/4 g | minutes not known at 25 Hz; 30 min fetched in 4 min |" in text
    assert "- Does not: contacts" in text
    assert "- Log on board: minutes not known at 25 Hz; 30 min fetched in 4 min (nobody)" in text
