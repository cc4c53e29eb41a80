"""A deployment reaches whoever invokes a function: versions, aliases, and who is moved how."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

from broker import wiring
from local.template import ROOT
from local.transform import transform
from tests.template.conftest import Resources
from tests.template.test_data import of
from tests.template.test_settings import KINDS

LIVE = "live"


def versions(resources: Resources) -> dict[str, str]:
    """Function → logical id of the version that its alias names."""
    found = {}
    for one in of(resources, "AWS::Lambda::Alias").values():
        assert one["Properties"]["Name"] == LIVE
        logical, attribute = one["Properties"]["FunctionVersion"]["Fn::GetAtt"]
        assert attribute == "Version"
        found[one["Properties"]["FunctionName"]["Ref"]] = logical
    return found


def test_every_function_has_an_alias(deployed: Resources) -> None:
    assert set(versions(deployed)) == set(of(deployed, "AWS::Lambda::Function"))


@pytest.mark.parametrize("layer", ["BrokerLayer", "DependenciesLayer"])
def test_a_new_layer_publishes_every_function(
    template: dict[str, Any], deployed: Resources, layer: str
) -> None:
    """By itself SAM looks at a function's own archive only."""
    changed = transform(template, {}, **{layer: "s3://bucket/new"})
    before, after = versions(deployed), versions(changed)
    assert {name for name in before if before[name] != after[name]} == set(before)


def test_new_code_publishes_its_function(template: dict[str, Any], deployed: Resources) -> None:
    changed = transform(template, {}, TokenFunction="s3://bucket/new")
    before, after = versions(deployed), versions(changed)
    assert {name for name in before if before[name] != after[name]} == {"TokenFunction"}


def test_a_new_release_publishes_every_function(
    template: dict[str, Any], deployed: Resources
) -> None:
    """For parameters. CloudFormation replaces a version whose description changes; and Lambda
    publishes none unless the function has changed as well, hence the variable."""
    for version in of(deployed, "AWS::Lambda::Version").values():
        assert version["Properties"]["Description"] == {"Ref": "Release"}
    for step in KINDS:
        environment = deployed[f"{step}Function"]["Properties"]["Environment"]["Variables"]
        assert environment["RELEASE"] == {"Ref": "Release"}
    assert template["Parameters"]["Release"]["Default"]


def test_nobody_invokes_a_function_but_through_its_alias(deployed: Resources) -> None:
    """Neither the API, nor the queue, nor the schedule, nor a function; and no role may."""
    functions = set(of(deployed, "AWS::Lambda::Function"))
    plain = {json.dumps({"Fn::GetAtt": [name, "Arn"]}) for name in functions}
    plain |= {f"${{{name}.Arn}}" for name in functions}
    named = {json.dumps({"Ref": name}) for name in functions}
    kinds = {"AWS::Lambda::Version", "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig"}
    for logical, one in deployed.items():
        text = json.dumps(one)
        assert not [arn for arn in plain if arn in text], logical
        if one["Type"] not in {*kinds, "AWS::CloudWatch::Alarm"}:
            assert not [name for name in named if name in text], logical


def test_event_settings_are_the_aliass(deployed: Resources) -> None:
    for one in of(deployed, "AWS::Lambda::EventInvokeConfig").values():
        assert one["Properties"]["Qualifier"] == LIVE


def test_callers_are_moved_at_once_unless_wanted(deployed: Resources) -> None:
    kinds = {one["Type"] for one in deployed.values()}
    assert not any(kind.startswith("AWS::CodeDeploy::") for kind in kinds)
    assert all("UpdatePolicy" not in one for one in of(deployed, "AWS::Lambda::Alias").values())


def test_a_gradual_shift_is_tokens_alone_and_guarded(template: dict[str, Any]) -> None:
    shift = template["Parameters"]["TokenShift"]
    assert set(shift["AllowedValues"]) == set(template["Mappings"]["Shift"])
    for kind in set(shift["AllowedValues"]) - {shift["Default"]}:
        changed = transform(template, {"TokenShift": kind})
        moved = [
            name for name, one in of(changed, "AWS::Lambda::Alias").items() if "UpdatePolicy" in one
        ]
        assert moved == ["TokenFunctionAliaslive"]
        (group,) = of(changed, "AWS::CodeDeploy::DeploymentGroup").values()
        config = group["Properties"]["DeploymentConfigName"]["Fn::Sub"]
        assert config[0] == "CodeDeployDefault.Lambda${ConfigName}"
        assert config[1] == {"ConfigName": kind}
        assert "ShiftAlarm" in json.dumps(group["Properties"]["AlarmConfiguration"])


def test_snapshots_are_off_unless_wanted(template: dict[str, Any], deployed: Resources) -> None:
    """And then of what a caller waits for: those whose wiring renews a restored copy."""
    assert template["Parameters"]["SnapStart"]["Default"] == "None"
    started = {
        name: one["Properties"]["SnapStart"]
        for name, one in of(deployed, "AWS::Lambda::Function").items()
        if "SnapStart" in one["Properties"]
    }
    assert set(started) == {"TokenFunction", "RefreshFunction"}
    assert all(one == {"ApplyOn": {"Ref": "SnapStart"}} for one in started.values())
    for name in started:
        step = name.removesuffix("Function").lower()
        source = inspect.getsource(getattr(wiring, f"{step}_step"))
        assert "snapshot.prepare()" in source


def test_the_guard_is_quicker_than_the_shift(template: dict[str, Any]) -> None:
    """The shortest shift leaves a tenth of the callers on the new version for five minutes."""
    alarm = template["Resources"]["ShiftAlarm"]["Properties"]
    periods = [one["MetricStat"]["Period"] for one in alarm["Metrics"] if "MetricStat" in one]
    assert set(periods) == {60}
    assert alarm["EvaluationPeriods"] == 1


def test_the_guides_name_every_function(deployed: Resources) -> None:
    """Where they loop over all: none is left running in a restore, none left behind."""
    steps = {
        name.removesuffix("Function").lower() for name in of(deployed, "AWS::Lambda::Function")
    }
    for page in ("operations", "upgrade"):
        loops = re.findall(
            r"^ *for f in (.+); do$", (ROOT / "docs" / f"{page}.md").read_text(), re.M
        )
        assert loops
        for one in loops:
            assert set(one.split()) == steps, page
