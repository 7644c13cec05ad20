"""The run file: what is written is read, after a crash too, and damage is told, never passed on."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensord.errors import DiskError, InputError, InternalError
from sensord.model import ALGORITHM, Input, Mark, MarkKind, Packet, PodSetup, RunSetup, Side, StepLengths, Tick
from sensord.recording import Anchor, RunFile, read_run, read_seal, setup_from_json, setup_to_json

SETUP = RunSetup(
    run="01JTEST",
    runner="anna-k",
    site="clinic",
    gateway="gw-1",
    pods=(PodSetup("AA:01", Side.LEFT, "open_pod"), PodSetup("AA:02", Side.RIGHT, "open_pod")),
    plan_text='format = "rtr-plan/1"\n# Läufer\n',
    step_lengths=StepLengths(0.7, 1.02),
    mass_kg=71.5,
    history=({"steps": 4000, "distance_m": 3210.123456789, "contact_time_si_pct": None},),
)
ANCHOR = Anchor(wall_ns=1_780_000_000_000_000_000, boottime_ns=123_456, boot_id="b0", wall_trusted=True)
CHARACTERISTIC = "6e40fff1-b5a3-f393-e0a9-e50e24dcca9e"


def some_inputs(n: int, seed: int = 1) -> list[Input]:
    rng = random.Random(seed)
    out: list[Input] = []
    for k in range(n):
        t_ns = k * 33_000_000
        if k % 30 == 0:
            out.append(Tick(t_ns, 1_780_000_000_000_000_000 + t_ns))
        elif k % 47 == 0:
            out.append(Mark(t_ns, MarkKind.BATTERY, {"pod": "AA:01", "percent": k % 100}))
        else:
            out.append(Packet(f"AA:0{1 + k % 2}", t_ns, CHARACTERISTIC, rng.randbytes(40 + k % 200)))
    return out


def write_run(path: Path, items: list[Input], *, seal: bool) -> str | None:
    file = RunFile.create(path, SETUP, ANCHOR)
    for item in items:
        file.add(item)
    if seal:
        return file.seal()
    file.close()
    return None


def crash(path: Path, to: Path) -> Path:
    """What a killed process leaves: the file and its log as they are, nothing tidied up."""
    to.mkdir()
    for name in (path, path.with_name(path.name + "-wal")):
        shutil.copy(name, to / name.name)
    return to / path.name


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ------------------------------------------------------------------------------------------------ written = read

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
INPUTS = st.one_of(
    st.builds(Packet, pod=TEXT, t_ns=INT64, characteristic=TEXT, payload=st.binary(max_size=300)),
    st.builds(Tick, t_ns=INT64, wall_ns=st.integers()),
    st.builds(Mark, t_ns=INT64, kind=st.sampled_from(MarkKind), data=st.dictionaries(TEXT, JSON_VALUES, max_size=4)),
)
STEPS = st.lists(st.one_of(INPUTS, st.sampled_from(["commit", "durable", "resume", "crash"])), max_size=40)


@settings(deadline=None, max_examples=60)
@given(steps=STEPS)
def test_any_inputs_are_read_as_written_however_often_it_was_resumed(steps):
    """Commits, clean stops and crashes at any point: what was committed is there in order, nothing else is."""
    # without a disk under it where possible: hundreds of small files, and what a sync does is not asked
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        write_crash_resume(Path(folder), steps)


def write_crash_resume(folder: Path, steps: list[Input | str]) -> None:
    path = folder / "a.run"
    file = RunFile.create(path, SETUP, ANCHOR)
    kept: list[Input] = []
    added: list[Input] = []
    for number, step in enumerate(steps):
        match step:
            case "commit" | "durable":
                file.commit(durable=step == "durable")
                kept = added.copy()
            case "resume":
                file.close()  # keeps what was added
                kept = added.copy()
                file = RunFile.resume(path)
            case "crash":
                left = crash(path, folder / f"crash{number}")
                file.close()
                path, added = left, kept.copy()
                file = RunFile.resume(path)
                assert file.last_seq == len(kept)
            case _:
                added.append(step)
                assert file.add(step) == len(added)
    file.commit()
    open_run = read_run(path)
    assert list(open_run.numbered_inputs()) == list(enumerate(added, 1))
    assert (open_run.sealed, open_run.problems, open_run.count) == (None, (), len(added))
    sha256 = file.seal()
    run = read_run(path)
    assert list(run.inputs()) == added == list(run.inputs())
    assert (run.sealed, run.problems, run.count) == (sha256, (), len(added))
    assert (run.setup, run.anchor) == (SETUP, ANCHOR)
    assert run.last_t_ns == max([0, *(item.t_ns for item in added)])


def test_the_hash_is_of_the_content_not_of_how_it_was_committed(tmp_path):
    items = some_inputs(300)
    first = write_run(tmp_path / "a.run", items, seal=True)
    file = RunFile.create(tmp_path / "b.run", SETUP, ANCHOR)
    for number, item in enumerate(items):
        file.add(item)
        file.commit(durable=number % 7 == 0)
    assert file.seal() == first
    other = [replace(items[0], t_ns=1), *items[1:]]
    assert write_run(tmp_path / "c.run", other, seal=True) != first


def test_the_seal_can_be_read_alone(tmp_path):
    sha256 = write_run(tmp_path / "a.run", some_inputs(30), seal=True)
    assert read_seal(tmp_path / "a.run") == sha256
    write_run(tmp_path / "b.run", some_inputs(30), seal=False)
    assert read_seal(tmp_path / "b.run") is None


def test_versions_and_algorithm_are_noted(tmp_path):
    write_run(tmp_path / "a.run", [], seal=True)
    run = read_run(tmp_path / "a.run")
    assert set(run.versions) == {"sensord", "python", "numpy", "scipy", "machine"}
    assert run.algorithm == ALGORITHM


def test_the_tables_are_those_of_the_documentation(tmp_path):
    """People open run files with SQLite: names of pods and characteristics, marks as JSON."""
    write_run(tmp_path / "a.run", [Packet("AA:01", 5, "c1", b"\x01\x02"), Tick(7, 8)], seal=True)
    with closing(sqlite3.connect(tmp_path / "a.run")) as db:
        assert db.execute("SELECT seq, pod, t_ns, characteristic, payload FROM packets").fetchall() == [
            (1, "AA:01", 5, "c1", b"\x01\x02")
        ]
        assert db.execute("SELECT seq, t_ns, kind, data FROM mark").fetchall() == [(2, 7, "tick", '{"wall_ns":8}')]
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
    assert json.loads(meta["format"]) == 1
    assert json.loads(meta["anchor"])["boot_id"] == "b0"
    assert json.loads(meta["setup"])["plan_text"] == SETUP.plan_text


# ------------------------------------------------------------------------------------------------ the file's life


def test_a_run_file_is_never_overwritten(tmp_path):
    path = tmp_path / "a.run"
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match="never overwritten"):
        RunFile.create(path, SETUP, ANCHOR)
    assert path.read_bytes() == b"something else"
    assert names(tmp_path) == ["a.run"]


def test_a_folder_that_is_not_there_is_a_disk_error_and_leaves_nothing(tmp_path):
    with pytest.raises(DiskError):
        RunFile.create(tmp_path / "no" / "a.run", SETUP, ANCHOR)
    assert names(tmp_path) == []


def test_a_setup_that_cannot_be_written_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="unmeasured must be None"):
        RunFile.create(tmp_path / "a.run", replace(SETUP, mass_kg=float("nan")), ANCHOR)
    assert names(tmp_path) == []


def test_a_sealed_file_is_single_readonly_and_not_resumed(tmp_path):
    path = tmp_path / "a.run"
    write_run(path, some_inputs(50), seal=True)
    assert names(tmp_path) == ["a.run"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    with pytest.raises(InputError, match="sealed"):
        RunFile.resume(path)


def test_reading_changes_nothing_about_a_sealed_file(tmp_path):
    path = tmp_path / "a.run"
    write_run(path, some_inputs(50), seal=True)
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    assert sum(1 for _ in read_run(path).inputs()) == 50
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert names(tmp_path) == ["a.run"]


def test_a_run_that_is_being_written_can_be_read(tmp_path):
    """`runs show` beside the daemon: what is committed so far, and writing goes on undisturbed."""
    path = tmp_path / "a.run"
    items = some_inputs(100)
    file = RunFile.create(path, SETUP, ANCHOR)
    for item in items[:40]:
        file.add(item)
    file.commit()
    run = read_run(path)
    reading = run.inputs()
    assert next(reading) == items[0]
    for item in items[40:]:
        file.add(item)
    file.commit()
    assert [items[0], *reading] == items[:40]
    assert read_run(path).count == 100
    file.seal()


def test_a_seal_beside_a_reader_holds_and_is_finished_later(tmp_path):
    path = tmp_path / "a.run"
    file = RunFile.create(path, SETUP, ANCHOR)
    for item in some_inputs(30):
        file.add(item)
    file.commit()
    file._db.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM packet").fetchone()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sensord.disk.BUSY_S", 0.05)
            sha256 = file.seal()
        assert read_run(path).sealed == sha256
        assert "a.run-wal" in names(tmp_path)
    with pytest.raises(InputError, match="sealed"):
        RunFile.resume(path)
    assert names(tmp_path) == ["a.run"]
    assert read_run(path).sealed == sha256


def test_a_seal_cut_short_in_its_last_step_is_still_read(tmp_path):
    """Switching the log off goes through a rollback journal; a crash there leaves one beside the file."""
    path = tmp_path / "a.run"
    sha256 = write_run(path, some_inputs(60), seal=True)
    path.chmod(0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("PRAGMA cache_size = 1")
        db.execute("PRAGMA cache_spill = 1")
        db.execute("UPDATE packet SET payload = zeroblob(900)")  # more than the cache: spills into the file itself
        left = tmp_path / "left"
        left.mkdir()
        shutil.copy(path, left / "a.run")
        shutil.copy(tmp_path / "a.run-journal", left / "a.run-journal")
    run = read_run(left / "a.run")
    assert (run.sealed, run.problems) == (sha256, ())
    assert list(run.inputs()) == some_inputs(60)


def test_a_disk_that_is_full_is_told_and_what_was_kept_stays(tmp_path):
    path = tmp_path / "a.run"
    items = some_inputs(200)
    file = RunFile.create(path, SETUP, ANCHOR)
    for item in items[:50]:
        file.add(item)
    file.commit()
    (pages,) = file._db.execute("PRAGMA page_count").fetchone()
    file._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    for item in items[50:]:
        file.add(item)
    with pytest.raises(DiskError, match="full"):
        file.commit()
    with pytest.raises(DiskError, match="full"):
        file.close()
    assert list(read_run(path).inputs()) == items[:50]


def test_a_durable_commit_syncs_even_when_nothing_else_is_waiting(tmp_path):
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed: that a durable commit syncs is not seen here")
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from sensord.model import Packet, RunSetup\n"
        "from sensord.recording import Anchor, RunFile\n"
        "say = lambda text: os.write(2, text.encode())\n"
        "file = RunFile.create(Path(sys.argv[1]), RunSetup('r', 'a', 's', 'g', ()), Anchor(0, 0, 'b', True))\n"
        "file.add(Packet('p', 1, 'c', b'x'))\n"
        "say('plain\\n'); file.commit()\n"
        "say('durable\\n'); file.commit(durable=True)\n"
        "say('again\\n'); file.commit(durable=True)\n"
        "file.add(Packet('p', 2, 'c', b'y'))\n"
        "say('filled\\n'); file.commit(durable=True)\n"
        "say('over\\n')\n"
    )
    log = tmp_path / "trace"
    command = [strace, "-f", "-y", "-e", "trace=fsync,fdatasync,write", "-o", str(log)]
    command += [sys.executable, "-c", program, str(tmp_path / "a.run")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    syncs: dict[str, int] = {}
    part = ""
    for line in log.read_text().splitlines():
        for name in ("plain", "durable", "again", "filled", "over"):
            if f'"{name}\\n"' in line:
                part = name
        if "sync(" in line and "a.run-wal" in line:
            syncs[part] = syncs.get(part, 0) + 1
    assert syncs.get("plain", 0) == 0
    assert syncs["durable"] == 1  # nothing was waiting but what the plain commit had left in the page cache
    assert syncs.get("again", 0) == 0  # all is synced: nothing to do
    assert syncs["filled"] == 1


# ------------------------------------------------------------------------------------------------ damage


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[bytes, list[Input], str]:
    """A sealed run: its bytes, its inputs, its hash."""
    path = tmp_path_factory.mktemp("whole") / "a.run"
    items = some_inputs(400)
    sha256 = write_run(path, items, seal=True)
    assert sha256 is not None
    return path.read_bytes(), items, sha256


def honest(path: Path, items: list[Input]) -> int | None:
    """Read a damaged file: only InputError, nothing altered, no silent loss. How many inputs; None for InputError."""
    try:
        run = read_run(path)
    except InputError:
        return None
    assert (run.setup, run.anchor) == (SETUP, ANCHOR)
    count = 0
    for seq, item in run.numbered_inputs():
        assert item == items[seq - 1]
        count += 1
    assert count == run.count
    if count < len(items) and run.sealed is not None:
        assert run.problems
    return count


def test_one_flipped_byte_costs_one_packet(tmp_path, whole):
    content, items, _ = whole
    packet = items[201]
    assert isinstance(packet, Packet)
    at = content.index(packet.payload) + 10
    path = tmp_path / "a.run"
    path.write_bytes(content[:at] + bytes([content[at] ^ 0x40]) + content[at + 1 :])
    run = read_run(path)
    assert list(run.inputs()) == items[:201] + items[202:]
    (found,) = run.problems
    assert (found.place, found.found) == ("packet", "1 rows that do not fit their checksum (first: number 202)")


def test_a_damaged_source_name_costs_nothing_since_there_are_two(tmp_path, whole):
    content, items, _ = whole
    places = [at for at in range(len(content)) if content.startswith(CHARACTERISTIC.encode(), at)]
    assert len(places) == 4  # two pods, twice each
    for at in places:
        path = tmp_path / f"{at}.run"
        path.write_bytes(content[:at] + b"?" + content[at + 1 :])
        run = read_run(path)
        assert run.count == len(items)


def test_a_lost_page_costs_what_was_on_it(tmp_path, whole):
    """Any one page overwritten with zeros: a few rows are lost and told, unless it held what nothing works without."""
    content, items, _ = whole
    fatal = []
    for page in range(1, len(content) // 1024):
        path = tmp_path / f"{page}.run"
        path.write_bytes(content[: page * 1024] + bytes(1024) + content[(page + 1) * 1024 :])
        count = honest(path, items)
        if count is None:
            fatal.append(page)
        elif count < len(items) - 20:
            # an inner page of the tree: all the leaves under it are lost with it
            assert read_run(path).problems
            fatal.append(page)
        path.unlink()
    assert len(fatal) <= 8


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_flipped_bytes_are_never_passed_on(tmp_path, whole, seed):
    content, items, _ = whole
    rng = random.Random(seed)
    path = tmp_path / "a.run"
    readable = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 1, 1, 5, 50])):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        readable += honest(path, items) is not None
    assert readable > 75, f"seed {seed}"


def test_flipped_bytes_in_the_head_are_never_passed_on(tmp_path, whole):
    """The first pages: SQLite's header, the definitions, meta."""
    content, items, _ = whole
    rng = random.Random(7)
    path = tmp_path / "a.run"
    for at in [*range(0, 100, 3), *(rng.randrange(100, 6 * 1024) for _ in range(150))]:
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :])
        honest(path, items)
        for beside in tmp_path.glob("a.run-*"):
            beside.unlink()


def test_a_truncated_file_gives_what_is_left(tmp_path, whole):
    content, items, _ = whole
    rng = random.Random(3)
    path = tmp_path / "a.run"
    best = 0
    for length in [0, 1, 15, 16, 99, 100, 1023, 1024, *(rng.randrange(len(content)) for _ in range(60))]:
        path.write_bytes(content[:length])
        best = max(best, honest(path, items) or 0)
    assert best > 100


def test_a_damaged_log_gives_what_was_committed_before_the_damage(tmp_path):
    """An unsealed file whose write-ahead log is cut or flipped: a whole prefix of the inputs."""
    path = tmp_path / "a.run"
    items = some_inputs(200)
    file = RunFile.create(path, SETUP, ANCHOR)
    for item in items:
        file.add(item)
        file.commit()
    left = crash(path, tmp_path / "left")
    file.close()
    log = left.with_name("a.run-wal")
    content = log.read_bytes()
    rng = random.Random(4)
    counts = set()
    for _ in range(60):
        at = rng.randrange(len(content))
        log.write_bytes(
            content[:at] if rng.random() < 0.5 else content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        )
        left.with_name("a.run-shm").unlink(missing_ok=True)
        count = honest(left, items)
        if count is not None:
            counts.add(count)
            assert list(read_run(left).inputs()) == items[:count]
    assert len(counts) > 10


def test_a_missing_row_is_a_gap_in_the_sequence(tmp_path, whole):
    content, items, _ = whole
    path = tmp_path / "a.run"
    path.write_bytes(content)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM packet WHERE seq BETWEEN 100 AND 119 OR seq = 399")
    run = read_run(path)
    lost = {seq for seq in [*range(100, 120), 399] if isinstance(items[seq - 1], Packet)}
    assert run.count == len(items) - len(lost)
    (found,) = run.problems
    assert found.place == "sequence"
    assert found.found == f"{len(lost)} inputs missing, from number 100 on"
    assert found.expected == "every number from 1 to 400"


def test_a_content_that_is_not_what_was_sealed_is_told(tmp_path, whole):
    """Somebody wrote a row with a fitting checksum: the seal shows it."""
    content, _, sha256 = whole
    path = tmp_path / "a.run"
    path.write_bytes(content)
    file_again = tmp_path / "b.run"
    other = [*some_inputs(399), Tick(13_000_000_000, 5)]
    write_run(file_again, other, seal=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("ATTACH ? AS other", (str(file_again),))
        db.execute("DELETE FROM packet WHERE seq = 400")
        db.execute("INSERT INTO mark SELECT * FROM other.mark WHERE seq = 400")
    (found,) = read_run(path).problems
    assert (found.place, found.expected) == ("seal", f"hash {sha256}")


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "an empty file"), (b"t_s,acc_x\n0,1\n" * 50, "no SQLite database"), (None, "No such file")],
)
def test_what_is_no_run_file_is_refused(tmp_path, content, told):
    path = tmp_path / "a.run"
    if content is not None:
        path.write_bytes(content)
    for use in (read_run, read_seal, RunFile.resume):
        with pytest.raises(InputError, match=told):
            use(path)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="directory"):
        read_run(tmp_path)


def test_another_database_is_refused(tmp_path):
    path = tmp_path / "a.run"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t(x)")
    with pytest.raises(InputError, match="SQLite cannot read"):
        read_run(path)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ("DELETE FROM meta WHERE key = 'setup'", "meta setup"),
        ("DELETE FROM meta WHERE key = 'anchor'", "meta anchor"),
        ("UPDATE meta SET value = '2' WHERE key = 'format'", "meta format"),
        ("UPDATE meta SET value = '2', crc32 = 1134168982 WHERE key = 'format'", "meta format"),
    ],
)
def test_meta_that_nothing_works_without(tmp_path, change, place):
    path = tmp_path / "a.run"
    write_run(path, [], seal=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(change)
    with pytest.raises(InputError) as caught:
        read_run(path)
    assert [p.place for p in caught.value.problems] == [place]


# ------------------------------------------------------------------------------------------------ setup and marks


@settings(deadline=None, max_examples=60)
@given(
    st.builds(
        RunSetup,
        run=TEXT,
        runner=TEXT,
        site=TEXT,
        gateway=TEXT,
        pods=st.lists(st.builds(PodSetup, TEXT, st.sampled_from(Side), TEXT), max_size=3).map(tuple),
        plan_text=st.none() | TEXT,
        step_lengths=st.builds(StepLengths, st.floats(0.1, 2), st.floats(0.1, 2)),
        mass_kg=st.none() | st.floats(20, 200) | st.integers(20, 200),
        history=st.lists(st.dictionaries(TEXT, JSON_VALUES, max_size=3), max_size=3).map(tuple),
    )
)
def test_a_setup_survives_json(setup):
    there_and_back = setup_from_json(json.loads(json.dumps(setup_to_json(setup))))
    assert there_and_back == setup
    assert type(there_and_back.mass_kg) is type(setup.mass_kg)  # 70 and 70.0 print differently: replay must not care


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"runner": 5}, "runner must be text"),
        ({"hat": "x"}, "unknown key 'hat'"),
        ({"mass_kg": "71"}, "mass_kg must be a number"),
        ({"pods": [{"pod": "x", "side": "middle", "driver": "d"}]}, "middle"),
        ({"step_lengths": {"hop_m": 1}}, "hop_m"),
    ],
)
def test_a_setup_of_another_shape_is_refused(change, told):
    with pytest.raises(InputError, match=told):
        setup_from_json({**setup_to_json(SETUP), **change}, "x.run")
    with pytest.raises(InputError, match=r"x\.run"):
        setup_from_json([], "x.run")


@pytest.mark.parametrize("data", [{"x": float("nan")}, {"x": "\ud800"}, {"x": object()}])
def test_a_mark_that_cannot_be_kept_is_our_mistake_and_takes_no_number(tmp_path, data):
    file = RunFile.create(tmp_path / "a.run", SETUP, ANCHOR)
    with pytest.raises(InternalError, match="cannot be kept"):
        file.add(Mark(1, MarkKind.NOTE, data))
    assert file.add(Tick(1, 2)) == 1
    file.close()
