"""The catalogue as data: answers.json (rules) and texts.json (what people are told).

Both are read once, when first needed: a function that only serves stored tokens never does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

from broker.domain.problems import KINDS, Actor
from broker.providers.terms import Class, Effect, Endpoint, Language, Text

_HERE = Path(__file__).parent
_LEARN = "https://learn.microsoft.com/"


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
    """Says less than a suberror does."""
    retry_after: int | None = None
    scope_related: bool = False
    meaning: dict[str, str] | None = None

    def on(self, leg: Endpoint) -> Class | None:
        """Its class on this leg, before the leg's own substitutions."""
        return self.legs.get(leg, self.kind)


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
def table() -> Table:
    """The rules. A mistake in the file is a ValueError or KeyError here, and in the tests."""
    data = _read("answers.json")
    return Table(
        rules={Class(name): _rule(rule) for name, rule in data["classes"].items()},
        legs={
            Endpoint(leg): {Class(a): Class(b) for a, b in swaps.items()}
            for leg, swaps in data["legs"].items()
        },
        errors={name: _entry(entry) for name, entry in data["errors"].items()},
        suberrors={name: _entry(entry) for name, entry in data["suberrors"].items()},
        numbers={int(number): _entry(entry) for number, entry in data["numbers"].items()},
    )


def words(kind: Class, number: int | None, language: Language) -> Text:
    """The text of a number where it has its own, else of its class."""
    key = str(number) if number in _told() else kind.value
    entry = _texts()[key]
    if isinstance(entry, str):  # numbers that say the same share one text
        entry = _texts()[entry]
    known = table().numbers.get(number or 0)
    said = entry[language]
    return Text(
        key=key,
        title=said["title"],
        what=said["what"],
        remedy=said["remedy"],
        link=localized(entry.get("link") or _texts()[kind.value]["link"], language),
        meaning=(known.meaning or {}).get(language, "") if known else "",
    )


def localized(link: str, language: Language) -> str:
    """Microsoft's manual in the reader's language."""
    return link.replace(_LEARN, _LEARN + "ja-jp/", 1) if language == "ja" else link


@cache
def _told() -> frozenset[int]:
    """The numbers with a text of their own."""
    return frozenset(int(key) for key in _texts() if key.isdigit())


@cache
def _texts() -> dict[str, Any]:
    return _read("texts.json")


def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((_HERE / name).read_text(encoding="utf-8"))
    return data


def _rule(data: dict[str, Any]) -> Rule:
    if data["code"] not in KINDS or data["actor"] not in get_args(Actor):
        raise ValueError("a class with an unknown code or actor")
    return Rule(**{**data, "effect": Effect(data["effect"])})


def _entry(data: dict[str, Any]) -> Entry:
    kind = data["class"]
    return Entry(
        kind=None if kind is None else Class(kind),
        legs={Endpoint(leg): Class(name) for leg, name in data.get("legs", {}).items()},
        weak=data.get("weak", False),
        retry_after=data.get("retry_after"),
        scope_related=data.get("scope_related", False),
        meaning={"en": data["en"], "ja": data["ja"]} if "en" in data else None,
    )
