"""Pages in a real Chromium: readable and accessible, on a phone and on a wide screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from broker.domain.names import Instant
from broker.web.pages.language import Language
from broker.web.pages.outcome import outcome
from broker.web.pages.shapes import Support
from local.gallery.samples import asking, gallery, telling
from tests.browser.serving import DESKTOP, PHONE, Scheme, Site, serve, tab, watch

INSPECT = Path(__file__).with_name("inspect.js").read_text("utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_is_readable_and_quiet_on_a_phone(
    browser: Browser, site: Site, language: Language, scheme: Scheme
) -> None:
    with tab(browser, PHONE, scheme) as page:
        complaints = watch(page)
        for name, made in gallery(language).items():
            answer = page.goto(serve(site, f"/{name}", made, "https://login.microsoftonline.com"))
            assert answer is not None
            assert answer.status == made.status
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
            seen = page.evaluate(INSPECT)
            assert (name, seen["problems"]) == (name, [])
            assert seen["lang"] == language
            assert seen["styled"]
        assert complaints == []


def test_a_wide_window_keeps_lines_short(browser: Browser, site: Site) -> None:
    with tab(browser, DESKTOP) as page:
        page.goto(serve(site, "/ask", asking("en")))
        assert page.evaluate(INSPECT)["problems"] == []
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] < 700
        assert abs(box["x"] * 2 + box["width"] - DESKTOP) < 2


def test_hostile_values_neither_run_nor_break_the_layout(browser: Browser, site: Site) -> None:
    for number, value in enumerate(
        ('"><script>document.title=1</script>', "x" * 10_000, "あ" * 999)
    ):
        made = outcome(
            "account_mismatch",
            "en",
            connection=value,
            service=value,
            account=value + "@" + value,
            scopes=[value] * 3,
            support=Support(Instant(0), value),
        )
        with tab(browser) as page:
            complaints = watch(page)
            page.goto(serve(site, f"/{number}", made))
            assert page.evaluate(INSPECT)["problems"] == []
            assert page.title().startswith("This is a different account")
            assert complaints == []


def test_one_click_selects_the_whole_support_block(browser: Browser, site: Site) -> None:
    with tab(browser) as page:
        page.goto(serve(site, "/told", telling("mfa_required", "en")))
        block = page.locator("pre").last
        block.click()
        selected = page.evaluate("getSelection().toString()")
        assert selected.strip().split("\n") == (block.text_content() or "").split("\n")
        assert "Trace ID: " + "t" * 36 in selected


def test_the_settings_for_administrators_open_without_script(browser: Browser, site: Site) -> None:
    with tab(browser) as page:
        page.goto(serve(site, "/told", telling("consent_declined", "en")))
        hidden = page.get_by_text("Admin consent settings")
        assert not hidden.is_visible()
        page.locator("summary").click()
        assert hidden.is_visible()
