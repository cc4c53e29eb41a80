"""The broker's own token route, for programs that speak plain HTTP: its answer, signed for by the
agent. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from token_broker import _wire
from token_broker.agent.answers import Answer, answer, retry, status
from token_broker.agent.appservice import digest
from token_broker.agent.request import Fields
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

PREFIX, SUFFIX = "/connections/", "/token"


class Question(NamedTuple):
    """As the broker's route takes it. `min_ttl`: seconds."""

    connection: str
    scope: str | None
    min_ttl: int
    rejected: str | None


def named(path: str) -> str | None:
    """The connection that a path names, if it is this route's."""
    if path.startswith(PREFIX) and path.endswith(SUFFIX):
        return path[len(PREFIX) : -len(SUFFIX)]
    return None


def question(connection: str, fields: Fields) -> Question:
    """Raises `invalid_request`."""
    given = fields.get("min_ttl", "0")
    if not given.isdecimal() or len(given) > 5:
        raise TokenBrokerError("invalid_request", "min_ttl is a number of seconds.")
    seconds = _wire.check_min_ttl(int(given))
    return Question(connection, fields.get("scope"), seconds, digest(fields, "rejected"))


def served(token: Token) -> Answer:
    """RFC 6749 §5.1 and the broker's additions."""
    return answer(200, _wire.fields(token), connection=token.connection)


def failed(error: TokenBrokerError) -> Answer:
    """RFC 9457, with the status of the broker's answer where there was one."""
    code = error.status if error.status and error.status >= 400 else status(error)
    body: dict[str, Any] = {
        "type": f"urn:token-broker:problem:{error.code}",
        "title": error.title,
        "status": code,
        "detail": error.detail,
        "code": error.code,
        "actor": error.actor,
        "remedy": error.remedy,
    }
    if error.provider:
        body["provider"] = error.provider._asdict()
    headers = retry(error)
    if error.retryable and error.retry_after is not None:
        body["retry_after"] = error.retry_after
        headers = ((b"retry-after", str(error.retry_after).encode()),)
    found = answer(code, body, headers, code=error.code, connection=error.connection)
    kind = ((b"content-type", b"application/problem+json"), *found.headers[1:])
    return found._replace(headers=kind)
