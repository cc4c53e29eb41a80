"""Items and the frozen values of `domain`.

Writing needs no more than the names of the fields (`codec.wrap`); reading says for each what it
was. An attribute that a projection left out is at its default.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from broker.adapters.dynamodb.codec import Plain
from broker.domain.attempts import LinkKind, OpenLink, Progress, State, Ticket
from broker.domain.connection import (
    Account,
    Check,
    Connection,
    Due,
    Expected,
    Failure,
    Findings,
    Sealed,
    Status,
    StoredRefreshToken,
    Suspicion,
    Token,
)
from broker.domain.contacts import Contact
from broker.domain.grants import Grant
from broker.domain.problems import Provider
from broker.domain.secret import Secret
from broker.ports.stores import Fault


def connection(item: Plain) -> Connection:
    """The connection of an item, whole or projected."""
    return Connection(
        **_known(Connection, item)
        | {
            "status": Status(item["status"]),
            "scopes": tuple(item["scopes"]),
            "tickets": tuple(item.get("tickets", ())),
            "open_link": _open_link(item.get("open_link")),
            "expected": Expected(**_known(Expected, item.get("expected", {}))),
            "account": _maybe(Account, item.get("account")),
            "contacts": _each(_contact, item.get("contacts")),
            "grants": tuple(_grant(grant) for grant in item.get("grants", ())),
            "parameters": _each(_sealed, item.get("parameters")),
            "granted": _each(tuple, item.get("granted")),
            "tokens": _each(_token, item.get("tokens")),
            "failures": _each(_failure, item.get("failures")),
            "last_error": _failure(item["last_error"]) if "last_error" in item else None,
            "consent_error": _failure(item["consent_error"]) if "consent_error" in item else None,
            "findings": _findings(item.get("findings")),
            "suspicion": _maybe(Suspicion, item.get("suspicion")),
        }
    )


def stored(item: Plain) -> StoredRefreshToken:
    """The refresh token of an item of the vault."""
    return StoredRefreshToken(
        **{"due_at": None} | _known(StoredRefreshToken, item) | {"sealed": _sealed(item["sealed"])}
    )


def due(item: Plain) -> Due:
    """An entry of the due index."""
    return Due(**_known(Due, item))


def ticket(item: Plain) -> Ticket:
    """A ticket."""
    return Ticket(**_known(Ticket, item) | {"kind": LinkKind(item["kind"])})


def state(item: Plain) -> State:
    """A state."""
    return State(
        **_known(State, item)
        | {"kind": LinkKind(item["kind"]), "verifier": Secret(item["verifier"])}
    )


def progress(item: Plain) -> Progress:
    """How far an attempt has come, its page parsed already."""
    return Progress(**_known(Progress, item))


def fault(item: Plain) -> Fault:
    """An open breaker."""
    return Fault(**_known(Fault, item))


def sealed(item: Plain) -> Sealed:
    """Sealed bytes."""
    return _sealed(item["sealed"])


def _known(kind: type, item: Plain) -> dict[str, Any]:
    # Attributes that a later version wrote do not matter to this one.
    return {part.name: item[part.name] for part in fields(kind) if part.name in item}


def _maybe(kind: Any, item: Plain | None) -> Any:
    return None if item is None else kind(**_known(kind, item))


def _each(read: Any, items: Plain | None) -> dict[str, Any]:
    return {name: read(item) for name, item in (items or {}).items()}


def _contact(item: Plain) -> Contact:
    return Contact(**_known(Contact, item))


def _open_link(item: Plain | None) -> OpenLink | None:
    if item is None:
        return None
    return OpenLink(**_known(OpenLink, item) | {"scopes": tuple(item["scopes"])})


def _grant(item: Plain) -> Grant:
    limit = item.get("scopes")
    return Grant(item["principal"], None if limit is None else tuple(limit))


def _sealed(item: Plain) -> Sealed:
    return Sealed(**_known(Sealed, item))


def _token(item: Plain) -> Token:
    return Token(**_known(Token, item) | {"sealed": _sealed(item["sealed"])})


def _failure(item: Plain) -> Failure:
    provider = item.get("provider", {})
    return Failure(
        **_known(Failure, item)
        | {
            "provider": Provider(
                **_known(Provider, provider)
                | {"error_codes": tuple(provider.get("error_codes", ()))}
            )
        }
    )


def _findings(item: Plain | None) -> Findings | None:
    if item is None:
        return None
    return Findings(item["at"], tuple(Check(**_known(Check, check)) for check in item["checks"]))
