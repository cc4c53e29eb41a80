"""Metrics that alarms and the dashboard may name: those the code counts, and some of AWS."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from broker.domain.credentials import CredentialKind
from broker.domain.problems import KINDS
from local.template import ROOT
from tests.template.conftest import Resources
from tests.template.test_settings import KINDS as STEPS

OWN = "TokenBroker/${AWS::StackName}"
SERVICES = {step.lower() for step in STEPS}
BY_KIND = {"kind", "identity_provider"}
"""Further dimensions of what is counted about client credentials."""
Metrics = dict[tuple[str, bool], set[str]]
"""A metric's name and whether it has a code → its values of the dimension `service`."""

AWS_METRICS: dict[str, dict[frozenset[str], set[str]]] = {
    "AWS/Lambda": {
        frozenset({"FunctionName"}): {"Errors", "Throttles", "Duration", "ConcurrentExecutions"}
    },
    "AWS/SQS": {
        frozenset({"QueueName"}): {
            "ApproximateNumberOfMessagesVisible",
            "ApproximateAgeOfOldestMessage",
        }
    },
    "AWS/Events": {frozenset({"EventBusName", "RuleName"}): {"FailedInvocations"}},
    "AWS/ApiGateway": {
        frozenset({"ApiName", "Stage"}): {"Count", "4XXError", "5XXError", "Latency"},
        frozenset({"ApiName", "Stage", "Resource", "Method"}): {"Latency"},
    },
    "AWS/DynamoDB": {
        frozenset({"TableName"}): {"ReadThrottleEvents", "WriteThrottleEvents"},
        frozenset({"TableName", "GlobalSecondaryIndexName"}): {"WriteThrottleEvents"},
    },
}
"""By dimensions, from each service's "CloudWatch metrics" page in its developer guide."""

NAMED_BY = {
    "FunctionName": ("AWS::Serverless::Function", re.compile(r"\$\{(\w+)\}")),
    "QueueName": ("AWS::SQS::Queue", re.compile(r"\$\{(\w+)\.QueueName\}")),
    "TableName": ("AWS::DynamoDB::Table", re.compile(r"\$\{(\w+)\}")),
}


def stats(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm looks at: Namespace, MetricName, Dimensions, Stat and Period of each metric."""
    if "Metrics" not in alarm:
        return [{**alarm, "Stat": alarm["Statistic"]}]
    several = [one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one]
    return [{**one["Metric"], "Stat": one["Stat"], "Period": one["Period"]} for one in several]


def metrics(alarm: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Name and dimensions of each metric that an alarm looks at."""
    return [
        (one["MetricName"], {each["Name"]: each["Value"] for each in one["Dimensions"]})
        for one in stats(alarm)
    ]


@cache
def counted() -> Metrics:
    """Every metric the code counts."""
    found: Metrics = {}
    for path in [*(ROOT / "functions").rglob("*.py"), *(ROOT / "layers/broker").rglob("*.py")]:
        for call in _counts(ast.parse(path.read_text())):
            name = ast.literal_eval(call.args[0])
            more = {one.arg: one.value for one in call.keywords}
            assert set(more) <= {"service", "code", *BY_KIND}, path
            service = more.get("service")
            values = {ast.literal_eval(service)} if service else _services(path)
            found.setdefault((name, "code" in more), set()).update(values)
    return found


def check(
    space: str,
    name: str,
    dimensions: dict[str, str],
    resources: Resources,
    where: str,
) -> None:
    """Fails unless there is such a metric. References to the stack are as in Fn::Sub."""
    if space == OWN:
        by_kind = dimensions.get("service") == "client-credential"
        known = ({"service", *BY_KIND},) if by_kind else ({"service"}, {"service", "code"})
        assert set(dimensions) in known, where
        assert dimensions.get("kind", "secret") in set(CredentialKind), where
        assert dimensions["service"] in counted()[name, "code" in dimensions], where
        assert dimensions.get("code", "throttled") in KINDS, where
        return
    assert name in AWS_METRICS[space][frozenset(dimensions)], where
    for key, value in dimensions.items():
        if key in NAMED_BY:
            kind, pattern = NAMED_BY[key]
            found = pattern.fullmatch(value)
            assert found, (where, value)
            assert resources[found[1]]["Type"] == kind, where
    if "ApiName" in dimensions:
        assert resources["Api"]["Properties"]["Name"] == {"Ref": "AWS::StackName"}
        assert dimensions["ApiName"] == "${AWS::StackName}"
        assert dimensions["Stage"] == "${Api.Stage}"
    if "GlobalSecondaryIndexName" in dimensions:
        table = resources[dimensions["TableName"][2:-1]]["Properties"]
        indexes = {one["IndexName"] for one in table["GlobalSecondaryIndexes"]}
        assert dimensions["GlobalSecondaryIndexName"] in indexes


def _counts(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls of `telemetry.count`, however the telemetry is called there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            if node.func.attr == "count" and "telemetry" in name.lower():
                yield node


def _services(path: Path) -> set[str]:
    """Whose telemetry a file may hold: a step's own, or anybody's."""
    step = path.parent.name if path.stem == "handler" else path.stem
    return {step} if step in SERVICES and "adapters" not in path.parts else SERVICES
