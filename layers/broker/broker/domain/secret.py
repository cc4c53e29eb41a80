"""A value that must never be shown."""

from __future__ import annotations

import hashlib
import hmac


class Secret:
    """Holds one secret string; printing, formatting or serializing it shows ``***``.

    `open` is the only way to the value, so a search for ``.open()`` finds every use.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def open(self) -> str:
        """The secret itself: for the wire and for sealing, nothing else."""
        return self._value

    def sha256(self) -> str:
        """Lower-case hex SHA-256 of the UTF-8 bytes: what may be stored and compared."""
        return hashlib.sha256(self._value.encode()).hexdigest()

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash invites use as a key, and keys get logged

    def __reduce__(self) -> tuple[type, tuple[str]]:
        raise TypeError("a Secret is not serialized")
