"""The pages after Microsoft, and of links that do not work: what happened, who must act, how."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from broker.domain.problems import KINDS, Actor, Kind, Provider
from broker.web.pages.approval import approval
from broker.web.pages.ask import permissions
from broker.web.pages.language import Language, words
from broker.web.pages.layout import (
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
from broker.web.pages.people import mask
from broker.web.pages.shapes import OUTCOMES, SUCCESSES, Check, PageText, Shape, Support


def outcome(
    code: str,
    language: Language,
    *,
    connection: str = "",
    purpose: str = "",
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
    chores: Sequence[str] = (),
    approves: bool = True,
    support: Support | None = None,
) -> Page:
    """The result page of `code`: a name of OUTCOMES or any code of KINDS (KeyError otherwise).

    `account`: who signed in; `expected`: who should have (both masked unless all went well).
    `missing`: required scopes that were not granted. `retry_after`: seconds. `restart_url`,
    `admin_consent_url`: where known. `actor`, `text`: what the diagnosis says, if it says more.
    `chores`: what the administrator does apart from approving; `approves`: whether that helps.
    `support`: give it for every failure, many texts refer to it.
    """
    name = _connected(checks) if code == "connected" else code
    shape = OUTCOMES.get(name, Shape())
    kind = None if name in SUCCESSES else KINDS[shape.code or name]
    who = actor or shape.actor or (kind.actor if kind else None)
    said = text or _general(name, language, {"service": service, "connection": connection})
    shown = str if kind is None else mask
    accounts = {"signed_in": shown(account), "expected": mask(expected)}
    about = {"service": service, "connection": connection, "purpose": purpose, "tenant": tenant}
    about |= {} if kind else accounts
    blocks = [
        paragraphs(_lines(said.what)),
        _checks(checks, language),
        _facts(accounts if kind else {}, {"missing": missing}, language),
        _who(who, language) if who and shape.tone != "info" else "",
        _remedy(said, shape, language, restart_url, retry_after),
        section(words(language)["about"], _facts(about, {"scopes": scopes}, language)),
    ]
    if shape.approval or chores:
        blocks.append(
            approval(
                language,
                service=service,
                connection=connection,
                client_id=client_id,
                scopes=scopes,
                url=link(admin_consent_url),
                chores=chores,
                approves=approves,
                correlation_id=((support and support.provider) or Provider()).correlation_id or "",
            )
        )
    blocks.append(_support(support, name, shape.code, kind, language))
    title = clean(said.title)
    return Page(kind.status if kind else 200, layout(language, title, shape.tone, blocks), language)


def brief(code: str, language: Language) -> tuple[str, str]:
    """What happened and what to do, for any code of KINDS, in a line each."""
    said = _general(code, language, dict(words(language)["unnamed"]))
    return " ".join(_lines(said.what)), " ".join(_lines(said.remedy))


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


def _facts(single: dict[str, str], many: dict[str, Sequence[str]], language: Language) -> str:
    names = words(language)["labels"]
    rows = [(names[key], foreign(raw) if raw else "") for key, raw in single.items()]
    return facts(rows + [(names[key], permissions(raw, language)) for key, raw in many.items()])


def _connected(checks: Sequence[Check]) -> str:
    """The page after a consent: whether all is well, and whether it is the owner who must act."""
    failing = [check for check in checks if not check.ok]
    theirs = any(check.actor in (None, "owner", "tenant_admin") for check in failing)
    return ("connected_findings" if theirs else "connected_waiting") if failing else "connected"


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
        body += paragraphs([every["wait"].format(minutes=math.ceil(retry_after / 60))])
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
    who = every["actors"][check.actor] if check.actor and not check.ok else ""
    rest = paragraphs(line for line in (check.detail, check.remedy) if line)
    rest += paragraphs([f"{every['who']}: {who}"], "small") if who else ""
    css = "passed" if check.ok else "failed"
    return f'<li><b class="{css}">{word}</b> {foreign(check.name)}{rest}</li>'


def _support(
    support: Support | None, name: str, code: str | None, kind: Kind | None, language: Language
) -> str:
    """The same facts in both languages, for the operator and the provider's support."""
    if support is None or kind is None:
        return ""
    provider = support.provider or Provider()
    numbers = " ".join(f"AADSTS{number}" for number in provider.error_codes)
    answer = " ".join(filter(None, (provider.error, provider.suberror, numbers)))
    rows = {
        "code": f"{code}: {name} ({kind.status})" if code else f"{name} ({kind.status})",
        "time": datetime.fromtimestamp(support.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "request_id": support.request_id,
        "answer": answer,
        "trace_id": provider.trace_id,
        "correlation_id": provider.correlation_id,
        "timestamp": provider.timestamp,
    }
    every = words(language)
    names = every["support_labels"]
    lines = "\n".join(f"{names[key]}: {clean(raw)}" for key, raw in rows.items() if raw)
    hint = paragraphs([every["support_hint"]], "small")
    return section(every["support"], copyable(lines, every["support"]) + hint)
