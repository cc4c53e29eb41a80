"""The client credential, and the circuit breaker around it.

A credential that Microsoft refuses is one incident, not one for each connection. A breaker for
each version of the secret keeps Microsoft from being hammered: once it is open, all environments
together try that version once in `PROBE_EVERY`. A new version is found within `LOOK_EVERY`, and
the previous one is tried, so two may overlap during a rotation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from broker.domain.names import Instant, rfc3339
from broker.domain.problems import KINDS, Problem
from broker.ports.ambient import Clock, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Credential, Credentials, Events
from broker.ports.stores import Breakers, Fault

PROBE_EVERY = 300
"""Seconds between attempts with a credential that Microsoft refuses."""
BREAKER_LIFE = 7 * 86_400
"""Seconds a breaker is remembered after its last probe."""
TRUST = 10
"""Seconds an environment trusts what it knows of a breaker: an owner's code is lost on a secret
that another environment knows to be refused."""
LOOK_EVERY = 10
"""Seconds between two looks for a new secret, while the one there is does not work."""
EXPIRING = 30 * 86_400
"""Seconds before the end of a secret from when on the operator is reminded."""
REMIND_EVERY = 86_400
ASK_EVERY = 3600
"""Seconds between two looks of one environment whether a reminder is due."""

_UNREADABLE = "unreadable"
"""Stands for the version of a secret that cannot even be read (a placeholder, say)."""


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
    """When the secret could not be read, and why."""
    reminded: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Breaker:
    """What `OAuth` authenticates with. One an environment."""

    credentials: Credentials
    breakers: Breakers
    events: Events
    telemetry: Telemetry
    clock: Clock
    client_id: str
    memory: Memory = field(default_factory=Memory)

    def candidates(self) -> Iterator[Credential]:
        """The credentials worth a call, each version once: the current one; if it is refused, what
        Secrets Manager holds by now; then the previous one. Raises `Blocked`."""
        seen = set()
        for load in (self._current, self._newest, self._previous):
            credential = load()
            if credential and credential.version not in seen:
                seen.add(credential.version)
                if self._admits(credential):
                    yield credential

    def failed(self, credential: Credential, problem: Problem) -> None:
        """Microsoft refused it: open the breaker, and tell the operator once.

        Not about a version that has been replaced: then the newer one matters.
        """
        now = Instant(int(self.clock()))
        first = self._open(credential.version, problem, now)
        if self._superseded(credential):
            return
        self.telemetry.count("CredentialRefused", service="client-credential")
        if first:
            self._tell("Client Credential Failing", problem)

    def worked(self, credential: Credential) -> None:
        """Microsoft took it: close its breaker, and remind of its end if that is near."""
        memory = self.memory
        if memory.faults.get(credential.version, (0, None))[1] and self._close(credential.version):
            memory.faults[credential.version] = (self.clock(), None)
        if memory.trouble and self._close(_UNREADABLE):
            memory.trouble = None
        if credential.expires_at is None:
            return
        left = credential.expires_at - self.clock()
        self.telemetry.count("CredentialLeftSeconds", left, service="client-credential")
        if left < EXPIRING:
            self._remind(credential, credential.expires_at)

    def blocked(self) -> Blocked:
        """The answer when there is no candidate."""
        faults = [fault for _, fault in self.memory.faults.values() if fault]
        newest = max(faults, key=lambda fault: fault.since)
        return Blocked(newest.code, newest.detail)

    def _current(self, *, fresh: bool = False) -> Credential:
        """The current credential as far as this environment knows, or as it is now."""
        now, trouble = self.clock(), self.memory.trouble
        if trouble and now - trouble[0] < LOOK_EVERY:
            raise Blocked(trouble[1].code, trouble[1].detail, remedy=trouble[1].remedy)
        try:
            return self.credentials.current(fresh=fresh)
        except Problem as problem:
            self.memory.trouble = (now, problem)
            self.telemetry.count("CredentialRefused", service="client-credential")
            if self._open(_UNREADABLE, problem, Instant(int(now))):
                self._tell("Client Credential Failing", problem)
            raise Blocked(problem.code, problem.detail, remedy=problem.remedy) from None

    def _newest(self) -> Credential:
        """What Secrets Manager holds by now, or held a moment ago."""
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
            fault = self._look(version)
        if fault is None or fault.retry_at > now:
            return fault is None
        later = Instant(now + PROBE_EVERY)
        if self.breakers.probe(self.client_id, version, now, later):
            self.memory.faults[version] = (now, replace(fault, retry_at=later))
            return True
        return self._look(version) is None

    def _look(self, version: str) -> Fault | None:
        fault = self.breakers.get(self.client_id, version)
        self.memory.faults[version] = (self.clock(), fault)
        return fault

    def _open(self, version: str, problem: Problem, now: Instant) -> bool:
        fault = Fault(problem.code, problem.detail, now, Instant(now + PROBE_EVERY))
        until = Instant(now + BREAKER_LIFE)
        first = self.breakers.open(self.client_id, version, fault, until)
        self.memory.faults[version] = (now, fault)
        return first

    def _close(self, version: str) -> bool:
        """Never at the expense of the tokens that have just come; the next probe tries again."""
        try:
            self.breakers.close(self.client_id, version)
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
            due = self.breakers.remind(self.client_id, version, now, Instant(now + REMIND_EVERY))
        except Unavailable as error:
            self.telemetry.note("remind_failed", service=error.service, code=error.code)
            return
        if due:
            problem = Problem("client_secret_expired", KINDS["client_secret_expired"].remedy)
            self._tell("Client Credential Expiring", problem, expires_at=rfc3339(expires_at))

    def _tell(self, event: str, problem: Problem, **more: str) -> None:
        detail = {"code": problem.code, "actor": problem.actor, "remedy": problem.remedy}
        self.events.publish(event, {**detail, **more})
