"""When Microsoft throttles everyone, nobody goes on asking; when it throttles one, that one."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.connection import Account, Status
from broker.domain.names import Incarnation, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.outside import RefreshRequest
from broker.providers.throttling import IN_A_ROW
from broker.providers.token_endpoint import OAuth, Refused
from tests.fakes.microsoft import OTHER, OWNER, PLATFORM, refusal
from tests.unit.house import House
from tests.unit.town import CONNECTIONS, ENVIRONMENTS, HOUR, LIFE, Town

AUTHORITY = f"{PLATFORM}/common"
HERE, ELSEWHERE = "contoso", "fabrikam"
WAIT = 90
THROTTLED = refusal("x", status=429, headers={"retry-after": str(WAIT)}, trace_id="t-1")
BUSY = refusal("temporarily_unavailable", status=503, headers={"retry-after": str(WAIT)})
DOWN = refusal("server_error", status=500)
LOOP = refusal("invalid_grant", 50196)
GONE = refusal("invalid_grant", 50173)
STRANGER = Account(
    "cccccccc-0000-4000-8000-000000000000",
    "dddddddd-0000-4000-8000-000000000003",
    "owner@fabrikam.example",
)


class Desk:
    """One environment's client, in front of a Microsoft that says what it is told to."""

    def __init__(self) -> None:
        self.house = House()
        self.oauth: OAuth = self.house.refresh_step.providers.clients["microsoft"]

    def ask(self, answer: Any, who: str, home: str = HERE) -> tuple[str, bool]:
        """The code of what comes back, and whether Microsoft was asked."""
        microsoft = self.house.microsoft
        microsoft.always, before = answer or House.answer(), microsoft.redemptions
        code = "tokens"
        try:
            self.oauth.refresh(AUTHORITY, home, Incarnation(who), Secret("canary"), "x/y")
        except Refused as refused:
            code, self.last = refused.diagnosis.code, refused.diagnosis
        return code, microsoft.redemptions > before


@pytest.mark.parametrize(
    ("answer", "code"), [(THROTTLED, "throttled"), (BUSY, "provider_unavailable")]
)
def test_two_in_a_row_are_everyone(answer: Any, code: str) -> None:
    desk = Desk()
    assert desk.ask(answer, "a") == (code, True)
    assert desk.ask(answer, "b") == (code, True), "one alone says nothing of the others"
    desk.house.pause(30)
    assert desk.ask(None, "c") == (code, False)
    assert desk.last.retry_after == WAIT - 30
    assert desk.last.provider.trace_id is None, "another connection's"
    assert desk.ask(None, "c", ELSEWHERE) == ("tokens", True), "another tenant"


def test_after_a_pause_one_answer_tells() -> None:
    desk = Desk()
    for who in "ab":
        desk.ask(THROTTLED, who)
    desk.house.pause(WAIT)
    assert desk.ask(THROTTLED, "c") == ("throttled", True)
    assert desk.ask(None, "d") == ("throttled", False)
    desk.house.pause(WAIT)
    assert desk.ask(None, "d") == ("tokens", True)
    assert desk.ask(THROTTLED, "a") == ("throttled", True)
    assert desk.ask(None, "b") == ("tokens", True), "forgotten with the first token"


@pytest.mark.parametrize("between", [None, GONE, LOOP, DOWN])
def test_any_other_answer_between_them_clears_it(between: Any) -> None:
    desk = Desk()
    desk.ask(THROTTLED, "a")
    desk.ask(between, "b")
    desk.ask(THROTTLED, "c")
    assert desk.ask(None, "d") == ("tokens", True)


def test_one_connection_alone_holds_nobody_up() -> None:
    """However often it is told to wait, and whatever else it asks for."""
    desk = Desk()
    for _ in range(5):
        assert desk.ask(THROTTLED, "a") == ("throttled", True)
    assert desk.ask(None, "b") == ("tokens", True)


def test_one_that_is_told_again_does_not_prolong_a_pause() -> None:
    desk = Desk()
    for who in "ab":
        desk.ask(THROTTLED, who)
    desk.house.pause(WAIT)
    assert desk.ask(THROTTLED, "b") == ("throttled", True)
    assert desk.ask(None, "c") == ("tokens", True)


def test_hours_later_is_not_in_a_row() -> None:
    desk = Desk()
    desk.ask(THROTTLED, "a")
    desk.house.pause(WAIT + IN_A_ROW + 1)
    desk.ask(THROTTLED, "b")
    assert desk.ask(None, "c") == ("tokens", True)


def test_customers_that_share_an_authority_do_not_share_a_pause() -> None:
    """`common` stands for everyone; what counts is the tenant of the account."""
    house = House()
    for number, account in enumerate((OWNER, OTHER, STRANGER)):
        created = house.create(connection=f"c-{number}")
        assert house.consent(created["authorize_url"], account).good
    house.pause(4000)
    house.microsoft.always = THROTTLED
    orders = [
        RefreshRequest(Name(f"c-{n}"), house.one(Name(f"c-{n}")).incarnation, "admin")
        for n in (0, 1)
    ]
    assert {problem.code for order in orders if (problem := house.refresh_step.run(order))} == {
        "throttled"
    }
    house.microsoft.always = None
    assert house.fetch(Name("c-2"))["expires_in"] > 0
    with pytest.raises(Problem, match="throttled"):
        house.fetch(Name("c-0"))


@pytest.mark.parametrize("status", [400, 429])
def test_a_loop_is_one_users_own(status: int) -> None:
    desk = Desk()
    for who in "abc":
        assert desk.ask(refusal("invalid_grant", 50196, status=status), who)[1]
    assert desk.ask(None, "d") == ("tokens", True)


def test_an_owner_in_the_browser_does_not_wait() -> None:
    town = Town()
    house = town.house
    house.microsoft.always = THROTTLED
    for name in CONNECTIONS[:3]:
        house.refresh_step.run(RefreshRequest(name, house.one(name).incarnation, "admin"))
    house.microsoft.always = None
    assert house.consent(house.create(connection="new")["authorize_url"]).good


def test_an_hour_of_throttling() -> None:
    """All tokens have run out: the schedule and the callers of 100 connections want new ones."""
    town = Town()
    house, wait = town.house, 600
    house.pause(LIFE)
    house.microsoft.always = refusal("x", status=429, headers={"retry-after": str(wait)})
    before = house.microsoft.redemptions
    for _ in range(HOUR // 60):
        town.minute()

    calls = house.microsoft.redemptions - before
    assert ENVIRONMENTS * 2 <= calls <= ENVIRONMENTS * (2 + HOUR // wait)
    assert town.statuses() == {Status.ACTIVE}
    assert {problem.code for problem in town.refused} == {"throttled"}
    assert all(0 < (problem.retry_after or 0) <= 2 * wait for problem in town.refused)

    house.microsoft.always = None
    house.pause(2 * wait)
    town.refused.clear()
    town.minute()
    assert town.refused == []
    assert not [name for name in CONNECTIONS if house.one(name).last_error]
