"""Late work changes nothing: of a deleted, recreated, re-consented connection, of a replaced
link."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from local.browser import Browser
from tests.e2e.harness import Stack, refused, until

T = TypeVar("T")

BEGUN_SECONDS = 30.0
"""For a function to start and come as far as its request to Microsoft."""


@contextmanager
def held(stack: Stack, grant_type: str, work: Callable[..., T], *given: str) -> Iterator[Future[T]]:
    """Work that has begun and waits for Microsoft's answer, until the end of the block."""
    stack.platform.fault("token", {"kind": "held"}, match={"grant_type": grant_type})
    with ThreadPoolExecutor(1) as threads:
        under_way = threads.submit(work, *given)
        try:
            until(lambda: not stack.platform.faults(), BEGUN_SECONDS, "a request to Microsoft")
            yield under_way
            assert not under_way.done()
        finally:
            stack.platform.clear_faults()


def held_refresh(stack: Stack, name: str) -> AbstractContextManager[Future[requests.Response]]:
    """A refresh that waits for Microsoft's answer until the end of the block."""
    return held(stack, "refresh_token", stack.operator.post, f"/connections/{name}/refresh")


def vaulted(stack: Stack, name: str) -> list[dict[str, Any]]:
    """All refresh tokens stored for a name."""
    return [item for item in stack.tables()["VaultTableName"] if item["name"] == name]


def test_a_refresh_of_a_deleted_connection(stack: Stack) -> None:
    name = stack.connect()
    with held_refresh(stack, name) as late:
        assert stack.operator.delete(f"/connections/{name}").status_code == 204
    assert late.result().status_code in (404, 503)
    assert stack.item(name) is None
    assert vaulted(stack, name) == []


def test_a_refresh_of_a_connection_that_was_created_anew(stack: Stack) -> None:
    name = stack.connect()
    with held_refresh(stack, name) as late:
        stack.operator.delete(f"/connections/{name}")
        stack.connect(connection=name)
        before = stack.item(name), vaulted(stack, name)
    late.result()
    assert (stack.item(name), vaulted(stack, name)) == before
    assert len(before[1]) == 1
    assert stack.show(name)["generation"] == 1


def test_a_consent_wins_over_a_refresh_under_way(stack: Stack) -> None:
    user = stack.user()
    name = stack.connect(user)
    with held_refresh(stack, name) as late:
        stack.consent(stack.renew(name), user)
        before = stack.item(name), vaulted(stack, name)
    late.result()
    assert (stack.item(name), vaulted(stack, name)) == before
    assert (before[0] or {})["epoch"] == 2
    stack.fetch(name)
    # What the consent stored is sound: it can be redeemed.
    assert stack.operator.post(f"/connections/{name}/refresh").json()["status"] == "active"


def test_orders_of_an_earlier_creation(stack: Stack) -> None:
    name = stack.connect()
    before, kept = stack.item(name), stack.kept(name)
    order = {"connection": name, "incarnation": secrets.token_hex(16), "reason": "schedule"}
    answer = stack.client("lambda").invoke(
        FunctionName="token-broker-refresh", Payload=json.dumps(order).encode()
    )
    assert json.loads(answer["Payload"].read())["problem"]["code"] == "not_found"
    assert (stack.item(name), stack.kept(name)) == (before, kept)


def test_an_order_of_an_earlier_generation(stack: Stack) -> None:
    name = stack.connect()
    stack.operator.post(f"/connections/{name}/refresh")
    before, kept = stack.item(name), stack.kept(name)
    assert before
    incarnation = before["incarnation"]
    order = {"connection": name, "incarnation": incarnation, "reason": "schedule", "generation": 1}
    redeemed = stack.platform.redemptions(outcome=None)
    answer = stack.client("lambda").invoke(
        FunctionName="token-broker-refresh", Payload=json.dumps(order).encode()
    )
    assert json.loads(answer["Payload"].read())["problem"] is None
    assert stack.platform.redemptions(outcome=None) == redeemed
    assert (stack.item(name), stack.kept(name)) == (before, kept)


def test_a_link_replaced_while_its_page_is_open(stack: Stack) -> None:
    created, browser = stack.create(), Browser("en")
    page = browser.open(created["authorize_url"])
    newer = stack.renew(created["connection"])
    before = stack.item(created["connection"])
    assert browser.submit(page).status_code == 400
    assert stack.item(created["connection"]) == before
    stack.consent(newer, stack.user())


@pytest.mark.parametrize("end", ["renew", "delete", "recreate"])
def test_a_link_ended_while_the_owner_is_at_microsoft(stack: Stack, end: str) -> None:
    created, user, browser = stack.create(), stack.user(), Browser("en")
    name = created["connection"]
    back = stack.platform.consent(browser.depart(created["authorize_url"]), user).redirect
    assert back
    ended(stack, name, end)
    before = stack.item(name), vaulted(stack, name)
    redeemed = stack.platform.redemptions("authorization_code", None)
    assert browser.open(back).status_code in (400, 409)
    assert (stack.item(name), vaulted(stack, name)) == before
    assert stack.platform.redemptions("authorization_code", None) == redeemed


@pytest.mark.parametrize("end", ["renew", "delete", "recreate"])
def test_a_link_ended_while_the_code_is_redeemed(stack: Stack, end: str) -> None:
    created, user, browser = stack.create(), stack.user(), Browser("en")
    name = created["connection"]
    location = browser.depart(created["authorize_url"])
    back = stack.platform.consent(location, user).redirect
    assert back
    with held(stack, "authorization_code", browser.open, back) as late:
        state = parse_qs(urlsplit(location).query)["state"][0]
        assert claimed(stack, state)
        ended(stack, name, end)
        before = stack.item(name), vaulted(stack, name)
    assert late.result().status_code in (400, 409)
    assert (stack.item(name), vaulted(stack, name)) == before


def test_two_tabs_of_one_link(stack: Stack) -> None:
    """The first one back wins; the other one finds the link finished."""
    created, user, browser = stack.create(), stack.user(), Browser("en")
    tabs = [browser.depart(created["authorize_url"]) for _ in range(2)]
    backs = [stack.platform.consent(tab, user).redirect for tab in tabs]
    assert backs[0]
    assert backs[1]
    assert browser.open(backs[1]).status_code == 200
    before, kept = stack.item(created["connection"]), stack.kept(created["connection"])
    late = browser.open(backs[0])
    assert (late.status_code, "This link has done its work" in late.text) == (400, True)
    assert stack.item(created["connection"]) == before
    assert stack.kept(created["connection"]) == kept


def test_a_page_that_is_loaded_twice_at_once(stack: Stack) -> None:
    """Both loads show the one outcome; the code is redeemed once."""
    created, user, browser = stack.create(), stack.user(), Browser()
    back = stack.platform.consent(browser.depart(created["authorize_url"]), user).redirect
    assert back
    fault = {"kind": "slow", "seconds": 3.0}
    stack.platform.fault("token", fault, match={"grant_type": "authorization_code"})
    redeemed = stack.platform.redemptions("authorization_code", None)
    with ThreadPoolExecutor(2) as threads:
        pages = [page.result() for page in [threads.submit(browser.open, back) for _ in range(2)]]
    assert [page.status_code for page in pages] == [200, 200]
    assert pages[0].text == pages[1].text
    assert stack.platform.redemptions("authorization_code", None) == redeemed + 1


def ended(stack: Stack, name: str, end: str) -> None:
    """End the current link of a connection."""
    if end == "renew":
        stack.renew(name)
        return
    assert stack.operator.delete(f"/connections/{name}").status_code == 204
    if end == "recreate":
        stack.create(connection=name)
        refused(stack.team_a.get(f"/connections/{name}/token"), 409, "authorization_pending")


def claimed(stack: Stack, state: str) -> bool:
    """Whether the callback has taken the state."""
    from broker.domain.secret import Secret

    wanted = f"state#{Secret(state).sha256()}"
    items = {item["id"]: item for item in stack.tables()["AuthorizationsTableName"]}
    return "claimed_at" in items[wanted]
