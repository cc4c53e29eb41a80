"""One connection as it is stored, with a token that is valid, and an event that asks for it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

from broker.domain.connection import Account, Connection, Sealed, Status, StoredRefreshToken, Token
from broker.domain.grants import Grant
from broker.domain.names import Incarnation, Instant, Name
from broker.domain.secret import Secret
from broker.lifecycle import policy
from broker.ports.ambient import Randomness
from broker.ports.stores import Consent
from broker.sealing.envelope import Context, Keys, encryption_context, seal

ACCOUNT_ID = "111122223333"
ADS = "https://ads.microsoft.com/msads.manage"
RESOURCE = "https://ads.microsoft.com"
LIFE = 3600
"""Seconds an access token lives; Microsoft's live 60 to 90 minutes."""
ACCESS_BYTES, REFRESH_BYTES = 2200, 1500
"""About as long as Microsoft's."""


@dataclass(slots=True)
class OneKey:
    """`sealing.Keys` with one data key for everything: what `canned` hands out as KMS."""

    plain: bytes = field(default_factory=lambda: os.urandom(32))
    blob: bytes = b"data-key-sealed-by-kms" * 8

    def generate(self, context: Context) -> tuple[bytes, bytes]:  # noqa: ARG002
        return self.plain, self.blob

    def decrypt(self, blob: bytes, context: Context) -> bytes:  # noqa: ARG002
        return self.plain


def connection(name: str, platform: str, client_id: str) -> Connection:
    """A connection as `connections` creates it."""
    return Connection(
        name=Name(name),
        incarnation=Incarnation(f"incarnation-of-{name}"),
        service="microsoft-advertising",
        resource=RESOURCE,
        tenant="common",
        scopes=(ADS,),
        client_id=client_id,
        authority=f"{platform}/common",
        created_at=Instant(int(time.time())),
        created_by=f"arn:aws:iam::{ACCOUNT_ID}:role/operator",
        grants=(Grant(ACCOUNT_ID),),
    )


def consent(
    before: Connection,
    stack: str,
    keys: tuple[Keys, Keys],
    refresh_token: Secret,
    expires_at: int,
    due_at: int,
    randomness: Randomness,
) -> Consent:
    """What the callback writes. `keys`: of the tokens and of the vault."""
    now = Instant(int(time.time()))
    where = encryption_context(stack, before.incarnation, "access_token", 1, 1, RESOURCE)
    access_token = Secret("a" * ACCESS_BYTES)
    sealed = seal(keys[0], where, access_token)
    token = Token(
        resource=RESOURCE,
        scope=ADS,
        digest=access_token.sha256(),
        sealed=Sealed(sealed, 1, 1),
        obtained_at=Instant(expires_at - LIFE),
        expires_at=Instant(expires_at),
        ahead_at=policy.ahead(expires_at - LIFE, LIFE, None, randomness),
    )
    vault = encryption_context(stack, before.incarnation, "refresh_token", 1, 1)
    stored = StoredRefreshToken(
        incarnation=before.incarnation,
        name=before.name,
        epoch=1,
        generation=1,
        sealed=Sealed(seal(keys[1], vault, refresh_token), 1, 1),
        client_id=before.client_id,
        authority=before.authority,
        due_at=Instant(due_at),
    )
    return Consent(
        before=before,
        stored=stored,
        account=Account("t", before.name, "owner@contoso.example"),
        scopes=before.scopes,
        granted={RESOURCE: (ADS,)},
        tokens={RESOURCE: token},
        now=now,
        next_refresh_at=Instant(due_at),
        link=None,
    )


def stored(made: Consent) -> Connection:
    """The connection after that consent, used a moment ago."""
    before = made.before
    return Connection(
        **{name: getattr(before, name) for name in _KEPT},
        status=Status.ACTIVE,
        epoch=1,
        generation=1,
        account=made.account,
        scopes=made.scopes,
        granted=made.granted,
        tokens=made.tokens,
        authorized_at=made.now,
        refreshed_at=made.now,
        next_refresh_at=made.next_refresh_at,
        last_used_at=made.now,
    )


def event(name: str) -> dict[str, Any]:
    """API Gateway's event for `GET /connections/{name}/token`, as far as the edge reads it."""
    return {
        "httpMethod": "GET",
        "path": f"/connections/{name}/token",
        "pathParameters": {"connection": name},
        "multiValueQueryStringParameters": None,
        "multiValueHeaders": {},
        "requestContext": {
            "requestId": "bench",
            "identity": {"userArn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/team-a/job"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


_KEPT = (
    *("name", "incarnation", "service", "resource", "tenant", "client_id", "authority"),
    *("created_at", "created_by", "grants"),
)
