"""kill -9 at every moment between sending and cursor: all is told, and told twice at most once, under the same id."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sensord.model import Level
from tests.sinks.people_servers import Endpoint, MailServer
from tests.sinks.people_world import NOON_NS, opened

CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from sensord.sinks.base import drain
from sensord.sinks.people_hook import HookChannel
from sensord.sinks.people_mail import MailChannel, MailServer
from tests.sinks.people_world import opened

folder, how, port, moment, nth = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])

def dying(what, after):
    count = 0
    async def wrapped(*args):
        nonlocal count
        count += 1
        if count == nth and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        done = await what(*args)
        if count == nth and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return wrapped

async def main():
    with opened(folder) as world:
        if how == "mail":
            server = MailServer("127.0.0.1", port, "none")
            channel = MailChannel(server, sender="s@x.example", to=["a@x.example"])
        else:
            channel = HookChannel(f"http://127.0.0.1:{port}/x", source="/sensord/gw")
        sink = world.sink(channel)
        match moment:
            case "taken": channel.deliver = dying(channel.deliver, after=True)
            case "receipt": world.book.note = dying(world.book.note, after=True)
            case "cursor": world.log.move_cursor = dying(world.log.move_cursor, after=False)
        async with sink:
            assert await drain(sink, world.log, 20.0, batch=2)
asyncio.run(main())
"""


async def live(folder: Path, how: str, port: int, moment: str, nth: int) -> int:
    """One life of a process; gives how it ended."""
    import asyncio

    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(folder), how, str(port), moment, str(nth), cwd=root,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}, stderr=subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode in (0, -9), said.decode()
    return process.returncode


@pytest.mark.slow
@pytest.mark.parametrize("how", ["mail", "webhook"])
async def test_a_kill_repeats_at_most_one_message_under_the_same_name(tmp_path: Path, how: str) -> None:
    with opened(tmp_path) as world:
        world.store.move_cursor("people.therapist", 0)
        ids = []
        for number in range(5):
            ids.append(world.alert(f"rule{number}", Level.STOP))
            world.noise(1)
        assert world.clock() == NOON_NS
    names: list[str] = []
    async with MailServer() as mail, Endpoint() as hook:
        port = mail.port if how == "mail" else hook.port
        told: list[int] = []
        for moment, nth in (("taken", 1), ("receipt", 2), ("cursor", 1), ("never", 0)):
            ended = await live(tmp_path, how, port, moment, nth)
            assert ended == (0 if moment == "never" else -9)
            told.append(len(mail.mails) if how == "mail" else len(hook.asked))
        if how == "mail":
            names = [str(message["Message-ID"]) for _, message in mail.mails]
        else:
            names = [json.loads(body)["id"] for _, body in hook.asked]
    assert sorted(Counter(names).values()) == [1, 1, 1, 1, 2], "only the kill before the receipt repeats its message"
    assert told[0] == 1
    if how == "webhook":
        assert set(names) == {f"{alert}/onset" for alert in ids}
    with opened(tmp_path) as world:
        assert world.store.cursor("people.therapist") == world.store.last_seq()
        assert [len(world.states(alert)) for alert in ids] == [1] * 5
