"""Assertions signed with the key of a registered certificate (private_key_jwt).

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from jwt.types import Options

from .errors import Refusal
from .registered import ClientCertificate

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

SKEW_SECONDS = 300
"""Of clocks, which Microsoft allows for."""

UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}
"""Checked by hand, for Microsoft's numbers and the simulated clock."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """A client assertion as it was sent; nothing of it is verified yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def foreign(self) -> bool:
        """Whether another issuer made it: issuers are URLs, applications are GUIDs."""
        return str(self.claims.get("iss", "")).lower().startswith(("https://", "http://"))


def read(form: Mapping[str, str]) -> Assertion:
    """Decode without verifying. Raises Refusal 50027."""
    if form.get("client_assertion_type") != JWT_BEARER:
        raise Refusal(50027, text="The client assertion type is not supported.")
    text = form.get("client_assertion", "")
    try:
        whole = jwt.decode_complete(text, options=UNCHECKED | {"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise Refusal(50027) from error
    return Assertion(text, whole["header"], whole["payload"])


def verify(
    assertion: Assertion,
    client_id: str,
    certificates: Sequence[ClientCertificate],
    endpoint: str,
    now: float,
) -> ClientCertificate:
    """The certificate whose key signed. Raises Refusal 700027, 700023, 700024, 50027, …

    `endpoint`: the URL that was called, which the assertion must be meant for.
    """
    certificate = _certificate(assertion.header, client_id, certificates, now)
    _signature(assertion.text, certificate)
    claims = assertion.claims
    if claims.get("iss") != claims.get("sub"):
        raise Refusal(50048)
    if claims.get("iss") != client_id:
        raise Refusal(700021)
    if not isinstance(claims.get("aud"), str):
        raise Refusal(50027, text="The audience of the assertion must be one string.")
    if claims["aud"] != endpoint:
        raise Refusal(700023)
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise Refusal(50027, text="The assertion lacks the claim 'jti'.")
    within_times(claims, now)
    return certificate


def within_times(claims: Mapping[str, Any], now: float) -> None:
    """`now` lies between `nbf` (or `iat`) and `exp`. Raises Refusal 50027, 700024."""
    end, begin = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    if not isinstance(end, int | float) or not isinstance(begin, int | float):
        raise Refusal(50027, text="The assertion's times are missing or no numbers.")
    if end <= now or begin > now + SKEW_SECONDS:
        text = (
            "Client assertion is not within its valid time range. "
            f"Current time: {_moment(now)}, assertion valid from {_moment(begin)}, "
            f"expiry time of assertion {_moment(end)}."
        )
        raise Refusal(700024, text=text)


def _signature(text: str, certificate: ClientCertificate) -> None:
    try:
        jwt.decode(text, certificate.key, algorithms=["PS256", "RS256"], options=UNCHECKED)
    except jwt.InvalidTokenError as error:
        text = "Client assertion contains an invalid signature. [Reason - The key was found, but "
        raise Refusal(700027, text=text + "the signature does not match.]") from error


def _certificate(
    header: Mapping[str, Any],
    client_id: str,
    certificates: Sequence[ClientCertificate],
    now: float,
) -> ClientCertificate:
    """The registered certificate that every thumbprint of the header names; MSAL pads them."""
    named = {name: str(header[name]).rstrip("=") for name in ("x5t#S256", "x5t") if name in header}
    if not named:
        raise Refusal(50027, text="No certificate thumbprint is specified in the token header.")
    for registered in certificates:
        prints = {
            "x5t#S256": registered.thumbprint(hashes.SHA256()),
            "x5t": registered.thumbprint(hashes.SHA1()),
        }
        if all(prints[name] == value for name, value in named.items()):
            _alive(registered, now)
            return registered
    shown = next(iter(named.values()))[:80]
    raise Refusal(700027, text=_not_registered("The key was not found.", shown, client_id))


def _alive(registered: ClientCertificate, now: float) -> None:
    begin = registered.certificate.not_valid_before_utc
    end = registered.certificate.not_valid_after_utc
    if not begin.timestamp() <= now < end.timestamp():
        ended = now >= end.timestamp()
        reason = "The key used is expired." if ended else "The key is not valid yet."
        span = f"Found key 'Start={begin:%m/%d/%Y %H:%M:%S}, End={end:%m/%d/%Y %H:%M:%S}'"
        text = f"Client assertion contains an invalid signature. [Reason - {reason}, {span}]"
        raise Refusal(700027, text=text)


def _not_registered(reason: str, thumbprint: str, client_id: str) -> str:
    return (
        "The certificate with identifier used to sign the client assertion is not registered on "
        f"application. [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}', "
        f"see the configured keys of app Id '{client_id}' in the portal.]"
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
