"""What the functions ask of AWS, recorded on the stack: the file the policies are held against.

With `RECORD=1` the file is written anew.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from local import deploy
from local.template import ROOT
from local.tools.permissions import page
from local.tools.permissions.account import ARNS, Account
from local.tools.permissions.matrix import conditional
from tests.e2e.artifacts import Artifacts, Run, sample
from tests.e2e.harness import Stack
from tests.e2e.test_artifacts import test_samples_as_they_are_are_refused as refusals
from tests.e2e.test_artifacts import test_the_main_job_on_samples_alone as main_job
from tests.iam.recorded import Call, Contexts, Recorder

ACCOUNT = Account(page.PARAMETERS)
FILE = ROOT / "tests" / "iam" / "calls.json"

Recorded = dict[str, list[dict[str, list[str]]]]
"""'function action resource' → the different sets of condition keys it came with."""


class Recording(Artifacts):
    """Artifacts that note what each run asked for."""

    def run(self, function: str, *events: Any) -> list[Run]:
        runs = super().run(function, *events)
        for run in runs:
            self.seen.append((function, run.requests))
        return runs

    @property
    def seen(self) -> list[tuple[str, list[str]]]:
        """Function and requests of each run so far."""
        return SEEN


SEEN: list[tuple[str, list[str]]] = []


@pytest.fixture
def recording(stack: Stack, artifacts: Artifacts) -> Iterator[Recording]:
    SEEN.clear()
    yield Recording(artifacts.root, stack)
    SEEN.clear()


def names(stack: Stack) -> dict[str, str]:
    """Physical name, ARN or URL → logical id."""
    listed = stack.client("cloudformation").describe_stack_resources(StackName=deploy.NAME)
    found = {
        one["PhysicalResourceId"]: one["LogicalResourceId"]
        for one in listed["StackResources"]
        if one["ResourceType"] in ARNS
    }
    return found | {stack.outputs["ClientSecretArn"]: "ClientSecret"}


def test_the_file_holds_what_the_functions_ask(stack: Stack, recording: Recording) -> None:
    main_job(stack, recording)
    refusals(recording)
    a_miss(stack, recording)
    a_refused_secret(stack, recording)
    recorder, found = Recorder(names(stack)), dict[Call, set[Contexts]]()
    for function, requests in SEEN:
        for call, context in recorder.calls(function, requests):
            found.setdefault(call, set()).add(decisive(call, context))
    shown: Recorded = {
        " ".join(call): sorted(
            ({key: list(values) for key, values in sorted(context)} for context in contexts),
            key=json.dumps,
        )
        for call, contexts in sorted(found.items())
    }
    if os.environ.get("RECORD"):
        FILE.write_text(json.dumps(shown, indent=1) + "\n")
    assert shown == json.loads(FILE.read_text()), "RECORD=1 writes the file anew"


def decisive(call: Call, context: Contexts) -> Contexts:
    """Of a call's condition keys those that its role's policies ask about."""
    function, *pair = call
    keys = set(conditional(ACCOUNT, f"{function.capitalize()}Role", (pair[0], pair[1])))
    return frozenset(one for one in context if one[0] in keys)


def a_miss(stack: Stack, recording: Recording) -> None:
    """No valid token is left: token takes the lease and has refresh work."""
    name = stack.connect()
    stack.expire(name)
    (token,) = recording.run("token", sample("token", connection=name))
    assert token.answer["statusCode"] == 200
    missed = stack.connect()
    stack.expire(missed)
    (verified,) = recording.run("verify", sample("verify", connection=missed))
    assert verified.answer["statusCode"] == 200


def a_refused_secret(stack: Stack, recording: Recording) -> None:
    """The breaker opens, tells, and closes once the secret is right again."""
    name = stack.connect()
    item = stack.item(name)
    assert item
    order = sample("refresh-order", connection=name, incarnation=item["incarnation"])
    wrong, right = f"wrong-{secrets.token_hex(4)}", stack.settings.client_secret
    arn = stack.outputs["ClientSecretArn"]
    deploy.set_secret(deploy.Cloud(stack.settings.endpoint), arn, wrong)
    try:
        stack.expire(name)
        (refused,) = recording.run("refresh", order)
    finally:
        deploy.set_secret(deploy.Cloud(stack.settings.endpoint), arn, right)
    assert refused.answer
    (healed,) = recording.run("refresh", order)
    assert healed.answer == {"problem": None}
