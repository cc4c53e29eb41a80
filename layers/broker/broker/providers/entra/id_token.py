"""Who consented: the ID token's claims, verified.

The token comes straight from the token endpoint over TLS, so its origin stands in for its
signature (OpenID Connect Core 1.0 §3.1.3.7, point 6); every claim is checked.
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

from __future__ import annotations

import re
from typing import Any

from broker.domain.connection import Account
from broker.domain.names import is_guid
from broker.domain.secret import Secret
from broker.providers.claims import (
    Declaration,
    Demands,
    is_ahead,
    is_audience,
    is_nonce,
    is_past,
)

_OBJECT_ID = re.compile(r"[\x21-\x7e]{1,128}")

CLAIMS = Declaration(
    provider="Microsoft",
    required={
        "tid": lambda value, _: isinstance(value, str) and is_guid(value),
        "oid": lambda value, _: isinstance(value, str) and bool(_OBJECT_ID.fullmatch(value)),
        "aud": is_audience,
        "exp": is_ahead,
        "nonce": is_nonce,
    },
    optional={"nbf": is_past},
    elsewhere=frozenset({"iss", "preferred_username"}),
    # `email` and `name` are for anyone to choose; the rest describes the sign-in, not the account.
    unchecked=frozenset(
        {
            *("email", "name", "family_name", "given_name", "sub", "ver", "iat", "auth_time"),
            *("idp", "rh", "sid", "uti", "aio", "at_hash", "c_hash", "amr", "acr", "roles", "wids"),
            *("groups", "upn", "unique_name", "tenant_region_scope", "xms_pl", "login_hint"),
            *("acct", "ctry", "tenant_ctry", "in_corp", "ipaddr", "onprem_sid", "pwd_exp"),
            *("pwd_url", "verified_primary_email", "verified_secondary_email", "xms_tpl"),
        }
    ),
)
"""https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference"""


def verify(id_token: Secret | None, demands: Demands) -> Account:
    """The identity, or `provider_error` saying which claim is wrong (never its value). Its
    `username` is as Microsoft wrote it, until `admit` has compared it."""
    claims: Any = CLAIMS.read(id_token, demands)
    tenant_id = claims["tid"]
    if claims.get("iss") != f"{demands.issuer}/{tenant_id}/v2.0":
        CLAIMS.refuse("iss")
    # The sign-in name. No other claim stands in for it: an operator may have named the account so.
    username = claims.get("preferred_username")
    return Account(tenant_id, claims["oid"], username if isinstance(username, str) else "")
