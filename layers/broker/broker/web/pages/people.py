"""AWS principals and Microsoft accounts, in words for people who know neither."""

from __future__ import annotations

import re
from typing import Any

_SHAPES = {
    "everyone": re.compile(r"(?P<aws>\d{12})", re.ASCII),
    "role": re.compile(r"arn:[^:]+:iam::(?P<aws>\d{12}):role/(?:.*/)?(?P<name>[^/]+)", re.ASCII),
    "session": re.compile(
        r"arn:[^:]+:sts::(?P<aws>\d{12}):assumed-role/(?P<role>[^/]+)/(?P<name>[^/]+)", re.ASCII
    ),
    "user": re.compile(r"arn:[^:]+:iam::(?P<aws>\d{12}):user/(?:.*/)?(?P<name>[^/]+)", re.ASCII),
}


def person(principal: str, words: dict[str, Any]) -> str:
    """``arn:aws:iam::111122223333:role/jobs/team-a`` → ``team-a (AWS account 111122223333)``.

    An unknown shape comes back as it is; the caller cleans and escapes.
    """
    for name, shape in _SHAPES.items():
        if found := shape.fullmatch(principal):
            kind = "pattern" if name == "role" and "*" in found["name"] else name
            text: str = words["people"][kind]
            return text.format_map(found.groupdict())
    return principal


def mask(account: str) -> str:
    """``taro.yamada@example.com`` → ``ta•••a@example.com``: known to its owner, little to others.

    These pages are photographed and mailed around when people ask for help.
    """
    name, at, domain = account.partition("@")
    if not account:
        return ""
    if not at:
        return name[:8] + "…" if len(name) > 8 else name[:1] + "•••"
    kept = (name[:2], name[-1:]) if len(name) > 4 else (name[:1], "")
    return f"{kept[0]}•••{kept[1]}@{domain}"
