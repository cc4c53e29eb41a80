"""What `notify` needs of the outside: who was told when, mail, chats and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from broker.domain.attempts import OpenLink
from broker.domain.connection import Connection
from broker.domain.names import Instant, Name
from broker.domain.secret import Secret


class Invitations(Protocol):
    """The part of a connection that says who waits for what, and its link."""

    def read(self, name: Name) -> Connection | None:
        """The connection, or None; strongly consistent. Tokens, parameters and lease are left at
        their defaults."""
        ...

    def link(self, before: Connection, tickets: tuple[str, str], opened: OpenLink) -> bool:
        """As `Connections.link`."""
        ...


class Notices(Protocol):
    """Who was told what lately; in the table `authorizations`, keys of the kind `notice`."""

    def claim(self, key: str, now: Instant, until: Instant) -> bool:
        """Whether this may be told now; if so, not again before `until`. One winner: a conditional
        write. Expiry is part of the condition."""
        ...

    def release(self, key: str) -> None:
        """It was not told after all."""
        ...


class Mailer(Protocol):
    """Outgoing mail."""

    def send(self, to: str, subject: str, text: str, html: str) -> None:
        """Hand one mail over. Raises `Unavailable` (throttled, sandbox, refused)."""
        ...


ChannelKind = Literal["slack", "teams", "webhook"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A place to post to. The URL of a chat is a secret: whoever has it may post."""

    kind: ChannelKind
    url: Secret
    secret: Secret | None = field(default=None, repr=False)
    """A webhook's signing secret (Standard Webhooks, `whsec_…`)."""

    @property
    def key(self) -> str:
        """Stands for it where it must not be shown."""
        return self.url.sha256()[:16]


class Channels(Protocol):
    """The channels an operator configured."""

    def current(self) -> Sequence[Channel]:
        """All that are well-formed, cached for a while; none if nothing is configured. What is not
        well-formed is noted, without its content."""
        ...


class Signer(Protocol):
    """Standard Webhooks' signature."""

    def __call__(self, secret: Secret, id: str, at: Instant, body: str) -> str:  # noqa: A002
        """The header `webhook-signature`."""
        ...
