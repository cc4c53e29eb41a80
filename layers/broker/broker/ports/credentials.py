"""The client's own credentials: what is sent as one, and where it comes from.

    ClientSecretPost   a secret in the form body            RFC 6749 §2.3.1
    PrivateKeyJwt      an assertion signed with our key     RFC 7523 §2.2
    FederatedJwt       an assertion that AWS issued         RFC 7523 §2.2

Each is a value: a kind, a version (the circuit breaker's key), an end. `providers/
client_authentication.py` makes form fields of them. Secrets come ready from their store; what the
other two are made of comes from `Signer`, `Certificates` and `WebIdentity`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, NewType, Protocol

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


class Unusable(Exception):  # noqa: N818 (it says what it is)
    """AWS has, or gives, nothing to authenticate with. `finding`: a key of the catalogue
    `providers/credential_findings.json`, which says who must act and how."""

    def __init__(self, finding: str) -> None:
        self.finding = finding
        super().__init__(finding)


class Signer(Protocol):
    """The private key, which nobody can export."""

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PSS with SHA-256 and a salt of 32 bytes over at most 4,096 bytes: a signature as
        JWS's PS256 has it (RFC 7518 §3.5). `Unusable` if the key or a policy refuses."""
        ...


UnverifiedPem = NewType("UnverifiedPem", str)
"""What is stored where the public certificate should be."""


class Certificates(Protocol):
    """The store of the public certificate."""

    def current(self, *, fresh: bool = False) -> UnverifiedPem:
        """The latest version, cached for a while unless `fresh`. `Unusable` if there is none."""
        ...

    def previous(self) -> UnverifiedPem | None:
        """The version before, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class WebIdentityToken:
    """A token that AWS issued about the caller's role."""

    token: Secret
    expires_at: Instant


class WebIdentity(Protocol):
    """The issuer of the account's own tokens."""

    def token(self, audience: str) -> WebIdentityToken:
        """A new RS256 token for one audience, of a few minutes. `Unusable` if federation is
        switched off or a policy refuses."""
        ...
