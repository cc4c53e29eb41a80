"""What an owner hands to the tenant's administrator, and what that person clicks in Entra."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from broker.web.pages.language import Language, words
from broker.web.pages.layout import (
    MAX_ITEMS,
    clean,
    copyable,
    details,
    paragraphs,
    safe,
    section,
    steps,
)

MAX_MAILTO = 2000
"""Characters of a mailto address that every mail program takes: Windows hands over 2,083."""


def approval(
    language: Language,
    *,
    service: str,
    connection: str,
    client_id: str,
    scopes: Sequence[str],
    url: str | None,
    chores: Sequence[str] = (),
    approves: bool = True,
    correlation_id: str = "",
) -> str:
    """The message to copy or mail, which tells the administrator everything; where approving
    helps, the tenant's settings on demand.

    Both kinds of tenant are covered: those where a user can request approval, and those where
    not. https://learn.microsoft.com/entra/identity/enterprise-apps/configure-admin-consent-workflow
    """
    parts = words(language)["approval"]
    filled = {
        "service": clean(service) or words(language)["unnamed"]["service"],
        "connection": clean(connection),
        "client_id": clean(client_id),
        "scopes": "\n".join(f"  {clean(scope)}" for scope in scopes[:MAX_ITEMS]),
        "url": (url or "") if approves else "",
        "correlation_id": "" if approves else clean(correlation_id),
    }
    todo = [*(f"{parts['bullet']}{chore}" for chore in chores), *(parts["how"] if approves else ())]
    lines = [*parts["message"], *todo, *parts["closing"]]
    text = message(lines, filled)
    settings = paragraphs(parts["settings_what"]) + steps(parts["settings"])
    return section(
        parts["message_title"],
        paragraphs([parts["message_hint"]])
        + copyable(text, parts["message_title"])
        + _mail(text, parts["subject"].format_map(filled), language)
        + (details(parts["settings_title"], settings) if approves else ""),
    )


def _mail(text: str, subject: str, language: Language) -> str:
    """A button that begins a mail with the message; where that is too long, with its subject."""
    parts = words(language)["approval"]
    begin = f"mailto:?subject={quote(subject)}&body="
    address = begin + quote(text.replace("\n", "\r\n"))
    if len(address) > MAX_MAILTO:
        address = begin + quote(parts["paste"])
    return f'<p><a class="button" href="{safe(address, MAX_MAILTO)}">{safe(parts["mail"])}</a></p>'


def message(lines: Sequence[str], filled: dict[str, str]) -> str:
    """`lines` with the names filled in; a line whose value is unknown is left out."""
    empty = [f"{{{name}}}" for name, raw in filled.items() if not raw]
    kept = [line for line in lines if not any(name in line for name in empty)]
    return "\n".join(line.format_map(filled) for line in kept)
