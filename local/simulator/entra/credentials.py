"""Client authentication at the token endpoint: secret in the body, Basic, or a signed assertion.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote_plus, urlsplit

from . import assertions, federation
from .directory import Client
from .errors import Refusal
from .federation import Keys
from .registered import ClientSecret, Credential

AnyCredential = TypeVar("AnyCredential", bound=Credential)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One authentication: at which endpoint (its URL), when, and the issuer's keys if there is one.

    `delay`: seconds that a change of the registration takes to spread.
    """

    endpoint: str
    now: float
    delay: float = 0.0
    keys: Keys | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """The credential that counted: `secret`, `certificate`, `federated` or `none`, and its id."""

    kind: str
    id: str | None = None


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
    client: Client, form: Mapping[str, str], header: str | None, attempt: Attempt
) -> Used:
    """Exactly one valid credential. Raises Refusal 7000218, 7000216, 700025, or its kind's own."""
    pair = basic(header)
    given = [
        name
        for name, present in (
            ("basic", pair is not None),
            ("post", "client_secret" in form),
            ("assertion", "client_assertion" in form or "client_assertion_type" in form),
        )
        if present
    ]
    if client.public:
        if given:
            raise Refusal(700025)
        return Used("none")
    if not given:
        raise Refusal(7000216 if form.get("grant_type") == "client_credentials" else 7000218)
    if len(given) > 1:
        raise Refusal(9002313, text="The request carries more than one client credential.")
    client.looks += 1
    if given == ["assertion"]:
        return _assertion(client, form, attempt)
    value = pair[1] if pair else form["client_secret"]
    return _secret(_seen(client.secrets, client, attempt), value, attempt.now)


def _secret(secrets: Iterable[ClientSecret], given: str, now: float) -> Used:
    for secret in secrets:
        if hmac.compare_digest(secret.value.encode(), given.encode()):
            if secret.expires_at is not None and secret.expires_at <= now:
                raise Refusal(7000222)
            return Used("secret", secret.id)
    raise Refusal(7000215)


def _assertion(client: Client, form: Mapping[str, str], attempt: Attempt) -> Used:
    assertion = assertions.read(form)
    now = attempt.now
    if assertion.foreign:
        federated = list(_seen(client.federated, client, attempt))
        spreading = [entry for entry in client.federated if entry not in federated]
        platform = urlsplit(attempt.endpoint).netloc
        record = federation.verify(assertion, federated, spreading, attempt.keys, now, platform)
        return Used("federated", record.id)
    certificates = list(_seen(client.certificates, client, attempt))
    certificate = assertions.verify(
        assertion, client.client_id, certificates, attempt.endpoint, now
    )
    return Used("certificate", certificate.id)


def _seen(
    credentials: Iterable[AnyCredential], client: Client, attempt: Attempt
) -> list[AnyCredential]:
    return [c for c in credentials if c.seen(attempt.now, attempt.delay, client.looks)]


def challenge(verifier: str) -> str:
    """The S256 code challenge of a verifier, RFC 7636 §4.2."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
