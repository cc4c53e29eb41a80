"""A person in a real Chromium, from the broker's page through Microsoft's and back, on the stack.

With KEEP_SCREENSHOTS=<directory> every last page is kept there, to be looked at.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from broker.web.pages.language import Language, words
from tests.browser.serving import PHONE, watch
from tests.e2e.harness import Stack

INSPECT = Path(__file__).with_name("inspect.js").read_text("utf-8")
WAIT_MS = 15_000
"""The emulator starts a process for a function's first call."""
LANGUAGES: tuple[Language, ...] = ("en", "ja")


class Case(NamedTuple):
    """Who signs in, which buttons they press at Microsoft, and the page that tells how it ended."""

    user: str
    clicks: tuple[str, ...]
    status: int
    code: str
    shows: tuple[str, ...] = ()
    fault: int | None = None
    parameters: dict[str, str] = {}  # noqa: RUF012 (never changed)


DEVELOPER = {"developer_token": "SIMULATED01DEV"}
CASES = {
    "accept": Case("owner@contoso.example", ("accept",), 200, "connected"),
    "checked": Case("owner@contoso.example", ("accept",), 200, "connected", (), None, DEVELOPER),
    "no-ads": Case(
        "noads@contoso.example", ("accept",), 200, "connected_waiting", (), None, DEVELOPER
    ),
    "cancel": Case("owner@contoso.example", ("cancel",), 409, "consent_declined", ("AADSTS65004",)),
    "request-approval": Case(
        "owner@fabrikam.example", ("request", "return"), 409, "admin_consent_required",
        ("AADSTS90095", "/admin-consent?ticket="),
    ),
    "need-admin-approval": Case(
        "owner@northwind.example", ("return",), 409, "consent_declined", ("/admin-consent?ticket=",)
    ),
    "mfa": Case("mfa@contoso.example", ("approve", "accept"), 200, "connected"),
    "mfa-refused": Case(
        "owner@contoso.example", ("accept",), 409, "mfa_required", ("AADSTS500121",), 500121
    ),
    "conditional-access": Case(
        "owner@contoso.example", ("accept",), 409, "blocked_by_policy", ("AADSTS53003",), 53003
    ),
    "personal": Case("personal@outlook.example", ("accept",), 200, "connected"),
    "legacy-scope": Case(
        "legacy@contoso.example", ("accept",), 422, "scope_not_granted", ("msads.manage",)
    ),
    "no-service": Case(
        "owner@adatum.example", (), 409, "admin_consent_required",
        ("AADSTS650052", "/admin-consent?ticket="),
    ),
}  # fmt: skip


@contextmanager
def person(browser: Browser, language: Language) -> Iterator[Tab]:
    """One person's browser: on a phone, with their language."""
    locale = {"en": "en-US", "ja": "ja-JP"}[language]
    context = browser.new_context(viewport={"width": PHONE, "height": 800}, locale=locale)
    context.set_default_timeout(WAIT_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def sign_in(tab: Tab, link: str, user: str) -> None:
    """Open the link, press Continue, pick the account."""
    tab.goto(link)
    tab.locator("main form button").click()
    tab.locator(f'button[value="{user}"]').click()


def press(tab: Tab, *clicks: str) -> None:
    """Buttons at Microsoft, one page after the other."""
    for click in clicks:
        if click == "request":
            tab.locator("#reason").fill("The reports need it.")
        tab.locator(f"#{click}").click()


def judge(tab: Tab, language: Language, code: str, name: str) -> str:
    """The last page: readable, in the right language, at rest; its text."""
    tab.wait_for_url(re.compile("/callback"))
    keep = os.environ.get("KEEP_SCREENSHOTS")
    if keep:
        tab.screenshot(path=f"{keep}/{name}-{language}.png", full_page=True)
    tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
    seen = tab.evaluate(INSPECT)
    assert seen["problems"] == []
    assert (seen["lang"], seen["styled"]) == (language, True)
    text = str(tab.locator("body").inner_text())
    if code.startswith("connected"):
        title = words(language)["outcomes"][code]["title"]
        assert title in tab.title()
    else:
        assert re.search(rf"Code\)?: .*{code}", text)
    return text


@pytest.fixture
def answers() -> list[int]:
    """Statuses of the callback's answers."""
    return []


def listen(tab: Tab, answers: list[int]) -> Callable[[], list[str]]:
    """Notes the callback's statuses; what returns are the browser's complaints."""
    complaints = watch(tab)

    def note(response: Any) -> None:
        if "/callback" in response.url:
            answers.append(response.status)

    tab.on("response", note)
    return lambda: complaints


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_every_way_through_microsoft(
    browser: Browser, stack: Stack, answers: list[int], name: str, language: Language
) -> None:
    case = CASES[name]
    created = stack.create(parameters=case.parameters)
    stack.platform.act(case.user, "withdraw-consent")  # else Microsoft does not ask again
    if case.fault:
        fault = {"kind": "aadsts", "number": case.fault, "page": False}
        match = {"user": case.user, "action": "accept"}
        stack.platform.fault("authorize", fault, times=1, match=match)
    with person(browser, language) as tab:
        complaints = listen(tab, answers)
        sign_in(tab, created["authorize_url"], case.user)
        press(tab, *case.clicks)
        text = judge(tab, language, case.code, name)
        assert answers == [case.status]
        assert complaints() == []
        assert not [wanted for wanted in case.shows if wanted not in text]
        tab.reload()
        again = judge(tab, language, case.code, f"{name}-again")
    assert again == text, "a reload shows the outcome again, and the same link to hand over"
    status = stack.show(created["connection"])["status"]
    waits = "awaiting_admin" if case.code == "admin_consent_required" else "pending"
    assert status == ("active" if case.status == 200 else waits)


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_account_is_refused(
    browser: Browser, stack: Stack, answers: list[int], language: Language
) -> None:
    stack.platform.act("second@contoso.example", "withdraw-consent")
    name = stack.connect("owner@contoso.example")
    with person(browser, language) as tab:
        listen(tab, answers)
        sign_in(tab, stack.renew(name), "second@contoso.example")
        press(tab, "accept")
        text = judge(tab, language, "account_mismatch", "another-account")
    assert "second@contoso.example" not in text, "masked"
    assert stack.show(name)["account"]["username"] == "owner@contoso.example"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_attempt_blocked_on_microsoft_s_own_page_never_returns(
    browser: Browser, stack: Stack, language: Language
) -> None:
    created = stack.create()
    with person(browser, language) as tab:
        sign_in(tab, created["authorize_url"], "device@contoso.example")
        assert "AADSTS53000" in tab.locator("body").inner_text()
    found = stack.show(created["connection"])["authorization"]
    assert found["started_at"]
    assert found["returned_at"] is None


@pytest.fixture
def northwind(stack: Stack) -> Iterator[str]:
    """An owner whose administrator has approved nothing: neither before the test nor after it."""
    owner = "owner@northwind.example"
    stack.platform.act(owner, "withdraw-consent")  # and so the administrator's
    yield owner
    stack.platform.act(owner, "withdraw-consent")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_administrator_s_way(
    browser: Browser, stack: Stack, answers: list[int], northwind: str, language: Language
) -> None:
    """The owner's page hands over a link; the administrator approves; the owner comes again."""
    owner, created = northwind, stack.create()
    with person(browser, language) as tab:
        sign_in(tab, created["authorize_url"], owner)
        press(tab, "return")
        page = judge(tab, language, "consent_declined", "before-approval")
        link = re.search(r"https?://\S+/admin-consent\?ticket=[\w-]{43}", page)
        assert link
    with person(browser, language) as tab:
        listen(tab, answers)
        sign_in(tab, link[0], "admin@northwind.example")
        press(tab, "accept")
        tab.wait_for_url(re.compile("/callback"))
        title = words(language)["outcomes"]["admin_consent_received"]["title"]
        assert title in tab.title()
        assert tab.evaluate(INSPECT)["problems"] == []
    assert answers == [200]
    with person(browser, language) as tab:
        sign_in(tab, created["authorize_url"], owner)
        judge(tab, language, "connected", "after-approval")
    assert stack.show(created["connection"])["status"] == "active"


def test_a_link_of_one_kind_never_completes_the_other(browser: Browser, stack: Stack) -> None:
    created = stack.create()
    links = created["authorize_url"], created["admin_consent_url"]
    for link, other in zip(links, ("admin-consent", "authorize"), strict=True):
        with person(browser, "en") as tab:
            answer = tab.goto(re.sub(r"/(authorize|admin-consent)\?", f"/{other}?", link))
            assert answer
            assert answer.status == 400
            assert tab.locator("form").count() == 0
    with person(browser, "en") as tab:
        tab.goto(links[1])
        tab.locator("main form button").click()
        state = re.search(r"state=([\w-]+)", tab.url)
        assert state
        tab.goto(f"{stack.api_url}/callback?state={state[1]}&code=canary")
        assert "link" in tab.title().lower()
    assert stack.show(created["connection"])["status"] == "pending"
