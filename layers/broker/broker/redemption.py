"""One redemption under the lease: what is asked of Microsoft, and what becomes of the answer.

The vault is written first, then the connection: a crash between the two costs one redemption.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker import policy, scopes
from broker.consent import Acceptance, ahead, demand, keep
from broker.diagnosis import Effect
from broker.model import Connection, Failure, Grantee, Sealed, Status
from broker.names import Instant, ScopeKey
from broker.notice import tell
from broker.oauth import OAuth, Refused
from broker.ports import (
    Candidates,
    Chance,
    Clock,
    Connections,
    Events,
    Journal,
    Order,
    Settlement,
    Unavailable,
    Vault,
)
from broker.problems import Problem
from broker.room import crowded, stale
from broker.scopes import ScopeSet
from broker.sealing import Keys, seal, slot, unseal
from broker.tokens import Tokens
from broker.verdict import Refusal, extra, judge


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
    chance: Chance
    journal: Journal
    stack: str
    platform: str
    client_id: str


@dataclass(frozen=True, slots=True)
class Job:
    """One redemption under the lease. Problems leave the lease to be released."""

    ports: Ports
    connection: Connection
    owner: str

    def redeem(self, order: Order) -> Problem | None:
        """Redeem the stored refresh token for the wanted scope set."""
        connection = self.connection
        if connection.ended:
            if order.reason == "schedule":
                self.retire()
            raise connection.broken(self.now())
        grantee = self.ports.vault.get(connection.incarnation)
        if grantee is None or grantee.epoch != connection.epoch:
            raise Problem("internal_error", "The refresh token is not of this consent.")
        own = scopes.group(connection.scopes)[connection.resource]
        wanted = scopes.single(order.scope) if order.scope else own
        found = self.ask(grantee, wanted)
        try:
            if isinstance(found, Tokens):
                return self.store(grantee, own, wanted, found)
            if wanted.key == own.key:
                return self.fail(grantee, own, Refusal.of(found))
            return self.fail_extra(grantee, own, wanted, found)
        except Unavailable as error:
            raise Answered(error.service, error.code) from None

    def retire(self) -> None:
        """Take a dead grant out of the index, if the one who broke it did not get that far."""
        grantee = self.ports.vault.get(self.connection.incarnation)
        if grantee and grantee.due_at is not None:
            self.ports.vault.postpone(grantee, None)

    def now(self) -> Instant:
        """The clock, in whole seconds."""
        return Instant(int(self.ports.clock()))

    def ask(self, grantee: Grantee, wanted: ScopeSet) -> Tokens | Refused | Problem:
        """Microsoft's answer, whatever it is."""
        ports = self.ports
        authority = f"{ports.platform}/{self.connection.tenant}"
        if (grantee.client_id, grantee.authority) != (ports.client_id, authority):
            return Problem(
                "client_misconfigured",
                "The owner consented to another client id or identity platform than the broker "
                "has now; the old refresh token is of no use to it.",
                remedy="Put the old client id back, or make a new link for the owner.",
            )
        sealed = grantee.sealed
        where = slot(ports.stack, grantee.incarnation, "refresh_token", sealed.generation)
        secret = unseal(ports.vault_keys, where, sealed.data)
        try:
            account = self.connection.account
            home = account.tenant_id if account else authority
            return ports.oauth.refresh(authority, home, grantee.incarnation, secret, wanted.text)
        except (Refused, Problem) as error:
            return error

    def store(
        self,
        grantee: Grantee,
        own: ScopeSet,
        wanted: ScopeSet,
        tokens: Tokens,
        refused: tuple[ScopeKey, Failure] | None = None,
    ) -> Problem | None:
        """The new refresh token first, before anything else can fail; then the access token, which
        also releases the lease."""
        ports, connection, now = self.ports, self.connection, self.now()
        is_own = wanted.key == own.key
        generation = grantee.generation + (1 if tokens.refresh_token else 0)
        ahead_at = ahead(tokens, ports.chance)
        due_at = policy.due(connection, ahead_at, now, ports.chance) if is_own else grantee.due_at
        sealed = None
        if tokens.refresh_token:
            where = slot(ports.stack, grantee.incarnation, "refresh_token", generation)
            sealed = Sealed(seal(ports.vault_keys, where, tokens.refresh_token), generation)
        if not ports.vault.rotate(grantee, sealed, generation, due_at):
            raise Problem("refresh_in_progress", "Someone consented or redeemed meanwhile.")
        if is_own:
            try:
                demand(connection, tokens)
            except Problem as problem:
                changed = replace(grantee, generation=generation)
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
        grantee: Grantee,
        own: ScopeSet,
        refusal: Refusal,
        refused: ScopeKey | None = None,
    ) -> Problem:
        """A failure of the service's own scope set."""
        ports, connection = self.ports, self.connection
        verdict = judge(connection, refusal, self.now(), ports.chance)
        final = verdict.due_at is None
        if not final:
            ports.vault.postpone(grantee, verdict.due_at)
        written = ports.connections.settle(
            replace(
                self.settlement(own.key, own),
                failure=verdict.failure,
                generation=grantee.generation,
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
            ports.journal.count("NextBreakSeconds", left, service="grants")
        if written and final:
            # Last: what is out of the index before its status says so is never looked at again.
            ports.vault.postpone(grantee, None)
        if written and verdict.event:
            status = verdict.status or connection.status
            tell(ports.events, verdict.event, connection, status, refusal.problem)
        return refusal.problem

    def fail_extra(
        self, grantee: Grantee, own: ScopeSet, wanted: ScopeSet, found: Refused | Problem
    ) -> Problem | None:
        """A failure of another scope set: answered for that set alone.

        A bare AADSTS70000 may be about the scopes or about the grant: the own set tells which.
        """
        ports, connection, now = self.ports, self.connection, self.now()
        refusal, before = Refusal.of(found), connection.failures.get(wanted.key)
        diagnosis = found.diagnosis if isinstance(found, Refused) else None
        if diagnosis and diagnosis.bare:
            again = self.ask(grantee, own)
            if not isinstance(again, Tokens):
                return self.fail(grantee, own, Refusal.of(again), wanted.key)
            failure = extra(before, refusal, True, now, ports.chance)
            self.store(grantee, own, own, again, (wanted.key, failure))
            return failure.problem(now)
        scoped = diagnosis is not None and diagnosis.scope_related
        failure = extra(before, refusal, scoped, now, ports.chance)
        suspect = not scoped and refusal.grant
        if suspect:
            # The grant itself seems to be refused: have the schedule look at the own set at once.
            ports.vault.postpone(grantee, now)
        ports.connections.settle(
            replace(
                self.settlement(wanted.key, own),
                failure=failure,
                next_refresh_at=now if suspect else None,
                drop_failures=stale(connection, wanted.key),
            )
        )
        return failure.problem(now)
