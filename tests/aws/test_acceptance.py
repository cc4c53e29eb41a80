"""make acceptance on the local stack, with what the emulator cannot show marked as such."""

from __future__ import annotations

import pytest

from local import deploy
from local.aws import acceptance, trials
from local.aws.checks import Failed
from local.aws.stack import Stack
from tests.e2e import harness

EMULATED = {
    "topic policy": "unseen",  # without NotifyEmail there is no topic
}
"""What the local stack does not show, and what is said instead; everything else passes."""


@pytest.fixture
def deployed(stack: harness.Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    monkeypatch.setattr(trials, "SETTLE_SECONDS", 20.0)
    return Stack(deploy.NAME, deploy.Cloud(stack.settings.endpoint).client)


def test_a_fresh_stack_is_accepted(deployed: Stack, stack: harness.Stack) -> None:
    found = acceptance.rows(deployed)
    print(acceptance.table(found))
    assert {row.check: row.result for row in found} == {
        name: EMULATED.get(name, "ok") for name in acceptance.CHECKS
    }, acceptance.table(found)
    roles = stack.client("iam").list_roles(MaxItems=1000)["Roles"]
    assert not [role for role in roles if "-acceptance-" in role["RoleName"]], "all is removed"


def test_a_stack_that_is_not_as_it_must_be_is_not_accepted(
    deployed: Stack, stack: harness.Stack
) -> None:
    """An alias that was left behind, and a log that never ends."""
    functions, logs = stack.client("lambda"), stack.client("logs")
    name = f"{deploy.NAME}-verify"
    before = functions.get_function_configuration(FunctionName=name)["Timeout"]
    functions.update_function_configuration(FunctionName=name, Timeout=3)
    group = deployed.resources["AccessLog"]
    logs.delete_retention_policy(logGroupName=group)
    try:
        found = {row.check: row for row in acceptance.rows(deployed)}
    finally:
        functions.update_function_configuration(FunctionName=name, Timeout=before)
        logs.put_retention_policy(logGroupName=group, retentionInDays=30)
    assert found["aliases serve what was deployed"].result == "FAILED"
    assert "Timeout" in found["aliases serve what was deployed"].detail
    assert found["log groups"].result == "FAILED"


def test_one_check_that_breaks_hides_no_other(deployed: Stack) -> None:
    def broken(stack: Stack) -> str:
        raise Failed("as expected")

    assert acceptance._row(deployed, "x", broken).result == "FAILED"
