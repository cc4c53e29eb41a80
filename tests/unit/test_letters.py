"""Mails, and summaries for chats and webhooks: what they say, and what no name can do to them."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain import notices
from broker.domain.names import Instant, Name
from broker.domain.notices import Notice
from broker.providers.terms import Language
from broker.web.letters import summary
from broker.web.letters.compose import MAX_LISTED, Entry, Kind, Sender, compose, texts

URL = "https://broker.example/authorize?ticket=canary-ticket"
UNTIL = Instant(1_800_000_000)
ENTRY = Entry("広告 – Microsoft Advertising", "mfa_required", URL, UNTIL, "ads@example.jp", "週報")
SENDER = Sender("Example K.K.", "help@example.jp")
TECHNICAL = re.compile(
    r"\b(GET|POST|PATCH|PUT|DELETE)\b|/connections|AADSTS|DynamoDB|Lambda|KMS|IAM|ARN|OAuth|\{\w+\}"
)


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("language", get_args(Language))
def test_text_and_html_say_the_same(kind: Kind, language: Language) -> None:
    letter = compose(kind, [ENTRY], SENDER, language)
    for part in (URL, "ads@example.jp", "週報", "Example K.K.", "help@example.jp"):
        assert part in letter.text
        assert part in letter.html
    assert not TECHNICAL.search(letter.subject + letter.text)
    assert f'<html lang="{language}">' in letter.html


def test_words_are_complete_in_both_languages() -> None:
    def shape(value: object) -> object:
        return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else type(value)

    assert shape(texts()["en"]) == shape(texts()["ja"])


def test_an_unknown_reason_is_told_all_the_same() -> None:
    entry = Entry("a", "a_code_of_tomorrow", URL, UNTIL)
    assert texts()["en"]["reasons"]["other"] in compose("owner", [entry], SENDER, "en").text


def test_many_connections_are_one_mail() -> None:
    letter = compose("owner", [ENTRY] * 3, SENDER, "en")
    assert letter.subject == "3 connections need you to connect again"
    assert letter.text.count(URL) == 3
    assert compose("owner", [ENTRY] * 50, SENDER, "en").text.count(URL) == MAX_LISTED


def test_links_do_not_print() -> None:
    assert "canary" not in repr(ENTRY)
    assert "canary" not in repr(compose("owner", [ENTRY], SENDER, "en"))


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from(get_args(Language)))
def test_no_name_breaks_out(title: str, organization: str, language: Language) -> None:
    entry = Entry(title, "mfa_required", URL, UNTIL, title, title)
    letter = compose("owner", [entry], Sender(organization, title), language)
    assert not re.search(r"[\x00-\x1f\x7f]", letter.subject)
    assert "<script" not in letter.html
    tags = set(re.findall(r"</?([a-z0-9!]+)", letter.html))
    assert tags <= {"!doctype", "html", "head", "meta", "title", "body", "p", "h2", "a", "hr"}
    letter.text.encode()


def event(**detail: object) -> str:
    return json.dumps(
        {"source": "token-broker", "detail-type": "Connection Broken", "detail": detail}
    )


def test_an_event_is_read() -> None:
    body = event(connection="ads-jp", code="mfa_required", actor="owner", status="x", extra=1)
    assert notices.parse(body) == Notice(
        "Connection Broken", Name("ads-jp"), "", "x", "mfa_required", "owner"
    )


@pytest.mark.parametrize(
    "body",
    [
        *("", "nonsense", "[]", "7", '{"detail": 7}', '{"detail": {}}'),
        '{"source": "other", "detail-type": "Connection Broken", "detail": {}}',
        *(event(connection="../x"), event(connection=7), "[" * 100_000),
    ],
)
def test_what_is_no_event_of_ours_is_nothing(body: str) -> None:
    assert notices.parse(body) is None


def broken(name: str, code: str = "mfa_required") -> Notice:
    return Notice("Connection Broken", Name(name), "s", "x", code, "owner", "remedy")


def test_a_thousand_events_are_a_line() -> None:
    told = summary.groups([broken(f"c-{number}") for number in range(1000)])
    assert len(told) == 1
    assert "1000: c-0, c-1" in told[0].line()
    assert "and 980 more" in told[0].line()
    assert "Waits for the owner." in told[0].line()


def test_codes_are_apart_and_repetitions_are_not() -> None:
    told = summary.groups([broken("a"), broken("b", "blocked_by_policy"), broken("a")])
    assert [(group.code, group.connections, group.count) for group in told] == [
        ("mfa_required", ("a",), 2),
        ("blocked_by_policy", ("b",), 1),
    ]


def test_the_operator_s_remedy_is_for_the_operator() -> None:
    failing = Notice(
        "Client Credential Failing", "", "", "", "client_secret_expired", "operator", "Make a new."
    )
    assert "Make a new." in summary.groups([failing])[0].line()
    assert "remedy" not in summary.groups([broken("a")])[0].line()


def test_what_each_channel_takes() -> None:
    told = summary.groups([broken("a"), Notice("<!channel> & co", code="x")])
    slack = summary.slack("stack", told)
    assert "<" not in str(slack["text"]).replace("&lt;", "")
    teams = summary.teams("stack", told)
    assert json.loads(json.dumps(teams))["attachments"][0]["content"]["type"] == "AdaptiveCard"
    webhook = summary.webhook("stack", told, "2027-01-15T08:00:00Z")
    assert webhook["type"] == "token-broker.summary"
    assert json.loads(json.dumps(webhook))["data"]["groups"][0]["connections"] == ["a"]
