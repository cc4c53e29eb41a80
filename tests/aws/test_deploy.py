"""make deploy and make destroy, as far as they decide something themselves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import deploy, destroy
from local.aws.stack import LONGEST, Stack, Trouble, checked
from local.template import load


class Cloud:
    """CloudFormation with one stack, or none."""

    def __init__(self, *stacks: dict[str, Any]) -> None:
        self.stacks, self.deleted = list(stacks), list[str]()

    def __call__(self, service: str) -> Any:
        assert service == "cloudformation"
        return self

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if not self.stacks:
            error = {"Error": {"Code": "ValidationError", "Message": f"no {StackName}"}}
            raise ClientError(error, "DescribeStacks")  # type: ignore[arg-type]
        return {"Stacks": self.stacks}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        names = ("VaultTable", "VaultKey", "ClientSecret", "AuditLog", "TokenFunction", "Api")
        return [{"StackResourceSummaries": [
            {"LogicalResourceId": name, "PhysicalResourceId": f"id-{name}"} for name in names
        ]}]  # fmt: skip

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.deleted.append(StackName)

    def get_waiter(self, name: str) -> Any:
        assert name == "stack_delete_complete"
        return self

    def wait(self, StackName: str) -> None:  # noqa: N803
        assert StackName in self.deleted


def stack(**description: Any) -> Stack:
    return Stack("token-broker", Cloud(description) if description else Cloud())


@pytest.mark.parametrize("name", ["", "1st", "token_broker", "-x", "x" * (LONGEST + 1)])
def test_a_name_that_would_fail_late_is_refused_at_once(name: str) -> None:
    with pytest.raises(Trouble, match="STACK="):
        checked(name)


def test_the_longest_name_is_the_templates() -> None:
    assert checked("x" * LONGEST)
    suffixes = [
        one["Properties"]["FunctionName"]["Fn::Sub"].removeprefix("${AWS::StackName}")
        for one in load()["Resources"].values()
        if one["Type"] == "AWS::Serverless::Function"
    ]
    assert LONGEST + max(map(len, suffixes)) == 64


def test_a_release_is_of_the_commit_and_all_parameters() -> None:
    """Those of before count too; the former release does not."""
    one = deploy.release("abc", {"ClientId": "x", "Release": "old"})
    assert one == deploy.release("abc", {"Release": "older", "ClientId": "x"})
    assert one != deploy.release("abc", {"ClientId": "y"})
    assert one != deploy.release("abd", {"ClientId": "x"})
    assert len(one) <= 64


def test_parameters_on_the_stack_enter_the_release() -> None:
    there = [{"ParameterKey": "LinkDays", "ParameterValue": "3"}]
    known = deploy.command(stack(StackStatus="UPDATE_COMPLETE", Parameters=there), {}, "abc")
    assert known[-1] == f"Release={deploy.release('abc', {'LinkDays': '3'})}"
    assert "LinkDays=3" not in known, "sam keeps it"


def test_a_new_stack_needs_the_client_id() -> None:
    with pytest.raises(Trouble, match="ClientId"):
        deploy.command(stack(), {}, "abc")
    words = deploy.command(stack(), {"ClientId": "x"}, "abc")
    assert words[1:4] == ["deploy", "--stack-name", "token-broker"]
    assert "ClientId=x" in words


def test_a_first_deployment_that_failed_is_removed_first() -> None:
    with pytest.raises(Trouble, match="make destroy"):
        deploy.command(stack(StackStatus="ROLLBACK_COMPLETE"), {"ClientId": "x"}, "abc")


@pytest.mark.parametrize("word", ["ClientId", "client_id=x", "Clientid=x"])
def test_unknown_parameters_are_named(word: str) -> None:
    with pytest.raises(Trouble, match="ClientId"):
        deploy.parse([word], load()["Parameters"])


def test_destroy_says_what_stays_and_how_it_goes() -> None:
    cloud, said = Cloud({"StackStatus": "CREATE_COMPLETE"}), list[str]()
    destroy.destroy(Stack("token-broker", cloud), lambda _: "token-broker", said.append)
    text = "\n".join(said)
    assert cloud.deleted == ["token-broker"]
    assert "Goes: Api, TokenFunction" in text
    for kept in ("id-VaultTable", "id-VaultKey", "id-ClientSecret", "id-AuditLog"):
        assert kept in text
    assert "ClientLayer" in text


def test_destroy_asks_for_the_name() -> None:
    cloud = Cloud({"StackStatus": "CREATE_COMPLETE"})
    with pytest.raises(Trouble, match="Nothing was deleted"):
        destroy.destroy(Stack("token-broker", cloud), lambda _: "yes", lambda _: None)
    assert not cloud.deleted


def test_everything_that_stays_can_be_removed() -> None:
    for name, one in load()["Resources"].items():
        if one.get("DeletionPolicy", "").startswith("Retain"):
            assert one["Type"] in destroy.REMOVE, name
