"""The function refresh: which messages of the queue come back."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from broker import settings, wiring
from broker.domain.problems import Problem
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from local.template import ROOT


class Step:
    """Answers every order alike."""

    def __init__(self, answer: Problem | Unavailable | None) -> None:
        self.answer = answer

    def run(self, order: RefreshRequest) -> Problem | None:
        if isinstance(self.answer, Unavailable):
            raise self.answer
        return self.answer


def handler(monkeypatch: pytest.MonkeyPatch, answer: Problem | Unavailable | None) -> ModuleType:
    """The handler's module over a step that answers so."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")
    monkeypatch.setattr(settings, "parse", lambda kind, environment: None)
    monkeypatch.setattr(wiring, "refresh_step", lambda own, telemetry: Step(answer))
    spec = importlib.util.spec_from_file_location(
        "refresh_handler", ROOT / "functions" / "refresh" / "handler.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    found: dict[str, Any] = handler(monkeypatch, answer).handler({"Records": [record]}, None)
    assert found == {"batchItemFailures": [{"itemIdentifier": "m1"}] if back else []}
