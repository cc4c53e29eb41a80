"""The function authorize: whose button press counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.secret import Secret
from broker.web import links
from tests.unit import handlers
from tests.unit.house import BASE, House, ticket

ROUTES = ("authorize", "admin-consent")
COOKIE = f"__Host-tb={'c' * 43}"
FORM = "application/x-www-form-urlencoded"


class Site:
    """The function over a house, as API Gateway calls it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house = House()
        created = self.house.create()
        self.tickets = dict(
            zip(
                ROUTES,
                (ticket(created[f"{kind}_url"]) for kind in ("authorize", "admin_consent")),
                strict=True,
            )
        )
        own = SimpleNamespace(
            client_id="c",
            public_base_url=BASE,
            identity_platform_url="https://login.microsoftonline.com",
            organization_name="Example K.K.",
            support_contact="help@example.com",
        )
        step = self.house.authorize_step
        self.function = handlers.load(monkeypatch, "authorize", step, own)

    def get(
        self, route: str, query: dict[str, list[str]] | None = None, **headers: str
    ) -> dict[str, Any]:
        """Open the link, or one with another query."""
        query = {"ticket": [self.tickets[route]]} if query is None else query
        return self._send("GET", route, headers, multiValueQueryStringParameters=query, body=None)

    def post(self, route: str, body: str | None = None, **headers: str) -> dict[str, Any]:
        """Press the button."""
        form = urlencode({"ticket": self.tickets[route]}) if body is None else body
        return self._send("POST", route, {"content_type": FORM, **headers}, body=form)

    def _send(
        self, method: str, route: str, headers: dict[str, str], **more: Any
    ) -> dict[str, Any]:
        sent = {name.replace("_", "-").title(): [text] for name, text in headers.items()}
        event = handlers.event(
            "authorize-show",
            path=f"/{route}",
            resource=f"/{route}",
            httpMethod=method,
            **{"multiValueHeaders": sent, "queryStringParameters": None, **more},
        )
        answer: dict[str, Any] = self.function.handler(event, SimpleNamespace())
        return answer


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(monkeypatch)


def header(answer: dict[str, Any], name: str) -> str | None:
    """A header's value, if it is there."""
    values: list[str] = answer.get("multiValueHeaders", {}).get(name, [])
    return values[0] if values else None


@pytest.mark.parametrize("route", ROUTES)
def test_the_page_gives_the_cookie_that_its_button_demands(site: Site, route: str) -> None:
    page = site.get(route)
    cookie = header(page, "Set-Cookie")
    assert page["statusCode"] == 200
    assert cookie
    assert cookie.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
    gone = site.post(route, cookie=cookie.partition(";")[0], sec_fetch_site="same-origin")
    assert gone["statusCode"] == 303
    state = parse_qs(urlsplit(str(header(gone, "Location"))).query)["state"][0]
    (stored,) = site.house.tables.states.values()
    assert stored.cookie == Secret(cookie.partition("=")[2].partition(";")[0]).sha256()
    assert links.value(state)
    assert header(gone, "Set-Cookie") is None


@pytest.mark.parametrize("route", ROUTES)
def test_every_page_names_who_asks_and_whom_to_ask(site: Site, route: str) -> None:
    for page in (site.get(route), site.get(route, {"ticket": ["unknown"]})):
        assert "Example K.K." in page["body"]
        assert "help@example.com" in page["body"]


@pytest.mark.parametrize("route", ROUTES)
def test_the_language_is_chosen_on_the_page_and_kept(site: Site, route: str) -> None:
    ticket = site.tickets[route]
    english = site.get(route, cookie=COOKIE)
    assert f'href="?ticket={ticket}&amp;lang=ja"' in english["body"]
    japanese = site.get(route, {"ticket": [ticket], "lang": ["ja"]}, cookie=COOKIE)
    assert '<html lang="ja">' in japanese["body"]
    assert f'href="?ticket={ticket}&amp;lang=en"' in japanese["body"]
    kept = str(header(japanese, "Set-Cookie")).partition(";")[0]
    again = site.get(route, cookie=f"{COOKIE}; {kept}", accept_language="en")
    assert '<html lang="ja">' in again["body"]
    assert header(again, "Set-Cookie") is None


@pytest.mark.parametrize("asked", ["fr", "ja'\"><script>", ""])
def test_a_language_there_is_none_of_changes_nothing(site: Site, asked: str) -> None:
    query = {"ticket": [site.tickets["authorize"]], "lang": [asked]}
    page = site.get("authorize", query, cookie=f"{COOKIE}; __Host-tb-lang={asked}")
    assert '<html lang="en">' in page["body"]
    assert header(page, "Set-Cookie") is None
    assert "<script" not in page["body"]


def test_a_link_that_is_used_up_says_so_when_it_is_opened(site: Site) -> None:
    for _ in range(links.STARTS):
        assert site.post("authorize", cookie=COOKIE)["statusCode"] == 303
    page = site.get("authorize", cookie=COOKIE)
    assert page["statusCode"] == 400
    assert "link_used_up" in page["body"]


@pytest.mark.parametrize("route", ROUTES)
def test_a_cookie_is_used_across_tabs(site: Site, route: str) -> None:
    assert header(site.get(route, cookie=COOKIE), "Set-Cookie") is None
    assert header(site.get(route, cookie="__Host-tb=short"), "Set-Cookie")
    for _ in range(2):
        assert site.post(route, cookie=COOKIE)["statusCode"] == 303
    assert len({state.cookie for state in site.house.tables.states.values()}) == 1


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "__Host-tb=short"},
        {"sec_fetch_site": "same-origin"},
        {"cookie": COOKIE, "sec_fetch_site": "cross-site"},
        {"cookie": COOKIE, "sec_fetch_site": "same-site"},
        {"cookie": COOKIE, "sec_fetch_site": "none"},
        {"cookie": COOKIE, "sec_fetch_site": ""},
        {"cookie": COOKIE, "sec_fetch_site": "same-origin, cross-site"},
    ],
)
def test_a_button_that_was_not_pressed_on_the_page(
    site: Site, route: str, headers: dict[str, str]
) -> None:
    """The page is shown again, so that who is sent here sees who asks; nothing starts."""
    before = site.house.tables.tickets.copy()
    page = site.post(route, **headers)
    assert page["statusCode"] == 200
    assert "<form method=" in page["body"]
    assert "press the button once more" in page["body"]
    assert (header(page, "Set-Cookie") is None) == (headers.get("cookie") == COOKIE)
    assert site.house.tables.states == {}
    starts = {ticket.starts for ticket in site.house.tables.tickets.values()}
    assert starts == {0}
    assert before.keys() == site.house.tables.tickets.keys()


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "body",
    [
        "&".join(f"f{number}=x" for number in range(11)),
        "&" * 60_000,
        "ticket=a&ticket=b",
        "ticket=",
        "other=x",
        "",
        "%ff=%ff&\ufffd",
    ],
)
def test_a_form_of_another_shape(site: Site, route: str, body: str) -> None:
    for cookie in (COOKIE, ""):
        answer = site.post(route, body, cookie=cookie)
        assert answer["statusCode"] == 400
    assert site.house.tables.states == {}


ODD = st.text(max_size=60) | st.sampled_from([COOKIE, "same-origin", FORM, "ja,en;q=0.8", "\x00"])


@given(
    route=st.sampled_from(ROUTES),
    headers=st.dictionaries(
        st.sampled_from(["cookie", "sec_fetch_site", "accept_language", "content_type"]), ODD
    ),
    body=st.text(max_size=200) | st.sampled_from(["ticket=" + "x" * 43, "a=1&" * 11]),
)
def test_whatever_a_stranger_sends_is_no_fault_of_ours(
    route: str, headers: dict[str, str], body: str
) -> None:
    """A 5xx would ring an alarm at the price of one anonymous request."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        answer = Site(monkeypatch).post(route, body, **headers)
    assert answer["statusCode"] in (400, 413, 415)


@given(query=st.dictionaries(st.text(max_size=9), st.lists(ODD, max_size=3)), cookie=ODD)
def test_whatever_a_link_s_query_holds(query: dict[str, list[str]], cookie: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        site = Site(monkeypatch)
        answer = site.get("authorize", query, cookie=cookie)
    assert answer["statusCode"] == 400
