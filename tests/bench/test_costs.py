"""The cost model: the calls of each path, times the prices of a list."""

from __future__ import annotations

import pytest

from local.bench import costs
from local.template import load

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
    }


def test_the_sizes_are_the_templates() -> None:
    resources = load()["Resources"]
    for step, size in costs.MEMORY_GB.items():
        function = resources[f"{step.title()}Function"]["Properties"]
        assert function["MemorySize"] == size * 1024, step
        assert function.get("Architectures", ["arm64"]) == ["arm64"], "the price is of arm64"
    kinds = [one["Type"] for one in resources.values()]
    assert kinds.count("AWS::CloudWatch::Alarm") == costs.ALARMS
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
