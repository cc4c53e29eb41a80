"""authorize: what a link shows, what Continue makes, and which links do not work."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from broker.domain.attempts import LinkKind
from broker.domain.secret import Secret
from broker.web import links
from broker.web.links import LinkProblem
from broker.web.pages.language import Language, words
from tests.fakes.microsoft import CLIENT_ID, TENANT
from tests.unit.house import ADS, BASE, COOKIE, GRAPH, NAME, House, ticket


@pytest.fixture
def house() -> House:
    return House()


def show(house: House, url: str, kind: LinkKind = LinkKind.AUTHORIZE) -> str:
    return house.authorize_step.show(kind, ticket(url), BASE, "en").html


def query(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def page(house: House, text: str | None, kind: LinkKind = LinkKind.AUTHORIZE) -> str:
    """Why a link works for neither showing nor beginning."""
    pages = set()
    for work in (
        lambda: house.authorize_step.show(kind, text, BASE, "en"),
        lambda: house.authorize_step.begin(kind, text, COOKIE, BASE),
    ):
        with pytest.raises(LinkProblem) as caught:
            work()
        pages.add(caught.value.page)
    (found,) = pages
    return str(found)


@pytest.mark.parametrize(
    ("tenant", "shown"), [("common", False), ("consumers", False), ("contoso.example", True)]
)
def test_the_page_names_a_tenant_that_is_one(house: House, tenant: str, shown: bool) -> None:
    html = show(house, house.create(tenant=tenant)["authorize_url"])
    assert (f">{tenant}<" in html) is shown


def test_the_page_names_what_is_asked(house: House) -> None:
    html = show(house, house.create()["authorize_url"])
    for text in (NAME, "Microsoft Advertising", "operator", "111122223333"):
        assert text in html


def test_the_page_says_what_it_is_for_in_the_operator_s_words(house: House) -> None:
    created = house.create(display_name="広告レポート", purpose="月次 <レポート>")
    for url, kind in (("authorize_url", LinkKind.AUTHORIZE), ("admin_consent_url", LinkKind.ADMIN)):
        html = show(house, created[url], kind)
        assert f"広告レポート ({NAME})" in html
        assert "月次 &lt;レポート&gt;" in html


def test_opening_consumes_nothing(house: House) -> None:
    """Mail scanners open links."""
    url = house.create()["authorize_url"]
    for _ in range(100):
        show(house, url)
        house.pause(1)
    (found,) = (t for t in house.tables.tickets.values() if t.kind is LinkKind.AUTHORIZE)
    assert (found.starts, found.opened_at) == (0, 1_800_000_000)
    assert house.tables.states == {}
    assert house.consent(url).good


def test_continue_sends_the_browser_to_microsoft(house: House) -> None:
    answer = house.create(tenant=TENANT, scopes=[ADS, GRAPH])
    location = house.begin(answer["authorize_url"])
    assert location.startswith(f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/authorize?")
    sent = query(location)
    ((digest, state),) = house.tables.states.items()
    assert sent == {
        "client_id": CLIENT_ID,
        "redirect_uri": f"{BASE}/callback",
        "state": sent["state"],
        "response_type": "code",
        "response_mode": "query",
        "scope": f"openid profile offline_access {ADS} {GRAPH}",
        "nonce": state.nonce,
        "code_challenge": links.challenge(state.verifier),
        "code_challenge_method": "S256",
        "prompt": "select_account",
    }
    assert digest == Secret(sent["state"]).sha256()
    assert state.cookie == COOKIE.sha256()
    assert state.expires_at == house.clock.now + 900
    assert sent["state"] not in repr(house.tables)
    assert state.verifier.open() not in location + repr(state)


def test_state_nonce_and_verifier_all_differ(house: House) -> None:
    url = house.create()["authorize_url"]
    seen: set[str] = set()
    for _ in range(10):
        location = house.begin(url)
        state = list(house.tables.states.values())[-1]
        seen |= {query(location)["state"], state.nonce, state.verifier.open()}
    assert len(seen) == 30


def test_a_link_shows_and_asks_what_the_connection_says(house: House) -> None:
    """A ticket leads to its connection; that is all it does."""
    url = house.create(scopes=[ADS, GRAPH])["authorize_url"]
    assert GRAPH in show(house, url)
    opened = house.one().open_link
    assert opened
    house.change(open_link=replace(opened, scopes=(ADS,), created_by="somebody-else"))
    html = show(house, url)
    assert GRAPH not in html
    assert "somebody-else" in html
    assert GRAPH not in query(house.begin(url))["scope"]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_page_again_says_why(house: House, language: Language) -> None:
    created, said = house.create(), words(language)["press_again"][0]
    for kind, link in zip(LinkKind, ("authorize_url", "admin_consent_url"), strict=True):
        given = (kind, ticket(created[link]), BASE, language)
        assert said not in house.authorize_step.show(*given).html
        assert said in house.authorize_step.show(*given, again=True).html


def test_administrators_go_elsewhere(house: House) -> None:
    location = house.begin(house.create(scopes=[ADS, GRAPH])["admin_consent_url"])
    assert location.startswith("https://login.microsoftonline.com/organizations/v2.0/adminconsent?")
    assert query(location).keys() == {"client_id", "redirect_uri", "state", "scope"}
    (state,) = house.tables.states.values()
    assert state.kind is LinkKind.ADMIN


@pytest.mark.parametrize("text", [None, "", "short", "x" * 43, "x" * 10_000, "../" * 20, "é" * 43])
def test_unknown_ticket(house: House, text: str | None) -> None:
    house.create()
    assert page(house, text) == "link_unknown"


def test_expired_ticket(house: House) -> None:
    url = house.create()["authorize_url"]
    house.pause(7 * 86_400 - 1)
    show(house, url)
    house.pause(1)
    assert page(house, ticket(url)) == "link_expired"
    assert house.tables.states == {}


def test_a_link_of_the_other_kind(house: House) -> None:
    answer = house.create()
    assert page(house, ticket(answer["authorize_url"]), LinkKind.ADMIN) == "link_wrong_kind"
    assert page(house, ticket(answer["admin_consent_url"])) == "link_wrong_kind"


def test_a_replaced_link(house: House) -> None:
    url = house.create()["authorize_url"]
    house.renew()
    assert page(house, ticket(url)) == "link_replaced"


def test_a_link_that_did_its_work(house: House) -> None:
    answer = house.create()
    house.consent(answer["authorize_url"])
    assert page(house, ticket(answer["authorize_url"])) == "link_finished"
    assert page(house, ticket(answer["admin_consent_url"]), LinkKind.ADMIN) == "link_finished"


def test_a_link_of_a_deleted_connection(house: House) -> None:
    url = house.create()["authorize_url"]
    house.connections_step.delete(NAME)
    assert page(house, ticket(url)) == "link_unknown"
    house.create()
    assert page(house, ticket(url)) == "link_unknown"


def test_a_link_starts_twenty_times(house: House) -> None:
    url = house.create()["authorize_url"]
    for _ in range(20):
        house.begin(url)
    with pytest.raises(LinkProblem, match="invalid_request") as caught:
        house.begin(url)
    assert caught.value.page == "link_used_up"
    assert len(house.tables.states) == 20


def test_nothing_secret_is_shown(house: House) -> None:
    url = house.create()["authorize_url"]
    location = house.begin(url)
    shown = house.shown()
    assert ticket(url) not in shown
    assert query(location)["state"] not in shown
