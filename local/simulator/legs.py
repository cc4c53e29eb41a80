"""How every request runs: its faults first, then the work under the lock, then the late faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import Response

from . import faults
from .faults import Fault
from .world import World

Work = Callable[[list[Fault]], Response]

HELD_SECONDS = 60.0
"""At most: whoever held a request may be gone."""


def play(
    world: World,
    leg: str,
    subject: dict[str, Any],
    work: Work,
    refuse: Callable[[Any], Response],
) -> Response:
    """Answer one request. `work` and `refuse` are called with the world locked; `refuse` takes the
    refusal of the leg's own provider."""
    with world.lock:
        taken, dropped = faults.take(world.faults, leg, subject), world.dropped
    for fault in taken:
        if fault.kind == "slow":
            time.sleep(float(fault.fault["seconds"]))
        if fault.kind == "held":
            dropped.wait(HELD_SECONDS)
    for fault in taken:
        answer = None if fault.late else _instead(world, fault, refuse)
        if answer is not None:
            if not fault.refuses:  # a refusal has written its own line
                _record(world, leg, subject, fault)
            return answer
    with world.lock:
        answer = work(taken)
    for fault in taken:
        if fault.kind in faults.SPOILING:
            answer = faults.spoil(fault.fault, answer)
        elif fault.late:
            answer = _instead(world, fault, refuse) or answer
    return answer


def _instead(world: World, fault: Fault, refuse: Callable[[Any], Response]) -> Response | None:
    """What answers in the platform's place, if anything."""
    if fault.refuses:
        with world.lock:
            return refuse(faults.refusal(fault.fault))
    return faults.replacement(fault.fault) if fault.kind in faults.REPLACING else None


def _record(world: World, leg: str, subject: dict[str, Any], fault: Fault) -> None:
    with world.lock:
        known = {k: subject.get(k) for k in ("grant_type", "client_id", "user", "scope")}
        world.record(leg=leg, outcome=f"fault:{fault.kind}", number=None, **known)
