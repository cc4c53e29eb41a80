"""The pages before Microsoft: who asks for what, and a button. Opening them consumes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from broker.pages.language import Language, moment, words
from broker.pages.layout import (
    MAX_ITEMS,
    Page,
    clean,
    facts,
    foreign,
    layout,
    paragraphs,
    safe,
    section,
    steps,
    values,
)
from broker.pages.people import Team, person
from broker.secret import Secret


def ask(
    language: Language,
    *,
    action: str,
    ticket: Secret,
    connection: str,
    service: str,
    created_by: str = "",
    resource: str = "",
    tenant: str = "",
    scopes: Sequence[str] = (),
    teams: Sequence[Team] = (),
    account: str = "",
    expires_at: datetime | None = None,
) -> Page:
    """The page of ``GET /authorize``, for the owner of the account.

    `action`: path the form posts ``ticket`` to. `created_by`: ARN of who made the link.
    `account`: username that must sign in, where known. Status 200.
    """
    rows = _rows(language, connection, service, resource, tenant, created_by)
    names = words(language)["labels"]
    rows += [
        (names["account"], foreign(account) if account else ""),
        (names["scopes"], permissions(scopes, language)),
        (names["teams"], _teams(teams, language)),
        (names["expires"], _until(expires_at, language)),
    ]
    return _page("ask", language, service, account, rows, _form(action, ticket, language))


def ask_admin(
    language: Language,
    *,
    action: str,
    ticket: Secret,
    connection: str,
    service: str,
    created_by: str = "",
    resource: str = "",
    tenant: str = "",
    scopes: Sequence[str] = (),
    client_id: str = "",
    expires_at: datetime | None = None,
) -> Page:
    """The page of ``GET /admin-consent``, for the tenant's administrator. As `ask`."""
    rows = _rows(language, connection, service, resource, tenant, created_by)
    names = words(language)["labels"]
    rows += [
        (names["client_id"], foreign(client_id) if client_id else ""),
        (names["scopes"], permissions(scopes, language)),
        (names["expires"], _until(expires_at, language)),
    ]
    return _page("ask_admin", language, service, "", rows, _form(action, ticket, language))


def permissions(scopes: Sequence[str], language: Language) -> str:
    """Scopes as a list, each with a plain description where there is one."""
    known: dict[str, str] = words(language)["scopes"]
    if not any(scope in known for scope in scopes[:MAX_ITEMS]):
        return values(scopes, language) if scopes else ""
    shown = [f"<li>{_permission(scope, known)}</li>" for scope in scopes[:MAX_ITEMS]]
    if len(scopes) > MAX_ITEMS:
        more = words(language)["more"].format(count=len(scopes) - MAX_ITEMS)
        shown.append(f"<li>{safe(more)}</li>")
    return f"<ul>{''.join(shown)}</ul>"


def _permission(scope: str, known: dict[str, str]) -> str:
    raw = foreign(scope)
    return f'{safe(known[scope])}<br><span class="raw">{raw}</span>' if scope in known else raw


def _rows(
    language: Language, connection: str, service: str, resource: str, tenant: str, created_by: str
) -> list[tuple[str, str]]:
    all_words = words(language)
    names = all_words["labels"]
    found = {
        "service": service,
        "resource": resource,
        "connection": connection,
        "tenant": tenant,
        "created_by": person(created_by, all_words),
    }
    return [(names[name], foreign(raw) if raw else "") for name, raw in found.items()]


def _teams(teams: Sequence[Team], language: Language) -> str:
    all_words = words(language)
    if not teams:
        return safe(all_words["no_teams"])
    return values([_team(team, all_words) for team in teams], language)


def _team(team: Team, all_words: dict[str, Any]) -> str:
    who = person(team.principal, all_words)
    if not team.scopes:
        return who
    limited: str = all_words["limited"]
    return limited.format(who=who, scopes=" ".join(team.scopes))


def _until(when: datetime | None, language: Language) -> str:
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
) -> Page:
    all_words = words(language)
    page = all_words[name]
    filled = {"service": clean(service), "account": clean(account)}
    title = page["title"].format_map(filled)
    sign_in = "sign_in_as" if account else "sign_in"
    after = [line.format_map(filled) for line in [*page["before"], page[sign_in], *page["after"]]]
    blocks = [
        paragraphs(line.format_map(filled) for line in page["what"]),
        facts(rows),
        section(all_words["next"], steps(after)),
        paragraphs([page["unknown"]], "note"),
        form,
        paragraphs(page["notes"], "small"),
    ]
    return Page(200, layout(language, title, "ask", blocks), language)
