"""Azure App Service's protocol for managed identities, version 2019-08-01. Pure.

The one that the libraries for Python, Node.js, Go, .NET and Java all speak, and that has a secret.
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import re
from typing import NamedTuple

from token_broker.agent.answers import Answer, answer, message, retry, status
from token_broker.agent.guard import Refusal
from token_broker.agent.request import Fields
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

PATH = "/msi/token"
"""App Service's own. Libraries keep whatever path the endpoint's URL has."""
VERSION = "2019-08-01"
SELECTORS = ("client_id", "object_id", "principal_id", "mi_res_id")

_DIGEST = r"[0-9a-f]{64}"


class Question(NamedTuple):
    """What a library asks. `rejected`: SHA-256 (hex) of a token that the API refused."""

    resource: str
    client_id: str | None = None
    rejected: str | None = None


def question(fields: Fields) -> Question:
    """Raises `invalid_request`. Unknown fields (`xms_cc` of newer libraries) mean nothing here."""
    return read(fields, VERSION, SELECTORS)


def read(fields: Fields, version: str, selectors: tuple[str, ...]) -> Question:
    """The question of a protocol with this version and these selectors."""
    if fields.get("api-version") != version:
        raise TokenBrokerError("invalid_request", f"api-version must be {version}.")
    chosen = [name for name in selectors if name in fields]
    if len(chosen) > 1:
        detail = f"{' and '.join(chosen)} exclude each other."
        raise TokenBrokerError("invalid_request", detail, remedy="Send client_id only.")
    if chosen and chosen[0] != "client_id":
        detail = f"{chosen[0]} names no connection."
        remedy = "Name the connection in client_id instead."
        raise TokenBrokerError("invalid_request", detail, remedy=remedy)
    if "resource" not in fields:
        raise TokenBrokerError("invalid_request", "resource is missing.")
    return Question(fields["resource"], fields.get("client_id"), digest(fields))


def digest(fields: Fields, name: str = "token_sha256_to_refresh") -> str | None:
    """The digest of a refused token. The libraries send it to Service Fabric alone; a program that
    asks by itself may send it here as well."""
    given = fields.get(name)
    if given is not None and not re.fullmatch(_DIGEST, given.lower()):
        raise TokenBrokerError("invalid_request", f"{name} is a SHA-256, as 64 hex digits.")
    return given and given.lower()


def served(token: Token, asked: Question) -> Answer:
    """`expires_on` is text, because .NET and Java read text; no `expires_in`, which .NET would
    store into the same field."""
    body = {
        "access_token": token.access_token,
        "expires_on": str(int(token.expires_at.timestamp())),
        "resource": asked.resource,
        "token_type": "Bearer",
        "client_id": token.connection,
    }
    return answer(200, body, connection=token.connection)


def failed(error: TokenBrokerError, correlation: str) -> Answer:
    """App Service's shape of an error. `correlation`: what the answer is found by in the log."""
    code, named = status(error), error.connection
    body = _body(code, message(error), error.request_id or correlation)
    return answer(code, body, retry(error), code=error.code, connection=named)


def refused(refusal: Refusal, correlation: str) -> Answer:
    """Of whoever may not ask at all. The connection ends: what follows may be no request."""
    headers: tuple[tuple[bytes, bytes], ...] = ((b"connection", b"close"),)
    if refusal.status == 405:
        headers += ((b"allow", b"GET"),)
    body = _body(refusal.status, refusal.text, correlation)
    return answer(refusal.status, body, headers, code=refusal.code)


def _body(code: int, text: str, correlation: str) -> dict[str, object]:
    return {"statusCode": code, "message": text, "correlationId": correlation}
