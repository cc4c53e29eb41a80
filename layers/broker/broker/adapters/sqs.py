"""The queue between rotate and refresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from broker.adapters import refresh_requests
from broker.adapters.aws_errors import call
from broker.ports.outside import RefreshRequest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

_DEPTH: Final[list[QueueAttributeNameType]] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
]


class Queue:
    """`ports.Queue`. `url`: the queue's."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client, self._url = client, url

    def send(self, wanted: Sequence[RefreshRequest]) -> int:
        if not wanted:
            return 0
        answer = call(
            "sqs",
            self._client.send_message_batch,
            QueueUrl=self._url,
            Entries=[
                # A lease is not handed on through a queue: it would have run out.
                {
                    "Id": str(number),
                    "MessageBody": refresh_requests.dump(replace(order, owner=None)),
                }
                for number, order in enumerate(wanted)
            ],
        )
        # SQS answers 200 even if it took only some, or none.
        return len(answer.get("Successful", ()))

    def waiting(self) -> int:
        answer = call(
            "sqs", self._client.get_queue_attributes, QueueUrl=self._url, AttributeNames=_DEPTH
        )
        return sum(int(answer["Attributes"][name]) for name in _DEPTH)
