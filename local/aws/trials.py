"""Checks that try something: with temporary roles, a temporary rule and queue, all removed."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from local.aws.checks import Failed, Unseen, _need
from local.aws.stack import Stack
from local.signed import Caller
from local.template import load

NEVER = {
    "AWS::DynamoDB::Table": ("dynamodb:Scan", "dynamodb:DeleteTable"),
    "AWS::KMS::Key": ("kms:CreateGrant", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"),
    "AWS::SecretsManager::Secret": ("secretsmanager:PutSecretValue",),
    "AWS::Lambda::Function": ("lambda:UpdateFunctionCode",),
}
"""What no function may do, by type of resource."""

SETTLE_SECONDS = 60.0
"""IAM and EventBridge need some seconds until everyone knows of a change."""


def role_boundaries(stack: Stack) -> str:
    """AWS's own simulator on the roles as they are stored: who opens what, and what nobody does."""
    tried = 0
    for role, action, resource, wanted in _boundaries(stack):
        answer = stack.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
        )
        (found,) = answer["EvaluationResults"]
        allowed = found["EvalDecision"] == "allowed"
        _need(allowed == wanted, f"{role.rpartition('/')[2]} {action}: {found['EvalDecision']}")
        tried += 1
    return f"{tried} decisions"


def _boundaries(stack: Stack) -> Iterator[tuple[str, str, str, bool]]:
    """Role, action, resource, and whether it is allowed."""
    functions, arn = stack.client("lambda"), _arns(stack)
    for name, one in load()["Resources"].items():
        if one["Type"] != "AWS::Serverless::Function":
            continue
        config = functions.get_function_configuration(FunctionName=stack.resources[name])
        role, step = config["Role"], name.removesuffix("Function")
        yield role, "kms:Decrypt", arn["VaultKey"], step == "Refresh"
        yield role, "dynamodb:GetItem", arn["VaultTable"], step == "Refresh"
        if step == "Authorize":  # a read that does not say which attributes it wants
            yield role, "dynamodb:GetItem", arn["ConnectionsTable"], False
        secret = "secretsmanager:GetSecretValue"
        yield role, secret, arn["ClientSecret"], step in ("Callback", "Refresh")
        for resource, kind in ((each, load()["Resources"][each]["Type"]) for each in arn):
            for action in NEVER.get(kind, ()):
                yield role, action, arn[resource], False


def _arns(stack: Stack) -> dict[str, str]:
    """Logical id → ARN, of keys, tables and secrets."""
    found = {}
    for name, one in load()["Resources"].items():
        if name not in stack.resources:
            continue
        physical = stack.resources[name]
        match one["Type"]:
            case "AWS::KMS::Key":
                key = stack.client("kms").describe_key(KeyId=physical)
                found[name] = key["KeyMetadata"]["Arn"]
            case "AWS::DynamoDB::Table":
                table = stack.client("dynamodb").describe_table(TableName=physical)
                found[name] = table["Table"]["TableArn"]
            case "AWS::SecretsManager::Secret":
                secret = stack.client("secretsmanager").describe_secret(SecretId=physical)
                found[name] = secret["ARN"]
    return found


def signed_routes(stack: Stack) -> str:
    """Three temporary roles: with the operators' policy, with a caller's, with none."""
    with ExitStack() as held:
        operator, caller, nobody = (
            held.enter_context(_role(stack, policy))
            for policy in (stack.outputs["OperatorPolicy"], stack.outputs["CallerPolicy"], None)
        )
        _settled(lambda: _is(operator, "GET", "/connections", 200), "the operator's list")
        token = "/connections/acceptance-no-such/token"
        _settled(lambda: _is(caller, "GET", token, 403, "access_denied"), "the caller's fetch")
        for who, verb, path in (
            *((caller, verb, path) for verb, path in (("GET", "/connections"),
              ("POST", "/connections"), ("DELETE", "/connections/x"))),
            *((nobody, "GET", path) for path in ("/connections", token)),
        ):  # fmt: skip
            _need(_refused(who, verb, path), f"{verb} {path} was let through")
    return "operator, caller, nobody"


def _is(who: Caller, verb: str, path: str, status: int, code: str | None = None) -> bool:
    answer = who.request(verb, path)
    return answer.status_code == status and (code is None or answer.json().get("code") == code)


def _refused(who: Caller, verb: str, path: str) -> bool:
    """By API Gateway in the contract's words, before the broker; `__type`: the emulator's words."""
    answer = who.request(verb, path)
    said = answer.json()
    return answer.status_code == 403 and (said.get("code") == "not_authorized" or "__type" in said)


@contextmanager
def _role(stack: Stack, policy: str | None) -> Iterator[Caller]:
    """A role of its own, assumed; removed at the end."""
    iam, sts = stack.client("iam"), stack.client("sts")
    name = f"{stack.name[:40]}-acceptance-{secrets.token_hex(4)}"
    account = sts.get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    try:
        if policy:
            iam.put_role_policy(RoleName=name, PolicyName="invoke", PolicyDocument=policy)
        keys = _assumed(sts, role["Arn"])
        principal = {
            "role_arn": role["Arn"],
            "access_key_id": keys["AccessKeyId"],
            "secret_access_key": keys["SecretAccessKey"],
            "session_token": keys["SessionToken"],
        }
        yield Caller(stack.url, sts.meta.region_name, principal)
    finally:
        if policy:
            iam.delete_role_policy(RoleName=name, PolicyName="invoke")
        iam.delete_role(RoleName=name)


def _assumed(sts: Any, arn: str) -> dict[str, str]:
    """The role's keys, once IAM knows the role everywhere."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            answer = sts.assume_role(RoleArn=arn, RoleSessionName="acceptance")
        except sts.exceptions.ClientError:
            if time.monotonic() > deadline:
                raise
            time.sleep(2)
        else:
            keys: dict[str, str] = answer["Credentials"]
            return keys


def _settled(look: Any, what: str) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise Failed(f"{what} is not answered as it must be")
        time.sleep(2)


def topic_policy(stack: Stack) -> str:
    """A test event through a rule of its own to the topic: it comes out at a queue of its own. Who
    gets the broker's mails gets this one as well; it says what it is."""
    if "NotificationTopic" not in stack.resources:
        raise Unseen("NotifyEmail is empty: nothing is mailed")
    topic = stack.resources["NotificationTopic"]
    with _queue(stack, topic) as queue, _rule(stack, topic):
        sqs, events = stack.client("sqs"), stack.client("events")
        entry = {
            "Source": "token-broker.acceptance",
            "DetailType": "Acceptance Test",
            "Detail": json.dumps({"note": "A test of the way that mails take. Nothing happened."}),
            "EventBusName": stack.outputs["EventBusName"],
        }

        def came() -> bool:
            events.put_events(Entries=[entry])
            got = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
            return any("Acceptance Test" in one["Body"] for one in got)

        _settled(came, "a test event")
    return "a test event came through"


@contextmanager
def _rule(stack: Stack, topic: str) -> Iterator[None]:
    events, bus = stack.client("events"), stack.outputs["EventBusName"]
    name = f"{stack.name[:40]}-acceptance-{secrets.token_hex(4)}"
    pattern = json.dumps({"source": ["token-broker.acceptance"]})
    events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
    try:
        target = {"Id": "topic", "Arn": topic}
        events.put_targets(Rule=name, EventBusName=bus, Targets=[target])
        yield
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["topic"])
        events.delete_rule(Name=name, EventBusName=bus)


@contextmanager
def _queue(stack: Stack, topic: str) -> Iterator[str]:
    sqs, sns = stack.client("sqs"), stack.client("sns")
    url = sqs.create_queue(QueueName=f"{stack.name}-acceptance-{secrets.token_hex(4)}")["QueueUrl"]
    subscription = ""
    try:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        subscription = sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        yield url
    finally:
        if subscription:
            sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)
