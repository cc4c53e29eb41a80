"""The credentials of an app registration, and how a change of them spreads.

Microsoft: a change takes minutes to reach every place, and meanwhile the old state comes and goes.
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificates


@dataclass(slots=True, kw_only=True)
class Credential:
    """What all kinds share. Times in epoch seconds; `removed_at` None: still registered."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    added_at: float = 0.0
    removed_at: float | None = None

    def seen(self, now: float, delay: float, look: int) -> bool:
        """Whether the place that answers the `look`-th request counts this credential.

        Within `delay` seconds of a change nobody knows of it in the first half, and every other
        request in the second.
        """
        removed = self.removed_at is not None
        age = now - (self.removed_at if self.removed_at is not None else self.added_at)
        arrived = delay <= 0 or age >= delay or (age >= delay / 2 and look % 2 == 0)
        return arrived != removed


@dataclass(slots=True)
class ClientSecret(Credential):
    """A secret's value and its end, in epoch seconds; None: never."""

    value: str = field(repr=False)
    expires_at: float | None = None


@dataclass(slots=True)
class ClientCertificate(Credential):
    """An uploaded certificate, as PEM."""

    pem: str

    @property
    def certificate(self) -> Certificate:
        """Parsed."""
        (certificate,) = load_pem_x509_certificates(self.pem.encode())
        return certificate

    @property
    def key(self) -> RSAPublicKey:
        """Its public key."""
        key = self.certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise TypeError("the certificate's key is not RSA")
        return key

    def thumbprint(self, algorithm: hashes.HashAlgorithm) -> str:
        """Of the DER, base64url without padding, as headers of assertions carry it."""
        digest = self.certificate.fingerprint(algorithm)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass(slots=True)
class FederatedCredential(Credential):
    """A federated identity credential: whose tokens stand for the application."""

    name: str
    issuer: str
    subject: str
    audience: str
    description: str = ""
