"""The service catalogue: what each Microsoft service needs, kept as data (`services.json`)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from broker.domain import scopes as sets
from broker.domain.names import SHARED_TENANTS
from broker.domain.problems import Problem


@dataclass(frozen=True, slots=True)
class Probe:
    """How to see whether a token really works: which check, and on which host."""

    kind: Literal["advertising", "graph"]
    url: str
    under: str = ""
    """Path below the one host that stands in for all of this kind, where the operator names one."""

    def at(self, hosts: Mapping[str, str]) -> str:
        """Where to call. `hosts`: kind → URL that replaces the service's own; '' replaces none."""
        replaced = hosts.get(self.kind)
        return f"{replaced}{self.under}" if replaced else self.url


@dataclass(frozen=True, slots=True)
class Service:
    """One entry. `resource` is a pattern for the customer's own host; `scopes` and `required` are
    full names then only after `plan`."""

    name: str
    title: str
    scopes: tuple[str, ...]
    required: tuple[str, ...]
    tenant: str
    probe: Probe | None
    """None: the service's API is not called, only the token is looked at."""
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a connection asks for: the service's own resource, and the scopes of all resources."""

    resource: str
    scopes: tuple[str, ...]


@cache
def load() -> dict[str, Service]:
    """All services by name."""
    text = Path(__file__).with_name("services.json").read_text(encoding="utf-8")
    return {name: _service(name, entry) for name, entry in json.loads(text).items()}


def _service(name: str, entry: dict[str, Any]) -> Service:
    scopes, required = tuple(entry.pop("scopes")), tuple(entry.pop("required"))
    probe = entry.pop("probe")
    return Service(
        name=name,
        scopes=scopes,
        required=required,
        probe=Probe(**probe) if probe else None,
        **entry,
    )


def find(name: object) -> Service:
    """The service, or `invalid_request` with the names there are."""
    services = load()
    if not isinstance(name, str) or name not in services:
        raise Problem("invalid_request", f"service: must be one of {', '.join(services)}.")
    return services[name]


def plan(service: Service, resource: object, wanted: Sequence[object] | None) -> Plan:
    """The scopes of a connection: those asked for (else the service's) and those it requires.

    Raises `invalid_request` for a resource outside the service's pattern, for too many resources,
    and when nothing is asked of the service itself.
    """
    host = _host(service, resource)
    usual = tuple(_full(host, scope) for scope in service.scopes)
    required = tuple(_full(host, scope) for scope in service.required)
    chosen = sets.names(wanted) if wanted else usual
    everything = sets.spelled((*required, *chosen), like=usual)
    groups = sets.group(everything)
    own_resource = sets.resource(usual[0])
    if own_resource not in groups:
        raise Problem("invalid_request", f"scopes: ask for at least one scope of {own_resource}.")
    if len(groups) > sets.MAX_RESOURCES:
        raise Problem("invalid_request", f"scopes: at most {sets.MAX_RESOURCES} resources.")
    for group in groups.values():
        sets.pure(group, "scopes")
    return Plan(own_resource, everything)


def required(service: str, own_resource: str) -> tuple[str, ...]:
    """The scopes without which the service's API refuses a token, as full names."""
    entry = load()[service]
    return tuple(
        scope if entry.resource is None else f"{own_resource}/{scope}" for scope in entry.required
    )


def _host(service: Service, resource: object) -> str:
    if service.resource is None:
        if resource is not None:
            raise Problem("invalid_request", f"resource: {service.name} has its own; leave it out.")
        return ""
    lower = resource.rstrip("/").lower() if isinstance(resource, str) else ""
    if not re.fullmatch(service.resource, lower, re.ASCII):
        raise Problem(
            "invalid_request", f"resource: must match {service.resource} for {service.name}."
        )
    return lower


def _full(host: str, scope: str) -> str:
    return f"{host}/{scope}" if host else scope


def check(service: Service) -> None:
    """Raise ValueError when an entry is not sound; run over all of them by the tests."""
    for scope in (*service.scopes, *service.required):
        if ("/" in scope) == (service.resource is not None):
            raise ValueError(f"{service.name}: {scope} and a resource pattern do not fit")
    if not set(service.required) <= set(service.scopes):
        raise ValueError(f"{service.name}: a required scope is not asked for")
    if service.tenant not in SHARED_TENANTS:
        raise ValueError(f"{service.name}: the default tenant must fit every customer")
    if len({sets.resource(scope) for scope in service.scopes}) != 1:
        raise ValueError(f"{service.name}: a service is one resource")
