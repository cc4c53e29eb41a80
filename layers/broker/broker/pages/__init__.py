"""The HTML pages an owner or a tenant administrator sees, in English and Japanese.

Pure: values in, text out. Texts are data (``texts_en.json``, ``texts_ja.json``), read on first use.

negotiate ─ Accept-Language to a language
headers   ─ what every page is sent with
ask, ask_admin ─ the page before Microsoft, with its button
outcome   ─ the page after: success, or what happened, who must act, and how
"""

from __future__ import annotations

from broker.pages.ask import ask, ask_admin
from broker.pages.language import Language, negotiate
from broker.pages.layout import Page, headers
from broker.pages.outcome import brief, outcome
from broker.pages.shapes import OUTCOMES, Check, PageText, Support

__all__ = [
    "OUTCOMES",
    "Check",
    "Language",
    "Page",
    "PageText",
    "Support",
    "ask",
    "ask_admin",
    "brief",
    "headers",
    "negotiate",
    "outcome",
]
