"""The pages after Microsoft, and of links that do not work: what happened, who must act, how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from broker.pages.approval import approval
from broker.pages.ask import permissions
from broker.pages.language import Language, words
from broker.pages.layout import (
    Page,
    clean,
    copyable,
    facts,
    foreign,
    layout,
    link,
    paragraphs,
    safe,
    section,
    steps,
)
from broker.pages.people import mask
from broker.problems import KINDS, Actor, Kind, Provider


class Shape(NamedTuple):
    """How an outcome's page is built."""

    code: str | None = None
    """Problem code when the outcome's name is not one; its status is the page's."""
    tone: str = "stop"
    """good, info, wait or stop: mark and colour."""
    again: bool = False
    """Whether the same link can be opened again now."""
    approval: bool = False
    """Whether the page helps to reach the administrator."""


_LINK = Shape("invalid_request")

OUTCOMES: dict[str, Shape] = {
    "connected": Shape(tone="good"),
    "connected_findings": Shape(tone="info"),
    "admin_consent_received": Shape(tone="good"),
    "consent_declined": Shape(again=True, approval=True),
    "admin_consent_required": Shape(again=True, approval=True),
    "admin_consent_declined": Shape("consent_declined", again=True),
    "mfa_required": Shape(again=True),
    "blocked_by_policy": Shape(again=True),
    "reauthorization_required": Shape(again=True),
    "account_mismatch": Shape(again=True),
    "tenant_not_allowed": Shape(again=True),
    "scope_not_granted": Shape(again=True),
    "suspended": Shape(),
    "conflict": Shape(),
    "client_misconfigured": Shape(),
    "no_refresh_token": Shape("client_misconfigured"),
    "client_secret_expired": Shape(),
    "provider_error": Shape(),
    "internal_error": Shape(),
    "provider_unavailable": Shape(tone="wait", again=True),
    "throttled": Shape(tone="wait", again=True),
    "broker_unavailable": Shape(tone="wait", again=True),
    "rate_limited": Shape(tone="wait", again=True),
    "invalid_request": Shape(),
    "link_unknown": _LINK,
    "link_expired": _LINK,
    "link_used_up": _LINK,
    "link_replaced": _LINK,
    "link_finished": _LINK,
    "link_wrong_kind": _LINK,
    "attempt_unknown": Shape("invalid_request", again=True),
    "attempt_expired": Shape("invalid_request", again=True),
    "attempt_finished": Shape("invalid_request", tone="info"),
    "other_browser": Shape("invalid_request", again=True),
}
"""Every outcome with a text of its own. Any other code of KINDS gets the general text."""


SUCCESSES = frozenset({"connected", "connected_findings", "admin_consent_received"})
"""Outcomes of status 200; all others have the status of their problem code."""


@dataclass(frozen=True, slots=True)
class PageText:
    """Texts of the diagnosis catalogue, in the page's language, in place of the general ones.

    `what` and `remedy`: one sentence or several, each a paragraph or step. `link`: https address.
    """

    title: str
    what: str | Sequence[str]
    remedy: str | Sequence[str]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the check after consent. Texts are in the page's language."""

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Support:
    """What support needs to find the event. `at` is aware."""

    at: datetime
    request_id: str = ""
    provider: Provider | None = None


def outcome(
    code: str,
    language: Language,
    *,
    connection: str = "",
    service: str = "",
    account: str = "",
    expected: str = "",
    tenant: str = "",
    scopes: Sequence[str] = (),
    missing: Sequence[str] = (),
    checks: Sequence[Check] = (),
    client_id: str = "",
    restart_url: str | None = None,
    admin_consent_url: str | None = None,
    retry_after: int | None = None,
    actor: Actor | None = None,
    text: PageText | None = None,
    support: Support | None = None,
) -> Page:
    """The result page of `code`: a name of OUTCOMES or any code of KINDS (KeyError otherwise).

    `account`: who signed in; `expected`: who should have (both masked unless all went well).
    `missing`: required scopes that were not granted. `retry_after`: seconds. `restart_url`,
    `admin_consent_url`: where known. `actor`, `text`: what the diagnosis says, if it says more.
    """
    name = "connected_findings" if code == "connected" and _failing(checks) else code
    shape = OUTCOMES.get(name, Shape())
    kind = None if name in SUCCESSES else KINDS[shape.code or name]
    said = text or _general(name, language, {"service": service, "connection": connection})
    names = words(language)["labels"]
    shown = str if kind is None else mask
    rows = [
        (names["service"], service),
        (names["connection"], connection),
        (names["tenant"], tenant),
        (names["signed_in"], shown(account) if account else ""),
        (names["expected"], mask(expected) if expected else ""),
    ]
    lists = [(names["scopes"], scopes), (names["missing"], missing)]
    blocks = [
        paragraphs(_lines(said.what)),
        _who(actor or kind.actor, language) if kind else "",
        _remedy(said, shape, language, restart_url, retry_after),
        _checks(checks, language),
        facts(
            [(label, foreign(raw) if raw else "") for label, raw in rows]
            + [(label, permissions(found, language)) for label, found in lists]
        ),
    ]
    if shape.approval:
        blocks.append(
            approval(
                language,
                service=service,
                connection=connection,
                client_id=client_id,
                scopes=scopes,
                url=link(admin_consent_url),
            )
        )
    blocks.append(_support(support, name, kind, language))
    title = clean(said.title)
    return Page(kind.status if kind else 200, layout(language, title, shape.tone, blocks), language)


def _general(name: str, language: Language, names: dict[str, str]) -> PageText:
    """The text of `name`, with names filled in; the words for "it" where a name is unknown."""
    every = words(language)
    found = every["outcomes"].get(name) or every["outcomes"]["other"]
    filled = {key: clean(raw) if raw else every["unnamed"][key] for key, raw in names.items()}
    return PageText(
        found["title"].format_map(filled),
        [line.format_map(filled) for line in found["what"]],
        [line.format_map(filled) for line in found["remedy"]],
        found.get("link"),
    )


def _failing(checks: Sequence[Check]) -> bool:
    return any(not check.ok for check in checks)


def _lines(said: str | Sequence[str]) -> Sequence[str]:
    return [said] if isinstance(said, str) else said


def _who(actor: Actor, language: Language) -> str:
    every = words(language)
    return section(every["who"], paragraphs([every["actors"][actor]]))


def _remedy(
    said: PageText, shape: Shape, language: Language, restart: str | None, retry_after: int | None
) -> str:
    every = words(language)
    body = steps(_lines(said.remedy))
    if retry_after:
        body += paragraphs([every["wait"].format(seconds=retry_after)])
    if more := link(said.link):
        body += f'<p><a href="{safe(more)}" rel="noreferrer">{safe(every["read_more"])}</a></p>'
    if shape.again and (url := link(restart)):
        body += f'<p><a class="button" href="{safe(url)}">{safe(every["start_again"])}</a></p>'
    elif shape.again:
        body += paragraphs([every["open_again"]])
    return section(every["after"] if shape.tone == "good" else every["how"], body)


def _checks(checks: Sequence[Check], language: Language) -> str:
    every = words(language)
    body = "".join(_check(check, every) for check in checks)
    return section(every["checks"], f'<ul class="checks">{body}</ul>' if body else "")


def _check(check: Check, every: dict[str, Any]) -> str:
    word = safe(every["passed"] if check.ok else every["failed"])
    rest = paragraphs(line for line in (check.detail, check.remedy) if line)
    css = "passed" if check.ok else "failed"
    return f'<li><b class="{css}">{word}</b> {foreign(check.name)}{rest}</li>'


def _support(support: Support | None, name: str, kind: Kind | None, language: Language) -> str:
    """In English in both languages: these lines are for the operator and Microsoft's support."""
    if support is None or kind is None:
        return ""
    provider = support.provider or Provider()
    numbers = " ".join(f"AADSTS{number}" for number in provider.error_codes)
    rows = {
        "Code": f"{name} ({kind.status})",
        "Time": support.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Request ID": support.request_id,
        "Microsoft error": " ".join(filter(None, (provider.error, provider.suberror, numbers))),
        "Trace ID": provider.trace_id,
        "Correlation ID": provider.correlation_id,
        "Timestamp": provider.timestamp,
    }
    every = words(language)
    lines = "\n".join(f"{label}: {clean(raw)}" for label, raw in rows.items() if raw)
    hint = paragraphs([every["support_hint"]], "small")
    return section(every["support"], copyable(lines, every["support"]) + hint)
