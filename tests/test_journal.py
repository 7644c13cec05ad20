"""The journal: run file first, store second, on time; nothing is swallowed, and nothing is lost to a kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from sensord.datadir import DataDir
from sensord.errors import DiskError, InputError, InternalError, JournalFailed
from sensord.journal import Journal, end_sealed_runs
from sensord.model import Event, Mark, MarkKind, Packet, RunSetup, StoredEvent, Tick
from sensord.recording import Anchor, RunFile, read_run
from sensord.store import Store

ANCHOR = Anchor(wall_ns=1_780_000_000_000_000_000, boottime_ns=5, boot_id="b0", wall_trusted=True)


def setup(run: str) -> RunSetup:
    return RunSetup(run, "anna", "clinic", "gw-1", ())


def packet(k: int) -> Packet:
    return Packet("AA:01", k, "c1", k.to_bytes(8, "big"))


def event(n: int) -> Event:
    return Event(n, n, "note", {"n": n})


class Rig:
    """A journal in a data directory, and what it told."""

    def __init__(self, folder: Path) -> None:
        self.data = DataDir(folder)
        self.data.create()
        self.stored: list[StoredEvent] = []
        self.errors: list[BaseException] = []
        self.told = threading.Event()
        store = Store.open(self.data.store, gateway="gw-1")
        self.journal = Journal(store, on_stored=self._stored, on_error=self.errors.append)
        self.reader = Store.open(self.data.store, gateway="gw-1", readonly=True)

    def _stored(self, events: list[StoredEvent]) -> None:
        self.stored += events
        self.told.set()

    def begin(self, run: str = "r1", anchor: Anchor = ANCHOR) -> Path:
        path = self.data.run_file(run)
        self.journal.begin(lambda: RunFile.create(path, setup(run), anchor), setup(run), anchor)
        return path

    def close(self) -> None:
        self.journal.close()
        self.reader.close()


@pytest.fixture
def rig(tmp_path):
    with closing(Rig(tmp_path)) as opened:
        yield opened


def until(condition, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.002)


# ------------------------------------------------------------------------------------------------ the way of a run


def test_a_run_from_begin_to_seal(rig):
    path = rig.begin()
    items = [packet(0), Tick(1, 2), Mark(3, MarkKind.NOTE, {"text": "hei", "by": "pt"}), packet(4)]
    for n, item in enumerate(items):
        rig.journal.add(item)
        rig.journal.events("r1", "1", [event(n)])
    sha256 = rig.journal.end().result(5)
    run = read_run(path)
    assert (run.sealed, run.problems, list(run.inputs())) == (sha256, (), items)
    kept = rig.reader.run("r1")
    assert (kept.state, kept.sha256, kept.file, kept.begun_wall_ns) == ("ended", sha256, "r1.run", ANCHOR.wall_ns)
    assert [e.n for e in rig.reader.events("r1")] == [0, 1, 2, 3]
    assert rig.stored == rig.reader.read_after(0, 10)
    assert rig.errors == []


def test_a_run_begun_by_an_untrusted_clock_has_no_wall_time(rig):
    rig.begin(anchor=Anchor(5, 6, "b", wall_trusted=False))
    rig.journal.sync().result(5)
    assert rig.reader.run("r1").begun_wall_ns is None


def test_a_run_is_resumed_where_it_was(rig):
    path = rig.begin()
    rig.journal.add(packet(0))
    rig.journal.events("r1", "1", [event(0)])
    rig.close()
    assert read_run(path).sealed is None
    again = Rig(rig.data.path)
    again.journal.begin(lambda: RunFile.resume(path), setup("r1"), ANCHOR)
    again.journal.events("r1", "1", [event(0), event(1)])  # replay says the first again
    again.journal.add(packet(1))
    again.journal.end().result(5)
    assert list(read_run(path).inputs()) == [packet(0), packet(1)]
    assert [e.n for e in again.stored] == [1]
    again.close()


def test_a_run_that_came_to_nothing_leaves_no_file_and_does_not_count(rig):
    path = rig.begin()
    rig.journal.add(packet(0))
    rig.journal.events("r1", "1", [event(0)])
    assert rig.journal.end(keep=False).result(5) is None
    assert list(path.parent.iterdir()) == []
    assert rig.reader.runs() == []
    assert rig.reader.run("r1").discarded_reason == "nothing was measured"
    assert rig.reader.read_after(0, 10) == []


def test_runs_follow_each_other(rig):
    for number in range(3):
        path = rig.begin(f"r{number}")
        rig.journal.add(packet(number))
        rig.journal.events(f"r{number}", "1", [event(0)])
        rig.journal.end()
    rig.journal.sync().result(5)
    assert [r.state for r in rig.reader.runs()] == ["ended"] * 3
    assert list(read_run(path).inputs()) == [packet(2)]


def test_an_end_that_a_crash_cut_short_is_entered_at_the_next_start(rig):
    path = rig.begin()
    rig.journal.add(packet(0))
    rig.journal.sync().result(5)
    rig.close()
    sha256 = RunFile.resume(path).seal()  # sealed, but the store was not told
    again = Rig(rig.data.path)
    for run in ("gone", "broken"):  # these hold nothing up
        again.journal.call(
            lambda store, run=run: store.begin_run(
                setup(run), file=f"{run}.run", boot_id="b", boottime_ns=0, begun_wall_ns=0
            )
        )
    again.data.run_file("broken").write_bytes(b"x" * 1000)
    assert again.journal.call(lambda store: end_sealed_runs(store, again.data)).result(5) == ["r1"]
    assert again.reader.run("r1").sha256 == sha256
    assert again.journal.call(lambda store: end_sealed_runs(store, again.data)).result(5) == []
    again.close()


def test_calls_see_what_was_handed_over_before_them(rig):
    rig.begin()
    for n in range(20):
        rig.journal.add(packet(n))
        rig.journal.events("r1", "1", [event(n)])
        assert rig.journal.call(lambda store: store.last_seq()).result(5) == n + 1
    rig.journal.call(lambda store: store.move_cursor("mqtt", 7)).result(5)
    assert rig.reader.cursor("mqtt") == 7


def test_a_call_that_fails_tells_its_caller_only(rig):
    with pytest.raises(InputError, match="no such run"):
        rig.journal.call(lambda store: store.discard("r9", "pt", "x")).result(5)
    assert rig.errors == []
    assert rig.journal.failure is None


# ------------------------------------------------------------------------------------------------ on time


def test_an_input_alone_is_kept_within_20_ms_and_synced_within_200(rig):
    path = rig.begin()
    rig.journal.sync().result(5)
    kept_ms, synced_ms = [], []
    file = rig.journal._keeper.run.file
    assert file is not None
    for k in range(8):
        begun = time.monotonic()
        rig.journal.add(packet(k))
        until(lambda k=k: file.kept_seq == k + 1)
        kept_ms.append((time.monotonic() - begun) * 1e3)
        until(lambda k=k: file.synced_seq == k + 1)
        synced_ms.append((time.monotonic() - begun) * 1e3)
    # the quickest of some: when the writer meant to; other programs' syncs can hold this machine's disk up for 0.2 s
    assert 10 < min(kept_ms) < 25, kept_ms
    assert 100 < min(synced_ms) < 210, synced_ms
    assert read_run(path).count == 8


def test_an_event_waits_for_no_timer(rig):
    rig.begin()
    rig.journal.sync().result(5)
    waits_ms = []
    for n in range(20):
        rig.told.clear()
        begun = time.monotonic()
        rig.journal.add(packet(n))
        rig.journal.events("r1", "1", [event(n)])
        assert rig.told.wait(5)
        waits_ms.append((time.monotonic() - begun) * 1e3)
    assert min(waits_ms) < 10, waits_ms


def test_the_run_file_is_ahead_of_every_event(tmp_path):
    """When an event is told, its inputs are synced in the run file: looked at from inside `on_stored`."""
    data = DataDir(tmp_path)
    data.create()
    seen = []

    def on_stored(events: list[StoredEvent]) -> None:
        file = journal._keeper.run.file
        assert file is not None
        seen.append((events[-1].n, file.synced_seq, read_run(file.path).count))

    journal = Journal(Store.open(data.store, gateway="g"), on_stored=on_stored)
    path = data.run_file("r1")
    journal.begin(lambda: RunFile.create(path, setup("r1"), ANCHOR), setup("r1"), ANCHOR)
    for n in range(50):
        journal.add(packet(n))
        journal.events("r1", "1", [event(n)])
        time.sleep(0.002)
    journal.close()
    assert seen[-1][0] == 49
    for n, synced, count in seen:
        assert synced >= n + 1
        assert count >= n + 1


def test_nothing_to_do_is_no_work(rig):
    """Idle, the writer sleeps: its thread uses no processor time and makes no commit."""
    rig.begin()
    rig.journal.add(packet(0))
    time.sleep(0.3)  # kept and synced
    thread = rig.journal._keeper.thread.native_id

    def switches() -> int:
        status = Path(f"/proc/self/task/{thread}/status").read_text()
        return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)

    before = switches()
    time.sleep(0.5)
    assert switches() - before <= 2


# ------------------------------------------------------------------------------------------------ when it cannot


def fill(rig: Rig, what: str) -> None:
    """From now on the disk is full for the run file or the store: SQLite itself says so."""

    def limit(store: Store) -> None:
        file = rig.journal._keeper.run.file
        assert file is not None
        db = store._db if what == "store" else file._db
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")

    rig.journal.call(limit).result(5)


def flood(rig: Rig, first: int, n: int) -> None:
    for k in range(first, first + n):
        rig.journal.add(packet(k))
        rig.journal.events("r1", "1", [Event(k, k, "note", {"text": "x" * 200})])


def flood_slowly(rig: Rig, first: int) -> None:
    for k in range(first, first + 500):
        flood(rig, k, 1)
        time.sleep(0.001)


def add_slowly(rig: Rig) -> None:
    for k in range(500):
        rig.journal.add(Packet("AA:01", k, "c1", bytes(2000)))
        time.sleep(0.001)


def test_a_full_disk_under_the_run_file_stops_everything_and_is_told_once(rig):
    path = rig.begin()
    flood(rig, 0, 5)
    rig.journal.sync().result(5)
    fill(rig, "file")
    with pytest.raises(JournalFailed, match="full"):
        flood_slowly(rig, 5)
    with pytest.raises(JournalFailed, match="full"):
        rig.journal.sync().result(5)
    assert [type(e) for e in rig.errors] == [DiskError]
    with pytest.raises(JournalFailed):
        rig.journal.end().result(5)
    kept = list(read_run(path).inputs())
    assert kept == [packet(k) for k in range(len(kept))]
    assert len(kept) >= 5
    assert len(list(rig.reader.events("r1"))) <= len(kept)  # never an event without its input


def test_a_full_disk_under_the_store_stops_events_but_keeps_inputs(rig):
    path = rig.begin()
    flood(rig, 0, 5)
    rig.journal.sync().result(5)
    fill(rig, "store")
    with pytest.raises(JournalFailed, match="events are not kept"):
        flood_slowly(rig, 5)
    for k in range(1000, 1010):
        rig.journal.add(packet(k))
    until(lambda: list(read_run(path).inputs())[-1] == packet(1009))
    assert [type(e) for e in rig.errors] == [DiskError]
    assert isinstance(rig.journal.failure, DiskError)
    with pytest.raises(JournalFailed, match="full"):
        rig.journal.end().result(5)
    assert read_run(path).sealed is None  # the next start replays it


def test_after_the_store_the_run_file_may_fail_too(rig):
    rig.begin()
    flood(rig, 0, 5)
    rig.journal.sync().result(5)
    fill(rig, "store")
    with pytest.raises(JournalFailed, match="events are not kept"):
        flood_slowly(rig, 5)
    fill(rig, "file")
    with pytest.raises(JournalFailed, match="inputs are not kept"):
        add_slowly(rig)
    assert [type(e) for e in rig.errors] == [DiskError, DiskError]


def test_a_broken_replay_is_told(rig):
    rig.begin()
    rig.journal.events("r1", "1", [event(0)])
    rig.journal.events("r1", "1", [Event(0, 9, "note", {"n": "other"})])
    with pytest.raises(JournalFailed, match="replay identity broken"):
        rig.journal.sync().result(5)
    (told,) = rig.errors
    assert isinstance(told, InternalError)


def test_a_run_that_cannot_begin_is_told_everywhere(rig):
    path = rig.data.run_file("r1")
    path.write_bytes(b"in the way")
    future = rig.journal.begin(lambda: RunFile.create(path, setup("r1"), ANCHOR), setup("r1"), ANCHOR)
    with pytest.raises(InputError, match="never overwritten"):
        future.result(5)
    assert len(rig.errors) == 1
    with pytest.raises(JournalFailed, match="never overwritten"):
        rig.journal.add(packet(0))
    with pytest.raises(JournalFailed):
        rig.journal.end().result(5)
    assert rig.reader.runs() == []
    rig.begin("r2")  # the next one is not to blame
    rig.journal.add(packet(0))
    assert rig.journal.end().result(5)


def test_what_the_caller_does_wrong_is_told_to_the_caller(rig):
    with pytest.raises(InternalError, match="outside of a run"):
        rig.journal.add(packet(0))
    with pytest.raises(InternalError, match="no run is on"):
        rig.journal.end()
    rig.begin()
    with pytest.raises(InternalError, match="a run is on"):
        rig.begin("r2")
    with pytest.raises(InternalError, match="cannot be kept"):
        rig.journal.add(Mark(0, MarkKind.NOTE, {"text": "\ud800"}))
    rig.journal.add(packet(0))
    assert rig.journal.end().result(5)
    rig.journal.close()
    rig.journal.close()
    with pytest.raises(InternalError, match="closed"):
        rig.journal.sync()


# ------------------------------------------------------------------------------------------------ kill -9

CHILD = """
import os, sys, time
from pathlib import Path
from sensord.datadir import DataDir
from sensord.journal import Journal
from sensord.model import Event, Packet, RunSetup
from sensord.recording import Anchor, RunFile
from sensord.store import Store

data = DataDir(Path(sys.argv[1]))
data.create()
setup, anchor = RunSetup("r1", "a", "s", "g", ()), Anchor(0, 0, "b", True)
path = data.run_file("r1")
journal = Journal(Store.open(data.store, gateway="g"))
if path.exists():
    from sensord.recording import read_run
    first = read_run(path).count
    journal.begin(lambda: RunFile.resume(path), setup, anchor).result()
else:
    first = 0
    journal.begin(lambda: RunFile.create(path, setup, anchor), setup, anchor).result()
for k in range(first, 1 << 30):
    journal.add(Packet("AA", k, "c", k.to_bytes(8, "big") * 20))
    if k % 100 == 99:
        journal.events("r1", "1", [Event(k // 100, k, "note", {"k": k})])
    os.write(1, b"%d %d %d\\n" % (k, time.monotonic_ns(), (journal.busy_since or 0) * 1e9))
    time.sleep(0.001)
"""

SLACK_MS = 30
"""What the machine's scheduler may add to the 20 ms: two cores, shared with whatever else runs beside the tests."""


def run_and_kill(folder: Path, after_s: float) -> tuple[list[tuple[int, int, int]], int]:
    """What the child told (input, time after adding it, since when its writer was busy), and the time of the kill."""
    with subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(after_s)
        killed_ns = time.monotonic_ns()
        os.kill(child.pid, signal.SIGKILL)
        whole_lines = (first + child.stdout.read()).split(b"\n")[:-1]
    told = [tuple(map(int, line.split())) for line in whole_lines]
    return [(k, ns, since) for k, ns, since in told if ns <= killed_ns], killed_ns


def oldest_lost_ms(told: list[tuple[int, int, int]], killed_ns: int, kept: int) -> float:
    """Age at the kill of the oldest input that is gone; a sync that the disk was at just then does not count."""
    gone = [ns for k, ns, _ in told if k >= kept]
    if not gone:
        return 0.0
    stalled_ns = max((ns - since for _, ns, since in told if since and ns > killed_ns - 50_000_000), default=0)
    return (killed_ns - min(gone) - stalled_ns) / 1e6


def test_kill_nine_takes_nothing_older_than_20_ms(tmp_path, record_property):
    """15 kills at random times; each run is begun, killed, resumed, killed, resumed and killed again."""
    seed = int(os.environ.get("SENSORD_SEED", "0")) or random.randrange(1, 1 << 30)
    print(f"seed {seed}: run again with SENSORD_SEED={seed}")  # noqa: T201 (shown when the test fails)
    rng = random.Random(seed)
    lost_ms = []
    for number in range(5):
        data = DataDir(tmp_path / str(number))
        for _ in range(3):
            told, killed_ns = run_and_kill(data.path, rng.uniform(0.0, 0.35))
            run = read_run(data.run_file("r1"))
            assert run.problems == ()
            assert list(run.inputs()) == [Packet("AA", k, "c", k.to_bytes(8, "big") * 20) for k in range(run.count)]
            lost_ms.append(oldest_lost_ms(told, killed_ns, run.count))
            with closing(Store.open(data.store, gateway="g", readonly=True)) as store:
                stored = [(e.n, e.t_ns, e.payload) for e in store.events("r1")]
            replayed = [(k // 100, k, {"k": k}) for k in range(99, run.count, 100)]
            assert stored == replayed[: len(stored)], "the store holds what a replay gives, never more"
    record_property("oldest_lost_ms", max(lost_ms))
    assert max(lost_ms) <= 20 + SLACK_MS, f"seed {seed}: {[round(ms, 1) for ms in lost_ms]}"
    assert max(lost_ms) > 0, "no kill came between an input and its commit: the test saw nothing"
