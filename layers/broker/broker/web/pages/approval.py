"""What an owner hands to the tenant's administrator, and what that person clicks in Entra."""

from __future__ import annotations

from collections.abc import Sequence

from broker.web.pages.language import Language, words
from broker.web.pages.layout import MAX_ITEMS, clean, copyable, details, paragraphs, section, steps


def approval(
    language: Language,
    *,
    service: str,
    connection: str,
    client_id: str,
    scopes: Sequence[str],
    url: str | None,
) -> str:
    """The message to copy, the administrator's clicks, the tenant's settings, the way back.

    Both kinds of tenant are covered: those where a user can request approval, and those where
    not. https://learn.microsoft.com/entra/identity/enterprise-apps/configure-admin-consent-workflow
    """
    parts = words(language)["approval"]
    filled = {
        "service": clean(service) or words(language)["unnamed"]["service"],
        "connection": clean(connection),
        "client_id": clean(client_id),
        "scopes": "\n".join(f"  {clean(scope)}" for scope in scopes[:MAX_ITEMS]),
        "url": url or "",
    }
    settings = paragraphs(parts["settings_what"]) + steps(parts["settings"])
    return (
        section(
            parts["message_title"],
            paragraphs([parts["message_hint"]])
            + copyable(message(parts["message"], filled), parts["message_title"]),
        )
        + section(
            parts["clicks_title"],
            steps(parts["clicks"]) + details(parts["settings_title"], settings),
        )
        + section(parts["back_title"], steps(parts["back"]))
    )


def message(lines: Sequence[str], filled: dict[str, str]) -> str:
    """`lines` with the names filled in; a line whose value is unknown is left out."""
    empty = [f"{{{name}}}" for name, raw in filled.items() if not raw]
    kept = [line for line in lines if not any(name in line for name in empty)]
    return "\n".join(line.format_map(filled) for line in kept)
