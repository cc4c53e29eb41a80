"""A tenant whose administrator must approve: from the owner's first attempt to the way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain.connection import Status
from broker.domain.problems import Problem
from broker.ports.errors import Unavailable
from broker.web import links
from broker.web.links import LinkProblem
from broker.web.outcomes import Ending
from broker.web.pages.language import Language
from local.memory import outside
from tests.fakes.microsoft import CLIENT_ID
from tests.unit.house import BASE, NAME, House, ticket

NEEDS_ADMIN = {"error": "access_denied", "error_description": "AADSTS90094: consent is needed"}
NO_SERVICE = {"error": "invalid_client", "error_description": "AADSTS650052: needs access"}


@pytest.fixture
def house() -> House:
    return House()


def come_back(house: House, params: dict[str, str], url: str | None = None) -> tuple[Ending, str]:
    """The owner comes back from Microsoft with these: how it ended, and the administrator's link
    that the page would show."""
    location = house.begin(url or house.create()["authorize_url"])
    ending = house.finish({**params, "state": state(location)})
    return ending, links.handover_url(BASE, state(location)) or ""


def attempt(house: House, params: dict[str, str], url: str | None = None) -> Ending:
    """How it ended."""
    return come_back(house, params, url)[0]


def state(location: str) -> str:
    """The state that the browser takes along to Microsoft."""
    return parse_qs(urlsplit(location).query)["state"][0]


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
    assert one.consent_error
    assert one.consent_error.code == "admin_consent_required"
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
                "remedy": one.consent_error.remedy,
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
    assert latest.consent_error
    assert latest.consent_error.provider.error_codes == (650052,)
    assert replace(latest, consent_error=first.consent_error) == first
    assert house.kinds() == ["Connection Broken"]


def test_the_consent_afterwards_heals_it(house: House) -> None:
    url = house.create()["authorize_url"]
    attempt(house, NEEDS_ADMIN, url)
    assert house.consent(url).page == "connected"
    assert (house.one().status, house.one().consent_error) == (Status.ACTIVE, None)
    assert house.kinds() == ["Connection Broken", "Connection Authorized", "Connection Recovered"]
    assert house.fetch()["token_type"] == "Bearer"


def test_an_active_connection_keeps_serving_whatever_a_browser_says(house: House) -> None:
    before = house.connected().one()
    attempt(house, NEEDS_ADMIN, house.renew()["authorize_url"])
    one = house.one()
    assert (one.status, one.tokens) == (Status.ACTIVE, before.tokens)
    assert one.consent_error
    assert one.consent_error.code == "admin_consent_required"
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
    ending, url = come_back(house, NEEDS_ADMIN, created["authorize_url"])
    assert ending.handover
    assert ticket(url) in ending.render(language, CLIENT_ID, url).html
    assert ticket(url) != ticket(created["admin_consent_url"])
    assert "/v2.0/adminconsent?" in house.begin(url)
    shown = house.connections_step.show(NAME)["authorization"]
    assert (shown["admin_consent"]["attempts"], shown["attempts"]) == (1, 1)
    with pytest.raises(LinkProblem) as caught:
        house.begin(url.replace("admin-consent", "authorize"))
    assert caught.value.page == "link_wrong_kind"


def test_a_reload_hands_over_the_same_link_and_writes_nothing(house: House) -> None:
    params = {**NEEDS_ADMIN, "state": state(house.begin(house.create()["authorize_url"]))}
    first, url = house.finish(params), str(links.handover_url(BASE, params["state"]))
    before = dict(house.tables.tickets)
    for _ in range(3):
        assert house.finish(params) == first
    assert house.tables.tickets == before
    assert ticket(url) not in house.shown()
    assert "/v2.0/adminconsent?" in house.begin(url)


def test_each_attempt_hands_over_a_link_of_its_own(house: House) -> None:
    url, seen = house.create()["authorize_url"], set()
    for _ in range(3):
        seen.add(come_back(house, NEEDS_ADMIN, url)[1])
    assert len(seen) == 3


def test_a_link_that_cannot_be_stored_is_not_shown(house: House) -> None:
    down = {"put_ticket": Unavailable("dynamodb", "Throttled")}
    url = house.create()["authorize_url"]
    faulty = outside.faulty(house.authorizations, down)
    house.callback_step = replace(house.callback_step, authorizations=faulty)
    ending = attempt(house, NEEDS_ADMIN, url)
    assert (ending.page, ending.handover) == ("admin_consent_required", False)
    noted = ("handover_failed", {"service": "dynamodb", "code": "Throttled"})
    assert noted in house.telemetry.notes


def test_pages_that_need_no_administrator_hand_nothing_over(house: House) -> None:
    house.connected()
    url = house.renew()["authorize_url"]
    before = house.tables.tickets.keys()
    assert not attempt(house, {"error": "server_error"}, url).handover
    assert house.tables.tickets.keys() == before


def test_a_link_that_was_handed_over_ends_with_the_owner_s(house: House) -> None:
    _, url = come_back(house, NEEDS_ADMIN)
    house.renew()
    with pytest.raises(LinkProblem) as caught:
        house.begin(url)
    assert caught.value.page == "link_replaced"


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


@pytest.mark.parametrize("number", [50020, 50076, 50126, 54005])
def test_an_administrator_who_cannot_sign_in_tries_again(house: House, number: int) -> None:
    """The connection waits for its administrator, and nothing else is said of it."""
    created = house.create()
    attempt(house, NEEDS_ADMIN, created["authorize_url"])
    before, published = house.one(), list(house.events.published)
    ending = admin_return(
        house,
        created["admin_consent_url"],
        error="access_denied",
        error_description=f"AADSTS{number}: no",
    )
    assert (ending.page, ending.actor) == ("admin_consent_incomplete", "tenant_admin")
    assert not ending.handover
    assert ending.render("ja", CLIENT_ID).status == 409
    after = house.one()
    assert after.consent_error
    assert (after.consent_error.code, after.consent_error.actor) == (
        "admin_consent_required",
        "tenant_admin",
    )
    assert replace(after, consent_error=before.consent_error) == before
    assert house.events.published == published
    assert refusal(house).code == "admin_consent_required"
    assert house.consent(created["authorize_url"]).good
