"""The functions `refresh` and `verify`, invoked directly.

`refresh` answers {"problem": null | <RFC 9457 body>}, `verify` {"checks": [...]}.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from broker.adapters import refresh_requests
from broker.adapters.aws_errors import call
from broker.domain.connection import Check
from broker.domain.names import Incarnation, Name
from broker.domain.problems import Problem
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class Refresher:
    """`ports.Refresher`. `client`: builds the client when it is first needed, for most calls of
    `token` are hits. `function`: name or ARN."""

    def __init__(self, client: Callable[[], LambdaClient], function: str) -> None:
        self._client, self._function = client, function

    def run(self, order: RefreshRequest) -> Problem | None:
        return _problem(_ask(self._client, self._function, refresh_requests.dump(order)))

    def start(self, order: RefreshRequest) -> None:
        call("lambda", _invoke, client=self._client, function=self._function,
             text=refresh_requests.dump(order), how="Event")  # fmt: skip


class Verifier:
    """`ports.Verifier`. As `Refresher`."""

    def __init__(self, client: Callable[[], LambdaClient], function: str) -> None:
        self._client, self._function = client, function

    def run(self, name: Name, incarnation: Incarnation, seconds: float) -> Sequence[Check]:
        wish = {"connection": name, "incarnation": incarnation, "seconds": seconds}
        return _checks(_ask(self._client, self._function, json.dumps(wish)))


def _ask(client: Callable[[], LambdaClient], function: str, text: str) -> bytes:
    """The function's answer."""
    return call("lambda", _answer, client=client, function=function, text=text)


def _answer(client: Callable[[], LambdaClient], function: str, text: str) -> bytes:
    answer = _invoke(client, function, text, "RequestResponse")
    if answer.get("FunctionError"):
        # Its payload is the function's traceback: not for us.
        answer["Payload"].close()
        raise Unavailable("lambda", "FunctionError")
    payload: bytes = answer["Payload"].read()
    return payload


def _invoke(
    client: Callable[[], LambdaClient],
    function: str,
    text: str,
    how: Literal["RequestResponse", "Event"],
) -> dict[str, Any]:
    return dict(client().invoke(FunctionName=function, InvocationType=how, Payload=text.encode()))


def _problem(payload: bytes) -> Problem | None:
    try:
        found = json.loads(payload)["problem"]
        return None if found is None else Problem.of(found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unavailable("lambda", "MalformedAnswer") from None


def _checks(payload: bytes) -> Sequence[Check]:
    try:
        return [Check(**check) for check in json.loads(payload)["checks"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Unavailable("lambda", "MalformedAnswer") from None
