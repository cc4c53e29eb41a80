"""Serve, serve and renew ahead, renew now, or refuse and why: one decision. Pure.

Also what a caller asks for, and a connection as that caller may use it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain import scopes
from broker.domain.connection import Connection, Failure, Status, Token
from broker.domain.grants import Caller, Reach, reach
from broker.domain.problems import Problem
from broker.lifecycle import policy

RETRY_AFTER = 2
"""Seconds after which a redemption that is under way is likely to have ended."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"scope", "min_ttl", "rejected"}


@dataclass(frozen=True, slots=True)
class Query:
    """What the caller asks for. `scope`: full names; None is the service's own resource."""

    scope: tuple[str, ...] | None = None
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
        _scope(one["scope"]) if "scope" in one else None,
        int(min_ttl),
        rejected.lower() if rejected else None,
    )


def _scope(text: str) -> tuple[str, ...]:
    wanted = scopes.parse(text)
    if not wanted:
        raise Problem("invalid_request", "scope: names no scope of an API; or leave it out.")
    return wanted


@dataclass(frozen=True, slots=True)
class View:
    """A connection as one caller may use it, for one of its resources."""

    connection: Connection
    reach: Reach
    resource: str

    def admit(self, answered: tuple[str, ...]) -> None:
        """Raise `scope_not_granted` if a token with the answered scopes is beyond the caller.

        Microsoft puts every consented scope of a resource into its token, so a limited grant is
        held against the answer; an answer nobody can read is beyond every limit.
        """
        limited = self.reach.scopes is not None
        if limited and not (answered and self.reach.holds(answered)):
            raise Problem(
                "scope_not_granted",
                "The token would hold scopes outside your grant: it carries every consented scope "
                "of the resource.",
            )


def view(connection: Connection | None, caller: Caller, query: Query) -> View:
    """What the caller sees; no connection and no grant look the same.

    Raises, in this order, `access_denied`, `suspended`, `scope_not_granted`.
    """
    if connection is None:
        raise Problem("access_denied")
    allowed = reach(connection.grants, caller)
    if connection.suspended:
        raise Problem("suspended")
    resource = connection.resource
    if query.scope is not None:
        resource = scopes.choose(query.scope, connection.scopes).resource
    seen = View(connection, allowed, resource)
    if resource in connection.granted:
        seen.admit(connection.granted[resource])
    return seen


@dataclass(frozen=True, slots=True)
class Serve:
    """The stored token will do. `ahead`: and it is time to replace it in the background."""

    token: Token
    ahead: bool


@dataclass(frozen=True, slots=True)
class Renew:
    """The caller waits for a redemption."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """There is nothing to serve, and no use in asking."""

    problem: Problem


Decision = Serve | Renew | Refuse


def decide(seen: View, query: Query, now: int) -> Decision:
    """What a caller gets now. A token that is still valid is served whatever the last refresh
    said; an expired one never."""
    barred = bar(seen.connection, seen.resource, now)
    token = seen.connection.token(seen.resource, now)
    if token is None:
        return Refuse(barred) if barred else Renew()
    left = token.expires_at - now
    if left < query.min_ttl and is_new(token, now):
        return Refuse(Problem("min_ttl_unreachable"))
    wanting = left < max(query.min_ttl, policy.MANDATORY) or query.rejected == token.digest
    if wanting and not barred:
        return Renew()
    return Serve(token, ahead=not barred and now >= policy.advisory(token))


def is_new(token: Token, now: int) -> bool:
    """Whether another redemption would come too soon after the one that gave this token."""
    return now - token.obtained_at < policy.FORCE_EVERY


def bar(connection: Connection, resource: str, now: int) -> Problem | None:
    """Why no caller may have this resource redeemed now; None: they may.

    It rests on times that redemptions wrote, so nothing a caller sends moves it.
    """
    last = connection.last_error
    if connection.ended:
        return connection.broken(now)
    if connection.status is not Status.ACTIVE and last and last.retry_at > now:
        # Tried once a day, whatever resource callers ask for.
        return connection.broken(now)
    failure = connection.failure(resource)
    opens_at = _opens_at(connection, resource, now)
    if failure is None:
        return _busy(opens_at - now) if opens_at > now else None
    if max(failure.retry_at, opens_at) <= now:
        return None
    suspected = connection.suspicion and connection.status is Status.ACTIVE
    if suspected and resource == connection.resource:
        wait = max(failure.retry_at, opens_at) - now
        return Problem("grant_at_risk", retry_after=wait, provider=failure.provider)
    return failure.problem(now, opens_at)


def _busy(wait: int) -> Problem:
    return Problem("refresh_in_progress", retry_after=wait)


def _opens_at(connection: Connection, resource: str, now: int) -> int:
    """From when on a redemption for a caller keeps within the limits: one of a resource and, if it
    is forced, `policy.FORCED` of the connection in any `policy.FORCE_EVERY` seconds."""
    token, failure = connection.tokens.get(resource), connection.failure(resource)
    opens_at = token.obtained_at + policy.FORCE_EVERY if token else 0
    if not _forced(token, failure, now):
        return opens_at
    lapsed = _lapsed(connection, now)
    others = [*connection.failures.values(), connection.last_error]
    times: list[int] = [token.obtained_at for token in connection.tokens.values()]
    times += [failure.at for failure in others if failure]
    times += lapsed
    recent = sorted(time for time in times if time > now - policy.FORCE_EVERY)
    binding = recent[-policy.FORCED :][:1] if len(recent) >= policy.FORCED else []
    return max([opens_at, *(time + policy.FORCE_EVERY for time in [*binding, *lapsed])])


def _forced(token: Token | None, failure: Failure | None, now: int) -> bool:
    """Whether a redemption now is for a caller's wish, or follows a failure; else the time of the
    resource's token has come, which happens once in its life."""
    return failure is not None or (token is not None and now < policy.advisory(token))


def _lapsed(connection: Connection, now: int) -> list[int]:
    """When the last redemption began, if it never told how it ended: of whatever resource."""
    until = connection.lease_until
    return [until - policy.LEASE] if until is not None and until <= now else []
