"""Links, cookies, states: what a browser carries. Pure.

RFC 9700 §2.1 (PKCE, state, one use), RFC 7636 (S256), RFC 6265bis (`__Host-`).
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Literal
from urllib.parse import urlencode

from broker.domain.attempts import LinkKind, OpenLink, State, Ticket
from broker.domain.connection import Connection
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.web.pages.language import LANGUAGES, Language

COOKIE = "__Host-tb"
LANGUAGE_COOKIE = "__Host-tb-lang"
STARTS = 20
"""Attempts one link allows."""
ATTEMPT_SECONDS = 900
"""A state lives as long as a person needs at Microsoft; the code itself lives about 10 minutes."""
PATHS = {LinkKind.AUTHORIZE: "authorize", LinkKind.ADMIN: "admin-consent"}

_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")

Page = Literal[
    "link_unknown",
    "link_expired",
    "link_used_up",
    "link_replaced",
    "link_finished",
    "link_wrong_kind",
    "attempt_unknown",
    "attempt_expired",
    "attempt_finished",
    "other_browser",
]


class LinkProblem(Problem):
    """A link or attempt that does not work, and the page that says why."""

    def __init__(self, page: Page) -> None:
        self.page = page
        super().__init__("invalid_request", f"The link does not work: {page}.")


def value(text: str | None) -> Secret | None:
    """A ticket, state or cookie as the broker makes them (256 bits), or None."""
    return Secret(text) if text and _VALUE.fullmatch(text) else None


def url(base: str, kind: LinkKind, ticket: Secret) -> str:
    """The link for a person. It is a secret: whoever has it may consent."""
    return f"{base}/{PATHS[kind]}?{urlencode({'ticket': ticket.open()})}"


def still_open(connection: Connection | None, part: Ticket | State) -> tuple[Connection, OpenLink]:
    """The connection and the open link that a ticket or an attempt is part of. Raises
    `LinkProblem` if they have ended."""
    if connection is None or connection.incarnation != part.incarnation:
        raise LinkProblem("link_unknown")
    if connection.open_link is None:
        raise LinkProblem("link_finished")
    if connection.link != part.link:
        raise LinkProblem("link_replaced")
    return connection, connection.open_link


def digest(connection: Connection, kind: LinkKind) -> str:
    """SHA-256 of the open link's ticket of this kind."""
    return dict(zip(LinkKind, connection.tickets, strict=True))[kind]


def handed_over(state: Secret) -> Secret:
    """The administrator's ticket that the page of an attempt hands over. Made of the state, which
    is stored nowhere: a reload shows the same one, and need not store another."""
    return Secret(_urlsafe(hashlib.sha256(b"administrator " + state.open().encode("ascii"))))


def handover_url(base: str, state: str | None) -> str | None:
    """The link of that ticket."""
    secret = value(state)
    return url(base, LinkKind.ADMIN, handed_over(secret)) if secret else None


def challenge(verifier: Secret) -> str:
    """RFC 7636 §4.2: base64url(SHA-256(verifier)), unpadded."""
    return _urlsafe(hashlib.sha256(verifier.open().encode("ascii")))


def _urlsafe(digest: hashlib._Hash) -> str:
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def cookie(header: str | None) -> Secret | None:
    """The broker's cookie from a Cookie header."""
    for part in (header or "").split(";"):
        name, _, text = part.strip().partition("=")
        if name == COOKIE:
            return value(text)
    return None


def set_cookie(secret: Secret) -> str:
    """The Set-Cookie header. Lax: Microsoft's redirect back is a top-level GET."""
    return f"{COOKIE}={secret.open()}; Path=/; Secure; HttpOnly; SameSite=Lax"


def language(header: str | None) -> Language | None:
    """The language that was chosen before, from a Cookie header."""
    pairs = (part.strip().partition("=") for part in (header or "").split(";"))
    kept = {text for name, _, text in pairs if name == LANGUAGE_COOKIE}
    return next((known for known in LANGUAGES if kept == {known}), None)


def set_language(chosen: Language) -> str:
    """Keeps a choice until the browser is closed: the way to the provider and back forgets it."""
    return f"{LANGUAGE_COOKIE}={chosen}; Path=/; Secure; HttpOnly; SameSite=Lax"
