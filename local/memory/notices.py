"""What `notify` needs of the outside, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from broker.domain.attempts import OpenLink
from broker.domain.connection import Connection
from broker.domain.names import Instant, Name
from broker.domain.secret import Secret
from broker.ports.errors import Unavailable
from broker.ports.notices import Channel
from broker.ports.stores import Connections
from local.memory.tables import Tables


class Invitations:
    """`ports.Invitations` over `ports.Connections`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def read(self, name: Name) -> Connection | None:
        return self._connections.get(name)

    def link(self, before: Connection, tickets: tuple[str, str], opened: OpenLink) -> bool:
        return self._connections.link(before, tickets, opened)


class Notices:
    """`ports.Notices`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def claim(self, key: str, now: Instant, until: Instant) -> bool:
        with self._tables.lock:
            if self._tables.notices.get(key, 0) > now:
                return False
            self._tables.notices[key] = until
            return True

    def release(self, key: str) -> None:
        with self._tables.lock:
            self._tables.notices.pop(key, None)


class Mail(NamedTuple):
    """One mail that was handed over."""

    to: str
    subject: str
    text: str
    html: str


class Mailer:
    """`ports.Mailer`. `broken`: SES's code, to be raised instead."""

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.broken = ""

    def send(self, to: str, subject: str, text: str, html: str) -> None:
        if self.broken:
            raise Unavailable("ses", self.broken)
        self.sent.append(Mail(to, subject, text, html))


class Channels:
    """`ports.Channels`."""

    def __init__(self, *channels: Channel) -> None:
        self.channels = channels

    def current(self) -> Sequence[Channel]:
        return self.channels


def sign(secret: Secret, id: str, at: Instant, body: str) -> str:  # noqa: A002
    """`ports.Signer`, for those who only count posts."""
    return f"v1,{secret.sha256()}{id}{at}{len(body)}"
