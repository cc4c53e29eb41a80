"""A person at Google without a browser: from an authorize URL to the redirect back.

Drives the real pages through the application's own WSGI client, so faults play here too.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from werkzeug.test import TestResponse


def consent(url: str, user: str, action: str = "accept", **_microsoft: Any) -> dict[str, Any]:
    """Choose the account `user`, and ``accept`` or ``cancel``.

    Returns what Microsoft's pages do: ``{redirect, fields, page, number, status, error}``; `error`
    names what an error page says. Wishes that only Microsoft's pages know are left alone.
    """
    if action not in ("accept", "cancel"):
        raise ValueError("action is one of accept, cancel")
    client = current_app.test_client()
    parts = urlsplit(url)

    def post(answer: TestResponse, page: str, **form: str) -> TestResponse:
        if answer.headers.get("X-Page") != page:
            return answer
        return client.post(f"/google/signin/{answer.headers['X-Visit']}", data=form)

    answer = client.get(f"{parts.path}?{parts.query}")
    answer = post(answer, "google_account", action="sign_in", user=user)
    answer = post(answer, "google_consent", action=action)
    return {
        "redirect": answer.headers.get("Location"),
        "fields": None,
        "page": answer.headers.get("X-Page"),
        "number": None,
        "status": answer.status_code,
        "error": answer.headers.get("X-Error"),
    }
