"""The kinds of client authentication: their order, their breakers, a trial of one."""

from __future__ import annotations

import pytest

from broker.domain.connection import Status
from broker.domain.credentials import CredentialKind, preference
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.credentials import ClientSecretPost, Credential, FederatedJwt, PrivateKeyJwt
from broker.ports.errors import Unavailable
from broker.providers.client_authentication import JWT_BEARER, form_fields
from broker.providers.credential_breaker import EXPIRING, PROBE_EVERY, SPREAD, TRUST
from local.memory import outside
from tests.fakes.microsoft import CLIENT_ID, CLIENT_SECRET, refusal
from tests.unit.house import House

CERTIFICATE, FEDERATED, SECRET = CredentialKind
ENDPOINT = "https://login.example/common/oauth2/v2.0/token"


def signed(endpoint: str) -> Secret:
    """Stands for a signature: tells for which endpoint it was asked."""
    return Secret(f"canary-assertion for {endpoint}")


def certificate(version: str = "thumb", expires_at: int | None = None) -> PrivateKeyJwt:
    ends = None if expires_at is None else Instant(expires_at)
    return PrivateKeyJwt(version, ends, "The certificate's thumbprint is AB12.", signed)


ISSUED = FederatedJwt("digest", Secret("canary-issued"), "The subject is arn:aws:iam::1:role/r.")


class Kinds(House):
    """A house whose client has all three kinds, the secret last."""

    def __init__(self, *order: CredentialKind) -> None:
        super().__init__()
        self.sources = {
            CERTIFICATE: outside.Credentials(certificate(), kind=CERTIFICATE),
            FEDERATED: outside.Credentials(ISSUED, kind=FEDERATED),
            SECRET: self.credentials,
        }
        self.microsoft.assertions = {"canary-issued"}
        self.prefer(*(order or (CERTIFICATE, FEDERATED, SECRET)))

    def prefer(self, *order: CredentialKind) -> None:
        """Deploy with another list."""
        self.kinds_of_credentials = [self.sources[kind] for kind in order]
        self.build()

    def accept(self, *credentials: Credential) -> None:
        """What Microsoft takes from now on."""
        self.microsoft.secrets, self.microsoft.assertions = set(), set()
        for credential in credentials:
            endpoint = "https://login.microsoftonline.com/common/oauth2/v2.0/token"
            fields = form_fields(credential, endpoint)
            kind = "client_secret" if "client_secret" in fields else "client_assertion"
            value = fields[kind]
            assert isinstance(value, Secret)
            held = self.microsoft.secrets if kind == "client_secret" else self.microsoft.assertions
            held.add(value.open())

    def sent(self) -> list[str]:
        """By which credential each request authenticated, in order."""
        return [
            value.open()
            for _, form in self.real_http.posts
            for name in ("client_secret", "client_assertion")
            if isinstance(value := form.get(name), Secret)
        ]

    def failing(self) -> list[object]:
        """The kinds of the events about refused credentials."""
        return [
            detail["kind"]
            for event, detail in self.events.published
            if event == "Client Credential Failing"
        ]


def connected(*order: CredentialKind) -> Kinds:
    """With a connection, and tokens that are to be renewed."""
    house = Kinds(SECRET)
    house.connected()
    house.prefer(*(order or (CERTIFICATE, FEDERATED, SECRET)))
    house.real_http.posts.clear()
    return house


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("secret", (SECRET,)),
        ("certificate,secret", (CERTIFICATE, SECRET)),
        (" Federated , certificate,secret ", (FEDERATED, CERTIFICATE, SECRET)),
    ],
)
def test_the_order_is_the_parameters(text: str, kinds: tuple[CredentialKind, ...]) -> None:
    assert preference(text) == kinds


@pytest.mark.parametrize("text", ["", "  ", "secret,", "secret,secret", "password", "secret;mtls"])
def test_a_list_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="kind of client authentication") as caught:
        preference(text)
    assert "mtls" not in str(caught.value), "an environment's values are not shown"


def test_form_fields_hold_one_credential_and_no_more() -> None:
    secret = ClientSecretPost(Secret("s"), "v1")
    assert form_fields(secret, ENDPOINT) == {"client_secret": Secret("s")}
    for credential, assertion in (
        (certificate(), f"canary-assertion for {ENDPOINT}"),
        (ISSUED, "canary-issued"),
    ):
        assert form_fields(credential, ENDPOINT) == {
            "client_assertion_type": JWT_BEARER,
            "client_assertion": Secret(assertion),
        }
        assert "canary" not in repr(credential)


@pytest.mark.parametrize("kind", list(CredentialKind))
def test_each_kind_alone_consents_and_redeems(kind: CredentialKind) -> None:
    house = Kinds(kind)
    house.accept(house.sources[kind].now)  # type: ignore[arg-type]
    house.connected()
    assert house.refresh() is None
    assert len(house.sent()) == 2


def test_a_refused_kind_opens_its_own_breaker_and_the_next_one_serves() -> None:
    house = connected()
    house.accept(ClientSecretPost(Secret(CLIENT_SECRET), "v1"))
    assert house.refresh() is None
    # The platform's answer is 7000215, which does not spread: certificate, federated, secret.
    assert len(house.sent()) == 3
    assert house.failing() == ["certificate", "federated"]
    assert set(house.tables.breakers) == {
        (CLIENT_ID, "certificate#thumb"),
        (CLIENT_ID, "federated#digest"),
    }
    house.real_http.posts.clear()
    assert house.refresh() is None
    assert house.sent() == [CLIENT_SECRET], "the others wait for their probe"
    assert house.failing() == ["certificate", "federated"], "one event each"
    house.pause(PROBE_EVERY + TRUST)
    house.accept(certificate())
    house.real_http.posts.clear()
    assert house.refresh() is None
    assert len(house.sent()) == 1
    assert (CLIENT_ID, "certificate#thumb") not in house.tables.breakers
    assert house.one().status is Status.ACTIVE


def test_every_kind_refused_is_the_preferred_ones_trouble() -> None:
    house = connected()
    house.microsoft.secrets = house.microsoft.assertions = set()
    problem = house.refresh()
    assert problem is not None
    assert problem.code == "client_misconfigured"
    assert problem.remedy.endswith("The certificate's thumbprint is AB12.")
    blocked = house.refresh()
    assert blocked is not None
    assert blocked.code == "client_misconfigured"
    assert len(house.sent()) == 3, "once each, and then nobody is asked"


def test_a_kind_that_aws_refuses_is_blocked_before_anything_is_sent() -> None:
    house = connected(CERTIFICATE, SECRET)

    def refuse(endpoint: str) -> Secret:
        raise Problem("client_misconfigured", "The key is disabled.", remedy="Enable the key.")

    house.sources[CERTIFICATE].now = PrivateKeyJwt("thumb", None, "", refuse)
    assert house.refresh() is None
    assert house.sent() == [CLIENT_SECRET]
    assert house.failing() == ["certificate"]
    house.prefer(CERTIFICATE)
    problem = house.refresh()
    assert problem is not None
    assert (problem.code, problem.actor) == ("client_misconfigured", "operator")
    assert house.one().status is Status.ACTIVE


def test_aws_failing_for_one_kind_is_waited_out_with_the_next() -> None:
    house = connected(CERTIFICATE, SECRET)

    def throttled(endpoint: str) -> Secret:
        raise Unavailable("kms", "Throttling")

    house.sources[CERTIFICATE].now = PrivateKeyJwt("thumb", None, "", throttled)
    assert house.refresh() is None
    assert (house.sent(), house.failing()) == ([CLIENT_SECRET], [])
    house.prefer(CERTIFICATE)
    with pytest.raises(Unavailable, match="kms"):
        house.refresh()
    house.sources[CERTIFICATE].now = Unavailable("ssm", "Throttling")
    with pytest.raises(Unavailable, match="ssm"):
        house.refresh()
    house.prefer(CERTIFICATE, SECRET)
    assert house.refresh() is None


def test_a_code_is_sent_with_the_first_kind_that_can_be_made() -> None:
    house = Kinds(CERTIFICATE, SECRET)
    house.sources[CERTIFICATE].now = Problem("client_misconfigured", "no certificate")
    house.connected()
    assert house.sent() == [CLIENT_SECRET]


@pytest.mark.parametrize("number", [70021, 700213, 700027])
def test_what_has_not_spread_yet_is_waited_out_in_silence(number: int) -> None:
    """ "Retry every request for a while, even after a success"."""
    house = connected(FEDERATED)
    house.accept(ISSUED)
    answer = refusal("invalid_client", number, status=401)
    house.microsoft.faults = [answer]
    assert house.refresh() is None, "another node of Microsoft's knows it"
    house.microsoft.always = answer
    begun = house.clock.now
    while house.clock.now - begun < SPREAD - 30:
        assert house.refresh() is not None
        house.pause(30)
    assert house.failing() == []
    assert not [name for name, _, _ in house.telemetry.counts if name == "CredentialRefused"]
    house.pause(60)
    assert house.refresh() is not None
    house.refresh()
    assert house.failing() == ["federated"], "by now it should have"
    house.microsoft.always = None
    house.pause(PROBE_EVERY + TRUST)
    assert house.refresh() is None
    assert house.one().status is Status.ACTIVE


def test_a_trial_redeems_with_that_kind_alone() -> None:
    house = connected(SECRET, CERTIFICATE)
    house.accept(certificate(), ClientSecretPost(Secret(CLIENT_SECRET), "v1"))
    assert house.refresh("operator", client_authentication=CERTIFICATE) is None
    assert len(house.sent()) == 1
    assert house.sent()[0].startswith("canary-assertion")


def test_a_failed_trial_touches_nothing() -> None:
    house = connected(SECRET, CERTIFICATE)
    before, kept = house.one(), house.kept()
    events = list(house.events.published)
    for _ in range(3):
        problem = house.refresh("operator", client_authentication=CERTIFICATE)
        assert problem is not None
        assert problem.code == "client_misconfigured"
        assert "AB12" in problem.remedy
    assert (house.one(), house.kept()) == (before, kept)
    assert (house.tables.breakers, house.events.published) == ({}, events)
    house.sources[CERTIFICATE].now = Problem("client_misconfigured", "no certificate")
    problem = house.refresh("operator", client_authentication=CERTIFICATE)
    assert problem is not None
    assert problem.detail == "no certificate"
    assert (house.one(), house.tables.breakers) == (before, {})


def test_a_trial_of_a_kind_that_is_not_listed_says_so() -> None:
    house = connected(SECRET)
    problem = house.refresh("operator", client_authentication=FEDERATED)
    assert problem is not None
    assert problem.code == "invalid_request"
    assert "federated is not among the kinds of this stack (secret)" in problem.detail


def test_a_trial_closes_a_breaker_that_was_open() -> None:
    house = connected(CERTIFICATE, SECRET)
    house.refresh()
    assert house.tables.breakers
    house.accept(certificate())
    house.build()  # another environment, which knows nothing of it
    assert house.refresh("operator", client_authentication=CERTIFICATE) is None
    assert house.tables.breakers == {}


def test_a_certificate_that_ends_soon_is_told_by_its_kind() -> None:
    house = connected(CERTIFICATE)
    end = house.clock.instant() + EXPIRING - 60
    house.sources[CERTIFICATE].now = certificate(expires_at=end)
    house.accept(certificate())
    assert house.refresh() is None
    ((_, detail),) = [one for one in house.events.published if one[0].endswith("Expiring")]
    assert (detail["kind"], detail["code"]) == ("certificate", "client_certificate_expired")
    labels = {
        "service": "client-credential",
        "kind": "certificate",
        "identity_provider": "microsoft",
    }
    assert ("CredentialLeftSeconds", EXPIRING - 60, labels) in house.telemetry.counts
    assert ("CredentialWorked", 1, labels) in house.telemetry.counts
