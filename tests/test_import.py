"""Recordings of other apps and watches become runs like any other, once, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sensord import cli
from sensord.analysis import analyse
from sensord.config import Settings
from sensord.datadir import DataDir
from sensord.errors import Away, InputError, Problem
from sensord.files.part import Part, foot_recording
from sensord.files.recognise import read_recording
from sensord.import_groups import Fate, KnownPod, Outcome, known_pod
from sensord.importing import Wish, import_recordings, parse_start
from sensord.incoming import inbox, take_in_waiting, waiting
from sensord.journal import Journal
from sensord.model import NS, Side, Stride
from sensord.page_doors import RunCommands, StoreRuns, door_plate
from sensord.playback import first_difference, open_run, replay
from sensord.store import Store
from sensord.store_pairings import Pairing, pair
from sensord.web.live import LiveView
from sensord.web.server import Page
from tests.app_files import ADDRESS, APPS, BEGUN_NS, dot, imu_csv, metabase, polar
from tests.fit_writer import FitWriter, steady_run

BEGUN_S = BEGUN_NS // NS
DAY_S = 86_400
BOTH = (Side.LEFT, Side.RIGHT)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", runner="anna")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@contextlib.contextmanager
def stored(settings: Settings) -> Iterator[Store]:
    with contextlib.closing(Store.open(DataDir(settings.data_dir).store, gateway="reader", readonly=True)) as store:
        yield store


def pair_both(settings: Settings) -> None:
    data = DataDir(settings.data_dir)
    data.create()
    with contextlib.closing(Store.open(data.store, gateway="gateway")) as store:
        for side in BOTH:
            address = ":".join(ADDRESS[side][i : i + 2] for i in range(0, 12, 2))
            pair(store, Pairing(address, side, "open-pod", "a pod", ADDRESS[side][:8]), who="anna")


def fit(folder: Path, begun_s: int = BEGUN_S, name: str = "run.fit", **more: float) -> Path:
    path = folder / name
    path.write_bytes(steady_run(begun_s, **more).bytes())  # type: ignore[arg-type]
    return path


def one(fates: list[Fate]) -> Fate:
    assert len(fates) == 1, fates
    return fates[0]


def run_of(fate: Fate) -> str:
    assert fate.outcome is Outcome.IMPORTED, fate.words
    assert fate.run is not None
    return fate.run


# --------------------------------------------------------------------------------------------------- the same strides

DSP = (
    "foot", "stride", "ic_pod_ns", "tc_pod_ns", "next_ic_pod_ns", "activity", "stride_time_s", "contact_time_s",
    "swing_time_s", "cadence_spm", "strike_angle_deg", "strike_type", "impact_peak_g", "impact_clipped", "gap",
    "confidence", "spoiled", "contact_time_raw_s", "trajectory_length_m", "swing_peak_radps", "eversion_peak_dps",
    "eversion_excursion_deg", "turn_deg", "impact_band_g",
)  # fmt: skip
"""What is found in the samples; speed and force depend on other runs and on the other foot as well."""


def of_stride(stride: Stride) -> dict[str, object]:
    found = {name: getattr(stride, name) for name in DSP}
    return found | {"foot": stride.foot.value, "activity": stride.activity.value, "spoiled": list(stride.spoiled)}


def assert_same_strides(settings: Settings, run: str, left: object, right: object) -> None:
    expected = [of_stride(stride) for stride in analyse(left=left, right=right).strides]  # type: ignore[arg-type]
    with stored(settings) as store:
        told = [event.payload for event in store.events(run, kinds=["stride"])]
    assert len(expected) > 20
    for side in BOTH:
        got = [{name: stride[name] for name in DSP} for stride in told if stride["foot"] == side.value]
        assert got == [stride for stride in expected if stride["foot"] == side.value]


def test_an_imported_recording_has_the_strides_of_its_analysis_to_the_bit(settings: Settings, files: Path) -> None:
    left, right = (imu_csv(files, side)[0] for side in BOTH)
    fate = one(import_recordings(settings, Wish(sides={Side.LEFT: [left], Side.RIGHT: [right]})))
    assert_same_strides(settings, run_of(fate), left, right)
    with stored(settings) as store:
        row = store.run(run_of(fate))
        assert (row.state, row.begun_wall_ns, row.runner) == ("ended", None, "anna")
        kept = open_run(DataDir(settings.data_dir).run_file(row.run))
        assert (kept.sealed, kept.problems) == (row.sha256, ())
        assert first_difference(replay(kept), store, row.run) is None


@pytest.mark.parametrize("app", APPS)
def test_so_have_the_apps_files_of_paired_pods(app: str, settings: Settings, files: Path) -> None:
    paths = {side: APPS[app](files, side) for side in BOTH}
    pair_both(settings)
    fate = one(import_recordings(settings, Wish(files=[path for side in BOTH for path in paths[side]])))
    assert len(fate.files) == sum(len(found) for found in paths.values())
    feet = {}
    for side in BOTH:
        parts = [read_recording(path) for path in paths[side]]
        assert all(isinstance(part, Part) for part in parts)
        feet[side] = foot_recording(*parts).imu  # type: ignore[arg-type]
    assert_same_strides(settings, run_of(fate), feet[Side.LEFT], feet[Side.RIGHT])
    with stored(settings) as store:
        row = store.run(run_of(fate))
        assert row.begun_wall_ns is not None
        assert abs(row.begun_wall_ns - BEGUN_NS) < 0.1 * NS
        assert row.summary is not None
        assert row.summary["pods"] == {"left": "C4:27:32:BE:25:5C", "right": "D0:11:22:33:44:55"}
        steps = [e.payload["step_time_s"] for e in store.events(row.run, kinds=["stride"])]
    assert any(step is not None for step in steps) is (app == "Movella DOT")  # only its pods share a clock


def test_feet_of_one_clock_are_asked_for_by_name(settings: Settings, files: Path) -> None:
    left, right = (imu_csv(files, side)[0] for side in BOTH)
    fate = one(import_recordings(settings, Wish(sides={Side.LEFT: [left], Side.RIGHT: [right]}, same_clock=True)))
    with stored(settings) as store:
        steps = [e.payload["step_time_s"] for e in store.events(run_of(fate), kinds=["stride"])]
    assert sum(step is not None for step in steps) > 10


# ------------------------------------------------------------------------------------------------------ which foot


def test_a_pod_that_is_not_paired_is_asked_for_its_foot(settings: Settings, files: Path) -> None:
    fates = import_recordings(settings, Wish(files=metabase(files, Side.LEFT) + imu_csv(files, Side.LEFT)))
    assert [fate.outcome for fate in fates] == [Outcome.BAD, Outcome.BAD]
    assert "found no paired pod (C42732BE255C), expected --left or --right before it" in fates[0].words
    assert "found no paired pod (no name of one in it)" in fates[1].words
    with stored(settings) as store:
        assert store.runs(include_discarded=True) == []


def test_pods_of_the_settings_have_a_foot_too(files: Path, tmp_path: Path) -> None:
    pods = [{"address": "c4:27:32:be:25:5c", "side": "left"}]
    settings = Settings(data_dir=tmp_path / "data", pod=pods)  # type: ignore[arg-type]
    run_of(one(import_recordings(settings, Wish(files=dot(files, Side.LEFT)))))


def test_names_of_pods_fit_by_address_its_end_or_serial() -> None:
    pods = [KnownPod("C4:27:32:BE:25:5C", Side.LEFT, "A1"), KnownPod("D0:11:22:33:44:55", Side.RIGHT, "0B2C3D4E")]
    left, right = pods
    expected = {
        "C42732BE255C": left, "c4:27:32:be:25:5c": left, "Shimmer_255C": left, "Shimmer_4455": right,
        "0B2C3D4E": right, "a1": left, "Shimmer_0000": None, "left": None, "": None, "55": None,
    }  # fmt: skip
    assert {name: known_pod(name, pods) for name in expected} == expected
    assert known_pod(None, pods) is None
    twice = [*pods, KnownPod("AA:BB:CC:DD:25:5C", Side.RIGHT)]
    assert known_pod("Shimmer_255C", twice) is None


def test_files_that_do_not_belong_together_are_refused(settings: Settings, files: Path) -> None:
    acc, gyr = metabase(files, Side.LEFT)
    other = files / "later"
    other.mkdir()
    later = dot(other, Side.RIGHT, BEGUN_NS + 3600 * NS, synced=False)

    def words(**sides: list[Path]) -> str:
        wish = Wish(sides={Side(side): found for side, found in sides.items()})
        fate = one(import_recordings(settings, wish))
        assert fate.outcome is Outcome.BAD
        return fate.words

    assert "acceleration only, expected the file of angular rate" in words(left=[acc])
    assert "3 files for the left foot" in words(left=[acc, gyr, *later])
    assert "no time in common" in words(left=[acc, gyr], right=later)
    assert "the same pod" in words(left=[acc, gyr], right=dot(files, Side.LEFT, synced=False))
    with pytest.raises(InputError, match="the same file twice"):
        import_recordings(settings, Wish(sides={Side.LEFT: [acc], Side.RIGHT: [acc]}))
    assert "a FIT file for the left foot" in words(left=[fit(files)])


# -------------------------------------------------------------------------------------------------- once, or not at all


def test_a_recording_that_comes_again_is_recognised(settings: Settings, files: Path) -> None:
    run = run_of(one(import_recordings(settings, Wish(files=[fit(files)]))))
    shutil.move(files / "run.fit", files / "another name.fit")
    again = one(import_recordings(settings, Wish(files=[files / "another name.fit"])))
    assert (again.outcome, again.run, again.words) == (Outcome.ALREADY, run, f"already imported as {run}")
    with stored(settings) as store:
        assert [row.run for row in store.runs(include_discarded=True)] == [run]


def test_so_is_one_whose_time_was_told_later(settings: Settings, files: Path) -> None:
    left = imu_csv(files, Side.LEFT)
    run = run_of(one(import_recordings(settings, Wish(sides={Side.LEFT: left}))))
    told = Wish(sides={Side.LEFT: left}, start_ns=BEGUN_NS)
    assert one(import_recordings(settings, told)).outcome is Outcome.ALREADY
    anew = Wish(sides={Side.LEFT: left}, start_ns=BEGUN_NS, replace=True)
    fate = one(import_recordings(settings, anew))
    with stored(settings) as store:
        assert store.run(run_of(fate)).begun_wall_ns == BEGUN_NS
        assert store.run(run).discarded_reason == f"replaced by {fate.run}, which was imported"


def test_two_runs_at_once_are_refused_or_one_takes_the_others_place(settings: Settings, files: Path) -> None:
    run = run_of(one(import_recordings(settings, Wish(files=[fit(files)]))))
    watch = fit(files, BEGUN_S + 100, "watch.fit")
    fate = one(import_recordings(settings, Wish(files=[watch])))
    assert fate.outcome is Outcome.REFUSED
    assert fate.words == f"in the same time as {run}; --replace puts this one in its place"
    later = run_of(one(import_recordings(settings, Wish(files=[fit(files, BEGUN_S + 1000, "later.fit")]))))
    new = run_of(one(import_recordings(settings, Wish(files=[watch], replace=True))))
    with stored(settings) as store:
        assert [row.run for row in store.runs()] == [new, later]
        assert store.run(run).discarded_reason == f"replaced by {new}, which was imported"


def test_what_was_discarded_comes_back_only_when_asked_for(settings: Settings, files: Path) -> None:
    path = fit(files)
    run = run_of(one(import_recordings(settings, Wish(files=[path]))))
    with contextlib.closing(Store.open(DataDir(settings.data_dir).store, gateway="gateway")) as store:
        store.discard(run, "anna", "not mine")
    fate = one(import_recordings(settings, Wish(files=[path])))
    assert fate.outcome is Outcome.REFUSED
    assert fate.words == f"imported before as {run}, which was discarded (not mine); --replace imports it anew"
    assert run_of(one(import_recordings(settings, Wish(files=[path], replace=True)))) != run


def test_another_runner_may_run_at_the_same_time(settings: Settings, files: Path) -> None:
    run_of(one(import_recordings(settings, Wish(files=[fit(files)]))))
    ben = settings.model_copy(update={"runner": "ben"})
    run_of(one(import_recordings(ben, Wish(files=[fit(files, BEGUN_S + 50, "ben.fit")]))))


def test_every_file_has_its_fate_and_the_good_ones_are_in(settings: Settings, files: Path) -> None:
    pair_both(settings)
    fit(files)
    fit(files, BEGUN_S + DAY_S, "next.fit")
    dot(files, Side.LEFT, BEGUN_NS + 2 * DAY_S * NS)
    polar(files, Side.RIGHT, BEGUN_NS + 2 * DAY_S * NS)
    (files / "cut.fit").write_bytes((files / "run.fit").read_bytes()[:500])
    (files / "heart.txt").write_text("Phone timestamp;HR [bpm]\n2026-01-01T10:00:00.000;60\n", encoding="utf-8")
    (files / "notes.txt").write_text("hello\n", encoding="utf-8")
    (files / ".hidden").write_text("hello\n", encoding="utf-8")
    (files / "folder").mkdir()
    fates = import_recordings(settings, Wish(files=[files, files / "run.fit"]))
    told = {Path(name).name: fate.outcome for fate in fates for name in fate.files}
    assert len(told) == sum(len(fate.files) for fate in fates) == 8
    assert {name for name, outcome in told.items() if outcome is Outcome.BAD} == {"cut.fit", "notes.txt"}
    assert {name for name, outcome in told.items() if outcome is Outcome.NOT_NEEDED} == {"heart.txt"}
    both = next(fate for fate in fates if len(fate.files) == 3)  # a DOT left, a Verity Sense right
    with stored(settings) as store:
        assert [row.begun_wall_ns for row in store.runs()][:2] == [BEGUN_NS, BEGUN_NS + DAY_S * NS]
        assert store.runs()[-1].run == both.run
        assert [row.run for row in store.runs()] == [
            run["run"] for run in store.history("anna")
        ]  # all ended, in the order of time


def test_half_of_a_run_is_no_run(settings: Settings, files: Path) -> None:
    left, right = (imu_csv(files, side)[0] for side in BOTH)
    right.write_text("t_s,acc_x\n", encoding="utf-8")
    fates = import_recordings(settings, Wish(sides={Side.LEFT: [left], Side.RIGHT: [right]}))
    assert [fate.outcome for fate in fates] == [Outcome.BAD, Outcome.REFUSED]
    assert fates[1].files == (str(left),)
    with stored(settings) as store:
        assert store.runs() == []
    assert list(DataDir(settings.data_dir).runs.iterdir()) == []


def test_an_import_that_was_killed_is_finished_by_the_next(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fit(files)
    append = Store.append
    killed = iter([False, True])

    def until_killed(self: Store, *what: object) -> object:
        if next(killed):
            raise SystemExit(9)
        return append(self, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "append", until_killed)
    monkeypatch.setattr("sensord.incoming.EVENTS_AT_ONCE", 50)
    with pytest.raises(SystemExit):
        import_recordings(settings, Wish(files=[path]))
    monkeypatch.undo()
    with stored(settings) as store:
        (row,) = store.open_runs()
        assert len(list(store.events(row.run))) == 50
    again = one(import_recordings(settings, Wish(files=[path])))
    assert (again.outcome, again.run) == (Outcome.ALREADY, row.run)
    with stored(settings) as store:
        assert store.run(row.run).state == "ended"
        kept = open_run(DataDir(settings.data_dir).run_file(row.run))
        assert kept.sealed == store.run(row.run).sha256
        assert first_difference(replay(kept), store, row.run) is None


def test_one_that_was_killed_before_it_was_entered_is_entered_by_the_next(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*_: object, **__: object) -> None:
        raise SystemExit(9)

    monkeypatch.setattr(Store, "begin_run", kill)
    with pytest.raises(SystemExit):
        import_recordings(settings, Wish(files=[fit(files)]))
    monkeypatch.undo()
    data = DataDir(settings.data_dir)
    (run,) = waiting(data)
    assert list(data.runs.iterdir()) == []
    again = one(import_recordings(settings, Wish(files=[fit(files)])))
    assert (again.outcome, again.run) == (Outcome.ALREADY, run)
    assert waiting(data) == []
    assert [path.name for path in data.runs.iterdir()] == [f"{run}.run"]


def test_half_a_file_that_a_killed_import_left_is_in_nobodys_way(settings: Settings, files: Path) -> None:
    run = run_of(one(import_recordings(settings, Wish(files=[fit(files)]))))
    data = DataDir(settings.data_dir)
    again = settings.model_copy(update={"data_dir": settings.data_dir.parent / "again"})
    runs = DataDir(again.data_dir / "incoming").runs
    runs.mkdir(parents=True)
    for name in (f".{run}.late", f"{run}.run"):
        shutil.copy(data.run_file(run), runs / name)
    assert run_of(one(import_recordings(again, Wish(files=[fit(files)])))) == run
    assert list(runs.iterdir()) == []


# --------------------------------------------------------------------------------------------- while a daemon runs


class Daemon:
    """What of a daemon an import meets: it holds the directory, and has a page and a journal."""

    def __init__(self, settings: Settings) -> None:
        self.data = DataDir(settings.data_dir)
        self._stack = contextlib.AsyncExitStack()
        self.page: Page | None = None

    async def __aenter__(self) -> Daemon:
        enter = self._stack.enter_context
        enter(self.data.lock())
        journal = enter(contextlib.closing(Journal(Store.open(self.data.store, gateway="gateway"))))
        reader = enter(contextlib.closing(Store.open(self.data.store, gateway="gateway", readonly=True)))
        commands = RunCommands(SimpleNamespace(run=None), journal, self.data)  # type: ignore[arg-type]
        self.page = Page(LiveView(), commands=commands, runs=StoreRuns(reader))
        url = (await self.page.start("127.0.0.1", 0)).rstrip("/")
        self._stack.push_async_callback(self.page.stop)
        enter(door_plate(self.data.path, url, None))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


async def test_a_daemon_that_holds_the_data_takes_it_in(settings: Settings, files: Path) -> None:
    async with Daemon(settings) as daemon:
        fate = one(await asyncio.to_thread(import_recordings, settings, Wish(files=[fit(files)])))
        run = run_of(fate)
        again = one(await asyncio.to_thread(import_recordings, settings, Wish(files=[fit(files)])))
        assert (again.outcome, again.run) == (Outcome.ALREADY, run)
        later = Wish(files=[fit(files, BEGUN_S + 60, "other.fit")], replace=True)
        new = run_of(one(await asyncio.to_thread(import_recordings, settings, later)))
        with stored(settings) as store:
            assert [row.run for row in store.runs()] == [new]
            assert store.run(run).discarded_reason == f"replaced by {new}, which was imported"
            assert first_difference(replay(open_run(daemon.data.run_file(run))), store, run) is None
            assert open_run(daemon.data.run_file(run)).sealed == store.run(run).sha256
    assert waiting(daemon.data) == []


async def test_what_the_daemon_refuses_leaves_nothing(
    settings: Settings, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: object, run: str) -> None:
        raise InputError(Problem("page", run, "a bad day", "another"))

    async with Daemon(settings) as daemon:
        monkeypatch.setattr(RunCommands, "import_run", refuse)
        fate = one(await asyncio.to_thread(import_recordings, settings, Wish(files=[fit(files)])))
        assert (fate.outcome, "a bad day" in fate.words) == (Outcome.BAD, True)
        assert waiting(daemon.data) == []
        assert list(inbox(daemon.data).runs.iterdir()) == []


async def test_without_an_answer_it_waits_for_the_next_start(settings: Settings, files: Path) -> None:
    async with Daemon(settings) as daemon:
        assert daemon.page is not None
        await daemon.page.stop()
        with pytest.raises(Away, match="is taken in at its next start"):
            await asyncio.to_thread(import_recordings, settings, Wish(files=[fit(files)]))
        (run,) = waiting(daemon.data)
    with contextlib.closing(Store.open(daemon.data.store, gateway="gateway")) as store:
        assert take_in_waiting(daemon.data, store) == [run]
        assert store.run(run).state == "ended"


def test_a_process_without_a_page_is_named(settings: Settings, files: Path) -> None:
    with (
        DataDir(settings.data_dir).lock(),
        pytest.raises(InputError, match=r"process \d+ holds the data and has no page to be asked through"),
    ):
        import_recordings(settings, Wish(files=[fit(files)]))


def test_two_imports_at_once_are_refused(settings: Settings, files: Path) -> None:
    data = DataDir(settings.data_dir)
    data.create()
    with inbox(data).lock(), pytest.raises(InputError, match="another sensord holds it"):
        import_recordings(settings, Wish(files=[fit(files)]))


def test_nothing_to_import_is_said(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        import_recordings(settings, Wish())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="a folder without files"):
        import_recordings(settings, Wish(files=[tmp_path / "empty"]))


def test_a_time_belongs_to_one_run(settings: Settings, files: Path) -> None:
    wish = Wish(files=[fit(files), fit(files, BEGUN_S + DAY_S, "b.fit")], start_ns=BEGUN_NS)
    with pytest.raises(InputError, match="one time for 2 runs"):
        import_recordings(settings, wish)
    assert parse_start("2023-11-14 22:13:20") == parse_start("2023-11-14T23:13:20+01:00") == BEGUN_NS
    for bad in ("yesterday", "2099-01-01", "1960-01-01", "0001-01-01"):
        with pytest.raises(InputError, match="--start"):
            parse_start(bad)


# ------------------------------------------------------------------------------------------------- a run like any other

PLAN = """
schema = "rtr-plan/1"
id = "p"
title = "Plan"
[[source]]
who = "PT"
[runner]
alias = "anna"
[limit.distance]
counts = "all"
stop = "300m"
"""


def test_limits_are_checked_late(settings: Settings, files: Path, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf-8")
    planned = settings.model_copy(update={"plan": tmp_path / "plan.toml"})
    fate = one(import_recordings(planned, Wish(files=[fit(files)])))  # 360 m
    assert fate.words.endswith("360 m, 1 alert")
    with stored(planned) as store:
        alert = next(store.events(run_of(fate), kinds=["alert"]))
        assert (alert.payload["rule"], alert.payload["level"]) == ("limit.distance", "stop")
        assert alert.wall_anchor_ns == BEGUN_NS
        assert alert.payload["onset_ns"] == pytest.approx(101 * NS, abs=2 * NS)


def test_a_watch_tells_distance_cadence_and_heart(settings: Settings, files: Path) -> None:
    fate = one(import_recordings(settings, Wish(files=[fit(files, stance_time=250.0)])))
    assert fate.summary is not None
    assert fate.summary["distance_m"] == pytest.approx(360.0)
    assert fate.summary["cadence_spm"] == pytest.approx(165.0)  # 82.5 strides a minute, settled by what was seen
    assert fate.summary["heart_rate_bpm"] == 150.0
    assert fate.summary["contact_time_left_s"] is None
    assert fate.said["contact_time_s"]["median"] == 0.25


def test_runs_apart_by_more_than_ten_minutes_are_several(settings: Settings, files: Path) -> None:
    """A watch that was started at home: 12 minutes on a bus, a run, 15 minutes of coffee, a run back."""
    fit_file = FitWriter()
    second, at_m = 0, 0.0
    for seconds, speed in ((720, 0.0), (100, 3.0), (900, 0.0), (60, 2.5)):
        for _ in range(seconds):
            at_m += speed
            fit_file.record(BEGUN_S + second, distance=at_m, speed=speed)
            second += 1
    (files / "day.fit").write_bytes(fit_file.bytes())
    fate = one(import_recordings(settings, Wish(files=[files / "day.fit"])))
    with stored(settings) as store:
        first, last = store.runs()
        assert first.run == fate.run
        assert [row.summary and round(row.summary["distance_m"], -1) for row in (first, last)] == [300, 150]
        assert last.begun_wall_ns is not None
        assert last.begun_wall_ns > BEGUN_NS + 820 * NS
    again = one(import_recordings(settings, Wish(files=[files / "day.fit"])))
    assert again.outcome is Outcome.ALREADY


def test_one_in_which_nobody_moves_is_not_kept(settings: Settings, files: Path) -> None:
    still = FitWriter()
    for second in range(60):
        still.record(BEGUN_S + second, distance=0.0, speed=0.0)
    (files / "still.fit").write_bytes(still.bytes())
    fate = one(import_recordings(settings, Wish(files=[files / "still.fit"])))
    assert fate.outcome is Outcome.BAD
    assert "found nobody who walks or runs" in fate.words
    with stored(settings) as store:
        assert store.runs(include_discarded=True) == []
    assert list(DataDir(settings.data_dir).runs.iterdir()) == []


def test_one_that_is_still_to_come_is_refused(settings: Settings, files: Path) -> None:
    fate = one(import_recordings(settings, Wish(files=[fit(files, 4_000_000_000)])))
    assert fate.outcome is Outcome.BAD
    assert "found a beginning on 2096-10-02, expected a time that has been (--start)" in fate.words
    told = Wish(files=[files / "run.fit"], start_ns=BEGUN_NS)
    run_of(one(import_recordings(settings, told)))


def test_history_is_what_was_run_before_it(settings: Settings, files: Path) -> None:
    for day, name in ((5, "e.fit"), (1, "a.fit"), (3, "c.fit")):
        run_of(one(import_recordings(settings, Wish(files=[fit(files, BEGUN_S + day * DAY_S, name)]))))
    with stored(settings) as store:
        rows = store.runs()
    history = [
        [run["run"] for run in open_run(DataDir(settings.data_dir).run_file(row.run)).setup.history] for row in rows
    ]
    assert history == [[], [rows[0].run], []]  # the run of day 5 came first: there was nothing before it then


# -------------------------------------------------------------------------------------------------- the command line

Sensord = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sensord(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Sensord:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sensord", "import", "--data-dir", str(tmp_path / "data"), *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return (ended.value.code if isinstance(ended.value.code, int) else 0), out, err

    return run


def test_the_command_tells_the_fate_of_each_file(sensord: Sensord, files: Path) -> None:
    good, bad = fit(files, stance_time=250.0), files / "bad.csv"
    bad.write_text("nothing\n", encoding="utf-8")
    code, out, err = sensord(good, bad)
    assert code == 2
    assert "run.fit: imported: run " in out
    assert "contact time (s) 0.250" in out
    assert err == f"sensord: {bad}: line 1: " + err.partition("line 1: ")[2]
    assert err.count("\n") == 1
    code, out, err = sensord(good)
    assert (code, err) == (0, "")
    assert "already there" in out
    code, out, err = sensord(fit(files, BEGUN_S + 60, "other.fit"))
    assert (code, out) == (2, "")
    assert "other.fit: refused: in the same time as" in err


def test_the_command_prints_json(sensord: Sensord, files: Path) -> None:
    code, out, _ = sensord("--json", "--left", *imu_csv(files, Side.LEFT), "--right", *imu_csv(files, Side.RIGHT))
    assert code == 0
    (fate,) = json.loads(out)
    assert (fate["outcome"], len(fate["files"])) == ("imported", 2)
    assert fate["summary"]["strides_left"] > 10
    code, out, err = sensord("--json", files / "none.csv")
    assert (code, err, json.loads(out)[0]["outcome"]) == (2, "", "bad")


def test_two_files_of_one_foot_are_named_twice(sensord: Sensord, files: Path) -> None:
    acc, gyr = metabase(files, Side.LEFT)
    code, out, _ = sensord("--left", gyr, "--left", acc, "--start", "2023-11-14 22:13:20")
    assert code == 0
    assert "strides" in out


def test_samples_of_both_feet_lie_in_the_order_of_time(settings: Settings, files: Path) -> None:
    left, right = (imu_csv(files, side)[0] for side in BOTH)
    fate = one(import_recordings(settings, Wish(sides={Side.LEFT: [left], Side.RIGHT: [right]})))
    times = [item.t_ns for item in open_run(DataDir(settings.data_dir).run_file(run_of(fate))).inputs()]
    assert np.all(np.diff(times) >= 0)


@pytest.mark.slow
@pytest.mark.data
def test_real_files_come_to_what_their_devices_say(settings: Settings) -> None:
    """A Garmin's and a Stryd's own totals (their session messages), and the pod's run as it is analysed."""
    data = Path(os.environ["SENSORD_DATA"])
    stryd = data / "wearable_my_foot" / "stryd_ref"
    totals_m = {
        data / "fit" / "garmin-fr945-rd-and-stryd-treadmill.fit": 10630.37,
        stryd / "stryd-backgaden-1km.fit": 1057.61,
        stryd / "stryd-sport-field.fit": 416.10,
    }
    for fate in import_recordings(settings, Wish(files=list(totals_m))):
        assert fate.summary is not None
        assert fate.summary["distance_m"] == pytest.approx(totals_m[Path(fate.files[0])], abs=1.0)
    pod = data / "wearable_my_foot" / "test-run.csv"
    fate = one(import_recordings(settings, Wish(sides={Side.RIGHT: [pod]})))
    expected = [of_stride(stride) for stride in analyse(right=pod, layout="wearable").strides]
    with stored(settings) as store:
        told = [event.payload for event in store.events(run_of(fate), kinds=["stride"])]
    assert [{name: stride[name] for name in DSP} for stride in told] == expected
