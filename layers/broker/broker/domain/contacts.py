"""Whom the broker may write to. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contact:
    """A person the broker may write to."""

    email: str
    language: str | None = None
    """`en` or `ja`; None: not known."""
