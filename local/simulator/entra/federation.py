"""Federated identity credentials: another issuer's token stands for the application.

Issuer, subject and audience must equal a registered record, letter case included; the signature
is checked with the keys that the issuer publishes.
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from .assertions import UNCHECKED, Assertion, within_times
from .errors import Refusal
from .registered import FederatedCredential

MOST_KEYS = 100
"""Of an issuer that Microsoft reads."""

FETCH_SECONDS = 5.0
CACHE_SECONDS = 3600.0

_OWN_ISSUERS = (
    "login.microsoftonline.com",
    "login.microsoft.com",
    "login.windows.net",
    "sts.windows.net",
)
_LINK = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"


@dataclass(frozen=True, slots=True)
class Keys:
    """What an issuer published: JWKs, or why there are none."""

    jwks: Sequence[Mapping[str, Any]] = ()
    trouble: str | None = None


@dataclass(slots=True)
class Issuers:
    """The published keys of issuers, remembered for an hour or until an unknown key id comes."""

    cache: dict[str, tuple[float, Keys]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keys(self, issuer: str, key_id: str, now: float) -> Keys:
        """The issuer's keys; asks the issuer when needed, for at most some seconds."""
        with self.lock:
            since, keys = self.cache.get(issuer, (0.0, Keys()))
        if now - since < CACHE_SECONDS and any(key.get("kid") == key_id for key in keys.jwks):
            return keys
        keys = fetch(issuer)
        if keys.trouble is None:
            with self.lock:
                self.cache[issuer] = (now, keys)
        return keys

    def forget(self) -> None:
        """Drop all."""
        with self.lock:
            self.cache.clear()


def fetch(issuer: str) -> Keys:
    """Ask an issuer by OpenID discovery. A failure is told in `trouble`."""
    local = urlsplit(issuer).hostname in ("localhost", "127.0.0.1")
    if not issuer.startswith("https://") and not local:
        return Keys(trouble="the issuer is not reached by https")
    try:
        with requests.Session() as session:
            session.trust_env = False
            document = _get(session, issuer.rstrip("/") + "/.well-known/openid-configuration")
            if document.get("issuer") != issuer:
                return Keys(trouble="the discovery document names another issuer")
            published = _get(session, str(document["jwks_uri"]))["keys"]
    except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
        return Keys(trouble=type(error).__name__)
    return Keys(list(published)[:MOST_KEYS])


def _get(session: requests.Session, url: str) -> dict[str, Any]:
    answer = session.get(url, timeout=FETCH_SECONDS, allow_redirects=False)
    answer.raise_for_status()
    return dict(answer.json())


def verify(
    assertion: Assertion,
    records: Sequence[FederatedCredential],
    spreading: Sequence[FederatedCredential],
    keys: Keys | None,
    now: float,
    platform: str,
) -> FederatedCredential:
    """The record that the token matches.

    `spreading`: records that this place does not know yet, or no more. `platform`: host and port of
    the platform itself. Raises Refusal 700222, 700229, 70021, 700211, 700212, 700213, 7002137,
    7002138, 50166, 50027, 700027, 700024.
    """
    claims = assertion.claims
    _not_own(claims, platform)
    record = _match(claims, records, spreading)
    if keys is None or keys.trouble is not None:
        text = "Request to External OIDC endpoint failed."
        raise Refusal(50166, error="invalid_request", text=text)
    _signature(assertion, keys)
    within_times(claims, now)
    return record


def _not_own(claims: Mapping[str, Any], platform: str) -> None:
    host = urlsplit(str(claims["iss"])).netloc.lower()
    if host != platform and not any(f".{host}".endswith(f".{name}") for name in _OWN_ISSUERS):
        return
    if claims.get("idtyp") == "user" or "scp" in claims:
        raise Refusal(700229)
    raise Refusal(700222)


def _match(
    claims: Mapping[str, Any],
    records: Sequence[FederatedCredential],
    spreading: Sequence[FederatedCredential],
) -> FederatedCredential:
    """Equality, and of what nearly equals the hint that Microsoft gives."""
    issuer, subject, audience = (str(claims.get(name)) for name in ("iss", "sub", "aud"))
    if not isinstance(claims.get("aud"), str):
        raise Refusal(50027, text="The audience of the assertion must be one string.")
    if not records or _equal(spreading, issuer, subject, audience):
        text = (
            "No matching federated identity record found for presented assertion. "
            f"Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. "
            f"Assertion Audience: '{audience}'. {_LINK}"
        )
        raise Refusal(70021, text=text)
    of_issuer = [record for record in records if record.issuer == issuer]
    if not of_issuer:
        near = any(record.issuer.lower() == issuer.lower() for record in records)
        raise _mismatch("issuer", issuer, 7002137 if near else 700211, near=near)
    of_subject = [record for record in of_issuer if record.subject == subject]
    if not of_subject:
        near = any(record.subject.lower() == subject.lower() for record in of_issuer)
        raise _mismatch("subject", subject, 7002138 if near else 700213, near=near)
    record = next((record for record in of_subject if record.audience == audience), None)
    if record is None:
        raise _mismatch("audience", audience, 700212, near=False)
    return record


def _equal(records: Iterable[FederatedCredential], *presented: str) -> bool:
    return any((r.issuer, r.subject, r.audience) == presented for r in records)


def _mismatch(part: str, presented: str, number: int, *, near: bool) -> Refusal:
    hint = (
        f"The {part} matches with case-insensitive comparison, but not with case-sensitive."
        if near
        else "Please note that the matching is done using a case-sensitive comparison."
    )
    text = (
        f"No matching federated identity record found for presented assertion {part} "
        f"'{presented}'. {hint} Check your federated identity credential Subject, Audience and "
        f"Issuer against the presented assertion. {_LINK}"
    )
    return Refusal(number, text=text)


def _signature(assertion: Assertion, keys: Keys) -> None:
    algorithm = assertion.header.get("alg")
    if algorithm != "RS256":  # the only one that Microsoft tests
        raise Refusal(50027, text=f"'{algorithm}' is not a supported signature algorithm.")
    key_id = assertion.header.get("kid")
    published = next((key for key in keys.jwks if key.get("kid") == key_id), None)
    reason = f"The key '{str(key_id)[:80]}' is not among those that the issuer publishes."
    if published is not None:
        try:
            jwt.decode(
                assertion.text,
                jwt.PyJWK(dict(published), "RS256").key,
                algorithms=["RS256"],
                options=UNCHECKED,
            )
        except jwt.PyJWTError:
            reason = "The signature does not match the issuer's key."
        else:
            return
    raise Refusal(700027, text=f"Client assertion failed signature validation. [Reason - {reason}]")
