"""What is counted: the numbers behind the dashboard and the alarms, and how they leave."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from broker.adapters.telemetry import FIELDS, Telemetry
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.lifecycle.policy import DAY, GRANT_LIFE
from broker.ports.credentials import ClientSecretPost
from broker.ports.errors import Unavailable
from broker.providers.credential_breaker import EXPIRING
from broker.web import gateway
from local.memory import outside
from tests.fakes.microsoft import refusal
from tests.unit.house import House

DOWN = refusal("temporarily_unavailable", status=503)
POLICY = refusal("invalid_grant", 53003)
GRANTS = {"service": "grants"}


def counted(house: House, metric: str) -> list[float]:
    """The values of a metric, in the order they came."""
    return [value for name, value, _ in house.telemetry.counts if name == metric]


def rotate(house: House) -> None:
    house.rotate_step.run(lambda: 60.0)


def test_an_overdue_grant_is_as_old_as_its_last_redemption_at_most() -> None:
    """The lower bound holds, whatever part of a day the due time was early."""
    house = House().connected()
    redeemed_at = house.one().refreshed_at
    assert redeemed_at is not None
    for days in (0, 2, 40, 88):
        house.clock.now = redeemed_at + days * DAY
        rotate(house)
        left = counted(house, "NextBreakSeconds")[-1]
        assert 0 <= redeemed_at + GRANT_LIFE - house.clock.now - left <= DAY
    assert ("NextBreakSeconds", GRANT_LIFE - DAY, GRANTS) in house.telemetry.counts


def test_a_grant_that_fails_tells_its_age_itself() -> None:
    """Its due time moves on, so that the index no longer knows when it was redeemed."""
    house = House().connected()
    redeemed_at = house.one().refreshed_at
    assert redeemed_at is not None
    house.pause(70 * DAY)
    house.microsoft.faults = [DOWN] * 2
    assert house.refresh() is not None
    assert counted(house, "NextBreakSeconds") == [redeemed_at + GRANT_LIFE - house.clock.instant()]
    assert house.telemetry.counts[-1][2] == GRANTS
    house.pause(3600)
    assert house.refresh() is None
    assert len(counted(house, "NextBreakSeconds")) == 1


def test_a_broken_connection_does_not_break_again() -> None:
    house = House().connected()
    house.pause(DAY)
    house.microsoft.faults = [POLICY] * 3
    for _ in range(3):
        assert house.refresh() is not None
        house.pause(DAY)
    assert house.one().status is not None
    assert len(counted(house, "NextBreakSeconds")) == 1, "only while it was active"


def test_every_success_tells_how_long_the_client_secret_lasts() -> None:
    house = House().connected()
    assert counted(house, "CredentialLeftSeconds") == []
    good = house.credentials.now
    assert isinstance(good, ClientSecretPost)
    end = Instant(house.clock.instant() + EXPIRING + 3600)
    house.credentials.now = replace(good, expires_at=end)
    house.pause(3600)
    assert house.refresh() is None
    assert counted(house, "CredentialLeftSeconds") == [EXPIRING]
    assert not [kind for kind in house.kinds() if kind.endswith("Expiring")]


@pytest.mark.parametrize(
    ("error", "faults"),
    [
        (RuntimeError("canary"), 1),
        (Unavailable("dynamodb", "Throttled"), 1),
        (Problem("access_denied"), 0),
        (Problem("provider_unavailable"), 0),
    ],
)
def test_only_the_brokers_own_failures_are_faults(error: Exception, faults: int) -> None:
    telemetry = outside.Telemetry()
    gateway.known(error, telemetry, "request-1")
    assert [metric for metric, _, _ in telemetry.counts] == ["Refusals"] + ["Faults"] * faults


def test_metrics_leave_as_the_embedded_format(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
    CloudWatch_Embedded_Metric_Format_Specification.html"""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "TokenBroker/stack")
    telemetry = Telemetry("token")
    telemetry.count("TokenHit")
    telemetry.count("TokenHit")
    telemetry.count("Refusals", code="access_denied")
    telemetry.count("CredentialLeftSeconds", 7, service="client-credential")
    telemetry.flush()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [read(line) for line in lines] == [
        ({"service": "token"}, {"TokenHit": ("Count", [1, 1])}),
        ({"service": "token", "code": "access_denied"}, {"Refusals": ("Count", [1])}),
        ({"service": "client-credential"}, {"CredentialLeftSeconds": ("Seconds", [7])}),
    ]
    telemetry.flush()
    assert capsys.readouterr().out == ""


def read(line: dict[str, Any]) -> tuple[dict[str, str], dict[str, tuple[str, list[float]]]]:
    """Dimensions and metrics of one line."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "TokenBroker/stack"
    (names,) = directive["Dimensions"]
    metrics = {one["Name"]: (one["Unit"], line[one["Name"]]) for one in directive["Metrics"]}
    return {name: line[name] for name in names}, metrics


def test_no_field_outside_the_list_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry("metrics-test")
    telemetry.note("refused", code="access_denied", access_token="canary", detail="canary")
    (line,) = capsys.readouterr().out.splitlines()
    assert "canary" not in line
    assert json.loads(line)["code"] == "access_denied"
    assert not FIELDS & {"access_token", "refresh_token", "detail", "ticket", "state", "cookie"}
