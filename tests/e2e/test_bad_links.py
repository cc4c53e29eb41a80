"""Links and states that do not work: a page that says why, a reason in the log, nothing changed."""

from __future__ import annotations

import html
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from broker.domain.secret import Secret
from broker.web.pages import layout
from local.browser import Browser
from tests.e2e.harness import Stack
from tests.e2e.watch import refusal, unchanged

TEXTS = json.loads((Path(layout.__file__).parent / "texts_en.json").read_text())

FOREIGN = "Of-nobody".ljust(43, "x")
"""Of the right form, and of nobody."""


def said(page: requests.Response, name: str, status: int = 400) -> None:
    """It is the page of that name, stored nowhere and without scripts."""
    assert page.status_code == status, page.text[-900:]
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert html.escape(TEXTS["outcomes"][name]["title"]) in page.text


def value(url: str, name: str) -> str:
    """A query parameter's value."""
    return parse_qs(urlsplit(url).query)[name][0]


def digest(text: str) -> str:
    """Under which tickets and states are stored."""
    return Secret(text).sha256()


COOKIE = {"Cookie": f"__Host-tb={FOREIGN}"}
"""Of a browser that has seen a page of the broker."""


def post(stack: Stack, path: str, form: dict[str, str] | bytes, **headers: str) -> Any:
    """Post a form as a browser without cookies would."""
    return requests.post(
        stack.api_url + path,
        data=form if isinstance(form, bytes) else urlencode(form),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept-Language": "en",
            **headers,
        },
        timeout=60,
        allow_redirects=False,
    )


@pytest.mark.parametrize("ticket", [FOREIGN, "short", FOREIGN + "=", "../" * 20, "x" * 5000])
@pytest.mark.parametrize("path", ["/authorize", "/admin-consent"])
def test_an_unknown_ticket(stack: Stack, path: str, ticket: str) -> None:
    with refusal(stack, "authorize", "invalid_request", "link_unknown"):
        said(stack.browse(path, ticket=ticket), "link_unknown")
    with refusal(stack, "authorize", "invalid_request", "link_unknown"):
        said(post(stack, path, {"ticket": ticket}), "link_unknown")


def test_no_ticket_or_two(stack: Stack) -> None:
    with refusal(stack, "authorize", "invalid_request", "link_unknown"):
        said(stack.browse("/authorize"), "link_unknown")
    twice = urlencode([("ticket", FOREIGN), ("ticket", FOREIGN)]).encode()
    eleven = "&".join(f"f{number}=x" for number in range(11)).encode()
    for path in ("/authorize", "/admin-consent"):
        with refusal(stack, "authorize", "invalid_request", "fields"):
            said(post(stack, path, eleven), "invalid_request")
    for form in (b"", twice, b"\xff=%ff"):
        with refusal(stack, "authorize", "invalid_request", "ticket"):
            said(post(stack, "/authorize", form), "invalid_request")
    with refusal(stack, "authorize", "invalid_request", "65536 bytes"):
        said(post(stack, "/authorize", b"ticket=" + b"x" * 70_000), "invalid_request", 413)
    with refusal(stack, "authorize", "invalid_request", "Content-Type"):
        answer = post(stack, "/authorize", b"{}", **{"Content-Type": "application/json"})
        said(answer, "invalid_request", 415)


def test_an_expired_ticket(stack: Stack) -> None:
    ticket = value(stack.create()["authorize_url"], "ticket")
    stack.edit_underway(f"ticket#{digest(ticket)}", expires_at=int(time.time()) - 1)
    with refusal(stack, "authorize", "invalid_request", "link_expired"):
        said(stack.browse("/authorize", ticket=ticket), "link_expired")
    with refusal(stack, "authorize", "invalid_request", "link_expired"):
        said(post(stack, "/authorize", {"ticket": ticket}), "link_expired")


def test_a_ticket_of_the_other_kind(stack: Stack) -> None:
    created = stack.create()
    for path, link in (("/authorize", "admin_consent_url"), ("/admin-consent", "authorize_url")):
        with refusal(stack, "authorize", "invalid_request", "link_wrong_kind"):
            said(stack.browse(path, ticket=value(created[link], "ticket")), "link_wrong_kind")


def test_a_ticket_used_up(stack: Stack) -> None:
    ticket = value(stack.create()["authorize_url"], "ticket")
    for _ in range(20):
        assert post(stack, "/authorize", {"ticket": ticket}, **COOKIE).status_code == 303
    with refusal(stack, "authorize", "invalid_request", "link_used_up"):
        said(post(stack, "/authorize", {"ticket": ticket}, **COOKIE), "link_used_up")


@pytest.mark.parametrize("path", ["/authorize", "/admin-consent"])
@pytest.mark.parametrize("headers", [{}, COOKIE | {"Sec-Fetch-Site": "cross-site"}])
def test_a_button_pressed_elsewhere_starts_nothing(
    stack: Stack, path: str, headers: dict[str, str]
) -> None:
    created = stack.create()
    link = created["authorize_url" if path == "/authorize" else "admin_consent_url"]
    with unchanged(stack):
        page = post(stack, path, {"ticket": value(link, "ticket")}, **headers)
    assert (page.status_code, created["connection"] in page.text) == (200, True)
    assert html.escape(TEXTS["press_again"][0]) in page.text
    assert ("Set-Cookie" in page.headers) is (not headers)
    shown = stack.show(created["connection"])["authorization"]
    assert (shown["started_at"], shown["attempts"]) == (None, 0)


def test_a_ticket_that_has_done_its_work(stack: Stack) -> None:
    created = stack.create()
    stack.consent(created["authorize_url"], stack.user())
    with refusal(stack, "authorize", "invalid_request", "link_finished"):
        said(Browser().open(created["authorize_url"]), "link_finished")
    ticket = value(created["authorize_url"], "ticket")
    with refusal(stack, "authorize", "invalid_request", "link_finished"):
        said(post(stack, "/authorize", {"ticket": ticket}), "link_finished")


def test_the_ticket_of_a_deleted_connection(stack: Stack) -> None:
    created = stack.create()
    stack.operator.delete(f"/connections/{created['connection']}")
    with refusal(stack, "authorize", "invalid_request", "link_unknown"):
        said(Browser().open(created["authorize_url"]), "link_unknown")


@pytest.mark.parametrize("state", [FOREIGN, "", "x", FOREIGN[:-1] + "!"])
def test_a_forged_state(stack: Stack, state: str) -> None:
    with refusal(stack, "callback", "invalid_request", "attempt_unknown"):
        said(stack.browse("/callback", code="c", state=state), "attempt_unknown")


def test_a_state_from_another_browser_is_kept_for_the_right_one(stack: Stack) -> None:
    created, user, browser = stack.create(), stack.user(), Browser("en")
    back = stack.platform.consent(browser.depart(created["authorize_url"]), user).redirect
    assert back
    other = Browser("en")
    other.cookies["__Host-tb"] = FOREIGN
    for stranger in (Browser("en"), other):
        with refusal(stack, "callback", "invalid_request", "other_browser"):
            said(stranger.open(back), "other_browser")
    assert browser.open(back).status_code == 200


def test_a_replayed_state(stack: Stack) -> None:
    created, user, browser = stack.create(), stack.user(), Browser("en")
    back = stack.platform.consent(browser.depart(created["authorize_url"]), user).redirect
    assert back
    assert browser.open(back).status_code == 200
    redeemed = stack.platform.redemptions("authorization_code", None)
    with refusal(stack, "callback", "invalid_request", "attempt_finished"):
        said(Browser("en").open(back), "attempt_finished")
    with unchanged(stack):  # a reload
        assert browser.open(back).status_code == 200
    assert stack.platform.redemptions("authorization_code", None) == redeemed


def test_an_expired_state(stack: Stack) -> None:
    created, user, browser = stack.create(), stack.user(), Browser("en")
    location = browser.depart(created["authorize_url"])
    back = stack.platform.consent(location, user).redirect
    assert back
    state = value(location, "state")
    stack.edit_underway(f"state#{digest(state)}", expires_at=int(time.time()) - 1)
    redeemed = stack.platform.redemptions("authorization_code", None)
    with refusal(stack, "callback", "invalid_request", "attempt_expired"):
        said(browser.open(back), "attempt_expired")
    assert stack.platform.redemptions("authorization_code", None) == redeemed
