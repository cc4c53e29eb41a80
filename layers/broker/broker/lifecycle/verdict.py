"""What a failed redemption makes of a connection. Pure.

Only a refusal of this account's grant, for the service's own resource, that a second attempt has
confirmed moves the status (AADSTS70000 is known to come and go with the same token). Everything
else is waited out.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.connection import Connection, Failure, Status, Suspicion
from broker.domain.names import Instant
from broker.domain.problems import Problem, Provider
from broker.lifecycle import policy
from broker.ports.ambient import Randomness
from broker.providers.credential_breaker import Blocked
from broker.providers.terms import Effect
from broker.providers.token_endpoint import Refused

_STATUS = {
    Effect.OWNER: Status.REAUTHORIZATION_REQUIRED,
    Effect.ADMIN: Status.AWAITING_ADMIN,
    Effect.POLICY: Status.BLOCKED,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a redemption failed, from Microsoft or from the broker itself."""

    effect: Effect
    problem: Problem
    retry_after: int | None = None

    @classmethod
    def of(cls, found: Refused | Problem) -> Refusal:
        """From Microsoft's answer, or from the broker's own trouble."""
        if isinstance(found, Problem):
            blocked = isinstance(found, Blocked)
            return cls(Effect.CREDENTIAL if blocked else Effect.NONE, found)
        diagnosis = found.diagnosis
        return cls(diagnosis.effect, diagnosis.problem(), diagnosis.retry_after)

    @property
    def grant(self) -> bool:
        """Whether it is about this account's grant."""
        return self.effect in _STATUS

    def failure(self, before: Failure | None, now: Instant, retry_at: Instant) -> Failure:
        """The record of it."""
        return Failure(
            code=self.problem.code,
            detail=self.problem.detail,
            actor=self.problem.actor,
            remedy=self.problem.remedy,
            at=now,
            retry_at=retry_at,
            provider=self.problem.provider or Provider(),
            attempts=(before.attempts if before else 0) + 1,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the connection. `due_at` None: never redeemed again without a consent."""

    failure: Failure
    status: Status | None
    suspicion: Suspicion | None
    due_at: Instant | None
    event: str | None


def judge(
    connection: Connection, refusal: Refusal, now: Instant, randomness: Randomness
) -> Verdict:
    """The verdict on a failure of the service's own resource."""
    status = _STATUS.get(refusal.effect)
    if status is None:
        return _wait(connection, refusal, now, randomness)
    known = connection.suspicion
    if connection.status is not status and not _confirmed(connection, refusal, now):
        return _suspect(connection, refusal, now, randomness)
    final = status is Status.REAUTHORIZATION_REQUIRED
    due_at = None if final else policy.daily(now, randomness)
    failure = refusal.failure(connection.last_error, now, due_at or Instant(now + policy.DAY))
    changed = connection.status is not status
    return Verdict(failure, status, known, due_at, "Connection Broken" if changed else None)


def _confirmed(connection: Connection, refusal: Refusal, now: Instant) -> bool:
    """Whether an earlier refusal says the same. The one that broke a connection does not confirm
    another kind, which would break it for good."""
    known = connection.suspicion
    if known is None or now - known.since < policy.CONFIRM:
        return False
    return connection.status is Status.ACTIVE or known.code == refusal.problem.code


def _suspect(
    connection: Connection, refusal: Refusal, now: Instant, randomness: Randomness
) -> Verdict:
    """A first refusal: nothing changes yet, and a second attempt follows soon."""
    again = Instant(int(now + randomness.between(*policy.CONFIRM_SPREAD)))
    known, code = connection.suspicion, refusal.problem.code
    if known is None or (connection.status is not Status.ACTIVE and known.code != code):
        suspicion = Suspicion(code, now)
    else:
        suspicion = known
    return Verdict(
        failure=refusal.failure(connection.last_error, now, again),
        status=None,
        suspicion=suspicion,
        due_at=again,
        event=None if known else "Connection At Risk",
    )


def _wait(
    connection: Connection, refusal: Refusal, now: Instant, randomness: Randomness
) -> Verdict:
    """Not about the grant: later again, and the grant is as good as before."""
    failure, due_at = _passing(refusal, connection.last_error, now, randomness)
    return Verdict(failure, None, connection.suspicion, due_at, None)


def _passing(
    refusal: Refusal, before: Failure | None, now: Instant, randomness: Randomness
) -> tuple[Failure, Instant]:
    """The record of what passes, and when the schedule tries again: at least as much later as
    Microsoft asked for, more each time.

    Callers ask again when they may force a redemption; about the client credential sooner, for the
    circuit breaker answers then, and the schedule takes its leisure.
    """
    attempts, asked = (before.attempts if before else 0) + 1, refusal.retry_after or 0
    due_at = _later(now, max(asked, policy.backoff(attempts, randomness)))
    if refusal.effect is Effect.CREDENTIAL:
        retry_at = _later(now, max(asked, randomness.between(*policy.CREDENTIAL_WAIT)))
        return refusal.failure(before, now, retry_at), max(due_at, retry_at)
    retry_at = max(due_at, Instant(now + policy.FORCE_EVERY))
    return refusal.failure(before, now, retry_at), due_at


def _later(now: Instant, seconds: float) -> Instant:
    return Instant(int(now + seconds) + 1)


def elsewhere(
    before: Failure | None, refusal: Refusal, scoped: bool, now: Instant, randomness: Randomness
) -> Failure:
    """The record of a resource that is not the service's own: it never touches the connection.

    `scoped`: Microsoft objects to the scopes, not to the grant.
    """
    if not refusal.grant:
        return _passing(refusal, before, now, randomness)[0]
    if scoped:
        problem = Problem(
            "scope_not_granted",
            "The owner (or their tenant) has not consented to this resource.",
            provider=refusal.problem.provider,
        )
        refusal = Refusal(refusal.effect, problem)
    return refusal.failure(before, now, Instant(now + policy.REFUSED_WAIT))
