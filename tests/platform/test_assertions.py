"""Client assertions (private_key_jwt): accepted when right, each mistake with its number."""

from __future__ import annotations

import time
import uuid
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import hashes

from local.simulator.entra.assertions import JWT_BEARER

from .application import Application
from .certificate import Certificate


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate()


@pytest.fixture
def registered(application: Application, certificate: Certificate) -> Application:
    client_id = application.registration.client_id
    application.platform.client(client_id, certificates=[certificate.pem])
    return application


def redeem(
    application: Application,
    certificate: Certificate,
    *,
    algorithm: str = "PS256",
    header: dict[str, str] | None = None,
    **changes: Any,
) -> requests.Response:
    client_id = application.registration.client_id
    now = int(time.time())
    claims = {
        "aud": f"{application.platform.base_url}/common/oauth2/v2.0/token",
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 300,
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    header = header or {"x5t#S256": certificate.thumbprint(hashes.SHA256())}
    assertion = jwt.encode(claims, certificate.key, algorithm=algorithm, headers=header)
    return application.redeem(
        application.code(),
        client_secret=None,
        client_assertion_type=JWT_BEARER,
        client_assertion=assertion,
    )


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_accepted(registered: Application, certificate: Certificate, algorithm: str) -> None:
    assert redeem(registered, certificate, algorithm=algorithm).status_code == 200


def test_sha1_thumbprint_still_works(registered: Application, certificate: Certificate) -> None:
    header = {"x5t": certificate.thumbprint(hashes.SHA1())}
    assert redeem(registered, certificate, header=header).status_code == 200


MISTAKES: list[tuple[dict[str, Any], int]] = [
    ({"aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token"}, 700023),
    ({"aud": ["http://localhost"]}, 50027),
    ({"iss": "someone"}, 50048),
    ({"sub": "someone"}, 50048),
    ({"jti": None}, 50027),
    ({"exp": None}, 50027),
    ({"exp": 1}, 700024),
    ({"nbf": 4_000_000_000, "exp": 4_000_000_001}, 700024),
    ({"header": {"x5t#S256": "unknown"}}, 700027),
    ({"algorithm": "RS512"}, 700027),
]


@pytest.mark.parametrize(("changes", "number"), MISTAKES)
def test_mistakes(
    registered: Application, certificate: Certificate, changes: dict[str, Any], number: int
) -> None:
    assert redeem(registered, certificate, **changes).json()["error_codes"] == [number]


def test_the_audience_is_the_endpoint_that_was_called(
    registered: Application, certificate: Certificate
) -> None:
    """Not another segment's, though it is the same platform and token service."""
    base = registered.platform.base_url
    for segment in ("organizations", "Common", "aaaaaaaa-1111-4000-8000-000000000001"):
        answer = redeem(registered, certificate, aud=f"{base}/{segment}/oauth2/v2.0/token")
        assert answer.json()["error_codes"] == [700023]


def test_foreign_key(registered: Application, certificate: Certificate) -> None:
    forger = Certificate()
    header = {"x5t#S256": certificate.thumbprint(hashes.SHA256())}
    assert redeem(registered, forger, header=header).json()["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({"client_assertion": "not.a.jwt"}, 50027),
        ({"client_assertion": "x", "client_assertion_type": "other"}, 50027),
        ({"client_secret": "x"}, 9002313),
    ],
)
def test_form(registered: Application, changes: dict[str, Any], number: int) -> None:
    form = {
        "client_secret": None,
        "client_assertion": "x",
        "client_assertion_type": JWT_BEARER,
    }
    answer = registered.redeem(registered.code(), **(form | changes))
    assert answer.json()["error_codes"] == [number]
