"""The same job done by what a user would otherwise pick, each as its manual shows it.

Nothing here touches a network: a stub answers, and counts, what would go to Microsoft.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import msal
import requests
from authlib.integrations.requests_client import OAuth2Session
from bingads import authorization as bingads

from local.bench import sample

AUTHORITY = "https://login.microsoftonline.com/common"
TOKEN_URL = f"{AUTHORITY}/oauth2/v2.0/token"
CLIENT_ID = "11111111-2222-4333-8444-555555555555"
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What MSAL and the SDK read of an HTTP answer."""

    text: str
    status_code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ok: bool = True

    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)

    def raise_for_status(self) -> None:
        """Nothing: it is a 200."""


@dataclass(slots=True)
class Microsoft:
    """Answers discovery and redemptions; counts the latter. Also MSAL's `http_client`."""

    redemptions: int = 0

    def get(self, url: str, **_: Any) -> Answer:
        """The discovery document."""
        document = {
            "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
            "token_endpoint": TOKEN_URL,
            "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
            "tenant_discovery_endpoint": url,
            "metadata": [],
        }
        return Answer(json.dumps(document))

    def post(self, _url: str, **_: Any) -> Answer:
        """A redemption."""
        self.redemptions += 1
        return Answer(json.dumps(tokens("0")))

    def close(self) -> None:
        """Nothing."""


def tokens(user: str, expires_in: int = 3600) -> dict[str, Any]:
    """Microsoft's answer for one user."""
    info = base64.urlsafe_b64encode(json.dumps({"uid": user, "utid": "tenant"}).encode())
    claims: dict[str, Any] = {
        "aud": CLIENT_ID,
        "iss": f"{AUTHORITY}/v2.0",
        "sub": user,
        "oid": user,
    }
    claims |= {"preferred_username": f"{user}@contoso.example", "exp": int(time.time()) + 3600}
    claims |= {"iat": int(time.time()), "tid": "tenant"}
    parts: list[dict[str, Any]] = [{"alg": "none"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return {
        "token_type": "Bearer",
        "scope": sample.ADS,
        "expires_in": expires_in,
        "access_token": user + "a" * sample.ACCESS_BYTES,
        "refresh_token": user + "r" * sample.REFRESH_BYTES,
        "id_token": ".".join(part.rstrip("=") for part in encoded) + ".x",
        "client_info": info.decode(),
    }


def msal_state(connections: int, expires_in: int = 3600) -> str:
    """MSAL's cache of so many accounts, as its manual has it persisted."""
    cache = msal.SerializableTokenCache()
    for number in range(connections):
        cache.add(
            {
                "client_id": CLIENT_ID,
                "scope": [sample.ADS],
                "token_endpoint": TOKEN_URL,
                "response": tokens(str(number), expires_in),
            }
        )
    return str(cache.serialize())


def msal_client(microsoft: Microsoft, state: str) -> msal.ConfidentialClientApplication:
    """A client over a cache of that state."""
    cache = msal.SerializableTokenCache()
    cache.deserialize(state)
    return msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential="secret",
        authority=AUTHORITY,
        token_cache=cache,
        http_client=microsoft,
    )


def msal_fetch(client: msal.ConfidentialClientApplication, user: str) -> str:
    """A token for one account."""
    [account] = client.get_accounts(f"{user}@contoso.example")
    return str(client.acquire_token_silent([sample.ADS], account)["access_token"])


def warm(times: int) -> dict[str, list[float]]:
    """CPU seconds of each fetch of a token that is valid, by library."""
    one, many = msal_state(1), msal_state(1000)
    microsoft = Microsoft()
    small, large = msal_client(microsoft, one), msal_client(microsoft, many)

    def persisted() -> str:
        # As a fresh process must, and one that wants to see what another has redeemed since.
        large.token_cache.deserialize(many)
        return msal_fetch(large, "500")

    authlib = _authlib(3600)
    sdk = _bingads()
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "MSAL, in memory, 1 connection": (lambda: msal_fetch(small, "0"), times),
        "MSAL, in memory, 1,000 connections": (
            lambda: msal_fetch(large, "500"),
            max(5, times // 20),
        ),
        "MSAL, persisted, 1,000 connections": (persisted, max(5, times // 20)),
        "Authlib, in memory, 1 connection": (
            lambda: authlib.ensure_active_token(authlib.token),
            times,
        ),
        "BingAds SDK, in memory, 1 connection": (lambda: sdk.oauth_tokens.access_token, times),
    }
    found = {name: _time(work, count) for name, (work, count) in jobs.items()}
    assert microsoft.redemptions == 0, "every token was valid"
    return found


def redemptions(workers: int) -> dict[str, int]:
    """How often Microsoft is asked by so many fresh clients that all loaded the same stored state,
    the token expired, before any of them wrote it. One after the other in this process."""
    state = msal_state(1, expires_in=10)  # MSAL counts the last five minutes as expired
    found: dict[str, int] = {}
    for name, given in (("MSAL, in memory", ""), ("MSAL, persisted", state)):
        microsoft = Microsoft()
        for _ in range(workers):
            client = msal_client(microsoft, given)
            if given:
                msal_fetch(client, "0")
            else:  # a new process holds nothing but the refresh token it was given
                client.acquire_token_by_refresh_token("refresh", [sample.ADS])
        found[name] = microsoft.redemptions
    calls = mock.Mock(side_effect=_send)
    with (
        mock.patch.object(requests.Session, "request", calls),
        mock.patch.object(
            requests,
            "post",
            lambda url, data=None, **more: _send(None, "POST", url, data=data, **more),
        ),
    ):
        _SENT.clear()
        for _ in range(workers):
            session = _authlib(-10)
            session.ensure_active_token(session.token)
        found["Authlib"] = len(_SENT)
        _SENT.clear()
        for _ in range(workers):
            _bingads().request_oauth_tokens_by_refresh_token("refresh")
        found["BingAds SDK"] = len(_SENT)
    return found


_SENT: list[str] = []


def _send(*arguments: Any, **_: Any) -> requests.Response:
    """A redemption through `requests`."""
    _SENT.append(next(part for part in arguments if str(part).startswith("https://")))
    response = requests.Response()
    response.status_code = 200
    response._content = json.dumps(tokens("0")).encode()
    return response


def _authlib(expires_in: int) -> Any:
    token = {**tokens("0"), "expires_at": int(time.time()) + expires_in}
    make: Any = OAuth2Session  # has no types
    return make(CLIENT_ID, "secret", token=token, token_endpoint=TOKEN_URL)


def _bingads() -> bingads.OAuthWebAuthCodeGrant:
    given = bingads.OAuthTokens("a" * sample.ACCESS_BYTES, 3600, "r" * sample.REFRESH_BYTES)
    return bingads.OAuthWebAuthCodeGrant(
        CLIENT_ID, "secret", "https://localhost/callback", oauth_tokens=given
    )


def _time(work: Callable[[], object], times: int) -> list[float]:
    work()
    found = []
    for _ in range(times):
        begun = time.thread_time()
        work()
        found.append(time.thread_time() - begun)
    return found
