"""Requests signed with SigV4 for `execute-api`, as a caller's job sends them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TIMEOUT_SECONDS = 60
"""Beyond API Gateway's 29 s: the emulator starts a process for every first call."""


class Caller:
    """One principal of `.local/stack.json` in front of the API. Safe to share between threads."""

    def __init__(self, api_url: str, region: str, principal: Mapping[str, str]) -> None:
        self.api_url = api_url.rstrip("/")
        self.role_arn = principal["role_arn"]
        self._region = region
        self._credentials = Credentials(
            principal["access_key_id"], principal["secret_access_key"], principal["session_token"]
        )

    def get(self, path: str, **params: Any) -> requests.Response:
        """GET with query parameters."""
        return self.request("GET", path, params=params)

    def post(self, path: str, body: Any = None) -> requests.Response:
        """POST a JSON body."""
        return self.request("POST", path, body=body)

    def put(self, path: str, body: Any) -> requests.Response:
        """PUT a JSON body."""
        return self.request("PUT", path, body=body)

    def patch(self, path: str, body: Any) -> requests.Response:
        """PATCH with a JSON body."""
        return self.request("PATCH", path, body=body)

    def delete(self, path: str) -> requests.Response:
        """DELETE."""
        return self.request("DELETE", path)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> requests.Response:
        """Sign and send. `body`: bytes or str go out as they are, all else as JSON."""
        data = _encode(body)
        plain = {"Content-Type": "application/json"} if data is not None else {}
        # SigV4 wants a space as %20; requests would write "+".
        query = urlencode(params, doseq=True, quote_via=quote, safe="") if params else ""
        url = self.api_url + path + (f"?{query}" if query else "")
        url = str(requests.Request(method, url).prepare().url)
        signed = AWSRequest(method=method, url=url, data=data, headers={**plain, **(headers or {})})
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(signed)
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                url,
                data=data,
                headers=dict(signed.headers.items()),
                timeout=timeout,
                allow_redirects=False,
            )


def _encode(body: Any) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
