"""Names: derived from the stack's, and short enough for every service that limits them."""

from __future__ import annotations

import re
from typing import Any

from local.template import TEMPLATE
from tests.template.conftest import Resources

LONGEST_STACK = 52
"""Characters; `make deploy` refuses a longer name."""

LIMITS = {
    ("AWS::Serverless::Function", "FunctionName"): 64,
    ("AWS::Events::Rule", "Name"): 64,
    ("AWS::Scheduler::Schedule", "Name"): 64,
    ("AWS::WAFv2::WebACL", "Name"): 128,
    ("AWS::Serverless::LayerVersion", "LayerName"): 140,
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::Events::EventBus", "Name"): 256,
    ("AWS::KMS::Alias", "AliasName"): 256,
    ("AWS::SSM::Parameter", "Name"): 1011,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::Serverless::Api", "Name"): 1024,
}
"""Characters, from each resource's page in the CloudFormation reference and its API's model."""

OF_OTHERS = {"StageName", "EventBusName", "MetricName", "DisplayName", "PolicyName"}
"""Properties that refer to something, or show a text."""


def test_every_name_derives_from_the_stack_and_fits(resources: Resources) -> None:
    named = set()
    for logical, one in resources.items():
        for key, value in one.get("Properties", {}).items():
            if not re.fullmatch(r"\w*Name", key) or key in OF_OTHERS:
                continue
            named.add((one["Type"], key))
            assert len(_filled(value)) <= LIMITS[one["Type"], key], logical
    assert named == set(LIMITS)


def test_the_limit_is_not_stricter_than_it_must_be(resources: Resources) -> None:
    longest = max(
        len(_filled(one["Properties"]["FunctionName"]))
        for one in resources.values()
        if one["Type"] == "AWS::Serverless::Function"
    )
    assert longest == LIMITS["AWS::Serverless::Function", "FunctionName"]


def test_the_list_of_contents_is_the_headings() -> None:
    text = TEMPLATE.read_text()
    contents = re.findall(r"^#   (\S.*?)(?:  .*)?$", text.partition("AWSTemplateFormat")[0], re.M)
    headings = re.findall(r"^ *# -{20,} (.+)$", text, re.M)
    assert contents == headings


def _filled(name: Any) -> str:
    """With the longest name of a stack."""
    text = name["Fn::Sub"] if "Fn::Sub" in name else "${" + name["Ref"] + "}"
    filled = str(text).replace("${AWS::StackName}", "s" * LONGEST_STACK)
    assert filled != text, name
    assert "${" not in filled
    return filled
