"""Scope strings against the resources that exist.

No prefix means Microsoft Graph; a resource is named by its identifier or its application id.
https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .directory import Resource
from .errors import Refusal

OIDC = ("openid", "profile", "email", "offline_access")
GRAPH = "https://graph.microsoft.com"
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 §3.3
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Permission:
    """One scope of one resource. `asked`: as the request wrote it; `.default` stands for all."""

    resource: str
    names: tuple[str, ...]
    asked: str
    admin_only: bool = False
    label: str = ""

    @property
    def full(self) -> set[str]:
        """The scopes with their resource, as answers carry them."""
        return {f"{self.resource}/{name}" for name in self.names}


@dataclass(frozen=True, slots=True)
class Asked:
    """A parsed scope parameter: OIDC scopes and permissions, in the order asked."""

    oidc: tuple[str, ...]
    permissions: tuple[Permission, ...]

    @property
    def resources(self) -> list[str]:
        """The distinct resources; only OIDC scopes mean Graph."""
        return list(dict.fromkeys(p.resource for p in self.permissions)) or [GRAPH]

    def only(self, resource: str) -> Asked:
        """What was asked of one resource."""
        return Asked(self.oidc, tuple(p for p in self.permissions if p.resource == resource))


def parse(text: str, resources: list[Resource]) -> Asked:
    """Split and resolve. Raises Refusal: 70011 malformed, 500011 no resource, 650053 no scope."""
    items = text.split(" ")
    if not all(_TOKEN.fullmatch(item) for item in items):
        raise Refusal(70011)
    oidc = tuple(dict.fromkeys(item for item in items if item in OIDC))
    permissions = [_permission(item, resources) for item in items if item not in OIDC]
    unique = {(p.resource, p.names): p for p in permissions}
    asked = Asked(oidc, tuple(unique.values()))
    for resource in asked.resources:
        some = asked.only(resource).permissions
        if len(some) > 1 and any(p.asked.endswith("/.default") for p in some):
            raise Refusal(70011, text="'.default' cannot be combined with a resource's scopes.")
    return asked


def _permission(item: str, resources: list[Resource]) -> Permission:
    prefix, _, name = item.rpartition("/")
    found = _resolve(prefix.rstrip("/") or GRAPH, resources)
    if found is None:
        raise Refusal(500011, text=f"The resource principal named {prefix} was not found.")
    resource, identifier = found
    if name == ".default":  # registrations here list every scope that a user may consent to
        names = tuple(n for n in resource.scopes if n not in (*resource.admin_only, "ads.manage"))
        return Permission(identifier, names, item, label=resource.name)
    for known, label in resource.scopes.items():
        if known.lower() == name.lower():
            return Permission(identifier, (known,), item, known in resource.admin_only, label)
    raise Refusal(650053, text=f"The scope '{name}' does not exist on the resource.")


def _resolve(prefix: str, resources: list[Resource]) -> tuple[Resource, str] | None:
    wanted = prefix.lower()
    for resource in resources:
        if "{host}" not in resource.id:
            if wanted in (resource.id, resource.app_id):
                return resource, resource.id
            continue
        before, after = resource.id.split("{host}")
        host = wanted.removeprefix(before).removesuffix(after)
        if wanted == before + host + after and _HOST.fullmatch(host):
            return resource, wanted
    return None
