"""refresh: orders from the queue, or one order by direct invocation; both are trusted alike.

An order holds names and reasons, and the answer tells what became of it: never a token.
"""

from __future__ import annotations

import json
import os
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from broker import settings, wiring
from broker.adapters import refresh_requests
from broker.adapters.telemetry import Telemetry
from broker.web import gateway

TELEMETRY = Telemetry("refresh")
STEP = wiring.refresh_step(settings.parse(settings.Refresh, os.environ), TELEMETRY)
ONCE = ("admin", "consent")
"""Reasons of orders that nobody sends again; what is due, the schedule does."""
BATCH = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A partial batch answer, or {"problem": null | <RFC 9457 body>}."""
    try:
        if "Records" in event:
            with BATCH(records=event["Records"], handler=_record, lambda_context=context):
                BATCH.process()
            return dict(BATCH.response())
        return _run(event)
    except Exception as error:  # noqa: BLE001 (the edge: nothing may escape with its message)
        problem = gateway.known(error, TELEMETRY, _id(context))
        if "Records" in event:
            raise _Again from None  # an answer of any other shape would delete the messages
        return {"problem": problem.as_dict()}
    finally:
        TELEMETRY.flush()


def _record(record: SQSRecord) -> None:
    """One message. What raises goes back to the queue, and after some tries to the dead letters."""
    try:
        body = json.loads(record.body)
        problem = _run(body)["problem"]
    except Exception as error:  # noqa: BLE001 (see below)
        gateway.known(error, TELEMETRY, record.message_id)
        raise _Again from None
    busy = problem is not None and problem["code"] == "refresh_in_progress"
    if busy and body["reason"] in ONCE:
        raise _Again


class _Again(Exception):  # noqa: N818 (what the queue is told)
    """Bring the message back later. Has no message and no cause: the batch processor keeps it."""


def _run(body: dict[str, Any]) -> dict[str, Any]:
    order = refresh_requests.load(body)
    problem = STEP.run(order)
    code = problem.code if problem else "refreshed"
    numbers = problem.provider.error_codes if problem and problem.provider else ()
    TELEMETRY.note(
        "refresh",
        connection=order.connection,
        reason=order.reason,
        code=code,
        number=next(iter(numbers), None),
    )
    TELEMETRY.count("Redemptions", code=code)
    return {"problem": problem.as_dict() if problem else None}


def _id(context: Any) -> str:
    return str(getattr(context, "aws_request_id", ""))
