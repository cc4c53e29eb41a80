"""Another site, in a real Chromium, tries to send a person to Microsoft past the broker's page."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from tests.browser.serving import Site
from tests.browser.test_stack_pages import person
from tests.e2e.harness import Stack

PRESSED = "press the button once more"


def lure(site: Site, stack: Stack, link: str) -> str:
    """A page of another site whose form goes by itself to where the broker's button goes."""
    where = urlsplit(link)
    (ticket,) = parse_qs(where.query)["ticket"]
    action = escape(f"{where.scheme}://{where.netloc}{where.path}")
    page = (
        f'<form method="post" action="{action}">'
        f'<input name="ticket" value="{escape(ticket)}"></form>'
        "<script>document.forms[0].submit()</script>"
    )
    site.routes["GET /lure"] = lambda _: (200, {"Content-Type": "text/html"}, page)
    assert urlsplit(site.url).hostname != urlsplit(stack.api_url).hostname, "another site"
    return site.url + "/lure"


def land(tab: Tab, stack: Stack) -> str:
    """Where the lure's form leads: the page, at rest."""
    tab.wait_for_url(f"{stack.api_url}/**")
    return str(tab.locator("body").inner_text())


@pytest.mark.parametrize("link", ["authorize_url", "admin_consent_url"])
@pytest.mark.parametrize("visited", [False, True], ids=["a new browser", "one with the cookie"])
def test_another_site_cannot_press_the_button(
    browser: Browser, site: Site, stack: Stack, link: str, visited: bool
) -> None:
    created = stack.create()
    with person(browser, "en") as tab:
        if visited:
            tab.goto(created[link])
        tab.goto(lure(site, stack, created[link]))
        text = land(tab, stack)
        assert created["connection"] in text, "who is sent here sees what is asked"
        assert PRESSED in text
        use = stack.show(created["connection"])["authorization"]
        use = use if link == "authorize_url" else use["admin_consent"]
        assert (use["started_at"], use["attempts"]) == (None, 0)
        tab.locator("main form button").click()
        tab.wait_for_url(f"{stack.settings.platform}/**")


def test_without_cookies_the_page_says_so_and_nothing_starts(
    browser: Browser, stack: Stack
) -> None:
    created = stack.create()
    with person(browser, "en") as tab:
        tab.goto(created["authorize_url"])
        assert PRESSED not in tab.locator("body").inner_text()
        tab.context.clear_cookies()
        tab.locator("main form button").click()
        tab.get_by_text(PRESSED).wait_for()
        assert "allow cookies" in tab.locator("body").inner_text()
        assert stack.show(created["connection"])["authorization"]["attempts"] == 0
