"""Randomness that is the same in every run."""

from __future__ import annotations

import hashlib
import random

from broker.domain.secret import Secret


class Steady:
    """`ports.Randomness`, seeded."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def secret(self) -> Secret:
        return Secret(hashlib.sha256(self._random.randbytes(32)).hexdigest()[:43])

    def id(self) -> str:
        return self._random.randbytes(16).hex()

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
