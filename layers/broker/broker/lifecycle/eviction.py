"""What makes room in a connection's bounded maps, so that its item stays far below 400 KB. Pure."""

from __future__ import annotations

from broker.domain import scopes
from broker.domain.connection import MAX_TOKENS, Connection
from broker.domain.names import ScopeKey


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
