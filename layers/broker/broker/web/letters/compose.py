"""One mail to one person: about a first link, or about all connections that wait for them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Literal

from broker.domain.names import Instant
from broker.providers.terms import Language
from broker.web.pages.language import moment
from broker.web.pages.layout import clean

Kind = Literal["invitation", "owner", "tenant_admin"]

MAX_LISTED = 20
"""Connections of one mail; more would not be read, and the rest has its own mail tomorrow."""

_PAGE = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{subject}</title>'
    "</head><body style=\"font-family:'Segoe UI','Hiragino Sans','Yu Gothic UI',sans-serif;"
    'font-size:16px;line-height:1.6;color:#1b1b1b;max-width:36em;margin:0 auto;padding:1em">'
    "{body}</body></html>"
)
_BUTTON = (
    '<p><a href="{url}" style="display:inline-block;padding:0.6em 1.4em;background:#0b5cad;'
    'color:#ffffff;text-decoration:none;border-radius:6px">{words}</a></p>'
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A connection in a mail. `url` is a secret: whoever has it may consent."""

    title: str
    """The connection's display name and service, for people."""
    reason: str
    """The code of its problem; empty for an invitation."""
    url: str = field(repr=False)
    expires_at: Instant
    account: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asks, for people."""

    organization: str = ""
    support: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's content. Text and HTML say the same."""

    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)


def compose(kind: Kind, entries: Sequence[Entry], sender: Sender, language: Language) -> Letter:
    """The mail. `entries`: at least one, at most `MAX_LISTED` are told."""
    said = texts()[language]
    who = clean(sender.organization) or said["nobody"]
    entries = entries[:MAX_LISTED]
    opening = [said["hello"], said[kind].format(who=who)]
    closing = [said["harmless"]]
    if sender.support:
        closing.append(said["support"].format(support=clean(sender.support)))
    if kind != "invitation":
        closing.append(said["sent"])
    subject = _subject(kind, entries, said)
    blocks = [_block(entry, kind, said, language) for entry in entries]
    text = "\n\n".join([*opening, *(plain for plain, _ in blocks), *closing]) + "\n"
    body = "".join([*map(_paragraph, opening), *(html for _, html in blocks)])
    body += "<hr>" + "".join(map(_paragraph, closing))
    html = _PAGE.format(language=language, subject=escape(subject), body=body)
    return Letter(subject, text, html)


def _subject(kind: Kind, entries: Sequence[Entry], said: dict[str, Any]) -> str:
    if len(entries) > 1:
        return str(said["subject"][f"{kind}_many"].format(count=len(entries)))
    return str(said["subject"][kind].format(what=clean(entries[0].title, 80)))


def _block(entry: Entry, kind: Kind, said: dict[str, Any], language: Language) -> tuple[str, str]:
    """One connection, as text and as HTML."""
    reasons = said["reasons"]
    why = reasons.get(entry.reason, reasons["other"]) if entry.reason else ""
    rows = [
        f"{said[name]}: {clean(value)}"
        for name, value in (("account", entry.account), ("purpose", entry.purpose))
        if value
    ]
    title, until = clean(entry.title), said["until"].format(when=moment(entry.expires_at, language))
    words = said["button"][kind]
    text = "\n".join(
        part for part in (f"■ {title}", *rows, why, f"{words}:", entry.url, until) if part
    )
    html = f'<h2 style="font-size:18px">{escape(title)}</h2>'
    html += "".join(_paragraph(part) for part in (*rows, why) if part)
    html += _BUTTON.format(url=escape(entry.url), words=escape(words)) + _paragraph(until)
    return text, html


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


@cache
def texts() -> dict[Language, dict[str, Any]]:
    """All words, by language."""
    path = Path(__file__).with_name("texts.json")
    data: dict[Language, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return data
