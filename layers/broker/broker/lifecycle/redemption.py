"""One redemption under the lease: what is asked of Microsoft, and what becomes of the answer.

The vault is written first, then the connection: a crash between the two costs one redemption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from broker.domain import scopes
from broker.domain.connection import Connection, Failure, Status, StoredRefreshToken
from broker.domain.credentials import CredentialKind
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.domain.scopes import ScopeSet
from broker.lifecycle import policy
from broker.lifecycle.acceptance import Acceptance, ahead, demand, keep
from broker.lifecycle.custody import Custody
from broker.lifecycle.events import tell
from broker.lifecycle.result import Abandoned, Lapsing, Refused, Result, Stored
from broker.lifecycle.verdict import Refusal, elsewhere, judge
from broker.ports.ambient import Clock, Randomness, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Events
from broker.ports.stores import Candidates, Connections, Settlement, Vault
from broker.providers import token_endpoint
from broker.providers.terms import Effect
from broker.providers.token_endpoint import Providers
from broker.providers.token_response import TokenResponse, Unusable
from broker.sealing.envelope import Keys

Answer = TokenResponse | token_endpoint.Refused | Problem


@dataclass(frozen=True, slots=True)
class Ports:
    """What a redemption needs."""

    connections: Connections
    vault: Vault
    candidates: Candidates
    acceptance: Acceptance
    vault_keys: Keys
    token_keys: Keys
    providers: Providers
    events: Events
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    stack: str

    @property
    def custody(self) -> Custody:
        """Of the stored refresh tokens."""
        return Custody(self.vault, self.vault_keys, self.stack)


@dataclass(frozen=True, slots=True)
class Job:
    """One redemption under the lease. `trial`: with this kind of credential alone, and a failure
    then touches no state."""

    ports: Ports
    connection: Connection
    owner: str
    trial: CredentialKind | None = None

    def redeem(self, asked: ScopeSet) -> Result:
        """Redeem the stored refresh token for the connection's scopes of one resource.

        Raises `Unavailable` and `SealBroken` only if Microsoft has not been asked.
        """
        stored = self.ports.custody.of(self.connection)
        if stored is None:
            return Abandoned(self._overtaken())
        answer = self._ask(stored, asked)
        try:
            return self._conclude(stored, asked, answer)
        except Unavailable as error:
            return Lapsing(error)

    def _overtaken(self) -> Problem:
        """Why the vault holds the refresh token of another consent, or none."""
        before = self.connection
        current = self.ports.connections.get(before.name)
        if current is None or current.incarnation != before.incarnation:
            return Problem("not_found")
        if current.epoch != before.epoch:
            return Problem("refresh_in_progress", "Someone consented meanwhile.")
        return Problem("internal_error", "The refresh token is not of this consent.")

    def _now(self) -> Instant:
        return Instant(int(self.ports.clock()))

    def _ask(self, stored: StoredRefreshToken, asked: ScopeSet) -> Answer:
        """Microsoft's answer, whatever it is."""
        try:
            client = self.ports.providers.of(self.connection)
        except Problem as problem:
            return problem
        authority = client.platform.authority(self.connection.tenant)
        if (stored.client_id, stored.authority) != (client.client_id, authority):
            return Problem(
                "client_misconfigured",
                "The owner consented to another client id or identity platform than the broker "
                "has now; the old refresh token is of no use to it.",
                remedy="Put the old client id back, or make a new link for the owner.",
            )
        secret = self.ports.custody.open(stored)
        home = client.platform.throttled_together(self.connection, authority)
        try:
            return client.refresh(
                authority, home, stored.incarnation, secret, asked.text, self.trial
            )
        except (token_endpoint.Refused, Problem) as error:
            return error

    def _conclude(self, stored: StoredRefreshToken, asked: ScopeSet, answer: Answer) -> Result:
        if isinstance(answer, TokenResponse):
            return self._store(stored, asked, answer)
        rotated = self._rotate_anyway(stored, answer)
        if rotated is None:
            return _superseded()
        if self.trial:
            return Abandoned(Refusal.of(answer).problem)
        if asked.resource == self.connection.resource:
            return self._fail(rotated, Refusal.of(answer))
        return self._fail_elsewhere(rotated, asked, answer)

    def _rotate_anyway(
        self, stored: StoredRefreshToken, answer: token_endpoint.Refused | Problem
    ) -> StoredRefreshToken | None:
        """A refresh token that came with an unusable answer may be the only one from now on."""
        if isinstance(answer, Unusable) and answer.refresh_token:
            return self.ports.custody.replace(stored, answer.refresh_token, stored.due_at)
        return stored

    def _store(
        self,
        stored: StoredRefreshToken,
        asked: ScopeSet,
        tokens: TokenResponse,
        failures: Mapping[str, Failure] | None = None,
    ) -> Result:
        """The new refresh token before anything else can fail; then the access token, which also
        releases the lease. `failures`: of another resource, learnt on the way."""
        ports, connection, now = self.ports, self.connection, self._now()
        is_own = asked.resource == connection.resource
        ahead_at = ahead(tokens, ports.randomness)
        due_at = (
            policy.due(connection, ahead_at, now, ports.randomness) if is_own else stored.due_at
        )
        rotated = ports.custody.replace(stored, tokens.refresh_token, due_at)
        if rotated is None:
            return _superseded()
        if is_own:
            try:
                demand(connection, asked, tokens)
            except Problem as problem:
                return self._fail(rotated, Refusal(Effect.OWNER, problem), failures)
        written = ports.connections.settle(
            replace(
                self._settlement(rotated),
                token=keep(ports, rotated, asked.resource, tokens, ahead_at),
                granted=scopes.answered(tokens.scope, asked.resource, asked.scopes),
                failures=failures or {},
                refreshed_at=now,
                next_refresh_at=due_at,
                status=Status.ACTIVE if is_own else None,
            )
        )
        ailing = connection.suspicion or connection.status is not Status.ACTIVE
        if written and is_own and ailing:
            tell(ports.events, "Connection Recovered", connection, Status.ACTIVE)
        return Stored()

    def _settlement(self, stored: StoredRefreshToken) -> Settlement:
        connection = self.connection
        return Settlement(
            name=connection.name,
            incarnation=connection.incarnation,
            epoch=connection.epoch,
            owner=self.owner,
            resource=connection.resource,
            generation=stored.generation,
        )

    def _fail(
        self,
        stored: StoredRefreshToken,
        refusal: Refusal,
        failures: Mapping[str, Failure] | None = None,
    ) -> Refused:
        """A failure of the service's own resource. `failures`: of others, learnt on the way."""
        ports, connection = self.ports, self.connection
        verdict = judge(connection, refusal, self._now(), ports.randomness)
        final = verdict.due_at is None
        if not final:
            ports.vault.postpone(stored, verdict.due_at)
        written = ports.connections.settle(
            replace(
                self._settlement(stored),
                failures={**(failures or {}), connection.resource: verdict.failure},
                next_refresh_at=verdict.due_at,
                status=verdict.status,
                suspicion=verdict.suspicion,
            )
        )
        if connection.refreshed_at and (verdict.status or connection.status) is Status.ACTIVE:
            # What failed falls due later, and older: rotate cannot see its age.
            left = connection.refreshed_at + policy.GRANT_LIFE - self._now()
            ports.telemetry.count("NextBreakSeconds", left, service="grants")
        if written and final:
            # Last: what is out of the index before its status says so is never looked at again.
            ports.vault.postpone(stored, None)
        if written and verdict.event:
            status = verdict.status or connection.status
            tell(ports.events, verdict.event, connection, status, refusal.problem)
        return Refused(refusal.problem)

    def _fail_elsewhere(
        self, stored: StoredRefreshToken, asked: ScopeSet, answer: token_endpoint.Refused | Problem
    ) -> Result:
        """A failure of another resource: answered for that one alone.

        A bare AADSTS70000 may be about the scopes or about the grant: the service's own resource
        tells which, and is tried unless it was a moment ago.
        """
        ports, connection, now = self.ports, self.connection, self._now()
        refusal, before = Refusal.of(answer), connection.failures.get(asked.resource)
        diagnosis = answer.diagnosis if isinstance(answer, token_endpoint.Refused) else None
        scoped = diagnosis is not None and diagnosis.scope_related
        if diagnosis and diagnosis.bare:
            alive = self._alive(now)
            if alive is None:
                return self._try_own(stored, asked.resource, refusal)
            scoped = alive
        failure = elsewhere(before, refusal, scoped, now, ports.randomness)
        suspect = not scoped and refusal.grant
        if suspect:
            # The grant itself seems to be refused: have the schedule look at the own resource.
            ports.vault.postpone(stored, now)
        ports.connections.settle(
            replace(
                self._settlement(stored),
                failures={asked.resource: failure},
                next_refresh_at=now if suspect else None,
            )
        )
        return Refused(failure.problem(now))

    def _alive(self, now: Instant) -> bool | None:
        """Whether the service's own resource was redeemed lately; None: it was not tried."""
        token, last = (
            self.connection.tokens.get(self.connection.resource),
            self.connection.last_error,
        )
        since = now - policy.FORCE_EVERY
        if last and last.at > since:
            return False
        return True if token and token.obtained_at > since else None

    def _try_own(self, stored: StoredRefreshToken, resource: str, refusal: Refusal) -> Result:
        """The service's own resource, after a refusal of another one that may mean the grant."""
        now, randomness = self._now(), self.ports.randomness
        before, own = self.connection.failures.get(resource), self.connection.service_scopes
        answer = self._ask(stored, own)
        if isinstance(answer, TokenResponse):
            failure = elsewhere(before, refusal, True, now, randomness)
            result = self._store(stored, own, answer, {resource: failure})
            return Refused(failure.problem(now)) if isinstance(result, Stored) else result
        rotated = self._rotate_anyway(stored, answer)
        if rotated is None:
            return _superseded()
        failure = elsewhere(before, Refusal.of(answer), False, now, randomness)
        return self._fail(rotated, Refusal.of(answer), {resource: failure})


def _superseded() -> Abandoned:
    return Abandoned(Problem("refresh_in_progress", "Someone consented or redeemed meanwhile."))
