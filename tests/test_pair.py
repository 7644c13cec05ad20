"""Pairing: shown by shaking, or named; kept in the store; checked at every link."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from pathlib import Path

import pytest

from sensord import pair as pairing
from sensord.cli import main
from sensord.config import Settings
from sensord.daemon import Gateway
from sensord.demo import PODS
from sensord.drivers.link import Identity, PodLinks
from sensord.errors import InputError, LinkReason
from sensord.model import PodSetup, Side
from sensord.pair import pair_by_address, pair_by_shaking
from sensord.sim.backend import SimRadio
from sensord.sim.peripheral import VirtualPod
from sensord.sim.pods import OpenPodSim
from sensord.sim.pods.standard import StandardPodSim
from sensord.sim.sources import ShakenSource
from sensord.store import Store
from sensord.store_pairings import Pairing, forget, pair, pairings

A, B, HEART = "C0:00:00:00:00:0A", "C0:00:00:00:00:0B", "C0:00:00:00:00:0C"


def radio(*pods: VirtualPod) -> SimRadio:
    return SimRadio(pods)


def pod(address: str, shaken_s: tuple[float, float] = (0, 0)) -> OpenPodSim:
    return OpenPodSim(address, f"pod {address[-1]}", ShakenSource(*shaken_s), now_ns=time.monotonic_ns())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "SHAKE_S", 8.0)
    monkeypatch.setattr(pairing, "LINK_S", 5.0)


@pytest.mark.usefixtures("quick")
async def test_the_pod_that_is_shaken_first_is_the_left_one() -> None:
    air = radio(pod(A, (4.0, 12.0)), pod(B, (0.6, 3.9)), StandardPodSim(HEART, "hr", now_ns=time.monotonic_ns()))
    said: list[str] = []
    found = await pair_by_shaking(backend=air.backend, say=said.append, seconds=0.3)
    assert [(one.pod, one.side, one.driver) for one in found] == [
        (B, Side.LEFT, "open-pod"),
        (A, Side.RIGHT, "open-pod"),
    ]
    assert all(one.serial for one in found)
    assert [line for line in said if line.startswith("shake")] == [
        "shake the left pod, the other one lying still",
        "shake the right pod, the other one lying still",
    ]
    assert not any(one.connected for one in air.pods.values())


async def test_nothing_shaken_is_said_and_nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "SHAKE_S", 0.5)
    with pytest.raises(InputError, match="no pod shaken within"):
        await pair_by_shaking(backend=radio(pod(A), pod(B)).backend, say=lambda _: None, seconds=0.3)


async def test_by_address_it_is_asked_what_it_is() -> None:
    air = radio(pod(A), StandardPodSim(HEART, "hr", now_ns=time.monotonic_ns()))
    found = await pair_by_address({A: Side.RIGHT, HEART: None}, backend=air.backend, seconds=0.3)
    assert [(one.pod, one.side, one.driver) for one in found] == [
        (A, Side.RIGHT, "open-pod"),
        (HEART, None, "standard"),
    ]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({B: Side.LEFT}, "nothing in reach"),
        ({A: None}, "--left or --right"),
        ({HEART: Side.LEFT}, "--sensor"),
    ],
)
async def test_what_cannot_be_paired_is_one_clear_line(wanted: dict[str, Side | None], words: str) -> None:
    air = radio(pod(A), StandardPodSim(HEART, "hr", now_ns=time.monotonic_ns()))
    with pytest.raises(InputError, match=words):
        await pair_by_address(wanted, backend=air.backend, seconds=0.3)


def one(pod: str, side: Side | None, serial: str = "1") -> Pairing:
    return Pairing(pod, side, "open-pod" if side else "standard", "Open Pod", serial)


def test_a_pairing_ends_when_its_pod_or_its_foot_is_paired_anew(tmp_path: Path) -> None:
    with contextlib.closing(Store.open(tmp_path / "sensord.db", gateway="g")) as store:
        for each in (one(A, Side.LEFT), one(B, Side.RIGHT), one(HEART, None)):
            pair(store, each, who="pt")
        assert pairings(store) == [one(A, Side.LEFT), one(B, Side.RIGHT), one(HEART, None)]
        pair(store, one(B, Side.LEFT), who="pt")
        assert pairings(store) == [one(B, Side.LEFT), one(HEART, None)]
        forget(store, HEART, who="pt")
        with pytest.raises(InputError, match="no pairing of that pod"):
            forget(store, HEART, who="pt")
        assert pairings(store) == [one(B, Side.LEFT)]
        rows = store.table().db.execute("SELECT count(*) FROM pairing").fetchone()
        audit = [action for (action,) in store.table().db.execute("SELECT action FROM audit ORDER BY seq")]
    assert rows == (4,)
    assert audit == ["pair", "pair", "pair", "pair", "forget"]


def test_a_store_of_before_is_brought_up_to_date_and_reads_as_unpaired_until_then(tmp_path: Path) -> None:
    path = tmp_path / "sensord.db"
    Store.open(path, gateway="g").close()
    with contextlib.closing(sqlite3.connect(path)) as db:
        for table in ("pairing", "fact", "notice", "receipt"):
            db.execute(f"DROP TABLE {table}")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    with contextlib.closing(Store.open(path, gateway="g", readonly=True)) as store:
        assert pairings(store) == []
    with contextlib.closing(Store.open(path, gateway="g")) as store:
        pair(store, one(A, Side.LEFT), who="pt")
        assert pairings(store) == [one(A, Side.LEFT)]


async def test_an_impostor_under_a_paired_address_is_refused() -> None:
    air = radio(pod(A))
    setups = [PodSetup(A, Side.LEFT, "open-pod")]
    marks: list[str] = []
    links = PodLinks(
        setups,
        on_packet=lambda _: marks.append("packet"),
        on_mark=lambda mark: marks.append(str(mark.data.get("reason", mark.kind.value))),
        now_ns=time.monotonic_ns,
        backend=air.backend,
        identities={A: Identity("Open Pod", "another")},
    )
    task = asyncio.create_task(links.run())
    while links.state(A).reason is not LinkReason.IDENTITY:  # noqa: ASYNC110 (a state, not an event)
        await asyncio.sleep(0.01)
    assert "paired was Open Pod another" in links.state(A).detail
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "packet" not in marks
    assert "link_up" not in marks


async def test_paired_pods_need_no_settings(tmp_path: Path) -> None:
    air = radio(pod(A))
    settings = Settings(data_dir=tmp_path)
    settings.web.enabled = False
    with contextlib.closing(Store.open(tmp_path / "sensord.db", gateway=settings.gateway)) as store:
        for each in await pair_by_address({A: Side.LEFT}, backend=air.backend, seconds=0.3):
            pair(store, each, who="pt")
    said: list[str] = []
    await Gateway(settings, backend=air.backend, say=said.append).run(2.5)
    assert any(line.startswith("ok    left pod linked: Open Pod") for line in said), said


@pytest.mark.slow
def test_the_command_pairs_the_demos_pods(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["sensord", "pair", "--simulated", "--data-dir", str(tmp_path), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    paired = json.loads(capsys.readouterr().out)
    assert [(p["side"], p["pod"]) for p in paired] == [("left", PODS[Side.LEFT]), ("right", PODS[Side.RIGHT])]


def test_the_command_lists_forgets_and_refuses_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["sensord", "pair", "--data-dir", str(tmp_path), *words])
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        out = capsys.readouterr()
        return code, out.out, out.err

    assert command("--list") == (0, "no pod is paired\n", "")
    with contextlib.closing(Store.open(tmp_path / "sensord.db", gateway="g")) as store:
        pair(store, one(A, Side.LEFT), who="pt")
    code, out, _ = command("--list", "--json")
    assert (code, [p["pod"] for p in json.loads(out)]) == (0, [A])
    code, _, err = command("--left", A, "--right", A.lower())
    assert code == 2
    assert err == "sensord: pair: found one address twice, expected a different address for each pod\n"
    code, _, err = command("--left", "nonsense")
    assert code == 2
    assert err == "sensord: pair: found 'NONSENSE', expected an address such as C0:00:00:00:00:01\n"
    assert command("--forget", A.lower())[0] == 0
    code, _, err = command("--forget", A)
    assert (code, err.count("\n")) == (2, 1)
