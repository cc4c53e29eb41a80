"""The dashboard: valid JSON that shows what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.template.conftest import Resources
from tests.template.metrics import OWN, check, counted
from tests.template.test_data import of


@pytest.fixture(scope="module")
def widgets(resources: Resources) -> list[dict[str, Any]]:
    """The dashboard's widgets, references to the stack left as they are."""
    properties = resources["Dashboard"]["Properties"]
    assert properties["DashboardName"] == {"Ref": "AWS::StackName"}
    body = json.loads(properties["DashboardBody"]["Fn::Sub"])
    assert set(body) == {"start", "widgets"}
    found: list[dict[str, Any]] = body["widgets"]
    return found


def test_dashboard_shows_every_alarm(widgets: list[dict[str, Any]], resources: Resources) -> None:
    """But for those that are there only with NotifyEmail."""
    alarms = of(resources, "AWS::CloudWatch::Alarm")
    alarms = {name: one for name, one in alarms.items() if "Condition" not in one}
    (shown,) = [one["properties"]["alarms"] for one in widgets if one["type"] == "alarm"]
    assert sorted(shown) == sorted(f"${{{name}.Arn}}" for name in alarms)


def test_dashboard_shows_what_exists(widgets: list[dict[str, Any]], resources: Resources) -> None:
    shown = 0
    for title, (namespace, name, *rest) in _shown(widgets):
        pairs = [one for one in rest if isinstance(one, str)]
        dimensions = dict(zip(pairs[::2], pairs[1::2], strict=True))
        check(namespace, name, dimensions, resources, title)
        shown += 1
    assert shown > 30


def test_dashboard_searches_for_what_exists(widgets: list[dict[str, Any]]) -> None:
    searches = [one for one in _expressions(widgets) if "SEARCH" in one]
    assert len(searches) == 5
    for one in searches:
        found = re.fullmatch(
            r"SEARCH\('\{\"(.+?)\",(service|service,code)\} MetricName=\"(\w+)\""
            r"(?: service=\"(\w+)\")?', 'Sum', 300\)",
            one,
        )
        assert found, one
        space, dimensions, name, service = found.groups()
        assert space == OWN
        services = counted()[name, "code" in dimensions]
        assert service is None or service in services


def test_dashboard_computes_with_what_it_shows(widgets: list[dict[str, Any]]) -> None:
    for one in widgets:
        ids = [
            part["id"]
            for metric in one["properties"].get("metrics", [])
            for part in metric
            if isinstance(part, dict) and "id" in part
        ]
        assert len(ids) == len(set(ids))
        for expression in _expressions([one]):
            if "SEARCH" not in expression:
                assert set(re.findall(r"[a-z]\w*", expression)) <= set(ids), expression


def test_dashboard_has_no_overlaps(widgets: list[dict[str, Any]]) -> None:
    taken: set[tuple[int, int]] = set()
    for one in widgets:
        cells = {
            (x, y)
            for x in range(one["x"], one["x"] + one["width"])
            for y in range(one["y"], one["y"] + one["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells


def _shown(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Title and metric, expressions left out."""
    for one in widgets:
        for metric in one["properties"].get("metrics", []):
            if isinstance(metric[0], str):
                yield one["properties"]["title"], metric


def _expressions(widgets: list[dict[str, Any]]) -> list[str]:
    return [
        metric[0]["expression"]
        for one in widgets
        for metric in one["properties"].get("metrics", [])
        if isinstance(metric[0], dict)
    ]
