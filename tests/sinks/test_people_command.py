"""A command of one's own as the way to a person: what it gets, and what its end means."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensord.errors import Away, Refused
from sensord.sinks.letter import Letter
from sensord.sinks.people_command import CommandChannel
from sensord.sinks.receipts import State
from tests.sinks.people_world import Scripted, World, opened
from tests.sinks.schemas import validator


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        made.store.move_cursor("people.therapist", 0)
        yield made


@pytest.fixture
async def letter(world: World) -> Letter:
    scripted = Scripted()
    world.alert("pace")
    await world.carry(world.sink(scripted))
    return scripted.letters[-1]


def shell(script: str, *more: str, **settings: object) -> CommandChannel:
    return CommandChannel(["/bin/sh", "-c", script, "sh", *more], source="/sensord/gw", **settings)  # type: ignore[arg-type]


async def test_it_gets_the_alert_as_json_on_its_input_and_its_arguments_as_they_are(
    world: World, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ids = [world.alert("one"), world.alert("two", ago_s=3000), world.alert("three", ago_s=3000)]
    one = shell('printf "%s\\n" "$1" >> "$2"; cat >> "$2"', "$(touch gone); `x`", str(out))
    await world.carry(world.sink(one))
    args, first, args_again, batch = out.read_text().splitlines()
    assert args == args_again == "$(touch gone); `x`"
    validator("people-notice").validate(json.loads(first))
    assert json.loads(first)["id"] == f"{ids[0]}/onset"
    assert [event["id"] for event in json.loads(batch)] == [f"{alert}/onset" for alert in ids[1:]]
    assert {note.detail for note in world.book.notes} == {"/bin/sh ended with 0"}
    assert {note.state for note in world.book.notes} == {State.DELIVERED}


@pytest.mark.parametrize("code", [1, 2, 64, 69, 75, 127])
async def test_it_is_run_again_when_it_fails(world: World, tmp_path: Path, code: int) -> None:
    flag = tmp_path / "flag"
    alert = world.alert()
    await world.carry(world.sink(shell(f'[ -e "$1" ] || {{ touch "$1"; echo no modem >&2; exit {code}; }}', str(flag))))
    assert world.states(alert) == ["waiting", "delivered"]
    assert world.book.notes[0].detail == f"/bin/sh: ended with {code} (no modem)"


@pytest.mark.parametrize("code", [65, 67, 68])
async def test_codes_of_sysexits_refuse_for_good(world: World, code: int) -> None:
    alert = world.alert()
    await world.carry(world.sink(shell(f"exit {code}")))
    assert world.states(alert) == ["refused"]
    assert world.store.quarantined("people.therapist")[0].reason == f"/bin/sh: ended with {code}"


async def test_one_that_hangs_is_killed_with_what_it_started(letter: Letter, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    one = shell('sleep 60 & echo $! > "$1"; wait', str(pid), timeout_s=0.3)
    begun = time.monotonic()
    with pytest.raises(Away, match=r"/bin/sh: not done within 0.3 s, ended"):
        await one.deliver(letter)
    assert time.monotonic() - begun < 5.0
    child = int(pid.read_text())
    for _ in range(500):  # the kernel takes a moment; a zombie is dead
        try:
            state = Path(f"/proc/{child}/stat").read_text().split()[2]
        except FileNotFoundError:
            break
        if state == "Z":
            break
        await asyncio.sleep(0.002)
    else:
        pytest.fail("what it started is still there")


async def test_one_that_leaves_a_child_with_its_output_open_has_ended(letter: Letter) -> None:
    begun = time.monotonic()
    taken = await shell("sleep 3 & exit 0", timeout_s=2.0).deliver(letter)
    assert taken.state is State.DELIVERED
    assert time.monotonic() - begun < 1.5


async def test_when_we_are_told_to_stop_it_is_stopped(letter: Letter, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    task = asyncio.create_task(shell('echo $$ > "$1"; exec sleep 60', str(pid)).deliver(letter))
    while not (pid.exists() and pid.read_text()):  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


async def test_one_that_reads_nothing_and_prints_much_is_fine(letter: Letter) -> None:
    prints = "import sys; sys.stdout.write('x' * 2_000_000); sys.stderr.write('y' * 2_000_000); sys.exit({})"
    for code in (0, 3):
        one = CommandChannel([sys.executable, "-c", prints.format(code)], source="/sensord/gw")
        if code == 0:
            assert (await one.deliver(letter)).state is State.DELIVERED
        else:
            with pytest.raises(Away) as caught:
                await one.deliver(letter)
            assert len(str(caught.value)) < 400


async def test_it_may_say_who_has_seen_it(world: World) -> None:
    alert = world.alert()
    await world.carry(world.sink(shell("""echo '{"acknowledged_by": "nurse"}'""")))
    assert world.states(alert, "nurse") == ["acknowledged"]


async def test_one_that_is_not_there_is_named(letter: Letter, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    for path, why in ((tmp_path / "none", "No such file"), (plain, "Permission denied")):
        one = CommandChannel([str(path)], source="/sensord/gw")
        with pytest.raises(Away, match=why):
            await one.deliver(letter)
        assert "no such command, or it may not be run" in str(await one.check())
        await one.close()
    assert await shell("exit 1").check() is None


async def test_what_is_no_json_is_refused(letter: Letter) -> None:
    from dataclasses import replace

    event = letter.notices[0].event
    assert event is not None
    odd = replace(letter.notices[0], event=replace(event, payload={**event.payload, "value": float("nan")}))
    with pytest.raises(Refused, match="no JSON"):
        await shell("exit 0").deliver(replace(letter, notices=(odd,)))
