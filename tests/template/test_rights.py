"""Least privilege: every statement of every role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from broker.adapters.dynamodb.invitations import WAITED
from broker.adapters.dynamodb.leases import DESCRIBED
from tests.template.conftest import Resources
from tests.template.test_api import OPEN, SIGNED

Right = tuple[str, str]
"""An action and a resource: `X` for X's ARN."""

CONNECTIONS, VAULT, AUTHORIZATIONS = "ConnectionsTable", "VaultTable", "AuthorizationsTable"


def on(resource: str, *actions: str) -> set[Right]:
    """These actions on one resource."""
    return {(action, resource) for action in actions}


EXPECTED: dict[str, set[Right]] = {
    "Connections": (
        on(
            CONNECTIONS,
            "dynamodb:PutItem",
            "dynamodb:GetItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchGetItem",
        )
        | on(f"{CONNECTIONS}/index/status", "dynamodb:Query")
        | on(VAULT, "dynamodb:DeleteItem")
        | on(AUTHORIZATIONS, "dynamodb:PutItem", "dynamodb:GetItem")
        | on("ConnectionsKey", "kms:GenerateDataKey")
        | on("VaultKey", "kms:GenerateDataKey")
        | on("RefreshFunction:live", "lambda:InvokeFunction")
        | on("EventBus", "events:PutEvents")
    ),
    "Authorize": (
        on(CONNECTIONS, "dynamodb:GetItem")
        | on(AUTHORIZATIONS, "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem")
    ),
    "Callback": (
        on(CONNECTIONS, "dynamodb:GetItem", "dynamodb:UpdateItem")
        | on(VAULT, "dynamodb:PutItem")
        | on(
            AUTHORIZATIONS,
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        )
        | on("ConnectionsKey", "kms:GenerateDataKey")
        | on("VaultKey", "kms:GenerateDataKey")
        | on("ClientSecret", "secretsmanager:GetSecretValue")
        | on("*", "sts:GetWebIdentityToken")
        | on("EventBus", "events:PutEvents")
        | on("RefreshQueue", "sqs:SendMessage")
        | on("RefreshFunction:live", "lambda:InvokeFunction")
        | on("VerifyFunction:live", "lambda:InvokeFunction")
    ),
    "Token": (
        on(CONNECTIONS, "dynamodb:GetItem", "dynamodb:UpdateItem")
        | on("ConnectionsKey", "kms:Decrypt")
        | on("RefreshFunction:live", "lambda:InvokeFunction")
    ),
    "Refresh": (
        on(CONNECTIONS, "dynamodb:GetItem", "dynamodb:UpdateItem")
        | on(VAULT, "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem")
        | on(AUTHORIZATIONS, "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        | on("VaultKey", "kms:Decrypt", "kms:GenerateDataKey")
        | on("ConnectionsKey", "kms:GenerateDataKey")
        | on("ClientSecret", "secretsmanager:GetSecretValue")
        | on("*", "sts:GetWebIdentityToken")
        | on("EventBus", "events:PutEvents")
        | on("RefreshQueue", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    ),
    "Notify": (
        on(CONNECTIONS, "dynamodb:GetItem", "dynamodb:UpdateItem")
        | on(AUTHORIZATIONS, "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
        | on("NotifySecret", "secretsmanager:GetSecretValue")
        | on("EventBus", "events:PutEvents")
        | on("NotifyQueue", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
        | on("*", "ses:SendEmail")
    ),
    "Verify": (
        on(CONNECTIONS, "dynamodb:GetItem")
        | on("ConnectionsKey", "kms:Decrypt")
        | on("RefreshFunction:live", "lambda:InvokeFunction")
    ),
    "Rotate": (
        on(f"{VAULT}/index/due", "dynamodb:Query")
        | on("RefreshQueue", "sqs:SendMessage", "sqs:GetQueueAttributes")
    ),
}

KINDS: dict[str, dict[str, set[str]]] = {
    "Connections": {"PutItem": {"ticket", "import"}, "GetItem": {"ticket"}},
    "Authorize": {"GetItem": {"ticket"}, "UpdateItem": {"ticket"}, "PutItem": {"state"}},
    "Callback": {
        "PutItem": {"ticket"},
        "GetItem": {"state", "breaker"},
        "UpdateItem": {"ticket", "state", "breaker", "reminder"},
        "DeleteItem": {"breaker"},
    },
    "Notify": {
        "PutItem": {"ticket"},
        "UpdateItem": {"notice"},
        "DeleteItem": {"notice"},
    },
    "Refresh": {
        "GetItem": {"breaker"},
        "UpdateItem": {"breaker", "reminder"},
        "DeleteItem": {"breaker", "import"},
    },
}
"""Which kinds of items each role reads and writes in the table of what is under way."""

CONDITIONS = {
    *((step, "sts:GetWebIdentityToken", "*") for step in ("Callback", "Refresh")),
    ("Authorize", "dynamodb:GetItem", CONNECTIONS),
    ("Token", "dynamodb:UpdateItem", CONNECTIONS),
    ("Notify", "dynamodb:GetItem", CONNECTIONS),
    ("Notify", "dynamodb:UpdateItem", CONNECTIONS),
    ("Notify", "ses:SendEmail", "*"),
    *(
        (step, f"dynamodb:{action}", AUTHORIZATIONS)
        for step, actions in KINDS.items()
        for action in actions
    ),
}
"""The only rights with a condition; everything else holds without one."""


def test_functions_have_exactly_their_rights(deployed: Resources) -> None:
    for step, expected in EXPECTED.items():
        log = deployed[f"{step}Function"]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
        common = on(log, "logs:CreateLogStream", "logs:PutLogEvents")
        common |= on("*", "xray:PutTraceSegments", "xray:PutTelemetryRecords")
        role = deployed[f"{step}Role"]["Properties"]
        assert set(rights(role)) == expected | common, step


def test_only_these_rights_have_conditions(deployed: Resources) -> None:
    found = {
        (step, action, _name(statement["Resource"]))
        for step in EXPECTED
        for statement in _statements(deployed[f"{step}Role"]["Properties"])
        if "Condition" in statement
        for action in _list(statement["Action"])
    }
    assert found == CONDITIONS


def test_each_function_touches_its_own_kinds_only(deployed: Resources) -> None:
    """Who may write tickets may not write breakers, and so on; a prefix ends with its mark."""
    for step, actions in KINDS.items():
        for action, kinds in actions.items():
            condition = _condition(deployed, step, f"dynamodb:{action}", AUTHORIZATIONS)
            (keys,) = condition.pop("ForAllValues:StringLike").items()
            assert keys[0] == "dynamodb:LeadingKeys"
            assert (step, action, set(keys[1])) == (step, action, {f"{kind}#*" for kind in kinds})
            assert condition == {"Null": {"dynamodb:LeadingKeys": "false"}}


def test_authorize_reads_no_token(deployed: Resources) -> None:
    condition = _condition(deployed, "Authorize", "dynamodb:GetItem", CONNECTIONS)
    allowed = condition["ForAllValues:StringEquals"].pop("dynamodb:Attributes")
    assert sorted(allowed) == sorted(DESCRIBED)
    assert not {"tokens", "parameters", "tickets"} & set(allowed)
    assert condition == {
        "Null": {"dynamodb:Attributes": "false"},
        "ForAllValues:StringEquals": {},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    }


def test_token_changes_only_the_lease_and_the_last_use(deployed: Resources) -> None:
    assert _condition(deployed, "Token", "dynamodb:UpdateItem", CONNECTIONS) == {
        "Null": {"dynamodb:Attributes": "false"},
        "ForAllValues:StringEquals": {
            "dynamodb:Attributes": [
                *("name", "incarnation", "generation"),
                *("lease_owner", "lease_until", "last_used_at", "used_by"),
            ]
        },
        "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
    }


def test_notify_sees_who_waits_and_makes_links(deployed: Resources) -> None:
    """No token, no parameter, no grant's scopes of a stored token; and no key at all."""
    assert _condition(deployed, "Notify", "dynamodb:GetItem", CONNECTIONS) == {
        "Null": {"dynamodb:Attributes": "false"},
        "ForAllValues:StringEquals": {"dynamodb:Attributes": [*WAITED]},
        "StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
    }
    assert _condition(deployed, "Notify", "dynamodb:UpdateItem", CONNECTIONS) == {
        "Null": {"dynamodb:Attributes": "false"},
        "ForAllValues:StringEquals": {
            "dynamodb:Attributes": ["name", "incarnation", "link", "tickets", "open_link"]
        },
        "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
    }


def test_who_can_do_what_matters_most(deployed: Resources) -> None:
    def able(action: str, resource: str) -> set[str]:
        return {
            logical
            for logical, one in deployed.items()
            if one["Type"] == "AWS::IAM::Role" and (action, resource) in rights(one["Properties"])
        }

    assert able("kms:Decrypt", "VaultKey") == {"RefreshRole"}
    assert able("kms:Decrypt", "ConnectionsKey") == {"TokenRole", "VerifyRole"}
    redeemers = {"CallbackRole", "RefreshRole"}
    assert able("secretsmanager:GetSecretValue", "ClientSecret") == redeemers
    assert able("sts:GetWebIdentityToken", "*") == redeemers
    assert able("kms:Sign", "ClientKey") == set(), "a policy apart gives it"
    assert able("dynamodb:GetItem", VAULT) == {"RefreshRole"}


def test_nothing_widens_a_role(deployed: Resources) -> None:
    roles = {name: one for name, one in deployed.items() if one["Type"] == "AWS::IAM::Role"}
    assert set(roles) == {
        *(f"{step}Role" for step in EXPECTED),
        *("RotateScheduleRole", "GatewayLoggingRole"),
    }
    for name, role in roles.items():
        managed = role["Properties"].get("ManagedPolicyArns", [])
        assert bool(managed) == (name == "GatewayLoggingRole")
        assert not any("*" in action for action, _ in rights(role["Properties"]))
    kinds = {one["Type"] for one in deployed.values()}
    assert not kinds & {"AWS::IAM::ManagedPolicy", "AWS::KMS::Grant"}
    policies = {name for name, one in deployed.items() if one["Type"] == "AWS::IAM::Policy"}
    assert policies == {"ClientKeyRights"}, "see test_client_authentication"
    assert "AWS::DynamoDB::ResourcePolicy" not in kinds


def test_for_all_values_never_stands_alone(deployed: Resources) -> None:
    """IAM: it is true where the key is absent."""
    for logical, one in deployed.items():
        for statement in _statements(one["Properties"]) if "Role" in one["Type"] else ():
            condition = statement.get("Condition", {})
            for operator, keys in condition.items():
                if operator.startswith("ForAllValues:"):
                    for key in keys:
                        assert condition["Null"][key] == "false", (logical, key)


def test_each_function_has_its_own_role(deployed: Resources) -> None:
    for step in EXPECTED:
        function = deployed[f"{step}Function"]["Properties"]
        assert function["Role"] == {"Fn::GetAtt": [f"{step}Role", "Arn"]}
        trust = deployed[f"{step}Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust == [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]


def test_the_schedule_may_only_invoke_rotate(deployed: Resources) -> None:
    role = deployed["RotateScheduleRole"]["Properties"]
    assert set(rights(role)) == {
        ("lambda:InvokeFunction", "RotateFunction:live"),
        ("sqs:SendMessage", "RotateDeadLetterQueue"),
    }
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_only_the_api_may_invoke_functions_from_outside(deployed: Resources) -> None:
    permissions = [
        one["Properties"] for one in deployed.values() if one["Type"] == "AWS::Lambda::Permission"
    ]
    assert len(permissions) == len(SIGNED) + len(OPEN)
    assert {one["Principal"] for one in permissions} == {"apigateway.amazonaws.com"}
    for one in permissions:
        assert one["Action"] == "lambda:InvokeFunction"
        assert "__ApiId__" in json.dumps(one["SourceArn"])


def test_keys_leave_all_rights_to_iam(deployed: Resources) -> None:
    for name in ("ConnectionsKey", "VaultKey"):
        (statement,) = deployed[name]["Properties"]["KeyPolicy"]["Statement"]
        root = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
        assert statement["Principal"] == {"AWS": {"Fn::Sub": root}}
        assert (statement["Action"], statement["Resource"]) == ("kms:*", "*")


def rights(role: dict[str, Any]) -> Iterator[Right]:
    """Every action with every resource it may be used on."""
    for statement in _statements(role):
        assert statement["Effect"] == "Allow"
        assert set(statement) <= {"Effect", "Action", "Resource", "Condition"}
        for action in _list(statement["Action"]):
            for resource in _list(statement["Resource"]):
                yield action, _name(resource)


def _statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those of a condition too, as if it held; `test_client_authentication` has them apart."""
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def _condition(deployed: Resources, step: str, action: str, resource: str) -> dict[str, Any]:
    (found,) = [
        statement["Condition"]
        for statement in _statements(deployed[f"{step}Role"]["Properties"])
        if action in _list(statement["Action"]) and _name(statement["Resource"]) == resource
    ]
    return json.loads(json.dumps(found))  # type: ignore[no-any-return]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(resource: Any) -> str:
    """`X` for X's Fn::GetAtt of Arn or Id; `X/index/y` for Fn::Sub of `${X.Arn}/index/y`; `X:live`
    for Ref of X's alias, or for its ARN spelled out."""
    if isinstance(resource, str):
        return resource
    ((intrinsic, argument),) = resource.items()
    if intrinsic == "Fn::Sub" and ":function:" in argument:
        step, alias = str(argument).partition("${AWS::StackName}-")[2].split(":")
        return f"{step.capitalize()}Function:{alias}"
    if intrinsic == "Fn::Sub":
        return str(argument).replace("${", "").replace(".Arn}", "")
    if intrinsic == "Ref":
        logical, _, alias = str(argument).partition("Alias")
        assert alias, argument
        return f"{logical}:{alias}"
    logical, attribute = argument
    assert attribute in ("Arn", "Id")
    return str(logical)
