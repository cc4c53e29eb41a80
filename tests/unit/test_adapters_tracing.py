"""Traces say how long Microsoft took and what came of it, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import aws_xray_sdk
import pytest
from aws_lambda_powertools import Tracer
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context
from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from aws_xray_sdk.core.models.entity import Entity

from broker.adapters.tracing import Traced
from broker.domain.secret import Secret
from broker.ports.errors import Unreachable
from broker.ports.outside import Reply

CANARY = "canary-3f9c"


class Inner:
    """An `Http` that answers 200, or nothing at all."""

    def __init__(self, *, lost: bool = False) -> None:
        self.lost = lost

    def get(self, url: str, timeout: float) -> Reply:
        return self.post(url, {}, timeout)

    def post(self, url: str, form: Mapping[str, str | Secret], timeout: float) -> Reply:
        if self.lost:
            raise Unreachable("timeout")
        return Reply(200, {"x": CANARY}, CANARY.encode())


class Emitter:
    """Takes what would be sent to X-Ray: Powertools has each subsegment sent when it ends."""

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []

    def send_entity(self, entity: Entity) -> None:
        self.sent.append(entity.to_dict())


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, object]]]:
    """What is sent to X-Ray, in a function of Lambda (elsewhere the Tracer is off)."""
    emitter, usual = Emitter(), xray_recorder.emitter
    if isinstance(usual, UDPEmitter):
        usual._socket.close()  # opened on import; nobody else in these tests sends
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    # What an earlier test made outside Lambda would still be off.
    monkeypatch.setattr(Tracer, "_config", dict(Tracer._default_config))
    aws_xray_sdk.global_sdk_config.set_sdk_enabled(True)
    xray_recorder.configure(context=Context(), sampling=False, emitter=emitter)
    xray_recorder.begin_segment("function")
    yield emitter.sent
    xray_recorder.clear_trace_entities()
    aws_xray_sdk.global_sdk_config.set_sdk_enabled(False)


def test_a_span_holds_the_status_alone(sent: list[dict[str, object]]) -> None:
    url = f"https://login.example/{CANARY}?code={CANARY}"
    reply = Traced(Inner(), "microsoft").post(url, {"code": Secret(CANARY)}, 1.0)
    assert reply.body == CANARY.encode()
    (span,) = sent
    assert (span["name"], span["annotations"]) == ("microsoft", {"status": "200"})
    assert CANARY not in json.dumps(span, default=str)


def test_a_lost_call_says_why_without_its_stack(sent: list[dict[str, object]]) -> None:
    with pytest.raises(Unreachable) as caught:
        Traced(Inner(lost=True), "microsoft").get(f"https://login.example/{CANARY}", 1.0)
    assert caught.value.reason == "timeout"
    (span,) = sent
    assert span["annotations"] == {"status": "timeout"}
    assert "cause" not in span
    assert CANARY not in json.dumps(span, default=str)
