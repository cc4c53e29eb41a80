"""What other tests look for in logs is there, however much was written and however busy the machine
is."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator

import pytest

from local import servers
from local.template import ROOT
from tests.e2e.harness import Stack
from tests.e2e.logs import PAGE, events, groups

BEGUN = 1_750_000_000_000
"""Milliseconds since the epoch."""


@pytest.fixture
def group(stack: Stack) -> Iterator[str]:
    """A log group of nobody else."""
    name = f"/tests/{secrets.token_hex(4)}"
    stack.client("logs").create_log_group(logGroupName=name)
    yield name
    stack.client("logs").delete_log_group(logGroupName=name)


def write(stack: Stack, group: str, stream: str, messages: list[str], each: int) -> None:
    """Fill a stream, `each` events in one millisecond."""
    logs = stack.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    entries = [
        {"timestamp": BEGUN + number // each, "message": message}
        for number, message in enumerate(messages)
    ]
    for first in range(0, len(entries), PAGE):
        batch = entries[first : first + PAGE]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)


def test_a_log_of_more_than_a_page_is_read_to_its_newest_line(stack: Stack, group: str) -> None:
    messages = [f"line {number}" for number in range(PAGE + 2_000)]
    write(stack, group, "long", [*messages, "newest"], each=1)
    assert [event["message"] for event in events(stack.client("logs"), group)] == [
        *messages,
        "newest",
    ]


@pytest.mark.parametrize("page", [7, 8, 9])
def test_events_of_one_millisecond_come_once_each(stack: Stack, group: str, page: int) -> None:
    for stream in ("first", "second"):
        write(stack, group, stream, [f"{stream} {number}" for number in range(20)], each=3)
    found = [event["message"] for event in events(stack.client("logs"), group, page=page)]
    assert len(found) == 40
    assert set(found) == {f"{stream} {n}" for stream in ("first", "second") for n in range(20)}


def test_more_events_than_a_page_in_one_millisecond_are_told(stack: Stack, group: str) -> None:
    write(stack, group, "burst", ["line"] * 7, each=7)
    with pytest.raises(AssertionError, match="in one millisecond"):
        list(events(stack.client("logs"), group, page=6))


def test_only_what_came_since(stack: Stack, group: str) -> None:
    write(stack, group, "short", ["a", "b", "c"], each=1)
    found = events(stack.client("logs"), group, since=BEGUN + 1)
    assert [event["message"] for event in found] == ["b", "c"]


def test_all_groups_are_listed(stack: Stack, group: str) -> None:
    logs, many = stack.client("logs"), [f"{group}/{number}" for number in range(60)]
    for name in many:
        logs.create_log_group(logGroupName=name)
    try:
        assert {group, *many} <= set(groups(logs))
    finally:
        for name in many:
            logs.delete_log_group(logGroupName=name)


def late_lines(*arguments: str) -> list[str]:
    """The logs of two calls whose lines are read late."""
    ran = subprocess.run(
        [str(servers.emulator_python()), "-m", "tests.e2e.late_lines", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    logs: list[str] = json.loads(ran.stdout)
    return logs


def test_a_call_waits_for_its_whole_log() -> None:
    assert late_lines() == ["first of 1\nsecond of 1", "first of 2\nsecond of 2"]


def test_lines_that_are_read_late_would_be_missed() -> None:
    """The emulator as it comes: if this fails, local/emulator.py may no longer be needed."""
    assert late_lines("--as-it-comes")[0] == ""
