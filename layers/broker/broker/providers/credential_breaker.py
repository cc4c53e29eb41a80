"""The circuit breakers around the client credentials: one for each kind and version.

A credential that the identity provider refuses is one incident, not one for each connection. An
open breaker keeps the provider from being hammered: all environments together try that version
once in `PROBE_EVERY`. A new version is found within `LOOK_EVERY`, and the previous one is tried, so
two may overlap during a renewal. What the provider has been told minutes ago need not have spread
to all of its nodes: until `SPREAD` is over, such a refusal is waited out and nobody is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from broker.domain.credentials import CredentialKind
from broker.domain.names import IdentityProvider, Instant
from broker.domain.problems import Problem
from broker.ports.ambient import Clock, Telemetry
from broker.ports.credentials import Credential, Credentials
from broker.ports.errors import Unavailable
from broker.ports.outside import Events
from broker.ports.stores import Breakers, Fault
from broker.providers.credential_notices import Notices

PROBE_EVERY = 300
"""Seconds between attempts with a credential that is refused."""
SPREAD = 300
"""Seconds a new credential takes at most to be known everywhere in Entra: "minutes".
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations"""
SPREAD_PROBE = 10
"""Seconds between attempts meanwhile."""
BREAKER_LIFE = 7 * 86_400
"""Seconds a breaker is remembered after its last probe."""
TRUST = 10
"""Seconds an environment trusts what it knows of a breaker: an owner's code is lost on a secret
that another environment knows to be refused."""
LOOK_EVERY = 10
"""Seconds between two looks for a new version, while the one there is does not work."""
EXPIRING = 30 * 86_400
"""Seconds before the end of a credential from when on the operator is reminded."""
REMIND_EVERY = 86_400
ASK_EVERY = 3600
"""Seconds between two looks of one environment whether a reminder is due."""

_UNREADABLE = "unreadable"
"""Stands for the version of a credential that cannot even be read (a placeholder, say)."""


class Blocked(Problem):
    """Every credential is known to be refused; nobody was asked."""


@dataclass(slots=True)
class Memory:
    """What one environment knows. Times are the clock's."""

    faults: dict[str, tuple[float, Fault | None]] = field(default_factory=dict)
    """By version: when it was looked up, and the open breaker."""
    looked_at: float = -math.inf
    newest: Credential | None = None
    previous: Credential | None = None
    """As they were at `looked_at`."""
    trouble: tuple[float, Problem] | None = None
    """When the credential could not be read, and why."""
    reminded: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Breaker:
    """The credentials of one kind for one client id. One an environment."""

    credentials: Credentials
    breakers: Breakers
    events: Events
    telemetry: Telemetry
    clock: Clock
    client_id: str
    identity_provider: IdentityProvider = "microsoft"
    memory: Memory = field(default_factory=Memory)

    @property
    def kind(self) -> CredentialKind:
        """Of its credentials."""
        return self.credentials.kind

    @property
    def _notices(self) -> Notices:
        return Notices(self.events, self.telemetry, self.kind, self.identity_provider)

    def candidates(self) -> Iterator[Credential]:
        """The credentials worth a call, each version once: the current one; if it is refused, what
        its store holds by now; then the previous one, also where the current one cannot be read.
        Raises `Blocked`, `Unavailable`."""
        seen = set()
        unreadable = None
        for load in (self._current, self._newest, self._previous):
            try:
                credential = load()
            except Blocked as blocked:
                unreadable, credential = blocked, self._previous()
            if credential and credential.version not in seen:
                seen.add(credential.version)
                if self._admits(credential):
                    yield credential
        if unreadable and not seen:
            raise unreadable

    def failed(self, credential: Credential, problem: Problem, *, spreads: bool = False) -> None:
        """It was refused: open its breaker, and tell the operator once.

        Not about a version that has been replaced: then the newer one matters. `spreads`: nobody is
        told as long as the provider's nodes may not all know of it yet.
        """
        now = Instant(int(self.clock()))
        fault = self._open(credential.version, problem, now, spreads=spreads)
        if self._superseded(credential) or (spreads and now - fault.since < SPREAD):
            return
        self._notices.count_refused()
        self._announce(credential.version, fault, problem)

    def worked(self, credential: Credential) -> None:
        """It was taken: close its breaker, and remind of its end if that is near."""
        memory = self.memory
        if memory.faults.get(credential.version, (0, None))[1] and self._close(credential.version):
            memory.faults[credential.version] = (self.clock(), None)
        stands_in = memory.previous and memory.previous.version == credential.version
        if memory.trouble and not stands_in and self._close(_UNREADABLE):
            memory.trouble = None
        self._notices.count_worked()
        if credential.expires_at is None:
            return
        left = credential.expires_at - self.clock()
        self._notices.count_left(left)
        if left < EXPIRING:
            self._remind(credential, credential.expires_at)

    def fault(self) -> Fault | None:
        """The latest refusal this environment knows of."""
        faults = [fault for _, fault in self.memory.faults.values() if fault]
        return max(faults, key=lambda fault: fault.since, default=None)

    def _current(self, *, fresh: bool = False) -> Credential:
        """The current credential as far as this environment knows, or as it is now."""
        now, trouble = self.clock(), self.memory.trouble
        if trouble and now - trouble[0] < LOOK_EVERY:
            raise Blocked(trouble[1].code, trouble[1].detail, remedy=trouble[1].remedy)
        try:
            credential = self.credentials.current(fresh=fresh)
        except Problem as problem:
            self.memory.trouble = (now, problem)
            self.memory.previous = self.credentials.previous()
            self._notices.count_refused()
            fault = self._open(_UNREADABLE, problem, Instant(int(now)))
            self._announce(_UNREADABLE, fault, problem)
            raise Blocked(problem.code, problem.detail, remedy=problem.remedy) from None
        if trouble:
            self.memory.previous = None  # nothing stands in any more
        return credential

    def _newest(self) -> Credential:
        """What its store holds by now, or held a moment ago."""
        now, memory = self.clock(), self.memory
        if memory.newest is None or now - memory.looked_at >= LOOK_EVERY:
            memory.looked_at = now
            memory.newest = self._current(fresh=True)
            memory.previous = self.credentials.previous()
        return memory.newest

    def _previous(self) -> Credential | None:
        return self.memory.previous

    def _superseded(self, credential: Credential) -> bool:
        try:
            return self._newest().version != credential.version
        except (Problem, Unavailable):
            return False

    def _admits(self, credential: Credential) -> bool:
        """Whether to try it: no open breaker, or ours is the one attempt of all environments."""
        now, version = Instant(int(self.clock())), credential.version
        seen, fault = self.memory.faults.get(version, (-math.inf, None))
        if now - seen > TRUST:
            fault = self.look(version)
        if fault is None or fault.retry_at > now:
            return fault is None
        later = Instant(now + PROBE_EVERY)
        if self.breakers.probe(self.client_id, self._key(version), now, later):
            self.memory.faults[version] = (now, replace(fault, retry_at=later))
            return True
        return self.look(version) is None

    def look(self, version: str) -> Fault | None:
        """The open breaker of a version, as it is stored now."""
        fault = self.breakers.get(self.client_id, self._key(version))
        self.memory.faults[version] = (self.clock(), fault)
        return fault

    def _open(
        self, version: str, problem: Problem, now: Instant, *, spreads: bool = False
    ) -> Fault:
        """The open breaker as it is stored, with the beginning of the trouble."""
        known = self.memory.faults.get(version, (0, None))[1]
        fresh = spreads and (known is None or now - known.since < SPREAD)
        retry_at = Instant(now + (SPREAD_PROBE if fresh else PROBE_EVERY))
        fault = Fault(problem.code, problem.detail, now, retry_at)
        until = Instant(now + BREAKER_LIFE)
        before = self.breakers.open(self.client_id, self._key(version), fault, until)
        if before:
            fault = replace(before, retry_at=retry_at)
        self.memory.faults[version] = (now, fault)
        return fault

    def _announce(self, version: str, fault: Fault, problem: Problem) -> None:
        """Tell the operator, if no environment has done so since the breaker opened."""
        if fault.told:
            return
        if self.breakers.announce(self.client_id, self._key(version)):
            self._notices.tell_failing(problem)
        self.memory.faults[version] = (self.clock(), replace(fault, told=True))

    def _key(self, version: str) -> str:
        return f"{self.kind}#{version}"

    def _close(self, version: str) -> bool:
        """Never at the expense of the tokens that have just come; the next probe tries again."""
        try:
            self.breakers.close(self.client_id, self._key(version))
        except Unavailable as error:
            self.telemetry.note("close_failed", service=error.service, code=error.code)
            return False
        return True

    def _remind(self, credential: Credential, expires_at: Instant) -> None:
        """Once a day and version, whichever environment is first; never at a caller's expense."""
        now, version = Instant(int(self.clock())), credential.version
        if now < self.memory.reminded.get(version, 0):
            return
        self.memory.reminded[version] = now + ASK_EVERY
        try:
            until = Instant(now + REMIND_EVERY)
            due = self.breakers.remind(self.client_id, self._key(version), now, until)
        except Unavailable as error:
            self.telemetry.note("remind_failed", service=error.service, code=error.code)
            return
        if due:
            self._notices.tell_expiring(expires_at)
