"""Whether an administrator will have to approve."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.names import PERSONAL_TENANT
from broker.providers.terms import Language
from broker.services.catalogue import load, plan
from broker.services.forecast import GRAVEST_FIRST, Outlook, _data, forecast

GRAPH = "https://graph.microsoft.com/"


@pytest.mark.parametrize(
    ("scopes", "outlook", "rule"),
    [
        (["User.Read"], "unlikely", "basic"),
        (["Mail.Read"], "likely", "mail"),
        (["Files.Read.All"], "likely", "files"),
        (["Directory.Read.All"], "required", "required"),
        (["User.Read.All"], "required", "required"),
        (["Sites.Selected"], "required", "required"),
        (["Tasks.Read"], "unknown", "unknown"),
        (["User.Read", "Calendars.Read"], "likely", "mail"),
        (["mail.read", "USER.READ.ALL"], "required", "required"),
    ],
)
def test_graph(scopes: list[str], outlook: str, rule: str) -> None:
    found = forecast([GRAPH + name for name in scopes], "common")
    assert (found.outlook, found.rule) == (outlook, rule)


@pytest.mark.parametrize(
    ("scope", "outlook"),
    [
        ("https://ads.microsoft.com/msads.manage", "unknown"),
        ("https://contoso.sharepoint.com/AllSites.Read", "likely"),
        ("https://analysis.windows.net/powerbi/api/Dataset.Read.All", "unknown"),
        ("https://analysis.windows.net/powerbi/api/Tenant.Read.All", "required"),
        ("https://org.crm.dynamics.com/user_impersonation", "unknown"),
        ("https://evil.example/https://graph.microsoft.com/User.Read", "unknown"),
    ],
)
def test_other_resources(scope: str, outlook: str) -> None:
    assert forecast([scope], "organizations").outlook == outlook


@pytest.mark.parametrize("tenant", ["consumers", PERSONAL_TENANT])
def test_a_personal_account_has_no_administrator(tenant: str) -> None:
    assert forecast([GRAPH + "Mail.Read"], tenant).rule == "personal"


def test_google_asks_its_users_themselves() -> None:
    assert forecast(["openid", "email"], None, "google").outlook == "unlikely"


def test_nothing_is_known_of_no_scopes() -> None:
    assert forecast([], "common").outlook == "unknown"


@given(st.lists(st.text()), st.none() | st.text())
def test_any_scope_has_a_forecast(scopes: list[str], tenant: str | None) -> None:
    assert forecast(scopes, tenant).outlook in get_args(Outlook)


def test_every_rule_is_told_in_both_languages_with_a_source() -> None:
    for name, rule in _data()["rules"].items():
        assert rule["forecast"] in GRAVEST_FIRST, name
        assert rule["source"].startswith("https://")
        assert all(rule[language] for language in get_args(Language))
    assert {row["rule"] for row in _data()["scopes"]} <= _data()["rules"].keys()


@pytest.mark.parametrize("name", load())
def test_every_service_has_one(name: str) -> None:
    service = load()[name]
    host = {
        "sharepoint": "https://contoso.sharepoint.com",
        "dynamics-365": "https://org.crm.dynamics.com",
    }.get(name)
    assert forecast(plan(service, host, None).scopes, service.tenant).reason("ja")
