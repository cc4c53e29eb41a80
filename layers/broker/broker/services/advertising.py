"""Faults of the Microsoft Advertising API: which cause, who must act, how.

"Invalid client data. Check the SOAP fault details" is a wrapper; the cause is the code inside.
https://learn.microsoft.com/advertising/guides/operation-error-codes

Numbers are used twice across services (207), so the symbol decides, then the number, then HTTP.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from broker.domain.problems import Actor
from broker.providers.error_catalogue import localized
from broker.providers.response import BODY_LIMIT, guid, load
from broker.providers.terms import Language, Text

LINK = "https://learn.microsoft.com/advertising/guides/operation-error-codes"

_REUSED = ("ConcurrentRequestOverLimit", 207)
"""207 is also an invalid postal address: shown beside its symbol, never taken for it."""
_WRAPPER = b"Invalid client data"
_LISTS = ("Errors", "OperationErrors", "BatchErrors")
_FAULTS = 20
_PAIR = re.compile(r"<(?:\w{1,32}:)?(Code|ErrorCode)>([A-Za-z0-9]{1,64})</")
_TRACKING = re.compile(r"TrackingId(?:>|\s{0,3}[:=]\s{0,3})([0-9a-fA-F-]{36})(?![0-9a-fA-F-])")


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, explained. Holds nothing unvetted."""

    code: int | None
    """Microsoft Advertising's number, where it is one that the catalogue knows."""
    symbol: str
    """Its symbol; `InvalidClientData` where no cause is known, `NotAuthorized` for 1001."""
    problem: str
    """A key of `broker.domain.problems.KINDS`."""
    actor: Actor
    retryable: bool
    tracking_id: str | None
    """A GUID: Microsoft Advertising support asks for it."""

    def text(self, language: Language = "en") -> Text:
        """What to tell people."""
        return told(self.symbol, language)


def diagnose_advertising(status: int, headers: Mapping[str, str], body: bytes) -> Finding:
    """A fault of the REST or SOAP API. `status` 0: no answer came. Never raises."""
    faults = list(_faults(body))[:_FAULTS]
    known = [(_cause(code, symbol), code) for code, symbol in faults]
    symbol, code = next(
        ((cause, code) for cause, code in known if cause),
        (_unknown(status, named=bool(faults) or _WRAPPER in body[:BODY_LIMIT]), None),
    )
    entry = catalogue()["findings"][symbol]
    return Finding(
        code=code if code in entry["codes"] or (symbol, code) == _REUSED else None,
        symbol=symbol,
        problem=entry["problem"],
        actor=entry["actor"],
        retryable=entry.get("retryable", False),
        tracking_id=_tracking(headers, body),
    )


def told(symbol: str, language: Language) -> Text:
    """The text of a symbol of the catalogue."""
    said = catalogue()["findings"][symbol][language]
    link = localized(LINK, language)
    return Text(symbol, said["title"], said["what"], said["remedy"], link, meaning="")


@cache
def catalogue() -> dict[str, Any]:
    """advertising.json."""
    path = Path(__file__).with_name("advertising.json")
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _unknown(status: int, *, named: bool) -> str:
    """SOAP faults are always HTTP 500: one that names a cause is no outage, known or not."""
    symbol: str | None = catalogue()["statuses"].get(str(status))
    outage = not named and (status >= 500 or status == 0)
    return symbol or ("InternalError" if outage else "InvalidClientData")


def _cause(code: int | None, symbol: str | None) -> str | None:
    findings: dict[str, Any] = catalogue()["findings"]
    if symbol in findings and symbol != "InvalidClientData":
        return symbol
    if symbol:  # a symbol the catalogue does not know: its number may mean something else
        return None
    return next((name for name, entry in findings.items() if code in entry["codes"]), None)


def _faults(body: bytes) -> Iterator[tuple[int | None, str | None]]:
    """(number, symbol) of each error inside."""
    data = load(body)
    if isinstance(data, dict):
        for name in _LISTS:
            errors = data.get(name)
            for error in errors[:_FAULTS] if isinstance(errors, list) else ():
                if isinstance(error, dict):
                    yield _number(error.get("Code")), _word(error.get("ErrorCode"))
    elif len(body) <= BODY_LIMIT:
        yield from _soap(body.decode("utf-8", "replace"))


def _soap(text: str) -> Iterator[tuple[int | None, str | None]]:
    """<Code>105</Code>...<ErrorCode>InvalidCredentials</ErrorCode>, in this order, per error."""
    code: int | None = None
    for name, value in _PAIR.findall(text):
        if name == "ErrorCode":
            yield code, value
            code = None
        else:
            if code is not None:
                yield code, None
            code = _number(value)
    if code is not None:
        yield code, None


def _number(value: object) -> int | None:
    """64-bit numbers come as strings in this API's JSON; codes have at most a few digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 1_000_000 else None
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value) else None


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _tracking(headers: Mapping[str, str], body: bytes) -> str | None:
    for name, value in headers.items():
        if str(name).lower() == "trackingid" and guid(value):
            return guid(value)
    data = load(body)
    if isinstance(data, dict) and guid(data.get("TrackingId")):
        return guid(data["TrackingId"])
    found = _TRACKING.search(body[:BODY_LIMIT].decode("utf-8", "replace"))
    return guid(found.group(1)) if found else None
