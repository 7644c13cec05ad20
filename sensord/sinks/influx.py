"""InfluxDB: strides, windows, limits and alerts as points, one awaited write at a time.

influxdb-client's batching mode is not used: after an outage longer than its retry time it drops batches, and its
queue lives in memory (influxdata/influxdb-client-python #80, #198). Here the log is the queue, a batch is written by
one request, and only a 2xx answer moves the cursor. A reply that is lost after the server has stored the batch leads
to the same points again, which InfluxDB takes as the same points.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException

from sensord.errors import Away, NetworkError, Refused
from sensord.model import StoredEvent
from sensord.sinks.base import AwayAfter, RefusedAt
from sensord.sinks.facts import KINDS as FACT_KINDS
from sensord.sinks.facts import fact_lines
from sensord.sinks.lines import lines_of
from sensord.sinks.retry_after import retry_after_s
from sensord.sinks.secrecy import refuse_clear_text

CLOCK_WAIT_S = 5.0
"""Design choice: how often to look whether the wall time of a run has become known."""

REFUSING = {400, 413, 422}
"""Answers that will be the same next time: malformed, too large, field types in conflict (part may be stored)."""

MEANING = {
    401: "the token is missing or wrong",
    403: "the token may not write to this bucket",
    404: "the bucket or the address does not exist",
    429: "the server asks for a pause",
}


class InfluxSink:
    """Writes events to one bucket (InfluxDB 2 and 3), or to one database (1.x behind `/api/v2/write`).

    `url` without a path, `token` needs write permission only. Close it, or use it as `async with`. A token in clear
    text over a network is refused with `InputError`.
    """

    def __init__(
        self,
        url: str,
        *,
        org: str,
        bucket: str,
        token: str | None = None,
        timeout_s: float = 10.0,
        name: str = "influx",
        wall_time_lost: Callable[[str], bool] | None = None,
    ) -> None:
        """`wall_time_lost(run)`: the run has no wall time and never will (its boot is over); it is refused for good."""
        parts = urlsplit(url)
        refuse_clear_text("influx.url", parts.hostname or "", token, encrypted=parts.scheme == "https")
        self.name = name
        self.back = asyncio.Event()  # never set: a server says nothing by itself
        self._url = url
        self._org = org
        self._bucket = bucket
        self._token = token
        self._timeout_s = timeout_s
        self._wall_time_lost = wall_time_lost or (lambda _run: False)
        self._client: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; `send` opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def send(self, batch: Sequence[StoredEvent]) -> None:
        """Write a batch by one request.

        Raises `AwayAfter` at the first event of a run whose wall time is not known (the events before it are
        written), `RefusedAt` at an event that cannot be a point, `Refused` when the server refuses the batch, else
        `Away`. Events behind a run without wall time wait with it: order is kept, nothing is left out. Only a run whose
        wall time can never be known any more (`wall_time_lost`) is refused, event by event, and the next one goes on.
        """
        lines: list[str] = []
        for done, event in enumerate(batch):
            if event.wall_anchor_ns is None:
                await self._write(lines)
                if self._wall_time_lost(event.run):
                    raise RefusedAt(f"the wall time of run {event.run} was never known", done)
                detail = f"the wall time of run {event.run} is not known yet (clock not trusted)"
                raise AwayAfter(detail, done, CLOCK_WAIT_S)
            try:
                lines += fact_lines(event) if event.kind in FACT_KINDS else lines_of(event)
            except Refused as refused:
                await self._write(lines)
                raise RefusedAt(str(refused), done) from None
        await self._write(lines)

    async def check(self) -> str | None:
        """None when the server can be reached and lets us write; else what is wrong.

        Writes nothing: the body is a comment. A server answers 401, 403 or 404 before it parses a body.
        """
        try:
            await self._write(["# sensord"])
        except Refused:
            return None  # it got as far as parsing
        except NetworkError as error:
            return str(error)
        return None

    async def _write(self, lines: Sequence[str]) -> None:
        """One request, answered; raises `Away` or `Refused`."""
        if not lines:
            return
        try:
            body = "\n".join(lines).encode()
        except UnicodeEncodeError as error:
            raise Refused(f"text that is not Unicode: {error}") from None
        try:
            stored = await self._open().write_api().write(bucket=self._bucket, org=self._org, record=body)
        except ApiException as answer:
            raise _meaning(answer, self._url) from None
        except TimeoutError:
            raise Away(f"{self._url}: no answer within {self._timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Away(f"{self._url}: {error or type(error).__name__}") from None
        if not stored:
            raise Away(f"{self._url}: answered, but not like an InfluxDB server")

    def _open(self) -> Any:  # noqa: ANN401 - influxdb-client ships no types
        if self._client is None:
            self._client = InfluxDBClientAsync(
                self._url, token=self._token or "", org=self._org, timeout=round(self._timeout_s * 1000)
            )
        return self._client


def _meaning(answer: ApiException, url: str) -> NetworkError:
    """What an answer other than 2xx means for the batch."""
    status = int(answer.status or 0)
    text = " ".join(_text(answer.body).split())[:300]
    if status in REFUSING:
        return Refused(f"HTTP {status}: {text}")
    detail = f"{url}: HTTP {status}, {MEANING.get(status) or answer.reason or 'no reason given'}"
    asked = answer.headers.get("Retry-After") if answer.headers else None
    return Away(f"{detail} ({text})" if text else detail, retry_after_s(asked))


def _text(body: Any) -> str:  # noqa: ANN401 - bytes, str or None, by transport
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
