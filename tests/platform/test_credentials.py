"""Secrets and certificates beside each other: adding, removing, spreading, and their ends."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes

from .application import Application, refusals
from .certificate import Certificate
from .test_assertions import redeem


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return Certificate()


@pytest.fixture(scope="module")
def second() -> Certificate:
    return Certificate()


def thumbprint(certificate: Certificate) -> str:
    return certificate.thumbprint(hashes.SHA256())


def test_a_padded_thumbprint_is_the_same(
    application: Application, certificate: Certificate
) -> None:
    application.platform.add_certificate(application.registration.client_id, certificate.pem)
    padded = {"x5t#S256": thumbprint(certificate) + "="}
    assert redeem(application, certificate, header=padded).status_code == 200


def test_every_thumbprint_given_must_be_the_certificates(
    application: Application, certificate: Certificate
) -> None:
    application.platform.add_certificate(application.registration.client_id, certificate.pem)
    header = {"x5t#S256": thumbprint(certificate), "x5t": "another"}
    assert refusals(redeem(application, certificate, header=header)) == [700027]
    header = {"kid": "unknown"}
    assert refusals(redeem(application, certificate, header=header)) == [50027]


def test_a_renewal_with_overlap(
    application: Application, certificate: Certificate, second: Certificate
) -> None:
    platform, client_id = application.platform, application.registration.client_id
    platform.add_certificate(client_id, certificate.pem)
    shown = platform.add_certificate(client_id, second.pem)
    assert shown["x5t#S256"] == thumbprint(second)
    for current in (certificate, second):
        assert redeem(application, current).status_code == 200
    platform.remove_credential(client_id, "certificates", thumbprint(certificate))
    answer = redeem(application, certificate)
    assert (refusals(answer), answer.status_code) == ([700027], 401)
    assert thumbprint(certificate) in answer.json()["error_description"]
    assert redeem(application, second).status_code == 200


def test_a_certificate_that_has_ended_or_not_begun(
    application: Application, certificate: Certificate
) -> None:
    platform = application.platform
    platform.add_certificate(application.registration.client_id, certificate.pem)
    for offset, reason in ((86_500, "expired"), (-86_500, "not valid yet")):
        platform.clock(offset)
        times: dict[str, Any] = {
            name: int(time.time()) + offset + s for name, s in (("nbf", 0), ("exp", 300))
        }
        answer = redeem(application, certificate, **times)
        assert refusals(answer) == [700027]
        assert reason in answer.json()["error_description"]


def test_another_applications_assertion(application: Application, certificate: Certificate) -> None:
    application.platform.add_certificate(application.registration.client_id, certificate.pem)
    other = str(uuid.uuid4())
    answer = redeem(application, certificate, iss=other, sub=other)
    assert refusals(answer) == [700021]


def test_a_change_spreads(application: Application, certificate: Certificate) -> None:
    platform, client_id = application.platform, application.registration.client_id
    platform.settings(spreading_seconds=120)

    def outcomes(at: float) -> list[Any]:
        platform.clock(at)
        return [refusals(redeem(application, certificate)) for _ in range(4)]

    platform.add_certificate(client_id, certificate.pem)
    assert outcomes(10) == [[700027]] * 4
    assert sorted(map(str, outcomes(70))) == ["[700027]"] * 2 + ["ok"] * 2  # it comes and goes
    assert outcomes(121) == ["ok"] * 4
    platform.remove_credential(client_id, "certificates", thumbprint(certificate))
    assert platform.credentials(client_id, "certificates") == []
    assert outcomes(131) == ["ok"] * 4
    assert outcomes(242) == [[700027]] * 4


def test_a_secret_spreads_too(application: Application) -> None:
    platform, client_id = application.platform, application.registration.client_id
    platform.settings(spreading_seconds=60)
    shown = platform.add_secret(client_id, "fresh~secret")
    token = application.tokens()["refresh_token"]
    assert refusals(application.refresh(token, client_secret="fresh~secret")) == [7000215]
    platform.clock(61)
    assert application.refresh(token, client_secret="fresh~secret").status_code == 200
    assert platform.requests()[-1]["credential_id"] == shown["id"]
    with pytest.raises(requests.HTTPError, match="at most 2"):
        platform.add_secret(client_id, "third")


@pytest.mark.parametrize("garble", ["", "no certificate", "twice"])
def test_certificates_that_are_not_taken(
    application: Application, certificate: Certificate, garble: str
) -> None:
    pem = certificate.pem * 2 if garble == "twice" else garble
    with pytest.raises(requests.HTTPError):
        application.platform.add_certificate(application.registration.client_id, pem)


def test_client_credentials_need_a_credential(application: Application) -> None:
    form: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "client_id": application.registration.client_id,
        "scope": "https://graph.microsoft.com/.default",
    }
    answer = application.post(form, tenant="contoso.example")
    assert (refusals(answer), answer.status_code) == ([7000216], 401)
    secret: dict[str, str | None] = {"client_secret": application.registration.client_secret}
    answer = application.post(form | secret, tenant="contoso.example")
    assert answer.json()["error"] == "unsupported_grant_type"
