"""Who consented at Google: the ID token's claims, verified.

The token comes straight from the token endpoint over TLS, so its origin stands in for its
signature; every claim is checked. https://developers.google.com/identity/openid-connect/reference
"""

from __future__ import annotations

import re
from typing import Any

from broker.domain.connection import Account
from broker.domain.secret import Secret
from broker.providers.claims import (
    Declaration,
    Demands,
    is_ahead,
    is_audience,
    is_nonce,
    is_past,
)

_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")


def is_issuer(value: object, demands: Demands) -> bool:
    """Google writes its issuer with and without the scheme."""
    return value in (demands.issuer, demands.issuer.partition("://")[2])


CLAIMS = Declaration(
    provider="Google",
    required={
        "iss": is_issuer,
        "sub": lambda value, _: isinstance(value, str) and bool(_SUBJECT.fullmatch(value)),
        "aud": is_audience,
        "exp": is_ahead,
        "nonce": is_nonce,
    },
    optional={
        "iat": is_past,
        # Several clients of one project may share a token; this one must have been made for us.
        "azp": lambda value, demands: value == demands.client_id,
    },
    elsewhere=frozenset({"email", "email_verified"}),
    unchecked=frozenset(
        {
            *("at_hash", "name", "given_name", "family_name", "picture", "locale", "profile"),
            *("hd", "jti", "nbf", "auth_time", "amr", "acr"),
        }
    ),
)


def verify(id_token: Secret | None, demands: Demands) -> Account:
    """The identity (`iss` and `sub`), or `provider_error` saying which claim is wrong, never its
    value. `username` is the address if Google has verified it, else empty."""
    claims: Any = CLAIMS.read(id_token, demands)
    email, verified = claims.get("email"), claims.get("email_verified")
    # Google's own libraries allow for the string.
    is_verified = verified is True or verified == "true"
    username = email if isinstance(email, str) and is_verified else ""
    return Account.of_google(claims["sub"], username)
