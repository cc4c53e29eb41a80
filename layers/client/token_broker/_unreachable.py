"""Why no answer came: which host, what happened to the connection, and whether that heals.

The exceptions of requests stay here: they hold the signed request, and a log that shows an error's
cause would keep it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from token_broker.errors import TokenBrokerError

URL = "Check the API URL (the output ApiUrl of the broker's stack)."
NETWORK = "Check this machine's network: route, VPC endpoint, security group, proxy."


class Reason(NamedTuple):
    """`heals`: the same request may well succeed a little later."""

    text: str
    remedy: str = NETWORK
    heals: bool = False


def unreachable(error: Exception, url: str, connection: str | None) -> TokenBrokerError:
    """The error for what requests, urllib3 or the socket raised on the way to `url`."""
    reason = _reason(error)
    return TokenBrokerError(
        "unreachable",
        f"{urlsplit(url).hostname}: {reason.text}",
        connection=connection,
        actor="nobody" if reason.heals else "caller",
        remedy=reason.remedy,
        retryable=reason.heals,
    )


def _reason(error: Exception) -> Reason:
    causes = [*_causes(error)]
    for kind, told in _REASONS:
        for cause in causes:
            if isinstance(cause, kind):
                return told(cause) if callable(told) else told
    return Reason(f"the connection broke ({type(error).__name__}).", heals=True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it was made from; urllib3 keeps the first one in args or `reason`."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            more = (getattr(cause, "reason", None), cause.__cause__, cause.__context__)
            waiting += [*cause.args, *more]


def _certificate(error: BaseException) -> Reason:
    said = getattr(error, "verify_message", "") or "it cannot be verified"
    remedy = f"{URL} Behind a proxy that inspects TLS, name its CA file in REQUESTS_CA_BUNDLE."
    return Reason(f"TLS: its certificate is not trusted: {said}.", remedy)


def _name(error: BaseException) -> Reason:
    """https://man7.org/linux/man-pages/man3/getaddrinfo.3.html: EAI_AGAIN is the name server."""
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return Reason("DNS: no answer for this name.", f"{URL} {NETWORK}", heals=True)
    return Reason("DNS: there is no such host.", URL)


_REASONS = (
    (requests.exceptions.ProxyError, Reason("the proxy cannot be reached or refuses.")),
    (ssl.SSLCertVerificationError, _certificate),
    (ssl.SSLError, Reason("TLS: the handshake failed; it may not speak https.", URL)),
    (socket.gaierror, _name),
    (UnicodeError, Reason("DNS: that is no host name.", URL)),
    (ConnectionRefusedError, Reason("the connection was refused.", URL)),
    (requests.exceptions.ConnectTimeout, Reason("no connection in time.", heals=True)),
    (requests.exceptions.Timeout, Reason("no answer in time.", heals=True)),
    (requests.exceptions.InvalidURL, Reason("that is no URL.", URL)),
)
"""What to look for among the causes, in this order; the rest are broken connections."""
