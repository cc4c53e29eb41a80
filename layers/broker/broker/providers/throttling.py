"""A pause for everyone of a tenant, when Microsoft throttles everyone.

A 429 may be about one user. Two connections in a row that are told to wait, without any other
answer of that tenant between them, are taken for a limit of the tenant or of the application,
which Microsoft neither publishes nor tells apart: until the wait is over, this environment asks
for nothing there, whoever is due.

One environment alone knows it, so that it costs no call. Microsoft sees at most two needless
requests of each environment before each pause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from broker.domain.names import Incarnation
from broker.domain.problems import Provider
from broker.providers.diagnosis import Diagnosis
from broker.providers.error_catalogue import marked

IN_A_ROW = 900
"""Seconds after a wait within which the next one still belongs to the same trouble."""


@dataclass(frozen=True, slots=True)
class _Told:
    who: Incarnation
    everyone: bool
    until: float
    answer: Diagnosis


@dataclass(frozen=True, slots=True)
class Pauses:
    """What one environment was told, by tenant. Times are epoch seconds."""

    told: dict[str, _Told] = field(default_factory=dict)

    def current(self, home: str, now: float) -> Diagnosis | None:
        """What Microsoft would answer anyone now, with the rest of the wait; None: ask it."""
        told = self.told.get(home)
        if told is None or not told.everyone or told.until <= now:
            return None
        # The answered request was another connection's, so its trace id would mislead.
        left = math.ceil(told.until - now)
        return replace(told.answer, retry_after=left, provider=Provider())

    def heard(self, home: str, who: Incarnation, answer: Diagnosis | None, now: float) -> None:
        """Microsoft answered a refresh; None: with tokens."""
        if answer and answer.retry_after and not marked("one_user", answer.provider.error_codes):
            before = self.told.get(home)
            everyone = bool(before and before.who != who and now <= before.until + IN_A_ROW)
            self.told[home] = _Told(who, everyone, now + answer.retry_after, answer)
        else:
            self.told.pop(home, None)
