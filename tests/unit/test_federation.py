"""The kind `federated`: AWS's own token as the client's assertion."""

from __future__ import annotations

from dataclasses import dataclass, field

import jwt
import pytest

from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.credentials import Unusable, WebIdentityToken
from broker.providers.credential_breaker import LOOK_EVERY
from broker.providers.federation import AUDIENCE, MARGIN, FederatedCredentials
from local.memory import outside
from tests.unit.house import House

ISSUER = "https://1f2e.tokens.sts.global.api.aws"
ROLE = "arn:aws:iam::111122223333:role/broker-RefreshRole-X"
LIFE = 300


@dataclass(slots=True)
class Issuer:
    """`ports.WebIdentity`; `trouble` is raised instead."""

    clock: outside.Clock
    subject: str = ROLE
    trouble: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def token(self, audience: str) -> WebIdentityToken:
        self.asked.append(audience)
        if self.trouble:
            raise self.trouble
        claims = {"iss": ISSUER, "sub": self.subject, "aud": audience, "jti": len(self.asked)}
        text = jwt.encode(claims, "canary-key-of-a-test-of-32-bytes-or-more", algorithm="HS256")
        return WebIdentityToken(Secret(text), Instant(self.clock.instant() + LIFE))


def test_a_token_is_asked_for_once_in_its_life() -> None:
    clock = outside.Clock()
    issuer = Issuer(clock)
    credentials = FederatedCredentials(issuer, clock)
    first = credentials.current()
    clock.advance(LIFE - MARGIN - 1)
    assert credentials.current(fresh=True) == first
    assert issuer.asked == [AUDIENCE]
    clock.advance(1)
    second = credentials.current()
    assert second.token != first.token
    assert second.version == first.version, "what Entra compares is the same"
    assert credentials.previous() is None


def test_an_operator_can_compare_it_with_entra() -> None:
    clock = outside.Clock()
    issuer = Issuer(clock)
    credential = FederatedCredentials(issuer, clock).current()
    for value in (ISSUER, ROLE, AUDIENCE):
        assert value in credential.names
    assert credential.token.open() not in repr(credential)
    other = FederatedCredentials(Issuer(clock, subject=ROLE.lower()), clock).current()
    assert other.version != credential.version, "letter case counts, and so another breaker"


@pytest.mark.parametrize("text", ["", "a.b", "a.!!.c", "a.W10.c", "a.bnVsbA.c"])
def test_a_token_that_cannot_be_read_is_sent_all_the_same(text: str) -> None:
    clock = outside.Clock()

    class Odd(Issuer):
        def token(self, audience: str) -> WebIdentityToken:
            return WebIdentityToken(Secret(text), Instant(clock.instant() + LIFE))

    assert FederatedCredentials(Odd(clock), clock).current().token == Secret(text)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        ("federation_disabled", "aws iam enable-outbound-web-identity-federation"),
        ("token_denied", "api://AzureADTokenExchange, RS256 and 300 seconds"),
    ],
)
def test_what_aws_refuses_is_one_incident_with_its_remedy(finding: str, words: str) -> None:
    house = House().connected()
    issuer = Issuer(house.clock, trouble=Unusable(finding))
    house.kinds_of_credentials = [FederatedCredentials(issuer, house.clock)]
    house.build()
    for _ in range(3):
        problem = house.refresh()
        assert isinstance(problem, Problem)
        assert (problem.code, problem.actor) == ("client_misconfigured", "operator")
        assert words in problem.remedy
    assert len(issuer.asked) == 1
    told = [detail for kind, detail in house.events.published if kind.endswith("Failing")]
    assert [(detail["kind"], detail["code"]) for detail in told] == [
        ("federated", "client_misconfigured")
    ]
    issuer.trouble = None
    house.pause(LOOK_EVERY)
    house.microsoft.assertions = {issuer.token(AUDIENCE).token.open()}
    issuer.asked.clear()
    house.refresh()
    assert issuer.asked == [AUDIENCE], "and it is found to be mended"
