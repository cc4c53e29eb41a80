"""One layout, its headers, and the blocks pages are built of. Blocks take raw values and escape."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from broker.web.pages.language import Language, words

SHORT, LONG = 200, 2000
"""Characters shown of a name, and of a paragraph or link. Longer values end in an ellipsis."""

MAX_ITEMS = 100
"""Entries shown of a list, as many as there may be grants; the rest is counted."""

_MICROSOFT = re.compile(
    r"https://(?:[a-z0-9-]+\.)*(?:microsoft\.com|microsoftonline\.com|live\.com|aka\.ms)"
    r"(?:/[\w-]+(?:[./][\w-]+)*)?(?![\w@:/-])(?!\.\w)",
    re.ASCII,
)
"""Addresses in texts that become links: Microsoft's, so that no foreign value ever does."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to a browser. `html` may hold a ticket in a form, so it stays out of reprs."""

    status: int
    html: str = field(repr=False)
    language: Language


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page."""

    organization: str = ""
    support: str = ""
    """Whom people may ask, in the operator's words."""
    switch: str = ""
    """Address of this page in the other language, relative to it; empty: there is none."""


_END = "</body></html>"


@cache
def style() -> str:
    """The one style sheet, as it stands between the style tags."""
    return Path(__file__).with_name("style.css").read_text("utf-8")


def headers(form_action: Sequence[str] = (), language: Language | None = None) -> dict[str, str]:
    """What a page is sent with: never stored, never framed, no script, no foreign content.

    `form_action`: URLs whose origins a form may lead to. Chromium holds *every* redirect after
    a form against this list (CSP3 §6.3.1), so it must name each host between the button and
    Microsoft's first page. A value without an http(s) origin raises ValueError.
    """
    digest = b64encode(hashlib.sha256(style().encode()).digest()).decode()
    targets = " ".join(["'self'", *dict.fromkeys(_origin(url) for url in form_action)])
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action {targets}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    found = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Referrer-Policy": "no-referrer",
        "Strict-Transport-Security": "max-age=31536000",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    return found | ({"Content-Language": language} if language else {})


def _origin(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("https", "http") or not host or set(host) & set(" ;,'\"*"):
        raise ValueError("a form target needs an http(s) origin")
    return f"{parts.scheme}://{host}"


def clean(value: str, limit: int = SHORT) -> str:
    """`value` on one line, without control, bidirectional or invisible characters, shortened."""
    kept = value if len(value) <= limit else value[: limit - 1] + "…"
    return "".join(
        char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in kept
    )


def link(url: str | None) -> str | None:
    """`url` when it is a plain http(s) address that may stand in an href, else None."""
    if not url or len(url) > LONG or not url.isascii() or not url.isprintable() or " " in url:
        return None
    return url if url.startswith(("https://", "http://")) else None


def safe(value: str, limit: int = LONG) -> str:
    """Escaped for an element's content or a quoted attribute."""
    return escape(clean(value, limit), quote=True)


def linked(value: str) -> str:
    """A text with Microsoft's addresses as links."""
    return _MICROSOFT.sub(r'<a href="\g<0>" rel="noreferrer">\g<0></a>', safe(value))


def paragraphs(values: Iterable[str], css: str = "") -> str:
    """One p element a value."""
    opening = f'<p class="{css}">' if css else "<p>"
    return "".join(f"{opening}{linked(value)}</p>" for value in values)


def steps(values: Sequence[str]) -> str:
    """A numbered list; a single step is a paragraph."""
    if len(values) < 2:
        return paragraphs(values)
    return "<ol>" + "".join(f"<li>{linked(value)}</li>" for value in values) + "</ol>"


def section(title: str, body: str) -> str:
    """A heading with what belongs to it; nothing when there is nothing."""
    return f"<section><h2>{safe(title)}</h2>{body}</section>" if body else ""


def details(title: str, body: str) -> str:
    """A part that opens on demand, without script."""
    return f"<details><summary>{safe(title)}</summary>{body}</details>"


def foreign(raw: str) -> str:
    """A foreign value: isolated, so that its direction does not reach its neighbours."""
    return f"<bdi>{safe(raw, SHORT)}</bdi>"


def items(shown: Sequence[str], language: Language) -> str:
    """HTML as a list, cut at MAX_ITEMS with a count of the rest; a single one stands alone."""
    if len(shown) < 2:
        return "".join(shown)
    rest = len(shown) - MAX_ITEMS
    more = [safe(words(language)["more"].format(count=rest))] if rest > 0 else []
    return "<ul>" + "".join(f"<li>{item}</li>" for item in [*shown[:MAX_ITEMS], *more]) + "</ul>"


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A definition list of (label, HTML); rows without content are left out."""
    shown = "".join(
        f"<div><dt>{safe(label)}</dt><dd>{body}</dd></div>" for label, body in rows if body
    )
    return f"<dl>{shown}</dl>" if shown else ""


def copyable(lines: str, label: str) -> str:
    """A block that one click selects whole, reachable by keyboard. Line breaks are kept."""
    body = "\n".join(safe(line) for line in lines.split("\n"))
    return f'<pre tabindex="0" role="group" aria-label="{safe(label)}">{body}</pre>'


def layout(language: Language, title: str, tone: str, blocks: Iterable[str]) -> str:
    """The whole document. `title` is escaped here, `blocks` are HTML."""
    brand, heading = safe(words(language)["brand"]), safe(title)
    mark = words(language)["marks"].get(tone, "")
    sign = f'<span class="mark" aria-hidden="true">{mark}</span>' if mark else ""
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"<title>{heading} – {brand}</title><style>{style()}</style></head>"
        f'<body><header><span>{brand}</span></header><main class="{tone}">'
        f"<h1>{sign}{heading}</h1>"
        f"{''.join(blocks)}</main>{_END}"
    )


def framed(page: Page, frame: Frame) -> Page:
    """The page with who asks above it, whom to ask below it, and a way to the other language.

    Values in a page are escaped, so none holds the places where these go."""
    every = words(page.language)
    brand = f"<header><span>{safe(every['brand'])}</span>"
    who = safe(frame.organization, SHORT)
    above = f"<header><span>{who} · {safe(every['asks'])}</span>" if who else brand
    if frame.switch:
        other = safe(every["other_language"][1])
        code = safe(every["other_language"][0])
        above += f'<a href="{safe(frame.switch)}" lang="{code}" hreflang="{code}">{other}</a>'
    lines = [every["ask_whom"].format(support=frame.support)] if frame.support else []
    below = f"<footer>{paragraphs(lines)}</footer>" if lines else ""
    html = page.html.replace(brand, above, 1).replace(f"</main>{_END}", f"</main>{below}{_END}", 1)
    return replace(page, html=html)
