"""An access token as the broker hands it out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256


class Parameters(Mapping[str, str]):
    """Texts by name. Immutable; `repr` and `str` show the names alone."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __repr__(self) -> str:
        return f"Parameters({', '.join(f'{name}=***' for name in self._texts)})"


class Token:
    """A bearer token and what belongs to it. Immutable; `repr` and `str` show no secret."""

    # Not a dataclass: importing `dataclasses` takes as long as importing this package.
    __slots__ = ("_access_token", "_connection", "_expires_at", "_parameters", "_scope")

    def __init__(
        self,
        access_token: str,
        expires_at: datetime,
        scope: str = "",
        connection: str = "",
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        self._access_token = access_token
        self._expires_at = expires_at
        self._scope = scope
        self._connection = connection
        self._parameters = Parameters(parameters or {})

    @property
    def access_token(self) -> str:
        """The secret itself, for the Authorization header."""
        return self._access_token

    @property
    def expires_at(self) -> datetime:
        """Its end in UTC, by this machine's clock; never later than the real end."""
        return self._expires_at

    @property
    def expires_in(self) -> int:
        """Whole seconds left; 0 once it has expired."""
        return max(0, int(self._expires_at.timestamp() - time.time()))

    @property
    def scope(self) -> str:
        """What Microsoft granted, separated by spaces."""
        return self._scope

    @property
    def connection(self) -> str:
        """Whose token it is."""
        return self._connection

    @property
    def parameters(self) -> Mapping[str, str]:
        """developer_token, customer_id, account_id: those the connection has. Secret as well."""
        return self._parameters

    @property
    def sha256(self) -> str:
        """Lower-case hex SHA-256 of the access token: what may be logged and compared."""
        return sha256(self._access_token.encode()).hexdigest()

    def __repr__(self) -> str:
        return (
            f"Token(connection={self._connection!r}, scope={self._scope!r}, "
            f"expires_at={self._expires_at:%Y-%m-%dT%H:%M:%SZ}, access_token=***)"
        )
