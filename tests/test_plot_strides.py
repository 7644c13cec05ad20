"""The small panels: which strides are shown, and that the lines stand where the events are."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sensord
from sensord.analysis import Analysis
from sensord.model import NS, Side
from sensord.plot_strides import PANELS, chosen_strides, small_multiples
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand


@pytest.fixture(scope="module")
def result() -> Analysis:
    foot = RunnerSimulation((Stand(3.0), Run(30.0), Stand(2.0)), seed=2).render(Side.LEFT, 200.0)
    return sensord.analyse(left=(foot.t_pod_ns / 1e9, foot.acc_mps2, foot.gyr_radps))


def test_each_panel_has_its_three_events(result: Analysis) -> None:
    figure = small_multiples(result, Side.LEFT)
    assert figure is not None
    shown = chosen_strides(list(result.strides))
    lines: dict[str, set[float]] = {}
    for shape in figure.layout.shapes:
        lines.setdefault(shape.xref, set()).add(shape.x0)
    assert len(lines) == len(shown) == PANELS
    for stride, at_ms in zip(shown, lines.values(), strict=True):
        events = (stride.ic_pod_ns, stride.tc_pod_ns, stride.next_ic_pod_ns)
        wanted = {round(1e3 * (t - stride.ic_pod_ns) / NS, 6) for t in events if t is not None}
        assert {round(x, 6) for x in at_ms} == wanted


def test_doubtful_strides_are_among_the_chosen(result: Analysis) -> None:
    strides = [replace(s, confidence=0.2 if s.stride in (3, 17) else 1.0) for s in result.strides]
    chosen = chosen_strides(strides)
    assert len(chosen) == PANELS
    assert {3, 17} <= {s.stride for s in chosen}
    assert [s.stride for s in chosen] == sorted(s.stride for s in chosen)


def test_a_foot_that_was_not_recorded_has_no_panels(result: Analysis) -> None:
    assert small_multiples(result, Side.RIGHT) is None
