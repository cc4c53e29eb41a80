"""When Microsoft throttles everyone, nobody goes on asking; when it throttles one, that one."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model import Status
from broker.names import Incarnation
from broker.oauth import OAuth, Refused
from broker.ports import Order
from broker.secret import Secret
from tests.fakes.microsoft import PLATFORM, refusal
from tests.unit.house import House
from tests.unit.town import CONNECTIONS, ENVIRONMENTS, HOUR, LIFE, Town

HERE, ELSEWHERE = f"{PLATFORM}/contoso.example", f"{PLATFORM}/fabrikam.example"
WAIT = 90
THROTTLED = refusal("x", status=429, headers={"retry-after": str(WAIT)}, trace_id="t-1")
BUSY = refusal("temporarily_unavailable", status=503, headers={"retry-after": str(WAIT)})
DOWN = refusal("server_error", status=500)
LOOP = refusal("invalid_grant", 50196)
GONE = refusal("invalid_grant", 50173)


class Desk:
    """One environment's client, in front of a Microsoft that says what it is told to."""

    def __init__(self) -> None:
        self.house = House()
        self.oauth: OAuth = self.house.refresh_step.oauth

    def ask(self, answer: Any, who: str, authority: str = HERE) -> tuple[str, bool]:
        """The code of what comes back, and whether Microsoft was asked."""
        microsoft = self.house.microsoft
        microsoft.always, before = answer or House.answer(), microsoft.redemptions
        code = "tokens"
        try:
            self.oauth.refresh(authority, Incarnation(who), Secret("canary"), "x/y")
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
        house.refresh_step.run(Order(name, house.one(name).incarnation, "admin"))
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
