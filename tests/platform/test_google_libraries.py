"""google-auth, google-auth-oauthlib, requests-oauthlib and the BingAds SDK's Google class, none
changed, complete their own flows. What insists on Google's hosts is mapped onto the platform.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from bingads import authorization as bingads
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from google_auth_oauthlib.flow import Flow
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

from local.simulator.client import Platform
from local.simulator.google.client import GooglePlatform
from local.simulator.server import Server
from local.simulator.world import GoogleRegistration

from .google_application import OWNER, GoogleApplication

ISSUER = "https://accounts.google.com"
HOSTS = (ISSUER, "https://oauth2.googleapis.com", "https://www.googleapis.com")
SCOPES = [
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
]


class Mapped(HTTPAdapter):
    """Sends what is meant for Google's hosts to the platform."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        assert request.url is not None
        for host in HOSTS:
            request.url = request.url.replace(host, self.target, 1)
        return super().send(request, *args, **options)


@pytest.fixture(scope="module")
def google() -> Iterator[Server]:
    """Calls itself by Google's own name."""
    with Server(google_url=ISSUER) as running:
        yield running


@pytest.fixture
def session(google: Server) -> Iterator[requests.Session]:
    Platform(google.url).reset()
    with requests.Session() as session:
        mount(session, google)
        yield session


def mount(session: requests.Session, google: Server) -> None:
    for host in HOSTS:
        session.mount(host, Mapped(google.url))


def flow(google: Server) -> Flow:
    registration = GoogleRegistration()
    web = {
        "client_id": registration.client_id,
        "client_secret": registration.client_secret,
        "auth_uri": f"{ISSUER}/o/oauth2/v2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    flow = Flow.from_client_config({"web": web}, SCOPES, redirect_uri=registration.redirect_uris[0])
    mount(flow.oauth2session, google)
    return flow


def consented(google: Server, flow: Flow, user: str = OWNER) -> Any:
    """google-auth-oauthlib's own flow, with the platform as the browser."""
    url, _ = flow.authorization_url(access_type="offline", prompt="consent")
    redirect = Platform(google.url).consent(url, user).redirect
    assert redirect is not None
    secure = redirect.replace("http://", "https://")  # oauthlib asks for TLS
    flow.fetch_token(authorization_response=secure)
    return flow.credentials


@pytest.mark.parametrize("form", ["url", "bare"])
def test_google_auth(google: Server, session: requests.Session, form: str) -> None:
    """With PKCE, which google-auth-oauthlib adds by itself; both forms of the issuer pass."""
    GooglePlatform(google.url).settings(issuer=form)
    credentials = consented(google, flow(google))
    assert credentials.refresh_token
    first, request = credentials.token, Request(session=session)
    credentials.refresh(request)
    assert credentials.token not in (None, first)
    keys = "https://www.googleapis.com/oauth2/v3/certs"
    claims = id_token.verify_token(
        credentials.id_token,
        request,
        audience=GoogleRegistration().client_id,
        certs_url=keys,
    )
    assert claims["email"] == OWNER
    assert claims["iss"] in id_token._GOOGLE_ISSUERS


def test_google_auth_meets_a_revoked_grant(google: Server, session: requests.Session) -> None:
    credentials = consented(google, flow(google))
    GooglePlatform(google.url).act(OWNER, "revoke")
    with pytest.raises(RefreshError, match="expired or revoked"):
        credentials.refresh(Request(session=session))


def test_requests_oauthlib(google: Server, session: requests.Session) -> None:
    registration = GoogleRegistration()
    client = OAuth2Session(
        registration.client_id,
        redirect_uri=registration.redirect_uris[0],
        scope=SCOPES,
        pkce="S256",
    )
    mount(client, google)
    url, _ = client.authorization_url(
        f"{ISSUER}/o/oauth2/v2/auth", access_type="offline", prompt="consent"
    )
    redirect = str(Platform(google.url).consent(url, OWNER).redirect)
    secret = registration.client_secret
    token = client.fetch_token(
        "https://oauth2.googleapis.com/token",
        authorization_response=redirect.replace("http://", "https://"),
        client_secret=secret,
        include_client_id=True,
    )
    assert token["refresh_token"]
    fresh = client.refresh_token(
        "https://oauth2.googleapis.com/token",
        client_id=registration.client_id,
        client_secret=secret,
    )
    assert fresh["access_token"] != token["access_token"]
    assert fresh["refresh_token"] == token["refresh_token"]


@pytest.fixture
def uris(at_google: GoogleApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's URL constants, on the platform."""
    for name in ("AUTH_TOKEN_URI", "AUTHORIZE_URI"):
        table = getattr(bingads._UriOAuthService, name)
        for key, url in table.items():
            host = next((host for host in HOSTS if url.startswith(host)), url)
            monkeypatch.setitem(table, key, url.replace(host, at_google.url))


@pytest.mark.usefixtures("uris")
def test_the_sdks_own_google_class(at_google: GoogleApplication) -> None:
    registration = at_google.registration
    grant = bingads.GoogleOAuthWebAuthCodeGrant(
        registration.client_id, registration.client_secret, registration.redirect_uris[0]
    )
    grant.state = "sdk-state"
    redirect = at_google.platform.consent(grant.get_authorization_endpoint(), OWNER).redirect
    first = grant.request_oauth_tokens_by_response_uri(redirect)
    assert first.refresh_token
    second = grant.request_oauth_tokens_by_refresh_token(first.refresh_token)
    assert second.access_token != first.access_token
    assert second.refresh_token == first.refresh_token
