"""A webhook: what arrives at a real endpoint, and what its answers mean."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from sensord.errors import Away, InputError, Refused
from sensord.model import AlertPhase, Level
from sensord.sinks.letter import REPLY_BYTES, Letter, seen_by
from sensord.sinks.messages import Topics, messages_of
from sensord.sinks.notices import Phase, notice_of_decision
from sensord.sinks.people_hook import HookChannel
from sensord.sinks.receipts import State
from tests.sinks.made_events import until
from tests.sinks.people_servers import Endpoint, certificate, server_side
from tests.sinks.people_world import Scripted, World, opened, pumping
from tests.sinks.schemas import validator
from tests.sinks.test_people import decided

SOURCE = "/sensord/gw"
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        made.store.move_cursor("people.therapist", 0)
        yield made


def channel(endpoint: Endpoint, **settings: object) -> HookChannel:
    settings.setdefault("timeout_s", 2.0)
    return HookChannel(endpoint.url, source=SOURCE, **settings)  # type: ignore[arg-type]


async def letter_of(world: World) -> Letter:
    scripted = Scripted()
    world.alert("pace")
    await world.carry(world.sink(scripted))
    return scripted.letters[-1]


def head(asked: tuple[dict[str, str], bytes], name: str) -> str:
    return {key.lower(): value for key, value in asked[0].items()}[name]


async def test_the_body_is_what_mqtt_carries_and_names_itself(world: World) -> None:
    alert = world.alert(level=Level.STOP)
    (event,) = world.store.read_after(0, 10)
    async with Endpoint() as endpoint, world.sink(channel(endpoint, token="t0ken")) as sink:
        await world.carry(sink)
    (asked,) = endpoint.asked
    (over_mqtt,) = messages_of(event, Topics("home"), SOURCE, 0.0)
    assert asked[1] == over_mqtt.payload
    validator("people-notice").validate(json.loads(asked[1]))
    assert json.loads(head(asked, "idempotency-key")) == json.loads(asked[1])["id"] == f"{alert}/onset"
    assert head(asked, "content-type") == "application/cloudevents+json; charset=utf-8"
    assert head(asked, "authorization") == "Bearer t0ken"
    assert "webhook-signature" not in {key.lower() for key in asked[0]}
    (receipt,) = world.book.notes
    assert (receipt.state, receipt.detail) == (
        State.DELIVERED,
        f"webhook http://127.0.0.1:{endpoint.port} answered 204",
    )


@pytest.mark.parametrize("secret", [SECRET, "plain words"])
async def test_who_knows_the_secret_can_check_the_signature(world: World, secret: str) -> None:
    """As a receiver does it, by the three steps of Standard Webhooks."""
    letter = await letter_of(world)
    async with Endpoint() as endpoint:
        one = channel(endpoint, secret=secret)
        await one.deliver(letter)
        await one.close()
    (asked,) = endpoint.asked
    key = base64.b64decode(secret[6:]) if secret == SECRET else secret.encode()
    signed = f"{head(asked, 'webhook-id')}.{head(asked, 'webhook-timestamp')}.".encode() + asked[1]
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert head(asked, "webhook-signature") == f"v1,{expected}"
    assert int(head(asked, "webhook-timestamp")) == letter.wall_ns // 10**9


async def test_a_summary_is_a_batch_of_cloudevents(world: World) -> None:
    ids = [world.alert(f"rule{number}", ago_s=3000) for number in range(3)]
    async with Endpoint() as endpoint, world.sink(channel(endpoint)) as sink:
        await world.carry(sink)
    (asked,) = endpoint.asked
    assert head(asked, "content-type") == "application/cloudevents-batch+json; charset=utf-8"
    events = json.loads(asked[1])
    assert [event["id"] for event in events] == [f"{alert}/onset" for alert in ids]
    assert all(event["data"]["late"] is True for event in events)


async def test_decisions_and_reminders_fit_their_schema(world: World) -> None:
    scripted = Scripted()
    alert = world.alert("pace", ago_s=9)
    world.alert("pace", phase=AlertPhase.REMINDER, ago_s=3, onset_ago_s=9)
    await world.carry(world.sink(scripted))
    notice = notice_of_decision(decided(), "anna")
    assert notice is not None
    letters = [
        *scripted.letters,
        Letter((notice,), (None,), 0, "x"),
        Letter((replace(notice, phase=Phase.REMINDER, number=2),), (20.0,), 0, "x"),
        Letter((replace(scripted.letters[0].notices[0], phase=Phase.REMINDER, number=1),), (20.0,), 0, "x"),
    ]
    bodies = [letter.cloud_events(SOURCE) for letter in letters]
    for body in bodies:
        validator("people-notice").validate(body)
    assert [body["id"].removeprefix(alert).removeprefix(notice.alert) for body in bodies] == [
        "/onset", f"/reminder/{scripted.letters[1].notices[0].number}", "/onset", "/reminder/2", "/reminder/1",
    ]  # fmt: skip
    assert [body["data"]["late"] for body in bodies[2:]] == [None, True, True]
    assert [body["type"].rpartition(".v1")[0].removeprefix("io.sensord.") for body in bodies] == [
        "limit.exceeded", "limit.reminder", "plan.decided", "plan.reminder", "limit.reminder",
    ]  # fmt: skip


@pytest.mark.parametrize("status", [500, 502, 503, 401, 403, 404, 408, 410, 429, 301, 302])
async def test_answers_that_may_change_are_asked_for_again(world: World, status: int) -> None:
    """Also those that mean wrong settings: they can be put right, and nothing is lost until then."""
    async with Endpoint() as endpoint:
        endpoint.script = [(status, {"Location": endpoint.url}), status]
        alert = world.alert()
        async with world.sink(channel(endpoint)) as sink:
            await world.carry(sink)
    assert len(endpoint.asked) == 3
    assert len({body for _, body in endpoint.asked}) == 1
    assert len({head(asked, "webhook-id") for asked in endpoint.asked}) == 1
    assert world.states(alert) == ["waiting", "delivered"]


async def test_retry_after_is_obeyed_and_the_path_stays_secret(world: World) -> None:
    letter = await letter_of(world)
    async with Endpoint() as endpoint:
        endpoint.script = [(429, {"Retry-After": "7"}, "slow down"), (503, {"Retry-After": "nan"})]
        one = channel(endpoint)
        with pytest.raises(Away, match=r"HTTP 429, the server asks for a pause \(slow down\)") as caught:
            await one.deliver(letter)
        assert caught.value.retry_after_s == 7.0
        assert "s3cret" not in str(caught.value)
        with pytest.raises(Away, match="HTTP 503, Service Unavailable") as caught:
            await one.deliver(letter)
        assert caught.value.retry_after_s is None
        await one.close()


@pytest.mark.parametrize("status", [400, 413, 415, 422])
async def test_answers_that_will_be_the_same_set_it_aside(world: World, status: int) -> None:
    async with Endpoint() as endpoint:
        endpoint.script = [status]
        bad, good = world.alert("one"), world.alert("two")
        async with world.sink(channel(endpoint)) as sink:
            await world.carry(sink)
    assert (world.states(bad), world.states(good)) == (["refused"], ["delivered"])
    assert [aside.seq for aside in world.store.quarantined("people.therapist")] == [1]


async def test_an_endpoint_that_is_down_slow_or_hangs_up_loses_nothing(world: World) -> None:
    async def slow() -> int:
        await asyncio.sleep(30)
        return 204

    endpoint = Endpoint()
    endpoint.script = [slow, None, 500]
    sink = world.sink(channel(endpoint, timeout_s=0.2))
    world.alert("one")
    seen: list[str] = []
    async with pumping(sink, world.log, lambda state: seen.append(str(state.detail))):
        await until(lambda: any("Cannot connect" in detail for detail in seen))
        await endpoint.start()
        await until(lambda: world.store.cursor(sink.name) == world.store.last_seq())
    await sink.close()
    await endpoint.stop()
    assert any("no answer within 0.2 s" in detail for detail in seen)
    assert any("disconnected" in detail or "reset" in detail for detail in seen)
    assert any("HTTP 500" in detail for detail in seen)
    assert len({json.loads(body)["id"] for _, body in endpoint.asked}) == 1


async def test_an_answer_says_who_has_seen_it_and_a_long_one_does_no_harm(world: World) -> None:
    async with Endpoint() as endpoint:
        endpoint.script = [(200, {}, '{"acknowledged_by": "nurse"}'), (200, {}, "x" * 3_000_000)]
        first, second = world.alert("one"), world.alert("two")
        async with world.sink(channel(endpoint)) as sink:
            await world.carry(sink)
    assert world.states(first, "nurse") == ["acknowledged"]
    assert world.states(second) == ["delivered"]


@pytest.mark.parametrize(
    ("reply", "who"),
    [
        (b'{"acknowledged_by": "Dr. M\xc3\xbcller"}', "Dr. Müller"),
        (b'{"acknowledged_by": ""}', None),
        (b'{"acknowledged_by": " "}', None),
        (b'{"acknowledged_by": "a\\nb"}', None),
        (b'{"acknowledged_by": 3}', None),
        (b'{"acknowledged_by": "' + b"x" * 65 + b'"}', None),
        (b'["nurse"]', None),
        (b"\xff\xfe", None),
        (b"", None),
        (b" " * REPLY_BYTES + b'{"acknowledged_by": "nurse"}', None),
    ],
)
def test_only_a_name_is_a_name(reply: bytes, who: str | None) -> None:
    assert seen_by(reply) == who


async def test_tls_is_checked(world: World, tmp_path: Path) -> None:
    files = certificate(tmp_path)
    letter = await letter_of(world)
    async with Endpoint(server_side(files)) as endpoint:
        trusted, stranger = channel(endpoint, ca_file=files[0]), channel(endpoint)
        assert await trusted.check() is None
        assert (await trusted.deliver(letter)).state is State.DELIVERED
        with pytest.raises(Away, match="certificate verify failed") as caught:
            await stranger.deliver(letter)
        assert "\n" not in str(caught.value)
        assert "certificate verify failed" in str(await stranger.check())
        assert len(endpoint.asked) == 1
        await trusted.close()
        await stranger.close()


async def test_check_tells_nobody_anything() -> None:
    async with Endpoint() as endpoint:
        one = channel(endpoint)
        assert await one.check() is None
        await one.close()
        assert endpoint.asked == []
    assert "Cannot connect" in str(await one.check())
    await one.close()


async def test_a_check_does_not_wait_for_ever() -> None:
    endpoint = Endpoint()

    async def never(_request: aiohttp.web.BaseRequest) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    runner = web.ServerRunner(web.Server(never), shutdown_timeout=0.01)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", endpoint.port)
    await site.start()
    one = channel(endpoint, timeout_s=0.05)
    assert "no answer within 0.05 s" in str(await one.check())
    await one.close()
    await runner.cleanup()


def test_what_was_measured_and_tokens_do_not_cross_a_network_in_the_clear(tmp_path: Path) -> None:
    def make(url: str, **settings: object) -> HookChannel:
        return HookChannel(url, source=SOURCE, key="people.x", **settings)  # type: ignore[arg-type]

    with pytest.raises(InputError, match=r"people.x.url: found what was measured that would cross the network to a.b"):
        make("http://a.b/c")
    with pytest.raises(InputError, match="found a token that would cross"):
        make("http://a.b/c", clear_text=True, token="t")
    with pytest.raises(InputError, match=r"people.x.secret_file: found a secret that is no base64"):
        make("https://a.b/c", secret="whsec_%%%")
    with pytest.raises(InputError, match="expected a PEM file"):
        make("https://a.b/c", ca_file=tmp_path / "none.pem")
    make("http://a.b/c", clear_text=True)
    make("http://localhost/c", token="t")


async def test_what_is_no_json_is_refused(world: World) -> None:
    letter = await letter_of(world)
    event = letter.notices[0].event
    assert event is not None
    odd = replace(letter.notices[0], event=replace(event, payload={**event.payload, "value": float("nan")}))
    with pytest.raises(Refused, match="no JSON"):
        await channel(Endpoint()).deliver(replace(letter, notices=(odd,)))
