"""The stack's event bus as an operator's rule sees it: a queue with everything on it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .harness import Stack, until

ARRIVAL_SECONDS = 60.0


@dataclass(slots=True)
class Inbox:
    """What has arrived, by connection, in order."""

    sqs: Any
    url: str
    arrived: list[dict[str, Any]] = field(default_factory=list)

    def look(self) -> list[dict[str, Any]]:
        """All events so far."""
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=0
            )
            messages = answer.get("Messages", ())
            for message in messages:
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                self.arrived.append(json.loads(message["Body"]))
            if not messages:
                return self.arrived

    def kinds(self, connection: str) -> list[str]:
        """The kinds of a connection's events so far."""
        return [
            event["detail-type"]
            for event in self.look()
            if event["detail"].get("connection") == connection
        ]

    def wait(self, kind: str, connection: str | None = None) -> dict[str, Any]:
        """The detail of the last event of this kind (of a connection), once it is there."""

        def found() -> dict[str, Any] | None:
            for event in reversed(self.look()):
                detail: dict[str, Any] = event["detail"]
                if event["detail-type"] == kind and detail.get("connection") == connection:
                    assert event["source"] == "token-broker"
                    return detail
            return None

        return until(found, ARRIVAL_SECONDS, kind)


@contextmanager
def inbox(stack: Stack) -> Iterator[Inbox]:
    """An inbox, for as long as it is needed."""
    name, bus = f"inbox-{secrets.token_hex(4)}", stack.outputs["EventBusName"]
    sqs, events = stack.client("sqs"), stack.client("events")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    target = {"Id": "inbox", "Arn": arn["Attributes"]["QueueArn"]}
    pattern = json.dumps({"source": ["token-broker"]})
    events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=bus, Targets=[target])
    try:
        yield Inbox(sqs, url)
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["inbox"])
        events.delete_rule(Name=name, EventBusName=bus)
        sqs.delete_queue(QueueUrl=url)
