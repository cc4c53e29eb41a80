"""What a refusal leaves behind: a log line with its reason, a metric, and no change."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.harness import LOG_SECONDS, Stack, until

UNDERWAY = {"starts", "started_at", "opened_at", "returned_at"}
"""What a ticket counts and remembers of attempts."""


@contextmanager
def unchanged(stack: Stack) -> Iterator[None]:
    """Whatever happens meanwhile, stored data stays as it was; attempts come and go, and a page
    may hand the owner a link for the administrator."""
    before = standing(stack)
    yield
    after = standing(stack)
    links = {item for item in after["AuthorizationsTableName"] if '"kind": "admin"' in item}
    links -= set(before["AuthorizationsTableName"])
    after["AuthorizationsTableName"] = sorted(set(after["AuthorizationsTableName"]) - links)
    assert after == before


@contextmanager
def refusal(stack: Stack, function: str, code: str, reason: str = "") -> Iterator[None]:
    """What happens meanwhile is refused by a function: it logs code and reason, counts the code,
    and changes nothing."""
    begun = int(time.time() * 1000)
    notes, metrics = told(stack, function, code, reason, begun)
    with unchanged(stack):
        yield

    def both() -> bool:
        now = told(stack, function, code, reason, begun)
        return now[0] > notes and now[1] > metrics

    until(both, LOG_SECONDS, f"{function}'s log line and metric with {code} {reason!r}")


def told(stack: Stack, function: str, code: str, reason: str, since: int) -> tuple[int, int]:
    """How many log lines say so, and how many metrics count the code, since a millisecond."""
    lines = [line for line in stack.lines(function, since) if line.get("code") == code]
    notes = [line for line in lines if "message" in line and reason in line.get("reason", "")]
    metrics = [line for line in lines if "_aws" in line]
    return len(notes), len(metrics)


def standing(stack: Stack) -> dict[str, list[str]]:
    """Everything stored, without what is under way."""
    tables = stack.tables()
    for item in tables["ConnectionsTableName"]:
        item.pop("consent_error", None)  # keeps why a consent was refused
    tables["AuthorizationsTableName"] = [
        {key: value for key, value in item.items() if key not in UNDERWAY}
        for item in tables["AuthorizationsTableName"]
        if not item["id"].startswith(("state#", "outcome#"))
    ]
    return {name: sorted(_text(item) for item in items) for name, items in tables.items()}


def _text(item: dict[str, Any]) -> str:
    return json.dumps(item, sort_keys=True, default=bytes.hex)
