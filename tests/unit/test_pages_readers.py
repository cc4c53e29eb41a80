"""Every page speaks to its reader, in one vocabulary: no route, command, AWS or protocol name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args

import pytest

from broker.domain.connection import Check
from broker.domain.names import IdentityProvider
from broker.domain.problems import Provider
from broker.providers import readers
from broker.providers.diagnosis import Diagnosis, conclude
from broker.providers.error_catalogue import table
from broker.providers.response import Answer
from broker.providers.terms import Class, Endpoint
from broker.services import advertising, checks
from broker.web.letters import compose
from broker.web.outcomes import Ending
from broker.web.pages.language import LANGUAGES, Language, words
from broker.web.pages.shapes import OUTCOMES
from tests.unit.pagereader import Reader, asked, full

PROVIDERS: tuple[IdentityProvider, ...] = get_args(IdentityProvider)
NOT_FOR_PEOPLE = re.compile(
    r"\b(GET|POST|PUT|PATCH|DELETE) |/connections|/authorizations|\{\w+\}|Secrets Manager|DynamoDB|"
    r"\bLambda\b|\bKMS\b|CloudWatch|\bIAM\b|\bGraph\b|token-broker |SigV4|\bHTTP\b|OAuth client|"
    r"customer_id|account_id|developer_token|min_ttl|リフレッシュ トークン|\bAWS\b"
)
DETAILS = re.compile(r"<details>.*?</details>", re.DOTALL)
ANOTHER_WORD = re.compile(r"接続(?!でき)|所有者|承認の要求|同意リンク|認可")
"""連携 is the connection, ご本人 its owner, 承認要求 Microsoft's button."""


def diagnoses(provider: IdentityProvider, leg: Endpoint) -> list[Diagnosis]:
    known = table(provider)
    pairs: list[tuple[Class, int | None]] = [(kind, None) for kind in known.rules]
    pairs += [(entry.kind, number) for number, entry in known.numbers.items() if entry.kind]
    told = Provider("access_denied", None, (65004,), "trace-1", "correlation-1")
    return [conclude(provider, leg, kind, number, Answer(400, told)) for kind, number in pairs]


def assert_for_people(text: str, language: Language) -> None:
    assert not (found := NOT_FOR_PEOPLE.search(text)), (found, text)
    if language == "ja":
        assert not (found := ANOTHER_WORD.search(text)), (found, text)
        assert not re.search(r"(^|\n)\s*、", text), text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("reader", get_args(readers.Reader))
@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_diagnosis_shows_its_reader_what_is_for_others(
    provider: IdentityProvider, reader: readers.Reader, language: Language
) -> None:
    leg = Endpoint.ADMIN_CONSENT if reader == "tenant_admin" else Endpoint.AUTHORIZE
    for diagnosis in diagnoses(provider, leg):
        ending = Ending("", connection="shop", service="Microsoft Advertising", reader=reader)
        page = ending.diagnosed(diagnosis).render(language, "client-1", "https://b.example/a")
        assert_for_people(Reader(page).text, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_shows_what_is_not_for_people(language: Language) -> None:
    for code in OUTCOMES:
        assert_for_people(Reader(full(code, language)).text, language)
    page = asked(language)
    assert "arn:aws:iam::111122223333:role/jobs/team-a" in Reader(page).text
    shown = Reader(replace(page, html=DETAILS.sub("", page.html))).text
    assert "arn:" not in shown
    assert_for_people(shown, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_findings_of_a_check_tell_the_owner_what_is_theirs(language: Language) -> None:
    both = (checks.table()["findings"], advertising.catalogue()["findings"])
    for name, entry in [pair for findings in both for pair in findings.items()]:
        check = Check("user", False, entry["problem"], "x", entry["actor"], "y", finding=name)
        page = Ending("connected", checks=(check,)).render(language, "client-1")
        assert_for_people(Reader(page).text, language)
        theirs = check.actor == "owner"
        title = "connected_findings" if theirs else "connected_waiting"
        assert words(language)["outcomes"][title]["title"] in Reader(page).text


def test_the_mails_use_the_pages_words() -> None:
    assert not ANOTHER_WORD.search(str(compose.texts()["ja"]))
    assert not ANOTHER_WORD.search(str(words("ja")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_credential_shows_one_page_whether_the_breaker_is_open(
    language: Language,
) -> None:
    for diagnosis in diagnoses("microsoft", Endpoint.CODE):
        if diagnosis.actor == "operator":
            asked_microsoft = Ending("").diagnosed(diagnosis).render(language, "client-1")
            broken = Ending("").refused(diagnosis.problem()).render(language, "client-1")
            assert asked_microsoft == broken, diagnosis.kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_message_for_a_missing_service_tells_how_to_add_it(language: Language) -> None:
    diagnosis = next(d for d in diagnoses("microsoft", Endpoint.AUTHORIZE) if d.number == 650052)
    ending = Ending("", service="Microsoft Advertising").diagnosed(diagnosis)
    text = Reader(ending.render(language, "client-1", "https://b.example/a?ticket=t")).text
    message = text[text.index(words(language)["approval"]["message"][0]) :]
    assert "ads.microsoft.com" in message
    assert "d42ffc93-c136-491d-b4fd-6f18168c68fd" in message
    assert "https://b.example/a?ticket=t" in message


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_no_approval_mends_offers_none(language: Language) -> None:
    for diagnosis in diagnoses("microsoft", Endpoint.AUTHORIZE):
        if diagnosis.kind is Class.ADMIN_ACCESS:
            ending = Ending("", service="x").diagnosed(diagnosis)
            assert not ending.approval
            shown = Reader(ending.render(language, "client-1", "https://b.example/a"))
            assert "https://b.example/a" not in shown.text
            assert "entra.microsoft.com" in shown.text


def test_a_mail_button_carries_the_whole_message_or_says_to_paste_it() -> None:
    for language in LANGUAGES:
        page = full("admin_consent_required", language)
        (mail,) = [a["href"] or "" for a in Reader(page).of("a") if "mailto:" in (a["href"] or "")]
        assert mail.startswith("mailto:?subject=")
        assert len(mail) <= 2000
        assert "\n" not in mail
    english = full("admin_consent_required", "en").html
    assert "admin-consent%3Fticket%3Dt" in english


def test_operators_are_told_in_commands() -> None:
    for actor in ("owner", "tenant_admin", "operator", "caller", "nobody"):
        for language in LANGUAGES:
            assert not re.search(r"(GET|POST|PATCH) ", readers.operators(actor, language))
    assert "token-broker reauthorize" in readers.operators("owner", "en")
