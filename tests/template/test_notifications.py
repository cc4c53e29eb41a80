"""Mail to the operator: only if wanted, only about what an operator can act on; and the alarm."""

from __future__ import annotations

from typing import Any

from local.template import Resolver, load
from tests.template.conftest import Resources
from tests.template.metrics import metrics
from tests.template.test_data import of

NOTICES = {
    "ConnectionNotice": {"Connection At Risk", "Connection Broken", "Connection Recovered"},
    "CredentialNotice": {"Client Credential Failing", "Client Credential Expiring"},
}
MAIL = (
    *("NotificationTopic", "NotificationTopicPolicy", "NotificationMail", *NOTICES),
    *("NoticeDeadLetterQueue", "NoticeDeadLetterQueuePolicy"),
    *("NoticeFailedAlarm", "NoticeDeadLetterAlarm"),
)


def test_nothing_is_sent_unless_somebody_wants_it(resources: Resources) -> None:
    assert {resources[name]["Condition"] for name in MAIL} == {"Notifies"}
    template = load()
    assert not Resolver(template, {}).holds("Notifies")
    assert Resolver(template, {"NotifyEmail": "ops@example.com"}).holds("Notifies")


def test_rules_may_publish_whatever_eventbridge_says_of_itself(resources: Resources) -> None:
    """AWS's guide for rules with an SNS target: no condition in the topic's policy. A rule of
    another account is refused where EventBridge names the account."""
    policy = resources["NotificationTopicPolicy"]["Properties"]["PolicyDocument"]
    by_events = [one for one in policy["Statement"] if "events.amazonaws.com" in str(one)]
    common = {
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "NotificationTopic"},
    }
    assert by_events == [
        {"Sid": "Rules", "Effect": "Allow", **common},
        {
            "Sid": "NotRulesOfOthers",
            "Effect": "Deny",
            **common,
            "Condition": {
                "Null": {"aws:SourceAccount": "false"},
                "StringNotEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            },
        },
    ]


def test_what_a_rule_cannot_deliver_is_kept_and_seen(resources: Resources) -> None:
    """Every target of every rule: a queue of dead letters that this rule may fill, an alarm on
    the queue, and one on the rule's failures. No role (AWS: resource policies instead)."""
    watched = [
        each
        for one in of(resources, "AWS::CloudWatch::Alarm").values()
        for each in metrics(one["Properties"])
    ]
    rules = of(resources, "AWS::Events::Rule")
    assert set(NOTICES) <= set(rules)
    for logical, rule in rules.items():
        name = rule["Properties"]["Name"]
        failures = {"EventBusName": {"Ref": "EventBus"}, "RuleName": name}
        assert ("FailedInvocations", failures) in watched, logical
        for target in rule["Properties"]["Targets"]:
            assert "RoleArn" not in target
            queue, attribute = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"]
            assert attribute == "Arn"
            assert {"Fn::GetAtt": [logical, "Arn"]} in allowed_sources(resources, queue)
            visible = {"QueueName": {"Fn::GetAtt": [queue, "QueueName"]}}
            assert ("ApproximateNumberOfMessagesVisible", visible) in watched, queue


def allowed_sources(resources: Resources, queue: str) -> list[Any]:
    """ARNs whose events EventBridge may put into a queue."""
    return [
        source
        for one in of(resources, "AWS::SQS::QueuePolicy").values()
        if {"Ref": queue} in one["Properties"]["Queues"]
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "events.amazonaws.com"}
        for source in statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    ]


def test_the_mails_are_about_what_operators_can_act_on(resources: Resources) -> None:
    for name, kinds in NOTICES.items():
        rule: dict[str, Any] = resources[name]["Properties"]
        assert rule["EventBusName"] == {"Ref": "EventBus"}
        assert rule["EventPattern"]["source"] == ["token-broker"]
        assert set(rule["EventPattern"]["detail-type"]) == kinds
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Ref": "NotificationTopic"}
        paths = target["InputTransformer"]["InputPathsMap"]
        text = target["InputTransformer"]["InputTemplate"]
        assert all(f"<{name}>" in text for name in paths)
        for line in text.splitlines():
            assert line.startswith('"')
            assert line.endswith('"')


def test_the_alarm_watches_what_the_breaker_counts(
    template: dict[str, Any], resources: Resources
) -> None:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    alarm = resources["CredentialAlarm"]["Properties"]
    assert alarm["Namespace"] == variables["POWERTOOLS_METRICS_NAMESPACE"]
    assert alarm["MetricName"] == "CredentialRefused"
    assert {one["Name"]: one["Value"] for one in alarm["Dimensions"]} == {
        "service": "client-credential",
        "kind": "secret",
        "identity_provider": "microsoft",
    }
    assert alarm["TreatMissingData"] == "notBreaching"
