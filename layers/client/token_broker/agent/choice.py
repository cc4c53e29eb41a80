"""Which connection, and which of its scopes, a question means. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from token_broker import _wire
from token_broker.agent.request import brief
from token_broker.errors import TokenBrokerError

DEFAULT = "/.default"
MAX_RESOURCE = 1024
"""Characters."""

APPLICATIONS = {
    "00000003-0000-0000-c000-000000000000": "https://graph.microsoft.com",
    "d42ffc93-c136-491d-b4fd-6f18168c68fd": "https://ads.microsoft.com",
    "00000009-0000-0000-c000-000000000000": "https://analysis.windows.net/powerbi/api",
}
"""Application ids of Microsoft's own APIs, which libraries may name instead of the URL.

https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
"""
DEEP = frozenset({"https://analysis.windows.net/powerbi/api"})
"""Resources with a path. Elsewhere what follows the host is a scope's name."""

_VISIBLE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""Characters of a scope (RFC 6749 §3.3)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the agent was told to serve.

    connections  none: whatever this host's AWS role has a grant for
    maps         canonical resource, perhaps with a scope's name → connection
    """

    connections: tuple[str, ...] = ()
    maps: Mapping[str, str] = field(default_factory=dict)

    def connection(self, client_id: str | None, resource: str) -> str:
        """`client_id` names it, else the map, else there is only one. Raises `invalid_request`."""
        if client_id is not None:
            return self.named(client_id)
        mapped = self._mapped(canonical(resource))
        if mapped:
            return mapped
        if len(self.connections) == 1:
            return self.connections[0]
        asked = brief(resource)
        detail = f"Nothing says whose token {asked} is. {self._choices()}"
        raise TokenBrokerError("invalid_request", detail, remedy=NAME_IT)

    def named(self, client_id: str) -> str:
        """A connection by its name, if the agent serves it."""
        name = _wire.key(brief(client_id, 64), None).connection
        served = {*self.connections, *self.maps.values()}
        if served and name not in served:
            detail = f"client_id={name}: no such connection is served here. {self._choices()}"
            raise TokenBrokerError("invalid_request", detail, remedy=NAME_IT)
        return name

    def _mapped(self, resource: str) -> str | None:
        """The longest mapped resource that the asked one is, or lies under."""
        while resource:
            if resource in self.maps:
                return self.maps[resource]
            resource = resource.rpartition("/")[0].rstrip("/:")
        return None

    def _choices(self) -> str:
        served = sorted({*self.connections, *self.maps.values()})
        return f"Served are: {', '.join(served)}." if served else "Any connection may be named."


NAME_IT = (
    "Name the connection in client_id (AZURE_CLIENT_ID, or the credential's client id), "
    "or start the agent with --map RESOURCE=CONNECTION."
)


def canonical(resource: str) -> str:
    """One spelling of a resource: application ids as URLs, scheme and host in lower case, no slash
    at the end. Raises `invalid_request` for what can be none."""
    if len(resource) > MAX_RESOURCE or not _VISIBLE.fullmatch(resource):
        detail = f"resource is 1 to {MAX_RESOURCE} visible ASCII characters."
        raise TokenBrokerError("invalid_request", detail)
    named = resource.removesuffix(DEFAULT)
    head, slash, scope = named.partition("/")
    if head.lower() in APPLICATIONS:
        return (APPLICATIONS[head.lower()] + slash + scope).rstrip("/")
    try:
        parts = urlsplit(named)
    except ValueError:
        raise TokenBrokerError("invalid_request", "resource is no URL.") from None
    if not parts.netloc:
        return named.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}".lower() + parts.path.rstrip("/")


def scopes(resource: str) -> tuple[str, ...]:
    """What the broker is asked for, the likelier first.

    SDKs cut `/.default` off and leave a named scope whole, so what has a path may be either. (The
    broker refuses what is not the connection's before it does anything else.)
    """
    name = canonical(resource)
    has_path = "/" in name.rpartition("://")[2]
    if has_path and name not in DEEP:
        return (name, name + DEFAULT)
    return (name + DEFAULT,)
