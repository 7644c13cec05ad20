"""Mail to a person, through a real SMTP server that is away, busy, picky, slow or not who it says it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from sensord.errors import Away, InputError, Refused
from sensord.model import AlertPhase, Level
from sensord.sinks.people_mail import MailChannel, MailServer
from sensord.sinks.receipts import State
from tests.sinks import people_servers
from tests.sinks.made_events import until
from tests.sinks.people_servers import certificate, server_side
from tests.sinks.people_world import Scripted, World, opened, pumping

TO = ("therapist@clinic.example", "desk@clinic.example")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        made.store.move_cursor("people.therapist", 0)
        yield made


def channel(server: people_servers.MailServer, to: tuple[str, ...] = TO, **settings: object) -> MailChannel:
    reach = {key: settings.pop(key) for key in ("tls", "user", "password", "ca_file") if key in settings}
    reach.setdefault("tls", "none")
    where = MailServer(str(settings.pop("host", server.host)), server.port, **reach)  # type: ignore[arg-type]
    settings.setdefault("timeout_s", 2.0)
    return MailChannel(where, sender="sensord@clinic.example", to=to, **settings)  # type: ignore[arg-type]


def text_of(message: EmailMessage) -> str:
    return str(message.get_content()).replace("\r\n", "\n")


async def letter_of(world: World, level: Level = Level.STOP, phase: AlertPhase = AlertPhase.ONSET):  # type: ignore[no-untyped-def]
    scripted = Scripted()
    world.alert("pace", level, phase)
    await world.carry(world.sink(scripted))
    return scripted.letters[-1]


async def test_an_alert_arrives_as_a_mail_that_says_it_all_and_no_health_in_its_subject(world: World) -> None:
    async with people_servers.MailServer() as server:
        world.alert(level=Level.URGENT)
        await world.carry(world.sink(channel(server)))
    ((to, mail),) = server.mails
    assert to == list(TO)
    assert mail["Subject"] == "sensord: anna: urgent"
    assert (mail["From"], mail["To"]) == ("sensord@clinic.example", ", ".join(TO))
    assert (mail["Auto-Submitted"], mail["Importance"]) == ("auto-generated", "high")
    assert mail["Date"].datetime.isoformat() == "2025-11-25T12:00:00+01:00"
    text = text_of(mail)
    for part in (
        "Walk home\nDistance 101 m of 100 m (limit.distance). 20 m remain.",
        "Runner: anna. Level: urgent. When: 2025-11-25 12:00.",
        'Limits as in the plan "Back to 5 km" (Dr. Example).',
        "Please say that you have seen this, on sensord's page or by: sensord ack ",
    ):
        assert part in text
    (receipt,) = world.book.notes
    assert receipt.state is State.SENT
    assert receipt.detail == f"mail server 127.0.0.1:{server.port} took it for 2 of 2"


async def test_any_text_arrives_as_it_was_written(world: World) -> None:
    words = "Distanz 101 m über 100 m: nach Hause gehen – 走って帰らないで. " + "long " * 300 + "\n.\nFrom here on"
    async with people_servers.MailServer() as server:
        world.alert(text=words)
        await world.carry(world.sink(channel(server)))
    assert words in text_of(server.mails[0][1])


async def test_an_end_is_in_the_thread_of_its_beginning(world: World) -> None:
    async with people_servers.MailServer() as server:
        world.alert("impact", ago_s=9)
        world.alert("impact", phase=AlertPhase.RECOVERY, onset_ago_s=9)
        await world.carry(world.sink(channel(server)))
    onset, end = (mail for _, mail in server.mails)
    assert end["In-Reply-To"] == end["References"] == onset["Message-ID"] != end["Message-ID"]
    assert end["Subject"] == "sensord: anna: stop ended"
    assert onset["In-Reply-To"] is None


async def test_a_server_that_is_down_at_first_gets_all_when_it_comes(world: World) -> None:
    server = people_servers.MailServer()
    sink = world.sink(channel(server))
    ids = [world.alert(f"rule{number}") for number in range(3)]
    states: list[object] = []
    async with pumping(sink, world.log, states.append):
        await until(lambda: any("Connect call failed" in str(state.detail) for state in states))  # type: ignore[attr-defined]
        assert world.store.cursor(sink.name) == 0
        await server.start()
        await until(lambda: world.store.cursor(sink.name) == world.store.last_seq())
    await server.stop()
    assert len(server.mails) == 3
    assert [world.states(alert)[-1] for alert in ids] == ["sent"] * 3


@pytest.mark.parametrize("answer", ["451 busy, try later", "452 full", "421 shutting down"])
async def test_a_temporary_answer_is_tried_again_with_the_same_id(world: World, answer: str) -> None:
    async with people_servers.MailServer() as server:
        server.data = [answer, answer]
        world.alert()
        await world.carry(world.sink(channel(server)))
    assert len(server.mails) == 1
    assert server.connections == 3
    assert world.states(f"{world.book.notes[0].alert}")[0] == "waiting"


async def test_a_message_that_is_refused_for_good_is_set_aside_and_the_next_one_goes(world: World) -> None:
    async with people_servers.MailServer() as server:
        server.data = ["554 looks like spam"]
        bad, good = world.alert("one"), world.alert("two")
        await world.carry(world.sink(channel(server)))
    assert (world.states(bad), world.states(good)) == (["refused"], ["sent"])
    (aside,) = world.store.quarantined("people.therapist")
    assert aside.reason == f"mail server 127.0.0.1:{server.port}: 554 looks like spam"


async def test_an_address_that_is_taken_gets_it_once_while_the_other_is_tried_again(world: World) -> None:
    async with people_servers.MailServer() as server:
        server.rcpt = ["250 OK", "450 greylisted", "451 still"]
        alert = world.alert()
        await world.carry(world.sink(channel(server)))
    assert [to for to, _ in server.mails] == [[TO[0]], [TO[1]]]
    assert server.mails[0][1]["Message-ID"] == server.mails[1][1]["Message-ID"]
    assert world.states(alert) == ["waiting", "sent"]


async def test_an_address_that_does_not_exist_is_named_and_keeps_the_other_from_nothing(world: World) -> None:
    async with people_servers.MailServer() as server:
        server.rcpt = ["550 no such user", "250 OK", "550 no", "551 no"]
        first, second = world.alert("one"), world.alert("two")
        await world.carry(world.sink(channel(server)))
    assert [to for to, _ in server.mails] == [[TO[1]]]
    assert world.book.notes[0].detail.endswith(f"took it for 1 of 2; refused {TO[0]}: 550 no such user")
    assert (world.states(first), world.states(second)) == (["sent"], ["refused"])
    assert f"{TO[0]}: 550 no; {TO[1]}: 551 no" in world.store.quarantined("people.therapist")[0].reason


async def test_a_sender_that_is_not_allowed_is_a_matter_of_settings_and_loses_nothing(world: World) -> None:
    letter = await letter_of(world)
    async with people_servers.MailServer() as server:
        server.mail_from = ["553 not yours"]
        one = channel(server)
        with pytest.raises(Away, match=r"takes nothing from sensord@clinic.example: 553 not yours"):
            await one.deliver(letter)
        assert (await one.deliver(letter)).state is State.SENT


async def test_a_connection_that_is_cut_after_the_text_repeats_it_with_the_same_message_id(world: World) -> None:
    async with people_servers.MailServer() as server:
        server.data = [None]
        world.alert()
        await world.carry(world.sink(channel(server)))
    first, second = (mail for _, mail in server.mails)
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_server_that_is_slow_is_given_up_for_now(world: World) -> None:
    async def sleep() -> str:
        await asyncio.sleep(30)
        return "250 OK"

    letter = await letter_of(world)
    async with people_servers.MailServer() as server:
        server.data = [sleep]
        one = channel(server, timeout_s=0.2)
        with pytest.raises(Away, match=f"mail server 127.0.0.1:{server.port}: .*[Tt]imed out"):
            await one.deliver(letter)
        assert (await one.deliver(letter)).state is State.SENT


async def test_one_that_takes_connections_and_says_nothing(world: World) -> None:
    class Mute(asyncio.Protocol):
        pass

    letter = await letter_of(world)
    server = people_servers.MailServer()
    listening = await asyncio.get_running_loop().create_server(Mute, server.host, server.port)
    async with listening:
        one = channel(server, timeout_s=0.1)
        with pytest.raises(Away, match="Timed out waiting for server ready message"):
            await one.deliver(letter)
        assert str(await one.check()).endswith(("no answer within 0.1 s", "Timed out waiting for server ready message"))


async def test_tls_is_checked_both_ways_of_it(world: World, tmp_path: Path) -> None:
    files = certificate(tmp_path)
    letter = await letter_of(world)
    for how in ("tls", "starttls"):
        async with people_servers.MailServer(
            tls=server_side(files), starttls=how == "starttls", password="right"
        ) as server:
            reach = {"tls": how, "user": "sensord", "password": "right", "ca_file": files[0]}
            assert await channel(server, **reach).check() is None
            assert (await channel(server, **reach).deliver(letter)).state is State.SENT
            for bad in ({"ca_file": None}, {"host": "localhost"}):
                stranger = channel(server, **{**reach, **bad})
                with pytest.raises(Away, match="certificate verify failed") as caught:
                    await stranger.deliver(letter)
                assert "\n" not in str(caught.value)
                assert "certificate verify failed" in str(await stranger.check())
            wrong = channel(server, **{**reach, "password": "wrong"})
            with pytest.raises(Away, match=r"does not let us in: 535 "):
                await wrong.deliver(letter)
            assert len(server.mails) == 1


async def test_starttls_is_not_given_up_when_the_server_does_not_offer_it(world: World) -> None:
    letter = await letter_of(world)
    async with people_servers.MailServer() as server:
        with pytest.raises(Away, match="STARTTLS extension not supported"):
            await channel(server, tls="starttls").deliver(letter)
        assert server.mails == []


async def test_a_goodbye_that_fails_undoes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from aiosmtplib import SMTP, SMTPServerDisconnected

    async def quit_badly(_self: SMTP) -> None:
        raise SMTPServerDisconnected("gone")

    monkeypatch.setattr(SMTP, "quit", quit_badly)
    letter = await letter_of(world)
    async with people_servers.MailServer() as server:
        one = channel(server)
        assert (await one.deliver(letter)).state is State.SENT
        assert (await one.deliver(letter)).state is State.SENT
        assert len(server.mails) == 1, "the same letter is not given twice to an address that took it"
        assert await one.check() is None


async def test_a_person_may_get_no_more_than_the_level(world: World) -> None:
    async with people_servers.MailServer() as server:
        world.alert(level=Level.URGENT)
        await world.carry(world.sink(channel(server, full=False)))
    ((_, mail),) = server.mails
    text = text_of(mail)
    assert text.startswith("There is a message about anna, up to urgent. sensord's page shows it.\nPlease say")
    assert "Distance" not in text
    assert "Walk home" not in text


async def test_a_summary_says_what_was_missed_the_loudest_first(world: World) -> None:
    async with people_servers.MailServer() as server:
        for number in range(34):
            world.alert(f"rule{number}", Level.WARN, ago_s=3000 - number)
        world.alert("loud", Level.STOP, ago_s=2900)
        world.alert("loud", Level.STOP, AlertPhase.RECOVERY, ago_s=2800, onset_ago_s=2900)
        await world.carry(world.sink(channel(server)))
    ((_, mail),) = server.mails
    assert mail["Subject"] == "sensord: anna: summary, 36 messages, up to stop"
    text = text_of(mail)
    assert text.startswith("36 messages that were kept back or could not be sent:\n\n- stop, anna. When: 2025-11-25")
    assert text.count("\n- ") == 30
    assert "... and 6 more, none louder." in text
    assert ", 48 min ago" in text


async def test_what_comes_late_says_so(world: World) -> None:
    async with people_servers.MailServer() as server:
        world.alert("one", ago_s=300)
        world.alert("two", ago_s=5)
        await world.carry(world.sink(channel(server)))
    late, fresh = (text_of(mail) for _, mail in server.mails)
    assert "Late: this happened 5 min before it was sent." in late
    assert "Late" not in fresh


def test_a_password_does_not_cross_a_network_in_the_clear_and_files_must_be_readable(tmp_path: Path) -> None:
    server = people_servers.MailServer()
    with pytest.raises(InputError, match=r"people.x.tls: found a secret that would cross the network to mail.example"):
        channel(server, host="mail.example", user="u", password="p", key="people.x")
    channel(server, host="mail.example")
    channel(server, user="u", password="p")
    with pytest.raises(InputError, match=r"people.ca_file: found .*none.pem.*expected a PEM file"):
        channel(server, tls="tls", ca_file=tmp_path / "none.pem")


def test_ports_follow_from_how_it_is_encrypted() -> None:
    assert "p4ss" not in repr(MailServer("h", password="p4ss"))
    assert [str(MailServer("h", tls=tls)) for tls in ("tls", "starttls", "none")] == [  # type: ignore[arg-type]
        "mail server h:465",
        "mail server h:587",
        "mail server h:25",
    ]


async def test_refusals_of_every_address_for_now_and_for_ever_wait(world: World) -> None:
    letter = await letter_of(world)
    async with people_servers.MailServer() as server:
        server.rcpt = ["550 no such user", "450 later", "550 not you either"]
        one = channel(server)
        with pytest.raises(Away, match=r"asks to try again: desk@clinic.example: 450 later"):
            await one.deliver(letter)
        with pytest.raises(Refused, match=r"therapist@clinic.example: 550 no such user; desk@clinic.example: 550 not"):
            await one.deliver(letter)
        await one.close()


async def test_a_server_that_wants_nobody_and_one_that_talks_for_ever(world: World) -> None:
    class Unwilling(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            transport.write(b"554 no service here\r\n")

    class Endless(asyncio.Protocol):
        """Answers each command in time, and always that it is not there yet."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            transport.write(b"220 hello\r\n")

        def data_received(self, data: bytes) -> None:
            asyncio.get_running_loop().call_later(0.07, self.transport.write, b"250 OK\r\n")

    letter = await letter_of(world)
    server = people_servers.MailServer()
    for kind, why in ((Unwilling, "554 no service here"), (Endless, "no answer within 0.3 s")):
        listening = await asyncio.get_running_loop().create_server(kind, server.host, server.port)
        async with listening:
            to = tuple(f"a{number}@x.example" for number in range(20))
            with pytest.raises(Away, match=why):
                await channel(server, to, timeout_s=0.1).deliver(letter)
