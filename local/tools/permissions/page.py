"""docs/permissions.md: what each role may do, and why it must."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache

from local.template import ACCOUNT, ROOT
from local.tools.permissions.account import Account
from local.tools.permissions.matrix import (
    ORGANIZATION,
    PRINCIPALS,
    Pair,
    allowed,
    conditional,
    routes,
    universe,
)

PAGE = ROOT / "docs" / "permissions.md"
CALLS = ROOT / "tests" / "iam" / "calls.json"

PARAMETERS = {
    "NotifyEmail": "operator@example.com",
    "OperatorRoles": f"arn:aws:iam::{ACCOUNT}:role/oper*",
    "OrganizationId": ORGANIZATION,
    "AdmittedAccounts": "111111111111",
    "ClientAuthentication": "secret,certificate,federated",
}
"""Everything that an operator may switch on and that is about rights."""

POLLED = "Lambda polls the queue with the function's role"
LAMBDA = "Lambda writes logs and traces with the function's role"

REDEEMS: dict[Pair, str] = {
    ("kms:Sign", "ClientKey"): "client authentication by certificate",
    ("ssm:GetParameter", "ClientCertificate"): "client authentication by certificate",
    ("sts:GetWebIdentityToken", "*"): "client authentication by a token of AWS's",
}
"""Of callback and refresh, if the kind is listed."""

SELDOM: dict[str, dict[Pair, str]] = {
    "CallbackRole": {
        **REDEEMS,
        ("sqs:SendMessage", "RefreshQueue"): "an administrator has consented: try again",
        ("lambda:InvokeFunction", "RefreshFunction:live"): "the other resources of a consent",
    },
    "RefreshRole": {
        **REDEEMS,
        ("dynamodb:PutItem", "VaultTable"): "an imported refresh token",
        ("sqs:ReceiveMessage", "RefreshQueue"): POLLED,
        ("sqs:DeleteMessage", "RefreshQueue"): POLLED,
        ("sqs:GetQueueAttributes", "RefreshQueue"): POLLED,
    },
    "NotifyRole": {
        ("secretsmanager:GetSecretValue", "NotifySecret"): "chats and webhooks",
        ("events:PutEvents", "EventBus"): "a link was sent",
        ("sqs:ReceiveMessage", "NotifyQueue"): POLLED,
        ("sqs:DeleteMessage", "NotifyQueue"): POLLED,
        ("sqs:GetQueueAttributes", "NotifyQueue"): POLLED,
    },
    "RotateRole": {("sqs:SendMessage", "RefreshQueue"): "something is due"},
    "RotateScheduleRole": {
        ("lambda:InvokeFunction", "RotateFunction:live"): "the schedule invokes rotate",
        ("sqs:SendMessage", "RotateDeadLetterQueue"): "the schedule could not",
    },
}
"""Role → rights that a recording of a few minutes does not see used, and what uses them."""


@cache
def _recorded() -> Mapping[str, list[dict[str, list[str]]]]:
    found: dict[str, list[dict[str, list[str]]]] = json.loads(CALLS.read_text())
    return found


@cache
def _account() -> Account:
    return Account(PARAMETERS)


@cache
def known(role: str) -> dict[Pair, list[dict[str, list[str]]]]:
    """A role's calls as recorded, and what Lambda does in its name; each with condition keys."""
    function = role.removesuffix("Role").lower()
    found = {}
    for line, contexts in _recorded().items():
        whose, action, resource = line.split()
        if whose == function:
            found[action, resource] = contexts
    return found | {pair: [{}] for pair in _runtime(role)}


def _runtime(role: str) -> Iterator[Pair]:
    function = role.replace("Role", "Function")
    if function not in _account().resources:
        return
    log = _account().resources[function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield action, log
    for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
        yield action, "*"


def render(account: Account) -> str:
    """The page."""
    return "\n".join([*_head(account), *_roles(account), *_routes(account)]) + "\n"


def _head(account: Account) -> Iterator[str]:
    asked = len(universe(account)) * len(account.roles)
    yield "# Permissions\n"
    yield (
        "Made by `make docs`: the policies of the transformed template, judged by "
        "[@cloud-copilot/iam-simulate]"
        "(https://www.npmjs.com/package/@cloud-copilot/iam-simulate),\nan IAM engine that is not "
        f"this project's (AGPL; run as a program by checks, never deployed). It was asked "
        f"{asked:,} times: each role, with each\naction that matters, on each resource of the "
        "stack. **What is not listed here is denied.** *Seen*: recorded while the functions ran on "
        "the local\nstack. *If*: only under a condition on these keys."
    )


def _roles(account: Account) -> Iterator[str]:
    for role in account.roles:
        yield f"\n## {role}\n"
        yield "| may | on | if | for |"
        yield "|---|---|---|---|"
        for pair in sorted(allowed(account, role, known(role)), key=lambda pair: pair[::-1]):
            keys = ", ".join(f"`{key}`" for key in sorted(set(conditional(account, role, pair))))
            yield f"| `{pair[0]}` | {pair[1]} | {keys} | {_reason(role, pair)} |"


def _reason(role: str, pair: Pair) -> str:
    if pair[0].partition(":")[0] in ("logs", "xray"):
        return LAMBDA
    return SELDOM.get(role, {}).get(pair, "seen")


def _routes(account: Account) -> Iterator[str]:
    found = routes(account)
    yield "\n## Routes\n"
    yield (
        "With `OperatorRoles`, `OrganizationId` and `AdmittedAccounts` set. "
        "Grants are checked after that.\n"
    )
    yield "| route | " + " | ".join(PRINCIPALS) + " |"
    yield "|---" * (len(PRINCIPALS) + 1) + "|"
    for verb, path, _ in account.routes():
        marks = ["yes" if (verb, path) in found[who] else "–" for who in PRINCIPALS]
        yield f"| `{verb} {path}` | " + " | ".join(marks) + " |"
