"""The kind `certificate`: what counts as one, and the assertion, judged by a library not ours."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.credentials import CredentialKind
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.credentials import Unusable, UnverifiedPem
from broker.ports.errors import Unavailable
from broker.providers.certificate import LIFE, MARGIN, CertificateCredentials, read
from local.memory import outside
from tests.fakes import certificates
from tests.fakes.certificates import DAY, Certificates, Signer, pem
from tests.fakes.microsoft import CLIENT_ID, PLATFORM
from tests.unit.house import House

ENDPOINT = f"{PLATFORM}/common/oauth2/v2.0/token"
OTHER = f"{PLATFORM}/contoso.example/oauth2/v2.0/token"


class Bench:
    """The credentials of one environment, and what they are made of."""

    def __init__(self, now: Any = None, before: UnverifiedPem | None = None) -> None:
        self.clock, self.signer = outside.Clock(), Signer()
        self.certificates = Certificates(pem() if now is None else now, before)
        self.credentials = CertificateCredentials(
            certificates=self.certificates,
            signer=self.signer,
            clock=self.clock,
            randomness=outside.Randomness(),
            client_id=CLIENT_ID,
        )

    def assertion(self, endpoint: str = ENDPOINT) -> str:
        return self.credentials.current().sign(endpoint).open()

    def refused(self) -> Problem:
        with pytest.raises(Problem) as caught:
            self.assertion()
        assert caught.value.actor == "operator"
        assert caught.value.status == 502
        assert caught.value.detail.startswith("certificate: ")
        return caught.value


def test_the_assertion_is_what_entra_asks_for() -> None:
    """PyJWT judges signature, audience and times."""
    bench = Bench()
    assertion = bench.assertion()
    certificate = x509.load_pem_x509_certificate(pem().encode())
    header = jwt.get_unverified_header(assertion)
    thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}
    claims = jwt.decode(
        assertion,
        certificate.public_key(),  # type: ignore[arg-type]
        algorithms=["PS256"],
        audience=ENDPOINT,
        issuer=CLIENT_ID,
        options={
            "require": ["aud", "iss", "sub", "jti", "iat", "nbf", "exp"],
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        },
    )
    now = int(bench.clock())
    assert (claims["sub"], claims["aud"]) == (CLIENT_ID, ENDPOINT)
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (now, now, now + LIFE)
    assert [len(part) for part in claims["jti"].split("-")] == [8, 4, 4, 4, 12]
    assert len(bench.signer.messages[0]) < 4096, "what KMS signs at once"


def test_pyjwt_refuses_it_for_another_endpoint() -> None:
    assertion = Bench().assertion(OTHER)
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(
            assertion,
            certificates.key(0).public_key(),
            algorithms=["PS256"],
            audience=ENDPOINT,
            options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )


def test_a_thousand_redemptions_cost_one_signature_an_endpoint() -> None:
    house = House()
    signer = Signer()
    credentials = CertificateCredentials(
        Certificates(pem()), signer, house.clock, house.randomness, CLIENT_ID
    )
    house.kinds_of_credentials = [credentials]
    house.microsoft.secrets.clear()
    house.microsoft.assertions = {credentials.current().sign(ENDPOINT).open()}
    house.build()
    house.connected()
    for _ in range(1000):
        assert house.refresh("operator") is None
        house.pause((LIFE - MARGIN - 1) / 1000)
    assert len(signer.messages) == 1
    assert house.kinds().count("Client Credential Failing") == 0


def test_an_assertion_is_used_for_its_life_and_one_endpoint() -> None:
    bench = Bench()
    first = bench.assertion()
    bench.clock.advance(LIFE - MARGIN - 1)
    assert bench.assertion() == first
    assert bench.assertion(OTHER) != first
    assert len(bench.signer.messages) == 2
    bench.clock.advance(1)
    second = bench.assertion()
    assert second != first
    assert jti(second) != jti(first)
    bench.certificates.now = pem(ends=91 * DAY)
    assert bench.assertion() not in (first, second), "of another certificate"


def jti(assertion: str) -> str:
    claims = jwt.decode(assertion, options={"verify_signature": False})
    return str(claims["jti"])


def test_an_operator_can_compare_it_with_entra() -> None:
    credential = Bench().credentials.current()
    certificate = x509.load_pem_x509_certificate(pem().encode())
    assert credential.kind is CredentialKind.CERTIFICATE
    assert certificate.fingerprint(SHA1()).hex().upper() in credential.names
    assert "valid until 2027-04-15T08:00:00Z" in credential.names
    assert credential.version == certificate.fingerprint(SHA256()).hex()
    assert credential.expires_at == certificate.not_valid_after_utc.timestamp()


def one_line(text: str) -> str:
    return text.replace("\n", " ")


@pytest.mark.parametrize(
    ("stored", "finding"),
    [
        (lambda: "REPLACE-ME", "certificate_missing"),
        (lambda: "", "certificate_missing"),
        (lambda: "canary" * 100, "certificate_garbage"),
        (lambda: pem() + pem(1), "certificate_several"),
        (lambda: pem() + certificates.private_pem(), "certificate_holds_key"),
        (certificates.private_pem, "certificate_holds_key"),
        (certificates.elliptic, "certificate_garbage"),
        (lambda: pem()[:400], "certificate_garbage"),
        (lambda: one_line(pem())[:-30], "certificate_garbage"),
        (lambda: pem().replace("A", "!"), "certificate_garbage"),
        (lambda: "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----\n", None),
    ],
)
def test_what_is_no_certificate_is_told_by_what_it_is(
    stored: Callable[[], str], finding: str | None
) -> None:
    with pytest.raises(Unusable) as caught:
        read(UnverifiedPem(stored()))
    assert caught.value.finding == (finding or "certificate_garbage")
    problem = Bench(UnverifiedPem(stored())).refused()
    assert problem.code == "client_misconfigured"
    assert "canary" not in str(problem.as_dict())
    assert problem.__context__ is None


@given(st.text(max_size=300) | st.text("-BEGINCRTIFKY \n=+/", max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----"):
        with pytest.raises(Unusable):
            read(UnverifiedPem(candidate))


def test_a_certificate_that_has_ended_or_not_begun() -> None:
    ended = Bench(pem(begins=-2 * DAY, ends=-DAY)).refused()
    assert ended.code == "client_certificate_expired"
    assert "2027-01-14T08:00:00Z" in ended.remedy
    early = Bench(pem(begins=DAY)).refused()
    assert early.code == "client_misconfigured"
    assert "not valid yet" in early.detail


def test_a_certificate_of_another_key_is_found_before_microsoft_sees_it() -> None:
    bench = Bench(pem(1))
    problem = bench.refused()
    assert "not of the stack's KMS key" in problem.detail
    assert bench.credentials.signed == {}


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ("key_disabled", "enable-key"),
        ("key_pending_deletion", "cancel-key-deletion"),
        ("key_missing", "deploys the stack again"),
        ("key_unfit", "SIGN_VERIFY"),
        ("sign_denied", "RSASSA_PSS_SHA_256"),
    ],
)
def test_what_kms_refuses_is_told_with_its_remedy(finding: str, words: str) -> None:
    bench = Bench()
    bench.signer.trouble = Unusable(finding)
    problem = bench.refused()
    assert problem.code == "client_misconfigured"
    assert words in problem.remedy
    assert "SHA-1 thumbprint" in problem.remedy
    bench.signer.trouble = None
    assert bench.assertion(), "and it is not remembered"


def test_kms_failing_is_nobodys_fault() -> None:
    bench = Bench()
    bench.signer.trouble = Unavailable("kms", "Throttling")
    with pytest.raises(Unavailable):
        bench.assertion()


def test_the_certificate_before_serves_while_the_new_one_does_not_yet() -> None:
    """Renewal with overlap: the new one begins tomorrow, or Entra does not know it yet."""
    house = House()
    stored = Certificates(pem(begins=DAY, ends=99 * DAY), pem())
    credentials = CertificateCredentials(stored, Signer(), house.clock, house.randomness, CLIENT_ID)
    before = credentials.previous()
    assert before
    house.microsoft.assertions = {before.sign(ENDPOINT).open()}
    house.kinds_of_credentials = [credentials]
    house.build()
    house.connected()
    assert house.refresh() is None
    house.pause(2 * DAY)
    house.microsoft.assertions = {credentials.current().sign(ENDPOINT).open()}
    assert house.refresh() is None
    assert house.kinds().count("Connection Broken") == 0


def test_nothing_shows_an_assertion() -> None:
    bench = Bench()
    assertion = bench.assertion()
    assert isinstance(bench.credentials.current().sign(ENDPOINT), Secret)
    assert assertion not in repr(bench.credentials)
    assert assertion.split(".")[2] not in repr(bench.credentials.current())
    assert json.dumps(certificates.private_pem()) not in repr(bench.credentials)
