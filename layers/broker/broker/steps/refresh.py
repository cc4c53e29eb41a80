"""refresh: redeems the refresh token under the lease, stores the new one, drops the old.

The vault is written first, then the connection: a crash between the two costs one redemption.
Everything is read from the store anew; an order brings names and reasons only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker import policy, scopes
from broker.consent import Acceptance, Terms, ahead, demand, keep
from broker.diagnosis import Effect
from broker.model import MAX_TOKENS, Connection, Failure, Grantee, Sealed, Status
from broker.names import Instant, ScopeKey
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
from broker.scopes import ScopeSet
from broker.sealing import Keys, SealBroken, seal, slot, unseal
from broker.tokens import Tokens
from broker.verdict import Refusal, extra, judge

PUBLIC = frozenset({90023, 700025, 9002327})
"""AADSTS numbers of a token that must be redeemed without a credential. About an import they say
something of the token; else they are about the registration."""


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

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

    def run(self, order: Order) -> Problem | None:
        """Redeem; None if there is a new token, else why not. Raises `Unavailable`."""
        now, owner = self._now(), order.owner or self.chance.id()
        until = Instant(now + policy.LEASE)
        connection = self.connections.lease(
            order.connection, order.incarnation, owner, now, until, order.generation
        )
        if connection is None:
            return self._lost(order)
        job = Job(self, connection, owner)
        if order.reason == "schedule" and order.generation is not None and not connection.due(now):
            # Another order of the schedule has been here, and Microsoft refused, or gave no new
            # refresh token, so that the generation does not tell.
            self.connections.release(connection.name, connection.incarnation, owner)
            return None
        try:
            return job.adopt() if order.reason == "import" else job.redeem(order)
        except Problem as problem:
            self.connections.release(connection.name, connection.incarnation, owner)
            return problem
        except (Unavailable, SealBroken):
            self.connections.release(connection.name, connection.incarnation, owner)
            raise

    def _now(self) -> Instant:
        return Instant(int(self.clock()))

    def _lost(self, order: Order) -> Problem | None:
        """Someone else redeems, or has redeemed, or the connection is gone."""
        connection = self.connections.get(order.connection)
        if connection is None or connection.incarnation != order.incarnation:
            return Problem("not_found")
        if order.generation is not None and connection.generation > order.generation:
            return None
        return Problem("refresh_in_progress")


@dataclass(frozen=True, slots=True)
class Job:
    """One redemption under the lease. Problems leave the lease to be released."""

    ports: Step
    connection: Connection
    owner: str

    def redeem(self, order: Order) -> Problem | None:
        """Redeem the stored refresh token for the wanted scope set."""
        connection, now = self.connection, self.now()
        if connection.status is Status.PENDING:
            raise Problem("authorization_pending")
        if connection.ended:
            last = connection.last_error
            raise last.problem(now) if last else Problem("reauthorization_required")
        grantee = self.ports.vault.get(connection.incarnation)
        if grantee is None or grantee.epoch != connection.epoch:
            raise Problem("internal_error", "The refresh token is not of this consent.")
        own = scopes.group(connection.scopes)[connection.resource]
        wanted = scopes.single(order.scope) if order.scope else own
        found = self.ask(grantee, wanted)
        if isinstance(found, Tokens):
            return self.store(grantee, own, wanted, found)
        if wanted.key == own.key:
            return self.fail(grantee, own, Refusal.of(found))
        return self.fail_extra(grantee, own, wanted, found)

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
            return ports.oauth.refresh(authority, secret, wanted.text)
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
            self.tell("Connection Recovered", Status.ACTIVE)
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
        ports.vault.postpone(grantee, verdict.due_at)
        written = ports.connections.settle(
            replace(
                self.settlement(own.key, own),
                failure=verdict.failure,
                extra=(refused, verdict.failure) if refused else None,
                drop_failures=stale(connection, refused) if refused else (),
                next_refresh_at=verdict.due_at,
                status=verdict.status,
                suspicion=verdict.suspicion,
            )
        )
        if written and verdict.event:
            self.tell(verdict.event, verdict.status or connection.status, refusal.problem)
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

    def adopt(self) -> Problem | None:
        """Prove a refresh token that was handed in, and make it the connection's."""
        ports, connection = self.ports, self.connection
        sealed = ports.candidates.take(connection.incarnation, self.now())
        if sealed is None:
            raise Problem("conflict", "The refresh token was handed in again, or too long ago.")
        where = slot(ports.stack, connection.incarnation, "import", sealed.generation)
        secret = unseal(ports.vault_keys, where, sealed.data)
        own = scopes.group(connection.scopes)[connection.resource]
        try:
            tokens = ports.oauth.refresh(f"{ports.platform}/{connection.tenant}", secret, own.text)
        except Refused as refused:
            raise declined(Refusal.of(refused)) from None
        terms = Terms(connection.scopes, nonce=None, link=None, refresh_token=secret)
        ports.acceptance.accept(connection, tokens, terms)
        ports.connections.release(connection.name, connection.incarnation, self.owner)
        return None

    def tell(self, event: str, status: Status, problem: Problem | None = None) -> None:
        """Publish what happened to the connection."""
        detail = {
            "connection": self.connection.name,
            "service": self.connection.service,
            "status": status.value,
        }
        if problem:
            detail |= {"code": problem.code, "actor": problem.actor, "remedy": problem.remedy}
        self.ports.events.publish(event, detail)


def declined(refusal: Refusal) -> Problem:
    """Why an import failed: the token's fault, or something that passes."""
    said = refusal.problem
    if said.provider and PUBLIC.intersection(said.provider.error_codes):
        return Problem(
            "refresh_token_refused",
            "It was issued to a public client (native or single-page), which has no secret.",
            remedy="Have the owner consent through a link of the broker instead.",
            provider=said.provider,
        )
    if not refusal.grant and said.code != "invalid_request":
        return said
    return Problem("refresh_token_refused", said.detail, provider=said.provider)


def crowded(connection: Connection, key: ScopeKey) -> tuple[ScopeKey, ...]:
    """The oldest tokens of other sets that must make room for one more."""
    own = scopes.group(connection.scopes)[connection.resource].key
    others = [
        (token.obtained_at, other)
        for other, token in connection.tokens.items()
        if other not in (key, own)
    ]
    room = MAX_TOKENS - 1 - (1 if own != key and own in connection.tokens else 0)
    surplus = max(0, len(others) - room)
    return tuple(other for _, other in sorted(others)[:surplus])


def stale(connection: Connection, key: ScopeKey) -> tuple[ScopeKey, ...]:
    """The oldest failures of other sets beyond as many as there may be tokens."""
    others = sorted((failure.at, other) for other, failure in connection.failures.items())
    keep_from = max(0, len(others) - MAX_TOKENS + 1)
    return tuple(other for _, other in others[:keep_from] if other != key)
