"""Values with every field set, so that nothing gets lost unseen."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

from broker.domain.attempts import LinkKind, OpenLink, State, Ticket
from broker.domain.connection import (
    Account,
    Check,
    Connection,
    Expected,
    Failure,
    Findings,
    Sealed,
    Status,
    StoredRefreshToken,
    Suspicion,
    Token,
)
from broker.domain.contacts import Contact
from broker.domain.grants import Grant
from broker.domain.names import Incarnation, Instant, Name
from broker.domain.problems import Provider
from broker.domain.secret import Secret
from broker.ports.stores import Consent, Fault, Settlement
from local.memory.outside import NOON

NOW = Instant(NOON)
OWN, OTHER = "https://graph.microsoft.com", "https://analysis.windows.net/powerbi/api"
"""Resources: the service's own, and another one of the connection."""
ACCOUNT = Account("t-1", "o-1", "ads@example.com")
READ = "https://graph.microsoft.com/Mail.Read"

_numbers = itertools.count()


def later(seconds: int) -> Instant:
    return Instant(NOW + seconds)


def sealed(generation: int = 1) -> Sealed:
    """Bytes that no other call returns."""
    return Sealed(b"\x00\xff" + next(_numbers).to_bytes(8, "big"), generation, 2)


def token(**changes: Any) -> Token:
    made = Token(
        resource=OWN,
        scope=f"{READ} User.Read",
        digest="ab" * 32,
        sealed=sealed(),
        obtained_at=NOW,
        expires_at=later(3600),
        ahead_at=later(1800),
    )
    return replace(made, **changes)


def failure(**changes: Any) -> Failure:
    made = Failure(
        code="reauthorization_required",
        detail="The password was changed.",
        actor="owner",
        remedy="Consent again.",
        at=NOW,
        retry_at=later(60),
        provider=Provider("invalid_grant", "bad_token", (50173, 70000), "t", "c", "2027-01-15"),
        attempts=3,
    )
    return replace(made, **changes)


def connection(name: str = "marketing-jp", **changes: Any) -> Connection:
    """A connection nobody has consented to yet."""
    made = Connection(
        name=Name(name),
        incarnation=Incarnation(f"inc-{next(_numbers)}"),
        service="microsoft-graph",
        resource="https://graph.microsoft.com",
        tenant="organizations",
        scopes=(READ,),
        client_id="client-1",
        authority="https://login.microsoftonline.com",
        created_at=NOW,
        created_by="arn:aws:iam::111122223333:role/operator",
    )
    return replace(made, **changes)


def full(name: str = "marketing-jp", **changes: Any) -> Connection:
    """A connection with every field set."""
    made = connection(
        name,
        expected=Expected("t-1", None, "ads@example.com", "sub-1"),
        identity_provider="google",
        display_name="広告",
        purpose="Reports",
        contacts={"owner": Contact("a@b.example", "ja"), "tenant_admin": Contact("c@d.example")},
        status=Status.BLOCKED,
        suspended=True,
        epoch=2,
        generation=7,
        version=5,
        link=3,
        tickets=("digest-a", "digest-b"),
        open_link=OpenLink((READ,), "arn:aws:iam::111122223333:root", later(600), True),
        account=ACCOUNT,
        grants=(Grant("111122223333"), Grant("444455556666", (READ,))),
        labels={"team": "広告", "empty": ""},
        parameters={"developer_token": sealed()},
        granted={OWN: (READ,), OTHER: ()},
        tokens={OWN: token(), OTHER: token(resource=OTHER)},
        failures={OTHER: failure(provider=Provider())},
        last_error=failure(code="throttled", actor="nobody"),
        consent_error=failure(code="consent_declined"),
        suspicion=Suspicion("reauthorization_required", NOW),
        authorized_at=NOW,
        refreshed_at=later(1),
        next_refresh_at=later(2),
        last_used_at=later(3),
        findings=Findings(NOW, (Check("api", False, "provider_error", "d", "operator", "r"),)),
        used_by={"arn:aws:iam::111122223333:role/team-a": later(2)},
        lease_owner="owner-0",
        lease_until=later(4),
    )
    return replace(made, **changes)


def stored(of: Connection, **changes: Any) -> StoredRefreshToken:
    made = StoredRefreshToken(
        incarnation=of.incarnation,
        name=of.name,
        epoch=of.epoch + 1,
        generation=of.generation + 1,
        sealed=sealed(),
        client_id="client-2",
        authority="https://login.partner.microsoftonline.cn",
        due_at=later(1800),
    )
    return replace(made, **changes)


def consent(before: Connection, **changes: Any) -> Consent:
    made = Consent(
        before=before,
        stored=stored(before),
        account=ACCOUNT,
        scopes=(READ, "https://graph.microsoft.com/User.Read"),
        granted={OWN: (READ,)},
        tokens={OWN: token()},
        now=NOW,
        next_refresh_at=later(1800),
        link=before.link,
    )
    return replace(made, **changes)


def settlement(of: Connection, owner: str, **changes: Any) -> Settlement:
    made = Settlement(
        name=of.name,
        incarnation=of.incarnation,
        epoch=of.epoch,
        owner=owner,
        resource=OWN,
        token=token(),
        granted=(READ, "https://graph.microsoft.com/User.Read"),
        generation=of.generation + 1,
        refreshed_at=later(10),
        next_refresh_at=later(20),
        status=Status.ACTIVE,
    )
    return replace(made, **changes)


def ticket(**changes: Any) -> Ticket:
    made = Ticket(
        kind=LinkKind.ADMIN,
        name=Name("marketing-jp"),
        incarnation=Incarnation("inc"),
        link=1,
        expires_at=later(600),
    )
    return replace(made, **changes)


def state(**changes: Any) -> State:
    made = State(
        kind=LinkKind.AUTHORIZE,
        name=Name("marketing-jp"),
        incarnation=Incarnation("inc"),
        epoch=1,
        link=2,
        ticket="digest",
        cookie="cookie",
        nonce="nonce",
        verifier=Secret("verifier"),
        redirect_uri="https://broker.example.com/callback",
        expires_at=later(900),
    )
    return replace(made, **changes)


def opened(**changes: Any) -> OpenLink:
    arn = "arn:aws:iam::111122223333:role/operator"
    return replace(OpenLink((READ,), arn, later(99), allow_account_change=True), **changes)


PAGE = {"kind": "connected", "people": ["山田"], "code": None, "count": 3, "ok": True}
"""How an attempt ended."""


FAULT = Fault("client_secret_expired", "AADSTS7000222", NOW, later(60))
