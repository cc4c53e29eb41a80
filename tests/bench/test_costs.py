"""The cost model: the calls of each path, times the prices of a list."""

from __future__ import annotations

import re

import pytest

from local.bench import costs
from local.template import ROOT, load
from tests.template.metrics import stats

# A list of round prices, so that the sums can be done by hand.
PRICES = {
    "dynamodb_read_unit": 1.0,
    "dynamodb_write_unit": 10.0,
    "kms_request": 100.0,
    "lambda_request": 0.0,
    "lambda_gb_second_arm": 0.0,
    "sqs_request": 0.0,
    "apigateway_request": 1000.0,
    "logs_gb": 0.0,
    "xray_trace": 0.0,
}


def test_a_hit_is_a_request_and_a_read() -> None:
    assert costs.hit(PRICES).total == 1001.0
    assert costs.hit(PRICES, opened=1).total == 1101.0


def test_a_redemption_counts_every_unit() -> None:
    # 4 KB twice and 2.5 KB once, the index twice; one read; three data keys.
    assert costs.redemption(PRICES).parts == {
        "Lambda": 0.0,
        "DynamoDB": (2 * 4 + 3 + 2) * 10.0 + 1,
        "KMS": 300.0,
        "SQS": 0.0,
        "Logs": 0.0,
        "X-Ray": 0.0,
    }


def test_the_floor_is_all_but_the_gateway() -> None:
    price = costs.prices()
    bill = costs.hit(price)
    rest = bill.total - bill.parts["API Gateway"]
    assert 0.5 * rest < costs.floor(price) < rest


@pytest.mark.parametrize(("kb", "fetches"), [(0.5, 3000), (4, 3000), (4.1, 1500), (12, 1000)])
def test_one_connection_is_one_partition(kb: float, fetches: int) -> None:
    assert costs.busiest(kb) == fetches


def test_alarms_are_billed_by_their_metrics() -> None:
    alarms = [
        stats(one["Properties"])
        for name, one in load()["Resources"].items()
        if one["Type"] == "AWS::CloudWatch::Alarm" and name != "ShiftAlarm"
    ]
    assert sum(map(len, alarms)) == costs.alarm_metrics()
    assert max(map(len, alarms)) > 1


def test_the_page_has_the_models_figures() -> None:
    """The bench writes them; whoever changes the model brings the page along."""
    page = (ROOT / "docs" / "performance.md").read_text()
    for name, bill in costs.table().items():
        if name == "the broker itself, a month":  # an alarm more is ten cents
            (shown,) = re.findall(rf"\| {name} \| ([0-9.]+) \|", page)
            assert float(shown) == pytest.approx(bill.total, rel=0.1)
            continue
        assert f"| {name} | {bill.total:.4g} |" in page, (name, f"{bill.total:.4g}")
    for kb in (4, 8, 12, 16):
        assert f"| {kb} | {costs.busiest(kb):,} |" in page


def test_the_sizes_are_the_templates() -> None:
    resources = load()["Resources"]
    for step, size in costs.MEMORY_GB.items():
        function = resources[f"{step.title()}Function"]["Properties"]
        assert function["MemorySize"] == size * 1024, step
        assert function.get("Architectures", ["arm64"]) == ["arm64"], "the price is of arm64"
    kinds = [one["Type"] for one in resources.values()]
    assert kinds.count("AWS::CloudWatch::Dashboard") == 1


def test_an_idle_connection_is_redeemed_a_little_more_than_daily() -> None:
    assert 30 < costs.idle_redemptions() < 36


def test_the_list_is_complete_and_dated() -> None:
    prices = costs.prices()
    assert prices["region"] == "us-east-1"
    assert prices["date"]
    found = costs.table()
    assert all(bill.total > 0 for bill in found.values())
    assert found["a million fetches (hits)"].total == pytest.approx(
        costs.hit(prices).total * 1_000_000
    )
