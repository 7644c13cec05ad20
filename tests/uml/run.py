"""`make test-bluez`: runs a command in a User-Mode-Linux guest with a real bluetoothd; its radio and pods are here.

    python -m tests.uml.run [--timeout S] [--memory MB] -- COMMAND...

The guest sees the host's files and the same Python. Its first serial line is the radio's HCI (H4), over the second one
the test says what the pods shall do (`tests.uml.guest`). Prints what the command prints and ends with its exit code;
124 after the timeout, 125 if the guest did not come that far.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import pickle
import pty
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

from bumble.transport.common import StreamPacketSink, StreamPacketSource

from tests.uml.carrier import CarriedPod, Ether, Radio

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MARK, END = b"--- guest", b"--- end of guest"
KERNEL_S = 3600.0
"""Bound of the one build of the kernel: 5 minutes on 2 idle cores, more beside other work."""

ASKED_S = 12.0
"""A request that takes longer is an error; the test waits 15 s for its answer."""

SHORT_BYTES = 1000
"""A longer answer goes through a file: once its terminal was full (4 kB) the guest's serial line hears no more."""

EXPIRED, NO_GUEST = 124, 125
PASSED_ON = ("SENSORD_DATA", "PYTHONPATH", "HYPOTHESIS_PROFILE", "HOME", "LANG")


class Line:
    """One serial line: the host's end as asyncio streams, the path of the guest's end."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        for end in (self.master, self.slave):
            tty.setraw(end)
        self.path = os.ttyname(self.slave)

    async def open(self, protocol: asyncio.Protocol) -> asyncio.WriteTransport:
        """What comes goes to `protocol`; returns where to write."""
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: protocol, os.fdopen(self.master, "rb", buffering=0, closefd=False))
        out, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(os.dup(self.master), "wb", buffering=0))
        return out


class Control:
    """Requests of the test, one JSON object a line, each answered by one."""

    def __init__(self, radio: Radio, exchange: Path) -> None:
        self._radio = radio
        self._exchange = exchange
        self._long = 0
        self._pods: dict[str, CarriedPod] = {}
        self._ahead_ns = 0

    def now_ns(self) -> int:
        """The guest's monotonic clock."""
        return time.monotonic_ns() - self._ahead_ns

    async def serve(self, line: Line) -> None:
        reader = asyncio.StreamReader(limit=1 << 20)
        out = await line.open(asyncio.StreamReaderProtocol(reader))
        while request := await reader.readline():
            asked = json.loads(request)
            try:
                answer: Any = getattr(self, "do_" + asked.pop("op"))(**asked)
                if isinstance(answer, Awaitable):
                    answer = await asyncio.wait_for(answer, ASKED_S)
            except Exception as error:
                log.exception("%s", request)
                answer = {"error": repr(error)}
            out.write(self._short(json.dumps(answer or {}).encode()) + b"\n")

    def _short(self, answer: bytes) -> bytes:
        if len(answer) <= SHORT_BYTES:
            return answer
        self._long += 1
        file = self._exchange / f"answer-{self._long}.json"
        file.write_bytes(answer)
        return json.dumps({"file": str(file)}).encode()

    async def do_begin(self, pods: str, now_ns: int) -> None:
        await self.do_end()
        self._ahead_ns = time.monotonic_ns() - now_ns
        for pod in pickle.loads(Path(pods).read_bytes()):
            self._pods[pod.address] = CarriedPod(pod, self._radio, self.now_ns)
            await self._pods[pod.address].start()

    async def do_end(self) -> None:
        while self._pods:
            await self._pods.popitem()[1].end()

    def do_set(self, pod: str, **values: Any) -> None:
        for name, value in values.items():
            assert hasattr(self._pods[pod].pod, name), name
            setattr(self._pods[pod].pod, name, value)

    def do_drop(self, pod: str) -> dict[str, Any]:
        connected = self._pods[pod].pod.connected
        self._pods[pod].pod.drop_link()
        return {"connected": connected}

    def do_sent(self, pod: str, last: bool) -> dict[str, Any]:
        return {"links": self._pods[pod].log.take(last=last)}

    def do_vanish(self, pod: str) -> None:
        self._pods[pod].pod.vanish()

    def do_reboot(self, pod: str) -> None:
        self._pods[pod].pod.reboot(self.now_ns())

    def do_stats(self) -> dict[str, Any]:
        return {address: pod.stats() for address, pod in self._pods.items()}


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def kernel() -> str:
    """Path of the guest's kernel, built if it is not there yet."""
    built = subprocess.run(
        [HERE / "kernel.sh"], stdout=subprocess.PIPE, text=True, timeout=KERNEL_S, check=False, start_new_session=True
    )
    if built.returncode != 0:
        raise SystemExit(NO_GUEST)
    return built.stdout.strip()


def job(command: list[str], exchange: Path) -> str:
    """The shell script that the guest runs."""
    known = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    known |= {"SENSORD_REAL_BLUEZ": str(exchange), "PYTHONDONTWRITEBYTECODE": "1"}
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in known.items())
    return f"{exports}cd {shlex.quote(str(ROOT))}\nexec {shlex.join(command)}\n"


@contextlib.contextmanager
def exchange_folder() -> Iterator[Path]:
    """A folder that both sides see: the guest has a /tmp of its own."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sensord" / "uml"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=cache) as folder:
        yield Path(folder)


async def pass_on(stdout: asyncio.StreamReader) -> bytes:
    """Prints what comes between the marks; returns what came before and after, the kernel's own words."""
    before = b""
    while MARK not in before:
        if not (piece := await stdout.read(4096)):
            return before
        before += piece
    before, _, rest = before.partition(MARK + b"\r\n")
    while END not in rest:
        whole, newline, rest = rest.rpartition(b"\n")
        sys.stdout.buffer.write((whole + newline).replace(b"\r\n", b"\n"))
        sys.stdout.buffer.flush()
        if not (piece := await stdout.read(4096)):
            break
        rest += piece
    last, _, after = rest.partition(END)
    sys.stdout.buffer.write(last.replace(b"\r\n", b"\n"))
    return before + after + await stdout.read()


async def in_guest(command: list[str], linux: str, exchange: Path, timeout_s: float, memory_mb: int) -> int:
    """Boots, runs, ends; the exit code."""
    hci, control = Line(), Line()
    source = StreamPacketSource()
    radio = Radio(source, StreamPacketSink(await hci.open(source)), Ether())
    serving = asyncio.create_task(Control(radio, exchange).serve(control))
    script = exchange / "job.sh"
    script.write_text(job(command, exchange))
    guest = await asyncio.create_subprocess_exec(
        *(linux, f"mem={memory_mb}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "quiet"),
        *(f"init={HERE / 'init.sh'}", f"SENSORD_JOB={script}", f"SENSORD_PYTHON={sys.executable}"),
        *("con=null", "con0=null,fd:1", f"ssl0=tty:{hci.path}", f"ssl1=tty:{control.path}"),
        *(f"uml_dir={exchange}/", "umid=guest"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert guest.stdout is not None
    try:
        before = await asyncio.wait_for(pass_on(guest.stdout), timeout_s)
        await asyncio.wait_for(guest.wait(), 10)
    except TimeoutError:
        say(f"the guest was stopped after {timeout_s:g} s")
        return EXPIRED
    finally:
        serving.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guest.pid, signal.SIGKILL)
        await guest.wait()
    code = Path(f"{script}.rc")
    if not code.exists():
        say(before.decode(errors="replace"))
        say("the guest ended before its command did")
        return NO_GUEST
    return int(code.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds for the command in the guest")
    parser.add_argument("--memory", type=int, default=768, help="MB of the guest")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="radio: %(message)s")
    logging.getLogger("bumble").setLevel(logging.CRITICAL)  # a command that a pod refuses is not news
    linux = kernel()
    say(f"booting a guest with a real bluetoothd (about 2 s) for: {shlex.join(asked.command)}")
    started_s = time.monotonic()
    with exchange_folder() as exchange:
        code = asyncio.run(in_guest(asked.command, linux, exchange, asked.timeout, asked.memory))
    say(f"the guest took {time.monotonic() - started_s:.0f} s, exit code {code}")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
