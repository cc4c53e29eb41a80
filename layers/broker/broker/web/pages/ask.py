"""The pages before Microsoft: who asks for what, and a button. Opening them consumes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from broker.domain.grants import Grant
from broker.domain.names import Instant
from broker.domain.secret import Secret
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


def ask(
    language: Language,
    *,
    action: str,
    ticket: Secret,
    connection: str,
    service: str,
    purpose: str = "",
    created_by: str = "",
    resource: str = "",
    tenant: str = "",
    scopes: Sequence[str] = (),
    grants: Sequence[Grant] = (),
    foretold: str = "",
    account: str = "",
    expires_at: Instant | None = None,
    again: bool = False,
) -> Page:
    """The page of ``GET /authorize``, for the owner of the account.

    `action`: path the form posts ``ticket`` to. `purpose`: in the operator's words. `created_by`:
    ARN of who made the link.
    `foretold`: whether an administrator will have to approve, in the page's language.
    `account`: username that must sign in, where known. `again`: the button was pressed, but not on
    this page, or in a browser without cookies. Status 200.
    """
    rows = _rows(language, connection, service, purpose, resource, tenant, created_by)
    names = words(language)["labels"]
    rows += [
        (names["account"], foreign(account) if account else ""),
        (names["scopes"], permissions(scopes, language)),
        (names["teams"], _teams(grants, language)),
        (names["forecast"], safe(foretold)),
        (names["expires"], _until(expires_at, language)),
    ]
    return _page("ask", language, service, account, rows, _form(action, ticket, language), again)


def ask_admin(
    language: Language,
    *,
    action: str,
    ticket: Secret,
    connection: str,
    service: str,
    purpose: str = "",
    created_by: str = "",
    resource: str = "",
    tenant: str = "",
    scopes: Sequence[str] = (),
    client_id: str = "",
    expires_at: Instant | None = None,
    again: bool = False,
) -> Page:
    """The page of ``GET /admin-consent``, for the tenant's administrator. As `ask`."""
    rows = _rows(language, connection, service, purpose, resource, tenant, created_by)
    names = words(language)["labels"]
    rows += [
        (names["client_id"], foreign(client_id) if client_id else ""),
        (names["scopes"], permissions(scopes, language)),
        (names["expires"], _until(expires_at, language)),
    ]
    return _page("ask_admin", language, service, "", rows, _form(action, ticket, language), again)


def permissions(scopes: Sequence[str], language: Language) -> str:
    """Scopes as a list, each with a plain description where there is one."""
    known: dict[str, str] = words(language)["scopes"]
    return items([_described(known.get(scope, ""), scope) for scope in scopes], language)


def _described(said: str, raw: str) -> str:
    return f'{safe(said)}<br><span class="raw">{foreign(raw)}</span>' if said else foreign(raw)


def _rows(
    language: Language,
    connection: str,
    service: str,
    purpose: str,
    resource: str,
    tenant: str,
    created_by: str,
) -> list[tuple[str, str]]:
    every = words(language)
    names = every["labels"]
    found = {
        "service": service,
        "resource": resource,
        "connection": connection,
        "purpose": purpose,
        "tenant": tenant,
        "created_by": person(created_by, every),
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


def _form(action: str, ticket: Secret, language: Language) -> str:
    label = safe(words(language)["continue"])
    return (
        f'<form method="post" action="{safe(action)}">'
        f'<input type="hidden" name="ticket" value="{safe(ticket.open())}">'
        f'<button type="submit">{label}</button></form>'
    )


def _page(
    name: str,
    language: Language,
    service: str,
    account: str,
    rows: list[tuple[str, str]],
    form: str,
    again: bool,
) -> Page:
    every = words(language)
    page = every[name]
    filled = {"service": clean(service), "account": clean(account)}
    title = page["title"].format_map(filled)
    sign_in = "sign_in_as" if account else "sign_in"
    todo = [line.format_map(filled) for line in [*page["before"], page[sign_in], *page["after"]]]
    blocks = [
        paragraphs(line.format_map(filled) for line in page["what"]),
        facts(rows),
        section(every["next"], steps(todo)),
        paragraphs([page["unknown"]], "note"),
        paragraphs(every["press_again"], "note") if again else "",
        form,
        paragraphs(page["notes"], "small"),
    ]
    return Page(200, layout(language, title, "ask", blocks), language)
