"""The function refresh: which messages of the queue come back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.domain.problems import Problem
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from tests.unit import handlers


class Step:
    """Answers every order alike."""

    def __init__(self, answer: Problem | Unavailable | None) -> None:
        self.answer = answer

    def run(self, order: RefreshRequest) -> Problem | None:
        if isinstance(self.answer, Unavailable):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "reason", "back"),
    [
        (None, "schedule", False),
        (Problem("refresh_in_progress"), "schedule", False),
        (Problem("refresh_in_progress"), "consent", True),
        (Problem("refresh_in_progress"), "admin", True),
        (Problem("scope_not_granted"), "consent", False),
        (Unavailable("kms", "Throttled"), "schedule", True),
    ],
)
def test_what_nobody_sends_again_comes_back(
    monkeypatch: pytest.MonkeyPatch,
    answer: Problem | Unavailable | None,
    reason: str,
    back: bool,
) -> None:
    order = {"connection": "marketing-jp", "incarnation": "i", "reason": reason}
    record = {"messageId": "m1", "body": json.dumps(order), "eventSource": "aws:sqs"}
    function = handlers.load(monkeypatch, "refresh", Step(answer))
    found: dict[str, Any] = function.handler({"Records": [record]}, None)
    assert found == {"batchItemFailures": [{"itemIdentifier": "m1"}] if back else []}
