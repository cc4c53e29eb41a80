"""When something was last counted: the broker's metrics in CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from token_broker.operator.awserrors import told_or_refused
from token_broker.operator.cli.aws import client
from token_broker.operator.cli.session import Session

DAYS = 14
PERIOD = 900
"""Seconds: 1,344 points, below CloudWatch's 1,440 of one answer."""


def last(session: Session, stack: str, metric: str, kind: str) -> str | None:
    """The beginning of the last quarter of an hour in which a credential of this kind was counted;
    None if it was not within `DAYS`, or if CloudWatch may not be asked."""
    now = datetime.now(UTC)
    dimensions = {"service": "client-credential", "kind": kind, "identity_provider": "microsoft"}
    try:
        answer = client(session, "cloudwatch").get_metric_statistics(
            Namespace=f"TokenBroker/{stack}",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": text} for name, text in dimensions.items()],
            StartTime=now - timedelta(days=DAYS),
            EndTime=now,
            Period=PERIOD,
            Statistics=["Sum"],
        )
    except told_or_refused():
        return None
    moments = [point["Timestamp"] for point in answer["Datapoints"] if point["Sum"]]
    return max(moments).strftime("%Y-%m-%dT%H:%M:%SZ") if moments else None
