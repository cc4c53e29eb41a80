"""The pages before Microsoft: who asks for what, and a button. Opening them consumes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.domain.grants import Grant
from broker.domain.names import Instant
from broker.web.pages.language import Language, moment, words
from broker.web.pages.layout import (
    Page,
    clean,
    details,
    facts,
    foreign,
    items,
    layout,
    paragraphs,
    safe,
    section,
    steps,
)
from broker.web.pages.people import person
from broker.web.pages.shapes import Asked


def ask(
    language: Language,
    asked: Asked,
    *,
    grants: Sequence[Grant] = (),
    foretold: str = "",
    account: str = "",
) -> Page:
    """The page of ``GET /authorize``, for the owner of the account. Status 200.

    `foretold`: whether an administrator will have to approve, in the page's language.
    `account`: username that must sign in, where known.
    """
    names = words(language)["labels"]
    rows = [
        *_rows(language, asked),
        (names["account"], foreign(account) if account else ""),
        (names["scopes"], permissions(asked.scopes, language)),
        (names["teams"], _teams(grants, language)),
        (names["forecast"], safe(foretold)),
        (names["expires"], _until(asked.expires_at, language)),
    ]
    return _page("ask", language, asked, rows, account)


def ask_admin(language: Language, asked: Asked, *, client_id: str = "") -> Page:
    """The page of ``GET /admin-consent``, for the tenant's administrator. Status 200."""
    names = words(language)["labels"]
    rows = [
        *_rows(language, asked),
        (names["client_id"], foreign(client_id) if client_id else ""),
        (names["scopes"], permissions(asked.scopes, language)),
        (names["expires"], _until(asked.expires_at, language)),
    ]
    return _page("ask_admin", language, asked, rows)


def permissions(scopes: Sequence[str], language: Language) -> str:
    """Scopes as a list, each with a plain description where there is one."""
    known: dict[str, str] = words(language)["scopes"]
    return items([_described(known.get(scope, ""), scope) for scope in scopes], language)


def _described(said: str, raw: str) -> str:
    return f'{safe(said)}<br><span class="raw">{foreign(raw)}</span>' if said else foreign(raw)


def _rows(language: Language, asked: Asked) -> list[tuple[str, str]]:
    every = words(language)
    names = every["labels"]
    found = {
        "service": asked.service,
        "resource": asked.resource,
        "connection": asked.connection,
        "purpose": asked.purpose,
        "tenant": asked.tenant,
        "created_by": person(asked.created_by, every),
    }
    return [(names[name], foreign(raw) if raw else "") for name, raw in found.items()]


def _teams(grants: Sequence[Grant], language: Language) -> str:
    every = words(language)
    if not grants:
        return safe(every["no_teams"])
    exactly = items([foreign(grant.principal) for grant in grants], language)
    shown = items([_team(grant, every) for grant in grants], language)
    return shown + details(every["exactly"], exactly)


def _team(grant: Grant, every: dict[str, Any]) -> str:
    who = foreign(person(grant.principal, every))
    if grant.scopes is None:
        return who
    only = every["limited"].format(scopes=" ".join(grant.scopes))
    return f'{who}<br><span class="raw">{foreign(only)}</span>'


def _until(when: Instant | None, language: Language) -> str:
    return safe(moment(when, language)) if when else ""


def _form(asked: Asked, language: Language) -> str:
    label = safe(words(language)["continue"])
    return (
        f'<form method="post" action="{safe(asked.action)}">'
        f'<input type="hidden" name="ticket" value="{safe(asked.ticket.open())}">'
        f'<button type="submit">{label}</button></form>'
    )


def _page(
    name: str, language: Language, asked: Asked, rows: list[tuple[str, str]], account: str = ""
) -> Page:
    every = words(language)
    page = every[name]
    filled = {"service": clean(asked.service), "account": clean(account)}
    title = page["title"].format_map(filled)
    sign_in = "sign_in_as" if account else "sign_in"
    todo = [line.format_map(filled) for line in [*page["before"], page[sign_in], *page["after"]]]
    blocks = [
        paragraphs(line.format_map(filled) for line in page["what"]),
        facts(rows),
        section(every["next"], steps(todo)),
        paragraphs([page["unknown"]], "note"),
        paragraphs(every["press_again"], "note") if asked.again else "",
        _form(asked, language),
        paragraphs(page["notes"], "small"),
    ]
    return Page(200, layout(language, title, "ask", blocks), language)
