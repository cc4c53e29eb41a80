"""Tables, keys, queues, logs: nothing is lost, everything is sealed, everything ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.adapters.dynamodb import connections, vault
from broker.domain.credentials import PLACEHOLDER
from broker.lifecycle.policy import LEASE
from local.template import Resolver
from tests.template.conftest import Resources
from tests.template.test_api import STEPS

RETAINED = {
    *("ConnectionsTable", "VaultTable", "ConnectionsKey", "VaultKey", "ClientSecret", "AuditLog"),
    "NotifySecret",
    *("GatewayLogging", "GatewayLoggingRole"),
}


def of(resources: Resources, kind: str) -> Resources:
    """The resources of one type."""
    return {name: one for name, one in resources.items() if one["Type"] == kind}


def test_what_would_be_lost_is_retained(resources: Resources) -> None:
    """But not after a first deployment that failed: it would leave all of it behind."""
    policies = {
        name: (one.get("DeletionPolicy"), one.get("UpdateReplacePolicy"))
        for name, one in resources.items()
    }
    kept = ("RetainExceptOnCreate", "Retain")
    assert {name for name, pair in policies.items() if pair == kept} == RETAINED
    assert set(policies.values()) == {kept, ("Delete", "Delete"), (None, None)}


def test_connections_table(resources: Resources) -> None:
    table = resources["ConnectionsTable"]["Properties"]
    assert keys(table) == {"HASH": "name"}
    (index,) = table["GlobalSecondaryIndexes"]
    assert (index["IndexName"], keys(index)) == (
        connections.INDEX,
        {"HASH": "status", "RANGE": "name"},
    )
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_vault_table(resources: Resources) -> None:
    table = resources["VaultTable"]["Properties"]
    assert keys(table) == {"HASH": "incarnation"}
    (index,) = table["GlobalSecondaryIndexes"]
    assert (index["IndexName"], keys(index)) == (vault.INDEX, {"HASH": "shard", "RANGE": "due_at"})
    # No sealed token in an index.
    assert index["Projection"]["ProjectionType"] == "INCLUDE"
    assert "sealed" not in index["Projection"]["NonKeyAttributes"]


def test_authorizations_table(resources: Resources) -> None:
    table = resources["AuthorizationsTable"]["Properties"]
    assert keys(table) == {"HASH": "id"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "purge_at", "Enabled": True}
    assert "PointInTimeRecoverySpecification" not in table


def test_all_tables(resources: Resources) -> None:
    for name, one in of(resources, "AWS::DynamoDB::Table").items():
        table = one["Properties"]
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert "SSESpecification" not in table  # DynamoDB's own key: docs/decisions, 18
        assert "TableName" not in table  # a retained table must not block a new stack
        if name in RETAINED:
            recovery = table["PointInTimeRecoverySpecification"]
            assert recovery == {"PointInTimeRecoveryEnabled": True}
            assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_two_rotating_keys(resources: Resources) -> None:
    found = of(resources, "AWS::KMS::Key")
    del found["ClientKey"]  # asymmetric: KMS rotates none of those
    assert set(found) == {"ConnectionsKey", "VaultKey"}
    for one in found.values():
        assert one["Properties"]["EnableKeyRotation"] is True
        assert one["Properties"]["PendingWindowInDays"] == 30
    aliases = of(resources, "AWS::KMS::Alias")
    aliased = {one["Properties"]["TargetKeyId"]["Ref"] for one in aliases.values()}
    assert aliased == {*found, "ClientKey"}


def test_the_secret_is_the_placeholder_the_broker_knows(resources: Resources) -> None:
    secret = resources["ClientSecret"]["Properties"]["SecretString"]
    assert PLACEHOLDER in secret


def test_queue_outlasts_its_consumer(resources: Resources) -> None:
    queue = resources["RefreshQueue"]["Properties"]
    timeout = resources["RefreshFunction"]["Properties"]["Timeout"]
    assert queue["VisibilityTimeout"] >= 6 * timeout
    redrive = queue["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["RefreshDeadLetterQueue", "Arn"]}
    assert redrive["maxReceiveCount"] >= 5  # AWS: fewer sends messages there under throttling
    # A message lives long enough to reach the dead-letter queue.
    assert queue["MessageRetentionPeriod"] > redrive["maxReceiveCount"] * queue["VisibilityTimeout"]
    for one in of(resources, "AWS::SQS::Queue").values():
        assert one["Properties"]["SqsManagedSseEnabled"] is True


def test_lease_outlasts_refresh(resources: Resources) -> None:
    assert resources["RefreshFunction"]["Properties"]["Timeout"] < LEASE


def test_every_log_group_ends(resources: Resources) -> None:
    groups = of(resources, "AWS::Logs::LogGroup")
    for name, one in groups.items():
        parameter = "AuditRetentionDays" if name == "AuditLog" else "LogRetentionDays"
        assert one["Properties"]["RetentionInDays"] == {"Ref": parameter}
    functions = of(resources, "AWS::Serverless::Function")
    written = [one["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] for one in functions.values()]
    assert {*written, "AccessLog"} == set(groups)


def test_the_audit_log_holds_audit(resources: Resources) -> None:
    """Who fetched and who changed something; of Lambda's own lines only those about trouble."""
    functions = of(resources, "AWS::Serverless::Function")
    configs = {name: one["Properties"]["LoggingConfig"] for name, one in functions.items()}
    audit = {name for name, one in configs.items() if one["LogGroup"] == {"Ref": "AuditLog"}}
    assert audit == {"ConnectionsFunction", "TokenFunction", "VerifyFunction"}
    for name in audit:
        assert configs[name]["LogFormat"] == "JSON"
        assert configs[name]["SystemLogLevel"] == "WARN"


@pytest.mark.parametrize(
    ("minutes", "expression"), [("1", "rate(1 minute)"), ("5", "rate(5 minutes)")]
)
def test_schedule_speaks_the_grammar(
    template: dict[str, Any], resources: Resources, minutes: str, expression: str
) -> None:
    schedule = resources["RotateSchedule"]["Properties"]
    resolved = Resolver(template, {"RotationMinutes": minutes}).resolve(
        schedule["ScheduleExpression"]
    )
    assert resolved == expression
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"]["Arn"] == {"Ref": "RotateFunction.Alias"}
    assert schedule["Target"]["DeadLetterConfig"]


def test_parameters_are_explained_and_constrained(template: dict[str, Any]) -> None:
    shown = [
        name
        for group in template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        for name in group["Parameters"]
    ]
    assert sorted(shown) == sorted(template["Parameters"])
    for name, one in template["Parameters"].items():
        assert one["Description"], name
        assert {"AllowedPattern", "AllowedValues", "MinValue"} & set(one), name


def test_every_output_is_explained(template: dict[str, Any]) -> None:
    for name, one in template["Outputs"].items():
        assert one["Description"], name
    assert {"ApiUrl", "RedirectUri", "ClientSecretCommand", "CallerPolicy"} <= set(
        template["Outputs"]
    )


@pytest.mark.parametrize(
    "kinds", ["secret", "certificate", "federated,secret", "certificate,federated"]
)
def test_administrators_may_do_what_their_commands_take(
    template: dict[str, Any], kinds: str
) -> None:
    """And nothing else, on nothing else; tests/cli runs them with this policy."""
    resolver = Resolver(template, {"ClientAuthentication": kinds})
    _, parts = template["Outputs"]["AdministratorPolicy"]["Value"]["Fn::Join"]
    chosen = [
        part["Fn::If"][1 if resolver.holds(part["Fn::If"][0]) else 2] if "Fn::If" in part else part
        for part in parts
    ]
    text = "".join(part if isinstance(part, str) else part["Fn::Sub"] for part in chosen)
    statements = json.loads(text)["Statement"]
    rights = {
        (action, statement["Resource"])
        for statement in statements
        for action in [statement["Action"]] * isinstance(statement["Action"], str)
        or statement["Action"]
    }
    stack = "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack"
    dead = "${RefreshDeadLetterQueue.Arn}"
    schedule = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/default"
    parameter = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"
    of_kind = {
        "secret": {("secretsmanager:GetSecretValue", "${ClientSecret.Id}")},
        "certificate": {
            *((f"kms:{verb}", "${ClientKey.Arn}") for verb in ("GetPublicKey", "Sign")),
            *(
                (f"ssm:{verb}Parameter", f"{parameter}${{ClientCertificate}}")
                for verb in ("Get", "Put")
            ),
        },
        "federated": {("iam:GetOutboundWebIdentityFederationInfo", "*")},
    }
    assert rights == {
        *(right for kind in kinds.split(",") for right in of_kind[kind]),
        ("cloudformation:DescribeStacks", f"{stack}/${{AWS::StackName}}/*"),
        ("cloudwatch:GetMetricStatistics", "*"),
        ("dynamodb:GetItem", "${AuthorizationsTable.Arn}"),
        ("scheduler:GetSchedule", f"{schedule}/${{RotateSchedule}}"),
        *((f"sqs:{verb}", dead) for verb in ("GetQueueAttributes", "ReceiveMessage")),
        ("sqs:DeleteMessage", dead),
        ("sqs:SendMessage", "${RefreshQueue.Arn}"),
    }
    assert all(statement["Effect"] == "Allow" for statement in statements)


def test_names_derive_from_the_stack(resources: Resources) -> None:
    named = ("FunctionName", "LogGroupName", "AliasName", "Name", "LayerName")
    for logical, one in resources.items():
        for name in named:
            value = one.get("Properties", {}).get(name)
            if value is not None:
                assert "AWS::StackName" in str(value), logical


def test_timeouts_end_below_the_gateways(resources: Resources) -> None:
    """API Gateway waits 29 s; a function that goes on after that works for nobody."""
    for step in STEPS:
        assert resources[f"{step}Function"]["Properties"]["Timeout"] < 29


def keys(table: dict[str, Any]) -> dict[str, str]:
    """Key type → attribute."""
    return {one["KeyType"]: one["AttributeName"] for one in table["KeySchema"]}


def test_what_token_started_in_vain_does_not_come_back(resources: Resources) -> None:
    """Lambda would keep it for six hours and try it three times, all at once after an outage."""
    config = resources["RefreshFunction"]["Properties"]["EventInvokeConfig"]
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] <= 60
