"""The catalogues as data: each provider's answers.json (rules) and texts.json (what people read).

Both are read once, when first needed: a function that only serves stored tokens never does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from broker.domain.names import IdentityProvider
from broker.domain.problems import KINDS, Actor
from broker.providers.terms import Class, Effect, Endpoint, Language, Text

Mark = Literal["one_user", "public_client"]
"""What a number says beside its class. one_user: a throttle for one user's identical requests,
never for a whole tenant. public_client: the code or token must be redeemed without a credential;
about an import it says something of the token, else it is about the registration."""

_FOLDERS: dict[IdentityProvider, str] = {"microsoft": "entra", "google": "google"}
_LEARN = "https://learn.microsoft.com/"
_GOOGLE = "https://support.google.com/"


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows from a class, on whatever leg."""

    code: str
    actor: Actor
    effect: Effect
    retryable: bool = False
    retry_after: int | None = None
    """Seconds, where Microsoft's answer names none."""
    scope_related: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One `error`, `suberror` or AADSTS number."""

    kind: Class | None
    """None: a number that says nothing of its own; `error` decides."""
    legs: dict[Endpoint, Class]
    """Where a leg makes another class of it."""
    weak: bool = False
    """Says less than a suberror does, and is known to come and go with the same token."""
    retry_after: int | None = None
    scope_related: bool = False
    spreads: bool = False
    """Comes and goes: for some minutes after a credential was registered, or while the provider
    cannot reach what it judges by."""
    beside: dict[str, Class] | None = None
    """Where an `error` beside it makes another class of it."""
    marks: frozenset[Mark] = frozenset()
    meaning: dict[str, str] | None = None

    def on(self, leg: Endpoint, error: str | None = None) -> Class | None:
        """Its class on this leg and beside this `error`, before the leg's own substitutions."""
        return (self.beside or {}).get(error or "") or self.legs.get(leg, self.kind)


@dataclass(frozen=True, slots=True)
class Table:
    """answers.json, checked."""

    rules: dict[Class, Rule]
    legs: dict[Endpoint, dict[Class, Class]]
    """On a leg, one class stands in for another: asking again who is just being asked is moot."""
    errors: dict[str, Entry]
    suberrors: dict[str, Entry]
    numbers: dict[int, Entry]


@cache
def table(provider: IdentityProvider = "microsoft") -> Table:
    """The rules. A mistake in the file is a ValueError or KeyError here, and in the tests."""
    data = _read(provider, "answers.json")
    return Table(
        rules={Class(name): _rule(rule) for name, rule in data["classes"].items()},
        legs={
            Endpoint(leg): {Class(a): Class(b) for a, b in swaps.items()}
            for leg, swaps in data["legs"].items()
        },
        errors={name: _entry(entry) for name, entry in data["errors"].items()},
        suberrors={name: _entry(entry) for name, entry in data["suberrors"].items()},
        numbers={int(number): _entry(entry) for number, entry in data.get("numbers", {}).items()},
    )


def marked(mark: Mark, numbers: Iterable[int]) -> bool:
    """Whether one of Microsoft's numbers bears the mark. Numbers nobody knows bear none."""
    known = table().numbers
    return any(number in known and mark in known[number].marks for number in numbers)


def words(
    kind: Class,
    number: int | None,
    language: Language,
    provider: IdentityProvider = "microsoft",
) -> Text:
    """The text of a number where it has its own, else of its class."""
    texts = _texts(provider)
    key = str(number) if str(number) in texts else kind.value
    entry = texts[key]
    if isinstance(entry, str):  # numbers that say the same share one text
        entry = texts[entry]
    known = table(provider).numbers.get(number or 0)
    said = entry[language]
    return Text(
        key=key,
        title=said["title"],
        what=said["what"],
        remedy=said["remedy"],
        link=localized(entry.get("link") or texts[kind.value]["link"], language),
        meaning=(known.meaning or {}).get(language, "") if known else "",
    )


def localized(link: str, language: Language) -> str:
    """The provider's manual in the reader's language."""
    if language == "en":
        return link
    if link.startswith(_GOOGLE):
        return f"{link}?hl=ja"
    return link.replace(_LEARN, _LEARN + "ja-jp/", 1)


@cache
def _texts(provider: IdentityProvider) -> dict[str, Any]:
    return _read(provider, "texts.json")


def _read(provider: IdentityProvider, name: str) -> dict[str, Any]:
    path = Path(__file__).parent / _FOLDERS[provider] / name
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _rule(data: dict[str, Any]) -> Rule:
    if data["code"] not in KINDS or data["actor"] not in get_args(Actor):
        raise ValueError("a class with an unknown code or actor")
    return Rule(**{**data, "effect": Effect(data["effect"])})


def _entry(data: dict[str, Any]) -> Entry:
    kind = data["class"]
    marks = frozenset(data.get("marks", ()))
    if not marks <= set(get_args(Mark)):
        raise ValueError("a number with an unknown mark")
    return Entry(
        kind=None if kind is None else Class(kind),
        legs={Endpoint(leg): Class(name) for leg, name in data.get("legs", {}).items()},
        weak=data.get("weak", False),
        retry_after=data.get("retry_after"),
        scope_related=data.get("scope_related", False),
        spreads=data.get("spreads", False),
        beside={error: Class(name) for error, name in data.get("beside", {}).items()},
        marks=marks,
        meaning={"en": data["en"], "ja": data["ja"]} if "en" in data else None,
    )
