"""Who may ask at all: the checks before a question is read. Pure.

The secret header keeps out programs that were not given it, and requests that a program can be
talked into (SSRF), because those rarely choose their headers. The rest keeps out requests that
somebody relayed, and browsers:

X-Forwarded-For and its kin  a proxy relayed the request
Host                         a name of somebody's that resolves to this address (DNS rebinding)
Origin, Sec-Fetch-Site       a page in a browser asks
a method other than GET      never a library's

https://learn.microsoft.com/azure/app-service/overview-managed-identity
https://github.com/aws/aws-secretsmanager-agent#security-considerations
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import NamedTuple

from token_broker.agent.request import Request

RELAYED = (b"x-forwarded-for", b"x-forwarded-host", b"forwarded", b"via")
BROWSER = (b"origin", b"sec-fetch-site")
SECRET = b"x-identity-header"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Refusal(NamedTuple):
    """`code`: for the log."""

    status: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Guard:
    """secret  the value of X-IDENTITY-HEADER
    hosts   values of Host in lower case, with and without the port
    """

    secret: bytes = field(repr=False)
    hosts: frozenset[bytes]

    def reach(self, request: Request) -> Refusal | None:
        """Whether a request came straight from a program of this host."""
        headers = request.headers
        if any(name in headers for name in RELAYED):
            return RELAYED_REQUEST
        if any(name in headers for name in BROWSER):
            return BROWSER_REQUEST
        if headers.get(b"host", b"").lower() not in self.hosts:
            return FOREIGN_HOST
        if request.method != "GET":
            return WRONG_METHOD
        if headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers:
            return BODY
        return None

    def knows(self, request: Request) -> Refusal | None:
        """Whether whoever asks was given the secret. In constant time."""
        given = request.headers.get(SECRET)
        if given is None:
            return NO_SECRET
        return None if compare_digest(given, self.secret) else WRONG_SECRET


def hosts(port: int, names: Iterable[str] = ()) -> frozenset[bytes]:
    """What Host may say. `names`: beside those of loopback."""
    every = [*LOOPBACK, *(name.lower() for name in names)]
    return frozenset(form.encode() for name in every for form in (name, f"{name}:{port}"))


RELAYED_REQUEST = Refusal(403, "relayed", "A proxy relayed this request. Ask from this host.")
BROWSER_REQUEST = Refusal(403, "browser", "A browser's page gets no token here.")
FOREIGN_HOST = Refusal(403, "foreign_host", "Host is not a name of this endpoint.")
WRONG_METHOD = Refusal(405, "wrong_method", "GET only.")
BODY = Refusal(413, "body", "A request has no body here.")
NO_SECRET = Refusal(403, "no_secret", "X-IDENTITY-HEADER is missing: send IDENTITY_HEADER's value.")
WRONG_SECRET = Refusal(403, "wrong_secret", "X-IDENTITY-HEADER is not IDENTITY_HEADER's value.")
