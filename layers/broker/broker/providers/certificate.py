"""The client's certificate: read strictly, and the assertions that its key signs.

RFC 7523 §3; https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

from __future__ import annotations

import json
import re
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from broker.domain.credentials import PLACEHOLDER, CredentialKind
from broker.domain.names import Instant, rfc3339
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Randomness
from broker.ports.credentials import (
    Certificates,
    PrivateKeyJwt,
    Signer,
    Unusable,
    UnverifiedPem,
)
from broker.providers.credential_findings import problem

LIFE = 600
"""Seconds of an assertion's life: "5-10 minutes at most", Microsoft says."""
MARGIN = 15
"""Seconds before its end from when on it is not used again: longer than a request takes."""

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_PSS = PSS(MGF1(SHA256()), salt_length=32)
"""PS256, RFC 7518 §3.5."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A public certificate of an RSA key."""

    key: RSAPublicKey = field(repr=False)
    sha256: bytes
    """Thumbprint over the DER, as the assertion's header names it."""
    sha1: str
    """The same as Entra's pages show it: upper-case hex."""
    begins_at: Instant
    ends_at: Instant

    @property
    def names(self) -> str:
        """What an operator compares with Entra."""
        return (
            f"Certificate in use: SHA-1 thumbprint {self.sha1}, "
            f"valid until {rfc3339(self.ends_at)}."
        )


def read(text: UnverifiedPem) -> Certificate:
    """The one certificate of a PEM text. `Unusable` names what else it is."""
    kinds = _BLOCK.findall(text)
    if text.strip() in ("", PLACEHOLDER):
        raise Unusable("certificate_missing")
    if any("KEY" in kind for kind in kinds):
        raise Unusable("certificate_holds_key")
    if len(kinds) > 1:
        raise Unusable("certificate_several")
    certificate = _load(text) if kinds else None
    key = certificate and certificate.public_key()
    if certificate is None or not isinstance(key, RSAPublicKey):
        raise Unusable("certificate_garbage")
    return Certificate(
        key,
        certificate.fingerprint(SHA256()),
        certificate.fingerprint(SHA1()).hex().upper(),  # noqa: S303 (a name, not a proof)
        Instant(int(certificate.not_valid_before_utc.timestamp())),
        Instant(int(certificate.not_valid_after_utc.timestamp())),
    )


def _load(text: str) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class CertificateCredentials:
    """`ports.Credentials` of the kind `certificate`. An assertion is signed once in its life for
    each token endpoint, for it names the endpoint."""

    kind: ClassVar = CredentialKind.CERTIFICATE
    certificates: Certificates
    signer: Signer
    clock: Clock
    randomness: Randomness
    client_id: str
    signed: dict[tuple[str, bytes], tuple[float, Secret]] = field(default_factory=dict)
    """By endpoint and certificate: until when it is used, and the assertion."""

    def current(self, *, fresh: bool = False) -> PrivateKeyJwt:
        try:
            return self._of(self.certificates.current(fresh=fresh))
        except Unusable as unusable:
            finding = unusable.finding
        raise problem(finding)

    def previous(self) -> PrivateKeyJwt | None:
        stored = self.certificates.previous()
        try:
            return self._of(stored) if stored else None
        except Unusable:
            return None  # the template's placeholder, most often

    def _of(self, stored: UnverifiedPem) -> PrivateKeyJwt:
        certificate = read(stored)
        return PrivateKeyJwt(
            version=certificate.sha256.hex(),
            expires_at=certificate.ends_at,
            names=certificate.names,
            sign=lambda endpoint: self._assertion(certificate, endpoint),
        )

    def _assertion(self, certificate: Certificate, endpoint: str) -> Secret:
        now, slot = self.clock(), (endpoint, certificate.sha256)
        used_until, known = self.signed.get(slot, (0.0, None))
        if known and now < used_until:
            return known
        if now >= certificate.ends_at:
            raise problem("certificate_ended", certificate.names)
        if now < certificate.begins_at:
            raise problem("certificate_early", certificate.names)
        assertion = self._sign(certificate, self._claims(endpoint, int(now)))
        for stale in [old for old, (until, _) in self.signed.items() if until <= now]:
            del self.signed[stale]
        self.signed[slot] = (now + LIFE - MARGIN, assertion)
        return assertion

    def _claims(self, endpoint: str, now: int) -> Mapping[str, object]:
        return {
            "aud": endpoint,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": str(uuid.UUID(hex=self.randomness.id())),
            "iat": now,
            "nbf": now,
            "exp": now + LIFE,
        }

    def _sign(self, certificate: Certificate, claims: Mapping[str, object]) -> Secret:
        """A JWS in compact form (RFC 7515 §7.1), checked before it leaves: a key that is not the
        certificate's would be refused without saying so."""
        header = {"alg": "PS256", "typ": "JWT", "x5t#S256": _base64url(certificate.sha256)}
        parts = (json.dumps(part, separators=(",", ":")).encode() for part in (header, claims))
        signing_input = ".".join(_base64url(part) for part in parts)
        try:
            signature = self.signer.sign(signing_input.encode())
            certificate.key.verify(signature, signing_input.encode(), _PSS, SHA256())
        except InvalidSignature:
            finding = "certificate_foreign"
        except Unusable as unusable:
            finding = unusable.finding
        else:
            return Secret(f"{signing_input}.{_base64url(signature)}")
        raise problem(finding, certificate.names)


def _base64url(raw: bytes) -> str:
    """RFC 7515 §2: without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
