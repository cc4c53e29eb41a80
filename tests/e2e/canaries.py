"""Secrets that are known, so that they can be searched for, and every answer to search in."""

from __future__ import annotations

import base64
import re
from collections.abc import Container
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import requests
from botocore.auth import SigV4Auth

import local.signed
from tests.e2e.harness import Stack


class Secrets:
    """Values that must not show, each with its kind."""

    def __init__(self) -> None:
        self.known: list[tuple[str, str]] = []

    def add(self, kind: str, value: str) -> str:
        """Remember a value; returns it."""
        assert len(value) >= 8
        self.known.append((kind, value))
        return value

    def found(self, text: str, but: Container[str] = ()) -> set[str]:
        """Kinds of the values that the text holds, as they are or encoded."""
        return {
            kind
            for kind, value in self.known
            if kind not in but and any(form in text for form in forms(value))
        }


def forms(value: str) -> set[str]:
    """A value as it is, in a URL, in base64."""
    return {value, quote(value, safe=""), base64.b64encode(value.encode()).decode().rstrip("=")}


def asked(url: str, name: str) -> str:
    """A parameter of a request."""
    return parse_qs(urlsplit(url).query)[name][0]


class Recorder:
    """Every answer of the API, and every signature that was sent."""

    def __init__(self, stack: Stack, hidden: Secrets, patch: pytest.MonkeyPatch) -> None:
        self.answers: list[tuple[str, str, str]] = []
        request, sign = requests.Session.request, SigV4Auth.add_auth

        def recorded(session: Any, method: str, url: str, **rest: Any) -> requests.Response:
            answer = request(session, method, url, **rest)
            if url.startswith(stack.api_url):
                path = urlsplit(url[len(stack.api_url) :]).path
                path = re.sub(r"^/connections/[^/]+", "/connections/*", path)
                text = f"{answer.headers}\n{answer.text}"
                if path == "/callback":  # the page names itself, in its other language, by its own
                    text = re.sub(r"(?<=\?state=)" + re.escape(asked(url, "state")), "", text)
                self.answers.append((method, path, text))
            return answer

        class Signer(SigV4Auth):
            def add_auth(self, request: Any) -> None:
                sign(self, request)
                signature = re.search("Signature=([0-9a-f]+)", request.headers["Authorization"])
                assert signature
                hidden.add("signature", signature[1])

        patch.setattr(requests.Session, "request", recorded)
        patch.setattr(local.signed, "SigV4Auth", Signer)
