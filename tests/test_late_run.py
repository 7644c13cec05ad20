"""Runs that are over before we hear of them become run files like any other."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from sensord.drivers.base import PodInfo
from sensord.drivers.recorded import NAME
from sensord.errors import InputError
from sensord.late_run import RecordedPod, keep_late_run, recorded_inputs
from sensord.model import NS, PodSetup, RunSetup, SampleBlock, Side, canonical_json
from sensord.playback import first_difference, open_run, replay
from sensord.sim.runner import RunnerSimulation
from sensord.sim.script import Run, Stand
from sensord.store import Store

WALL_NS = 1_760_000_000 * NS


def pod(side: Side, seconds: float = 20.0) -> RecordedPod:
    foot = RunnerSimulation((Stand(3.0), Run(seconds, speed_mps=2.9), Stand(3.0)), seed=3).render(side, 200.0)
    info = PodInfo(NAME, "a file", "", side.value, 200.0, 32.0, 2000.0, "file")
    whole = SampleBlock(foot.t_pod_ns, foot.acc_mps2, foot.gyr_radps, foot.saturated)
    return RecordedPod(side.value, info, [whole], [foot.t_pod_ns - int(foot.t_pod_ns[0])])


def setup(run: str = "late") -> RunSetup:
    pods = tuple(PodSetup(side.value, side, NAME) for side in Side)
    return RunSetup(run, "runner-1", "site", "gateway", pods)


@pytest.fixture
def store(tmp_path: Path):
    with contextlib.closing(Store.open(tmp_path / "sensord.db", gateway="gateway")) as store:
        yield store


def test_it_is_kept_sealed_told_and_replays_to_the_byte(tmp_path: Path, store: Store) -> None:
    inputs = list(recorded_inputs([pod(side) for side in Side], wall_ns=WALL_NS))
    kept = keep_late_run(setup(), inputs, folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported")
    row = store.run("late")
    assert (row.state, row.begun_wall_ns) == ("ended", WALL_NS)
    run = open_run(kept.path)
    assert (run.sealed, run.problems) == (kept.sha256, ())
    assert first_difference(replay(run), store, "late") is None
    assert kept.summary is not None
    assert kept.summary["strides_left"] > 20
    assert kept.summary["strides_right"] > 20


def test_the_strides_are_those_of_the_samples_as_they_are(tmp_path: Path, store: Store) -> None:
    from sensord.dsp.foot import FootAnalyser
    from sensord.model import Stride

    left = pod(Side.LEFT)
    foot = FootAnalyser(Side.LEFT, 200.0)
    expected = [i for i in [*foot.push(left.blocks[0]), *foot.flush()] if isinstance(i, Stride)]
    inputs = recorded_inputs([left, pod(Side.RIGHT)], wall_ns=WALL_NS)
    keep_late_run(setup(), inputs, folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported")
    told = [e.payload for e in store.events("late", kinds=["stride"]) if e.payload["foot"] == "left"]
    assert [t["ic_pod_ns"] for t in told] == [s.ic_pod_ns for s in expected]
    assert [t["contact_time_s"] for t in told] == [s.contact_time_s for s in expected]


def test_the_order_of_inputs_is_that_of_time_with_a_tick_a_second() -> None:
    inputs = list(recorded_inputs([pod(side) for side in Side], wall_ns=WALL_NS))
    times = [item.t_ns for item in inputs]
    assert times == sorted(times)
    assert [i.t_ns for i in inputs if type(i).__name__ == "Tick"] == [s * NS for s in range(1, 27)]


def test_nothing_recorded_is_refused_and_so_is_a_run_that_is_there(tmp_path: Path, store: Store) -> None:
    with pytest.raises(InputError, match="no sample"):
        list(recorded_inputs([], wall_ns=0))
    inputs = list(recorded_inputs([pod(Side.LEFT, 5.0)], wall_ns=WALL_NS))
    keep_late_run(setup(), inputs, folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported")
    before = canonical_json([e.payload for e in store.events("late")])
    with pytest.raises(InputError, match="a run of that id"):
        keep_late_run(setup(), inputs, folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported")
    assert canonical_json([e.payload for e in store.events("late")]) == before


def test_a_failure_leaves_no_file_behind(tmp_path: Path, store: Store) -> None:
    def broken():
        inputs = list(recorded_inputs([pod(Side.LEFT, 5.0)], wall_ns=WALL_NS))
        yield from inputs[:10]
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        keep_late_run(setup(), broken(), folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported")
    assert list(tmp_path.glob("*.run*")) == []
    assert not store.knows("late")


def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path, store: Store) -> None:
    seen: list[list[Path]] = []
    inputs = list(recorded_inputs([pod(Side.LEFT, 5.0)], wall_ns=WALL_NS))
    keep_late_run(
        setup(), inputs, folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported",
        accept=lambda _events: seen.append(list(tmp_path.glob("*.run"))),
    )  # fmt: skip
    assert seen == [[]]
    assert [path.name for path in tmp_path.glob("*late*")] == ["late.run"]


def test_what_is_not_accepted_leaves_nothing_behind(tmp_path: Path, store: Store) -> None:
    def refuse(_events: object) -> None:
        raise InputError(())

    inputs = list(recorded_inputs([pod(Side.LEFT, 5.0)], wall_ns=WALL_NS))
    with pytest.raises(InputError):
        keep_late_run(setup(), inputs, folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported", accept=refuse)
    assert not store.knows("late")
    assert list(tmp_path.glob("*late*")) == []


def test_rows_keep_their_run_time(tmp_path: Path, store: Store) -> None:
    """A pod whose clock is off: what counts for the run is the time that each row was given."""
    left = pod(Side.LEFT)
    off = [np.rint(left.run_ns[0] * 1.0001).astype(np.int64) + 5 * NS]
    slow = RecordedPod(left.pod, left.info, left.blocks, off)
    inputs = recorded_inputs([slow], wall_ns=WALL_NS)
    keep_late_run(setup(), inputs, folder=tmp_path, store=store, wall_ns=WALL_NS, boot_id="imported")
    strides = [e.payload for e in store.events("late", kinds=["stride"])]
    first_ns = int(left.blocks[0].t_pod_ns[0])
    for stride in strides[5:]:
        expected_ns = (stride["ic_pod_ns"] - first_ns) * 1.0001 + 5 * NS
        assert abs(stride["ic_run_ns"] - expected_ns) < 2_000_000
