"""What a caller asks for, and a connection as that caller may use it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain import scopes
from broker.domain.connection import Connection, Failure, Status, Token
from broker.domain.grants import Reach
from broker.domain.problems import Problem
from broker.domain.scopes import ScopeSet
from broker.lifecycle import policy

RETRY_AFTER = 2
"""Seconds after which a redemption that is under way is likely to have ended."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"scope", "min_ttl", "rejected"}


@dataclass(frozen=True, slots=True)
class Query:
    """What the caller asks for. `scope` None: the service's own set."""

    scope: ScopeSet | None = None
    min_ttl: int = 0
    rejected: str | None = None


def parse(parameters: Mapping[str, list[str]]) -> Query:
    """The query of a request; raises `invalid_request` naming the field."""
    for name, values in parameters.items():
        if name not in _FIELDS:
            raise Problem("invalid_request", "The query may hold scope, min_ttl and rejected only.")
        if len(values) != 1:
            raise Problem("invalid_request", f"{name}: give it once.")
    one = {name: values[0] for name, values in parameters.items()}
    min_ttl = one.get("min_ttl", "0")
    if not re.fullmatch("[0-9]{1,4}", min_ttl) or int(min_ttl) > policy.MAX_MIN_TTL:
        raise Problem("invalid_request", f"min_ttl: seconds, 0 to {policy.MAX_MIN_TTL}.")
    rejected = one.get("rejected")
    if rejected is not None and not _DIGEST.fullmatch(rejected.lower()):
        raise Problem(
            "invalid_request", "rejected: the SHA-256 of the refused token, 64 hex digits."
        )
    return Query(
        scopes.single(one["scope"]) if "scope" in one else None,
        int(min_ttl),
        rejected.lower() if rejected else None,
    )


@dataclass(frozen=True, slots=True)
class View:
    """A connection as one caller may use it, for one scope set."""

    connection: Connection
    reach: Reach
    wanted: ScopeSet
    own: bool

    def token(self, now: float) -> Token | None:
        """The stored token if it is still valid."""
        token = self.connection.tokens.get(self.wanted.key)
        return token if token and token.expires_at > now else None

    def failure(self) -> Failure | None:
        """How the last redemption of this set failed."""
        if self.own:
            return self.connection.last_error
        return self.connection.failures.get(self.wanted.key)

    def barred(self, now: int) -> Problem | None:
        """Why a redemption is no use now."""
        failure, status = self.failure(), self.connection.status
        broken = self.connection.last_error
        if self.connection.ended:
            return self.connection.broken(now)
        if status is not Status.ACTIVE and broken and broken.retry_at > now:
            # Tried once a day, whatever scopes callers ask for.
            return self.connection.broken(now)
        if failure is None or failure.retry_at <= now:
            return None
        return self.refusal(now)

    def refusal(self, now: int) -> Problem:
        """The answer for the last failure: unconfirmed ones are said to be so."""
        failure = self.failure()
        if failure is None:
            return Problem("refresh_in_progress", retry_after=RETRY_AFTER)
        suspicion = self.connection.suspicion
        if self.own and suspicion and self.connection.status is Status.ACTIVE:
            wait = max(1, failure.retry_at - now)
            return Problem("grant_at_risk", retry_after=wait, provider=failure.provider)
        return failure.problem(now)
