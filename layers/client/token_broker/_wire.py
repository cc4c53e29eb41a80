"""The token route as bytes: URLs out, tokens or errors in. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from token_broker.errors import Provider, TokenBrokerError
from token_broker.token import Token

MAX_MIN_TTL = 2700
"""Seconds; the broker accepts no more."""

SKEW_SECONDS = 240
"""AWS refuses signatures 5 minutes off; a little less, for the clocks differ by the transfer."""

# Compiled with their first use, not with the import.
_SLUG = r"[a-z0-9][a-z0-9-]{0,62}"
_REGION = (
    r"\.execute-api\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$"
)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Key(NamedTuple):
    """What one token is cached by. `scope` None: the service's own set."""

    connection: str
    scope: str | None


class Ask(NamedTuple):
    """One question to the broker.

    `rejected`: SHA-256 (hex) of a token that the API refused. `patient`: nothing else is at hand,
    so waiting and trying again is worth it.
    """

    key: Key
    min_ttl: int = 0
    rejected: str | None = None
    patient: bool = True


def key(connection: str, scope: str | None) -> Key:
    """Scopes in any order are one key."""
    if not re.fullmatch(_SLUG, connection):
        raise TokenBrokerError("invalid_request", f"{connection!r} is no name of a connection.")
    words = sorted(set((scope or "").split()))
    return Key(connection, " ".join(words) or None)


def check_min_ttl(seconds: int) -> int:
    """Raises `invalid_request` beyond 0 to 2,700."""
    if not 0 <= seconds <= MAX_MIN_TTL:
        raise TokenBrokerError("invalid_request", f"min_ttl is 0 to {MAX_MIN_TTL} seconds.")
    return int(seconds)


def base_url(api_url: str) -> str:
    """The URL without a slash at its end. Tokens travel over TLS only (RFC 6750 §5.3), but for
    this machine itself; ValueError for all else."""
    require_tls(api_url)
    if urlsplit(api_url).query or urlsplit(api_url).fragment:
        raise ValueError(f"The API URL ends with the stage, without a query: {api_url}")
    return api_url.rstrip("/")


def require_tls(url: str) -> None:
    """ValueError unless the URL is https or on this machine."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise ValueError(f"A token travels over https only, not to {parts.scheme}://{parts.netloc}")


def region(api_url: str) -> str | None:
    """The region in API Gateway's own host names; None for custom domains.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
    """
    found = re.search(_REGION, urlsplit(api_url).hostname or "")
    return found[1] if found else None


def url(base: str, ask: Ask) -> str:
    """GET /connections/{connection}/token."""
    wanted = {"scope": ask.key.scope, "min_ttl": ask.min_ttl or None, "rejected": ask.rejected}
    given = {name: value for name, value in wanted.items() if value is not None}
    # SigV4 wants a space as %20.
    query = f"?{urlencode(given, quote_via=quote, safe='')}" if given else ""
    return f"{base}/connections/{ask.key.connection}/token{query}"


def token(body: bytes, ask: Ask, asked_at: float) -> Token:
    """The token of an answer 200. `asked_at`: when the request left (Unix seconds), so that the
    computed end is never after the real one, and a clock that is a little off does no harm."""
    try:
        found = json.loads(body)
        access_token, left = found["access_token"], int(found["expires_in"])
        parameters = {str(name): str(value) for name, value in found["parameters"].items()}
        ends = datetime.fromtimestamp(asked_at + left, UTC)
        if isinstance(access_token, str) and access_token and left > 0:
            scope = str(found["scope"])
            return Token(access_token, ends, scope, ask.key.connection, parameters)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        pass
    connection = ask.key.connection
    detail = "It is no token answer."
    raise TokenBrokerError("unexpected_answer", detail, connection=connection, status=200)


def failure(
    status: int, headers: Mapping[str, str], body: bytes, ask: Ask, now: float
) -> TokenBrokerError:
    """The error of any other answer. `headers` compare without case (as those of requests do)."""
    request_id = headers.get("x-amzn-RequestId") or headers.get("apigw-requestid")
    common: dict[str, Any] = {
        "connection": ask.key.connection,
        "status": status,
        "request_id": request_id,
    }
    skew = _skew(headers.get("Date"), now)
    if status in (401, 403) and abs(skew) > SKEW_SECONDS:
        way = "slow" if skew > 0 else "fast"
        detail = f"It is {abs(skew) / 60:.0f} minutes {way}, compared with the broker's."
        return TokenBrokerError("clock_skew", detail, **common)
    problem = _problem(body)
    if problem is None:
        return _foreign(status, headers, common)
    # API Gateway's own failures pass; the broker's say by their code whether they do.
    passing = status >= 500 and "x-amzn-ErrorType" in headers
    return TokenBrokerError(
        str(problem["code"]),
        _text(problem.get("detail")) or "",
        actor=_text(problem.get("actor")),
        title=_text(problem.get("title")),
        remedy=_text(problem.get("remedy")),
        retry_after=_seconds(problem.get("retry_after") or headers.get("Retry-After")),
        provider=_provider(problem.get("provider")),
        retryable=passing or None,
        **common,
    )


def _foreign(
    status: int, headers: Mapping[str, str], common: Mapping[str, Any]
) -> TokenBrokerError:
    """An answer without a code: API Gateway's plain ones, or somebody else's."""
    retry_after = _seconds(headers.get("Retry-After"))
    if status in (401, 403):
        return TokenBrokerError("not_authorized", **common)
    if status == 429:
        return TokenBrokerError("rate_limited", retry_after=retry_after, **common)
    if status >= 500:
        return TokenBrokerError("broker_unavailable", retry_after=retry_after, **common)
    return TokenBrokerError("unexpected_answer", f"It has the status {status}.", **common)


def _problem(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and _text(found.get("code")) else None


def _provider(found: object) -> Provider | None:
    if not isinstance(found, dict):
        return None
    codes = found.get("error_codes")
    numbers = [number for number in codes if isinstance(number, int)] if codes else []
    texts = {name: _text(found.get(name)) for name in Provider._fields if name != "error_codes"}
    return Provider(error_codes=tuple(numbers), **texts)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(value: object) -> int | None:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return None


def _skew(date: str | None, now: float) -> float:
    """Seconds by which this clock is behind the server's."""
    try:
        return parsedate_to_datetime(date or "").timestamp() - now
    except ValueError:
        return 0.0
