"""Canonical scopes: what a token is asked for, and which resource a caller's scopes choose.

RFC 6749 §3.3 gives the grammar; Microsoft adds that a token serves one resource, holds every
consented scope of it, and that a scope without a resource belongs to Microsoft Graph.
https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from broker.domain.problems import Problem

GRAPH = "https://graph.microsoft.com"
OIDC = frozenset({"openid", "profile", "email", "offline_access"})
DEFAULT = ".default"
"""`<resource>/.default`: whatever has been consented to there."""
MAX_SCOPES = 50
MAX_LENGTH = 4096
MAX_RESOURCES = 5
"""Resources of one connection: each is redeemed once right after the callback, in its 20 s, and
has at most one token and one failure in the connection's item."""

# RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)/*([^/]*)(.*)")


@dataclass(frozen=True, slots=True)
class ScopeSet:
    """Scopes of one resource, canonical: full names, sorted, each once."""

    resource: str
    scopes: tuple[str, ...]

    @property
    def text(self) -> str:
        """The set as a `scope` parameter."""
        return " ".join(self.scopes)


def parse(text: str, field: str = "scope") -> tuple[str, ...]:
    """Full names of all scopes in a space-separated text, of any number of resources.

    OIDC scopes are dropped: the broker adds what it needs. Raises `invalid_request`.
    """
    if len(text) > MAX_LENGTH:
        raise Problem("invalid_request", f"{field}: at most {MAX_LENGTH} characters.")
    return names(text.split(" "), field)


def names(items: Iterable[object], field: str = "scopes") -> tuple[str, ...]:
    """As `parse`, from a list. Of spellings that differ in case alone the first one counts."""
    canonical = spelled(filter(None, (_full(item, field) for item in items if item != "")))
    if len(canonical) > MAX_SCOPES:
        raise Problem("invalid_request", f"{field}: at most {MAX_SCOPES} scopes.")
    return canonical


def spelled(scopes: Iterable[str], like: Iterable[str] = ()) -> tuple[str, ...]:
    """Full names, each once and sorted. A scope or resource that differs only in case from one in
    `like`, or from an earlier one, is written as there: Microsoft compares without case."""
    spelling: dict[str, str] = {}
    for scope in like:
        spelling.setdefault(scope.lower(), scope)
        spelling.setdefault(resource(scope).lower(), resource(scope))
    distinct: dict[str, str] = {}
    for scope in scopes:
        where, _, name = scope.rpartition("/")
        full = f"{spelling.setdefault(where.lower(), where)}/{name}" if where else scope
        distinct.setdefault(scope.lower(), spelling.get(scope.lower(), full))
    return tuple(sorted(distinct.values()))


def _full(item: object, field: str) -> str:
    """One scope with its resource, host lower-case, slashes single; '' for an OIDC scope."""
    if not isinstance(item, str) or not _TOKEN.fullmatch(item):
        raise Problem(
            "invalid_request",
            f"{field}: a scope has 1 to 255 visible ASCII characters, no quotes, no spaces.",
        )
    full = _address(item if "/" in item else f"{GRAPH}/{item}")
    where, _, name = full.rpartition("/")
    if not name or not where or where.endswith("/"):
        raise Problem("invalid_request", f"{field}: a scope is <resource>/<permission>.")
    return "" if where == GRAPH and name.lower() in OIDC else full


def _address(text: str) -> str:
    """A URL or path with a lower-case scheme and host, and single slashes after it."""
    if url := _URL.fullmatch(text):
        scheme, host, path = url.groups()
        return f"{scheme}{host}".lower() + re.sub("/+", "/", path)
    return re.sub("/+", "/", text)


def resource(scope: str) -> str:
    """The resource of a full scope name: all before the last slash."""
    return scope.rpartition("/")[0]


def group(scopes: Iterable[str]) -> dict[str, ScopeSet]:
    """Full scope names by resource."""
    by_resource: dict[str, list[str]] = {}
    for scope in sorted(set(scopes)):
        by_resource.setdefault(resource(scope), []).append(scope)
    return {name: ScopeSet(name, tuple(items)) for name, items in by_resource.items()}


def choose(wanted: Iterable[str], consented: Iterable[str]) -> ScopeSet:
    """The connection's own scopes of the resource that a caller's scopes choose.

    A refresh token is bound to user and client alone, so the scopes of the *connection* are the
    limit: those wanted must all be among them, of one resource, or be `<resource>/.default` of one
    of its resources. Anything else is `scope_not_granted`.
    """
    lower = {scope.lower() for scope in wanted}
    for scope_set in group(consented).values():
        default = f"{scope_set.resource}/{DEFAULT}".lower()
        if lower == {default} or lower <= {scope.lower() for scope in scope_set.scopes}:
            return scope_set
    raise Problem(
        "scope_not_granted",
        "scope: must name scopes of one resource that the connection has, "
        "or <resource>/.default of one of its resources.",
    )


def pure(wanted: ScopeSet, field: str) -> None:
    """Raise `invalid_request` if `/.default` stands beside names, which Microsoft refuses."""
    if len(wanted.scopes) > 1 and any(map(is_default, wanted.scopes)):
        raise Problem("invalid_request", f"{field}: /.default stands alone.")


def is_default(scope: str) -> bool:
    """Whether it is a resource's `/.default`."""
    return scope.lower().endswith(f"/{DEFAULT}")


def answered(text: str, where: str, like: Iterable[str] = ()) -> tuple[str, ...]:
    """Full names of the scopes Microsoft answered for the resource `where`, spelled as in `like`.

    Microsoft may answer short names (`User.Read`) or full ones; what cannot be read is kept as it
    is, so that it is shown and never matches a grant by accident.
    """
    scopes = (scope for scope in text.split() if scope.lower() not in OIDC)
    readable = (
        _address(scope if "/" in scope else f"{where}/{scope}")
        if _TOKEN.fullmatch(scope)
        else scope
        for scope in scopes
    )
    return spelled(readable, like)


def covers(held: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether every wanted scope is held."""
    return not missing(held, wanted)


def missing(held: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The wanted scopes that are not held; Microsoft compares scope names without case."""
    have = {scope.lower() for scope in held}
    return tuple(scope for scope in wanted if scope.lower() not in have)
