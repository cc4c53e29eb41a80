"""What an operator's action changed, for the audit log: names and principals, never a value that
may be secret or somebody's address. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.domain.connection import Connection
from broker.domain.grants import Grant
from broker.ports.ambient import Fact

NAMED = ("display_name", "purpose", "labels", "parameters", "contacts", "suspended")
"""Fields whose change is told by name; the grants are told one by one."""


@dataclass(frozen=True, slots=True)
class Done:
    """An action that was carried out: its answer, and what it changed."""

    answer: dict[str, Any] = field(repr=False)
    """Of links, it holds tickets."""
    changes: Mapping[str, Fact]


def changes(before: Connection | None, after: Connection) -> dict[str, Fact]:
    """What distinguishes the two; `before` None: the connection is new."""
    old, new = set(before.grants if before else ()), set(after.grants)
    told: dict[str, Fact] = {
        "grants_added": grants(new - old),
        "grants_removed": grants(old - new),
        "changed": _changed(before, after),
    }
    if before is not None and before.suspended != after.suspended:
        told["suspended"] = after.suspended
    return told


def link(after: Connection) -> dict[str, Fact]:
    """What the link that was opened last allows."""
    opened = after.open_link
    if opened is None:
        return {}
    return {
        "link": after.link,
        "scopes": list(opened.scopes),
        "allow_account_change": opened.allow_account_change,
        "send_link": opened.send,
    }


def _changed(before: Connection | None, after: Connection) -> list[str]:
    """Names of fields, and of the single labels and parameters."""
    names: list[str] = []
    for name in NAMED:
        old, new = getattr(before, name, None), getattr(after, name)
        if isinstance(new, Mapping):
            earlier: Mapping[str, Any] = old or {}
            keys = sorted(earlier.keys() | new.keys())
            names += [f"{name}.{key}" for key in keys if earlier.get(key) != new.get(key)]
        elif old != new and (before or new):
            names.append(name)
    return names


def grants(given: Iterable[Grant]) -> list[str]:
    """Each principal, with its scopes if it has only some."""
    return sorted(map(_grant, given))


def _grant(grant: Grant) -> str:
    """`principal`, or `principal: scope scope`."""
    if grant.scopes is None:
        return grant.principal
    return f"{grant.principal}: {' '.join(grant.scopes)}"
