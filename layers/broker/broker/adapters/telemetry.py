"""Logs and metrics through Powertools: JSON lines and CloudWatch's embedded metric format.

Only the fields listed here are ever written, so that a new call cannot show a secret by accident.
"""

from __future__ import annotations

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from broker.ports.ambient import Fact

FIELDS = frozenset(
    {
        "action",
        "allow_account_change",
        "attempts",
        "changed",
        "code",
        "connection",
        "error",
        "grants_added",
        "grants_removed",
        "kind",
        "link",
        "number",
        "overdue_seconds",
        "place",
        "principal",
        "reason",
        "request_id",
        "resource",
        "scopes",
        "send_link",
        "sent",
        "service",
        "status",
        "suspended",
        "trace_id",
    }
)


class Telemetry:
    """`ports.Telemetry`."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._logger = Logger(service=service)
        self._metrics: dict[tuple[tuple[str, str], ...], EphemeralMetrics] = {}

    def note(self, event: str, **fields: Fact) -> None:
        shown = {name: value for name, value in fields.items() if name in FIELDS}
        self._logger.info(event, extra=shown)

    def count(self, metric: str, value: float = 1, **dimensions: str) -> None:
        unit = MetricUnit.Seconds if metric.endswith("Seconds") else MetricUnit.Count
        key = tuple(sorted(dimensions.items()))
        metrics = self._metrics.get(key)
        if metrics is None:
            metrics = self._metrics[key] = EphemeralMetrics(service=self._service)
            for name, text in key:
                metrics.add_dimension(name, text)
        metrics.add_metric(metric, unit, value)

    def flush(self) -> None:
        """Write the metrics of this invocation: one line for each set of dimensions."""
        for metrics in self._metrics.values():
            metrics.flush_metrics()
        self._metrics.clear()
