"""Rows of CSV, JSON lines and MSAL token caches. Pure: takes text, opens nothing."""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from token_broker._json import decode
from token_broker.errors import TokenBrokerError
from token_broker.operator.importing.rows import FIELDS, LINK, BadRow, Defaults, Row, row

Item = Row | BadRow
Owners = Mapping[tuple[str, str], Mapping[str, Any]]
"""Accounts of a cache, by what their tokens hold of them."""


def _bad_file(detail: str) -> TokenBrokerError:
    """Of a file that is not even begun. `detail` holds nothing of it."""
    return TokenBrokerError("invalid_request", detail, title="The file cannot be meant")


def attempt(work: Callable[[], Row]) -> Item:
    """The row, or what is wrong with it."""
    try:
        return work()
    except BadRow as bad:
        return bad


def table(text: str, defaults: Defaults) -> Iterator[Item]:
    """CSV with a header (RFC 4180). Raises InvalidArgument for unknown columns: a misspelt one
    would be without effect in every row. It tells their places alone: without a header, the first
    line is a row with a token."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        columns = [*(reader.fieldnames or ())]
    except csv.Error:
        raise _bad_file("The first line is not CSV.") from None
    _check(columns)
    try:
        for number, fields in enumerate(reader, 1):
            yield attempt(lambda n=number, f=fields: _cells(f"row {n}", f, defaults))  # type: ignore[misc]
    except csv.Error:
        yield BadRow(f"line {reader.line_num}", "It is not CSV from here on.")


def _check(columns: list[str]) -> None:
    """The names in the header. Raises InvalidArgument."""
    unknown = [_unknown(place, name) for place, name in enumerate(columns, 1) if name not in FIELDS]
    if unknown:
        raise _bad_file(f"The first line has to name the columns; unknown: {', '.join(unknown)}.")
    if not {*columns} >= {"connection", "refresh_token"}:
        raise _bad_file("The columns connection and refresh_token are needed.")
    if len({*columns}) < len(columns):
        raise _bad_file("The first line names a column twice.")


def _unknown(place: int, name: str) -> str:
    """A column by its place, and what it may have been meant for."""
    close = difflib.get_close_matches(name[:40], FIELDS, 1)
    return f"column {place} ({close[0]}?)" if close else f"column {place}"


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
        given = decode(text)
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
        found = decode(text)
        tokens, accounts = [*found["RefreshToken"].values()], [*found["Account"].values()]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _bad_file("It is no serialized token cache of MSAL.") from None
    owners = {_holder(one): one for one in accounts if isinstance(one, dict)}
    for number, entry in enumerate(tokens, 1):
        yield attempt(lambda n=number, e=entry: _cached(f"token {n}", e, owners, defaults))  # type: ignore[misc]


def _holder(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Whose an entry of a cache is: accounts and tokens have it in common."""
    return str(entry.get("home_account_id")), str(entry.get("environment"))


def _cached(source: str, entry: object, owners: Owners, defaults: Defaults) -> Row:
    """`family_id` marks tokens of Microsoft's own public clients, which share them."""
    if not isinstance(entry, dict):
        raise BadRow(source, "It is not an object.")
    owner = owners.get(_holder(entry), {})
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
