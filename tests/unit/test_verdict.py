"""Design §4's table of states, as properties."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.connection import Connection, Failure, Status, Suspicion
from broker.domain.names import Instant
from broker.domain.problems import KINDS, Actor, Problem, Provider
from broker.lifecycle import policy
from broker.lifecycle.verdict import Refusal, elsewhere, judge
from broker.providers.credential_breaker import Blocked
from broker.providers.terms import Effect
from local.memory.outside import NOON, Randomness
from tests.unit.test_policy import Always, connection

NOW = Instant(NOON)
MOVES = {
    Effect.OWNER: Status.REAUTHORIZATION_REQUIRED,
    Effect.ADMIN: Status.AWAITING_ADMIN,
    Effect.POLICY: Status.BLOCKED,
}
CODES = st.sampled_from(sorted(KINDS))
CONSENTED = st.sampled_from([status for status in Status if status is not Status.PENDING])
REFUSALS = st.builds(
    Refusal,
    st.sampled_from(Effect),
    st.builds(Problem, CODES, actor=st.sampled_from(get_args(Actor))),
    st.none() | st.integers(1, 3600),
)
SUSPICIONS = st.none() | st.builds(Suspicion, CODES, st.integers(NOON - 600, NOON).map(Instant))
FAILURES = st.none() | st.builds(
    lambda attempts: Failure("throttled", "", "nobody", "", NOW, NOW, Provider(), attempts),
    st.integers(1, 100),
)


def of(status: Status, suspicion: Suspicion | None, failure: Failure | None) -> Connection:
    return replace(connection(None), status=status, suspicion=suspicion, last_error=failure)


@given(CONSENTED, SUSPICIONS, FAILURES, REFUSALS, st.integers(0, 100))
def test_the_table(
    status: Status, suspicion: Suspicion | None, before: Failure | None, said: Refusal, seed: int
) -> None:
    """Lessons 2, 3, 6, 7: only a confirmed refusal of the grant moves the status."""
    found = judge(of(status, suspicion, before), said, NOW, Randomness(seed))
    assert found.failure.attempts == (before.attempts if before else 0) + 1
    assert found.failure.code == said.problem.code
    moved = found.status not in (None, status)
    if said.effect not in MOVES:
        assert (found.status, found.event, found.suspicion) == (None, None, suspicion)
        assert found.due_at is not None
        if said.effect is Effect.CREDENTIAL:
            # Callers soon, for they cost no call of Microsoft; the schedule backs off.
            assert found.failure.retry_at - NOW <= 21 + (said.retry_after or 0)
            assert found.failure.retry_at <= found.due_at <= NOW + 3601
        else:
            assert found.due_at is not None
        assert min(found.due_at, found.failure.retry_at) > NOW
        if said.effect is Effect.NONE:
            assert found.due_at > NOW + (said.retry_after or 0)
            assert found.failure.retry_at == max(found.due_at, NOW + policy.FORCE_EVERY)
    elif moved:
        assert found.status is MOVES[said.effect]
        assert suspicion is not None
        assert NOW - suspicion.since >= policy.CONFIRM
        assert found.event == "Connection Broken"
    elif found.status is None:
        assert found.suspicion is not None
        assert (found.event is not None) is (suspicion is None)
        assert found.due_at is not None
        assert policy.CONFIRM < found.due_at - NOW < 300
    if found.status is Status.REAUTHORIZATION_REQUIRED:
        assert found.due_at is None
    else:
        assert found.due_at is not None


@given(CONSENTED, st.sampled_from(sorted(MOVES)), CODES, st.integers(0, 100))
def test_the_same_refusal_twice_is_confirmed(
    status: Status, effect: Effect, code: str, seed: int
) -> None:
    refusal, randomness = Refusal(effect, Problem(code)), Randomness(seed)
    one = of(status, None, None)
    first = judge(one, refusal, NOW, randomness)
    if first.status is None:
        one = replace(one, suspicion=first.suspicion, last_error=first.failure)
        assert first.due_at is not None
        second = judge(one, refusal, first.due_at, randomness)
        assert second.status is MOVES[effect]
    else:
        assert status is MOVES[effect], "there already"


@pytest.mark.parametrize(
    ("age", "confirmed"), [(policy.CONFIRM - 1, False), (policy.CONFIRM, True), (61, True)]
)
def test_a_second_refusal_counts_from_thirty_seconds_on(age: int, confirmed: bool) -> None:
    suspicion = Suspicion("reauthorization_required", Instant(NOW - age))
    said = Refusal(Effect.OWNER, Problem("reauthorization_required"))
    found = judge(of(Status.ACTIVE, suspicion, None), said, NOW, Randomness())
    assert (found.status is Status.REAUTHORIZATION_REQUIRED) is confirmed


@pytest.mark.parametrize(
    ("status", "code", "kept"),
    [
        (Status.ACTIVE, "mfa_required", True),
        (Status.ACTIVE, "reauthorization_required", True),
        (Status.BLOCKED, "mfa_required", True),
        (Status.BLOCKED, "reauthorization_required", False),
    ],
)
def test_what_is_suspected_stands_until_another_kind_meets_a_broken_connection(
    status: Status, code: str, kept: bool
) -> None:
    known = Suspicion("mfa_required", Instant(NOW - policy.CONFIRM + 1))
    found = judge(of(status, known, None), Refusal(Effect.OWNER, Problem(code)), NOW, Randomness())
    assert found.suspicion == (known if kept else Suspicion(code, NOW))
    assert found.event is None


def test_the_record_of_another_resource() -> None:
    said = Provider(error="invalid_grant")
    before = Failure("throttled", "", "nobody", "", NOW, NOW, attempts=6)
    refusal = Refusal(Effect.OWNER, Problem("mfa_required", "Why.", provider=said))
    scoped = elsewhere(before, refusal, True, NOW, Randomness())
    assert (scoped.code, scoped.at, scoped.attempts) == ("scope_not_granted", NOW, 7)
    assert "has not consented to this resource" in scoped.detail
    assert scoped.provider == said
    plain = elsewhere(before, refusal, False, NOW, Randomness())
    assert (plain.code, plain.detail, plain.at, plain.attempts) == ("mfa_required", "Why.", NOW, 7)
    passing = Refusal(Effect.NONE, Problem("throttled"))
    assert elsewhere(before, passing, False, NOW, Randomness()).attempts == 7


def test_what_a_refusal_is_made_of() -> None:
    problem = Problem("reauthorization_required", "What happened.", remedy="Do this.")
    plain, blocked = Refusal.of(problem), Refusal.of(Blocked("client_misconfigured"))
    assert (plain.effect, plain.problem, plain.retry_after) == (Effect.NONE, problem, None)
    assert blocked.effect is Effect.CREDENTIAL
    record = plain.failure(None, NOW, NOW)
    assert (record.detail, record.remedy) == ("What happened.", "Do this.")
    assert record.provider == Provider()


def test_what_passes_to_the_second() -> None:
    """Waits end a second later than they must: parts of seconds are cut."""
    credential = Refusal(Effect.CREDENTIAL, Problem("client_misconfigured"))
    before = Failure("throttled", "", "nobody", "", NOW, NOW, attempts=6)
    for earlier, refusal, retry_at, due_at in (
        (None, Refusal(Effect.NONE, Problem("throttled")), 60, 3),
        (before, Refusal(Effect.NONE, Problem("throttled")), 129, 129),
        (before, Refusal(Effect.NONE, Problem("throttled"), 600), 601, 601),
        (None, credential, 16, 16),
        (before, credential, 16, 129),
    ):
        found = judge(of(Status.ACTIVE, None, earlier), refusal, NOW, Always(0.5))
        assert (found.failure.retry_at - NOW, found.due_at) == (retry_at, NOW + due_at)
        assert found.failure.at == NOW
        assert found.failure.attempts == (earlier.attempts if earlier else 0) + 1


def test_a_broken_connection_remembers_why_and_rests_for_a_day() -> None:
    known = Suspicion("reauthorization_required", Instant(NOW - policy.CONFIRM))
    said = Provider(error="invalid_grant")
    refusal = Refusal(Effect.OWNER, Problem("reauthorization_required", provider=said))
    found = judge(of(Status.ACTIVE, known, None), refusal, NOW, Always(0))
    assert (found.suspicion, found.failure.provider) == (known, said)
    assert (found.failure.at, found.failure.retry_at) == (NOW, NOW + policy.DAY)


def test_callers_wait_a_minute_after_what_passes_and_the_schedule_less() -> None:
    passes = Refusal(Effect.NONE, Problem("provider_unavailable"))
    found = judge(of(Status.ACTIVE, None, None), passes, NOW, Randomness())
    assert found.failure.retry_at == NOW + policy.FORCE_EVERY
    assert found.due_at
    assert found.due_at < NOW + 5


@given(FAILURES, REFUSALS, st.booleans(), st.integers(0, 100))
def test_another_resource_never_waits_less_than_microsoft_asked(
    before: Failure | None, said: Refusal, scoped: bool, seed: int
) -> None:
    found = elsewhere(before, said, scoped, NOW, Randomness(seed))
    assert found.retry_at > NOW
    if said.grant:
        assert found.retry_at == NOW + policy.REFUSED_WAIT
        assert found.code == ("scope_not_granted" if scoped else said.problem.code)
    else:
        assert said.effect is Effect.CREDENTIAL or found.retry_at > NOW + (said.retry_after or 0)
        assert found.code == said.problem.code
