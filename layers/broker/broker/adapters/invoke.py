"""The function `refresh`, invoked directly. It answers {"problem": null | <RFC 9457 body>}."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from broker.adapters import orders
from broker.adapters.faults import call
from broker.ports import Order, Unavailable
from broker.problems import Problem

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Refresher:
    """`ports.Refresher`. `client`: builds the client when it is first needed, for most calls of
    `token` are hits. `function`: name or ARN."""

    def __init__(self, client: Callable[[], LambdaClient], function: str) -> None:
        self._client, self._function = client, function

    def run(self, order: Order) -> Problem | None:
        return _problem(call("lambda", self._ask, order=order))

    def start(self, order: Order) -> None:
        call("lambda", self._invoke, order=order, how="Event")

    def _ask(self, order: Order) -> bytes:
        answer = self._invoke(order, "RequestResponse")
        if answer.get("FunctionError"):
            # Its payload is the function's traceback: not for us.
            answer["Payload"].close()
            raise Unavailable("lambda", "FunctionError")
        payload: bytes = answer["Payload"].read()
        return payload

    def _invoke(self, order: Order, how: Literal["RequestResponse", "Event"]) -> dict[str, Any]:
        return dict(
            self._client().invoke(
                FunctionName=self._function,
                InvocationType=how,
                Payload=orders.dump(order).encode(),
            )
        )


def _problem(payload: bytes) -> Problem | None:
    try:
        found = json.loads(payload)["problem"]
        return None if found is None else Problem.of(found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unavailable("lambda", "MalformedAnswer") from None
