"""A deployed stack, as CloudFormation tells it; and names that stacks may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import boto3
from botocore.exceptions import ClientError

LONGEST = 52
"""Characters of a stack's name: functions are named after it, and theirs end at 64."""

Client = Callable[[str], Any]
"""Service → boto3 client."""


class Trouble(Exception):  # noqa: N818 (it is shown to the operator as it is)
    """Something the operator can mend; the text says what and how."""


def checked(name: str) -> str:
    """The name, or `Trouble` that says what is wrong with it."""
    if not re.fullmatch("[a-zA-Z][a-zA-Z0-9-]*", name):
        raise Trouble(f"STACK={name!r}: letters, digits and hyphens, a letter first.")
    if len(name) > LONGEST:
        raise Trouble(
            f"STACK={name}: {len(name)} characters, at most {LONGEST}: its functions are called "
            f"{name}-connections and the like, and Lambda ends names at 64."
        )
    return name


@dataclass(frozen=True)
class Stack:
    """One stack of this account and region."""

    name: str
    client: Client = field(default_factory=lambda: cast(Client, boto3.client))

    @cached_property
    def description(self) -> Mapping[str, Any] | None:
        """CloudFormation's; None if there is no such stack."""
        try:
            answer = self.client("cloudformation").describe_stacks(StackName=self.name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return None
            raise
        description: Mapping[str, Any] = answer["Stacks"][0]
        return description

    @cached_property
    def outputs(self) -> dict[str, str]:
        """Name → value."""
        there = (self.description or {}).get("Outputs", [])
        return {one["OutputKey"]: one["OutputValue"] for one in there}

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Name → value."""
        there = (self.description or {}).get("Parameters", [])
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in there}

    @property
    def url(self) -> str:
        """Under which browsers reach the API, and callers may."""
        return self.parameters.get("PublicBaseUrl") or self.outputs["ApiUrl"]

    @cached_property
    def resources(self) -> dict[str, str]:
        """Logical id → physical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for one in page["StackResourceSummaries"]
        }
