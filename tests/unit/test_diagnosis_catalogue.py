"""The whole catalogue, row by row."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from broker.domain.names import IdentityProvider
from broker.domain.problems import KINDS, Actor
from broker.providers import diagnosis, error_catalogue
from broker.providers.diagnosis import text
from broker.providers.entra.diagnosis import diagnose, diagnose_redirect
from broker.providers.error_catalogue import table
from broker.providers.terms import Class, Effect, Endpoint, Language, Text
from broker.services.advertising import catalogue, told
from local.tools.troubleshooting import PAGE, main, page

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
LANGUAGES: tuple[Language, ...] = ("en", "ja")

# Every number a web-app client can meet, from Microsoft's reference and from the field.
MUST = """
16000 28002 28003 40008 40010 50000 50001 50002 500021 500022 50005 50011 500113 50012 50013 500133
50014 50034 51004 50020 500202 500208 500212 500213 500011 50027 50033 50048 50053 500121 50055
50144 50056 50064 50126 50057 50058 50059 50128 50072 50079 50074 50076 50078 50085 50087 50088
50089 50097 50129 50155 50187 50105 50131 50132 50133 50135 50139 50140 50143 501481 50147 501491
50148 50158 50166 50173 50194 50196 50197 53000 53001 53002 53003 530032 530035 530084 53004 53010
53011 54005 65001 65002 65004 65005 650051 650052 650054 650056 650057 70000 70001 700016 700011
70002 700003 700005 700007 70003 70004 900971 70005 700054 70007 70008 700082 700084 70011 70012
70021 700211 700213 7002137 7002138 70043 700020 700022 700023 700025 700027 700030 700222 700229
7000112 7000114 7000215 7000218 7000222 7000012 80001 80002 80005 80007 80010 80013 80014 80012
90002 90004 90013 90014 900144 90023 90056 90100 90102 9002313 90006 90012 90024 90033 90090 90091
90036 90092 90009 9001023 90124 90130 9002331 9002346 9002332 9002341 90027 90038 900382 900432
900439 90055 90072 90093 90094 900941 90095 900981 90097 90099 90123 120000 120021 1000031 1003033
28000 500112 650053 700024 9000411 9002326 900561
"""

TOLD = """
65001 65004 90094 90095 650052 50057 50105 53003 50076 50079 50173 700082 70000 7000215 7000222
700016 50011 50194 500011 50020 54005 70043
"""


def test_no_number_is_missing() -> None:
    assert {int(number) for number in MUST.split()} <= set(table().numbers)


@pytest.mark.parametrize("leg", Endpoint)
def test_every_number_on_every_leg(leg: Endpoint) -> None:
    for number, entry in table().numbers.items():
        body = json.dumps({"error": "invalid_grant", "error_codes": [number]}).encode()
        by_body = diagnose(leg, 400, {}, body, 0.0)
        by_query = diagnose_redirect(
            leg, {"error": "invalid_grant", "error_description": f"AADSTS{number}: x"}
        )
        assert by_body == by_query
        assert by_body.code in KINDS, number
        assert by_body.actor in get_args(Actor), number
        assert by_body.effect in Effect, number
        assert by_body.number == (number if entry.kind else None)
        assert by_body.retryable == (by_body.actor == "nobody")
        for language in LANGUAGES:
            check(text(by_body, language), language)


@pytest.mark.parametrize("leg", [Endpoint.AUTHORIZE, Endpoint.ADMIN_CONSENT, Endpoint.CODE])
def test_nothing_said_in_a_browser_breaks_an_active_connection(leg: Endpoint) -> None:
    for number in table().numbers:
        query = {"error": "invalid_grant", "error_description": f"AADSTS{number}: x"}
        assert diagnose_redirect(leg, query).effect not in (Effect.OWNER, Effect.POLICY), number


@pytest.mark.parametrize("leg", Endpoint)
def test_every_word_on_every_leg(leg: Endpoint) -> None:
    for word in table().errors:
        found = diagnose_redirect(leg, {"error": word})
        assert found.provider.error == word
        assert found.kind is not Class.UNINTELLIGIBLE
    for word in table().suberrors:
        body = json.dumps({"error": "invalid_grant", "suberror": word}).encode()
        found = diagnose(leg, 400, {}, body, 0.0)
        assert found.provider.suberror == word
        assert found.number is None


@pytest.mark.parametrize("provider", get_args(IdentityProvider))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_class_has_a_rule_and_a_text(provider: IdentityProvider, language: Language) -> None:
    for kind, rule in table(provider).rules.items():
        assert rule.code in KINDS
        said = diagnosis.told(kind, None, language, provider)
        assert said.key == kind
        check(said, language)


def test_every_class_is_some_provider_s() -> None:
    assert {kind for name in get_args(IdentityProvider) for kind in table(name).rules} == {*Class}


@pytest.mark.parametrize("number", [int(number) for number in TOLD.split()])
def test_numbers_people_meet_have_their_own_text(number: int) -> None:
    assert text(number).key == str(number)
    assert text(number, "ja").key == str(number)


def test_no_text_belongs_to_nothing() -> None:
    keys = json.loads((folder() / "entra" / "texts.json").read_text("utf-8"))
    assert set(keys) <= set(table().rules) | {str(number) for number in table().numbers}
    assert (
        json.loads((folder() / "google" / "texts.json").read_text()).keys()
        == table("google").rules.keys()
    )
    assert {name for name in keys.values() if isinstance(name, str)} <= set(keys)


def test_the_owner_is_never_asked_for_the_operators_trouble() -> None:
    for kind, rule in table().rules.items():
        if rule.effect in (Effect.NONE, Effect.CREDENTIAL):
            continue
        expected = {"owner"} if rule.effect is Effect.OWNER else {"tenant_admin"}
        assert rule.actor in expected, kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_advertising_fault_is_told(language: Language) -> None:
    for symbol, entry in catalogue()["findings"].items():
        assert entry["problem"] in KINDS
        assert entry["actor"] in get_args(Actor)
        check(told(symbol, language), language)


def test_every_advertising_code_of_the_contract_is_there() -> None:
    codes = {code for entry in catalogue()["findings"].values() for code in entry["codes"]}
    assert {0, 105, 106, 108, 109, 117, 120, 122, 123, 124, 125, 126, 1001, 2003, 4204} <= codes


def test_the_page_is_in_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out
    assert main(["--wrong"]) == 2


def test_a_stale_page_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "page.md"
    stale.write_text(page() + "x", encoding="utf-8")
    monkeypatch.setattr("local.tools.troubleshooting.PAGE", stale)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert main(["--check"]) == 0


def test_the_page_names_every_number_and_its_links_lead_somewhere() -> None:
    content = PAGE.read_text(encoding="utf-8")
    for number in table().numbers:
        assert f"\n| {number} | " in content
    targets = set(re.findall(r'<a id="([a-z_]+)">', content))
    targets |= {"microsoft-advertising", "client-credentials"}
    assert set(re.findall(r"\]\(#([^)]+)\)", content)) == targets


def test_importing_reads_no_catalogue() -> None:
    code = (
        "import sys; from broker.providers.entra import diagnosis;"
        "from broker.providers.error_catalogue import table;"
        "assert table.cache_info().currsize == 0;"
        "assert not {'boto3', 'requests', 'broker.services.advertising'} & set(sys.modules)"
    )
    path = str(folder().parents[1])
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path}, timeout=30)


def folder() -> Path:
    return Path(error_catalogue.__file__).parent


def check(said: Text, language: Language) -> None:
    """A person can read it, in their language, and follow the link."""
    for part in (said.title, said.what, said.remedy):
        assert part.strip() == part
        assert len(part) > 5
        assert bool(JAPANESE.search(part)) is (language == "ja"), part
        assert "<" not in part
    assert said.link.startswith("https://")
    assert bool(JAPANESE.search(said.meaning)) is (language == "ja" and bool(said.meaning))
    assert ("/ja-jp/" in said.link) is (language == "ja" and "learn.microsoft.com" in said.link)
