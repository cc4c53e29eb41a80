"""replay: dead letters of the refresh queue go back into the queue."""

from __future__ import annotations

from typing import Any

import click

from token_broker.errors import TokenBrokerError
from token_broker.operator.awserrors import refused, told
from token_broker.operator.cli import screen
from token_broker.operator.cli.aws import client, outputs
from token_broker.operator.cli.group import command
from token_broker.operator.cli.session import current, shared

BATCH = 10
"""The most SQS takes at once."""
VISIBILITY = 60
"""Seconds until a letter that could not be moved shows again."""


@command(examples=("replay --limit 5",))
@click.option("--stack", default="token-broker", show_default=True, help="Of CloudFormation.")
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@shared
def replay(stack: str, limit: int | None) -> None:
    """Send refreshes that gave up back to work.

    Harmless: an order whose token has been refreshed meanwhile changes nothing.
    """
    session = current()
    found = outputs(session, stack)
    sqs = client(session, "sqs")
    dead, queue = found["RefreshDeadLetterQueueUrl"], found["RefreshQueueUrl"]
    moved = 0
    while limit is None or moved < limit:
        count = move(sqs, dead, queue, BATCH if limit is None else min(BATCH, limit - moved))
        if count == 0:
            break
        moved += count
    if session.as_json:
        screen.data({"replayed": moved})
    else:
        screen.done(f"{moved} sent back to the refresh queue")


def move(sqs: Any, dead: str, queue: str, count: int) -> int:
    """Move up to `count` letters; how many. First sent, then deleted: none is lost, and one that
    comes twice does no harm."""
    try:
        answer = sqs.receive_message(
            QueueUrl=dead, MaxNumberOfMessages=count, VisibilityTimeout=VISIBILITY
        )
        letters = answer.get("Messages", [])
        if not letters:
            return 0
        for letter in letters:
            sqs.send_message(QueueUrl=queue, MessageBody=letter["Body"])
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
    except refused() as error:
        raise _failed(error) from None
    return len(letters)


def _failed(error: Exception) -> TokenBrokerError:
    return told(error, "sqs:ReceiveMessage, sqs:DeleteMessage and sqs:SendMessage on the queues")


COMMANDS = (replay,)
