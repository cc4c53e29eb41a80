"""rotate: invoked by EventBridge Scheduler; sends what is due to the queue."""

from __future__ import annotations

from typing import Any

from broker import wiring
from broker.adapters.telemetry import Telemetry

TELEMETRY = Telemetry("rotate")
STEP = wiring.rotate_step(TELEMETRY)


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001
    """Answers how many orders were sent."""
    try:
        return {"sent": STEP.run(lambda: context.get_remaining_time_in_millis() / 1000)}
    finally:
        TELEMETRY.flush()
