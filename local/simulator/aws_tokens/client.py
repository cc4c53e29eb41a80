"""The issuer's control API for Python."""

from __future__ import annotations

from typing import Any

import requests

TIMEOUT_SECONDS = 30


class AwsTokens:
    """A running issuer. `url` is also what AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL_IAM take."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def settings(self, **values: Any) -> dict[str, Any]:
        """Change `enabled`, `session_seconds`, `documents_status`, `refuse`; returns all."""
        return dict(self._call("PATCH", "settings", values))

    def refuse(self, code: str, *, status: int = 403, times: int = 1) -> None:
        """Answer the next requests for a token with an AWS error."""
        self.settings(refuse=[{"code": code, "status": status, "times": times}])

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._call("POST", "keys", {})

    def requests(self) -> list[dict[str, Any]]:
        """What was asked and how it ended; no token."""
        return list(self._call("GET", "requests"))

    def reset(self) -> None:
        """Back to the start, with new keys."""
        self._call("POST", "reset", {})

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"{self.url}/_control/{path}"
        answer = requests.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.json()
