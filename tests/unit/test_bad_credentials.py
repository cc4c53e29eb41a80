"""What can be wrong with a client credential: a clear problem for the operator, once, and callers
with valid tokens are served as ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from botocore.exceptions import ClientError

from broker.adapters.parameters import CACHE_SECONDS, Certificates
from broker.adapters.signing import Signer
from broker.adapters.web_identity import WebIdentity
from broker.domain.connection import Status
from broker.domain.problems import Problem
from broker.ports.errors import Unavailable
from broker.ports.outside import Reply
from broker.providers.certificate import CertificateCredentials
from broker.providers.credential_breaker import PROBE_EVERY, SPREAD, TRUST
from broker.providers.federation import FederatedCredentials
from tests.fakes import certificates
from tests.fakes.certificates import DAY, pem
from tests.fakes.microsoft import CLIENT_ID, refusal
from tests.unit.house import House

TWO = pem(0) + pem(1)


@dataclass(slots=True)
class Aws:
    """SSM, KMS and STS as the adapters call them. `refuses`: operation → error code."""

    house: House
    parameter: str = field(default_factory=pem)
    refuses: Mapping[str, str] = field(default_factory=dict)

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 (AWS's name)
        self._answer("get_parameter")
        return {"Parameter": {"Name": Name, "Value": self.parameter, "Version": 1}}

    def sign(self, *, Message: bytes, **_: str) -> dict[str, Any]:  # noqa: N803 (AWS's name)
        self._answer("sign")
        return {"Signature": certificates.Signer().sign(Message)}

    def get_web_identity_token(self, **_: object) -> dict[str, Any]:
        self._answer("get_web_identity_token")
        ends = self.house.clock.now + 300
        claims = {"iss": "https://issuer.example", "sub": "role", "aud": "a", "exp": ends}
        token = jwt.encode(claims, "canary-key-of-a-test-of-32-bytes-or-more", algorithm="HS256")
        return {"WebIdentityToken": token, "Expiration": datetime.fromtimestamp(ends, UTC)}

    def _answer(self, operation: str) -> None:
        if code := self.refuses.get(operation):
            raise ClientError({"Error": {"Code": code}}, operation)


def connected(kind: str, aws: Mapping[str, Any], answer: Reply | None = None) -> House:
    """With a valid token, got by a secret, and from then on one other kind alone."""
    house = House().connected()
    client: Any = Aws(house, **aws)
    house.kinds_of_credentials = [
        CertificateCredentials(
            certificates=Certificates(client, "/stack/certificate", house.clock),
            signer=Signer(client, "key"),
            clock=house.clock,
            randomness=house.randomness,
            client_id=CLIENT_ID,
        )
        if kind == "certificate"
        else FederatedCredentials(WebIdentity(client), house.clock)
    ]
    house.microsoft.always = answer
    house.build()
    return house


def served(house: House) -> str:
    """What a caller gets who does not insist on a new token."""
    answer = house.fetch()
    assert answer["expires_in"] > 0
    return str(answer["access_token"])


def told(house: House) -> list[tuple[object, ...]]:
    """The events since the connection was made."""
    return [
        (kind, detail.get("kind"), detail.get("code"))
        for kind, detail in house.events.published
        if kind != "Connection Authorized"
    ]


UNANSWERED = refusal("invalid_request", 50166)
"""As Microsoft says it, where it cannot fetch the keys of the token's issuer."""
REFUSED: dict[str, tuple[str, dict[str, Any], Reply | None, str, str]] = {
    # Kind, what AWS has, what Microsoft answers; the remedy's words, the code's end.
    "not the key's": ("certificate", {"parameter": pem(1)}, None, "this stack's key", ""),
    "ended": (
        "certificate",
        {"parameter": pem(0, -2 * DAY, -DAY)},
        None,
        "makes a new one",
        "client_certificate_expired",
    ),
    "not begun": ("certificate", {"parameter": pem(0, DAY)}, None, "waits for its beginning", ""),
    "several": ("certificate", {"parameter": TWO}, None, "one certificate alone", ""),
    "with its key": (
        "certificate",
        {"parameter": pem() + certificates.private_pem()},
        None,
        "for disclosed",
        "",
    ),
    "missing": (
        "certificate",
        {"refuses": {"get_parameter": "ParameterNotFound"}},
        None,
        "`token-broker credential certificate`",
        "",
    ),
    "empty": ("certificate", {"parameter": " "}, None, "`token-broker credential certificate`", ""),
    "garbage": ("certificate", {"parameter": "canary-garbage"}, None, "--use FILE", ""),
    "key disabled": (
        "certificate",
        {"refuses": {"sign": "DisabledException"}},
        None,
        "aws kms enable-key",
        "",
    ),
    "key pending deletion": (
        "certificate",
        {"refuses": {"sign": "KMSInvalidStateException"}},
        None,
        "aws kms cancel-key-deletion",
        "",
    ),
    "issuer unanswered": ("federated", {}, UNANSWERED, "openid-configuration", ""),
    "federation off": (
        "federated",
        {"refuses": {"get_web_identity_token": "OutboundWebIdentityFederationDisabledException"}},
        None,
        "enable-outbound-web-identity-federation",
        "",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_credential_is_the_operators_alone(name: str) -> None:
    kind, aws, answer, words, code = REFUSED[name]
    house = connected(kind, aws, answer)
    before = served(house)
    begun = house.clock.now
    problem = house.refresh()
    while house.clock.now - begun < SPREAD + PROBE_EVERY + TRUST + CACHE_SECONDS:
        assert served(house) == before, "a valid token is served all the while"
        house.pause(60)
        problem = house.refresh()
    assert isinstance(problem, Problem)
    assert (problem.code, problem.actor) == (code or "client_misconfigured", "operator")
    ((_, detail),) = [told for told in house.events.published if told[0].endswith("Failing")]
    assert words in str(detail["remedy"])
    assert told(house) == [("Client Credential Failing", kind, problem.code)], "one event"
    assert house.one().status is Status.ACTIVE
    assert house.one().suspicion is None
    assert "canary-garbage" not in house.shown()


@pytest.mark.parametrize("code", ["ServiceUnavailable", "SessionDurationEscalationException"])
def test_what_passes_at_sts_is_nobodys_fault(code: str) -> None:
    """STS away; a session that ends before any token would. AWS mends it by itself."""
    house = connected("federated", {"refuses": {"get_web_identity_token": code}})
    before = served(house)
    with pytest.raises(Unavailable, match="sts"):
        house.refresh()
    assert served(house) == before
    assert told(house) == []
    assert house.one().status is Status.ACTIVE
    house.pause(house.microsoft.expires_in)
    with pytest.raises(Problem) as caught:
        house.fetch()
    assert (caught.value.code, caught.value.status) == ("broker_unavailable", 503)
    assert caught.value.retry_after


def test_an_issuer_that_does_not_answer_is_asked_again_and_the_next_kind_serves() -> None:
    house = connected("federated", {})
    house.kinds_of_credentials.append(house.credentials)
    house.build()
    house.microsoft.faults = [UNANSWERED, UNANSWERED]
    assert house.refresh() is None
    assert told(house) == []
    sent = [set(form) & {"client_secret", "client_assertion"} for _, form in house.real_http.posts]
    assert sent[-3:] == [{"client_assertion"}, {"client_assertion"}, {"client_secret"}]


def test_a_claims_provider_that_is_overloaded_is_told_as_such() -> None:
    """The same number of a sign-in elsewhere passes, and is not about the credential."""
    house = connected("federated", {}, refusal("temporarily_unavailable", 50166))
    problem = house.refresh()
    assert isinstance(problem, Problem)
    assert (problem.code, problem.actor) == ("provider_unavailable", "nobody")
    assert "federated" not in problem.remedy
    assert house.tables.breakers == {}
