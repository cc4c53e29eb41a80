"""A pause for everyone, when Microsoft throttles everyone.

A 429 may be about one user. Two connections in a row that are told to wait, without any other
answer of that authority between them, are taken for a limit of the tenant or of the application,
which Microsoft neither publishes nor tells apart: until the wait is over, this environment asks
that authority for nothing, whoever is due.

One environment alone knows it, so that it costs no call. Microsoft sees at most two needless
requests of each environment before each pause.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from broker.diagnosis import Diagnosis
from broker.names import Incarnation
from broker.problems import Provider

OF_ONE = frozenset({50196})
"""AADSTS numbers of a throttle that is about one user's identical requests."""


@dataclass(frozen=True, slots=True)
class _Told:
    who: Incarnation
    everyone: bool
    until: float
    answer: Diagnosis


@dataclass(frozen=True, slots=True)
class Pauses:
    """What one environment was told, by authority. Times are epoch seconds."""

    told: dict[str, _Told] = field(default_factory=dict)

    def current(self, authority: str, now: float) -> Diagnosis | None:
        """What Microsoft would answer anyone now, with the rest of the wait; None: ask it."""
        told = self.told.get(authority)
        if told is None or not told.everyone or told.until <= now:
            return None
        # The answered request was another connection's, so its trace id would mislead.
        left = math.ceil(told.until - now)
        return replace(told.answer, retry_after=left, provider=Provider())

    def heard(self, authority: str, who: Incarnation, answer: Diagnosis | None, now: float) -> None:
        """Microsoft answered a refresh; None: with tokens."""
        if answer and answer.retry_after and OF_ONE.isdisjoint(answer.provider.error_codes):
            told = self.told.get(authority)
            everyone = told is not None and (told.everyone or told.who != who)
            self.told[authority] = _Told(who, everyone, now + answer.retry_after, answer)
        else:
            self.told.pop(authority, None)
