"""Serve, serve and renew ahead, renew now, or refuse and why: the whole decision in one table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import Connection, Failure, Sealed, Status, Suspicion, Token
from broker.domain.grants import Caller, Grant, reach
from broker.domain.names import Instant
from broker.domain.problems import Problem, Provider
from broker.lifecycle import policy, serving
from broker.lifecycle.serving import Query, Refuse, Renew, Serve, View
from local.memory.outside import NOON, Randomness
from tests.unit.test_policy import connection

NOW = Instant(NOON)
OWN, OTHER, THIRD = "https://own", "https://other", "https://third"
DIGEST, ANOTHER = "ab" * 32, "cd" * 32
TEAM = Caller("aws", "111122223333", "team-a")
Outcome = str


def token(age: int = 600, left: int = 3000, resource: str = OWN, ahead: int | None = None) -> Token:
    """Obtained `age` seconds ago, `left` seconds before its end; to be replaced in `ahead`."""
    return Token(
        resource=resource,
        scope=f"{resource}/s",
        digest=DIGEST,
        sealed=Sealed(b"", 1, 1),
        obtained_at=Instant(NOW - age),
        expires_at=Instant(NOW + left),
        ahead_at=Instant(NOW + (left if ahead is None else ahead)),
    )


def failure(code: str = "throttled", age: int = 120, wait: int = -60) -> Failure:
    """`age` seconds ago; may be tried again in `wait` seconds."""
    return Failure(code, "", "nobody", "", Instant(NOW - age), Instant(NOW + wait))


def of(*tokens: Token, **changes: Any) -> Connection:
    active = replace(
        connection(None),
        resource=OWN,
        scopes=tuple(f"{resource}/s" for resource in (OWN, OTHER, THIRD)),
        status=Status.ACTIVE,
        epoch=1,
        grants=(Grant(TEAM.account),),
        tokens={each.resource: each for each in tokens},
    )
    return replace(active, **changes)


def decided(one: Connection, query: Query = Query(), now: int = NOW) -> Outcome:  # noqa: B008
    seen = serving.view(one, TEAM, query)
    match serving.decide(seen, query, now):
        case Serve(token, ahead):
            assert token is one.tokens[seen.resource]
            return "serve, renew ahead" if ahead else "serve"
        case Renew():
            return "renew"
        case Refuse(problem):
            return f"{problem.code} {problem.retry_after}" if problem.retry_after else problem.code


OLD = token(left=-1)
DEAD = Status.REAUTHORIZATION_REQUIRED
LONG, REJECTED = Query(min_ttl=2700), Query(rejected=DIGEST)
OTHERS = Query(scope=(f"{OTHER}/s",))
BUSY = {OTHER: failure(age=10), THIRD: failure(age=20)}
SUSPECT = Suspicion("reauthorization_required", NOW)
TABLE: dict[str, tuple[Connection, Query, Outcome]] = {
    "a valid token": (of(token()), Query(), "serve"),
    "the last second": (of(token(left=1)), Query(), "renew"),
    "at its end": (of(token(left=0)), Query(), "renew"),
    "no token": (of(), Query(), "renew"),
    "another resource has none": (of(token()), OTHERS, "renew"),
    "little left": (of(token(left=policy.MANDATORY - 1)), Query(), "renew"),
    "just enough left": (of(token(left=policy.MANDATORY)), Query(), "serve"),
    "time to replace it": (of(token(ahead=-policy.GRACE)), Query(), "serve, renew ahead"),
    "time to replace it, three in a minute": (
        of(token(ahead=-policy.GRACE), token(age=1, resource=THIRD), failures=BUSY),
        Query(),
        "serve, renew ahead",
    ),
    "not yet": (of(token(ahead=-policy.GRACE + 1)), Query(), "serve"),
    # What a caller may force
    "min_ttl within": (of(token(left=2700)), LONG, "serve"),
    "min_ttl within, right after it came": (of(token(age=59, left=2700)), LONG, "serve"),
    "min_ttl beyond": (of(token(left=2699)), LONG, "renew"),
    "min_ttl beyond what Microsoft gives": (
        of(token(age=59, left=600)),
        LONG,
        "min_ttl_unreachable",
    ),
    "min_ttl a minute later": (of(token(age=60, left=600)), LONG, "renew"),
    "rejected": (of(token()), REJECTED, "renew"),
    "another one rejected": (of(token()), Query(rejected=ANOTHER), "serve"),
    "rejected right after it came": (of(token(age=59)), REJECTED, "serve"),
    "rejected a minute after it came": (of(token(age=60)), REJECTED, "renew"),
    "rejected, tried a moment ago": (
        of(token(), last_error=failure(age=5, wait=55)),
        REJECTED,
        "serve",
    ),
    "rejected, three in a minute": (
        of(token(), token(age=59, resource=THIRD), failures=BUSY),
        REJECTED,
        "serve",
    ),
    "rejected, the first of three a minute ago": (
        of(token(), token(age=60, resource=THIRD), failures=BUSY),
        REJECTED,
        "renew",
    ),
    "rejected, two in a minute": (of(token(), failures=BUSY), REJECTED, "renew"),
    "rejected, while the last one never told": (
        of(token(), lease_until=Instant(NOW), lease_owner="gone"),
        REJECTED,
        "serve",
    ),
    "rejected, a minute after the one that never told": (
        of(token(), lease_until=Instant(NOW + policy.LEASE - policy.FORCE_EVERY)),
        REJECTED,
        "renew",
    ),
    "needed, while the last one never told": (
        of(OLD, lease_until=Instant(NOW), lease_owner="gone"),
        Query(),
        "renew",
    ),
    "needed, three in a minute": (
        of(OLD, token(age=1, resource=THIRD), failures=BUSY),
        Query(),
        "renew",
    ),
    "needed, and came a moment ago": (
        of(token(age=50, left=-40)),
        Query(),
        "refresh_in_progress 10",
    ),
    # After failures
    "failed, valid": (of(token(left=30), last_error=failure(wait=10)), Query(), "serve"),
    "failed, expired": (of(OLD, last_error=failure(wait=10)), Query(), "throttled 10"),
    "failed, not to be waited out": (
        of(OLD, last_error=failure("provider_error", wait=10)),
        Query(),
        "provider_error",
    ),
    "failed, may be tried again": (of(OLD, last_error=failure(wait=0)), Query(), "renew"),
    "failed, three in a minute": (
        of(OLD, token(age=15, resource=THIRD), last_error=failure(), failures=BUSY),
        Query(),
        "throttled 40",
    ),
    "at risk": (
        of(OLD, last_error=failure(wait=10), suspicion=SUSPECT),
        Query(),
        "grant_at_risk 10",
    ),
    "at risk, another resource failed": (
        of(OLD, failures={OTHER: failure(wait=10)}, suspicion=SUSPECT),
        OTHERS,
        "throttled 10",
    ),
    "a long wait": (of(last_error=failure(wait=9999)), Query(), "throttled 3600"),
    "another resource failed": (
        of(token(), failures={OTHER: failure("scope_not_granted", wait=9)}),
        OTHERS,
        "scope_not_granted",
    ),
    "another resource failed, this one not": (
        of(OLD, failures={OTHER: failure(wait=9)}),
        Query(),
        "renew",
    ),
    # States
    "pending": (of(status=Status.PENDING, epoch=0), Query(), "authorization_pending"),
    "dead": (of(OLD, status=DEAD), Query(), "reauthorization_required"),
    "dead, valid": (of(token(left=30), status=DEAD), Query(), "serve"),
    "dead, rejected": (of(token(), status=DEAD), REJECTED, "serve"),
    "waits for its administrator": (
        of(status=Status.AWAITING_ADMIN, last_error=failure("admin_consent_required", wait=9)),
        Query(),
        "admin_consent_required",
    ),
    "waits before any consent": (
        of(status=Status.AWAITING_ADMIN, epoch=0),
        Query(),
        "admin_consent_required",
    ),
    "a day later": (
        of(status=Status.AWAITING_ADMIN, last_error=failure("admin_consent_required", wait=0)),
        Query(),
        "renew",
    ),
    "blocked, another resource": (
        of(status=Status.BLOCKED, last_error=failure("blocked_by_policy", wait=9)),
        OTHERS,
        "blocked_by_policy",
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case: str) -> None:
    one, query, expected = TABLE[case]
    assert decided(one, query) == expected


def problem_of(one: Connection | None, query: Query = Query(), who: Caller = TEAM) -> str:  # noqa: B008
    with pytest.raises(Problem) as caught:
        serving.view(one, who, query)
    return caught.value.code


def test_grants_come_first_then_suspension_then_the_scope_rule() -> None:
    stranger, mail = Caller("aws", "999988887777", None), Query(scope=(f"{OTHER}/t",))
    suspended = of(suspended=True)
    assert problem_of(None) == problem_of(suspended, mail, stranger) == "access_denied"
    assert problem_of(suspended, mail) == "suspended"
    assert problem_of(of(), mail) == "scope_not_granted"


@pytest.mark.parametrize(
    ("limit", "answered", "held"),
    [
        (None, (f"{OWN}/s", f"{OWN}/t"), True),
        (None, (), True),
        ((f"{OWN}/S",), (f"{OWN}/s",), True),
        ((f"{OWN}/s",), (f"{OWN}/s", f"{OWN}/t"), False),
        ((f"{OWN}/s",), (), False),
        ((f"{OTHER}/s",), (f"{OWN}/s",), False),
    ],
)
def test_a_limited_grant_is_held_against_the_answer_before_anything_is_renewed(
    limit: tuple[str, ...] | None, answered: tuple[str, ...], held: bool
) -> None:
    one = of(OLD, grants=(Grant(TEAM.account, limit),), granted={OWN: answered})
    if held:
        assert serving.view(one, TEAM, Query()) == View(one, reach(one.grants, TEAM), OWN)
    else:
        assert problem_of(one) == "scope_not_granted"


def test_why_a_limited_grant_does_not_reach_the_token() -> None:
    one = of(grants=(Grant(TEAM.account, (f"{OWN}/s",)),), granted={OWN: (f"{OWN}/t",)})
    with pytest.raises(Problem) as caught:
        serving.view(one, TEAM, Query())
    assert "carries every consented scope" in caught.value.detail


def test_at_risk_carries_what_microsoft_said() -> None:
    said = Provider(error="invalid_grant")
    one = of(OLD, last_error=replace(failure(wait=10), provider=said), suspicion=SUSPECT)
    decision = serving.decide(serving.view(one, TEAM, Query()), Query(), NOW)
    assert isinstance(decision, Refuse)
    assert (decision.problem.code, decision.problem.provider) == ("grant_at_risk", said)


def test_the_policy_that_the_table_rests_on() -> None:
    first = policy.ahead(NOW, 3600, None, Randomness())
    assert first - NOW > policy.FORCE_EVERY
    assert policy.LEASE < policy.FORCE_EVERY
