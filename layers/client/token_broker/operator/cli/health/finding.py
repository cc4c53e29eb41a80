"""One thing that doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass

from token_broker.errors import TokenBrokerError


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` None: a notice, or it could not be told. `command`: what mends it, for a shell;
    of token-broker where it begins so."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""
    code: str = ""
    actor: str = ""
    command: str = ""


def failed(name: str, error: TokenBrokerError, ok: bool | None = False) -> Finding:
    """The finding that an error is."""
    detail = error.detail or error.title
    return Finding(name, ok, detail, error.remedy, error.code, error.actor)
