"""A tenant whose administrator must approve: from the owner's first attempt to the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain.connection import Status
from broker.domain.problems import Problem
from broker.web.links import LinkProblem
from broker.web.outcomes import Ending
from broker.web.pages.language import Language
from tests.fakes.microsoft import CLIENT_ID
from tests.unit.house import BASE, NAME, House, ticket

NEEDS_ADMIN = {"error": "access_denied", "error_description": "AADSTS90094: consent is needed"}
NO_SERVICE = {"error": "invalid_client", "error_description": "AADSTS650052: needs access"}


@pytest.fixture
def house() -> House:
    return House()


def attempt(house: House, params: dict[str, str], url: str | None = None) -> Ending:
    """The owner comes back from Microsoft with these."""
    begun = house.begin(url or house.create()["authorize_url"])
    return house.finish({**params, "state": parse_qs(urlsplit(begun).query)["state"][0]})


def refusal(house: House) -> Problem:
    """What a caller is told."""
    with pytest.raises(Problem) as caught:
        house.fetch()
    return caught.value


@pytest.mark.parametrize("params", [NEEDS_ADMIN, NO_SERVICE])
def test_a_new_connection_waits_for_its_administrator(house: House, params: dict[str, str]) -> None:
    ending = attempt(house, params)
    assert ending.page == "admin_consent_required"
    one = house.one()
    assert (one.status, one.epoch, one.link) == (Status.AWAITING_ADMIN, 0, 1)
    assert one.last_error
    assert one.last_error.code == "admin_consent_required"
    found = refusal(house)
    assert (found.code, found.actor, found.status) == (
        "admin_consent_required",
        "tenant_admin",
        409,
    )
    assert house.events.published == [
        (
            "Connection Broken",
            {
                "connection": NAME,
                "service": "microsoft-advertising",
                "status": "awaiting_admin",
                "code": "admin_consent_required",
                "actor": "tenant_admin",
                "remedy": one.last_error.remedy,
            },
        )
    ]


def test_without_a_grant_refresh_says_why_and_asks_nobody(house: House) -> None:
    attempt(house, NEEDS_ADMIN)
    house.pause(2 * 86_400)
    problem = house.refresh("operator")
    assert problem
    assert problem.code == "admin_consent_required"
    assert refusal(house).code == "admin_consent_required"
    assert house.microsoft.redemptions == 0
    assert not house.one().leased(house.clock.instant())


def test_a_second_attempt_announces_nothing_new(house: House) -> None:
    url = house.create()["authorize_url"]
    attempt(house, NEEDS_ADMIN, url)
    first = house.one()
    attempt(house, NO_SERVICE, url)
    latest = house.one()
    assert latest.last_error
    assert latest.last_error.provider.error_codes == (650052,)
    assert replace(latest, last_error=first.last_error) == first
    assert house.kinds() == ["Connection Broken"]


def test_the_consent_afterwards_heals_it(house: House) -> None:
    url = house.create()["authorize_url"]
    attempt(house, NEEDS_ADMIN, url)
    assert house.consent(url).page == "connected"
    assert (house.one().status, house.one().last_error) == (Status.ACTIVE, None)
    assert house.kinds() == ["Connection Broken", "Connection Authorized", "Connection Recovered"]
    assert house.fetch()["token_type"] == "Bearer"


def test_an_active_connection_keeps_serving_whatever_a_browser_says(house: House) -> None:
    before = house.connected().one()
    attempt(house, NEEDS_ADMIN, house.renew()["authorize_url"])
    one = house.one()
    assert (one.status, one.tokens) == (Status.ACTIVE, before.tokens)
    assert one.last_error
    assert one.last_error.code == "admin_consent_required"
    assert house.kinds() == ["Connection Authorized"]


def test_a_link_that_was_replaced_meanwhile_changes_nothing(house: House) -> None:
    begun = house.begin(house.create()["authorize_url"])
    house.renew()
    state = parse_qs(urlsplit(begun).query)["state"][0]
    assert house.finish({**NEEDS_ADMIN, "state": state}).page == "link_replaced"
    assert house.one().status is Status.PENDING


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_hands_over_a_link_that_works_and_counts(house: House, language: Language) -> None:
    created = house.create()
    ending = attempt(house, NEEDS_ADMIN, created["authorize_url"])
    url = house.callback_step.handover(ending, BASE)
    assert url
    assert ticket(url) in ending.render(language, CLIENT_ID, url).html
    assert ticket(url) != ticket(created["admin_consent_url"])
    assert "/v2.0/adminconsent?" in house.begin(url)
    shown = house.connections_step.show(NAME)["authorization"]
    assert (shown["admin_consent"]["attempts"], shown["attempts"]) == (1, 1)
    with pytest.raises(LinkProblem) as caught:
        house.begin(url.replace("admin-consent", "authorize"))
    assert caught.value.page == "link_wrong_kind"


def test_a_reload_hands_over_another_link_and_stores_neither(house: House) -> None:
    begun = house.begin(house.create()["authorize_url"])
    params = {**NEEDS_ADMIN, "state": parse_qs(urlsplit(begun).query)["state"][0]}
    urls = [house.callback_step.handover(house.finish(params), BASE) for _ in range(2)]
    assert None not in urls
    assert urls[0] != urls[1]
    assert not [url for url in urls if url and ticket(url) in house.shown()]


def test_pages_that_need_no_administrator_hand_nothing_over(house: House) -> None:
    house.connected()
    before = dict(house.tables.tickets)
    ending = attempt(house, {"error": "server_error"}, house.renew()["authorize_url"])
    tickets = house.tables.tickets.keys() - before.keys()
    assert house.callback_step.handover(ending, BASE) is None
    assert house.tables.tickets.keys() - before.keys() == tickets


def test_no_link_is_handed_over_once_the_owner_s_has_ended(house: House) -> None:
    ending = attempt(house, NEEDS_ADMIN)
    house.renew()
    assert house.callback_step.handover(ending, BASE) is None


def admin_return(house: House, url: str, **params: Any) -> Ending:
    """The administrator comes back."""
    state = parse_qs(urlsplit(house.begin(url)).query)["state"][0]
    return house.finish({"state": state, **params})


def test_an_approval_queues_a_refresh_only_if_there_is_a_grant(house: House) -> None:
    created = house.create()
    attempt(house, NEEDS_ADMIN, created["authorize_url"])
    approved = {"admin_consent": "True", "tenant": "cccccccc-0000-4000-8000-000000000000"}
    ending = admin_return(house, created["admin_consent_url"], **approved)
    assert ending.page == "admin_consent_received"
    assert house.orders.orders == []
    assert house.one().status is Status.AWAITING_ADMIN
    assert "cccccccc" not in house.shown()
    house.consent(created["authorize_url"])
    admin_return(house, house.renew()["admin_consent_url"], **approved)
    assert [order.reason for order in house.orders.orders] == ["admin"]


def test_an_administrator_who_declines_is_not_told_to_ask_the_administrator(house: House) -> None:
    created = house.create()
    ending = admin_return(house, created["admin_consent_url"], **NEEDS_ADMIN)
    declined = admin_return(
        house,
        created["admin_consent_url"],
        error="access_denied",
        error_description="AADSTS65004: declined",
        admin_consent="True",
    )
    assert declined.page == "admin_consent_declined"
    assert not declined.approval
    assert ending.page == "admin_consent_required"
    assert house.one().status is Status.PENDING
