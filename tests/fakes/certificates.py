"""Keys and self-signed certificates that tests make, and a signer in the place of KMS."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from broker.ports.credentials import Unusable, UnverifiedPem
from local.memory.outside import NOON

DAY = 86_400


@cache
def key(number: int = 0) -> rsa.RSAPrivateKey:
    """One of several keys; making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def pem(number: int = 0, begins: int = -DAY, ends: int = 90 * DAY) -> UnverifiedPem:
    """A certificate of that key; times are seconds from the test clock's beginning."""
    return UnverifiedPem(_signed(key(number), begins, ends))


@cache
def elliptic() -> UnverifiedPem:
    """A certificate of a key that is no RSA key."""
    return UnverifiedPem(_signed(ec.generate_private_key(ec.SECP256R1()), -DAY, DAY))


def private_pem(number: int = 0) -> str:
    """The private key, which belongs nowhere."""
    return key(number).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _signed(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, begins: int, ends: int) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    noon = datetime.fromtimestamp(NOON, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(noon + timedelta(seconds=begins))
        .not_valid_after(noon + timedelta(seconds=ends))
        .sign(private, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


@dataclass(slots=True)
class Signer:
    """`ports.Signer` with a key of ours; counts. `trouble` is raised instead."""

    number: int = 0
    trouble: Exception | None = None
    messages: list[bytes] = field(default_factory=list)

    def sign(self, message: bytes) -> bytes:
        self.messages.append(message)
        if self.trouble:
            raise self.trouble
        return key(self.number).sign(message, PSS(MGF1(SHA256()), salt_length=32), SHA256())


@dataclass(slots=True)
class Certificates:
    """`ports.Certificates`; an exception is raised."""

    now: UnverifiedPem | Unusable
    before: UnverifiedPem | None = None

    def current(self, *, fresh: bool = False) -> UnverifiedPem:
        if isinstance(self.now, Unusable):
            raise self.now
        return self.now

    def previous(self) -> UnverifiedPem | None:
        return self.before
