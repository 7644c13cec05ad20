"""Armed, away, home again: every logged sample in one run, whatever went wrong between."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

from sensord import fetching, host
from sensord.armed import Stage
from sensord.daemon import Gateway
from sensord.datadir import DataDir
from sensord.drivers.base import Wanted
from sensord.drivers.recorded import SAMPLES, RecordedDecoder
from sensord.errors import InputError
from sensord.model import NS, Mark, MarkKind, Packet, Side
from sensord.playback import first_difference, open_run, replay
from sensord.sim.pods.standard import StandardPodSim
from sensord.sinks.messages import Topics, messages_of
from sensord.store import Store
from sensord.store_pairings import Pairing, pair
from tests.away import AWAY_S, LEFT, RIGHT, Killed, Place, dies, fast_logs, pods

STRAP = "C0:00:00:00:00:03"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    fast_logs(monkeypatch)
    return Place(tmp_path)


def stamps(place: Place, run: str, pod: str) -> np.ndarray:
    """Pod time of all samples of a pod in a run's file."""
    decoder, found = None, []
    for item in open_run(place.folder / "runs" / f"{run}.run").inputs():
        if isinstance(item, Mark) and item.kind is MarkKind.LINK_UP and item.data["pod"] == pod and decoder is None:
            decoder = RecordedDecoder(item.data["info"])
        elif isinstance(item, Packet) and item.pod == pod and item.characteristic == SAMPLES:
            found += [block.t_pod_ns for block in decoder.push(item)]
    return np.concatenate(found)


def check_whole(place: Place, run: str, seconds: float = AWAY_S, of: tuple[str, ...] = (LEFT, RIGHT)) -> None:
    """All samples of the pods are there once, and nothing is missing between them."""
    for pod in of:
        t_ns = stamps(place, run, pod)
        assert np.all(np.abs(np.diff(t_ns) - NS / 200) < 20_000)
        assert len(t_ns) >= (seconds - 1) * 200


# ---------------------------------------------------------------------------------------------------------- all well


async def test_a_run_out_of_reach_comes_home_whole(place: Place) -> None:
    reports = await place.arm()
    assert [r.text for r in reports] == ["logs 200 Hz, ±32 g, for 114 minutes, battery 100 %"] * 2
    place.later()
    fetched = await place.fetch()
    assert all(r.ok for r in fetched.pods)
    [run] = place.runs()
    assert [one.run for one in fetched.runs] == [run.run]
    assert run.state == "ended"
    assert run.sha256 is not None
    assert run.summary is not None
    assert run.summary["strides_left"] > 10 < run.summary["strides_right"]
    check_whole(place, run.run)
    assert place.flights == []
    assert len(place.logs) == 2
    assert all(not place.pod(pod).log.written for pod in (LEFT, RIGHT)), "pods are free for the next run"
    with place.store() as store:
        assert first_difference(replay(place.folder / "runs" / f"{run.run}.run"), store, run.run) is None
        notes = [e.payload["text"] for e in store.events(run.run, kinds=["note"])]
    assert any("the left pod comes from its log; its clock is known to" in note for note in notes)


async def test_run_time_is_when_it_was(place: Place) -> None:
    """Within what is said of the error: the pods' clocks are 43 ppm apart and answers take 10 ms."""
    await place.arm()
    place.later()
    fetched = await place.fetch()
    [run] = place.runs()
    assert run.begun_wall_ns is not None
    with place.store() as store:
        strides = [e.payload for e in store.events(run.run, kinds=["stride"])]
    for pod, foot in ((LEFT, "left"), (RIGHT, "right")):
        error_ns = next(r.details["error_ns"] for r in fetched.pods if r.pod == pod)
        sim = place.pod(pod)
        wall0_ns = run.begun_wall_ns - (place.base().clocks.wall_ns() - place.now_ns())
        for stride in strides:
            if stride["foot"] == foot:
                true_ns = sim.ready_ns(stride["ic_pod_ns"] - sim.stamped_ns(0))
                assert abs(stride["ic_run_ns"] + wall0_ns - true_ns) < error_ns + 2_000_000


async def test_what_she_ran_in_reach_is_not_doubled_and_its_run_is_replaced(place: Place) -> None:
    """Live for a few seconds while the pods log; the packets that came are in the log, too."""
    await place.arm()
    place.later(6.0)
    live = place.live(5.0)
    assert len(place.strides(live)) > 5
    assert all(pod.log.logging for pod in place.radio.pods.values()), "a stream leaves the log alone"
    place.later(AWAY_S - 11.0)
    fetched = await place.fetch()
    [run] = place.runs()
    check_whole(place, run.run, AWAY_S - 1)
    assert fetched.runs[0].replaces == (live,)
    assert len(place.strides(run.run)) > len(place.strides(live))
    with place.store() as store:
        notes = [e.payload["text"] for e in store.events(run.run, kinds=["note"])]
        assert "a note of hers" in notes
        assert first_difference(replay(place.folder / "runs" / f"{run.run}.run"), store, run.run) is None
    [old] = [one for one in place.runs(discarded=True) if one.run == live]
    assert old.discarded_reason == f"replaced by {run.run}"


async def test_a_gateway_asks_for_the_log_to_be_left_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Wanted] = []

    class Links:
        def __init__(self, *_: object, wanted: Wanted, **__: object) -> None:
            asked.append(wanted)

        async def run(self) -> None:
            await asyncio.sleep(60)

    monkeypatch.setattr("sensord.daemon.PodLinks", Links)
    await Gateway(place.settings, say=place.said.append).run(0.05)
    await place.arm()
    await Gateway(place.settings, say=place.said.append).run(0.05)
    assert [wanted.keep_log for wanted in asked] == [False, True]


async def test_live_samples_fill_what_a_full_log_lacks(place: Place) -> None:
    for pod in place.radio.pods.values():
        pod.log.capacity = 20_000  # eight seconds
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sensord.drivers.open_pod_log.LEAST_S", 1)
        await place.arm()
    place.later(5.0)
    place.live(8.0)
    place.later(2.0)
    fetched = await place.fetch()
    [run] = place.runs()
    for pod in (LEFT, RIGHT):
        t_ns = stamps(place, run.run, pod)
        assert np.all(np.abs(np.diff(t_ns) - NS / 200) < 20_000), "log, then live, without a seam"
        assert (t_ns[-1] - t_ns[0]) / NS > 12.5
    assert any("was full" in note for r in fetched.pods for note in r.details["notes"])


PLAN = """
schema = "rtr-plan/1"
id = "p"
title = "short"
[[source]]
who = "a test"
[runner]
alias = "R-1"
[limit.distance]
counts = "all"
stop = "20m"
"""


async def test_limits_are_checked_late(place: Place) -> None:
    plan = place.folder / "plan.toml"
    plan.write_text(PLAN)
    place.settings.plan = plan
    await place.arm()
    place.later()
    fetched = await place.fetch()
    [run] = place.runs()
    assert (run.runner, fetched.runs[0].summary["alerts"]) == ("R-1", 1)
    with place.store() as store:
        [alert] = store.events(run.run, kinds=["alert"])
    assert run.begun_wall_ns is not None
    age_s = (place.wall_ns() - run.begun_wall_ns - alert.t_ns) / NS
    [message] = messages_of(alert, Topics("home"), "gateway", age_s + 20)
    assert json.loads(message.payload)["data"]["late"] is True
    assert 5 < age_s < AWAY_S + 5, "its time is when she passed the limit"


async def test_a_log_of_two_outings_is_two_runs(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parted where she was still for as long as ends a run (ten minutes; four seconds here)."""
    monkeypatch.setattr("sensord.fetched_run.END_AFTER_S", 4)
    monkeypatch.setattr("sensord.fetched_run.MARGIN_S", 2)
    place.ago_s += AWAY_S
    place.wear(pods(place.now_ns(), loop=True))
    await place.arm()
    place.later(2 * AWAY_S)
    fetched = await place.fetch()
    first, second = place.runs()
    assert [one.run for one in fetched.runs] == [first.run, second.run]
    assert None not in (first.begun_wall_ns, second.begun_wall_ns)
    assert second.begun_wall_ns - first.begun_wall_ns == pytest.approx(AWAY_S * NS, abs=2 * NS)  # type: ignore[operator]
    contacts = set(place.strides(first.run)) & set(place.strides(second.run))
    assert contacts == set(), "no stride is in both"
    with place.store() as store:
        assert len(store.history("runner-1", before=second.run)) == 1


async def test_sensors_that_were_heard_live_are_in_the_run_too(place: Place) -> None:
    strap = StandardPodSim(STRAP, "Polar H10 12345678", now_ns=place.now_ns(), profiles=("heart",))
    place.wear([place.pod(LEFT), place.pod(RIGHT), strap], {STRAP: "standard"})
    reports = await place.arm()
    assert [r.ok for r in reports] == [True, True, False]
    place.later(4.0)
    live = place.live(10.0)
    place.later(AWAY_S - 14.0)
    fetched = await place.fetch()
    [run] = fetched.runs
    assert run.replaces == (live,)
    recorded = open_run(place.folder / "runs" / f"{run.run}.run")
    assert [(pod.pod, pod.driver) for pod in recorded.setup.pods] == [
        (LEFT, "recorded"),
        (RIGHT, "recorded"),
        (STRAP, "standard"),
    ]
    heard = [i for i in open_run(place.folder / "runs" / f"{live}.run").inputs() if getattr(i, "pod", "") == STRAP]
    kept = [i for i in recorded.inputs() if getattr(i, "pod", "") == STRAP]
    assert [i.payload for i in kept if isinstance(i, Packet)] == [i.payload for i in heard if isinstance(i, Packet)]
    assert len(kept) > 5
    assert run.summary["heart_rate_bpm"] is not None


# -------------------------------------------------------------------------------------------------- what goes wrong


async def test_nothing_armed_is_one_line(place: Place) -> None:
    with pytest.raises(InputError, match="no pod that is armed"):
        await place.fetch()


async def test_what_cannot_log_is_named_and_the_others_are_armed(place: Place) -> None:
    place.pod(LEFT).log = None
    reports = await place.arm()
    assert [r.ok for r in reports] == [False, True]
    assert reports[0].text == "not armed: pod refused its settings (it has no memory for a log)"
    place.settings.pod[0].driver = "witmotion"
    place.settings.pod[1].driver = "witmotion"
    with pytest.raises(InputError, match="a witmotion keeps no log"):
        await place.arm()


async def test_what_is_armed_is_not_armed_over(place: Place) -> None:
    await place.arm()
    with pytest.raises(InputError, match="not fetched: sensord fetch, or arm --erase"):
        await place.arm()
    reports = await place.arm(erase=True)
    assert all(r.ok for r in reports)
    place.later(12.0)
    await place.fetch()
    assert len(place.runs()) == 1
    assert place.flights == []


async def test_a_log_of_another_gateway_is_not_lost_by_chance(place: Place) -> None:
    await place.arm()
    for path in (place.folder / "armed").glob("*.json"):
        path.unlink()
    with pytest.raises(InputError, match=r"holds a log of .* MB that was not erased"):
        await place.arm()
    assert all(pod.log.logging for pod in place.radio.pods.values())


async def test_an_impostor_under_a_paired_address_is_not_armed(place: Place) -> None:
    place.settings.pod = []
    DataDir(place.folder).create()
    with contextlib.closing(Store.open(DataDir(place.folder).store, gateway="gateway")) as store:
        for side, address, serial in ((Side.LEFT, LEFT, "another"), (Side.RIGHT, RIGHT, "0000c00000000002")):
            pair(store, Pairing(address, side, "open-pod", "Open Pod", serial), who="pt")
    reports = await place.arm()
    assert [r.ok for r in reports] == [False, True]
    assert "paired was Open Pod another" in reports[0].text
    assert not place.pod(LEFT).log.logging
    [flight] = place.flights
    assert [pod.pod for pod in flight.pods] == [RIGHT]


@pytest.mark.parametrize(
    ("total", "lines"), [(200, ["0 %", "10 %", "50 %", "100 %"]), (None, ["0", "1", "20", "100", "200"])]
)
def test_progress_is_told_now_and_then(total: int | None, lines: list[str]) -> None:
    said: list[str] = []
    shown = fetching._Progress(said.append, "left pod")
    for done in (0, 1, 20, 21, 21, 100, 101, 200):
        shown(done, total)
    assert said == [f"      left pod: {line} fetched" for line in lines]


async def test_two_fetches_are_as_one(place: Place) -> None:
    await place.arm()
    place.later()
    await place.fetch()
    with pytest.raises(InputError, match="no pod that is armed"):
        await place.fetch()
    assert len(place.runs(discarded=True)) == 1


async def test_an_arm_that_was_forgotten_is_fetched_days_later(place: Place) -> None:
    """The log is full long since; what she ran is there, and no day of lying still is made a run."""
    for pod in place.radio.pods.values():
        pod.log.capacity = 100_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sensord.drivers.open_pod_log.LEAST_S", 1)
        await place.arm()
    place.later()
    place.later(50_000.0)
    fetched = await place.fetch()
    [run] = place.runs()
    assert fetched.runs[0].run == run.run
    check_whole(place, run.run)
    assert run.summary is not None
    assert run.summary["elapsed_s"] < 60


async def test_a_link_that_breaks_is_made_again_and_the_download_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.arm()
    place.later()
    kept = 0
    asked: list[int] = []
    real = place.pod(LEFT).log._read

    def read(offset: int, length: int, now_ns: int) -> None:
        nonlocal kept
        kept += 1
        asked.append(offset)
        real(offset, length, now_ns)
        if kept in (2, 5):
            asyncio.get_running_loop().call_soon(place.pod(LEFT).drop_link)

    monkeypatch.setattr(type(place.pod(LEFT).log), "_read", lambda _, *a: read(*a))
    place.radio.pods.pop(RIGHT)
    fetched = await place.fetch()
    assert fetched.pods[0].ok
    assert asked == sorted(asked), "what was kept is not fetched again"
    t_ns = stamps(place, fetched.runs[0].run, LEFT)
    assert len(t_ns) > (AWAY_S - 1) * 200
    assert np.all(np.abs(np.diff(t_ns) - NS / 200) < 20_000)
    assert any("trying again" in line for line in place.said)


async def test_a_pod_that_does_not_come_is_waited_for_and_then_its_run_is_whole(place: Place) -> None:
    await place.arm()
    place.later()
    place.pod(RIGHT).vanish()
    first = await place.fetch()
    assert {r.pod: r.ok for r in first.pods} == {LEFT: True, RIGHT: False}
    [half] = place.runs()
    assert half.summary is not None
    assert (half.summary["strides_left"] > 10, half.summary["strides_right"]) == (True, 0)
    assert not place.pod(LEFT).log.written
    place.pod(RIGHT).vanished = False
    await place.fetch()
    [whole] = place.runs()
    check_whole(place, whole.run)
    assert [r.discarded_reason for r in place.runs(discarded=True) if r.run == half.run] == [f"replaced by {whole.run}"]
    assert place.flights == []


async def test_a_pod_that_is_lost_can_be_forgotten(place: Place) -> None:
    await place.arm()
    place.later()
    place.pod(RIGHT).vanish()
    with pytest.raises(InputError, match="no armed pod of that address"):
        await place.fetch(forget=["C0:00:00:00:00:77"])
    await place.fetch(forget=[RIGHT.lower()])
    assert place.flights == []
    assert len(place.runs()) == 1


async def test_a_pod_that_restarts_loses_no_more_than_a_moment(place: Place) -> None:
    """Its samples before and after are on two clocks, each read once."""
    await place.arm()
    place.later(9.0)
    place.pod(LEFT).reboot(place.now_ns())
    place.later(9.0)
    fetched = await place.fetch()
    [run] = place.runs()
    t_ns = stamps(place, run.run, LEFT)
    assert len(t_ns) > (AWAY_S - 2) * 200
    assert np.count_nonzero(np.diff(t_ns) < 0) == 1
    left = next(r for r in fetched.pods if r.pod == LEFT)
    assert "the left pod restarted while it logged" in left.details["notes"]
    assert run.summary is not None
    assert run.summary["strides_left"] > 8
    with place.store() as store:
        times = [e.payload["ic_run_ns"] for e in store.events(run.run, kinds=["stride"]) if e.payload["foot"] == "left"]
    assert times == sorted(times)


async def test_this_machine_restarts_meanwhile(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its wall clock bridges that; the pods' clocks are still known at both ends."""
    await place.arm()
    place.later()
    monkeypatch.setattr(host, "boot_id", lambda: "another")
    place.restart_ns = 1000 * NS
    wall_ns = place.wall_ns()
    await place.fetch()
    [run] = place.runs()
    check_whole(place, run.run)
    assert run.begun_wall_ns is not None
    assert abs(run.begun_wall_ns - (wall_ns - AWAY_S * NS)) < 3 * NS


async def test_without_a_trusted_wall_clock_the_log_is_placed_by_what_is_known(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.settings.clock = "untrusted"
    await place.arm()
    place.later()
    monkeypatch.setattr(host, "boot_id", lambda: "another")
    place.restart_ns = 1000 * NS
    fetched = await place.fetch()
    [run] = place.runs()
    assert run.begun_wall_ns is None
    check_whole(place, run.run)
    assert all(r.details["error_ns"] > AWAY_S * 200_000 for r in fetched.pods), "the clock was read once: that is said"


@pytest.mark.parametrize(
    ("target", "after"),
    [
        ("sensord.log_file.LogFile.keep", 3),
        ("sensord.fetched_run.Maker._one", 0),
        ("sensord.late_run.RunFile.seal", 0),
        ("sensord.store.Store.append", 0),
        ("sensord.fetching._release", 0),
        *(
            pytest.param(*point, marks=pytest.mark.slow)
            for point in (
                ("sensord.log_file.LogFile.keep", 0),
                ("sensord.log_file.LogFile.seal", 0),
                ("sensord.armed.ArmedState.save", 2),
                ("sensord.late_run.RunFile.commit", 3),
                ("sensord.store.Store.end_run", 0),
                ("sensord.fetched_run.Maker._ended_ns", 0),
                ("sensord.fetched_run.Maker.discard_replaced", 0),
            )
        ),
    ],
)
async def test_a_fetch_that_is_killed_anywhere_is_finished_by_the_next(
    place: Place, monkeypatch: pytest.MonkeyPatch, target: str, after: int
) -> None:
    place.wear([place.pod(LEFT)])
    await place.arm()
    place.later()
    revive = dies(monkeypatch, target, after)
    with contextlib.suppress(Killed):
        await place.fetch()
        pytest.fail("it was not killed")
    revive()
    await place.fetch()
    [run] = place.runs()
    check_whole(place, run.run, of=(LEFT,))
    assert place.flights == []
    with place.store() as store:
        assert store.open_runs() == []
    on_disk = {path.stem for path in (place.folder / "runs").glob("*.run")}
    assert on_disk == {r.run for r in place.runs(discarded=True)}
    assert not place.pod(LEFT).log.written


async def test_a_live_run_that_a_crash_left_open_is_not_taken_over(place: Place) -> None:
    await place.arm()
    place.later(6.0)
    place.live(5.0, ended=False)
    place.later(AWAY_S - 11.0)
    with pytest.raises(InputError, match="a run that a crash left open"):
        await place.fetch()
    assert all(pod.stage is Stage.FETCHED for flight in place.flights for pod in flight.pods)
