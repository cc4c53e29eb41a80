"""axe-core finds nothing, from 320 px to a desktop, light and dark; the keyboard alone suffices.

A page of each shape by default; with ALL_PAGES=1 in the environment every page of the gallery.
https://github.com/dequelabs/axe-core/blob/develop/doc/API.md
"""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from broker.web.pages.language import LANGUAGES, Language
from broker.web.pages.layout import Frame, Page, framed
from local.gallery.diagnoses import findings, told
from local.gallery.samples import asking, gallery, telling
from local.template import ROOT
from local.tools.node import installed
from tests.browser.serving import DESKTOP, Scheme, Site, serve, tab

SMALL = 320
SHAPES = ("ask", "connected_findings", "consent_declined", "throttled")
AXE = """() => axe.run(document, {resultTypes: ['violations']}).then((found) =>
  found.violations.map((rule) => rule.id + ': ' + rule.nodes.map((n) => n.html).join(' ')))"""
INK = """() => ['body', 'main', 'h1'].map((name) => {
  const style = getComputedStyle(document.querySelector(name));
  return [style.color, style.backgroundColor] })"""
FRAME = Frame("Example K.K.", "help@example.com", "?lang=ja")


def pages(language: Language) -> dict[str, Page]:
    every = gallery(language)
    if os.environ.get("ALL_PAGES"):
        return every | told(language, "owner") | told(language, "tenant_admin") | findings(language)
    return {name: every[name] for name in SHAPES}


@pytest.fixture(scope="module")
def axe() -> str:
    source = installed(ROOT / "tests" / "browser") / "axe-core" / "axe.min.js"
    return source.read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "scheme"), [(SMALL, "dark"), (DESKTOP, "light")])
def test_axe_finds_nothing(
    browser: Browser, site: Site, axe: str, width: int, scheme: Scheme
) -> None:
    with tab(browser, width, scheme) as page:
        for language in LANGUAGES:
            for name, made in pages(language).items():
                page.goto(serve(site, f"/{name}", framed(made, FRAME)))
                page.evaluate("document.querySelectorAll('details').forEach(d => {d.open = true})")
                page.evaluate(axe)
                assert (name, language, page.evaluate(AXE)) == (name, language, [])
                assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_would_find_something(browser: Browser, site: Site, axe: str) -> None:
    made = asking("en")
    broken = made.html.replace('lang="en"', "").replace("<dt>", "<p>").replace("</dt>", "</p>")
    with tab(browser) as page:
        page.goto(serve(site, "/broken", Page(200, broken, "en")))
        page.evaluate(axe)
        seen = {finding.partition(":")[0] for finding in page.evaluate(AXE)}
        assert {"html-has-lang", "definition-list"} <= seen


def stops(page: Tab) -> list[str]:
    """What the tabulator reaches, in order, with a visible focus."""
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "() => { const e = document.activeElement; return e === document.body ? null : "
            "[e.tagName, getComputedStyle(e).outlineStyle] }"
        )
        if at is None:
            break
        assert at[1] == "solid", at
        reached.append(at[0])
    return reached


def test_everything_is_reached_by_keyboard(browser: Browser, site: Site) -> None:
    with tab(browser) as page:
        page.goto(serve(site, "/told", framed(telling("consent_declined", "en"), FRAME)))
        reached = stops(page)
        controls = "main a, header a, button, summary, pre[tabindex]"
        assert len(reached) == page.locator(controls).count()
        assert {"A", "PRE", "SUMMARY"} <= set(reached)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_prints_black_on_white_without_its_buttons(
    browser: Browser, site: Site, language: Language
) -> None:
    with tab(browser, DESKTOP, "dark") as page:
        page.goto(serve(site, "/ask", framed(asking(language), FRAME)))
        page.emulate_media(media="print")
        assert not page.locator("form").is_visible()
        ink = page.evaluate(INK)
        assert {color for color, _ in ink} == {"rgb(0, 0, 0)"}
        assert ink[0][1] == ink[1][1] == "rgb(255, 255, 255)"
        assert page.locator("dl").is_visible()


def test_every_page_of_the_gallery_is_there_in_both_languages() -> None:
    english, japanese = ((*gallery(name), *findings(name)) for name in ("en", "ja"))
    assert english == japanese
    assert len(english) > 60
