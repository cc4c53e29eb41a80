"""Who fetched a connection's tokens, and when: recorded rarely, and for a few principals. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.names import Instant

KNOWN_EVERY = 3600
"""Seconds between two records of one principal."""
MAX_KNOWN = 20
"""Principals that are kept; the one that has not come for longest leaves."""


def recorded(
    used_by: Mapping[str, Instant], principal: str, now: Instant
) -> Mapping[str, Instant] | None:
    """The record after a fetch; None if it stays as it is.

    A newcomer takes no place that was recorded within `KNOWN_EVERY`: among more principals than
    there are places, each would otherwise push the next one out, with a write at every fetch.
    """
    if now - used_by.get(principal, 0) < KNOWN_EVERY:
        return None
    others = {known: at for known, at in used_by.items() if known != principal}
    if len(others) >= MAX_KNOWN:
        oldest = min(others, key=lambda known: others[known])
        if now - others.pop(oldest) < KNOWN_EVERY:
            return None
    return {**others, principal: now}
