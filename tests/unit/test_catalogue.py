"""The catalogue is sound, and a plan asks for what the service needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain import scopes
from broker.domain.problems import Problem
from broker.services import catalogue

ADS = "https://ads.microsoft.com/msads.manage"
HOSTS = {
    "sharepoint": "https://contoso.sharepoint.com",
    "dynamics-365": "https://contoso.crm4.dynamics.com",
}


def test_the_services_of_the_contract() -> None:
    assert catalogue.load().keys() >= {
        *("microsoft-advertising", "microsoft-advertising-sandbox", "microsoft-graph"),
        *("power-bi", "sharepoint", "dynamics-365"),
    }


@pytest.mark.parametrize(
    "service", catalogue.load().values(), ids=lambda service: str(service.name)
)
def test_every_entry_is_sound(service: catalogue.Service) -> None:
    catalogue.check(service)
    plan = catalogue.plan(service, HOSTS.get(service.name), None)
    own = scopes.group(plan.scopes)[plan.resource]
    assert set(catalogue.required(service.name, plan.resource)) <= set(own.scopes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": ("msads.manage",)},
        {"required": ("https://ads.microsoft.com/other",)},
        {"tenant": "contoso.com"},
        {"scopes": (ADS, "https://graph.microsoft.com/User.Read")},
        {"resource": "https://.*"},
    ],
)
def test_the_check_finds_what_is_not(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="microsoft-advertising:"):
        catalogue.check(replace(catalogue.find("microsoft-advertising"), **wrong))


@pytest.mark.parametrize("name", ["", "unknown", None, 1, ["power-bi"]])
def test_unknown_service(name: object) -> None:
    with pytest.raises(Problem) as caught:
        catalogue.find(name)
    assert caught.value.detail.startswith("service:")


def test_required_scopes_are_always_asked_for() -> None:
    """Lesson 9: legacy ads.manage is not enough."""
    service = catalogue.find("microsoft-advertising")
    legacy = "https://ads.microsoft.com/ads.manage"
    assert catalogue.plan(service, None, [legacy]).scopes == (legacy, ADS)
    assert catalogue.plan(service, None, None).scopes == (ADS,)
    assert catalogue.plan(service, None, []).scopes == (ADS,)


@pytest.mark.parametrize(
    ("service", "host"),
    [
        ("sharepoint", "https://CONTOSO.sharepoint.com/"),
        ("sharepoint", "https://contoso-admin.sharepoint.us"),
        ("dynamics-365", "https://contoso.crm.dynamics.com"),
        ("dynamics-365", "https://contoso.api.crm11.dynamics.com"),
    ],
)
def test_the_customers_own_host(service: str, host: str) -> None:
    plan = catalogue.plan(catalogue.find(service), host, None)
    assert plan.resource == host.lower().rstrip("/")
    assert all(scope.startswith(f"{plan.resource}/") for scope in plan.scopes)


@pytest.mark.parametrize(
    "host",
    [
        *(None, "", 1, "contoso.sharepoint.com", "http://contoso.sharepoint.com"),
        *("https://contoso.sharepoint.com.evil.com", "https://evil.com/.sharepoint.com"),
        *("https://sharepoint.com", "https://contosoXsharepoint.com", "https://a.b.sharepoint.com"),
        *(
            "https://contoso.sharepoint.com/x",
            "https://contoso.sharepoint.com\n",
            "https://é.sharepoint.com",
        ),
    ],
)
def test_a_host_outside_the_pattern(host: object) -> None:
    with pytest.raises(Problem) as caught:
        catalogue.plan(catalogue.find("sharepoint"), host, None)
    assert caught.value.detail.startswith("resource:")


def test_a_host_for_a_service_that_has_its_own() -> None:
    with pytest.raises(Problem, match="invalid_request"):
        catalogue.plan(catalogue.find("power-bi"), "https://evil.example.com", None)


def test_nothing_is_asked_of_the_service_itself() -> None:
    service = catalogue.find("microsoft-graph")
    with pytest.raises(Problem) as caught:
        catalogue.plan(service, None, ["https://a.example/x"])
    assert "https://graph.microsoft.com" in caught.value.detail


def test_at_most_five_resources() -> None:
    service = catalogue.find("microsoft-graph")
    others = [f"https://{letter}.example/x" for letter in "abcd"]
    assert len(catalogue.plan(service, None, ["User.Read", *others]).scopes) == 5
    with pytest.raises(Problem, match="invalid_request"):
        catalogue.plan(service, None, ["User.Read", *others, "https://e.example/x"])


def test_default_is_not_mixed_with_names() -> None:
    """Microsoft refuses `/.default` beside named scopes of the resource."""
    service = catalogue.find("microsoft-graph")
    assert catalogue.plan(service, None, ["https://graph.microsoft.com/.default"])
    with pytest.raises(Problem) as caught:
        catalogue.plan(service, None, ["https://graph.microsoft.com/.default", "User.Read"])
    assert caught.value.detail.startswith("scopes:")
