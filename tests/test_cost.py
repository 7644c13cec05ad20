"""The cost command runs and says what it should; how much it costs is no test."""

from __future__ import annotations

import json
import sys

import pytest

from sensord import cli
from sensord.cost import SCHEMA


def test_bench_prints_every_part_beside_its_yardstick(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sensord", "bench", "--json", "--seconds", "20", "--batch-seconds", "20"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    cost = json.loads(capsys.readouterr().out)
    assert cost["schema"] == SCHEMA
    assert {"sensord", "algorithm", "machine", "data"} < cost.keys()
    names = [part["part"] for part in cost["parts"]]
    assert names == [
        "yardstick", "live", "live: decode", "live: foot", "live: clock", "live: rest", "live, odd rate", "event JSON",
        "batch yardstick", "batch, one foot", "batch, both feet",
    ]  # fmt: skip
    for part in cost["parts"]:
        assert part["what"]
        assert part["cpu_ms_per_s"] != 0
        assert part["ratio"] == 1.0 or "yardstick" not in part["part"]
        assert part["times_real_time"] == pytest.approx(1000.0 / part["cpu_ms_per_s"])


def test_what_is_measured_is_a_run_with_strides_of_both_feet() -> None:
    """A pipeline that finds nothing is cheap: the figures would look good for the wrong reason."""
    from sensord.cost import RATE_HZ, _live, _script, _World
    from sensord.sim.runner import RunnerSimulation

    events = _live(_World(RunnerSimulation(_script(25.0), seed=1), RATE_HZ))
    summary = next(event.payload for event in events if event.kind == "summary")
    assert min(summary["strides_left"], summary["strides_right"]) >= 15
    assert summary["limits_checked"] > 0
