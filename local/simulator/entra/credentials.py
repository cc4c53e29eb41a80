"""Client authentication at the token endpoint: secret in the body, Basic, or a signed assertion.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificate

from .directory import Client
from .errors import Refusal

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def basic(header: str | None) -> tuple[str, str] | None:
    """Client id and secret of a Basic header, each form-decoded (RFC 6749 §2.3.1)."""
    if not header or not header.lower().startswith("basic "):
        return None
    try:
        decoded = base64.b64decode(header[6:], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refusal(9002313) from error
    name, colon, secret = decoded.partition(":")
    if not colon:
        raise Refusal(9002313)
    return unquote_plus(name), unquote_plus(secret)


def authenticate(
    client: Client, form: Mapping[str, str], header: str | None, endpoint: str, now: float
) -> None:
    """Exactly one valid credential. Raises Refusal 7000218, 7000215, 7000222, 700025, 700027…"""
    pair = basic(header)
    used = [
        method
        for method, given in (
            ("basic", pair is not None),
            ("post", "client_secret" in form),
            ("assertion", "client_assertion" in form or "client_assertion_type" in form),
        )
        if given
    ]
    if client.public:
        if used:
            raise Refusal(700025)
        return
    if not used:
        raise Refusal(7000218)
    if len(used) > 1:
        raise Refusal(9002313, text="The request carries more than one client credential.")
    if used == ["assertion"]:
        _assertion(client, form, endpoint, now)
    else:
        _secret(client, pair[1] if pair else form["client_secret"], now)


def _secret(client: Client, given: str, now: float) -> None:
    for secret in client.secrets:
        if hmac.compare_digest(secret.value.encode(), given.encode()):
            if secret.expires_at is not None and secret.expires_at <= now:
                raise Refusal(7000222)
            return
    raise Refusal(7000215)


def _assertion(client: Client, form: Mapping[str, str], endpoint: str, now: float) -> None:
    if form.get("client_assertion_type") != JWT_BEARER:
        raise Refusal(50027, text="The client assertion type is not supported.")
    assertion = form.get("client_assertion", "")
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError as error:
        raise Refusal(50027) from error
    claims = _verified(assertion, _key(client, header))
    if claims.get("iss") != client.client_id or claims.get("sub") != claims.get("iss"):
        raise Refusal(50048)
    if not isinstance(claims.get("aud"), str):
        raise Refusal(50027, text="The audience of the assertion must be one string.")
    if claims["aud"] != endpoint:
        raise Refusal(700023)
    times = [claims.get("exp"), claims.get("nbf", 0)]
    if not all(isinstance(moment, int | float) for moment in times) or "jti" not in claims:
        raise Refusal(50027)
    if times[0] <= now or times[1] > now + 300:  # Microsoft allows five minutes of clock skew
        raise Refusal(700024)


def _verified(assertion: str, key: RSAPublicKey) -> dict[str, Any]:
    try:
        return jwt.decode(
            assertion,
            key,
            algorithms=["PS256", "RS256"],
            options={"verify_exp": False, "verify_nbf": False, "verify_aud": False},
        )
    except jwt.InvalidTokenError as error:
        raise Refusal(700027) from error


def _key(client: Client, header: dict[str, Any]) -> RSAPublicKey:
    given = {str(header.get(name, "")).rstrip("=") for name in ("x5t#S256", "x5t")}  # MSAL pads
    for pem in client.certificates:
        certificate = load_pem_x509_certificate(pem.encode())
        if _thumbprints(certificate) & given:
            key = certificate.public_key()
            if isinstance(key, RSAPublicKey):
                return key
    raise Refusal(700027, text="The key of the client assertion was not found.")


def _thumbprints(certificate: Certificate) -> set[str]:
    sha1 = certificate.fingerprint(hashes.SHA1())
    sha256 = certificate.fingerprint(hashes.SHA256())
    return {base64.urlsafe_b64encode(d).rstrip(b"=").decode() for d in (sha1, sha256)}


def challenge(verifier: str) -> str:
    """The S256 code challenge of a verifier, RFC 7636 §4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
