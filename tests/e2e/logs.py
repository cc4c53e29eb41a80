"""Log groups of the emulator, read to their newest line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

PAGE = 10_000
"""FilterLogEvents of MiniStack 1.5.33 answers the oldest so many events and never a `nextToken`: a
paginator ends there without a word."""


def events(logs: Any, group: str, since: int = 0, page: int = PAGE) -> Iterator[dict[str, Any]]:
    """The events of all streams of a group, oldest first. `logs`: a boto3 client; `since`:
    milliseconds since the epoch. A full page is taken up to its last millisecond, where the next
    one begins."""
    while True:
        answer = logs.filter_log_events(logGroupName=group, startTime=since, limit=page)
        listed = answer["events"]
        if len(listed) < page:
            yield from listed
            return
        newest = listed[-1]["timestamp"]
        assert newest > since, f"{group}: a page of events in one millisecond"
        yield from (event for event in listed if event["timestamp"] < newest)
        since = newest


def groups(logs: Any) -> Iterator[str]:
    """The names of all groups."""
    for answer in logs.get_paginator("describe_log_groups").paginate():
        yield from (group["logGroupName"] for group in answer["logGroups"])
