"""The function `refresh`, invoked directly. It answers {"result": "refreshed" | <code>}."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from broker.adapters import orders
from broker.adapters.faults import call
from broker.ports import Order, Unavailable
from broker.problems import KINDS

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

REFRESHED = "refreshed"


class Refresher:
    """`ports.Refresher`. `function`: name or ARN."""

    def __init__(self, client: LambdaClient, function: str) -> None:
        self._client, self._function = client, function

    def run(self, order: Order) -> str:
        result = _result(call("lambda", self._ask, order=order))
        if result == REFRESHED or result in KINDS:
            return str(result)
        raise Unavailable("lambda", "MalformedAnswer")

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
            self._client.invoke(
                FunctionName=self._function,
                InvocationType=how,
                Payload=orders.dump(order).encode(),
            )
        )


def _result(payload: bytes) -> object:
    try:
        answer = json.loads(payload)
    except ValueError:
        return None
    return answer.get("result") if isinstance(answer, dict) else None
