"""The OAuth client: what is sent, what is read, what is retried, and the breaker."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.names import Incarnation, Instant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.credentials import ClientSecretPost
from broker.ports.errors import Unavailable, Unreachable
from broker.ports.outside import Reply
from broker.ports.stores import Fault
from broker.providers.client_authentication import Client
from broker.providers.credential_breaker import PROBE_EVERY, TRUST, Breaker
from broker.providers.entra.platform import Entra
from broker.providers.token_endpoint import OAuth, Refused
from broker.providers.token_response import TokenResponse
from local.memory import authorizations, outside, tables
from tests.fakes.microsoft import refusal

AUTHORITY = "https://login.microsoftonline.com/common"
OLD, NEW = (
    ClientSecretPost(Secret("canary-old"), "v1"),
    ClientSecretPost(Secret("canary-new"), "v2"),
)
WRONG = refusal("invalid_client", 7000215, status=401)
EXPIRED = refusal("invalid_client", 7000222, status=401)
DOWN = refusal("temporarily_unavailable", status=503)
GOOD: dict[str, Any] = {
    "token_type": "Bearer",
    "access_token": "canary-access",
    "refresh_token": "canary-refresh",
    "expires_in": 3600,
    "scope": "a b",
}


def reply(**changes: Any) -> Reply:
    body = {name: part for name, part in (GOOD | changes).items() if part is not None}
    return Reply(200, {}, json.dumps(body).encode())


class Bench:
    """One client, what it talks to, and an environment that can be started anew."""

    def __init__(
        self, *answers: Any, now: Any = NEW, before: ClientSecretPost | None = None
    ) -> None:
        self.clock, self.events = outside.Clock(), outside.Events()
        self.http, self.tables = outside.Http(answers), tables.Tables()
        self.credentials = outside.Credentials(now, before)
        self.start()

    def start(self) -> None:
        breaker = Breaker(
            credentials=self.credentials,
            breakers=authorizations.Breakers(self.tables),
            events=self.events,
            telemetry=outside.Telemetry(),
            clock=self.clock,
            client_id="client",
        )
        self.oauth = OAuth(
            http=self.http,
            platform=Entra("https://login.microsoftonline.com"),
            client=Client("client", (breaker,)),
            clock=self.clock,
            randomness=outside.Randomness(),
            sleep=self.clock.advance,
        )

    def refresh(self) -> TokenResponse:
        return self.oauth.refresh(
            AUTHORITY, "tenant", Incarnation("one"), Secret("canary-given"), "x/y"
        )

    def code(self) -> TokenResponse:
        form: dict[str, str | Secret] = {"code": Secret("canary-code"), "redirect_uri": "https://b"}
        return self.oauth.code(AUTHORITY, form, "x/y", 10)

    def refused(self) -> str:
        with pytest.raises((Refused, Problem)) as caught:
            self.refresh()
        assert "canary" not in repr(caught.value)
        return str(caught.value)

    def sent(self) -> list[str]:
        """The client secrets that were sent."""
        found = [form["client_secret"] for _, form in self.http.posts]
        return [secret.open() for secret in found if isinstance(secret, Secret)]


def test_what_is_sent() -> None:
    bench = Bench(reply())
    bench.refresh()
    ((url, form),) = bench.http.posts
    assert url == f"{AUTHORITY}/oauth2/v2.0/token"
    assert form == {
        "grant_type": "refresh_token",
        "refresh_token": Secret("canary-given"),
        "scope": "openid profile offline_access x/y",
        "client_id": "client",
        "client_secret": NEW.secret,
    }
    assert "canary" not in repr(form)


def test_what_is_read() -> None:
    bench = Bench(reply(refresh_in=1800))
    bench.clock.now = 1000.9
    found = bench.refresh()
    assert found.access_token == Secret("canary-access")
    assert found.refresh_token == Secret("canary-refresh")
    assert (found.expires_at, found.refresh_in, found.id_token) == (4600, 1800, None)
    assert "canary" not in repr(found)


def test_a_token_never_seems_to_live_longer_than_it_does() -> None:
    """Lesson 8: counted from before the request."""
    bench = Bench()
    begun = bench.clock.now

    def slow(_: str, __: object) -> Reply:
        bench.clock.advance(6)
        return reply()

    bench.http = outside.Http(slow)
    bench.start()
    assert bench.refresh().expires_at == begun + 3600


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"access_token": None}, "access_token"),
        ({"access_token": ""}, "access_token"),
        ({"access_token": 1}, "access_token"),
        ({"access_token": "x" * 65_537}, "access_token"),
        ({"token_type": None}, "token_type"),
        ({"token_type": "pop"}, "token_type"),
        ({"expires_in": None}, "expires_in"),
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": "soon"}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
    ],
)
def test_a_success_that_makes_no_sense(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as caught:
        Bench(reply(**changes)).refresh()
    assert caught.value.code == "provider_error"
    assert field in caught.value.detail
    assert "canary" not in caught.value.detail


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 100_000])
def test_a_success_that_is_no_object(body: bytes) -> None:
    with pytest.raises(Problem, match="provider_error"):
        Bench(Reply(200, {}, body)).refresh()


@given(st.integers(1, 10**8) | st.integers(1, 10**8).map(str))
def test_any_sane_life(expires_in: int | str) -> None:
    found = Bench(reply(expires_in=expires_in)).refresh()
    assert found.expires_in == min(int(expires_in), 172_800)


def test_no_new_refresh_token() -> None:
    """Lesson 4: `KeyError: 'refresh_token'`."""
    for missing in (None, ""):
        assert Bench(reply(refresh_token=missing)).refresh().refresh_token is None


@pytest.mark.parametrize("fault", [DOWN, Unreachable("timeout"), refusal("x", status=500)])
def test_what_can_heal_is_tried_once_more(fault: Any) -> None:
    bench = Bench(fault, reply())
    begun = bench.clock.now
    bench.refresh()
    assert 0 < bench.clock.now - begun < 1
    bench = Bench(fault, fault)
    assert bench.refused() == "provider_unavailable"
    assert len(bench.http.posts) == 2


@pytest.mark.parametrize(
    "fault",
    [
        refusal("invalid_grant", 50173),
        refusal("invalid_grant", 50196),
        refusal("x", status=429),
        refusal("x", status=503, headers={"retry-after": "60"}),
        refusal("invalid_request"),
    ],
)
def test_what_cannot_heal_at_once_is_not(fault: Any) -> None:
    bench = Bench(fault)
    bench.refused()
    assert len(bench.http.posts) == 1


@pytest.mark.parametrize("fault", [DOWN, Unreachable("reset"), WRONG, refusal("invalid_grant")])
def test_a_code_is_never_tried_again(fault: Any) -> None:
    bench = Bench(fault, before=OLD)
    with pytest.raises(Refused):
        bench.code()
    assert len(bench.http.posts) == 1


def test_the_previous_secret_is_tried_once() -> None:
    bench = Bench(WRONG, reply(), reply(), before=OLD)
    bench.refresh()
    assert bench.sent() == ["canary-new", "canary-old"]
    assert bench.credentials.reads == [False, True]
    bench.refresh()
    assert bench.sent() == ["canary-new", "canary-old", "canary-old"]


def test_a_secret_that_changed_meanwhile() -> None:
    """The cached secret is refused; Secrets Manager holds another by now."""
    bench = Bench(WRONG, reply())

    class Stale(outside.Credentials):
        def current(self, *, fresh: bool = False) -> ClientSecretPost:
            return NEW if fresh else OLD

    bench.credentials = Stale(NEW)
    bench.start()
    bench.refresh()
    assert bench.sent() == ["canary-old", "canary-new"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [(WRONG, "client_misconfigured"), (EXPIRED, "client_secret_expired")],
)
def test_a_refused_credential_is_one_incident(answer: Reply, code: str) -> None:
    """Lesson 3: one alarm instead of N dead connections."""
    bench = Bench(answer, answer, reply(), before=OLD)
    assert bench.refused() == code
    assert bench.sent() == ["canary-new", "canary-old"]
    for environment in range(5):
        bench.start()
        assert bench.refused() == code, environment
    assert len(bench.http.posts) == 2
    assert [kind for kind, _ in bench.events.published] == ["Client Credential Failing"]


def test_the_breaker_is_probed_and_closes() -> None:
    bench = Bench(WRONG, WRONG, reply(), reply())
    bench.refused()
    bench.clock.advance(PROBE_EVERY - 1)
    bench.refused()
    assert len(bench.http.posts) == 1
    bench.clock.advance(TRUST + 1)
    bench.refused()
    assert len(bench.http.posts) == 2
    bench.clock.advance(PROBE_EVERY + TRUST)
    bench.refresh()
    assert bench.tables.breakers == {}
    bench.refresh()


@pytest.mark.parametrize(("age", "trusted"), [(10, True), (11, False)])
def test_what_is_known_of_a_breaker_is_trusted_for_ten_seconds(age: int, trusted: bool) -> None:
    """An owner's code is lost on a secret that another environment knows to be refused."""
    bench = Bench(reply(), reply())
    bench.code()
    fault = Fault(
        "client_misconfigured", "", bench.clock.instant(), Instant(int(bench.clock.now) + 300)
    )
    (breaker,) = bench.oauth.client.breakers
    breaker.breakers.open("client", "secret#v2", fault, Instant(int(bench.clock.now) + 9999))
    bench.clock.advance(age)
    if trusted:
        bench.code()
    else:
        with pytest.raises(Problem, match="client_misconfigured"):
            bench.code()
    assert len(bench.http.posts) == 1 + trusted


def test_tokens_are_worth_more_than_a_closed_breaker() -> None:
    """DynamoDB fails just when the secret works again: the next probe closes it."""
    bench = Bench(WRONG, reply(), reply())
    bench.refused()
    (breaker,) = bench.oauth.client.breakers
    faults: dict[str, Exception] = {"close": Unavailable("dynamodb", "Throttled")}
    object.__setattr__(breaker, "breakers", outside.faulty(breaker.breakers, faults))
    bench.clock.advance(PROBE_EVERY + TRUST)
    assert bench.refresh().access_token == Secret("canary-access")
    assert bench.tables.breakers
    faults.clear()
    bench.clock.advance(PROBE_EVERY + TRUST)
    bench.refresh()
    assert bench.tables.breakers == {}


def test_a_new_version_closes_the_breaker_by_itself() -> None:
    bench = Bench(WRONG, reply())
    bench.refused()
    bench.credentials.now = ClientSecretPost(Secret("canary-newest"), "v3")
    bench.refresh()
    assert bench.sent() == ["canary-new", "canary-newest"]


def test_what_concerns_one_tenant_opens_no_breaker() -> None:
    """Lesson 9: `invalid_client` with AADSTS650052 means the tenant lacks the service."""
    bench = Bench(refusal("invalid_client", 650052), reply())
    assert bench.refused() == "admin_consent_required"
    assert bench.tables.breakers == {}
    bench.refresh()


def test_no_credential() -> None:
    bench = Bench(now=Problem("client_misconfigured"))
    assert bench.refused() == "client_misconfigured"
    bench = Bench(now=Unavailable("secretsmanager", "Throttled"))
    with pytest.raises(Unavailable):
        bench.refresh()
    assert bench.http.posts == []
