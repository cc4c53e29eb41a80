"""token: serves the cached access token; on a miss the winner of the lease asks refresh.

A warm hit is one strongly consistent read and nothing else. What a caller gets is decided in
`lifecycle.serving`; here it is carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from broker.domain import scopes
from broker.domain.connection import Sealed, Token
from broker.domain.grants import Caller
from broker.domain.names import Instant, Name, rfc3339
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import policy, serving, usage
from broker.lifecycle.serving import RETRY_AFTER, Query, Refuse, Renew, Serve, View, decide
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
NOT_STARTED = frozenset(
    {
        *("TooManyRequestsException", "AccessDeniedException", "ResourceNotFoundException"),
        *("ConnectTimeoutError", "EndpointConnectionError", "SSLError", "NoCredentialsError"),
    }
)
"""Lambda's refusals, and errors before anything was sent: refresh certainly does not run, and the
lease can be given back. A connection that was closed (ConnectionClosedError) tells nothing."""


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

        `audit`: a record that is told the resource the decision is about.
        """
        view = serving.view(self.connections.get(name), caller, query)
        if audit is not None:
            audit["resource"] = view.resource
        answer = self._hit(view, caller, query)
        if answer is None:
            self.telemetry.count("TokenMiss")
            renewed, token = self._replace(view, caller, query)
            self._note_use(renewed, caller, self._now(), ahead=False)
            answer = self._answer(renewed, token)
        return answer

    def _hit(self, view: View, caller: Caller, query: Query) -> dict[str, Any] | None:
        """The answer of the stored token; None if a new one is needed."""
        now = self._now()
        match decide(view, query, now):
            case Refuse(problem):
                raise problem
            case Renew():
                return None
            case Serve(token, ahead):
                self._note_use(view, caller, now, ahead=ahead)
        try:
            answer = self._answer(view, token)
        except SealBroken:
            # Damaged or moved: a new token heals it. If this one is new, it is something else.
            self.telemetry.note("seal_broken")
            if serving.is_new(token, now):
                raise
            return None
        self.telemetry.count("TokenHit")
        return answer

    def _replace(self, view: View, caller: Caller, query: Query) -> tuple[View, Token]:
        """A new token; the valid old one if AWS fails on the way."""
        try:
            return self._renew(view, caller, query)
        except Unavailable as error:
            self.telemetry.note("renew_failed", service=error.service, code=error.code)
            return self._last_resort(view, Problem("broker_unavailable"))

    def _now(self) -> Instant:
        return Instant(int(self.clock()))

    def _note_use(self, view: View, caller: Caller, now: Instant, *, ahead: bool) -> None:
        """Record the use, and replace the token in the background if the schedule is late.

        Nothing that fails here concerns the caller, who has a valid token.
        """
        connection = view.connection
        try:
            used_by = usage.recorded(connection.used_by, caller.principal, now)
            if used_by or now - (connection.last_used_at or 0) >= policy.USED_EVERY:
                self.connections.used(connection.name, connection.incarnation, now, used_by)
            if ahead and (owner := self._claim(view, caller, now)):
                self._start(view, owner)
        except Unavailable as error:
            self.telemetry.note("ahead_failed", service=error.service, code=error.code)

    def _start(self, view: View, owner: str) -> None:
        """Have refresh redeem soon."""
        try:
            self.refresher.start(_order(view, owner, "ahead"))
        except Unavailable as error:
            self._give_back(view, owner, error)
            raise

    def _give_back(self, view: View, owner: str, error: Unavailable) -> None:
        """The lease, if refresh certainly does not run under it."""
        if error.code in NOT_STARTED:
            connection = view.connection
            self.connections.release(connection.name, connection.incarnation, owner)

    def _claim(self, view: View, caller: Caller, now: Instant) -> str | None:
        """The lease's owner if it could be taken, and nobody has redeemed since the view."""
        connection, owner = view.connection, self.randomness.id()
        if connection.leased(now):
            return None
        until, seen = Instant(now + policy.LEASE), connection.generation
        name, incarnation = connection.name, connection.incarnation
        used_by = usage.recorded(connection.used_by, caller.principal, now)
        won = self.connections.claim(name, incarnation, owner, now, until, seen, used_by)
        return owner if won else None

    def _renew(self, view: View, caller: Caller, query: Query) -> tuple[View, Token]:
        """A redemption, by this caller or by another one; then the token, new or still valid."""
        deadline, pause = self.clock() + WAIT, POLL[0]
        busy = Problem("refresh_in_progress", retry_after=RETRY_AFTER)
        while True:
            if owner := self._claim(view, caller, self._now()):
                problem = self._run(view, owner)
                return self._outcome(self._again(view, caller, query), query, problem or busy)
            if self.clock() + pause > deadline:
                return self._outcome(self._again(view, caller, query), query, busy)
            self.sleep(self.randomness.between(pause / 2, pause))
            pause = min(pause * 1.6, POLL[1])
            view = self._again(view, caller, query, consistent=False)
            match decide(view, query, self._now()):
                case Serve(token):
                    return view, token
                case Refuse(reason):
                    raise reason

    def _run(self, view: View, owner: str) -> Problem | None:
        """Have refresh redeem now."""
        try:
            return self.refresher.run(_order(view, owner, "caller"))
        except Unavailable as error:
            self.telemetry.note("refresh_failed", service=error.service, code=error.code)
            self._give_back(view, owner, error)
            return Problem("broker_unavailable", retry_after=RETRY_AFTER)

    def _again(self, view: View, caller: Caller, query: Query, *, consistent: bool = True) -> View:
        """The connection as it is now; a stale read of another creation or an earlier consent is
        as good as none."""
        known = view.connection
        latest = self.connections.get(known.name, consistent=consistent)
        current = latest and latest.incarnation == known.incarnation and latest.epoch >= known.epoch
        if not consistent and not current:
            return view
        return serving.view(latest, caller, query)

    def _outcome(self, view: View, query: Query, otherwise: Problem) -> tuple[View, Token]:
        """What there is after a redemption: what is on record says more than its answer."""
        match decide(view, query, self._now()):
            case Serve(token):
                return view, token
            case Refuse(reason):
                raise reason
            case Renew():
                return self._last_resort(view, otherwise)

    def _last_resort(self, view: View, otherwise: Problem) -> tuple[View, Token]:
        """The valid token there is, or the problem."""
        token = view.connection.token(view.resource, self._now())
        if token is None:
            raise otherwise
        return view, token

    def _unseal(self, view: View, purpose: Purpose, sealed: Sealed, resource: str = "-") -> Secret:
        """The value, from memory if this environment has opened it before."""
        incarnation = view.connection.incarnation
        where = encryption_context(
            self.stack, incarnation, purpose, sealed.generation, sealed.epoch, resource
        )
        return self.opened.get(where, sealed.data, lambda: unseal(self.keys, where, sealed.data))

    def _answer(self, view: View, token: Token) -> dict[str, Any]:
        """RFC 6749 §5.1 and the broker's additions."""
        view.admit(scopes.answered(token.scope, token.resource))
        secret = self._unseal(view, "access_token", token.sealed, view.resource)
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


def _order(view: View, owner: str, reason: str) -> RefreshRequest:
    """It may come late or twice, or after a consent: then the generation tells."""
    connection = view.connection
    resource = None if view.resource == connection.resource else view.resource
    seen = connection.generation
    return RefreshRequest(connection.name, connection.incarnation, reason, resource, owner, seen)
