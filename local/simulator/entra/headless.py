"""A person without a browser: from an authorize or admin-consent URL to the redirect back.

Drives the real pages through the application's own WSGI client, so faults play here too.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

_WISHES = {
    "accept": ("accept",),
    "cancel": ("cancel", "return"),
    "request": ("request", "return"),
    "return": ("return",),
}
_OFFERED = {
    "consent": ("accept", "cancel"),
    "admin_consent": ("accept", "cancel"),
    "approval": ("request", "return"),
    "requested": ("return",),
    "need_admin": ("return",),
}


def consent(
    url: str,
    user: str,
    action: str = "accept",
    *,
    mfa: str = "approve",
    organization: bool = False,
    reason: str = "The reports need it.",
) -> dict[str, Any]:
    """Sign in as `user` and act: ``accept``, ``cancel``, ``request`` or ``return``.

    `mfa`: ``approve``, ``skip`` or ``deny``. Returns ``{redirect, fields, page, number, status}``:
    `redirect` is the URL back to the application, or null when the last answer was `page`.
    With ``form_post``, `fields` are what the browser would post there.
    """
    if action not in _WISHES:
        raise ValueError(f"action is one of {', '.join(_WISHES)}")
    client = current_app.test_client()
    parts = urlsplit(url)
    answer = client.get(f"{parts.path}?{parts.query}")
    answer = _post(client, answer, "account", {"action": "sign_in", "user": user})
    answer = _post(client, answer, "mfa", {"action": mfa})
    extra = {"reason": reason} | ({"organization": "on"} if organization else {})
    for wish in _WISHES[action]:
        page = answer.headers.get("X-Page", "")
        if wish in _OFFERED.get(page, ()):
            answer = _post(client, answer, page, {"action": wish, **extra})
    number = answer.headers.get("X-AADSTS")
    posted = _Posted()
    if answer.headers.get("X-Page") == "form_post":
        posted.feed(answer.text)
    return {
        "redirect": answer.headers.get("Location") or posted.action,
        "fields": posted.fields or None,
        "page": answer.headers.get("X-Page"),
        "number": int(number) if number else None,
        "status": answer.status_code,
    }


class _Posted(HTMLParser):
    """The hidden form that carries a ``form_post`` answer."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input":
            self.fields[given["name"]] = given["value"]


def _post(
    client: FlaskClient, answer: TestResponse, page: str, form: dict[str, str]
) -> TestResponse:
    """One step, if the person is on that page; else nothing happens."""
    if answer.headers.get("X-Page") != page:
        return answer
    return client.post(f"/signin/{answer.headers['X-Visit']}", data=form)
