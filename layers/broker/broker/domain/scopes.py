"""Canonical scope sets: what a token is asked for, cached by, and held against.

RFC 6749 §3.3 gives the grammar; Microsoft adds that a token serves one resource and that a scope
without a resource belongs to Microsoft Graph.
https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from broker.domain.names import ScopeKey
from broker.domain.problems import Problem

GRAPH = "https://graph.microsoft.com"
OIDC = frozenset({"openid", "profile", "email", "offline_access"})
MAX_SCOPES = 50
MAX_LENGTH = 4096

# RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E )
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_ORIGIN = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*")


@dataclass(frozen=True, slots=True)
class ScopeSet:
    """Scopes of one resource, canonical: full names, sorted, each once."""

    resource: str
    scopes: tuple[str, ...]

    @property
    def key(self) -> ScopeKey:
        """SHA-256 (hex) of the set: what cached tokens are found by."""
        return ScopeKey(hashlib.sha256(self.text.encode()).hexdigest())

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
    """As `parse`, from a list."""
    found = sorted({_full(item, field) for item in items if item != ""} - {""})
    if len(found) > MAX_SCOPES:
        raise Problem("invalid_request", f"{field}: at most {MAX_SCOPES} scopes.")
    return tuple(found)


def _full(item: object, field: str) -> str:
    """One scope with its resource and lower-case host; '' for an OIDC scope."""
    if not isinstance(item, str) or not _TOKEN.fullmatch(item):
        raise Problem(
            "invalid_request",
            f"{field}: a scope has 1 to 255 visible ASCII characters, no quotes, no spaces.",
        )
    if item in OIDC:
        return ""
    full = item if "/" in item else f"{GRAPH}/{item}"
    return _ORIGIN.sub(lambda match: match.group().lower(), full)


def resource(scope: str) -> str:
    """The resource of a full scope name: all before the last slash."""
    return scope.rpartition("/")[0]


def group(scopes: Iterable[str]) -> dict[str, ScopeSet]:
    """Full scope names by resource."""
    found: dict[str, list[str]] = {}
    for scope in sorted(set(scopes)):
        found.setdefault(resource(scope), []).append(scope)
    return {name: ScopeSet(name, tuple(items)) for name, items in found.items()}


def single(text: str, field: str = "scope") -> ScopeSet:
    """The one scope set of a request; several resources or none are `invalid_request`."""
    sets = group(parse(text, field))
    if len(sets) != 1:
        raise Problem(
            "invalid_request", f"{field}: name scopes of exactly one resource; a token serves one."
        )
    (found,) = sets.values()
    pure(found, field)
    return found


def pure(wanted: ScopeSet, field: str) -> None:
    """Raise `invalid_request` if `/.default` stands beside names, which Microsoft refuses."""
    if len(wanted.scopes) > 1 and any(scope.endswith("/.default") for scope in wanted.scopes):
        raise Problem("invalid_request", f"{field}: /.default stands alone.")


def answered(text: str, wanted: str) -> tuple[str, ...]:
    """Full names of the scopes Microsoft answered, for the resource that was asked.

    Microsoft may answer short names (`User.Read`) or full ones; what cannot be read is kept as it
    is, so that it is shown and never matches a grant by accident.
    """
    found = set()
    for item in text.split():
        if item in OIDC:
            continue
        full = item if "/" in item or not _TOKEN.fullmatch(item) else f"{wanted}/{item}"
        found.add(_ORIGIN.sub(lambda match: match.group().lower(), full))
    return tuple(sorted(found))


def covers(held: Iterable[str], wanted: Iterable[str]) -> bool:
    """Whether every wanted scope is held."""
    return not missing(held, wanted)


def missing(held: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """The wanted scopes that are not held; Microsoft compares scope names without case."""
    have = {scope.lower() for scope in held}
    return tuple(scope for scope in wanted if scope.lower() not in have)
