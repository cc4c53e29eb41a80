"""The pages' security policy in a real Chromium: what has to work works, the rest is stopped."""

from __future__ import annotations

from playwright.sync_api import Browser

from broker.web.pages.layout import Page
from local.gallery.samples import asking
from tests.browser.serving import Site, serve, serving, tab, watch


def test_the_button_posts_the_ticket_and_reaches_microsoft_under_the_policy(
    browser: Browser, site: Site, microsoft: Site
) -> None:
    site.routes["POST /authorize"] = lambda _: (303, {"Location": microsoft.url + "/signin"}, "")
    with tab(browser) as page:
        complaints = watch(page)
        page.goto(serve(site, "/authorize", asking("en"), microsoft.url))
        page.get_by_role("button", name="Continue to Microsoft").click()
        page.wait_for_url(microsoft.url + "/signin")
        assert complaints == []
    assert site.posted == ["ticket=the-ticket"]


def test_the_button_works_by_keyboard_with_a_visible_focus(browser: Browser, site: Site) -> None:
    site.routes["POST /authorize"] = lambda _: (200, {"Content-Type": "text/plain"}, "done")
    with tab(browser) as page:
        page.goto(serve(site, "/authorize", asking("ja")))
        focused = page.locator("button:focus-visible")
        for _ in range(10):  # past what stands above it: the language, the details
            page.keyboard.press("Tab")
            if focused.count():
                break
        assert focused.count() == 1
        assert focused.evaluate("button => getComputedStyle(button).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.get_by_text("done").wait_for()
    assert site.posted == ["ticket=the-ticket"]


def test_a_form_leads_nowhere_but_to_the_named_targets(
    browser: Browser, site: Site, microsoft: Site
) -> None:
    site.routes["POST /authorize"] = lambda _: (303, {"Location": microsoft.url + "/signin"}, "")
    with tab(browser) as page:
        page.goto(serve(site, "/authorize", asking("en")))
        with page.expect_console_message(lambda message: "form-action" in message.text):
            page.get_by_role("button").click()
        assert page.url == site.url + "/authorize"


def test_later_redirects_count_too_so_every_host_on_the_way_must_be_named(
    browser: Browser, site: Site, microsoft: Site
) -> None:
    """Microsoft may send a form's visitor on at once: personal accounts, federated domains."""
    with serving() as further:
        further.routes["GET /signin"] = microsoft.routes["GET /signin"]
        microsoft.routes["GET /hop"] = lambda _: (302, {"Location": further.url + "/signin"}, "")
        site.routes["POST /authorize"] = lambda _: (303, {"Location": microsoft.url + "/hop"}, "")
        with tab(browser) as page:
            page.goto(serve(site, "/authorize", asking("en"), microsoft.url))
            with page.expect_console_message(lambda message: "form-action" in message.text):
                page.get_by_role("button").click()
            page.goto(serve(site, "/authorize", asking("en"), microsoft.url, further.url))
            page.get_by_role("button").click()
            page.wait_for_url(further.url + "/signin")


def test_the_policy_stops_what_escaping_would_have_let_through(
    browser: Browser, site: Site
) -> None:
    made = asking("en")
    planted = made.html.replace(
        "</main>",
        "<script>document.title = 'run'</script><p style='color: red' id='p'>x</p>"
        "<style>main { display: none }</style><img src='/pixel'></main>",
    )
    with tab(browser) as page:
        page.goto(serve(site, "/planted", Page(200, planted, "en")))
        assert page.title() != "run"
        assert page.locator("main").is_visible()
        color = page.evaluate("getComputedStyle(document.getElementById('p')).color")
        assert color != "rgb(255, 0, 0)"
        assert site.got == ["/planted"]


def test_a_page_is_not_shown_inside_another(browser: Browser, site: Site) -> None:
    inner = serve(site, "/inner", asking("en"))
    site.routes["GET /outer"] = lambda _: (
        200,
        {"Content-Type": "text/html"},
        f"<iframe src={inner}></iframe>",
    )
    with tab(browser) as page:
        with page.expect_console_message(lambda message: "frame" in message.text.lower()):
            page.goto(site.url + "/outer")
        assert page.frames[1].get_by_role("button").count() == 0
