"""What operators get: the dashboard as deployed, and the script for a restore in the guide."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from local.deploy import REGION
from local.template import ROOT
from tests.e2e.harness import Stack

GUIDE = (ROOT / "docs" / "operations.md").read_text()
(SCRIPT,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)

BEFORE = [{"name": {"S": "kept"}, "generation": {"N": "1"}, "sealed": {"B": b"\x00canary"}}] + [
    {"name": {"S": f"deleted-{number}"}} for number in range(3)
]
AFTER = [{"name": {"S": "kept"}, "generation": {"N": "7"}}, {"name": {"S": "created"}}]


@pytest.fixture
def tables(stack: Stack) -> Iterator[Any]:
    """Two tables beside the stack's: as of the moment to go back to, and as of now."""
    client = stack.client("dynamodb")
    for name, items in (("restore-source", BEFORE), ("restore-target", AFTER)):
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for item in items:
            client.put_item(TableName=name, Item=item)
    yield client
    for name in ("restore-source", "restore-target"):
        client.delete_table(TableName=name)


def test_the_deployed_dashboard_names_the_deployed_stack(stack: Stack) -> None:
    watch = stack.client("cloudwatch")
    body = watch.get_dashboard(DashboardName=stack.outputs["DashboardName"])["DashboardBody"]
    widgets = json.loads(body)["widgets"]
    assert set(re.findall(r"\$\{.*?\}", body)) == {"${PROP('Dim.code')}", "${PROP('Dim.service')}"}
    alarms = {one["AlarmArn"] for one in watch.describe_alarms()["MetricAlarms"]}
    (shown,) = [one["properties"]["alarms"] for one in widgets if one["type"] == "alarm"]
    assert set(shown) == alarms


def test_the_target_gets_exactly_the_items_of_the_source(stack: Stack, tables: Any) -> None:
    assert run(stack, "restore-source") == "restore-target: 4 restored, 1 removed\n"
    found = tables.scan(TableName="restore-target")["Items"]
    assert sorted(found, key=str) == sorted(BEFORE, key=str)
    assert run(stack, "-") == "restore-target: 0 restored, 4 removed\n"
    assert tables.scan(TableName="restore-target")["Items"] == []


def run(stack: Stack, source: str) -> str:
    """What the script prints."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, source, "restore-target"],
        env=os.environ
        | {
            "AWS_ENDPOINT_URL": stack.settings.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout
