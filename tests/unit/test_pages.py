"""Pages: every outcome in both languages."""

from __future__ import annotations

import re

import pytest

from broker.domain.grants import Grant
from broker.domain.problems import KINDS
from broker.domain.secret import Secret
from broker.web.pages.ask import ask_admin
from broker.web.pages.language import LANGUAGES, Language, words
from broker.web.pages.outcome import outcome
from broker.web.pages.people import mask, person
from broker.web.pages.shapes import OUTCOMES, SUCCESSES, Asked, Check, PageText
from tests.unit.pagereader import SCOPE, Reader, asked, full

MET_IN_A_BROWSER = {
    "consent_declined", "admin_consent_required", "mfa_required", "blocked_by_policy",
    "reauthorization_required", "account_mismatch", "tenant_not_allowed", "scope_not_granted",
    "suspended", "conflict", "client_misconfigured", "client_secret_expired", "provider_error",
    "provider_unavailable", "throttled", "broker_unavailable", "rate_limited", "internal_error",
    "invalid_request",
}  # fmt: skip

STATUSES = {
    "connected": 200, "connected_findings": 200, "connected_waiting": 200,
    "admin_consent_received": 200,
    "admin_consent_declined": 409, "admin_consent_incomplete": 409, "no_refresh_token": 502,
    "link_unknown": 400, "link_expired": 400, "link_used_up": 400, "link_replaced": 400,
    "link_finished": 400, "link_wrong_kind": 400, "attempt_unknown": 400, "attempt_expired": 400,
    "attempt_finished": 400, "other_browser": 400,
} | {code: kind.status for code, kind in KINDS.items()}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [*OUTCOMES, *sorted(KINDS.keys() - OUTCOMES.keys())])
def test_every_outcome_has_its_status_and_says_what_who_and_how(
    code: str, language: Language
) -> None:
    for page in (full(code, language), outcome(code, language)):
        assert page.status == STATUSES[code]
        read = Reader(page)
        assert read.of("html") == [{"lang": language}]
        assert len(read.of("h1")) == len(read.of("title")) == 1
        assert "{" not in read.text
        told = words(language)
        assert any(heading in read.text for heading in (told["how"], told["after"]))
        nobody = code in SUCCESSES or (code in OUTCOMES and OUTCOMES[code].tone == "info")
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


def test_a_grant_list_is_never_cut_below_what_a_connection_can_have() -> None:
    def listed(count: int) -> str:
        grants = [Grant(f"arn:aws:iam::111122223333:role/team-{n}") for n in range(count)]
        return Reader(asked("en", grants=grants)).text

    assert "team-99 " in listed(100)
    assert "more" not in listed(100)
    assert "and 5 more" in listed(105)


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
    wanted = Asked(
        action="/v1/admin-consent",
        ticket=Secret("the-ticket"),
        connection="marketing-jp",
        service="Microsoft Advertising",
        scopes=[SCOPE],
    )
    page = ask_admin(language, wanted, client_id="client-1")
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
        parts = words(language)["approval"]
        for part in (parts["message_hint"], *parts["closing"]):
            assert part in Reader(page).text


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
        "コード (Code): mfa_required (409)",
        "時刻 (Time): 2026-11-21T03:04:05Z",
        "要求 ID (Request ID): request-1",
        "Microsoft のエラー (Error): access_denied basic_action AADSTS65004",
        "トレース ID (Trace ID): trace-1",
        "相関 ID (Correlation ID): correlation-1",
        "タイムスタンプ (Timestamp): then",
    ]


def test_support_details_name_the_code_and_the_page() -> None:
    assert "Code: invalid_request: other_browser (400)" in full("other_browser", "en").html


def test_a_wait_is_told_in_whole_minutes() -> None:
    assert "at least 2 min" in Reader(full("throttled", "en")).text
    assert "at least" not in Reader(full("throttled", "en", retry_after=None)).text


PEOPLE: dict[str, str] = {
    "arn:aws:iam::111122223333:role/jobs/nightly/team-a": "team-a (account 111122223333)",
    "arn:aws:iam::111122223333:role/team-*": "every role named team-* (account 111122223333)",
    "111122223333": "everyone in account 111122223333",
    "arn:aws:sts::111122223333:assumed-role/operator/taro@example.com": (
        "operator: taro@example.com (account 111122223333)"
    ),
    "arn:aws-cn:iam::111122223333:user/taro": "taro (account 111122223333)",
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
