"""An access token as the broker hands it out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and what belongs to it. `repr` and `str` show no secret.

    access_token  the secret itself
    expires_at    its end in UTC, by this machine's clock (never later than the real end)
    scope         what Microsoft granted, separated by spaces
    connection    whose token it is
    parameters    developer_token, customer_id, account_id: those the connection has; secret as well
    """

    access_token: str = field(repr=False)
    expires_at: datetime
    scope: str = ""
    connection: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    @property
    def expires_in(self) -> int:
        """Whole seconds left; 0 once it has expired."""
        return max(0, int(self.expires_at.timestamp() - time.time()))

    @property
    def sha256(self) -> str:
        """Lower-case hex SHA-256 of the access token: what may be logged and compared."""
        return sha256(self.access_token.encode()).hexdigest()
