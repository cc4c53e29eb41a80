"""Access tokens for Microsoft APIs, from the token broker.

    from token_broker import TokenBroker

    broker = TokenBroker("https://<id>.execute-api.<region>.amazonaws.com/v1")
    token = broker.token("marketing-jp")

TokenBroker, AsyncTokenBroker ─ fetch and cache tokens
Token                         ─ what they return
TokenBrokerError              ─ what they raise; `code` says why, `actor` and `remedy` what to do;
                                its subclasses say who must act
token_broker.azure, .bingads, .requests, .httpx ─ adapters
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from token_broker.broker import TokenBroker
from token_broker.errors import (
    AdministratorActionRequired,
    CallerActionRequired,
    InvalidArgument,
    OperatorActionRequired,
    OwnerActionRequired,
    Provider,
    Retryable,
    TokenBrokerError,
)
from token_broker.token import Token

if TYPE_CHECKING:
    from token_broker.aio import AsyncTokenBroker

__all__ = [
    "AdministratorActionRequired",
    "AsyncTokenBroker",
    "CallerActionRequired",
    "InvalidArgument",
    "OperatorActionRequired",
    "OwnerActionRequired",
    "Provider",
    "Retryable",
    "Token",
    "TokenBroker",
    "TokenBrokerError",
]


def __getattr__(name: str) -> object:
    """AsyncTokenBroker on first use: asyncio costs as much to import as all the rest."""
    if name == "AsyncTokenBroker":
        from token_broker.aio import AsyncTokenBroker

        return AsyncTokenBroker
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
