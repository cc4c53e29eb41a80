"""Chats and webhooks, configured in a secret, and the signature of Standard Webhooks.

    {"slack": "https://hooks.slack.com/...", "teams": "https://...",
     "webhooks": [{"url": "https://...", "secret": "whsec_..."}]}

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from broker.adapters.aws_errors import Refused, call
from broker.domain.names import Instant, secure
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Telemetry
from broker.ports.notices import Channel

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_SECONDS = 300
MAX_WEBHOOKS = 20


class Channels:
    """`ports.Channels`. `secret`: the ARN in Secrets Manager."""

    def __init__(
        self, client: SecretsManagerClient, secret: str, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._client, self._secret, self._clock, self._telemetry = client, secret, clock, telemetry
        self._known: tuple[float, tuple[Channel, ...]] | None = None

    def current(self) -> Sequence[Channel]:
        now = self._clock()
        if self._known is None or now - self._known[0] >= CACHE_SECONDS:
            self._known = (now, tuple(self._read()))
        return self._known[1]

    def _read(self) -> Iterator[Channel]:
        try:
            answer = call(
                "secretsmanager",
                self._client.get_secret_value,
                ("ResourceNotFound",),
                SecretId=self._secret,
            )
        except Refused:
            return
        for channel in _channels(answer.get("SecretString", "")):
            if channel is None:
                self._telemetry.note("channel_ignored", reason="malformed")
            else:
                yield channel


def sign(secret: Secret, id: str, at: Instant, body: str) -> str:  # noqa: A002
    """`ports.Signer`."""
    return Webhook(secret.open()).sign(id, datetime.fromtimestamp(at, UTC), body)


def _channels(text: str) -> Iterator[Channel | None]:
    """Each configured channel; None for one that is malformed."""
    try:
        value: Any = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        yield None
        return
    if value.get("slack"):
        yield _chat("slack", value["slack"])
    if value.get("teams"):
        yield _chat("teams", value["teams"])
    webhooks = value.get("webhooks") or []
    for entry in webhooks[:MAX_WEBHOOKS] if isinstance(webhooks, list) else [None]:
        yield _webhook(entry)


def _chat(kind: str, url: object) -> Channel | None:
    if not isinstance(url, str) or not secure(url):
        return None
    return Channel("slack" if kind == "slack" else "teams", Secret(url))


def _webhook(entry: object) -> Channel | None:
    if not isinstance(entry, dict):
        return None
    url, secret = entry.get("url"), entry.get("secret")
    if not (isinstance(url, str) and secure(url) and isinstance(secret, str)):
        return None
    try:
        Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):  # no base64 (binascii.Error), or nothing
        return None
    return Channel("webhook", Secret(url), Secret(secret))
