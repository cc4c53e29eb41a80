"""Every role against every action on every resource of the stack, and the page that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from local.template import ACCOUNT, REGION
from local.tools.permissions.account import API, Account
from local.tools.permissions.questions import Question, ask, of_role

DANGEROUS: dict[str, tuple[str, ...]] = {
    "AWS::DynamoDB::Table": (
        *("dynamodb:BatchGetItem", "dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem"),
        *("dynamodb:DeleteItem", "dynamodb:DeleteTable", "dynamodb:ExportTableToPointInTime"),
        *("dynamodb:GetItem", "dynamodb:PartiQLSelect", "dynamodb:PartiQLUpdate"),
        *("dynamodb:PutItem", "dynamodb:PutResourcePolicy", "dynamodb:Query", "dynamodb:Scan"),
        *("dynamodb:UpdateItem", "dynamodb:UpdateTable"),
    ),
    "AWS::KMS::Key": (
        *("kms:CreateGrant", "kms:Decrypt", "kms:DisableKey", "kms:Encrypt", "kms:GenerateDataKey"),
        *("kms:PutKeyPolicy", "kms:ReEncryptFrom", "kms:ScheduleKeyDeletion", "kms:Sign"),
    ),
    "AWS::Lambda::Function": (
        *("lambda:AddPermission", "lambda:GetFunction", "lambda:InvokeFunction"),
        *("lambda:UpdateAlias", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration"),
    ),
    "AWS::SecretsManager::Secret": (
        *("secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue"),
        *("secretsmanager:PutResourcePolicy", "secretsmanager:PutSecretValue"),
        "secretsmanager:UpdateSecret",
    ),
    "AWS::SSM::Parameter": ("ssm:GetParameter", "ssm:PutParameter"),
    "AWS::SQS::Queue": (
        *("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:PurgeQueue", "sqs:ReceiveMessage"),
        *("sqs:SendMessage", "sqs:SetQueueAttributes"),
    ),
    "AWS::SNS::Topic": ("sns:Publish", "sns:SetTopicAttributes", "sns:Subscribe"),
    "AWS::Events::EventBus": ("events:PutEvents",),
    "AWS::Events::Rule": ("events:DisableRule", "events:PutRule", "events:PutTargets"),
    "AWS::Logs::LogGroup": ("logs:CreateLogStream", "logs:GetLogEvents", "logs:PutLogEvents"),
    "AWS::IAM::Role": ("iam:PassRole", "iam:PutRolePolicy", "sts:AssumeRole"),
}
"""What would matter, by type of resource; whatever a role names is asked for besides."""

Pair = tuple[str, str]
"""Action and resource, as in `Account.arns`; `*` where an action knows no resource."""
Contexts = Mapping[Pair, list[dict[str, list[str]]]]
"""Condition keys that calls are known to come with."""


COMES_WITH: dict[Pair, dict[str, list[str]]] = {
    ("kms:Sign", "ClientKey"): {
        "kms:SigningAlgorithm": ["RSASSA_PSS_SHA_256"],
        "kms:MessageType": ["RAW"],
    },
    ("sts:GetWebIdentityToken", "*"): {
        "sts:IdentityTokenAudience": ["api://AzureADTokenExchange"],
        "sts:SigningAlgorithm": ["RS256"],
        "sts:DurationSeconds": ["300"],
    },
}
"""Condition keys of requests that no recording holds: whoever has the right has it with these."""


def universe(account: Account) -> set[Pair]:
    """Every pair that makes sense in this stack."""
    kinds = {name: one["Type"] for name, one in account.resources.items()}
    found = set()
    for name in account.arns:
        logical = re.split("[:/]", name)[0]
        for action in DANGEROUS[kinds[logical]]:
            if name == logical or "/index/" not in name or action in INDEXED:
                found.add((action, name))
    for document in chain.from_iterable(account.roles.values()):
        for statement in document["Statement"]:
            if statement["Resource"] == "*":
                found |= {(action, "*") for action in _list(statement["Action"])}
    return found


INDEXED = {"dynamodb:Query", "dynamodb:Scan"}


def allowed(account: Account, role: str, known: Contexts) -> set[Pair]:
    """What a role may do: by itself, or with condition keys that its calls are known to have."""
    asked = [
        (pair, of_role(account, role, *pair, context))
        for pair in sorted(universe(account))
        for context in ({}, COMES_WITH.get(pair, {}), *known.get(pair, ()))
    ]
    verdicts = ask([question for _, question in asked])
    return {
        pair for (pair, _), verdict in zip(asked, verdicts, strict=True) if verdict == "Allowed"
    }


PRINCIPALS: dict[str, tuple[str | None, bool]] = {
    "anonymous": (None, False),
    "own account, no policy": (f"arn:aws:iam::{ACCOUNT}:role/nobody", False),
    "own account, a broad policy": (f"arn:aws:iam::{ACCOUNT}:role/broad", True),
    "own account, an operator": (f"arn:aws:iam::{ACCOUNT}:role/operator", True),
    "admitted account, no policy": ("arn:aws:iam::111111111111:role/job", False),
    "admitted account, a broad policy": ("arn:aws:iam::111111111111:role/job", True),
    "the organization, a broad policy": ("arn:aws:iam::222222222222:role/job", True),
    "foreign account, a broad policy": ("arn:aws:iam::333333333333:role/job", True),
}
"""Who calls, and whether their own policies allow execute-api:Invoke on everything."""

ORGANIZATION = "o-abcdefghij"
MEMBERS = {ACCOUNT, "222222222222"}
BROAD = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}],
}


def routes(account: Account) -> dict[str, set[tuple[str, str]]]:
    """Who → verb and path of each route that API Gateway lets them call."""
    asked = [
        (who, verb, path, _route(account, who, verb, path))
        for who in PRINCIPALS
        for verb, path, _ in account.routes()
    ]
    verdicts = ask([question for *_, question in asked])
    found: dict[str, set[tuple[str, str]]] = {who: set() for who in PRINCIPALS}
    for (who, verb, path, _), verdict in zip(asked, verdicts, strict=True):
        if verdict == "Allowed":
            found[who].add((verb, path))
    return found


def _route(account: Account, who: str, verb: str, path: str) -> Question:
    principal, broad = PRINCIPALS[who]
    context = {}
    if principal:
        number = principal.split(":")[4]
        context = {"aws:PrincipalArn": principal, "aws:PrincipalAccount": number}
        if number in MEMBERS:
            context["aws:PrincipalOrgID"] = ORGANIZATION
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/v1/{verb}{path}"
    identity = [BROAD] if broad else []
    return Question(principal, "execute-api:Invoke", arn, context, identity, account.api_policy)


def conditional(account: Account, role: str, pair: Pair) -> Iterator[str]:
    """The operators and keys of the conditions under which a role may do this."""
    arn = "*" if pair[1] == "*" else account.arns[pair[1]]
    for document in account.roles[role]:
        for statement in document["Statement"]:
            if pair[0] in _list(statement["Action"]) and arn in _list(statement["Resource"]):
                for keys in statement.get("Condition", {}).values():
                    yield from keys


def _list(value: object) -> list[str]:
    return value if isinstance(value, list) else [str(value)]
