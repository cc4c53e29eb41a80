"""One redemption under the lease: what is asked of Microsoft, and what becomes of the answer.

The vault is written first, then the connection: a crash between the two costs one redemption.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker.domain import scopes
from broker.domain.connection import Connection, Failure, Sealed, Status, StoredRefreshToken
from broker.domain.credentials import CredentialKind
from broker.domain.names import Instant, ScopeKey
from broker.domain.problems import Problem
from broker.domain.scopes import ScopeSet
from broker.lifecycle import policy
from broker.lifecycle.acceptance import Acceptance, ahead, demand, keep
from broker.lifecycle.events import tell
from broker.lifecycle.eviction import crowded, stale
from broker.lifecycle.verdict import Refusal, extra, judge
from broker.ports.ambient import Clock, Randomness, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Events, RefreshRequest
from broker.ports.stores import Candidates, Connections, Settlement, Vault
from broker.providers.entra.token_endpoint import OAuth, Refused
from broker.providers.terms import Effect
from broker.providers.token_response import TokenResponse
from broker.sealing.envelope import Keys, encryption_context, seal, unseal


class Answered(Unavailable):
    """AWS failed when Microsoft had answered already."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a redemption needs."""

    connections: Connections
    vault: Vault
    candidates: Candidates
    acceptance: Acceptance
    vault_keys: Keys
    token_keys: Keys
    oauth: OAuth
    events: Events
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    stack: str
    platform: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Job:
    """One redemption under the lease. Problems leave the lease to be released."""

    ports: Ports
    connection: Connection
    owner: str

    def redeem(self, order: RefreshRequest) -> Problem | None:
        """Redeem the stored refresh token for the wanted scope set."""
        connection = self.connection
        if connection.ended:
            if order.reason == "schedule":
                self.retire()
            raise connection.broken(self.now())
        stored = self.ports.vault.get(connection.incarnation)
        if stored is None or stored.epoch != connection.epoch:
            raise Problem("internal_error", "The refresh token is not of this consent.")
        own = scopes.group(connection.scopes)[connection.resource]
        wanted = scopes.single(order.scope) if order.scope else own
        kind = order.client_authentication
        found = self.ask(stored, wanted, kind)
        if kind and not isinstance(found, TokenResponse):
            raise Refusal.of(found).problem  # a trial
        try:
            if isinstance(found, TokenResponse):
                return self.store(stored, own, wanted, found)
            if wanted.key == own.key:
                return self.fail(stored, own, Refusal.of(found))
            return self.fail_extra(stored, own, wanted, found)
        except Unavailable as error:
            raise Answered(error.service, error.code) from None

    def retire(self) -> None:
        """Take a dead grant out of the index, if the one who broke it did not get that far."""
        stored = self.ports.vault.get(self.connection.incarnation)
        if stored and stored.due_at is not None:
            self.ports.vault.postpone(stored, None)

    def now(self) -> Instant:
        """The clock, in whole seconds."""
        return Instant(int(self.ports.clock()))

    def ask(
        self, stored: StoredRefreshToken, wanted: ScopeSet, kind: CredentialKind | None = None
    ) -> TokenResponse | Refused | Problem:
        """Microsoft's answer, whatever it is. `kind`: to this kind of credential alone."""
        ports = self.ports
        authority = f"{ports.platform}/{self.connection.tenant}"
        if (stored.client_id, stored.authority) != (ports.client_id, authority):
            return Problem(
                "client_misconfigured",
                "The owner consented to another client id or identity platform than the broker "
                "has now; the old refresh token is of no use to it.",
                remedy="Put the old client id back, or make a new link for the owner.",
            )
        sealed = stored.sealed
        where = encryption_context(
            ports.stack, stored.incarnation, "refresh_token", sealed.generation
        )
        secret = unseal(ports.vault_keys, where, sealed.data)
        try:
            account = self.connection.account
            home = account.tenant_id if account else authority
            return ports.oauth.refresh(
                authority, home, stored.incarnation, secret, wanted.text, kind
            )
        except (Refused, Problem) as error:
            return error

    def store(
        self,
        stored: StoredRefreshToken,
        own: ScopeSet,
        wanted: ScopeSet,
        tokens: TokenResponse,
        refused: tuple[ScopeKey, Failure] | None = None,
    ) -> Problem | None:
        """The new refresh token first, before anything else can fail; then the access token, which
        also releases the lease."""
        ports, connection, now = self.ports, self.connection, self.now()
        is_own = wanted.key == own.key
        generation = stored.generation + (1 if tokens.refresh_token else 0)
        ahead_at = ahead(tokens, ports.randomness)
        due_at = (
            policy.due(connection, ahead_at, now, ports.randomness) if is_own else stored.due_at
        )
        sealed = None
        if tokens.refresh_token:
            where = encryption_context(ports.stack, stored.incarnation, "refresh_token", generation)
            sealed = Sealed(seal(ports.vault_keys, where, tokens.refresh_token), generation)
        if not ports.vault.rotate(stored, sealed, generation, due_at):
            raise Problem("refresh_in_progress", "Someone consented or redeemed meanwhile.")
        if is_own:
            try:
                demand(connection, tokens)
            except Problem as problem:
                changed = replace(stored, generation=generation)
                kept = refused[0] if refused else None
                return self.fail(changed, own, Refusal(Effect.OWNER, problem), kept)
        written = ports.connections.settle(
            replace(
                self.settlement(wanted.key, own),
                token=keep(ports, connection, wanted, tokens, generation, ahead_at),
                granted=scopes.answered(tokens.scope, wanted.resource),
                extra=refused,
                generation=generation,
                refreshed_at=now,
                next_refresh_at=due_at,
                status=Status.ACTIVE if is_own else None,
                drop_tokens=crowded(connection, wanted.key),
                drop_failures=stale(connection, refused[0]) if refused else (),
            )
        )
        ailing = connection.suspicion or connection.status is not Status.ACTIVE
        if written and is_own and ailing:
            tell(ports.events, "Connection Recovered", connection, Status.ACTIVE)
        return None

    def settlement(self, key: ScopeKey, own: ScopeSet) -> Settlement:
        """A settlement of this job."""
        connection = self.connection
        return Settlement(
            name=connection.name,
            incarnation=connection.incarnation,
            epoch=connection.epoch,
            owner=self.owner,
            key=key,
            own=key == own.key,
        )

    def fail(
        self,
        stored: StoredRefreshToken,
        own: ScopeSet,
        refusal: Refusal,
        refused: ScopeKey | None = None,
    ) -> Problem:
        """A failure of the service's own scope set."""
        ports, connection = self.ports, self.connection
        verdict = judge(connection, refusal, self.now(), ports.randomness)
        final = verdict.due_at is None
        if not final:
            ports.vault.postpone(stored, verdict.due_at)
        written = ports.connections.settle(
            replace(
                self.settlement(own.key, own),
                failure=verdict.failure,
                generation=stored.generation,
                extra=(refused, verdict.failure) if refused else None,
                drop_failures=stale(connection, refused) if refused else (),
                next_refresh_at=verdict.due_at,
                status=verdict.status,
                suspicion=verdict.suspicion,
            )
        )
        if connection.refreshed_at and (verdict.status or connection.status) is Status.ACTIVE:
            # What failed falls due later, and older: rotate cannot see its age.
            left = connection.refreshed_at + policy.GRANT_LIFE - self.now()
            ports.telemetry.count("NextBreakSeconds", left, service="grants")
        if written and final:
            # Last: what is out of the index before its status says so is never looked at again.
            ports.vault.postpone(stored, None)
        if written and verdict.event:
            status = verdict.status or connection.status
            tell(ports.events, verdict.event, connection, status, refusal.problem)
        return refusal.problem

    def fail_extra(
        self, stored: StoredRefreshToken, own: ScopeSet, wanted: ScopeSet, found: Refused | Problem
    ) -> Problem | None:
        """A failure of another scope set: answered for that set alone.

        A bare AADSTS70000 may be about the scopes or about the grant: the own set tells which.
        """
        ports, connection, now = self.ports, self.connection, self.now()
        refusal, before = Refusal.of(found), connection.failures.get(wanted.key)
        diagnosis = found.diagnosis if isinstance(found, Refused) else None
        if diagnosis and diagnosis.bare:
            again = self.ask(stored, own)
            if not isinstance(again, TokenResponse):
                return self.fail(stored, own, Refusal.of(again), wanted.key)
            failure = extra(before, refusal, True, now, ports.randomness)
            self.store(stored, own, own, again, (wanted.key, failure))
            return failure.problem(now)
        scoped = diagnosis is not None and diagnosis.scope_related
        failure = extra(before, refusal, scoped, now, ports.randomness)
        suspect = not scoped and refusal.grant
        if suspect:
            # The grant itself seems to be refused: have the schedule look at the own set at once.
            ports.vault.postpone(stored, now)
        ports.connections.settle(
            replace(
                self.settlement(wanted.key, own),
                failure=failure,
                next_refresh_at=now if suspect else None,
                drop_failures=stale(connection, wanted.key),
            )
        )
        return failure.problem(now)
