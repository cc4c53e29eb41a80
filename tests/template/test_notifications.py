"""Mail to the operator: only if wanted, only about what an operator can act on; and the alarm."""

from __future__ import annotations

from typing import Any

from local.template import Resolver, load
from tests.template.conftest import Resources

NOTICES = {
    "ConnectionNotice": {"Connection At Risk", "Connection Broken", "Connection Recovered"},
    "CredentialNotice": {"Client Credential Failing", "Client Credential Expiring"},
}
MAIL = ("NotificationTopic", "NotificationTopicPolicy", "NotificationMail", *NOTICES)


def test_nothing_is_sent_unless_somebody_wants_it(resources: Resources) -> None:
    assert {resources[name]["Condition"] for name in MAIL} == {"Notifies"}
    template = load()
    assert not Resolver(template, {}).holds("Notifies")
    assert Resolver(template, {"NotifyEmail": "ops@example.com"}).holds("Notifies")


def test_of_events_only_the_two_rules_may_publish(resources: Resources) -> None:
    policy = resources["NotificationTopicPolicy"]["Properties"]["PolicyDocument"]
    by_events = [one for one in policy["Statement"] if "events.amazonaws.com" in str(one)]
    (statement,) = by_events
    assert statement == {
        "Sid": "OnlyTheseRules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "NotificationTopic"},
        "Condition": {
            "ArnEquals": {
                "aws:SourceArn": [{"Fn::GetAtt": [name, "Arn"]} for name in NOTICES],
            }
        },
    }


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
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "client-credential"}]
    assert alarm["TreatMissingData"] == "notBreaching"
