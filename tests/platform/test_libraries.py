"""MSAL Python and the BingAds SDK, neither changed, complete their own flows.

Both insist on Microsoft's host: a transport maps it onto the platform, which for MSAL also calls
itself by that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msal
import pytest
import requests
from bingads import authorization as bingads
from requests.adapters import HTTPAdapter

from local.simulator.client import Platform
from local.simulator.server import Server
from local.simulator.world import Registration

from .application import ADS, OWNER, PERSONAL, Application
from .certificate import Certificate
from .issuer import AUDIENCE, serving
from .test_assertions import redeem as redeem_with_certificate

HOST = "https://login.microsoftonline.com"


class Mapped(HTTPAdapter):
    """Sends what is meant for Microsoft's host to the platform."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self.target = target

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> Any:
        assert request.url is not None
        request.url = request.url.replace(HOST, self.target, 1)
        return super().send(request, *args, **options)


@pytest.fixture(scope="module")
def microsoft() -> Iterator[Server]:
    with Server(public_url=HOST) as running:
        yield running


@pytest.fixture
def session(microsoft: Server) -> Iterator[requests.Session]:
    Platform(microsoft.url).reset()
    with requests.Session() as session:
        session.mount(HOST, Mapped(microsoft.url))
        yield session


def msal_client(
    session: requests.Session, credential: Any = None, tenant: str = "common"
) -> msal.ConfidentialClientApplication:
    registration = Registration()
    return msal.ConfidentialClientApplication(
        registration.client_id,
        client_credential=credential or registration.client_secret,
        authority=f"{HOST}/{tenant}",
        http_client=session,
    )


def sign_in(client: msal.ConfidentialClientApplication, server: Server, user: str) -> Any:
    """MSAL's own authorization-code flow, with the platform as the browser."""
    flow = client.initiate_auth_code_flow(
        [ADS], redirect_uri=Registration().redirect_uris[0], response_mode="form_post"
    )
    consent = Platform(server.url).consent(flow["auth_uri"], user)
    return client.acquire_token_by_auth_code_flow(flow, consent.fields)


@pytest.mark.parametrize("user", [OWNER, PERSONAL])
def test_msal(microsoft: Server, session: requests.Session, user: str) -> None:
    client = msal_client(session)
    result = sign_in(client, microsoft, user)
    assert "error" not in result, result
    assert result["id_token_claims"]["preferred_username"] == user
    assert result["scope"] == ADS
    [account] = client.get_accounts()
    cached = client.acquire_token_silent_with_error([ADS], account)
    assert cached["access_token"] == result["access_token"]
    fresh = client.acquire_token_silent_with_error([ADS], account, force_refresh=True)
    assert fresh["access_token"] != result["access_token"]
    again = client.acquire_token_by_refresh_token(result["refresh_token"], [ADS])
    assert again["access_token"]


def test_msal_with_a_certificate(microsoft: Server, session: requests.Session) -> None:
    certificate = Certificate()
    registration = Registration()
    Platform(microsoft.url).client(
        registration.client_id, secrets=[], certificates=[certificate.pem]
    )
    credential = {
        "private_key": certificate.private_pem,
        "public_certificate": certificate.pem,
    }
    result = sign_in(msal_client(session, credential), microsoft, OWNER)
    assert "error" not in result, result


def test_msal_with_a_certificate_that_is_not_registered(
    microsoft: Server, session: requests.Session
) -> None:
    """Refused in the same words as an assertion that was made here."""
    registered, stranger = Certificate(), Certificate()
    platform, registration = Platform(microsoft.url), Registration()
    platform.client(registration.client_id, secrets=[], certificates=[registered.pem])
    credential = {
        "private_key": stranger.private_pem,
        "public_certificate": stranger.pem,
    }
    result = sign_in(msal_client(session, credential), microsoft, OWNER)
    application = Application(platform, registration)
    refused = redeem_with_certificate(application, stranger).json()
    assert result["error_codes"] == refused["error_codes"] == [700027]
    words = [text["error_description"].split(" Trace ID")[0] for text in (result, refused)]
    assert words[0] == words[1]


def test_msal_hands_over_a_token_of_another_issuer(
    microsoft: Server, session: requests.Session
) -> None:
    """As a program does that asks AWS for it, on `common`, for a code and for a refresh."""
    subject = "arn:aws:iam::123456789012:role/Refresh"
    platform, client_id = Platform(microsoft.url), Registration().client_id
    platform.client(client_id, secrets=[])
    with serving() as issuer:
        platform.add_federated(client_id, "aws", issuer.url, subject, AUDIENCE)
        credential = {"client_assertion": lambda: issuer.token(subject=subject)}
        client = msal_client(session, credential)
        result = sign_in(client, microsoft, OWNER)
        assert "error" not in result, result
        again = client.acquire_token_by_refresh_token(result["refresh_token"], [ADS])
        assert again["access_token"]
        wrong = {"client_assertion": lambda: issuer.token(subject=subject.lower())}
        result = msal_client(session, wrong).acquire_token_by_refresh_token("any", [ADS])
        assert result["error_codes"] == [7002138]


def test_msal_meets_a_revoked_grant(microsoft: Server, session: requests.Session) -> None:
    client = msal_client(session, tenant="organizations")
    sign_in(client, microsoft, OWNER)
    Platform(microsoft.url).revoke(OWNER)
    [account] = client.get_accounts()
    result = client.acquire_token_silent_with_error([ADS], account, force_refresh=True)
    assert (result["error"], result["error_codes"]) == ("invalid_grant", [50173])


@pytest.fixture
def uris(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's URL constants, on the platform."""
    for name in ("AUTH_TOKEN_URI", "AUTHORIZE_URI"):
        table = getattr(bingads._UriOAuthService, name)
        for key, url in table.items():
            monkeypatch.setitem(table, key, url.replace(HOST, platform.base_url))


@pytest.mark.usefixtures("uris")
@pytest.mark.parametrize(
    ("user", "environment", "scope"),
    [
        (OWNER, "production", "msads.manage"),
        (PERSONAL, "production", "msads.manage"),
        (PERSONAL, "sandbox", "msads.manage"),
    ],
)
def test_bingads(application: Application, user: str, environment: str, scope: str) -> None:
    registration = application.registration
    grant = bingads.OAuthWebAuthCodeGrant(
        registration.client_id,
        registration.client_secret,
        registration.redirect_uris[0],
        env=environment,
        oauth_scope=scope,
    )
    grant.state = "sdk-state"
    url = grant.get_authorization_endpoint()
    assert urlsplit(url).netloc == urlsplit(application.platform.base_url).netloc
    redirect = application.platform.consent(url, user).redirect
    first = grant.request_oauth_tokens_by_response_uri(redirect)
    assert first.refresh_token
    second = grant.request_oauth_tokens_by_refresh_token(first.refresh_token)
    assert second.access_token != first.access_token
    assert 3600 <= second.access_token_expires_in_seconds <= 5400


@pytest.mark.usefixtures("uris")
def test_bingads_meets_a_wrong_secret(application: Application) -> None:
    registration = application.registration
    grant = bingads.OAuthWebAuthCodeGrant(
        registration.client_id, "wrong", registration.redirect_uris[0]
    )
    redirect = application.platform.consent(grant.get_authorization_endpoint(), OWNER).redirect
    with pytest.raises(bingads.OAuthTokenRequestException) as caught:
        grant.request_oauth_tokens_by_response_uri(redirect)
    assert caught.value.error_code == "invalid_client"
