"""What operators see: all but secrets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.attempts import LinkKind, OpenLink, Ticket
from broker.domain.connection import Account, Failure, Sealed, Status, Suspicion
from broker.domain.grants import Grant
from broker.domain.names import Incarnation, Instant, Name
from broker.domain.problems import Provider
from broker.web import representation
from local.memory.outside import NOON, Randomness
from tests.unit.test_policy import connection, token

NOW = Instant(NOON)
FULL = replace(
    connection(NOON),
    incarnation=Incarnation("hidden-incarnation"),
    status=Status.BLOCKED,
    tickets=("hidden-digest-1", "hidden-digest-2"),
    open_link=OpenLink(("r/s",), "hidden-arn", Instant(NOON + 60)),
    account=Account("tid", "oid", "owner@example.com"),
    grants=(Grant("111122223333"), Grant("444455556666", ("r/s",))),
    parameters={"developer_token": Sealed(b"hidden-parameter", 1)},
    granted={"r": ("r/s",)},
    tokens={"r": replace(token(1, None, Randomness()), sealed=Sealed(b"hidden-token", 1))},
    last_error=Failure(
        *("blocked_by_policy", "detail", "tenant_admin", "remedy", NOW, NOW),
        Provider("invalid_grant", None, (53003,)),
    ),
    consent_error=Failure("consent_declined", "detail", "owner", "remedy", NOW, NOW),
    suspicion=Suspicion("blocked_by_policy", NOW),
    next_refresh_at=NOW,
    lease_owner="hidden-owner",
)
TICKET = Ticket(
    *(LinkKind.AUTHORIZE, Name("x"), Incarnation("hidden"), 1, NOW),
    opened_at=NOW,
    starts=3,
)


def test_nothing_hidden_shows() -> None:
    assert "hidden" not in repr(representation.connection(FULL, TICKET))


def test_a_connection() -> None:
    shown = representation.connection(FULL)
    assert shown["status"] == "blocked"
    assert shown["account"] == {
        "username": "owner@example.com",
        "tenant_id": "tid",
        "object_id": "oid",
    }
    assert shown["grants"] == [
        {"principal": "111122223333"},
        {"principal": "444455556666", "scopes": ["r/s"]},
    ]
    assert shown["granted_scopes"] == {"r": ["r/s"]}
    assert shown["last_error"]["provider"] == {"error": "invalid_grant", "error_codes": [53003]}
    assert (shown["consent_error"]["code"], shown["consent_error"]["provider"]) == (
        "consent_declined",
        None,
    )
    assert shown["last_used_at"] == shown["next_refresh_at"] == "2027-01-15T08:00:00Z"


def test_what_was_not_yet_is_null() -> None:
    shown = representation.connection(connection(None))
    nulls = {name for name, value in shown.items() if value is None}
    assert nulls == {
        *("account", "authorized_at", "refreshed_at", "next_refresh_at", "last_used_at"),
        *("last_error", "consent_error", "authorization", "display_name", "purpose", "findings"),
    }


def test_the_open_link() -> None:
    opened = representation.connection(FULL, TICKET)["authorization"]
    assert opened["expires_at"] == "2027-01-15T08:01:00Z"
    assert opened["opened_at"] == "2027-01-15T08:00:00Z"
    finished = replace(FULL, tickets=(), open_link=None)
    assert representation.connection(finished)["authorization"] is None


def test_a_dead_grant_is_not_due() -> None:
    dead = replace(FULL, status=Status.REAUTHORIZATION_REQUIRED)
    assert representation.connection(dead)["next_refresh_at"] is None


@given(st.sampled_from(Status), st.from_regex(r"\A[a-z0-9][a-z0-9-]{0,62}\Z"))
def test_cursors_lead_back(status: Status, name: str) -> None:
    cursor = representation.cursor((status.value, name))
    assert representation.position(cursor) == (status.value, name)
    assert cursor.isascii()
    assert not set(cursor) & set("+/= &?#")
