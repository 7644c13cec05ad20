"""The people of the settings: each a sink with a channel of its own, and the book of receipts that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from sensord import store_receipts
from sensord.config import CommandSettings, MailSettings, PersonSettings, Settings, WebhookSettings, read_secret
from sensord.errors import InputError, Problem
from sensord.journal import Journal
from sensord.model import Json, Level, StoredEvent
from sensord.sinks.letter import Channel
from sensord.sinks.notices import Key, Notice
from sensord.sinks.people import Clocks, PersonSink
from sensord.sinks.people_command import CommandChannel
from sensord.sinks.people_hook import HookChannel
from sensord.sinks.people_mail import MailChannel, MailServer
from sensord.sinks.people_rules import Policy
from sensord.sinks.receipts import Lasting, Receipt, State
from sensord.store import Store


class StoreBook:
    """Implements `sinks.receipts.ReceiptBook`: read on a reading connection, written by the journal's thread."""

    def __init__(self, reader: Store, journal: Journal) -> None:
        self._reader = reader
        self._journal = journal

    async def begin(self, sink: str) -> None:
        """A sink that was never here begins at the end of the log."""
        await asyncio.wrap_future(self._journal.call(lambda store: store_receipts.begin(store, sink)))

    async def states(self, person: str, alerts: Collection[str]) -> Mapping[Key, State]:
        """The state of every message about these alerts to this person."""
        return store_receipts.states(self._reader, person, alerts)

    async def seen(self, alerts: Collection[str]) -> Collection[str]:
        """Those of these alerts that somebody has acknowledged."""
        return store_receipts.seen(self._reader, alerts)

    async def last_summary_ns(self, person: str) -> int | None:
        """When the last summary went to this person."""
        return store_receipts.last_summary_ns(self._reader, person)

    async def held(self, person: str) -> Sequence[Notice]:
        """What is kept back for this person."""
        return store_receipts.held(self._reader, person)

    async def posted(self, person: str, since_wall_ns: int) -> Sequence[Notice]:
        """Notices of no run that are not settled for this person."""
        return store_receipts.posted(self._reader, person, since_wall_ns)

    async def alerts_after(self, seq: int) -> Sequence[StoredEvent]:
        """All stored alerts behind `seq`."""
        return store_receipts.alerts_after(self._reader, seq)

    async def lasting(self, person: str) -> Sequence[Lasting]:
        """What is urgent, told, and lasts without a run that reminds by itself."""
        return store_receipts.lasting(self._reader, person)

    async def note(self, receipts: Sequence[Receipt]) -> None:
        """Add rows."""
        await asyncio.wrap_future(self._journal.call(lambda store: store_receipts.note(store, receipts)))

    async def acknowledge(self, alert: str, who: str) -> None:
        """Somebody has seen it."""
        await asyncio.wrap_future(self._journal.call(lambda store: store_receipts.ack(store, alert, who)))


def person_sinks(
    settings: Settings, reader: Store, journal: Journal, policy: Callable[[], Policy], clocks: Clocks | None = None
) -> list[PersonSink]:
    """A sink for each person of the settings. InputError: a secret that is not there, or that would go in the clear."""
    book = StoreBook(reader, journal)
    return [
        PersonSink(name, channel_of(name, person, settings.gateway), book, policy, clocks=clocks)
        for name, person in settings.people.items()
    ]


def channel_of(name: str, person: PersonSettings, gateway: str) -> Channel:
    """What carries letters to a person. InputError as `person_sinks`."""
    key, source = f"people.{name}", f"/sensord/{gateway}"
    if isinstance(person, MailSettings):
        password = read_secret(person.password_file, f"people_{name}_password") if person.user else None
        server = MailServer(person.host, person.port, person.tls, person.user, password, person.ca_file)
        return MailChannel(server, sender=person.sender, to=person.to, full=person.content == "full", key=key)
    if isinstance(person, WebhookSettings):
        return HookChannel(
            person.url,
            source=source,
            secret=read_secret(person.secret_file, f"people_{name}_secret"),
            token=read_secret(person.token_file, f"people_{name}_token"),
            ca_file=person.ca_file,
            clear_text=person.clear_text,
            key=key,
            timeout_s=person.timeout_s,
        )
    assert isinstance(person, CommandSettings)
    return CommandChannel(person.argv, source=source, timeout_s=person.timeout_s)


async def acknowledge(journal: Journal, said: Mapping[str, Json]) -> Notice:
    """Keep what somebody said elsewhere (the page, MQTT): {alert, by?}; gives the alert. InputError: no such alert."""
    alert, by = said.get("alert"), said.get("by", "mqtt")
    if not isinstance(alert, str) or not isinstance(by, str):
        raise InputError(Problem("ack", "alert", str(alert)[:40], '{"alert": ID OR CODE, "by": WHO}'))
    return await asyncio.wrap_future(journal.call(lambda store: store_receipts.ack(store, alert, by)))


def people_gaps(settings: Settings, policy: Policy) -> list[str]:
    """Where settings and plan do not meet, for `doctor` and preflight: one line each."""
    known, named = set(settings.people), set(policy.people)
    gaps = [f"the plan tells {name}, but the settings have no [people.{name}]" for name in sorted(named - known)]
    gaps += [
        f"[people.{name}] is told nothing: the plan's [alerts] does not name them" for name in sorted(known - named)
    ]
    urgent = policy.level(Level.URGENT)
    if named and (urgent is None or not set(urgent.who) & known):
        gaps.append("nobody is told what is urgent")
    return gaps
