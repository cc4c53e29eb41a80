"""Pages: every outcome in both languages, hostile values, headers."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from html.parser import HTMLParser
from typing import Any

import pytest

from broker.grants import Grant
from broker.names import Instant
from broker.pages import (
    OUTCOMES,
    Check,
    Language,
    Page,
    PageText,
    Support,
    ask,
    ask_admin,
    headers,
    outcome,
)
from broker.pages.language import LANGUAGES, words
from broker.pages.layout import link
from broker.pages.people import mask, person
from broker.pages.shapes import SUCCESSES
from broker.problems import KINDS, Provider
from broker.secret import Secret

AT = Instant(1_795_230_245)
SCOPE = "https://ads.microsoft.com/msads.manage"

MET_IN_A_BROWSER = {
    "consent_declined", "admin_consent_required", "mfa_required", "blocked_by_policy",
    "reauthorization_required", "account_mismatch", "tenant_not_allowed", "scope_not_granted",
    "suspended", "conflict", "client_misconfigured", "client_secret_expired", "provider_error",
    "provider_unavailable", "throttled", "broker_unavailable", "rate_limited", "internal_error",
    "invalid_request",
}  # fmt: skip

VOID = {"meta", "input", "br"}
ALLOWED = VOID | {
    "html", "head", "title", "style", "body", "header", "main", "section", "h1", "h2", "p", "ol",
    "ul", "li", "dl", "div", "dt", "dd", "bdi", "span", "b", "a", "pre", "form", "button",
    "details", "summary",
}  # fmt: skip


class Reader(HTMLParser):
    """Reads a page strictly: every element closed, in order."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page.html)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for found, attrs in self.seen if found == tag]


def support() -> Support:
    return Support(
        AT,
        "request-1",
        Provider("access_denied", "basic_action", (65004,), "trace-1", "correlation-1", "then"),
    )


def full(code: str, language: Language, **changes: Any) -> Page:
    known: dict[str, Any] = {
        "connection": "marketing-jp",
        "service": "Microsoft Advertising",
        "account": "taro.yamada@example.com",
        "expected": "hanako@example.com",
        "tenant": "example.com",
        "scopes": [SCOPE],
        "missing": [SCOPE],
        "checks": [Check("Token", True)],
        "client_id": "client-1",
        "restart_url": "https://broker.example/authorize?ticket=t",
        "admin_consent_url": "https://broker.example/admin-consent?ticket=t",
        "retry_after": 90,
        "support": support(),
    }
    return outcome(code, language, **(known | changes))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [*OUTCOMES, *(KINDS.keys() - OUTCOMES.keys())])
def test_every_outcome_has_its_status_and_says_what_who_and_how(
    code: str, language: Language
) -> None:
    for page in (full(code, language), outcome(code, language)):
        kind = KINDS.get(OUTCOMES[code].code or code) if code in OUTCOMES else KINDS[code]
        assert page.status == (kind.status if kind else 200)
        read = Reader(page)
        assert read.of("html") == [{"lang": language}]
        assert len(read.of("h1")) == len(read.of("title")) == 1
        assert "{" not in read.text
        told = words(language)
        assert any(heading in read.text for heading in (told["how"], told["after"]))
        nobody = kind is None or (code in OUTCOMES and OUTCOMES[code].tone == "info")
        assert (told["who"] in read.text) is not nobody


def test_every_code_a_browser_meets_has_its_own_text() -> None:
    assert OUTCOMES.keys() >= MET_IN_A_BROWSER
    for language in LANGUAGES:
        found = words(language)["outcomes"]
        assert found.keys() == OUTCOMES.keys() | {"other"}
        assert len({entry["title"] for entry in found.values()}) == len(found)
    assert all(shape.code in {None, *KINDS} for shape in OUTCOMES.values())
    assert all(name in KINDS or OUTCOMES[name].code for name in OUTCOMES.keys() - SUCCESSES)


def test_an_unknown_code_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        outcome("no_such_code", "en")


EACH_SHAPE = ("connected", "consent_declined", "suspended", "throttled")
"""Outcomes that together use every block; they differ from the others in fixed texts only."""


def pages_with(value: str) -> list[Page]:
    """Every page with `value` in every place a value from outside can reach."""
    foreign: dict[str, Any] = {
        "connection": value, "service": value, "tenant": value, "scopes": [value, value],
    }  # fmt: skip
    asked = foreign | {"action": value, "ticket": Secret(value), "created_by": value}
    asked |= {"resource": value, "expires_at": AT}
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
            ask(language, **asked, grants=grants, account=value),
            ask_admin(language, **asked, client_id=value),
            *(outcome(code, language, **told) for code in EACH_SHAPE),
            *(outcome(code, language, **(told | {"text": None})) for code in EACH_SHAPE),
        )
    ]


HOSTILE = {
    "markup": '"><script>alert(1)</script>',
    "attribute": "' onmouseover='alert(1)' x='",
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
            assert not any(name.startswith("on") or name == "style" for name in attrs)
            assert tag != "a" or (attrs["href"] or "").startswith("https://")
        assert not re.search("[\ud800-\udfff]", page.html)
        hidden = {unicodedata.category(char) for char in page.html.replace("\n", "")}
        assert hidden.isdisjoint({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
        assert len(page.html) < 80_000


def test_values_are_shown_in_full_up_to_their_limit_and_then_shortened() -> None:
    exact, longer = "x" * 200, "y" * 201
    shown = Reader(outcome("suspended", "en", connection=exact, tenant=longer)).words
    assert exact in shown
    assert "y" * 199 + "…" in shown


def test_a_grant_list_is_never_cut_below_what_a_connection_can_have() -> None:
    def listed(count: int) -> str:
        grants = [Grant(f"arn:aws:iam::111122223333:role/team-{n}") for n in range(count)]
        return Reader(asked("en", grants=grants)).text

    assert "team-99 " in listed(100)
    assert "more" not in listed(100)
    assert "and 5 more" in listed(105)


def asked(language: Language, **changes: Any) -> Page:
    known: dict[str, Any] = {
        "action": "/v1/authorize",
        "ticket": Secret("the-ticket"),
        "connection": "marketing-jp",
        "service": "Microsoft Advertising",
        "created_by": "arn:aws:sts::111122223333:assumed-role/operator/hanako",
        "scopes": [SCOPE],
        "grants": [Grant("arn:aws:iam::111122223333:role/jobs/team-a", (SCOPE,))],
        "account": "taro@example.com",
        "expires_at": AT,
    }
    return ask(language, **(known | changes))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_owner_sees_who_asks_for_what_and_posts_the_ticket(language: Language) -> None:
    page = asked(language)
    read = Reader(page)
    assert page.status == 200
    assert read.of("form") == [{"method": "post", "action": "/v1/authorize"}]
    assert read.of("input") == [{"type": "hidden", "name": "ticket", "value": "the-ticket"}]
    for part in ("marketing-jp", "Microsoft Advertising", "hanako", "team-a", SCOPE, "taro@"):
        assert part in read.text
    assert "2026" in read.text
    assert words(language)["scopes"][SCOPE] in read.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_administrator_sees_the_application_and_no_team(language: Language) -> None:
    page = ask_admin(
        language,
        action="/v1/admin-consent",
        ticket=Secret("the-ticket"),
        connection="marketing-jp",
        service="Microsoft Advertising",
        scopes=[SCOPE],
        client_id="client-1",
    )
    read = Reader(page)
    assert read.of("form") == [{"method": "post", "action": "/v1/admin-consent"}]
    assert "client-1" in read.text
    assert words(language)["labels"]["teams"] not in read.text


def test_a_page_does_not_show_its_ticket_when_printed() -> None:
    assert "the-ticket" not in repr(asked("en"))
    assert "the-ticket" in asked("en").html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", ["consent_declined", "admin_consent_required"])
def test_an_owner_gets_a_message_for_the_administrator(code: str, language: Language) -> None:
    linked, plain = full(code, language), full(code, language, admin_consent_url=None)
    address = "https://broker.example/admin-consent?ticket=t"
    assert address in Reader(linked).text
    assert "admin-consent" not in Reader(plain).text
    for page in (linked, plain):
        assert "client-1" in Reader(page).text
        for part in words(language)["approval"]["clicks"] + words(language)["approval"]["back"]:
            assert part.split("https")[0] in Reader(page).text


def test_a_declined_consent_names_both_reasons() -> None:
    english = Reader(outcome("consent_declined", "en")).text
    assert "Cancel" in english
    assert "Need admin approval" in english
    japanese = Reader(outcome("consent_declined", "ja")).text
    assert "キャンセル" in japanese
    assert "管理者の承認が必要" in japanese


@pytest.mark.parametrize("language", LANGUAGES)
def test_accounts_are_masked_unless_all_went_well(language: Language) -> None:
    refused = Reader(full("account_mismatch", language)).text
    assert "ta•••a@example.com" in refused
    assert "ha•••o@example.com" in refused
    assert "yamada" not in refused
    assert "taro.yamada@example.com" in Reader(full("connected", language, expected="")).text


def test_a_failing_check_changes_the_success_page() -> None:
    checks = [Check("Token", True), Check("Customers", False, "None reachable.", "Ask for one.")]
    page = full("connected", "en", checks=checks)
    read = Reader(page)
    assert page.status == 200
    assert words("en")["outcomes"]["connected_findings"]["title"] in read.text
    assert "None reachable." in read.text
    assert "Ask for one." in read.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_diagnosis_replaces_the_general_text_and_actor(language: Language) -> None:
    said = PageText("Title", "What <b>", "Remedy", "https://learn.microsoft.com/x")
    read = Reader(full("reauthorization_required", language, text=said, actor="tenant_admin"))
    assert words(language)["outcomes"]["reauthorization_required"]["title"] not in read.text
    assert "What <b>" in read.text
    assert words(language)["actors"]["tenant_admin"] in read.text
    assert "https://learn.microsoft.com/x" in [attrs["href"] for attrs in read.of("a")]


def test_support_details_are_plain_lines_in_one_block() -> None:
    html = full("mfa_required", "ja").html
    block = re.findall(r"<pre[^>]*>(.*?)</pre>", html, re.DOTALL)[-1]
    assert block.split("\n") == [
        "Code: mfa_required (409)",
        "Time: 2026-11-21T03:04:05Z",
        "Request ID: request-1",
        "Microsoft error: access_denied basic_action AADSTS65004",
        "Trace ID: trace-1",
        "Correlation ID: correlation-1",
        "Timestamp: then",
    ]


def test_a_wait_is_told_in_whole_minutes() -> None:
    assert "at least 2 min" in Reader(full("throttled", "en")).text
    assert "at least" not in Reader(full("throttled", "en", retry_after=None)).text


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


PEOPLE: dict[str, str] = {
    "arn:aws:iam::111122223333:role/jobs/nightly/team-a": "team-a (AWS account 111122223333)",
    "arn:aws:iam::111122223333:role/team-*": "every role named team-* (AWS account 111122223333)",
    "111122223333": "everyone in AWS account 111122223333",
    "arn:aws:sts::111122223333:assumed-role/operator/taro@example.com": (
        "taro@example.com as operator (AWS account 111122223333)"
    ),
    "arn:aws-cn:iam::111122223333:user/taro": "taro (AWS account 111122223333)",
    "something else": "something else",
    "１１１１２２２２３３３３": "１１１１２２２２３３３３",
}


@pytest.mark.parametrize("principal", PEOPLE)
def test_principals_are_put_in_words(principal: str) -> None:
    assert person(principal, words("en")) == PEOPLE[principal]


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("taro.yamada@example.com", "ta•••a@example.com"),
        ("taro@example.com", "t•••@example.com"),
        ("a@b", "a•••@b"),
        ("@b", "•••@b"),
        ("0f1e2d3c-aaaa-bbbb", "0f1e2d3c…"),
        ("abc", "a•••"),
        ("", ""),
    ],
)
def test_masks(account: str, shown: str) -> None:
    assert mask(account) == shown


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
