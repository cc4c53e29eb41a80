"""Who consented: the ID token's claims, verified.

The token comes straight from the token endpoint over TLS, so its origin stands in for its
signature (OpenID Connect Core 1.0 §3.1.3.7, point 6); every claim is checked.
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from broker.domain.connection import Account, Connection, Expected
from broker.domain.names import PERSONAL_TENANT, is_guid
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.domain.text import printable
from broker.providers.claims import (
    Declaration,
    Demands,
    is_ahead,
    is_audience,
    is_nonce,
    is_past,
)

MAX_USERNAME = 256
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


def admit(
    account: Account,
    connection: Connection,
    allowed_tenants: tuple[str, ...],
    *,
    tenant_id: str | None,
    allow_change: bool,
) -> Account:
    """The account as it may be stored; raises unless it may be the connection's.

    `tenant_id`: what the connection's tenant segment stands for, when it names one tenant.
    """
    personal = account.tenant_id == PERSONAL_TENANT
    fits = {"consumers": personal, "organizations": not personal, "common": True}
    if not fits.get(connection.tenant, account.tenant_id == tenant_id):
        raise Problem("tenant_not_allowed", "The account is not of this connection's tenant.")
    if allowed_tenants and account.tenant_id not in allowed_tenants:
        raise Problem("tenant_not_allowed", "The broker does not admit accounts of this tenant.")
    expected = connection.expected
    if expected.tenant_id and expected.tenant_id != account.tenant_id:
        raise Problem("account_mismatch", "The account is of another tenant than expected.")
    if not allow_change:
        if connection.account and not account.same(connection.account):
            raise Problem("account_mismatch", "Another account than last time consented.")
        if not connection.account and not _expected(account, expected):
            raise Problem("account_mismatch", "Another account than the expected one consented.")
    return replace(account, username=printable(account.username, MAX_USERNAME))


def _expected(account: Account, expected: Expected) -> bool:
    """Whether a first consent is by the account the operator named."""
    if expected.object_id and expected.object_id != account.object_id:
        return False
    return not expected.username or expected.username.lower() == account.username.lower()
