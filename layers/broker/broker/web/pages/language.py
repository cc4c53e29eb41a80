"""Which language a page speaks, and its words."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, Literal

from broker.domain.names import Instant

Language = Literal["en", "ja"]

LANGUAGES: tuple[Language, ...] = ("en", "ja")

MAX_HEADER = 1000
"""Characters of Accept-Language that are read: browsers send fewer than 200."""

_RANGE = re.compile(
    r"\s*(?P<tag>\*|[a-z]{1,8})(?:-[a-z0-9]{1,8})*\s*(?:;\s*q=(?P<q>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII | re.IGNORECASE,
)

JAPAN = timezone(timedelta(hours=9))
"""Japan has no summer time, so no time zone database is needed."""


def negotiate(accept_language: str | None) -> Language:
    """The language with the highest quality (RFC 9110 §12.5.4), English when none is wanted.

    Regions are ignored (``ja-JP`` is ``ja``); of equal qualities the one named first wins;
    ranges that break the grammar are skipped. Never raises.
    """
    qualities: dict[str, float] = {}
    for item in (accept_language or "")[:MAX_HEADER].split(","):
        if found := _RANGE.fullmatch(item):
            tag, quality = found["tag"].lower(), float(found["q"] or 1)
            qualities[tag] = max(quality, qualities.get(tag, 0))
    order = list(qualities)
    wanted = [
        (qualities.get(name, qualities.get("*", 0)), -_place(name, order), name)
        for name in LANGUAGES
    ]
    quality, _, language = max(wanted, key=lambda entry: entry[:2])
    return language if quality > 0 else "en"


def _place(name: str, order: list[str]) -> int:
    return order.index(name) if name in order else len(order)


@cache
def words(language: Language) -> dict[str, Any]:
    """All texts of one language, as in ``texts_<language>.json``."""
    data = Path(__file__).with_name(f"texts_{language}.json").read_bytes()
    loaded: dict[str, Any] = json.loads(data)
    return loaded


def moment(when: Instant, language: Language) -> str:
    """A date and time to read: UTC, on Japanese pages Japan's time."""
    if language == "ja":
        local = datetime.fromtimestamp(when, JAPAN)
        return f"{local:%Y}年{local.month}月{local.day}日 {local:%H:%M}（日本時間）"
    local = datetime.fromtimestamp(when, UTC)
    return f"{local.day} {local:%B %Y, %H:%M} UTC"
