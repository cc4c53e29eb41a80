"""Azure's instance metadata service, version 2018-02-01: only where it is asked for. Pure.

It has no secret: whoever reaches the port gets tokens. Libraries find it through
AZURE_POD_IDENTITY_AUTHORITY_HOST (Python, Node.js, .NET, Java; Go knows no other address than
169.254.169.254, which on AWS is AWS's own).
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from __future__ import annotations

from token_broker.agent.answers import Answer, answer, message, retry, status
from token_broker.agent.appservice import Question, read
from token_broker.agent.guard import Refusal
from token_broker.agent.request import Fields, Request
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

PATH = "/metadata/identity/oauth2/token"
"""Node.js appends a slash."""
VERSION = "2018-02-01"
SELECTORS = ("client_id", "object_id", "msi_res_id", "mi_res_id")

NO_METADATA = Refusal(403, "no_metadata_header", "The header Metadata: true is missing.")


def knows(request: Request) -> Refusal | None:
    """The header that stands in for a secret here."""
    return None if request.headers.get(b"metadata") == b"true" else NO_METADATA


def question(fields: Fields) -> Question:
    """Raises `invalid_request`."""
    return read(fields, VERSION, SELECTORS)


def served(token: Token, asked: Question) -> Answer:
    """All text. `expires_in` stands before `expires_on`: where a library stores both into one
    field, the last one wins; Python reads the first alone."""
    ends = int(token.expires_at.timestamp())
    body = {
        "access_token": token.access_token,
        "client_id": token.connection,
        "expires_in": str(token.expires_in),
        "expires_on": str(ends),
        "resource": asked.resource,
        "token_type": "Bearer",
    }
    return answer(200, body, connection=token.connection)


def failed(error: TokenBrokerError) -> Answer:
    """RFC 6749's shape of an error."""
    kind = "temporarily_unavailable" if error.retryable else "invalid_request"
    body = {"error": kind, "error_description": message(error)}
    headers, named = retry(error), error.connection
    return answer(status(error), body, headers, code=error.code, connection=named)
