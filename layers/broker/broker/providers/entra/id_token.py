"""Who consented: the ID token's claims, verified.

The token comes straight from the token endpoint over TLS, so its origin stands in for its
signature (OpenID Connect Core 1.0 §3.1.3.7, point 6); every claim is checked.
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from broker.domain.connection import Account, Connection, Expected
from broker.domain.names import PERSONAL_TENANT, is_guid
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.domain.text import printable

LEEWAY = 300
"""Clock skew allowed, as Microsoft's own libraries do."""
MAX_LENGTH = 16_384
MAX_USERNAME = 256
_OBJECT_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Demands:
    """What the token must say."""

    platform: str
    client_id: str
    now: float
    nonce: str | None
    """None for a refresh: its ID token carries none (§12.2)."""


def verify(id_token: Secret | None, demands: Demands) -> Account:
    """The identity, or `provider_error` saying which claim is wrong (never its value). Its
    `username` is as Microsoft wrote it, until `admit` has compared it."""
    claims = _claims(id_token)
    tid, oid = claims.get("tid"), claims.get("oid")
    if not isinstance(tid, str) or not is_guid(tid):
        _refuse("tid")
    if not isinstance(oid, str) or not _OBJECT_ID.fullmatch(oid):
        _refuse("oid")
    if claims.get("iss") != f"{demands.platform}/{tid}/v2.0":
        _refuse("iss")
    audience = claims.get("aud")
    if audience not in (demands.client_id, [demands.client_id]):
        _refuse("aud")
    if not (_number(claims.get("exp")) and claims["exp"] + LEEWAY >= demands.now):
        _refuse("exp")
    if _number(claims.get("nbf")) and claims["nbf"] - LEEWAY > demands.now:
        _refuse("nbf")
    if demands.nonce is not None and claims.get("nonce") != demands.nonce:
        _refuse("nonce")
    return Account(tid, oid, _username(claims))


def _claims(id_token: Secret | None) -> Mapping[str, Any]:
    text = id_token.open() if id_token else ""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > MAX_LENGTH:
        _refuse("format")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        _refuse("format")
    if not isinstance(claims, dict):
        _refuse("format")
    return claims


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _username(claims: Mapping[str, Any]) -> str:
    """The sign-in name. No other claim stands in for it: `email` and `name` are for anyone to
    choose, and an operator may have named the account by this one."""
    username = claims.get("preferred_username")
    return username if isinstance(username, str) else ""


def _refuse(claim: str) -> NoReturn:
    raise Problem("provider_error", f"Microsoft's ID token is not acceptable: {claim}.") from None


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
