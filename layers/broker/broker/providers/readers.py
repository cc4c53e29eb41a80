"""What a diagnosis means for each of its readers: the owner, the administrator, the operator. Pure.

The catalogues' own texts speak to operators and developers. People at a page read these instead
(`readers.json`), where there is more to say than the page of the problem's code does. They know
nothing of commands, routes or protocols.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from broker.domain.names import IdentityProvider
from broker.domain.problems import Actor
from broker.providers.error_catalogue import table
from broker.providers.terms import Class, Language

Reader = Literal["owner", "tenant_admin"]


@dataclass(frozen=True, slots=True)
class Said:
    """A text for one reader."""

    title: str
    what: str
    remedy: tuple[str, ...]
    """What the reader does, step by step."""


def said(
    kind: Class, number: int | None, provider: IdentityProvider, reader: Reader, language: Language
) -> Said | None:
    """What to tell `reader`; None where the page of the problem's code says it."""
    entry = _entry(kind, number, provider).get(reader)
    if entry is None:
        return None
    text = entry[language]
    return Said(text["title"], text["what"], tuple(text["remedy"]))


def chores(
    kind: Class, number: int | None, provider: IdentityProvider, language: Language
) -> tuple[str, ...]:
    """What an administrator does apart from approving, for the message that an owner copies.
    Empty: approving is all."""
    entry = _entry(kind, number, provider).get("chores", {})
    return tuple(entry.get(language, ()))


def approves(kind: Class, number: int | None, provider: IdentityProvider) -> bool:
    """Whether the administrator's approval helps; else only what `chores` says does."""
    return bool(_entry(kind, number, provider).get("approves", True))


def operators(actor: Actor, language: Language) -> str:
    """What an operator does about a diagnosis that names `actor`."""
    return str(_data()["operators"][actor][language])


def _entry(kind: Class, number: int | None, provider: IdentityProvider) -> dict[str, Any]:
    """A number's own entry holds for the class it has by itself, not for what a leg makes of it."""
    entries = _data()[provider]
    known = table(provider).numbers.get(number or 0)
    own = entries.get(str(number)) if known and known.kind is kind else None
    entry = own or entries.get(kind.value, {})
    return dict(entries[entry] if isinstance(entry, str) else entry)


@cache
def _data() -> dict[str, Any]:
    """readers.json."""
    path = Path(__file__).with_name("readers.json")
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data
