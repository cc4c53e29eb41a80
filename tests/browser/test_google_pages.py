"""The simulated Google's pages, as a person presses them: accounts, consent, cancel, an error."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from local.simulator.server import Server
from local.simulator.world import GoogleRegistration
from tests.browser.serving import PHONE, Site

OWNER = "owner@gmail.example"


@pytest.fixture
def google(site: Site) -> Iterator[Server]:
    """Its client returns to the site."""
    site.routes["GET /callback/google"] = lambda _: (200, {"Content-Type": "text/plain"}, "back")
    registration = GoogleRegistration(redirect_uris=(f"{site.url}/callback/google",))
    with Server(google=registration) as server:
        yield server


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": PHONE, "height": 700})
    yield tab
    tab.close()


def url(google: Server, **changes: str) -> str:
    registration = google.world.google_registration
    fields = {
        "client_id": registration.client_id,
        "redirect_uri": registration.redirect_uris[0],
        "response_type": "code",
        "scope": "openid email profile",
        "state": "s",
        "access_type": "offline",
        "prompt": "consent select_account",
    }
    return f"{google.google_url}/o/oauth2/v2/auth?{urlencode(fields | changes)}"


def choose(tab: Page, google: Server) -> None:
    tab.goto(url(google))
    tab.get_by_role("button", name=OWNER).click()


@pytest.mark.parametrize(("button", "field"), [("Continue", "code"), ("Cancel", "error")])
def test_a_person_goes_through(google: Server, tab: Page, button: str, field: str) -> None:
    choose(tab, google)
    assert OWNER in tab.locator("#signed-in-user").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE
    tab.get_by_role("button", name=button).click()
    assert tab.locator("body").inner_text() == "back"
    back = parse_qs(urlsplit(tab.url).query)
    assert field in back
    assert (back["state"], back["iss"]) == (["s"], [google.google_url])


def test_what_is_wrong_is_told_on_the_page(google: Server, tab: Page, site: Site) -> None:
    tab.goto(url(google, redirect_uri=f"{site.url}/elsewhere"))
    assert tab.locator("#error-code").inner_text() == "Error 400: redirect_uri_mismatch"
    assert not site.got
