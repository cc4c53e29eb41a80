"""Pages: values from outside stay text, and headers stay strict."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from typing import Any

import pytest

from broker.domain.grants import Grant
from broker.domain.problems import Provider
from broker.domain.secret import Secret
from broker.web.pages.ask import ask, ask_admin
from broker.web.pages.language import LANGUAGES, words
from broker.web.pages.layout import Page, headers, link
from broker.web.pages.outcome import outcome
from broker.web.pages.shapes import Asked, Check, PageText, Support
from tests.unit.pagereader import AT, VOID, Reader, asked, full

ALLOWED = VOID | {
    "html", "head", "title", "style", "body", "header", "main", "section", "h1", "h2", "p", "ol",
    "ul", "li", "dl", "div", "dt", "dd", "bdi", "span", "b", "a", "pre", "form", "button",
    "details", "summary",
}  # fmt: skip

ATTRIBUTES = {
    "lang", "charset", "name", "content", "class", "aria-hidden", "aria-label", "role",
    "tabindex", "href", "rel", "method", "action", "type", "value",
}  # fmt: skip


EACH_SHAPE = ("connected", "consent_declined", "suspended", "throttled")
"""Outcomes that together use every block; they differ from the others in fixed texts only."""


def pages_with(value: str) -> list[Page]:
    """Every page with `value` in every place a value from outside can reach."""
    foreign: dict[str, Any] = {
        "connection": value, "service": value, "tenant": value, "scopes": [value, value],
    }  # fmt: skip
    asked = Asked(
        **foreign, action=value, ticket=Secret(value), created_by=value, resource=value,
        purpose=value, expires_at=AT,
    )  # fmt: skip
    told = foreign | {
        "account": value, "expected": value + "@" + value, "missing": [value],
        "checks": [Check(value, False, value, value)], "client_id": value, "restart_url": value,
        "admin_consent_url": value, "text": PageText(value, value, [value, value], value),
        "support": Support(AT, value, Provider(value, value, (1,), value, value, value)),
    }  # fmt: skip
    grants = [Grant(value), Grant(value, (value,))]
    return [
        page
        for language in LANGUAGES
        for page in (
            ask(language, asked, grants=grants, account=value),
            ask_admin(language, asked, client_id=value),
            *(outcome(code, language, **told) for code in EACH_SHAPE),
            *(outcome(code, language, **(told | {"text": None})) for code in EACH_SHAPE),
        )
    ]


HOSTILE = {
    "markup": '"><script>alert(1)</script>',
    "attribute": '" onmouseover="alert(1)" x="',
    "single quotes": "' onmouseover='alert(1)' x='",
    "closing": "</style></pre></form><img src=x onerror=alert(1)>",
    "address": "javascript:alert(1)",
    "bidi": "\u202eevil\u2066\u200f\u061c",
    "control": "a\x00\x07\x1b[31m\r\nSet-Cookie: x\x85\u2028",
    "surrogate": "\ud800\udfff",
    "template": "{service} {0.__class__} %s ${x}",
    "long": "x" * 10_000,
    "long markup": "<b>" * 4_000,
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_values_stay_text(value: str) -> None:
    for page in pages_with(value):
        read = Reader(page)
        assert {tag for tag, _ in read.seen} <= ALLOWED
        for tag, attrs in read.seen:
            assert attrs.keys() <= ATTRIBUTES
            assert tag != "a" or (attrs["href"] or "").startswith(("https://", "mailto:?"))
        assert not re.search("[\ud800-\udfff]", page.html)
        hidden = {unicodedata.category(char) for char in page.html.replace("\n", "")}
        assert hidden.isdisjoint({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
        assert len(page.html) < 80_000


def test_values_are_shown_in_full_up_to_their_limit_and_then_shortened() -> None:
    exact, longer = "x" * 200, "y" * 201
    shown = Reader(outcome("suspended", "en", connection=exact, tenant=longer)).words
    assert exact in shown
    assert "y" * 199 + "…" in shown


def test_only_microsofts_addresses_become_links() -> None:
    text = PageText(
        "t",
        "https://aka.ms/mfasetup, https://evil.example/x https://microsoft.com.evil.example/ "
        "https://microsoft.com@evil.example https://notmicrosoft.com http://aka.ms/x "
        "https://login.microsoftonline.com/logout.srf. https://microsoft.community/x",
        "r",
    )
    found = [attrs["href"] for attrs in Reader(outcome("suspended", "en", text=text)).of("a")]
    assert found == ["https://aka.ms/mfasetup", "https://login.microsoftonline.com/logout.srf"]


@pytest.mark.parametrize(
    "url", [None, "", "javascript:x", "//x", "https://a b", "https://\u202e", "data:,", "https:\n"]
)
def test_an_address_that_is_none_is_left_out(url: str | None) -> None:
    assert link(url) is None
    page = full("mfa_required", "en", restart_url=url)
    assert "Start again" not in page.html
    assert words("en")["open_again"] in Reader(page).text


def test_the_policy_admits_the_one_style_sheet_and_the_forms_targets() -> None:
    found = headers(["https://login.example/common/v2.0", "https://login.example"], "ja")
    policy = found["Content-Security-Policy"].split("; ")
    sheets = re.findall(r"<style>(.*?)</style>", asked("ja").html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheets[0].encode()).digest()).decode()
    assert len(sheets) == 1
    assert policy == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "form-action 'self' https://login.example",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    assert found["Content-Language"] == "ja"
    assert found["Cache-Control"] == "no-store"
    assert found["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    "target",
    ["", "login.example", "javascript:x", "https://", "https://a b", "https://a;b", "https://*"],
)
def test_a_form_target_without_an_origin_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        headers([target])


def test_the_policy_cannot_be_extended_through_a_target() -> None:
    policy = headers(["https://user:secret@a.example/x;script-src *"])["Content-Security-Policy"]
    assert "form-action 'self' https://a.example;" in policy
    assert "script-src" not in policy
