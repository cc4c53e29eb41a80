"""Alarms: what they watch exists, and each is explained."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest

from broker.lifecycle import policy
from broker.providers.credential_breaker import EXPIRING
from local.template import ROOT, Resolver
from tests.template.conftest import Resources
from tests.template.metrics import OWN, check, counted, metrics, stats
from tests.template.test_api import STEPS
from tests.template.test_data import of

GUIDE = (ROOT / "docs" / "operations.md").read_text()


@pytest.fixture(scope="module")
def alarms(template: dict[str, Any]) -> Resources:
    """The alarms as they are with a mail address."""
    resolve = Resolver(template, {"NotifyEmail": "operator@example.com"}).resolve
    found: Resources = resolve(of(template["Resources"], "AWS::CloudWatch::Alarm"))
    return found


def test_the_code_counts_what_operators_look_at() -> None:
    """The walk finds something; and a metric that loses its last call is missed."""
    assert {name for name, _ in counted()} >= {
        *("TokenServed", "TokenHit", "TokenMiss", "Refusals", "Faults", "Redemptions"),
        *("OldestOverdueSeconds", "NextBreakSeconds", "RotationsSent", "EventLost"),
        *("CredentialRefused", "CredentialLeftSeconds", "Consents", "Verifications"),
    }
    assert counted()["TokenHit", False] == {"token"}
    assert counted()["NextBreakSeconds", False] == {"grants"}


def test_every_metric_is_explained() -> None:
    for name, _ in counted():
        assert f"`{name}`" in GUIDE, name


def test_each_stack_has_its_namespace(template: dict[str, Any]) -> None:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == {"Fn::Sub": OWN}


def test_every_alarm_watches_what_exists(alarms: Resources, resources: Resources) -> None:
    for name, one in alarms.items():
        for metric in stats(one["Properties"]):
            dimensions = {each["Name"]: _text(each["Value"]) for each in metric["Dimensions"]}
            check(_text(metric["Namespace"]), metric["MetricName"], dimensions, resources, name)


def test_every_function_is_watched(alarms: Resources, resources: Resources) -> None:
    """Whoever crashes; and whoever refuses people or callers through the broker's own fault."""
    watched = [each for one in alarms.values() for each in metrics(one["Properties"])]
    for function in of(resources, "AWS::Serverless::Function"):
        assert ("Errors", {"FunctionName": {"Ref": function}}) in watched, function
    for step in STEPS:
        assert ("Faults", {"service": step.lower()}) in watched, step


def test_alarms_over_several_metrics_add_them_up(alarms: Resources) -> None:
    """At most ten metrics (CloudWatch: metric math in alarms), one period, one series out."""
    for name, one in alarms.items():
        several = one["Properties"].get("Metrics", [])
        shown = [each for each in several if each.get("ReturnData", True)]
        assert len(several) - len(shown) <= 10, name
        assert len(shown) == bool(several), name
        assert all(each["Expression"] == "SUM(METRICS())" for each in shown), name
        assert len({each["Period"] for each in stats(one["Properties"])}) == 1, name
        assert len({each["Id"] for each in several}) == len(several), name


def test_every_alarm_is_explained(alarms: Resources) -> None:
    sections = set(re.findall(r"^### (\S+)$", GUIDE, re.MULTILINE))
    names = set()
    for name, one in alarms.items():
        alarm = one["Properties"]
        suffix = re.fullmatch(r"\$\{AWS::StackName\}-([a-z-]+)", alarm["AlarmName"]["Fn::Sub"])
        assert suffix, name
        names.add(suffix[1])
        assert alarm["AlarmDescription"].endswith(f" See docs/operations.md, {suffix[1]}.")
    assert len(names) == len(alarms)
    assert sections == names, "no section without an alarm either"


def test_alarms_say_what_no_data_means(alarms: Resources) -> None:
    found = {name: one["Properties"]["TreatMissingData"] for name, one in alarms.items()}
    assert {name for name, way in found.items() if way == "breaching"} == {"RotationAlarm"}
    ignoring = {name for name, way in found.items() if way == "ignore"}
    assert ignoring == {"CredentialExpiryAlarm", "CertificateExpiryAlarm"}
    assert set(found.values()) == {"breaching", "ignore", "notBreaching"}


def test_every_alarm_mails(alarms: Resources, resources: Resources) -> None:
    """The credential's too, though events tell of it: it is the one thing that stops everything."""
    for name, one in alarms.items():
        if name == "ShiftAlarm":  # CodeDeploy's, and nobody else's
            continue
        assert one["Properties"]["AlarmActions"] == [{"Ref": "NotificationTopic"}]
        assert one["Properties"]["OKActions"] == [{"Ref": "NotificationTopic"}]
    statements = resources["NotificationTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert {one["Principal"]["Service"] for one in statements} == {
        *("events.amazonaws.com", "cloudwatch.amazonaws.com")
    }


def test_without_an_address_alarms_do_nothing(template: dict[str, Any]) -> None:
    resolve = Resolver(template, {}).resolve
    for one in resolve(of(template["Resources"], "AWS::CloudWatch::Alarm")).values():
        if one.get("Condition") == "Notifies":
            continue
        assert not {"AlarmActions", "OKActions"} & set(one["Properties"])


def test_alarms_ring_before_it_is_too_late(alarms: Resources) -> None:
    for name in ("CredentialExpiryAlarm", "CertificateExpiryAlarm"):
        assert alarms[name]["Properties"]["Threshold"] == EXPIRING
    late = alarms["RotationAlarm"]["Properties"]["Threshold"]
    assert policy.GRACE < late < policy.IN_USE
    soon = alarms["BreakAlarm"]["Properties"]["Threshold"]
    assert soon < policy.left(late) < policy.GRANT_LIFE


@pytest.mark.parametrize("minutes", [1, 2, 60])
def test_rotation_runs_within_its_alarms_period(template: dict[str, Any], minutes: int) -> None:
    resolve = Resolver(template, {"RotationMinutes": str(minutes)}).resolve
    period = resolve(template["Resources"]["RotationAlarm"])["Properties"]["Period"]
    assert period >= 2 * minutes * 60


def test_alarm_properties_are_cloudwatchs(alarms: Resources) -> None:
    model: Any = botocore.session.get_session().get_service_model("cloudwatch")
    shape = model.operation_model("PutMetricAlarm").input_shape
    for name, one in alarms.items():
        alarm = one["Properties"]
        assert set(alarm) <= set(shape.members), name
        assert alarm["ComparisonOperator"] in shape.members["ComparisonOperator"].enum
        for metric in stats(alarm):
            assert metric["Stat"] in shape.members["Statistic"].enum
            assert metric["Period"] * alarm["EvaluationPeriods"] <= 86_400
        assert alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"]


def test_a_metric_nobody_counts_is_noticed(resources: Resources) -> None:
    """The checks above can fail."""
    wrong = [
        (OWN, "TokenHits", {"service": "token"}),
        (OWN, "TokenHit", {"service": "refresh"}),
        (OWN, "Refusals", {"service": "token"}),
        (OWN, "Refusals", {"service": "token", "code": "no_such_code"}),
        ("TokenBroker", "TokenHit", {"service": "token"}),
        ("AWS/Lambda", "Errors", {"FunctionName": "${TokenRole}"}),
        ("AWS/SQS", "Errors", {"QueueName": "${RefreshQueue.QueueName}"}),
        ("AWS/ApiGateway", "5XXError", {"ApiName": "${AWS::StackName}"}),
    ]
    for space, name, dimensions in wrong:
        with pytest.raises((AssertionError, KeyError)):
            check(space, name, dimensions, resources, name)


def _text(value: Any) -> str:
    """A dimension's value as Fn::Sub would write it."""
    if isinstance(value, str):
        return value
    ((kind, argument),) = value.items()
    if kind == "Fn::Sub":
        return str(argument)
    return "${" + (argument if kind == "Ref" else ".".join(argument)) + "}"
