"""How a redemption ends: one value of four, and what each means for the lease.

Stored      new tokens are on record, and the lease is given back with them
Refused     so is why there are none
Abandoned   nothing was recorded: the lease is to be given back
Lapsing     the identity provider was asked, and then AWS failed: the lease is left to lapse, or
            each waiting caller in turn would have it asked again
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.problems import Problem
from broker.ports.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Stored:
    """There is a new token."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The identity provider, or the broker on the way to it, said no."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Abandoned:
    """Not to be done now, or overtaken by somebody else. `problem` None: it has been done."""

    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Lapsing:
    """What became of the answer is not known."""

    error: Unavailable


Result = Stored | Refused | Abandoned | Lapsing
