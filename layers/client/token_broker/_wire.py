"""The token route as bytes: URLs out, tokens or errors in. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from token_broker._json import decode
from token_broker._text import plain
from token_broker.errors import Provider, TokenBrokerError
from token_broker.token import Token

MAX_MIN_TTL = 2700
"""Seconds; the broker accepts no more."""

SKEW_SECONDS = 240
"""AWS refuses signatures 5 minutes off; a little less, for the clocks differ by the transfer."""

NO_STAGE = (
    "API Gateway answers, but has nothing at this URL: the stage or the path is missing or wrong."
)
_NO_STAGE = (b'"Forbidden"', b'"Missing Authentication Token"')
"""What it says then. The broker's own API answers all else as problem details."""

# Compiled with their first use, not with the import.
_SLUG = r"[a-z0-9][a-z0-9-]{0,62}"
_BEARER = r"[\x21-\x7e]+"  # RFC 6749 appendix A.12, without the space no header could carry
_REGION = (
    r"\.execute-api\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$"
)
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


Scope = str | Collection[str] | None
"""Scopes of one resource: a text with spaces between them, or several texts; None: the service's
own."""


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


def key(connection: str, scope: Scope) -> Key:
    """Scopes in any order, as one text or several, are one key."""
    words: list[Any] = scope.split() if isinstance(scope, str) else _several(scope)
    if not all(isinstance(word, str) and word.split() == [word] for word in words):
        raise TokenBrokerError(
            "invalid_request", "scope is a text with spaces between scopes, or a list of scopes."
        )
    return Key(slug(connection), " ".join(sorted(set(words))) or None)


def _several(scope: object) -> list[Any]:
    """[None] stands for what is no collection at all."""
    if scope is None:
        return []
    return [*scope] if isinstance(scope, Collection) else [None]


def slug(connection: str) -> str:
    """The name of a connection. Raises `invalid_request`, and does not repeat what was given: it
    may be a token in the wrong place."""
    if not isinstance(connection, str) or not re.fullmatch(_SLUG, connection):
        raise TokenBrokerError(
            "invalid_request",
            "A connection's name has 1 to 63 of a-z, 0-9 and '-', and begins with none of '-'.",
        )
    return connection


def check_min_ttl(seconds: int) -> int:
    """Raises `invalid_request` beyond 0 to 2,700."""
    if not isinstance(seconds, (int, float)) or not 0 <= seconds <= MAX_MIN_TTL:
        raise TokenBrokerError("invalid_request", f"min_ttl is 0 to {MAX_MIN_TTL} seconds.")
    return int(seconds)


def base_url(api_url: str) -> str:
    """The URL without a slash at its end. Tokens travel over TLS only (RFC 6750 §5.3), but for
    this machine itself; InvalidArgument for all else."""
    require_tls(api_url)
    parts = urlsplit(api_url)
    if parts.query or parts.fragment or parts.username is not None:
        raise _bad_url("it ends with the stage, without a query, and holds no user name.")
    if region(api_url) and not parts.path.strip("/"):
        raise _bad_url("it names no stage: take the whole output ApiUrl, such as https://…/v1.")
    return api_url.rstrip("/")


def require_tls(url: str) -> None:
    """InvalidArgument unless the URL is https or on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except (ValueError, AttributeError):
        raise _bad_url("it cannot be read.") from None
    if not host or not url.isprintable() or " " in url:
        raise _bad_url("it names no host, or holds spaces.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL):
        raise _bad_url(f"a token travels over https only, not to {parts.scheme}://{host}")


def _bad_url(reason: str) -> TokenBrokerError:
    return TokenBrokerError("invalid_request", f"The URL: {reason}")


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
        found = decode(body)
        access_token, left = found["access_token"], int(found["expires_in"])
        parameters = {str(name): str(value) for name, value in found["parameters"].items()}
        ends = datetime.fromtimestamp(asked_at + left, UTC)
        if re.fullmatch(_BEARER, access_token) and left > 0:
            scope = str(found["scope"])
            return Token(access_token, ends, scope, ask.key.connection, parameters)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError):
        pass
    connection = ask.key.connection
    detail = "It is no token answer."
    raise TokenBrokerError("unexpected_answer", detail, connection=connection, status=200)


def fields(token: Token) -> dict[str, Any]:
    """A token as the API answers it."""
    return {
        "access_token": token.access_token,
        "token_type": "Bearer",
        "expires_in": token.expires_in,
        "scope": token.scope,
        "connection": token.connection,
        "expires_at": f"{token.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "parameters": dict(token.parameters),
    }


def failure(
    status: int, headers: Mapping[str, str], body: bytes, ask: Ask, now: float
) -> TokenBrokerError:
    """The error of any other answer. `headers` compare without case (as those of requests do)."""
    request_id = _text(headers.get("x-amzn-RequestId") or headers.get("apigw-requestid"))
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
        return _foreign(status, headers, body, common)
    # API Gateway's own failures pass; the broker's say by their code whether they do.
    passing = status >= 500 and "x-amzn-ErrorType" in headers
    return TokenBrokerError(
        _text(problem["code"]) or "",
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
    status: int, headers: Mapping[str, str], body: bytes, common: Mapping[str, Any]
) -> TokenBrokerError:
    """An answer without a code: API Gateway's plain ones, or somebody else's."""
    retry_after = _seconds(headers.get("Retry-After"))
    if status == 403 and any(word in body[:200] for word in _NO_STAGE):
        return TokenBrokerError("unexpected_answer", NO_STAGE, **common)
    if status in (401, 403):
        return TokenBrokerError("not_authorized", **common)
    if status == 429:
        return TokenBrokerError("rate_limited", retry_after=retry_after, **common)
    if status >= 500:
        return TokenBrokerError("broker_unavailable", retry_after=retry_after, **common)
    return TokenBrokerError("unexpected_answer", f"It has the status {status}.", **common)


def _problem(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = decode(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) and _text(found.get("code")) else None


def _provider(found: object) -> Provider | None:
    if not isinstance(found, dict):
        return None
    codes = found.get("error_codes")
    numbers = [code for code in codes if type(code) is int] if isinstance(codes, list) else []
    texts = {name: _text(found.get(name)) for name in Provider._fields if name != "error_codes"}
    return Provider(error_codes=tuple(numbers), **texts)


def _text(value: object) -> str | None:
    return (plain(value) or None) if isinstance(value, str) else None


def _seconds(value: object) -> int | None:
    try:
        return max(0, int(str(value)))
    except ValueError:
        return None


def _skew(date: str | None, now: float) -> float:
    """Seconds by which this clock is behind the server's."""
    try:
        return parsedate_to_datetime(date or "").timestamp() - now
    except (ValueError, TypeError, OverflowError, OSError):
        return 0.0
