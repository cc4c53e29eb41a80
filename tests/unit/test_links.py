"""Tickets, states and cookies, and the pages of those that do not work."""

from __future__ import annotations

from typing import get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.attempts import LinkKind
from broker.domain.secret import Secret
from broker.web import links
from broker.web.links import LinkProblem, Page
from broker.web.pages.language import Language
from broker.web.pages.outcome import outcome
from broker.web.pages.shapes import OUTCOMES

GOOD = "Aa0_-" * 8 + "xyz"


def test_values_are_256_bits_or_nothing() -> None:
    assert links.value(GOOD) == Secret(GOOD)
    for text in (None, "", GOOD[:-1], GOOD + "x", GOOD[:-1] + "=", GOOD[:-1] + "\n", "é" * 43):
        assert links.value(text) is None


@given(st.from_regex(r"\A[A-Za-z0-9_-]{43}\Z"))
def test_a_ticket_survives_its_url(text: str) -> None:
    url = links.url("https://b.example/prod", LinkKind.ADMIN, Secret(text))
    assert urlsplit(url).path == "/prod/admin-consent"
    assert parse_qs(urlsplit(url).query) == {"ticket": [text]}


def test_the_challenge_of_rfc_7636_appendix_b() -> None:
    verifier = Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert links.challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_cookie_is_bound_to_host_and_https() -> None:
    header = links.set_cookie(Secret(GOOD))
    name, _, rest = header.partition("=")
    assert name == "__Host-tb"
    assert rest.split("; ") == [GOOD, "Path=/", "Secure", "HttpOnly", "SameSite=Lax"]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (f"__Host-tb={GOOD}", True),
        (f"a=b; __Host-tb={GOOD}; c=d", True),
        (f"a=b;__Host-tb={GOOD}", True),
        (None, False),
        ("", False),
        (f"tb={GOOD}", False),
        (f"__host-tb={GOOD}", False),
        (f"x__Host-tb={GOOD}", False),
        ("__Host-tb=", False),
        ("__Host-tb=short", False),
        (f'__Host-tb="{GOOD}"', False),
        (";;;=;", False),
    ],
)
def test_cookies(header: str | None, found: bool) -> None:
    assert links.cookie(header) == (Secret(GOOD) if found else None)


@given(st.text())
def test_any_cookie_header(header: str) -> None:
    found = links.cookie(header)
    assert found is None or found.open() in header


@pytest.mark.parametrize("page", get_args(Page))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_page_has_a_text(page: Page, language: Language) -> None:
    problem = LinkProblem(page)
    assert (problem.status, problem.code, problem.page) == (400, "invalid_request", page)
    assert page in OUTCOMES
    assert outcome(page, language).status == 400
