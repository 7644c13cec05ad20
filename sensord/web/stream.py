"""Server-Sent Events: the newest picture to every open page.

A page gets the whole picture at once, then the picture whenever it changed (at most `MOST_HZ`), alerts without delay,
and one every `HEARTBEAT_S` even when nothing changed: a silent connection is a lost one. There is no queue: a slow page
misses pictures, and one that takes none for `SLOW_S` is dropped. Nothing is missed by that, alerts are in the picture.
"""

from __future__ import annotations

import asyncio
import json
import socket

from aiohttp import web

from sensord.web.live import LiveView

MOST_HZ = 5.0
HEARTBEAT_S = 1.0
SLOW_S = 5.0
MOST_PAGES = 32
"""Design choices: what a person can follow; what makes a lost connection known within 3 s; a runner, a therapist, a
screen on the wall and the tabs they forgot."""

SEND_BUFFER_BYTES = 32 * 1024
"""Small on purpose: what waits in a socket's buffer is old when it arrives."""

RETRY_MS = 1000


class _Reader:
    """One open page: what it has to be told."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.urgent = asyncio.Event()

    def clear(self) -> None:
        self.changed.clear()
        self.urgent.clear()


class Broadcast:
    """The open pages of one `LiveView`; used from one event loop."""

    def __init__(self, live: LiveView) -> None:
        self._live = live
        self._readers: set[_Reader] = set()
        self._closing = False

    @property
    def pages(self) -> int:
        """How many pages are open."""
        return len(self._readers)

    def changed(self, *, urgent: bool = False) -> None:
        """The picture changed; `urgent` sends it now."""
        for reader in self._readers:
            reader.changed.set()
            if urgent:
                reader.urgent.set()

    def close(self) -> None:
        """End all streams; new ones are refused."""
        self._closing = True
        self.changed(urgent=True)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The stream of one page, until it leaves, is too slow, or the server ends."""
        if self._closing or len(self._readers) >= MOST_PAGES:
            return web.json_response({"error": "too many open pages; close one"}, status=503)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        _limit_buffers(request)
        reader = _Reader()
        self._readers.add(reader)
        try:
            await response.prepare(request)
            await response.write(f"retry: {RETRY_MS}\n\n".encode())
            await self._send(request, response, reader)
        except ConnectionError:
            pass  # the page left: nothing to tell it any more
        finally:
            self._readers.discard(reader)
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse, reader: _Reader) -> None:
        first = True
        while not self._closing:
            reader.clear()
            picture = json.dumps(self._live.snapshot(strip=first), ensure_ascii=False, allow_nan=False)
            frame = f"event: {'hello' if first else 'state'}\ndata: {picture}\n\n".encode()
            first = False
            try:
                async with asyncio.timeout(SLOW_S):
                    await response.write(frame)
            except TimeoutError:
                if request.transport is not None:
                    request.transport.abort()
                return
            if not await _within(reader.urgent, 1.0 / MOST_HZ):
                await _within(reader.changed, HEARTBEAT_S - 1.0 / MOST_HZ)


async def _within(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    except TimeoutError:
        return False


def _limit_buffers(request: web.Request) -> None:
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if isinstance(transport, asyncio.WriteTransport):
        transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)
