"""The journal: run file first, store second, on time; nothing is swallowed, and nothing is lost to a kill."""

from __future__ import annotations

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from sensord.datadir import DataDir
from sensord.disk import connect
from sensord.errors import DiskError, InputError, InternalError, JournalFailed
from sensord.journal import Journal, end_sealed_runs
from sensord.model import ALGORITHM, Event, Mark, MarkKind, Packet, RunSetup, StoredEvent, Tick
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
        rig.journal.events("r1", ALGORITHM, [event(n)])
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
    rig.journal.events("r1", ALGORITHM, [event(0)])
    rig.close()
    assert read_run(path).sealed is None
    again = Rig(rig.data.path)
    again.journal.begin(lambda: RunFile.resume(path), setup("r1"), ANCHOR)
    again.journal.events("r1", ALGORITHM, [event(0), event(1)])  # replay says the first again
    again.journal.add(packet(1))
    again.journal.end().result(5)
    assert list(read_run(path).inputs()) == [packet(0), packet(1)]
    assert [e.n for e in again.stored] == [1]
    again.close()


def test_a_run_that_came_to_nothing_leaves_no_file_and_does_not_count(rig):
    path = rig.begin()
    rig.journal.add(packet(0))
    rig.journal.events("r1", ALGORITHM, [event(0)])
    assert rig.journal.end(keep=False).result(5) is None
    assert list(path.parent.iterdir()) == []
    assert rig.reader.runs() == []
    assert rig.reader.run("r1").discarded_reason == "nothing was measured"
    assert rig.reader.read_after(0, 10) == []


def test_runs_follow_each_other(rig):
    for number in range(3):
        path = rig.begin(f"r{number}")
        rig.journal.add(packet(number))
        rig.journal.events(f"r{number}", ALGORITHM, [event(0)])
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
        rig.journal.events("r1", ALGORITHM, [event(n)])
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
        rig.journal.events("r1", ALGORITHM, [event(n)])
        assert rig.told.wait(5)
        waits_ms.append((time.monotonic() - begun) * 1e3)
    assert min(waits_ms) < 10, waits_ms


def test_the_run_file_is_ahead_of_every_event(tmp_path):
    """When an event is told, its inputs are synced in the run file: looked at from inside `on_stored`."""
    data = DataDir(tmp_path)
    data.create()
    seen = []

    def on_stored(events: list[StoredEvent]) -> None:
        file = journal._syncer.run.file
        assert file is not None
        seen.append((events[-1].n, file.synced_seq, read_run(file.path).count))

    journal = Journal(Store.open(data.store, gateway="g"), on_stored=on_stored)
    path = data.run_file("r1")
    journal.begin(lambda: RunFile.create(path, setup("r1"), ANCHOR), setup("r1"), ANCHOR)
    for n in range(50):
        journal.add(packet(n))
        journal.events("r1", ALGORITHM, [event(n)])
        time.sleep(0.002)
    journal.close()
    assert seen[-1][0] == 49
    for n, synced, count in seen:
        assert synced >= n + 1
        assert count >= n + 1


def test_nothing_to_do_is_no_work(rig):
    """Idle, both threads sleep: they use no processor time and make no commit."""
    rig.begin()
    rig.journal.add(packet(0))
    rig.journal.sync().result(5)
    keeper = rig.journal._keeper
    until(lambda: keeper._unsynced_since is None and rig.journal.busy_since is None)
    time.sleep(0.1)
    threads = [rig.journal._keeper.thread.native_id, rig.journal._syncer.thread.native_id]

    def switches() -> int:
        lines = [line for t in threads for line in Path(f"/proc/self/task/{t}/status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)

    before = switches()
    time.sleep(0.5)
    assert switches() - before <= 2


# ------------------------------------------------------------------------------------------------ a slow disk

HANG_S = 0.6


class SlowDisk:
    """Stands before os.fdatasync: a sync hangs until it is let go, or fails; tells when it began and what it synced."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.ended_at: list[float] = []
        self.fails = False
        self._sync = os.fdatasync

    def __call__(self, fd: int) -> None:
        self.begun.set()
        assert self.go.wait(30)
        if self.fails:
            raise OSError(errno.EIO, "the disk is broken")
        self._sync(fd)
        self.ended_at.append(time.monotonic())


@pytest.fixture
def slow_disk(monkeypatch):
    disk = SlowDisk()
    monkeypatch.setattr(os, "fdatasync", disk)
    yield disk
    disk.go.set()


def test_inputs_are_kept_while_the_disk_syncs_and_events_wait_for_it(tmp_path, slow_disk):
    """Looked at from another connection: what a kill would leave, and what the store holds."""
    stored: list[tuple[int, float]] = []
    data = DataDir(tmp_path)
    data.create()
    journal = Journal(
        Store.open(data.store, gateway="g"),
        on_stored=lambda events: stored.extend((e.n, time.monotonic()) for e in events),
    )
    path = data.run_file("r1")
    journal.begin(lambda: RunFile.create(path, setup("r1"), ANCHOR), setup("r1"), ANCHOR).result(5)
    added: dict[int, float] = {}
    kept_ms: list[float] = []
    events = Store.open(data.store, gateway="g", readonly=True)
    with closing(journal), closing(events), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as other:
        journal.add(packet(0))
        journal.events("r1", ALGORITHM, [event(0)])
        assert slow_disk.begun.wait(5)
        hangs_until = time.monotonic() + HANG_S
        seen, k = 1, 1
        while time.monotonic() < hangs_until:
            added[k] = time.monotonic()
            journal.add(packet(k))
            k += 1
            time.sleep(0.002)
            (count,) = other.execute("SELECT count(*) FROM packet").fetchone()
            kept_ms += [(time.monotonic() - added[n]) * 1e3 for n in range(seen, count)]
            seen = max(seen, count)
            assert list(events.events("r1")) == [], "an event before its inputs were synced"
        assert stored == [] == slow_disk.ended_at
        slow_disk.go.set()
        until(lambda: stored)
        assert stored[0][1] >= slow_disk.ended_at[0]
    assert len(kept_ms) > 30
    kept_ms.sort()
    assert kept_ms[len(kept_ms) * 4 // 5] <= 20 + SLACK_MS, kept_ms
    assert kept_ms[-1] < HANG_S * 1e3 / 2, kept_ms
    print(f"ms until inputs were kept while a sync hung: {kept_ms[0]:.1f} to {kept_ms[-1]:.1f}")  # noqa: T201
    assert [n for n, _ in stored] == [0]
    assert read_run(path).count == k


def test_a_sync_that_fails_ends_the_keeping_and_is_told_once(rig, slow_disk):
    slow_disk.go.set()
    path = rig.begin()
    rig.journal.add(packet(0))
    rig.journal.events("r1", ALGORITHM, [event(0)])
    rig.journal.sync().result(5)
    slow_disk.fails = True
    rig.journal.add(packet(1))
    rig.journal.events("r1", ALGORITHM, [event(1)])
    with pytest.raises(JournalFailed, match="the disk is broken"):
        rig.journal.sync().result(5)
    with pytest.raises(JournalFailed, match="the disk is broken"):
        rig.journal.add(packet(2))
    with pytest.raises(JournalFailed, match="the disk is broken"):
        rig.journal.end().result(5)
    assert [type(e) for e in rig.errors] == [DiskError]
    assert [e.n for e in rig.stored] == [0]
    assert read_run(path).sealed is None


def test_the_log_is_folded_in_beside_the_commits(rig, monkeypatch):
    """Folded again and again by the syncing thread: the log stays small, nothing is lost or damaged."""
    monkeypatch.setattr("sensord.recording.LOG_BYTES", 64 * 1024)
    monkeypatch.setattr("sensord.recording.FOLD_AGAIN_BYTES", 8 * 1024)
    path = rig.begin()
    rig.journal.sync().result(5)
    sizes, items = [], [Packet("AA:01", k, "c1", bytes(220)) for k in range(1500)]
    for k, item in enumerate(items):
        rig.journal.add(item)
        if k % 5 == 0:
            rig.journal.events("r1", ALGORITHM, [event(k // 5)])
            time.sleep(0.004)
            sizes.append(path.with_name("r1.run-wal").stat().st_size)
    rig.journal.sync().result(5)
    assert path.stat().st_size > 200 * 1024, "nothing was folded in"
    assert sum(after < before for before, after in pairwise(sizes)) >= 3, "the log was never begun anew"
    assert list(read_run(path).inputs()) == items
    assert rig.journal.end().result(5)
    assert list(read_run(path).inputs()) == items
    assert rig.errors == []


def test_the_log_is_never_folded_twice_without_a_commit_in_between(tmp_path, monkeypatch):
    """SQLite before 3.51.3 may lose pages when a commit begins the log anew under a second one: docs/run-file.md."""
    opened = []
    monkeypatch.setattr("sensord.recording.LOG_BYTES", 1)
    monkeypatch.setattr("sensord.recording.connect", lambda path, mode: opened.append(path) or connect(path, mode))
    with closing(RunFile.create(tmp_path / "a.run", setup("a"), ANCHOR)) as file:
        for k in range(3):
            opened.clear()
            file.fold()
            assert len(opened) == 0
            file.add(packet(k))
            file.fold()
            assert len(opened) == 0  # added is not committed
            file.commit()
            file.fold()
            file.fold()
            assert len(opened) == 1


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
        rig.journal.events("r1", ALGORITHM, [Event(k, k, "note", {"text": "x" * 200})])


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
    rig.journal.events("r1", ALGORITHM, [event(0)])
    rig.journal.events("r1", ALGORITHM, [Event(0, 9, "note", {"n": "other"})])
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
from sensord.model import ALGORITHM, Event, Packet, RunSetup
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
keeper = journal._keeper.run
for k in range(1 << 30):
    if k >= first:  # what is there is replayed: it gives the same events again
        journal.add(Packet("AA", k, "c", k.to_bytes(8, "big") * 20))
    if k % 100 == 99:
        journal.events("r1", ALGORITHM, [Event(k // 100, k, "note", {"k": k})])
    if k < first:
        continue
    os.write(1, b"%d %d %d\\n" % (k, time.monotonic_ns(), keeper.file.kept_seq))
    time.sleep(0.001)
"""

SLACK_MS = 30
"""What the machine's scheduler may add to the 20 ms: two cores, shared with whatever else runs beside the tests."""

KILLS_ON_TIME = 12
"""Of 15: other processes on the same cores may hold a commit up now and then, but not as a rule."""

NEVER_OLDER_MS = 500


@dataclass(frozen=True)
class Killed:
    """What a child said before it was killed."""

    told: list[tuple[int, int]]  # input, time after adding it
    known: int  # this many inputs it knew to be kept
    at_ns: int

    def oldest_lost_ms(self, kept: int) -> float:
        """Age at the kill of the oldest input that is gone."""
        gone = [ns for k, ns in self.told if k >= kept]
        return (self.at_ns - min(gone)) / 1e6 if gone else 0.0


def run_and_kill(folder: Path, after_s: float) -> Killed:
    with subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(after_s)
        killed_ns = time.monotonic_ns()
        os.kill(child.pid, signal.SIGKILL)
        whole_lines = (first + child.stdout.read()).split(b"\n")[:-1]
    told = [tuple(map(int, line.split())) for line in whole_lines]
    before = [(k, ns) for k, ns, _ in told if ns <= killed_ns]
    return Killed(before, max(known for _, _, known in told), killed_ns)


@pytest.mark.slow
def test_kill_nine_takes_nothing_older_than_20_ms(tmp_path, record_property):
    """15 kills at random times; each run is begun, killed, resumed, killed, resumed and killed again.

    What the child knew to be kept must be there, exactly. The age of what is gone is a matter of the scheduler too.
    """
    seed = int(os.environ.get("SENSORD_SEED", "0")) or random.randrange(1, 1 << 30)
    print(f"seed {seed}: run again with SENSORD_SEED={seed}")  # noqa: T201 (shown when the test fails)
    rng = random.Random(seed)
    lost_ms = []
    for number in range(5):
        data = DataDir(tmp_path / str(number))
        for _ in range(3):
            killed = run_and_kill(data.path, rng.uniform(0.0, 0.35))
            run = read_run(data.run_file("r1"))
            assert run.problems == ()
            assert list(run.inputs()) == [Packet("AA", k, "c", k.to_bytes(8, "big") * 20) for k in range(run.count)]
            assert run.count >= killed.known, f"seed {seed}: an input that was kept is gone"
            lost_ms.append(killed.oldest_lost_ms(run.count))
            with closing(Store.open(data.store, gateway="g", readonly=True)) as store:
                stored = [(e.n, e.t_ns, e.payload) for e in store.events("r1")]
            replayed = [(k // 100, k, {"k": k}) for k in range(99, run.count, 100)]
            assert stored == replayed[: len(stored)], "the store holds what a replay gives, never more"
    ages = ", ".join(f"{ms:.1f}" for ms in lost_ms)
    print(f"ages in ms of the oldest input that was lost: {ages}")  # noqa: T201 (as above)
    record_property("oldest_lost_ms", max(lost_ms))
    late = sum(ms > 20 + SLACK_MS for ms in lost_ms)
    assert len(lost_ms) - late >= KILLS_ON_TIME, f"seed {seed}: {ages}"
    assert max(lost_ms) <= NEVER_OLDER_MS, f"seed {seed}: {ages}"
    assert max(lost_ms) > 0, "no kill came between an input and its commit: the test saw nothing"
