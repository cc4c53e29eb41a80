"""The control API for Python: what demos and tests use to play with the simulated platform.

platform = Platform("http://localhost:8400")
url = platform.consent(authorize_url, "owner@contoso.example").redirect
platform.fault("token", {"kind": "aadsts", "number": 50173}, times=1)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Consent:
    """How the pages ended: `redirect` back to the application, or the last `page`'s name.

    `fields`: with ``response_mode=form_post``, what the browser would post to `redirect`.
    `error`: what a page of Google's says; Microsoft's have a `number`.
    """

    redirect: str | None
    fields: dict[str, str] | None
    page: str | None
    number: int | None
    status: int
    error: str | None = None


class Platform:
    """One running platform. Methods raise `requests.HTTPError` when the platform refuses."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def consent(
        self,
        url: str,
        user: str,
        action: str = "accept",
        *,
        mfa: str = "approve",
        organization: bool = False,
    ) -> Consent:
        """Act as the person in the browser on an authorize or admin-consent URL of either provider.

        `action`: ``accept``, ``cancel``, ``request`` (approval), ``return`` (to the application).
        `mfa`: ``approve``, ``skip``, ``deny``. `organization`: tick an administrator's box.
        """
        body = {"url": url, "user": user, "action": action, "mfa": mfa}
        return Consent(**self._call("POST", "consent", body | {"organization": organization}))

    def fault(
        self,
        leg: str,
        fault: dict[str, Any],
        *,
        times: int | None = 1,
        match: dict[str, Any] | None = None,
    ) -> int:
        """Add a fault to a leg: authorize, adminconsent, token, discovery, advertising, graph, or
        google_authorize, google_token, google_revoke, google_discovery.

        `times` None: until `clear_faults`. Returns the fault's id.
        """
        body = {"leg": leg, "fault": fault, "times": times, "match": match or {}}
        return int(self._call("POST", "faults", body)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """Those that have not yet hit as often as they shall."""
        return list(self._call("GET", "faults"))

    def clear_faults(self) -> None:
        """Drop all faults; requests that are held go on."""
        self._call("DELETE", "faults")

    def user(self, username: str, **fields: Any) -> dict[str, Any]:
        """Change a user (enabled, troubles, mfa_required, advertising, ...); returns it."""
        return dict(self._call("PATCH", f"users/{username}", fields))

    def add_user(self, username: str, **fields: Any) -> dict[str, Any]:
        """Add a user to the tenant of the username's domain; returns it."""
        return dict(self._call("POST", "users", {"username": username, **fields}))

    def act(self, username: str, operation: str, **body: Any) -> None:
        """revoke (number=), disable, enable, withdraw-consent, require-mfa, delete."""
        self._call("POST", f"users/{username}/{operation}", body)

    def revoke(self, username: str, number: int = 50173) -> None:
        """Kill the refresh tokens issued so far; refreshes then answer `number`."""
        self.act(username, "revoke", number=number)

    def tenant(self, domain: str, **fields: Any) -> dict[str, Any]:
        """Change a tenant: user_consent, workflow, missing_services, blocked_clients."""
        return dict(self._call("PATCH", f"tenants/{domain}", fields))

    def decide(self, domain: str, decision: str) -> list[dict[str, Any]]:
        """approve, deny or block the tenant's pending requests; returns them."""
        return list(self._call("POST", f"tenants/{domain}/{decision}", {})["decided"])

    def client(self, client_id: str, **fields: Any) -> dict[str, Any]:
        """Register or change a client: redirect_uris, secrets, certificates, audience, public."""
        return dict(self._call("POST", "clients", {"client_id": client_id, **fields}))

    def remove_client(self, client_id: str) -> None:
        """Unregister a client."""
        self._call("DELETE", f"clients/{client_id}")

    def add_secret(self, client_id: str, value: str, **fields: Any) -> dict[str, Any]:
        """Add a client secret, which spreads; returns its id."""
        return self._add(client_id, "secrets", value=value, **fields)

    def add_certificate(self, client_id: str, pem: str) -> dict[str, Any]:
        """Upload a certificate, which spreads; returns its id, thumbprints and times."""
        return self._add(client_id, "certificates", pem=pem)

    def add_federated(
        self, client_id: str, name: str, issuer: str, subject: str, audience: str
    ) -> dict[str, Any]:
        """Add a federated identity credential, which spreads; returns it with its id."""
        fields = {"name": name, "issuer": issuer, "subject": subject, "audiences": [audience]}
        return self._add(client_id, "federated", **fields)

    def remove_credential(self, client_id: str, kind: str, key: str) -> None:
        """`kind`: secrets, certificates or federated; `key`: id, thumbprint or name."""
        self._call("DELETE", f"clients/{client_id}/{kind}/{key}")

    def credentials(self, client_id: str, kind: str) -> list[dict[str, Any]]:
        """A client's secrets (without values), certificates or federated credentials."""
        return list(self._call("GET", f"clients/{client_id}/{kind}"))

    def _add(self, client_id: str, kind: str, **fields: Any) -> dict[str, Any]:
        return dict(self._call("POST", f"clients/{client_id}/{kind}", fields))

    def settings(self, **values: Any) -> dict[str, Any]:
        """Change settings: expires_in, refresh_in, latency_ms, throttle_threshold, ..."""
        return dict(self._call("PATCH", "settings", values))

    def clock(self, offset_seconds: float) -> None:
        """Move the platform's time away from the real one."""
        self._call("POST", "clock", {"offset_seconds": offset_seconds})

    def mint(self, user: str, scope: str, client_id: str | None = None) -> dict[str, Any]:
        """Consent without pages and return a whole token answer, to import elsewhere."""
        body = {"user": user, "scope": scope, "client_id": client_id}
        return dict(self._call("POST", "refresh-tokens", body))

    def requests(self) -> list[dict[str, Any]]:
        """The ledger, oldest first: no secret, tokens only as beginnings of their digests."""
        return list(self._call("GET", "requests"))

    def counters(self) -> dict[str, int]:
        """Counts by leg, outcome and grant type: ``token.refresh_token.ok``, ``token.ok``, ..."""
        return dict(self._call("GET", "counters"))

    def redemptions(
        self, grant_type: str = "refresh_token", outcome: str | None = "ok", leg: str = "token"
    ) -> int:
        """How many token requests of a grant type ended so; `outcome` None: all of them."""
        name = f"{leg}.{grant_type}" + (f".{outcome}" if outcome else "")
        return self.counters().get(name, 0)

    def users(self) -> list[dict[str, Any]]:
        """All users, with object and tenant ids."""
        return list(self._call("GET", "users"))

    def approvals(self) -> list[dict[str, Any]]:
        """Requests for administrator approval, and what became of them."""
        return list(self._call("GET", "approvals"))

    def reset(self) -> None:
        """Back to the seed and the first registration."""
        self._call("POST", "reset", {})

    def healthy(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._call("GET", "health")["status"] == "ok")
        except requests.RequestException:
            return False

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"{self.base_url}/_control/{path}"
        answer = requests.request(method, url, json=body, timeout=TIMEOUT_SECONDS)
        if answer.status_code == 400:
            raise requests.HTTPError(f"{path}: {answer.json().get('error')}", response=answer)
        answer.raise_for_status()
        return answer.json()
