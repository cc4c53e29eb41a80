"""Events for the operator's own rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from broker.adapters.aws_errors import call
from broker.ports.ambient import Telemetry
from broker.ports.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "token-broker"


class Events:
    """`ports.Events`. `bus`: its name or ARN. What could not be published is noted."""

    def __init__(self, client: EventBridgeClient, bus: str, telemetry: Telemetry) -> None:
        self._client, self._bus, self._telemetry = client, bus, telemetry

    def publish(self, kind: str, detail: Mapping[str, object]) -> None:
        entry = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": kind,
            "Detail": json.dumps(dict(detail)),
        }
        try:
            answer = call("events", self._client.put_events, Entries=[entry])
        except Unavailable as failure:
            return self._lost(kind, failure.code)
        # EventBridge answers 200 even if it took nothing.
        if answer.get("FailedEntryCount"):
            return self._lost(kind, answer["Entries"][0].get("ErrorCode", "Unknown"))
        return None

    def _lost(self, kind: str, code: str) -> None:
        self._telemetry.note("event_lost", kind=kind, code=code)
        self._telemetry.count("EventLost", service="events")
