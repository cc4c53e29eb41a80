"""What it costs: the calls of each path times list prices (`prices.json`).

The sizes and times below are assumptions; each is one line to change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from broker.lifecycle import policy
from local.template import load

MONTH = 30 * 86_400
ITEM_KB = 4.0
"""A connection's item: an access token of 2 KB sealed, grants, status."""
VAULT_KB = 2.5
HIT_SECONDS, REFRESH_SECONDS, ROTATE_SECONDS = 0.012, 0.45, 1.0
"""Billed time of one invocation, warm: a hit waits for one read, a refresh for Microsoft."""
MEMORY_GB = {"token": 1.0, "refresh": 0.5, "rotate": 0.25}
"""As template.yaml has it: a test compares."""
LOG_BYTES = {"token": 900, "refresh": 900 + 700}
"""The audit line and the metrics of an invocation; for refresh also what Lambda itself writes of
each (start, report), which the token function leaves out (SystemLogLevel)."""
ACCESS_LOG_BYTES = 450
"""API Gateway's line for each request."""
TRACED = 0.05
"""Of all invocations, X-Ray's default sampling (and the first of each second)."""
ENVIRONMENTS = 20
"""Environments of the function `token`: each opens each new token once."""
METRICS, ROUTE_METRICS = 20, 5
"""Series that a broker in use has counted: one for each metric, service and code; and API Gateway's
of the token route (Count, 4XXError, 5XXError, Latency, IntegrationLatency)."""
KEY_VERSIONS = 3
"""Of each KMS key: rotation adds one a year, and AWS bills the first two that it adds."""
PARTITION_READS = 3000
"""Read units a second of one partition, and so of one connection: AWS splits tables, not items."""
LIFE = 4500
"""Seconds an access token lives on average (Microsoft: 60 to 90 minutes)."""


def prices() -> dict[str, Any]:
    """The price list."""
    found: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text())
    return found


def alarm_metrics() -> int:
    """What CloudWatch bills of the template's alarms: each metric that one looks at."""
    alarms = [
        one["Properties"]
        for one in load()["Resources"].values()
        if one["Type"] == "AWS::CloudWatch::Alarm" and one.get("Condition") != "ShiftsGradually"
    ]
    return sum(max(1, len(alarm.get("Metrics", [])) - 1) for alarm in alarms)


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars, by service."""

    parts: dict[str, float]

    @property
    def total(self) -> float:
        """All of it."""
        return sum(self.parts.values())

    def times(self, factor: float) -> Bill:
        """So many of it."""
        return Bill({name: part * factor for name, part in self.parts.items()})

    def plus(self, other: Bill) -> Bill:
        """Both."""
        names = {**self.parts, **other.parts}
        return Bill({n: self.parts.get(n, 0.0) + other.parts.get(n, 0.0) for n in names})


def _lambda(price: dict[str, Any], step: str, seconds: float) -> float:
    gb_seconds = seconds * MEMORY_GB[step] * price["lambda_gb_second_arm"]
    return float(price["lambda_request"] + gb_seconds)


def hit(price: dict[str, Any], opened: float = 0.0) -> Bill:
    """One fetch from the cache. `opened`: KMS calls, for what the environment has not seen yet."""
    return Bill(
        {
            "API Gateway": price["apigateway_request"],
            "Lambda": _lambda(price, "token", HIT_SECONDS),
            # A strongly consistent read: one unit for each 4 KB.
            "DynamoDB": ceil(ITEM_KB / 4) * price["dynamodb_read_unit"],
            "KMS": opened * price["kms_request"],
            "Logs": (LOG_BYTES["token"] + ACCESS_LOG_BYTES) / 1e9 * price["logs_gb"],
            "X-Ray": TRACED * price["xray_trace"],
        }
    )


def busiest(item_kb: float) -> int:
    """Fetches a second that one connection can be asked for, none of them cached by its callers."""
    return PARTITION_READS // ceil(item_kb / 4)


def floor(price: dict[str, Any]) -> float:
    """What a fetch cannot do without: Lambda, one read, one line of the audit log."""
    parts = hit(price).parts
    line = LOG_BYTES["token"] / 1e9 * price["logs_gb"]
    return float(parts["Lambda"] + parts["DynamoDB"] + line)


def redemption(price: dict[str, Any]) -> Bill:
    """One refresh from the queue: 4 calls to DynamoDB, 3 to KMS, 3 requests to SQS.

    Writes count a unit for each KB: lease and settlement of the connection's item; the vault's item
    and its entry in the index, which is deleted and put anew.
    """
    writes = 2 * ceil(ITEM_KB) + ceil(VAULT_KB) + 2
    return Bill(
        {
            "Lambda": _lambda(price, "refresh", REFRESH_SECONDS),
            "DynamoDB": writes * price["dynamodb_write_unit"]
            + ceil(VAULT_KB / 4) * price["dynamodb_read_unit"],
            "KMS": 3 * price["kms_request"],
            # A tenth of a batch that is sent, a receive, a delete.
            "SQS": 2.1 * price["sqs_request"],
            "Logs": LOG_BYTES["refresh"] / 1e9 * price["logs_gb"],
            "X-Ray": TRACED * price["xray_trace"],
        }
    )


def fixed(price: dict[str, Any]) -> Bill:
    """A month of a broker without connections: keys, the secret, the schedule's runs and its index
    reads, the queue's polling, and what watches it all."""
    runs = MONTH / 60
    queries = 16 * 0.5 * price["dynamodb_read_unit"]  # eventually consistent
    return Bill(
        {
            "KMS": 2 * KEY_VERSIONS * price["kms_key_month"],
            "Secrets Manager": price["secrets_secret_month"],
            "Lambda": runs * _lambda(price, "rotate", ROTATE_SECONDS),
            "EventBridge Scheduler": runs * price["scheduler_invocation"],
            "DynamoDB": runs * queries,
            "SQS": runs * price["sqs_request"] + MONTH / 20 * 5 * price["sqs_request"],
            "CloudWatch": price["cloudwatch_dashboard_month"]
            + alarm_metrics() * price["cloudwatch_alarm_month"]
            + (METRICS + ROUTE_METRICS) * price["cloudwatch_metric_month"],
            "X-Ray": runs * price["xray_trace"],  # the first of each second is always traced
        }
    )


def storage(price: dict[str, Any]) -> Bill:
    """A month of one connection's items, with their backups."""
    gb = (ITEM_KB + VAULT_KB + 0.3) / 1e6
    per_gb = price["dynamodb_gb_month"] + price["dynamodb_backup_gb_month"]
    return Bill({"DynamoDB": gb * per_gb})


def idle_redemptions() -> float:
    """A month's redemptions of a connection that nobody uses."""
    return MONTH / (policy.DAY - policy.IDLE_SPREAD / 2)


def used_redemptions() -> float:
    """A month's redemptions of a connection in use all the time."""
    return MONTH / (LIFE * policy.AHEAD * 0.95)


def table() -> dict[str, Bill]:
    """The model's results."""
    price = prices()
    one = redemption(price)
    opened = Bill({"KMS": used_redemptions() * ENVIRONMENTS * price["kms_request"]})
    usage = Bill({"DynamoDB": MONTH / policy.USED_EVERY * ITEM_KB * price["dynamodb_write_unit"]})
    idle = one.times(idle_redemptions()).plus(storage(price))
    used = one.times(used_redemptions()).plus(storage(price)).plus(opened).plus(usage)
    return {
        "a million fetches (hits)": hit(price).times(1e6),
        "a million redemptions": one.times(1e6),
        "an idle connection, a month": idle,
        "a connection in constant use, a month (without its fetches)": used,
        "the broker itself, a month": fixed(price),
    }
