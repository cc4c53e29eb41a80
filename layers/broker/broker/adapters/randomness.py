"""Randomness from the operating system."""

from __future__ import annotations

import random
import secrets

from broker.domain.secret import Secret


class Randomness:
    """`ports.Randomness`."""

    def secret(self) -> Secret:
        return Secret(secrets.token_urlsafe(32))

    def id(self) -> str:
        return secrets.token_hex(16)

    def between(self, low: float, high: float) -> float:
        return random.uniform(low, high)  # noqa: S311 (jitter)
