"""What is asked of the engine, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from local.template import ACCOUNT
from local.tools import node
from local.tools.permissions.account import Account, Document

Verdict = Literal["Allowed", "ExplicitlyDenied", "ImplicitlyDenied"]

ENGINE = Path(__file__).parent / "engine" / "evaluate.mjs"


@dataclass(frozen=True)
class Question:
    """May this principal do this? `principal` None: anonymous. `policy`: the resource's own."""

    principal: str | None
    action: str
    resource: str
    context: Mapping[str, str | list[str]] = field(default_factory=dict)
    identity: Sequence[Document] = ()
    policy: Document | None = None

    def as_json(self) -> dict[str, Any]:
        """For the engine."""
        return {**vars(self), "account": ACCOUNT}


def ask(questions: Sequence[Question]) -> list[Verdict]:
    """One verdict a question, in their order."""
    verdicts: list[Verdict] = node.run(ENGINE, [each.as_json() for each in questions])
    return verdicts


def of_role(
    account: Account,
    role: str,
    action: str,
    resource: str,
    context: Mapping[str, str | list[str]],
) -> Question:
    """May a role of the stack do this, by its own policies? `resource`: as in `Account.arns`."""
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session"
    context = {"aws:PrincipalArn": account.arns[role], **context}
    arn = "*" if resource == "*" else account.arns[resource]
    policy = account.key_policy(resource) if arn.startswith("arn:aws:kms:") else None
    if arn.startswith("arn:aws:logs:"):
        arn = arn.removesuffix("*") + "log-stream:s"
    return Question(principal, action, arn, context, account.roles[role], policy)
