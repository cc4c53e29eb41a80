"""The client secret in Secrets Manager: {"client_secret": "...", "expires_at"?: RFC 3339}."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from broker.adapters.aws_errors import Refused, call
from broker.domain.credentials import PLACEHOLDER, CredentialKind
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.ambient import Clock
from broker.ports.credentials import ClientSecretPost

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

CACHE_SECONDS = 300
"""A new secret is used everywhere within 5 minutes; a refused one is read afresh at once."""
_REMEDY = (
    "The operator stores the application's client secret in Secrets Manager as JSON: "
    '{"client_secret": "<value>", "expires_at": "<RFC 3339, optional>"}.'
)


class ClientSecrets:
    """`ports.Credentials`. `secret`: the ARN in Secrets Manager."""

    kind: ClassVar = CredentialKind.SECRET

    def __init__(self, client: SecretsManagerClient, secret: str, clock: Clock) -> None:
        self._client, self._secret, self._clock = client, secret, clock
        self._known: tuple[float, ClientSecretPost] | None = None

    def current(self, *, fresh: bool = False) -> ClientSecretPost:
        now = self._clock()
        if self._known and not fresh and now - self._known[0] < CACHE_SECONDS:
            return self._known[1]
        found = self._read("AWSCURRENT")
        if found is None:
            raise _misconfigured("The client secret has no current version.")
        self._known = (now, found)
        return found

    def previous(self) -> ClientSecretPost | None:
        try:
            return self._read("AWSPREVIOUS")
        except Problem:
            return None  # the template's placeholder, most often: nothing to try

    def _read(self, stage: str) -> ClientSecretPost | None:
        try:
            answer = call(
                "secretsmanager",
                self._client.get_secret_value,
                ("ResourceNotFound",),
                SecretId=self._secret,
                VersionStage=stage,
            )
        except Refused:
            return None
        return _parse(answer.get("SecretString", ""), answer["VersionId"])


def _parse(text: str, version: str) -> ClientSecretPost:
    value = _object(text)
    secret, expires = value.get("client_secret"), value.get("expires_at")
    if not isinstance(secret, str) or not secret.strip():
        raise _misconfigured("The client secret in Secrets Manager is not JSON with client_secret.")
    if secret == PLACEHOLDER:
        raise _misconfigured("The client secret in Secrets Manager is still the placeholder.")
    expires_at = _instant(str(expires)) if expires else None
    if expires and expires_at is None:
        raise _misconfigured("The client secret's expires_at is not a date (RFC 3339).")
    return ClientSecretPost(Secret(secret), version, expires_at)


# These two answer instead of raising: an error raised while another is handled carries that one
# along, and with it the text.


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _instant(text: str) -> Instant | None:
    """A date alone, or without an offset, counts as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Instant(int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()))


def _misconfigured(detail: str) -> Problem:
    return Problem("client_misconfigured", detail, remedy=_REMEDY)
