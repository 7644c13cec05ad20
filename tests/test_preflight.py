"""Before the first stride: what is missing is named, what is fine is not made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensord import host
from sensord.model import PodSetup, Side
from sensord.preflight import Check, preflight

PODS = (PodSetup("A", Side.LEFT, "open-pod"), PodSetup("B", Side.RIGHT, "open-pod"))


def look(linked: dict[str, int | None], folder: Path, **changes: object) -> dict[str, Check]:
    values = {"runner": "R-1", "plan": None, "pods": PODS, "linked": linked, "data_dir": folder, "clock_trusted": True}
    return {check.name: check for check in preflight(**(values | changes))}  # type: ignore[arg-type]


@pytest.mark.parametrize(("percent", "fine"), [(0, False), (19, False), (20, True), (100, True), (None, True)])
def test_a_low_battery_is_named(tmp_path: Path, percent: int | None, fine: bool) -> None:
    checks = look({"A": percent, "B": 90}, tmp_path)
    assert checks["battery"].fine is fine
    if not fine:
        assert f"left {percent} %" in checks["battery"].text


def test_missing_feet_are_named(tmp_path: Path) -> None:
    assert look({"A": 50, "B": 50}, tmp_path)["pods"].fine
    assert look({"A": 50}, tmp_path)["pods"].text == "no pod on the right foot"
    assert "left and the right" in look({}, tmp_path)["pods"].text


def test_a_disk_that_is_nearly_full_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look({}, tmp_path / "not" / "there")["disk"].fine
    monkeypatch.setattr(host, "disk", lambda _folder: host.Disk(3 * host.Disk.BYTES_PER_HOUR))
    check = look({}, tmp_path)["disk"]
    assert not check.fine
    assert "3 hours" in check.text


def test_no_plan_and_an_untrusted_clock_are_said(tmp_path: Path) -> None:
    checks = look({}, tmp_path, clock_trusted=False)
    assert "no limit is checked" in checks["plan"].text
    assert "InfluxDB" in checks["clock"].text
