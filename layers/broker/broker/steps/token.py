"""token: serves the cached access token; on a miss the winner of the lease asks refresh.

A warm hit is one strongly consistent read and nothing else. A token that is still valid is served
whatever the last refresh said; an expired one never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from broker.domain import scopes
from broker.domain.connection import Connection, Sealed, Token
from broker.domain.grants import Caller, reach
from broker.domain.names import Instant, Name, rfc3339
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import policy
from broker.lifecycle.serving import RETRY_AFTER, Query, View
from broker.ports.ambient import Clock, Randomness, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Refresher, RefreshRequest
from broker.ports.stores import Leases
from broker.sealing.envelope import (
    PARAMETERS,
    Keys,
    Purpose,
    SealBroken,
    encryption_context,
    unseal,
)
from broker.sealing.unsealed import UnsealedCache

WAIT = 5.0
"""Seconds a caller waits for somebody else's redemption; then 503 and Retry-After."""
POLL = (0.2, 1.0)
"""First and longest pause between reads while waiting."""
NOT_STARTED = frozenset({"TooManyRequestsException", "AccessDeniedException"})
"""Lambda's refusals after which refresh certainly does not run: the lease can be given back."""


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

    connections: Leases
    keys: Keys
    refresher: Refresher
    clock: Clock
    randomness: Randomness
    sleep: Callable[[float], None]
    telemetry: Telemetry
    stack: str
    opened: UnsealedCache = field(default_factory=UnsealedCache)

    def serve(
        self, caller: Caller, name: Name, query: Query, audit: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The token answer, or a `Problem`. Raises `Unavailable` if the table cannot be read.

        `audit`: a record that is told the scope key the decision is about.
        """
        if audit is not None and query.scope:
            audit["scope_key"] = query.scope.key
        view = self._view(self.connections.get(name), caller, query)
        if audit is not None:
            audit["scope_key"] = view.wanted.key
        now = self._now()
        token = view.token(now)
        try:
            if token and self._good(token, query, now, view):
                self._ahead(view, token, now)
                answer = self._answer(view, token)
                self.telemetry.count("TokenHit")
                return answer
        except SealBroken:
            # Damaged or moved: a new token heals it. If this one is new, it is something else.
            self.telemetry.note("seal_broken")
            if token and self._new(token, now):
                raise
        self.telemetry.count("TokenMiss")
        return self._answer(*self._replace(view, caller, query))

    def _replace(self, view: View, caller: Caller, query: Query) -> tuple[View, Token]:
        """A new token; the valid old one if AWS fails on the way."""
        try:
            return self._renew(view, caller, query)
        except Unavailable as error:
            self.telemetry.note("renew_failed", service=error.service, code=error.code)
            return self._settle(view, Problem("broker_unavailable"))

    def _now(self) -> Instant:
        return Instant(int(self.clock()))

    def _view(self, connection: Connection | None, caller: Caller, query: Query) -> View:
        """Grants are checked on every read; no connection and no grant look the same."""
        if connection is None:
            raise Problem("access_denied")
        allowed = reach(connection.grants, caller)
        if connection.suspended:
            raise Problem("suspended")
        own = scopes.group(connection.scopes)[connection.resource]
        wanted = query.scope or own
        if not allowed.holds(wanted.scopes):
            raise Problem("scope_not_granted", "Your grant does not hold the scopes you ask for.")
        return View(connection, allowed, wanted, wanted.key == own.key)

    def _good(self, token: Token, query: Query, now: int, view: View) -> bool:
        """Whether the stored token will do as it is."""
        left, fresh = token.expires_at - now, self._new(token, now)
        failure = view.failure()
        if failure and now - failure.at < policy.FORCE_EVERY and left >= policy.MANDATORY:
            return True  # one forced redemption a minute, whether it went well or not
        if left < query.min_ttl:
            if fresh:
                raise Problem("min_ttl_unreachable")
            return False
        if query.rejected and not fresh and self._open(view, token).sha256() == query.rejected:
            return False
        return left >= policy.MANDATORY or fresh

    def _ahead(self, view: View, token: Token, now: Instant) -> None:
        """Record the use, and replace the token in the background if the schedule is late.

        Nothing that fails here concerns the caller, who has a valid token.
        """
        connection = view.connection
        try:
            if now - (connection.last_used_at or 0) >= policy.USED_EVERY:
                self.connections.used(connection.name, connection.incarnation, now)
            if now >= policy.advisory(token) and not view.barred(now):
                owner = self._claim(view, now)
                if owner:
                    self.refresher.start(self._order(view, owner, "ahead"))
        except Unavailable as error:
            self.telemetry.note("ahead_failed", service=error.service, code=error.code)

    def _claim(self, view: View, now: Instant) -> str | None:
        """The lease's owner if it could be taken, and nobody has redeemed since the view."""
        connection, owner = view.connection, self.randomness.id()
        if connection.leased(now):
            return None
        until, seen = Instant(now + policy.LEASE), connection.generation
        name, incarnation = connection.name, connection.incarnation
        won = self.connections.claim(name, incarnation, owner, now, until, seen)
        return owner if won else None

    def _order(self, view: View, owner: str, reason: str) -> RefreshRequest:
        """It may come late or twice, or after a consent: then the generation tells."""
        connection = view.connection
        scope = None if view.own else view.wanted.text
        seen = connection.generation
        return RefreshRequest(connection.name, connection.incarnation, reason, scope, owner, seen)

    def _renew(self, view: View, caller: Caller, query: Query) -> tuple[View, Token]:
        """A redemption, by this caller or by another one; then the token, new or still valid."""
        deadline, pause = self.clock() + WAIT, POLL[0]
        while True:
            now = self._now()
            barred = view.barred(now)
            if barred:
                return self._settle(view, barred)
            owner = self._claim(view, now)
            if owner:
                problem = self._run(view, owner)
                view = self._again(view, caller, query, consistent=True)
                return self._settle(view, self._reason(view, problem), query)
            if self.clock() + pause > deadline:
                busy = Problem("refresh_in_progress", retry_after=RETRY_AFTER)
                return self._settle(self._again(view, caller, query, consistent=True), busy)
            self.sleep(self.randomness.between(pause / 2, pause))
            pause = min(pause * 1.6, POLL[1])
            view = self._again(view, caller, query, consistent=False)
            token = view.token(self._now())
            if token and self._good(token, query, self._now(), view):
                return view, token

    def _run(self, view: View, owner: str) -> Problem | None:
        """Have refresh redeem now."""
        try:
            return self.refresher.run(self._order(view, owner, "caller"))
        except Unavailable as error:
            self.telemetry.note("refresh_failed", service=error.service, code=error.code)
            if error.code in NOT_STARTED:
                connection = view.connection
                self.connections.release(connection.name, connection.incarnation, owner)
            return Problem("broker_unavailable", retry_after=RETRY_AFTER)

    def _reason(self, view: View, problem: Problem | None) -> Problem:
        """Why there is no token after a redemption: what is on record says more than its answer."""
        busy = Problem("refresh_in_progress", retry_after=RETRY_AFTER)
        return view.barred(self._now()) or problem or busy

    def _again(self, view: View, caller: Caller, query: Query, *, consistent: bool) -> View:
        """The connection as it is now; a stale read of another creation or an earlier consent is
        as good as none."""
        known = view.connection
        found = self.connections.get(known.name, consistent=consistent)
        current = found and found.incarnation == known.incarnation and found.epoch >= known.epoch
        if not consistent and not current:
            return view
        return self._view(found, caller, query)

    def _settle(
        self, view: View, otherwise: Problem, query: Query | None = None
    ) -> tuple[View, Token]:
        """The valid token there is, or the problem."""
        now = self._now()
        token = view.token(now)
        if token is None:
            raise otherwise
        if query and token.expires_at - now < query.min_ttl and self._new(token, now):
            raise Problem("min_ttl_unreachable")
        return view, token

    def _new(self, token: Token, now: int) -> bool:
        return now - token.obtained_at < policy.FORCE_EVERY

    def _open(self, view: View, token: Token) -> Secret:
        return self._unseal(view, "access_token", token.sealed, view.wanted.key)

    def _unseal(self, view: View, purpose: Purpose, sealed: Sealed, key: str = "-") -> Secret:
        """The value, from memory if this environment has opened it before."""
        where = encryption_context(
            self.stack, view.connection.incarnation, purpose, sealed.generation, key
        )
        return self.opened.get(sealed.data, lambda: unseal(self.keys, where, sealed.data))

    def _answer(self, view: View, token: Token) -> dict[str, Any]:
        """RFC 6749 §5.1 and the broker's additions.

        Microsoft puts every consented scope of a resource into a token, so a limited grant is held
        against the answered scopes.
        """
        held = scopes.answered(token.scope, token.resource)
        if not view.reach.holds(held) or (view.reach.scopes is not None and not held):
            raise Problem(
                "scope_not_granted",
                "Microsoft's token holds scopes outside your grant: it carries every consented "
                "scope of the resource.",
            )
        secret = self._open(view, token)
        parameters = {
            name: self._unseal(view, PARAMETERS[name], sealed).open()
            for name, sealed in view.connection.parameters.items()
        }
        left = token.expires_at - self._now()
        if left <= 0:
            raise Problem("refresh_in_progress", retry_after=RETRY_AFTER)
        self.telemetry.count("TokenServed")
        return {
            "access_token": secret.open(),
            "token_type": "Bearer",
            "expires_in": left,
            "scope": token.scope,
            "connection": view.connection.name,
            "expires_at": rfc3339(token.expires_at),
            "parameters": parameters,
        }
