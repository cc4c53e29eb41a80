"""make acceptance: what a person with an AWS account runs after the first deployment.

    python -m local.aws.acceptance STACK

It needs no Microsoft account, removes what it makes, and ends in a table and an exit code: 0 if
every check passed or had nothing to see.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from local.aws import checks, trials
from local.aws.checks import Check, Failed, Unseen
from local.aws.stack import Stack, Trouble, checked

CHECKS: Mapping[str, Check] = {
    "aliases serve what was deployed": checks.aliases,
    "method settings as stored": checks.method_settings,
    "browser routes": checks.browser_routes,
    "signed routes by three roles": trials.signed_routes,
    "role boundaries": trials.role_boundaries,
    "topic policy": trials.topic_policy,
    "alarms": checks.alarms,
    "schedule": checks.schedule,
    "log groups": checks.log_groups,
    "cost tags": checks.cost_tags,
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    check: str
    result: Literal["ok", "FAILED", "unseen"]
    detail: str


def rows(stack: Stack) -> list[Row]:
    """Every check, whatever became of those before."""
    return [_row(stack, name, check) for name, check in CHECKS.items()]


def _row(stack: Stack, name: str, check: Check) -> Row:
    try:
        return Row(name, "ok", check(stack))
    except Failed as failed:
        return Row(name, "FAILED", str(failed))
    except Unseen as unseen:
        return Row(name, "unseen", str(unseen))
    except (BotoCoreError, ClientError, RequestException, KeyError) as error:
        return Row(name, "FAILED", f"{type(error).__name__}: {error}")


def table(found: Sequence[Row]) -> str:
    """For people."""
    width = max(len(row.check) for row in found)
    return "\n".join(f"{row.check:<{width}}  {row.result:<6}  {row.detail}" for row in found)


def main(words: Sequence[str]) -> None:
    """Check a stack."""
    stack = Stack(checked(words[0] if words else ""))
    if stack.description is None:
        raise Trouble(f"There is no stack {stack.name} in this account and region.")
    found = rows(stack)
    print(table(found))
    sys.exit(any(row.result == "FAILED" for row in found))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(str(trouble))
