"""The store: every event once, cursors that only move on, runs that stop counting, and tables people can query."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.datadir import DataDir
from sensord.errors import DiskError, InputError, InternalError
from sensord.model import (
    Activity,
    Alert,
    AlertPhase,
    Event,
    Level,
    RunSetup,
    RunSummary,
    Side,
    StoredEvent,
    Stride,
    canonical_json,
    payload,
)
from sensord.store import Store

BEGUN = 1_780_000_000_000_000_000


@pytest.fixture
def store(tmp_path):
    with closing(Store.open(tmp_path / "sensord.db", gateway="gw-1")) as opened:
        yield opened


def begin(store: Store, run: str, runner: str = "anna", begun: int | None = BEGUN, algo: str = "1") -> None:
    setup = RunSetup(run, runner, "clinic", "gw-1", ())
    store.begin_run(setup, file=f"{run}.run", boot_id="b0", boottime_ns=5, begun_wall_ns=begun, algo=algo)


def stride(number: int) -> Stride:
    return Stride(
        Side.LEFT, number, 0, 10**9 * number, 10**9 * number + 250_000_000, None, Activity.RUN, 0.71, 0.25, 0.46, 0.35,
        169.0, None, None, None, None, 4.2, False, None, None, gap=False, confidence=0.9, spoiled=("clipped",),
    )  # fmt: skip


def summary(steps: int) -> RunSummary:
    return RunSummary(
        "anna", 10, 11, steps, 1234.5, False, 600.0, 60.0, 700.0, 168.0, 0.25, 0.26, -3.9, 9, 4.1, 4.2, 10, 11, 0.0, 1,
        4, 6, 0,
    )  # fmt: skip


def event(n: int, value: object | None = None, t_ns: int | None = None) -> Event:
    item = stride(n) if value is None else value
    return Event(n, n * 1000 if t_ns is None else t_ns, item.KIND, payload(item))


def in_memory() -> tempfile.TemporaryDirectory[str]:
    """A folder without a disk under it, where possible: hundreds of small stores, and what a sync does is not asked."""
    return tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)


# ------------------------------------------------------------------------------------------------ events


def test_events_come_back_as_stored(store, tmp_path):
    begin(store, "r1")
    new = store.append("r1", "1", [event(0), event(1)])
    assert [e.seq for e in new] == [1, 2]
    assert new[0] == StoredEvent(1, "r1", 0, "1", 0, "stride", payload(stride(0)), "anna", "clinic", BEGUN)
    with closing(Store.open(tmp_path / "sensord.db", gateway="gw-1", readonly=True)) as reader:
        assert reader.read_after(0, 10) == new == list(reader.events("r1"))
        assert reader.read_after(1, 10) == new[1:]
        assert reader.read_after(0, 1) == new[:1]
        assert reader.last_seq() == 2


def test_a_replay_adds_nothing_and_goes_on_where_it_stopped(store):
    begin(store, "r1")
    store.append("r1", "1", [event(0), event(1)])
    assert [e.n for e in store.append("r1", "1", [event(0), event(1), event(2)])] == [2]
    assert [e.n for e in store.events("r1")] == [0, 1, 2]
    assert store.append("r1", "1", []) == []


@pytest.mark.parametrize("other", [event(1, stride(7)), event(1, t_ns=5), event(1, summary(3))])
def test_a_replay_that_says_something_else_is_a_bug_and_stores_nothing(store, other):
    begin(store, "r1")
    store.append("r1", "1", [event(0), event(1)])
    with pytest.raises(InternalError, match="replay identity broken: event 1 of run r1"):
        store.append("r1", "1", [event(0), other, event(2)])
    assert [e.n for e in store.events("r1")] == [0, 1]


def test_events_of_an_unknown_run_are_a_bug(store):
    with pytest.raises(InternalError, match="never begun"):
        store.append("r9", "1", [event(0)])


def test_another_algorithm_is_another_series(store):
    begin(store, "r1")
    store.append("r1", "1", [event(0)])
    store.append("r1", "2", [event(0, stride(5)), event(1)])
    assert [e.n for e in store.events("r1")] == [0]
    assert [e.n for e in store.events("r1", algo="2")] == [0, 1]
    assert store.last_seq() == 3


def test_kinds_can_be_picked(store):
    begin(store, "r1")
    store.append("r1", "1", [event(0), event(1, summary(3)), event(2)])
    assert [e.n for e in store.events("r1", {"summary"})] == [1]
    with pytest.raises(InputError, match="no such run"):
        store.events("r2")


@pytest.mark.parametrize("statement", ["UPDATE event SET t_ns = 0", "DELETE FROM event"])
def test_the_log_is_append_only_whoever_writes(store, statement):
    begin(store, "r1")
    store.append("r1", "1", [event(0)])
    with closing(sqlite3.connect(store.path)) as db, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)


def test_payloads_are_stored_as_canonical_json(store):
    begin(store, "r1")
    store.append("r1", "1", [event(0)])
    with closing(sqlite3.connect(store.path)) as db:
        (text,) = db.execute("SELECT payload FROM event").fetchone()
    assert text == canonical_json(payload(stride(0)))


CHUNKS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=12)


@settings(deadline=None, max_examples=50)
@given(CHUNKS)
def test_any_overlapping_repeats_store_each_event_once(chunks):
    everything = [event(n) for n in range(24)]
    with in_memory() as folder, closing(Store.open(Path(folder) / "sensord.db", gateway="g")) as store:
        begin(store, "r1")
        told: list[StoredEvent] = []
        seen: set[int] = set()
        for first, length in chunks:
            part = everything[first : first + length]
            new = store.append("r1", "1", part)
            assert [e.n for e in new] == [e.n for e in part if e.n not in seen]
            seen.update(e.n for e in part)
            told += new
        assert told == store.read_after(0, 100)
        assert [e.seq for e in told] == sorted({e.seq for e in told})
        assert {e.n for e in told} == seen


# ------------------------------------------------------------------------------------------------ sinks


def test_a_cursor_moves_on_and_never_back(store):
    begin(store, "r1")
    store.append("r1", "1", [event(n) for n in range(5)])
    assert store.cursor("influx") == 0
    store.move_cursor("influx", 3)
    store.move_cursor("influx", 2)
    assert (store.cursor("influx"), store.cursor("mqtt")) == (3, 0)
    with pytest.raises(InternalError, match="log ends at 5"):
        store.move_cursor("influx", 6)


def test_what_a_sink_refuses_is_kept_by_name(store):
    begin(store, "r1")
    store.append("r1", "1", [event(n) for n in range(3)])
    store.quarantine("influx", 2, "field type conflict", at_wall_ns=7)
    store.quarantine("influx", 2, "field type conflict", at_wall_ns=8)  # the cursor did not get there the first time
    (found,) = store.quarantined("influx")
    assert (found.sink, found.seq, found.reason, found.at_wall_ns) == ("influx", 2, "field type conflict", 8)
    assert store.quarantined("mqtt") == []


def test_discarded_runs_are_stepped_over_and_leave_no_lag(store):
    for run in ("r1", "r2", "r3"):
        begin(store, run)
    store.append("r1", "1", [event(0), event(1)])  # 1 2
    store.append("r2", "1", [event(0), event(1)])  # 3 4
    store.append("r1", "1", [event(2)])  # 5
    store.append("r3", "1", [event(0)])  # 6
    store.discard("r2", "pt", "wrong runner", at_wall_ns=9)
    store.discard("r3", "pt", "a test", at_wall_ns=9)
    assert [e.seq for e in store.read_after(0, 100)] == [1, 2, 5]
    assert [e.seq for e in store.read_after(1, 2)] == [2, 5]
    store.move_cursor("influx", 2)
    assert store.cursor("influx") == 4  # everything up to here is done with
    store.move_cursor("influx", 5)
    assert store.cursor("influx") == store.last_seq() == 6
    store.append("r1", "1", [event(3)])
    assert store.cursor("influx") == 6
    assert [e.seq for e in store.read_after(store.cursor("influx"), 10)] == [7]


SINK_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 2), st.integers(1, 4)),
        st.tuples(st.just("discard"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("pump"), st.integers(1, 3), st.just(0)),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=50)
@given(SINK_STEPS)
def test_a_pump_delivers_everything_that_counts_once_and_in_order(steps):
    sent: list[StoredEvent] = []
    with in_memory() as folder, closing(Store.open(Path(folder) / "sensord.db", gateway="g")) as store:
        for run in "abc":
            begin(store, run)
        lengths, discarded = [0, 0, 0], set()
        for what, which, amount in [*steps, ("pump", 1000, 0)]:
            if what == "append":
                first = lengths[which]
                store.append("abc"[which], "1", [event(n) for n in range(first, first + amount)])
                lengths[which] += amount
            elif what == "discard" and which not in discarded:
                store.discard("abc"[which], "pt", "because")
                discarded.add(which)
            elif what == "pump":
                batch = store.read_after(store.cursor("sink"), which)
                sent += batch
                if batch:
                    store.move_cursor("sink", batch[-1].seq)
        assert store.cursor("sink") == store.last_seq()
    assert [e.seq for e in sent] == sorted({e.seq for e in sent})
    for which, run in enumerate("abc"):
        if which not in discarded:
            assert [e.n for e in sent if e.run == run] == list(range(lengths[which]))


def test_events_of_an_untrusted_clock_have_no_wall_time_until_it_is_known(store):
    begin(store, "r1", begun=None)
    (new,) = store.append("r1", "1", [event(0)])
    assert new.wall_anchor_ns is None
    store.set_anchor("r1", 77, at_wall_ns=100)
    assert [e.wall_anchor_ns for e in store.read_after(0, 10)] == [77]
    store.set_anchor("r1", 77)
    with pytest.raises(InternalError, match="not moved"):
        store.set_anchor("r1", 78)


# ------------------------------------------------------------------------------------------------ runs


def test_the_life_of_a_run(store):
    begin(store, "r1")
    assert [r.run for r in store.open_runs()] == ["r1"]
    assert store.run("r1").summary is None
    store.append("r1", "1", [event(0, summary(4000))])
    store.end_run("r1", sha256="abc")
    store.end_run("r1", sha256="abc")
    run = store.run("r1")
    assert (run.state, run.sha256, run.file, run.begun_wall_ns, run.discarded) == (
        "ended",
        "abc",
        "r1.run",
        BEGUN,
        False,
    )
    assert run.summary == payload(summary(4000))
    assert store.open_runs() == []


def test_a_run_begins_once(store):
    begin(store, "r1")
    assert store.knows("r1")
    assert not store.knows("r2")
    with pytest.raises(InputError, match="a run of that id"):
        begin(store, "r1")


def test_discarding_is_noted_with_who_and_why(store):
    begin(store, "r1")
    store.append("r1", "1", [event(0)])
    store.discard("r1", "pt", "wrong runner", at_wall_ns=9)
    assert store.runs() == store.open_runs() == []
    (run,) = store.runs(include_discarded=True)
    assert (run.discarded_by, run.discarded_reason, run.discarded_wall_ns) == ("pt", "wrong runner", 9)
    with pytest.raises(InputError, match="discarded already, by pt: wrong runner"):
        store.discard("r1", "other", "again")
    with pytest.raises(InputError, match="no such run"):
        store.discard("r2", "pt", "x")
    with closing(sqlite3.connect(store.path)) as db:
        rows = db.execute("SELECT seq, at_wall_ns, who, action, run, detail FROM audit").fetchall()
    assert rows == [(1, 9, "pt", "discard", "r1", '{"reason":"wrong runner"}')]
    assert [e.n for e in store.events("r1")] == [0]  # nothing is deleted


def test_history_is_of_ended_runs_that_count(store):
    for run, runner in (("r1", "anna"), ("r2", "ben"), ("r3", "anna"), ("r4", "anna"), ("r5", "anna"), ("r6", "anna")):
        begin(store, run, runner)
        store.append(run, "1", [event(0), event(1, summary(int(run[1])))])
        if run != "r5":
            store.end_run(run, sha256="x")
    store.discard("r3", "pt", "x")
    store.append("r1", "2", [event(0, summary(100))])  # analysed again, but not what the run stands on
    assert [h["steps"] for h in store.history("anna")] == [1, 4, 6]
    assert [h["steps"] for h in store.history("anna", before="r6")] == [1, 4]
    assert [(h["run"], h["algo"]) for h in store.history("anna", before="r6")] == [("r1", "1"), ("r4", "1")]
    assert [h["steps"] for h in store.history("ben")] == [2]
    assert store.history("carl") == ()


def test_a_run_that_was_entered_late_stands_where_it_belongs(store):
    hours = {"r3": 3, "r4": None, "r5": 5, "old": 1, "r6": 6}
    for n, (run, hour) in enumerate(hours.items()):
        begin(store, run, begun=None if hour is None else BEGUN + hour * 3600 * 10**9)
        store.append(run, "1", [event(0, summary(n))])
        store.end_run(run, sha256="x")
    expected = ["old", "r3", "r4", "r5", "r6"]
    assert [run.run for run in store.runs()] == expected
    assert [h["run"] for h in store.history("anna")] == expected
    for at, run in enumerate(expected):
        assert [h["run"] for h in store.history("anna", before=run)] == expected[:at]
    at_four = BEGUN + 4 * 3600 * 10**9
    assert [h["run"] for h in store.history("anna", before_wall_ns=at_four)] == ["old", "r3", "r4"]
    assert store.history("anna", before_wall_ns=BEGUN) == ()


# ------------------------------------------------------------------------------------------------ what people query


def test_views_have_a_column_for_every_field(store):
    begin(store, "r1")
    begin(store, "r2", begun=None)
    alert = Alert(
        "r1/impact/warn/5", AlertPhase.ONSET, Level.WARN, "impact", "impact", "g", 7.5, 7.0, "softer", "t", 5, None
    )
    store.append("r1", "1", [event(0), event(1, alert), event(2, summary(3))])
    store.append("r2", "1", [event(0)])
    with closing(sqlite3.connect(store.path)) as db:
        db.row_factory = sqlite3.Row
        (first, other) = db.execute("SELECT * FROM stride ORDER BY seq").fetchall()
        assert dict(first) == {
            **payload(stride(0)),
            "run": "r1", "runner": "anna", "algo": "1", "seq": 1, "t_ns": 0, "wall_ns": BEGUN,
            "impact_clipped": 0, "gap": 0, "spoiled": '["clipped"]',
        }  # fmt: skip
        assert other["wall_ns"] is None
        (row,) = db.execute('SELECT id, phase, level, "limit", text, wall_ns FROM alert').fetchall()
        assert tuple(row) == ("r1/impact/warn/5", "onset", "warn", 7.0, "t", BEGUN + 1000)
        (row,) = db.execute("SELECT run, steps, distance_m FROM summary").fetchall()
        assert tuple(row) == ("r1", 3, 1234.5)
    store.discard("r1", "pt", "x")
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT run FROM stride").fetchall() == [("r2",)]
        assert db.execute("SELECT run FROM alert").fetchall() == []


def test_views_of_another_version_are_renewed(store, tmp_path):
    begin(store, "r1")
    store.append("r1", "1", [event(0)])
    store.close()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as db:
        db.execute("DROP VIEW stride")
        db.execute("CREATE VIEW stride AS SELECT 1 AS old")
    Store.open(store.path, gateway="g").close()
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT foot FROM stride").fetchall() == [("left",)]


# ------------------------------------------------------------------------------------------------ the file


def test_a_newer_schema_is_refused(store):
    store.close()
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("PRAGMA user_version = 99")
    for readonly in (False, True):
        with pytest.raises(InputError, match="found schema 99, expected at most 3: a newer sensord wrote this store"):
            Store.open(store.path, gateway="g", readonly=readonly)


@pytest.mark.parametrize("readonly", [False, True])
def test_what_is_no_store_is_refused_and_left_as_it_is(tmp_path, readonly):
    text = tmp_path / "text.db"
    text.write_bytes(b"no database at all\n" * 100)
    with pytest.raises(InputError, match="SQLite cannot read"):
        Store.open(text, gateway="g", readonly=readonly)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE t(x)")
    before = other.read_bytes()
    with pytest.raises(InputError, match="a database of something else"):
        Store.open(other, gateway="g", readonly=readonly)
    assert text.read_bytes() == b"no database at all\n" * 100
    assert other.read_bytes() == before


def test_a_store_that_is_not_there_can_be_made_but_not_read(tmp_path):
    path = tmp_path / "state" / "sensord.db"
    with pytest.raises(InputError, match="a store"):
        Store.open(path, gateway="g", readonly=True)
    assert not path.parent.exists()
    Store.open(path, gateway="g").close()
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_reader_sees_a_writer_and_cannot_write(store):
    begin(store, "r1")
    with closing(Store.open(store.path, gateway="g", readonly=True)) as reader:
        assert reader.last_seq() == 0
        store.append("r1", "1", [event(0)])
        assert reader.last_seq() == 1
        with pytest.raises(DiskError, match="readonly"):
            reader.move_cursor("x", 1)


def test_a_full_disk_is_told_and_loses_nothing_that_was_stored(store):
    begin(store, "r1")
    store.append("r1", "1", [event(0)])
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskError, match="full"):
        store.append("r1", "1", [event(n) for n in range(1, 200)])
    assert [e.n for e in store.events("r1")] == [0]
    store._db.execute("PRAGMA max_page_count = 100000")
    assert len(store.append("r1", "1", [event(n) for n in range(200)])) == 199


def test_every_append_is_synced(tmp_path):
    """The store's events survive a power cut: one sync of the log for each append."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: that an append syncs is not seen here")
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from sensord.model import Event, RunSetup\n"
        "from sensord.store import Store\n"
        "store = Store.open(Path(sys.argv[1]), gateway='g')\n"
        "store.begin_run(RunSetup('r', 'a', 's', 'g', ()), file='f', boot_id='b', boottime_ns=0, begun_wall_ns=0)\n"
        "os.write(2, b'now\\n'); store.append('r', '1', [Event(0, 0, 'note', {}), Event(1, 0, 'note', {})])\n"
        "os.write(2, b'then\\n')\n"
    )
    log = tmp_path / "trace"
    command = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(log)]
    subprocess.run([*command, sys.executable, "-c", program, str(tmp_path / "s.db")], check=True, timeout=30)
    between = log.read_text().split('"now\\n"')[1].split('"then\\n"')[0]
    assert sum("sync(" in line and "s.db-wal" in line for line in between.splitlines()) == 1


# ------------------------------------------------------------------------------------------------ the directory


def test_one_sensord_holds_a_data_directory(tmp_path):
    data = DataDir(tmp_path / "state")
    with data.lock():
        assert data.run_file("01J").parent.is_dir()
        held = subprocess.run(
            [sys.executable, "-c", HOLD, str(data.path)], capture_output=True, text=True, timeout=30, check=False
        )
        assert held.returncode == 2
        assert "another sensord holds it (process " in held.stdout
    with data.lock():
        pass  # let go of


def test_a_killed_holder_lets_go(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {other.pid}"), DataDir(tmp_path).lock():
            pass
        other.kill()
        other.wait()
    with DataDir(tmp_path).lock():
        pass


HOLD = """
import sys
from pathlib import Path
from sensord.datadir import DataDir
from sensord.errors import InputError
try:
    with DataDir(Path(sys.argv[1])).lock():
        print("held", flush=True)
        sys.stdin.read()
        import time; time.sleep(20)
except InputError as exc:
    print(exc)
    sys.exit(2)
"""


def test_a_data_directory_that_cannot_be_made_is_a_disk_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DiskError), DataDir(tmp_path / "file" / "state").lock():
        pass


def test_json_of_a_view_is_what_was_stored(store):
    """A view cannot disagree with its event: every value in it is read from the payload."""
    begin(store, "r1")
    store.append("r1", "1", [event(n) for n in range(5)])
    with closing(sqlite3.connect(store.path)) as db:
        for seq, confidence in db.execute("SELECT seq, confidence FROM stride"):
            (text,) = db.execute("SELECT payload FROM event WHERE seq = ?", (seq,)).fetchone()
            assert json.loads(text)["confidence"] == confidence


def test_the_newest_run_is_the_one_that_began_last_whenever_it_was_entered(store):
    assert store.newest_run("anna") is None
    begin(store, "today", begun=BEGUN)
    begin(store, "imported", begun=BEGUN - 10**15)
    begin(store, "hers", runner="berta", begun=BEGUN + 10**15)
    assert store.newest_run("anna") == "today"
    begin(store, "no clock", begun=None)
    assert store.newest_run("anna") == "no clock"
    store.discard("no clock", "anna", "a test")
    assert store.newest_run("anna") == "today"
