"""notify: tells the person who must act: people by mail, operators in their chats.

A mail is about connections that are *still* broken and holds a fresh link for each; at most one a
day for a connection and one an hour for a person, whatever happens. Operators get one summary of
each kind of event an hour. What has to wait stays in the queue, and is looked at anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from broker.domain.attempts import LinkKind, OpenLink, Ticket
from broker.domain.connection import Connection
from broker.domain.contacts import Contact
from broker.domain.names import Instant
from broker.domain.notices import Notice
from broker.domain.problems import Problem
from broker.lifecycle.events import tell
from broker.ports.ambient import Clock, Randomness, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.notices import Channels, Invitations, Mailer, Notices, Signer
from broker.ports.outside import Api, Events
from broker.ports.stores import Authorizations
from broker.providers.terms import Language
from broker.services import catalogue
from broker.web import links
from broker.web.invitation import invite
from broker.web.letters.bulletin import Bulletin
from broker.web.letters.compose import MAX_LISTED, Entry, Kind, Sender, compose

Reader = Literal["owner", "tenant_admin"]
READERS: tuple[Reader, ...] = ("owner", "tenant_admin")
REQUESTED = "Connection Link Requested"
"""The event that asks for a first link to be mailed."""

MAIL_AGAIN = 86_400 - 3600
"""Seconds until a connection is written about again: a day, less what a round may be late."""
PERSON_AGAIN = 3600
"""Seconds until a person gets another mail: in between, what breaks is gathered for the next."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A connection that waits for a person, and that person."""

    message: str
    """Id of the message that told of it."""
    connection: Connection
    reader: Reader
    contact: Contact
    code: str


@dataclass(frozen=True, slots=True)
class Step:
    """Reads connections and makes links; opens nothing. `mailer` None: no mail is sent.
    `base_url`: where browsers reach the broker."""

    connections: Invitations
    authorizations: Authorizations
    notices: Notices
    mailer: Mailer | None
    channels: Channels
    api: Api
    sign: Signer
    events: Events
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    stack: str
    base_url: str
    link_days: int
    organization: str
    support: str

    def run(self, messages: Mapping[str, Notice]) -> frozenset[str]:
        """Tell whoever must be told. Answers the ids of messages to be looked at again later."""
        now = Instant(int(self.clock()))
        return frozenset([*self._mail(messages, now), *self._bulletin().tell(messages, now)])

    def _bulletin(self) -> Bulletin:
        told, ambient = (self.notices, self.channels), (self.randomness, self.telemetry)
        return Bulletin(*told, self.api, self.sign, *ambient, self.stack)

    def _mail(self, messages: Mapping[str, Notice], now: Instant) -> Iterable[str]:
        """One mail for each person; ids of what must wait."""
        if self.mailer is None:
            return ()
        by_person: dict[tuple[str, ...], list[Waiting]] = {}
        seen: set[str] = set()
        for message, notice in messages.items():
            waiting = self._waiting(message, notice, now)
            if waiting and _key(waiting) not in seen:
                seen.add(_key(waiting))
                kind = waiting.reader if waiting.code else "invitation"
                contact = waiting.contact
                person = (kind, contact.email.lower(), contact.language or "")
                by_person.setdefault(person, []).append(waiting)
        return [late for group in by_person.values() for late in self._write(group, now)]

    def _waiting(self, message: str, notice: Notice, now: Instant) -> Waiting | None:
        """The connection, if it still waits for a person whose address is known."""
        if not notice.connection or notice.kind not in ("Connection Broken", REQUESTED):
            return None
        connection = self.connections.read(notice.connection)
        if connection is None or connection.suspended:
            return None
        if notice.kind == REQUESTED:
            asked = connection.open_link is not None and connection.open_link.send
            return self._for("owner", "", message, connection) if asked else None
        reader = next((reader for reader in READERS if reader == notice.actor), None)
        # Healed, deleted, consented anew, or broken for another reason: that one has its own event.
        same = connection.status == notice.status and connection.broken(now).code == notice.code
        return self._for(reader, notice.code, message, connection) if reader and same else None

    def _for(
        self, reader: Reader, code: str, message: str, connection: Connection
    ) -> Waiting | None:
        contact = connection.contacts.get(reader)
        return Waiting(message, connection, reader, contact, code) if contact else None

    def _write(self, group: Sequence[Waiting], now: Instant) -> Iterable[str]:
        """One mail about a person's connections; ids of those that must wait."""
        until = Instant(now + MAIL_AGAIN)
        fresh = [waiting for waiting in group if self.notices.claim(_key(waiting), now, until)]
        told, rest = fresh[:MAX_LISTED], fresh[MAX_LISTED:]
        person = f"person#{_digest(group[0].contact.email.lower())}"
        # An operator who asks for a link is not made to wait.
        invited = all(not waiting.code for waiting in told)
        if told and not (invited or self._may_write(person, now)):
            told, rest = [], fresh
        try:
            if told:
                self._send(told, now)
        except Unavailable as failure:
            self.telemetry.note("mail_failed", code=failure.code, service=failure.service)
            self.telemetry.count("MailFailed", service="notify")
            self.notices.release(person)
            rest = fresh
        for waiting in rest:
            self.notices.release(_key(waiting))
        return [waiting.message for waiting in rest]

    def _may_write(self, person: str, now: Instant) -> bool:
        return self.notices.claim(person, now, Instant(now + PERSON_AGAIN))

    def _send(self, group: Sequence[Waiting], now: Instant) -> None:
        ready = [(waiting, entry) for waiting in group if (entry := self._entry(waiting, now))]
        if not ready or self.mailer is None:
            return
        entries = [entry for _, entry in ready]
        first = group[0]
        kind: Kind = first.reader if first.code else "invitation"
        language: Language = "ja" if first.contact.language == "ja" else "en"
        letter = compose(kind, entries, Sender(self.organization, self.support), language)
        self.mailer.send(first.contact.email, letter.subject, letter.text, letter.html)
        for waiting, _ in ready:
            name, reader = waiting.connection.name, waiting.reader
            self.telemetry.note("mail_sent", connection=name, kind=reader)
            tell(self.events, "Connection Link Sent", waiting.connection, waiting.connection.status)
        self.telemetry.count("MailSent", service="notify")

    def _entry(self, waiting: Waiting, now: Instant) -> Entry | None:
        """One connection of a mail, with its link; None if it has changed meanwhile."""
        connection = waiting.connection
        link = self._fresh(waiting, now) if waiting.code else self._another(connection)
        if link is None:
            return None
        url, expires_at = link
        return Entry(
            title=f"{connection.display_name or connection.name} – {_title(connection.service)}",
            reason=waiting.code,
            url=url,
            expires_at=expires_at,
            account=connection.account.username if connection.account else "",
            purpose=connection.purpose,
        )

    def _fresh(self, waiting: Waiting, now: Instant) -> tuple[str, Instant] | None:
        """A new link; earlier ones end. Who made the connection stays the one who asks."""
        connection = waiting.connection
        expires_at = Instant(now + self.link_days * 86_400)
        opened = OpenLink(connection.scopes, connection.created_by, expires_at)
        made = invite(self.authorizations, self.randomness, connection, opened, self.base_url)
        if not self.connections.link(connection, made.tickets, opened):
            return None
        owner = waiting.reader == "owner"
        return (made.authorize_url if owner else made.admin_consent_url), expires_at

    def _another(self, connection: Connection) -> tuple[str, Instant] | None:
        """Another ticket of the link that the operator has just been given; it ends with that."""
        opened, secret = connection.open_link, self.randomness.secret()
        if opened is None:
            return None
        ticket = Ticket(
            kind=LinkKind.AUTHORIZE,
            name=connection.name,
            incarnation=connection.incarnation,
            link=connection.link,
            expires_at=opened.expires_at,
            record=links.digest(connection, LinkKind.AUTHORIZE),
        )
        self.authorizations.put_ticket(secret.sha256(), ticket)
        return links.url(self.base_url, LinkKind.AUTHORIZE, secret), opened.expires_at


def _key(waiting: Waiting) -> str:
    """What is told once: a breakage a day, an invitation for each link."""
    connection = waiting.connection
    about = waiting.reader if waiting.code else f"link#{connection.link}"
    return f"mail#{connection.incarnation}#{about}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _title(service: str) -> str:
    try:
        return catalogue.find(service).title
    except Problem:
        return service
