"""From settings to people: through the journal, on a reading connection, as the daemon does it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sensord import store_receipts
from sensord.config import Settings, load_settings
from sensord.errors import InputError
from sensord.journal import Journal
from sensord.model import ALGORITHM, Event, Level
from sensord.outlets import StoreLog, open_outlets
from sensord.outlets_people import StoreBook, acknowledge, people_gaps, person_sinks
from sensord.plan.model import read_plan
from sensord.plan.programme import AlertLevel
from sensord.sinks.notices import Notice, Phase
from sensord.sinks.people import Clocks, PersonSink
from sensord.sinks.people_rules import Policy, policy_of
from sensord.sinks.receipts import Receipt, State
from sensord.store import Store
from tests.sinks.made_events import RUN, until
from tests.sinks.people_servers import Endpoint, MailServer
from tests.sinks.people_world import NOON_NS, Clock, alerts_of, opened

POLICY = Policy(alerts_of(info=["therapist"], stop=["therapist", "clinic", "coach"], urgent=["clinic"]))


def settings_of(folder: Path, text: str) -> Settings:
    path = folder / "sensord.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


@contextlib.asynccontextmanager
async def journalled(folder: Path) -> AsyncIterator[tuple[Store, Journal, list[Event]]]:
    """A store with a run in it, read and written as in the daemon; and the run's alerts, not stored yet."""
    with opened(folder) as world:
        world.alert("info", Level.INFO)
        world.alert("stop", Level.STOP, ago_s=3)
        made = [Event(e.n + 10, e.t_ns, e.kind, e.payload) for e in world.store.read_after(0, 10)]
    journal = Journal(Store.open(folder / "sensord.db", gateway="gw"))
    reader = Store.open(folder / "sensord.db", gateway="gw", readonly=True)
    with contextlib.closing(journal), contextlib.closing(reader):
        yield reader, journal, made


async def test_everybody_of_the_settings_is_told_by_their_own_way(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "secret").write_text("s3cret\n")
    async with MailServer() as mail, Endpoint() as hook:
        settings = settings_of(
            tmp_path,
            f"""
[people.therapist]
kind = "mail"
to = ["a@clinic.example"]
from = "s@clinic.example"
host = "127.0.0.1"
port = {mail.port}
tls = "none"
content = "level"
[people.clinic]
kind = "webhook"
url = "{hook.url}"
token_file = "{tmp_path}/token"
secret_file = "{tmp_path}/secret"
[people.coach]
kind = "command"
argv = ["/bin/sh", "-c", "cat > {tmp_path}/told"]
""",
        )
        async with journalled(tmp_path) as (reader, journal, alerts):
            sinks = person_sinks(settings, reader, journal, lambda: POLICY, Clocks(Clock()))
            states = {}
            async with open_outlets(sinks, StoreLog(reader, journal), lambda s: states.update({s.name: s})) as outlets:
                begun = reader.last_seq()
                await asyncio.wrap_future(journal.call(lambda store: store.append(RUN, ALGORITHM, alerts)))
                outlets.wake()
                await until(lambda: all(reader.cursor(sink.name) == reader.last_seq() > begun for sink in sinks))
            assert [await sink.check() for sink in sinks] == [None, None, None]
            for sink in sinks:
                await sink.close()
            told = {(r.person, r.alert.split("/")[1], r.state) for r in store_receipts.receipts(reader)}
    assert told == {
        ("therapist", "info", State.SENT),
        ("therapist", "stop", State.SENT),
        ("clinic", "stop", State.DELIVERED),
        ("coach", "stop", State.DELIVERED),
    }
    assert set(states) == {"people.therapist", "people.clinic", "people.coach"}
    assert len(mail.mails) == 2
    assert "Distance" not in str(mail.mails[0][1].get_content())
    headers = {key.lower(): value for key, value in hook.asked[0][0].items()}
    assert headers["authorization"] == "Bearer t0ken"
    assert headers["webhook-signature"].startswith("v1,")
    assert "Walk home" in (tmp_path / "told").read_text()


async def test_the_book_is_written_by_the_journal_and_read_beside_it(tmp_path: Path) -> None:
    async with journalled(tmp_path) as (reader, journal, _):
        book = StoreBook(reader, journal)
        await book.begin("people.x")
        assert reader.cursor("people.x") == reader.last_seq() == 2
        stop = (await book.alerts_after(1))[0].payload["id"]
        await book.note([Receipt(stop, Phase.ONSET, 0, "x", State.HELD, NOON_NS)])
        assert (await book.states("x", [stop]))[stop, Phase.ONSET, 0] is State.HELD
        assert [notice.alert for notice in await book.held("x")] == [stop]
        pain = Notice("plan/anna/1", Phase.ONSET, Level.URGENT, "anna", "pain", "Plan decision", "Pain.", NOON_NS)
        await asyncio.wrap_future(journal.call(lambda store: store_receipts.post(store, pain, at_wall_ns=NOON_NS)))
        assert [notice.alert for notice in await book.posted("x", NOON_NS)] == [pain.alert]
        assert await book.posted("x", NOON_NS + 1) == []
        await book.note([Receipt(pain.alert, Phase.ONSET, 0, "x", State.SENT, NOON_NS, "summary/1")])
        assert await book.last_summary_ns("x") == NOON_NS
        assert [(one.notice, one.reminders) for one in await book.lasting("x")] == [(pain, 0)]
        assert await book.seen([pain.alert]) == set()
        await book.acknowledge(pain.alert, "nurse")
        assert await book.seen([pain.alert]) == {pain.alert}
        assert (await acknowledge(journal, {"alert": stop, "by": "Dr. Example"})).alert == stop
        assert (await acknowledge(journal, {"alert": stop})).alert == stop
        assert await book.seen([stop]) == {stop}
        for said in ({}, {"alert": 3}, {"alert": stop, "by": 3}, {"alert": "none"}):
            with pytest.raises(InputError):
                await acknowledge(journal, said)


async def test_secrets_come_from_files_and_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mail = '[people.therapist]\nkind = "mail"\nto = ["a@x.example"]\nfrom = "s@x.example"\nhost = "mail.example"\n'
    (tmp_path / "people_therapist_password").write_text("p4ss")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    async with journalled(tmp_path) as (reader, journal, _):

        def made(text: str) -> list[PersonSink]:
            return person_sinks(settings_of(tmp_path, text), reader, journal, lambda: POLICY)

        with pytest.raises(InputError, match=r"people.therapist.tls: found a secret that would cross"):
            made(mail + 'user = "u"\ntls = "none"\n')
        made(mail + 'user = "u"\n')
        made(mail + 'tls = "none"\n')
        with pytest.raises(InputError, match="none: found No such file"):
            made(mail + f'user = "u"\npassword_file = "{tmp_path}/none"\n')
        with pytest.raises(InputError, match=r"people.h.url: found what was measured"):
            made('[people.h]\nkind = "webhook"\nurl = "http://clinic.example/x"\n')


def test_gaps_between_settings_and_plan_are_named(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, '[people.coach]\nkind = "command"\nargv = ["x"]\n')
    assert people_gaps(settings, POLICY) == [
        "the plan tells clinic, but the settings have no [people.clinic]",
        "the plan tells therapist, but the settings have no [people.therapist]",
        "nobody is told what is urgent",
    ]
    assert people_gaps(settings, Policy()) == ["[people.coach] is told nothing: the plan's [alerts] does not name them"]
    assert people_gaps(settings, Policy(alerts_of(urgent=AlertLevel(who=["coach"])))) == []
    assert people_gaps(Settings(), Policy()) == []


def test_the_examples_of_the_document_are_what_is_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "docs" / "people.md").read_text(encoding="utf-8")
    plan, settings, *_ = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    head = 'schema = "rtr-plan/1"\nid = "p"\ntitle = "Back to 5 km"\n[runner]\nalias = "anna"\n'
    policy = policy_of(read_plan(head + plan, "plan.toml"))
    assert people_gaps(settings_of(tmp_path, settings), policy) == []
    assert policy.alerts.quiet == ["22:00", "07:00"]
    for state in State:
        assert f"| `{state.value}` |" in text
