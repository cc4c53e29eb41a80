"""The client's certificate, self-signed by a key that never leaves KMS.

`cryptography` builds and encodes it; only its signature is asked of KMS. Needs the extra `cli`.
https://cryptography.io/en/latest/x509/reference/#x-509-certificate-builder
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import AsymmetricPadding, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo, Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509.oid import NameOID

from token_broker.errors import TokenBrokerError
from token_broker.operator.awserrors import refused, told

EARLIER = timedelta(minutes=5)
"""It begins that much before it is made: no clock is late enough to find it early."""
LONGEST_MESSAGE = 4096
"""Bytes that KMS hashes and signs at once."""


@dataclass(frozen=True, slots=True)
class Described:
    """A certificate as people compare it."""

    thumbprint: str
    """SHA-1, upper-case hex: what Entra's pages show."""
    sha256: str
    begins_at: str
    ends_at: str

    @property
    def left(self) -> float:
        """Seconds until its end."""
        return datetime.fromisoformat(self.ends_at).timestamp() - datetime.now(UTC).timestamp()


class KmsPrivateKey(RSAPrivateKey):
    """A private key that signs elsewhere, and does nothing else."""

    def __init__(self, public: RSAPublicKey, sign: Callable[[bytes], bytes]) -> None:
        self._public, self._sign = public, sign

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> RSAPublicKey:
        return self._public

    def sign(
        self,
        data: Any,
        padding: AsymmetricPadding,
        algorithm: Prehashed | HashAlgorithm | NoDigestInfo,
    ) -> bytes:
        if not (isinstance(padding, PKCS1v15) and isinstance(algorithm, SHA256)):
            raise TypeError("A certificate is signed with PKCS#1 v1.5 and SHA-256.")
        return self._sign(bytes(data))

    def decrypt(self, *_: Any) -> NoReturn:
        raise self._impossible()

    def private_numbers(self) -> NoReturn:
        raise self._impossible()

    def private_bytes(self, *_: Any, **__: Any) -> NoReturn:
        raise self._impossible()

    def __copy__(self) -> KmsPrivateKey:
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> KmsPrivateKey:
        return self

    def _impossible(self) -> Exception:
        return NotImplementedError("The key never leaves KMS.")


def private_key(kms: Any, key: str) -> KmsPrivateKey:
    """The key behind an ARN, as `cryptography` wants it. `kms`: a client of botocore."""
    return KmsPrivateKey(public_key(kms, key), lambda message: _signed(kms, key, message))


def public_key(kms: Any, key: str) -> RSAPublicKey:
    """The public half of a key in KMS."""
    try:
        answer = kms.get_public_key(KeyId=key)
    except refused() as error:
        raise told(error, f"kms:GetPublicKey on {key}") from None
    public = load_der_public_key(answer["PublicKey"])
    if not isinstance(public, RSAPublicKey):
        raise TokenBrokerError("client_misconfigured", "The client key is no RSA key.")
    return public


def _signed(kms: Any, key: str, message: bytes) -> bytes:
    try:
        answer = kms.sign(
            KeyId=key,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
        )
    except refused() as error:
        needed = f"kms:Sign on {key} with RSASSA_PKCS1_V1_5_SHA_256"
        raise told(error, needed) from None
    signature: bytes = answer["Signature"]
    return signature


def make(key: RSAPrivateKey, name: str, days: int) -> x509.Certificate:
    """A certificate that the key signs itself: of `name`, valid for so many days."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, SHA256())
    )


def pem(certificate: x509.Certificate) -> str:
    """As text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def read(text: str) -> x509.Certificate:
    """The one certificate of a file. Raises `invalid_request`, which shows nothing of it."""
    if "PRIVATE KEY" in text:
        raise _unfit("The file holds a private key; it wants the public certificate alone.")
    if text.count("-----BEGIN ") != 1:
        raise _unfit("The file must hold one PEM certificate, without its chain.")
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise _unfit("The file holds no PEM certificate.") from None


def check(certificate: x509.Certificate, public: RSAPublicKey) -> None:
    """That it is the key's, and valid now. Raises `invalid_request`."""
    plain = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificate.public_key().public_bytes(*plain) != public.public_bytes(*plain):
        raise _unfit("The certificate is not of the stack's KMS key.")
    now = datetime.now(UTC)
    if now >= certificate.not_valid_after_utc:
        raise _unfit("The certificate has ended.")
    if now < certificate.not_valid_before_utc:
        raise _unfit("The certificate is not valid yet.")


def describe(certificate: x509.Certificate) -> Described:
    """What people compare."""
    return Described(
        certificate.fingerprint(SHA1()).hex().upper(),  # noqa: S303 (Entra's name for it)
        certificate.fingerprint(SHA256()).hex(),
        _rfc3339(certificate.not_valid_before_utc),
        _rfc3339(certificate.not_valid_after_utc),
    )


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _unfit(detail: str) -> TokenBrokerError:
    return TokenBrokerError(
        "invalid_request",
        detail,
        actor="caller",
        remedy="Make one with `token-broker credential certificate`, and give its file.",
    )
