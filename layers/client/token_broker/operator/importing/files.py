"""Rows of CSV, JSON lines and MSAL token caches. Pure: takes text, opens nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from token_broker.operator.importing.rows import FIELDS, LINK, BadRow, Defaults, Row, row

Item = Row | BadRow


def attempt(work: Callable[[], Row]) -> Item:
    """The row, or what is wrong with it."""
    try:
        return work()
    except BadRow as bad:
        return bad


def table(text: str, defaults: Defaults) -> Iterator[Item]:
    """CSV with a header (RFC 4180). Raises ValueError for unknown columns: a misspelt one would
    be without effect in every row."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns = {*(reader.fieldnames or ())}
    if unknown := columns - FIELDS:
        raise ValueError(f"Unknown column(s): {', '.join(sorted(unknown))}.")
    if not columns >= {"connection", "refresh_token"}:
        raise ValueError("The columns connection and refresh_token are needed.")
    try:
        for number, fields in enumerate(reader, 1):
            yield attempt(lambda n=number, f=fields: _cells(f"row {n}", f, defaults))  # type: ignore[misc]
    except csv.Error:
        yield BadRow(f"line {reader.line_num}", "It is not CSV from here on.")


def _cells(source: str, fields: Mapping[str | None, Any], defaults: Defaults) -> Row:
    if None in fields:
        raise BadRow(source, "It has more cells than the header.")
    return row(source, {str(name): cell for name, cell in fields.items()}, defaults)


def lines(text: str, defaults: Defaults) -> Iterator[Item]:
    """One JSON object a line."""
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        if line.strip():
            yield attempt(lambda n=number, part=line: _line(f"line {n}", part, defaults))  # type: ignore[misc]


def _line(source: str, text: str, defaults: Defaults) -> Row:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise BadRow(source, "It is not a JSON object.")
    return row(source, given, defaults)


def cache(text: str, defaults: Defaults) -> Iterator[Item]:
    """A serialized token cache of MSAL: every refresh token in it, named by its account.

    The format is the same in all MSAL libraries:
    https://learn.microsoft.com/entra/msal/python/advanced/msal-python-token-cache-serialization
    """
    try:
        found = json.loads(text)
        tokens, accounts = [*found["RefreshToken"].values()], [*found["Account"].values()]
        owners = {(one["home_account_id"], one["environment"]): one for one in accounts}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("It is no serialized token cache of MSAL.") from None
    for number, entry in enumerate(tokens, 1):
        owner = owners.get((entry.get("home_account_id"), entry.get("environment")), {})
        yield attempt(lambda n=number, e=entry, o=owner: _cached(f"token {n}", e, o, defaults))  # type: ignore[misc]


def _cached(
    source: str, entry: Mapping[str, Any], owner: Mapping[str, Any], defaults: Defaults
) -> Row:
    """`family_id` marks tokens of Microsoft's own public clients, which share them."""
    username = str(owner.get("username") or entry.get("home_account_id") or source)
    name = re.sub("[^a-z0-9]+", "-", username.lower()).strip("-")[:63]
    if entry.get("family_id"):
        raise BadRow(
            source,
            "The token was issued to a public client: it cannot be redeemed with a secret.",
            defaults.prefix + name,
            code="refresh_token_refused",
            remedy=LINK,
        )
    account = {"object_id": owner.get("local_account_id"), "tenant_id": owner.get("realm")}
    given = {
        "connection": name,
        "refresh_token": entry.get("secret"),
        "client_id": entry.get("client_id"),
        "account": {key: value for key, value in account.items() if value},
    }
    return row(source, given, defaults)
