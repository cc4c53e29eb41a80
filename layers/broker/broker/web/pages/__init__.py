"""The HTML pages an owner or a tenant administrator sees, in English and Japanese.

Pure: values in, text out. Texts are data (``texts_en.json``, ``texts_ja.json``), read on first use.

language.negotiate   ─ Accept-Language to a language
layout.headers       ─ what every page is sent with
ask.ask, ask_admin   ─ the page before the identity platform, with its button
outcome.outcome      ─ the page after: success, or what happened, who must act, and how
"""
