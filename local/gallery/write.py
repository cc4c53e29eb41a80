"""Writes every page and mail into .local/gallery, with an index to leaf through.

python -m local.gallery.write [DIRECTORY]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import get_args

from broker.domain.names import Instant
from broker.web.letters import compose
from broker.web.pages.language import LANGUAGES, Language
from broker.web.pages.layout import Frame, framed
from local.gallery.diagnoses import APPROVE, findings, told
from local.gallery.samples import gallery
from local.template import ROOT

SENDER = compose.Sender("Example K.K.", "help@example.co.jp")
STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "td{padding:.2rem 1.5rem .2rem 0}"
)


def documents(language: Language) -> dict[str, str]:
    """HTML by a name for its path."""
    pages = gallery(language) | told(language, "owner") | told(language, "tenant_admin")
    pages |= findings(language)
    other = "en" if language == "ja" else "ja"
    made = {
        name: framed(
            page, Frame(SENDER.organization, SENDER.support, f"../{other}/{name}.html")
        ).html
        for name, page in pages.items()
    }
    return made | letters(language)


def letters(language: Language) -> dict[str, str]:
    """Every mail: the first one, and one for each reason."""
    made = {}
    for kind in get_args(compose.Kind):
        reasons = [""] if kind == "invitation" else list(compose.texts()[language]["reasons"])
        for reason in reasons:
            entry = compose.Entry(
                title="Example Ads (Microsoft Advertising)",
                reason=reason,
                url=APPROVE,
                expires_at=Instant(1_795_230_245),
                account="taro.yamada@example.co.jp",
                purpose="Daily reports",
            )
            name = "-".join(part for part in ("mail", kind, reason) if part)
            made[name] = compose.compose(kind, [entry], SENDER, language).html
    return made


def index(names: Iterable[str]) -> str:
    """A table: one row a document, one column a language."""
    rows = "".join(
        f"<tr><th scope=row align=left>{escape(name)}</th>"
        + "".join(f'<td><a href="{code}/{escape(name)}.html">{code}</a></td>' for code in LANGUAGES)
        + "</tr>"
        for name in names
    )
    head = f"<meta charset=utf-8><title>Gallery</title><style>{STYLE}</style>"
    return f'<!doctype html><html lang="en">{head}<h1>Pages and mails</h1><table>{rows}</table>'


def write(directory: Path) -> int:
    """How many documents were written."""
    names: dict[str, None] = {}
    for language in LANGUAGES:
        (directory / language).mkdir(parents=True, exist_ok=True)
        for name, html in documents(language).items():
            (directory / language / f"{name}.html").write_text(html, encoding="utf-8")
            names[name] = None
    (directory / "index.html").write_text(index(names), encoding="utf-8")
    return len(names) * len(LANGUAGES)


if __name__ == "__main__":
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".local" / "gallery"
    print(f"{write(place)} documents: {place / 'index.html'}")
