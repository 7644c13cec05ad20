"""The InfluxDB sink against a real InfluxDB: what is read back equals the store, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import email.utils
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensord.errors import Away, InputError, Refused
from sensord.model import NS, FootNote, Side, StoredEvent
from sensord.sinks.base import AwayAfter, Backoff, Health, RefusedAt, SinkState, pump
from sensord.sinks.influx import InfluxSink
from sensord.sinks.lines import MEASUREMENTS, NESTED, RUN_TAGS, WORDS, point_time_ns
from tests.sinks.made_events import ANCHOR_NS, MemoryLog, a_run, a_stride, a_window, stored, until
from tests.sinks.servers import Influxd, InfluxProxy

pytestmark = pytest.mark.servers

EVENTS = a_run(60)
FLOAT_FIELDS = {(m.name, key) for m in MEASUREMENTS.values() for key, kind in m.fields.items() if kind is float}
OTHERS = a_run(30, first_seq=len(EVENTS) + 1, run="01JAC0FFEE0000000000000002", runner="runner-2")


@contextlib.asynccontextmanager
async def pumping(sink: InfluxSink, log: MemoryLog, **settings: object) -> AsyncIterator[list[SinkState]]:
    states: list[SinkState] = []
    settings.setdefault("backoff", Backoff(0.01, 0.05))
    task = asyncio.create_task(pump(sink, log, asyncio.Event(), report=states.append, idle_s=0.02, **settings))  # type: ignore[arg-type]
    try:
        yield states
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def expected(events: Sequence[StoredEvent]) -> dict[tuple[object, ...], dict[str, object]]:
    """The points of events by measurement, time and foot; written without the code under test but for the time."""
    points: dict[tuple[object, ...], dict[str, object]] = {}
    for event in events:
        assert event.wall_anchor_ns is not None
        time_ns = point_time_ns(event.wall_anchor_ns, event.t_ns, event.n)
        rows = [dict(event.payload)]
        if event.kind == "gait":
            (both,) = rows
            feet = {foot: both.pop(foot) for foot in ("left", "right")}
            rows = [{**both, "foot": "both"}]
            rows += [{"foot": foot, "window_s": both["window_s"], **values} for foot, values in feet.items()]
        if event.kind == "load":
            (one,) = rows
            one["edges"] = ",".join(f"{edge:g}" for edge in one["edges"]) or None
            one |= {f"bin_{number}": count for number, count in enumerate(one.pop("bins"))}
        for row in rows:
            if event.kind == "summary":
                row.pop("runner")
            for words in ("spoiled", "mods"):
                if words in row:
                    row[words] = ",".join(row[words])
            head = {"run": event.run, "runner": event.runner, "site": event.site, "algo": event.algo}
            values = {key: value for key, value in row.items() if value is not None and key not in NESTED}
            name = "run" if event.kind == "summary" else event.kind
            point = {**head, **values, "t_ns": event.t_ns, "event_n": event.n}
            assert points.setdefault((name, time_ns, event.run, row.get("foot")), point) is point
    return points


def read_back(server: Influxd, database: str) -> dict[tuple[object, ...], dict[str, object]]:
    points: dict[tuple[object, ...], dict[str, object]] = {}
    for name in {measurement.name for measurement in MEASUREMENTS.values()}:
        for row in server.query(f'SELECT * FROM "{name}"', database):
            point = {key: value for key, value in row.items() if value is not None and key not in ("_name", "time")}
            # JSON knows one kind of number: 1e17 is written with all its digits
            point |= {key: float(value) for key, value in point.items() if (name, key) in FLOAT_FIELDS}
            points[name, row["time"], row["run"], row.get("foot")] = point
    return points


async def test_what_is_read_back_equals_the_store_in_every_field_and_type(influxd: Influxd, database: str) -> None:
    log = MemoryLog(EVENTS + OTHERS)
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        async with pumping(sink, log, batch=100):
            await until(lambda: log.cursors.get("influx") == log.events[-1].seq)
        assert set(proxy.writes) == {204}
        assert not log.aside
    assert read_back(influxd, database) == expected(log.events)
    kinds = {float: "float", int: "integer", str: "string", bool: "boolean", WORDS: "string"}
    for measurement in MEASUREMENTS.values():
        types = influxd.query(f'SHOW FIELD KEYS FROM "{measurement.name}"', database)
        found = {row["fieldKey"]: row["fieldType"] for row in types}
        wanted = {"t_ns": "integer", "event_n": "integer"}
        wanted |= {key: kinds[kind] for key, kind in measurement.fields.items()}
        if measurement.name == "run":  # life and summary share it
            both = {**MEASUREMENTS["run"].fields, **MEASUREMENTS["summary"].fields}
            wanted |= {key: kinds[kind] for key, kind in both.items()}
        assert found == wanted
        tags = {row["tagKey"] for row in influxd.query(f'SHOW TAG KEYS FROM "{measurement.name}"', database)}
        assert tags == {*RUN_TAGS, *measurement.tags}


PLAIN_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
NUMBERS = itertools.count()
TAG = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\\"), min_size=1, max_size=12
)
FLOATS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(PLAIN_TEXT, min_size=1, max_size=20),
    site=TAG,
    words=st.tuples(TAG, TAG),
    numbers=st.lists(FLOATS, min_size=6, max_size=6),
)
def test_any_text_and_any_number_come_back_as_they_were(
    influxd: Influxd, database: str, text: list[str], site: str, words: tuple[str, str], numbers: list[float | None]
) -> None:
    site = " ,=".join((site, *words)).strip()
    events = [stored(i + 1, i, FootNote(Side.LEFT, text[0][:5], words), site=site) for i, words in enumerate(text)]
    names = ("contact_time_s", "swing_time_s", "speed_mps", "strike_angle_deg", "impact_peak_g", "cadence_spm")
    events.append(
        stored(len(events) + 1, 9, a_stride(Side.LEFT, 1, 1.0, **dict(zip(names, numbers, strict=True))), site=site)
    )

    async def write() -> None:
        async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
            await sink.send(events)

    database = influxd.create(f"{database}x{next(NUMBERS)}")
    asyncio.run(write())
    assert read_back(influxd, database) == expected(events)


async def test_server_down_then_up_nothing_missing_nothing_twice(own_influxd: Influxd) -> None:
    log = MemoryLog(EVENTS)
    own_influxd.stop()
    async with (
        InfluxProxy(own_influxd) as proxy,
        InfluxSink(proxy.url, org="o", bucket="sensord") as sink,
        pumping(sink, log, batch=50) as states,
    ):
        await until(lambda: any(state.health is Health.AWAY for state in states))
        assert log.cursors == {}
        own_influxd.start()
        await until(lambda: log.cursors.get("influx") == EVENTS[-1].seq)
    assert read_back(own_influxd, "sensord") == expected(EVENTS)


async def test_nobody_at_the_address_is_away(influxd: Influxd) -> None:
    async with InfluxSink("http://127.0.0.1:9", org="o", bucket="b") as sink:
        with pytest.raises(Away, match=r"127\.0\.0\.1:9"):
            await sink.send(EVENTS[:1])


async def test_killed_in_mid_stream_nothing_missing_nothing_twice(own_influxd: Influxd) -> None:
    log = MemoryLog(EVENTS)
    async with (
        InfluxProxy(own_influxd) as proxy,
        InfluxSink(proxy.url, org="o", bucket="sensord") as sink,
        pumping(sink, log, batch=5),
    ):
        for kills in range(1, 4):
            await until(lambda: log.cursors.get("influx", 0) > 40 * kills)  # noqa: B023 - awaited here
            own_influxd.kill()
            assert log.cursors["influx"] < EVENTS[-1].seq
            await asyncio.sleep(0.05)
            own_influxd.start()
        await until(lambda: log.cursors.get("influx") == EVENTS[-1].seq, 10)
    assert read_back(own_influxd, "sensord") == expected(EVENTS)


async def test_a_reply_lost_after_commit_is_repeated_without_doubles(influxd: Influxd, database: str) -> None:
    log = MemoryLog(EVENTS)
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        proxy.faults = ["lost", "lost"]
        async with pumping(sink, log, batch=50) as states:
            await until(lambda: states and states[-1].health is Health.AWAY)
            await until(lambda: log.cursors.get("influx") == EVENTS[-1].seq)
    assert read_back(influxd, database) == expected(EVENTS)


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        (401, "401, the token is missing or wrong"),
        (403, "403, the token may not write to this bucket"),
        (404, "404, the bucket or the address does not exist"),
        (429, "429, the server asks for a pause"),
        (500, "500"),
        (503, "503"),
        ("hang", "no answer within 0.2 s"),
        ("portal", "not like an InfluxDB server"),
    ],
)
async def test_what_may_pass_is_away_with_its_meaning(
    influxd: Influxd, database: str, fault: int | str, detail: str
) -> None:
    log = MemoryLog(EVENTS[:20])
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database, timeout_s=0.2) as sink:
        proxy.faults = [fault] * 2
        async with pumping(sink, log) as states:
            await until(lambda: log.cursors.get("influx") == log.events[-1].seq)
        assert any(detail in (state.detail or "") for state in states)
        assert not log.aside
    assert read_back(influxd, database) == expected(log.events)


async def test_retry_after_is_read_in_seconds_and_as_a_date(influxd: Influxd, database: str) -> None:
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        soon = dt.datetime.now(tz=dt.UTC) + dt.timedelta(seconds=30)
        for given_text, seconds in (
            ("17", 17.0),
            (email.utils.format_datetime(soon, usegmt=True), 29.5),
            ("soon", None),
        ):
            proxy.faults, proxy.retry_after = [429], given_text
            with pytest.raises(Away) as raised:
                await sink.send(EVENTS[:1])
            assert raised.value.retry_after_s == (seconds and pytest.approx(seconds, abs=1.0))


async def test_poison_is_set_aside_and_the_rest_arrives(influxd: Influxd, database: str) -> None:
    """One the encoder refuses, and one only the server does: its field has another type there already."""
    influxd.query("SHOW DATABASES")
    foreign = "01JAC0FFEE0000000000000009"
    misfit = stored(1, NS, a_window(1), run=foreign)
    poison = [
        replace(EVENTS[10], payload={"foot": "left", "colour": "red"}, kind="stride"),
        replace(EVENTS[20], site="bad\n"),
    ]
    events = [*EVENTS[:10], poison[0], *EVENTS[11:20], poison[1], *EVENTS[21:]]
    log = MemoryLog(events)
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        await sink.send([misfit])
        async with pumping(sink, log):
            await until(lambda: log.cursors.get("influx") == events[-1].seq)
    assert set(log.aside) == {poison[0].seq, poison[1].seq}
    assert "stride.colour" in log.aside[poison[0].seq]
    good = [event for event in events if event not in poison]
    assert read_back(influxd, database) == expected([misfit, *good])


async def test_what_only_the_server_refuses_is_found_by_cutting(influxd: Influxd, database: str) -> None:
    """Somebody else's point has made `battery_pct` a string in this shard: pods are refused, the rest arrives."""
    log = MemoryLog(EVENTS)
    pods = [event.seq for event in EVENTS if event.kind == "pod"]
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        await sink._write([f'pod,run=x,foot=left battery_pct="full" {ANCHOR_NS}'])
        with pytest.raises(Refused, match="HTTP 400"):
            await sink.send(EVENTS)
        async with pumping(sink, log):
            await until(lambda: log.cursors.get("influx") == EVENTS[-1].seq)
    assert sorted(log.aside) == pods
    assert "battery_pct" in log.aside[pods[0]]
    back = {key: point for key, point in read_back(influxd, database).items() if key[0] != "pod"}
    assert back == expected([event for event in EVENTS if event.kind != "pod"])


async def test_nothing_of_a_run_without_wall_time_is_sent_and_nothing_overtakes_it(
    influxd: Influxd, database: str
) -> None:
    unknown = [replace(event, wall_anchor_ns=None) for event in OTHERS]
    later = a_run(20, first_seq=OTHERS[-1].seq + 1, run="01JAC0FFEE0000000000000003")
    log = MemoryLog([*EVENTS, *unknown, *later])
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        with pytest.raises(AwayAfter) as raised:
            await sink.send([*EVENTS[-3:], *unknown])
        assert (raised.value.done, raised.value.retry_after_s) == (3, 5.0)
        async with pumping(sink, log) as states:
            await until(lambda: states and states[-1].health is Health.AWAY)
            await asyncio.sleep(0.1)
            assert log.cursors["influx"] == EVENTS[-1].seq
            assert "clock not trusted" in (states[-1].detail or "")
            assert read_back(influxd, database) == expected(EVENTS)
        log.events[len(EVENTS) : len(EVENTS) + len(OTHERS)] = OTHERS
        async with pumping(sink, log):
            await until(lambda: log.cursors.get("influx") == later[-1].seq)
    assert read_back(influxd, database) == expected(log.events)


async def test_a_run_whose_wall_time_is_lost_is_set_aside_and_does_not_hold_the_next(
    influxd: Influxd, database: str
) -> None:
    lost = [replace(event, wall_anchor_ns=None) for event in OTHERS]
    later = a_run(20, first_seq=OTHERS[-1].seq + 1, run="01JAC0FFEE0000000000000003")
    log = MemoryLog([*EVENTS, *lost, *later])
    async with (
        InfluxProxy(influxd) as proxy,
        InfluxSink(proxy.url, org="o", bucket=database, wall_time_lost=lambda run: run == OTHERS[0].run) as sink,
        pumping(sink, log),
    ):
        await until(lambda: log.cursors.get("influx") == later[-1].seq)
    assert sorted(log.aside) == [event.seq for event in lost]
    assert all("was never known" in reason for reason in log.aside.values())
    assert read_back(influxd, database) == expected([*EVENTS, *later])


async def test_lone_surrogates_are_refused_not_raised(influxd: Influxd, database: str) -> None:
    log = MemoryLog([stored(1, 0, FootNote(None, "note", "\ud800")), stored(2, 1, FootNote(None, "note", "fine"))])
    async with (
        InfluxProxy(influxd) as proxy,
        InfluxSink(proxy.url, org="o", bucket=database) as sink,
        pumping(sink, log),
    ):
        await until(lambda: log.cursors.get("influx") == 2)
    assert "Unicode" in log.aside[1]


async def test_check_tells_what_is_wrong_and_writes_nothing(influxd: Influxd, database: str) -> None:
    async with InfluxProxy(influxd, token="secret") as proxy:

        async def check(bucket: str = database, token: str | None = "secret", url: str = proxy.url) -> str | None:
            async with InfluxSink(url, org="o", bucket=bucket, token=token, timeout_s=0.3) as sink:
                return await sink.check()

        assert await check() is None
        assert influxd.query("SHOW MEASUREMENTS", database) == []
        assert "token is missing or wrong" in str(await check(token="guess"))
        assert "does not exist" in str(await check(bucket="nowhere"))
        assert "127.0.0.1:9" in str(await check(url="http://127.0.0.1:9"))
        proxy.faults = ["hang"]
        assert "no answer within" in str(await check())
        proxy.faults = [400]
        assert await check() is None  # it parsed: we were let in


async def test_a_token_is_not_sent_in_clear_text() -> None:
    with pytest.raises(InputError, match=r"influx\.url: found a secret .* db\.example in clear text"):
        InfluxSink("http://db.example:8086", org="o", bucket="b", token="t")
    InfluxSink("https://db.example", org="o", bucket="b", token="t")
    InfluxSink("http://[::1]:8086", org="o", bucket="b", token="t")
    InfluxSink("http://db.example", org="o", bucket="b")


async def test_refused_events_are_named_by_their_place(influxd: Influxd, database: str) -> None:
    bad = replace(EVENTS[2], kind="weather")
    async with InfluxProxy(influxd) as proxy, InfluxSink(proxy.url, org="o", bucket=database) as sink:
        with pytest.raises(RefusedAt) as raised:
            await sink.send([*EVENTS[:2], bad, *EVENTS[3:]])
    assert raised.value.done == 2
    assert read_back(influxd, database) == expected(EVENTS[:2])
    assert EVENTS[0].wall_anchor_ns == ANCHOR_NS
