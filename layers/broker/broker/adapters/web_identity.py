"""AWS's own token about the function's role (IAM outbound identity federation).

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.adapters.aws_errors import Refused, call
from broker.domain.names import Instant
from broker.domain.secret import Secret
from broker.ports.credentials import Unusable, WebIdentityToken
from broker.ports.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

SECONDS = 300
"""Of a token's life; the roles' policies allow no more."""
SHORTEST = 60
"""What AWS issues at least: for a session that ends before `SECONDS` are over."""

_OUTLIVES = "SessionDurationEscalation"
_FINDINGS = {
    "OutboundWebIdentityFederationDisabled": "federation_disabled",
    "AccessDenied": "token_denied",
}


class WebIdentity:
    """`ports.WebIdentity`. `client`: of the region's own endpoint, the only kind that has it."""

    def __init__(self, client: STSClient) -> None:
        self._client = client

    def token(self, audience: str) -> WebIdentityToken:
        refused: frozenset[str] = frozenset()
        for seconds in (SECONDS, SHORTEST):
            try:
                return self._ask(audience, seconds)
            except Refused as refusal:
                refused = refusal.codes
            if _OUTLIVES not in refused:
                break
        finding = next((_FINDINGS[code] for code in refused if code in _FINDINGS), None)
        if finding:
            raise Unusable(finding)
        raise Unavailable("sts", _OUTLIVES)  # this environment's session is over within a minute

    def _ask(self, audience: str, seconds: int) -> WebIdentityToken:
        answer = call(
            "sts",
            self._client.get_web_identity_token,
            (*_FINDINGS, _OUTLIVES),
            Audience=[audience],
            SigningAlgorithm="RS256",
            DurationSeconds=seconds,
        )
        return WebIdentityToken(
            Secret(answer["WebIdentityToken"]), Instant(int(answer["Expiration"].timestamp()))
        )
