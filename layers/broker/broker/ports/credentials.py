"""The client's own credentials: what is sent as one, and where it comes from.

    ClientSecretPost   a secret in the form body            RFC 6749 §2.3.1
    PrivateKeyJwt      an assertion signed with our key     RFC 7523 §2.2
    FederatedJwt       an assertion that AWS issued         RFC 7523 §2.2

Each is a value: a kind, a version (the circuit breaker's key), an end. `providers/
client_authentication.py` makes form fields of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from broker.domain.credentials import CredentialKind
from broker.domain.names import Instant
from broker.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class ClientSecretPost:
    """A client secret and its version in Secrets Manager."""

    kind: ClassVar = CredentialKind.SECRET
    secret: Secret
    version: str
    expires_at: Instant | None = None

    @property
    def names(self) -> str:
        """The values an operator compares, for a remedy: a secret has none that may be shown."""
        return ""


@dataclass(frozen=True, slots=True)
class PrivateKeyJwt:
    """A certificate, and who signs for it."""

    kind: ClassVar = CredentialKind.CERTIFICATE
    version: str
    """SHA-256 of the certificate's DER, hex."""
    expires_at: Instant | None
    names: str
    """The values an operator compares in Entra, as a sentence: thumbprint and end."""
    sign: Callable[[str], Secret] = field(repr=False)
    """Token endpoint → an assertion for it. Raises `Problem` (the key refuses), `Unavailable`."""


@dataclass(frozen=True, slots=True)
class FederatedJwt:
    """A token of AWS's about the function's role."""

    kind: ClassVar = CredentialKind.FEDERATED
    version: str
    """A digest of issuer, subject and audience: what Entra compares."""
    token: Secret
    names: str
    """The values an operator compares in Entra, as a sentence: issuer, subject and audience."""
    expires_at: ClassVar[Instant | None] = None
    """Of the arrangement, which never ends; the token's end is its source's business."""


Credential = ClientSecretPost | PrivateKeyJwt | FederatedJwt


class Credentials(Protocol):
    """Where the credentials of one kind come from."""

    @property
    def kind(self) -> CredentialKind: ...

    def current(self, *, fresh: bool = False) -> Credential:
        """The one to use, cached for a while unless `fresh`. `Problem` says what the operator must
        mend (a placeholder, an unreadable value, a refusal of AWS's)."""
        ...

    def previous(self) -> Credential | None:
        """The one before, if there is one: two may overlap during a renewal."""
        ...
