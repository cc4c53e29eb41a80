"""The schedule: what is due is redeemed, and nobody needs to ask."""

from __future__ import annotations

import copy
import secrets
import time
from datetime import UTC, datetime

from tests.e2e.harness import Stack, until

ROTATION_SECONDS = 90.0
"""A one-time schedule fires within 10 s; queue, cold start and redemption follow."""


def test_a_one_time_copy_of_the_schedule_rotates_what_is_due(stack: Stack) -> None:
    due, idle = stack.connect(), stack.connect()
    token, kept, left = stack.fetch(due)["access_token"], stack.kept(due), stack.kept(idle)
    assert kept
    once = rotate_once(stack, due)
    assert stack.fetch(due)["access_token"] != token

    after = stack.kept(due)
    assert after
    assert after["sealed"]["data"] != kept["sealed"]["data"]
    assert after["generation"] == 2
    assert after["due_at"] > time.time()
    assert stack.kept(idle) == left
    scheduler = stack.client("scheduler")
    names = [found["Name"] for found in scheduler.list_schedules()["Schedules"]]
    assert once not in names, "a one-time schedule goes once it has fired"
    sent = [line["sent"] for line in stack.lines("rotate") if line.get("sent")]
    assert sum(sent) >= 1


def rotate_once(stack: Stack, name: str) -> str:
    """A one-time copy of the schedule finds this connection due; the copy's name."""
    before = stack.show(name)["generation"]
    stack.edit_kept(name, due_at=int(time.time()) - 1)
    stack.edit(name, next_refresh_at=int(time.time()) - 1)
    scheduler = stack.client("scheduler")
    schedule = scheduler.get_schedule(Name=stack.outputs["RotateScheduleName"])
    once = f"{schedule['Name']}-{secrets.token_hex(4)}"
    scheduler.create_schedule(
        Name=once,
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow=schedule["FlexibleTimeWindow"],
        Target=copy.deepcopy(schedule["Target"]),
        ActionAfterCompletion="DELETE",
    )
    until(lambda: stack.show(name)["generation"] > before, ROTATION_SECONDS, "a new generation")
    return once
