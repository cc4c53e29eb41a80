"""The simulated Google's control API for Python; consents and faults are `Platform`'s."""

from __future__ import annotations

from typing import Any

import requests

TIMEOUT_SECONDS = 60


class GooglePlatform:
    """One running platform, as Google. Methods raise `requests.HTTPError` when it refuses."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def account(self, email: str, **fields: Any) -> dict[str, Any]:
        """Change an account: troubles, access_seconds, advertising, ...; returns it."""
        return dict(self._call("PATCH", f"accounts/{email}", fields))

    def add_account(self, email: str, **fields: Any) -> dict[str, Any]:
        """Add an account; returns it with its `sub`."""
        return dict(self._call("POST", "accounts", {"email": email, "name": "A Person", **fields}))

    def accounts(self) -> list[dict[str, Any]]:
        """All accounts."""
        return list(self._call("GET", "accounts"))

    def act(self, email: str, operation: str, **body: Any) -> None:
        """revoke, withdraw, disable, enable, delete."""
        self._call("POST", f"accounts/{email}/{operation}", body)

    def client(self, client_id: str, **fields: Any) -> dict[str, Any]:
        """Register or change an OAuth client: secrets, redirect_uris, project, state, internal."""
        return dict(self._call("POST", "clients", {"client_id": client_id, **fields}))

    def settings(self, **values: Any) -> dict[str, Any]:
        """Change settings: expires_in, issuer, redirect_issuer, latency_ms, ..."""
        return dict(self._call("PATCH", "settings", values))

    def workspace(self, domain: str, policy: str) -> None:
        """allow, block or education: what its administrator set for this application."""
        self._call("PATCH", f"workspaces/{domain}", {"policy": policy})

    def tokens(self) -> list[dict[str, Any]]:
        """Refresh tokens, oldest first, by the beginnings of their digests."""
        return list(self._call("GET", "tokens"))

    def mint(self, user: str, client_id: str | None = None) -> dict[str, Any]:
        """Consent without pages and return a whole token answer, to import elsewhere."""
        return dict(self._call("POST", "refresh-tokens", {"user": user, "client_id": client_id}))

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"{self.base_url}/_control/google/{path}"
        answer = requests.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        if answer.status_code == 400:
            raise requests.HTTPError(f"{path}: {answer.json().get('error')}", response=answer)
        answer.raise_for_status()
        return answer.json()
