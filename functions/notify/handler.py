"""notify: takes batches of the bus's events from a queue. What must wait goes back into it."""

from __future__ import annotations

from typing import Any

from broker import wiring
from broker.adapters.telemetry import Telemetry
from broker.domain import notices
from broker.domain.notices import Notice

TELEMETRY = Telemetry("notify")
STEP = wiring.notify_step(TELEMETRY)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """SQS records with EventBridge's events to the messages that must be looked at again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    messages: dict[str, Notice] = {}
    for record in event["Records"]:
        notice = notices.parse(record["body"])
        if notice:
            messages[record["messageId"]] = notice
        else:  # nothing of it can ever be told
            TELEMETRY.note("notice_ignored", reason="malformed")
    try:
        later = STEP.run(messages)
    finally:
        TELEMETRY.flush()
    return {"batchItemFailures": [{"itemIdentifier": message} for message in sorted(later)]}
