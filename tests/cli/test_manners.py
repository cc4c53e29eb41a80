"""How the command line treats people: help, options, filters, remedies, waiting, doctor."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from tests.cli.conftest import BARE, Run
from tests.cli.fake import Fake
from tests.client.fake import Answer, Broker, nobody, problem
from token_broker.operator.attention import need
from token_broker.operator.cli import exits
from token_broker.operator.cli.commands import SECTIONS, cli
from token_broker.operator.cli.group import SUMMARY
from token_broker.operator.cli.health.connections import connections, redemptions, refreshes
from token_broker.operator.cli.health.finding import Finding
from token_broker.operator.reading import read
from token_broker.operator.shapes import Connection
from token_broker.operator.speech import spoken
from token_broker.operator.words import foreign_scopes, grant

Hostile = tuple[Broker, Run]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROLE = "arn:aws:iam::111122223333:role/report-job"


def at(**ago: float) -> str:
    """A time before NOW."""
    return (NOW - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def failure(code: str, actor: str, when: str) -> dict[str, Any]:
    return {"code": code, "detail": f"{code}.", "actor": actor, "remedy": "Act.", "at": when}


def one(name: str = "a", **fields: Any) -> Connection:
    """A connection as the API answers."""
    body = {
        "connection": name,
        "service": "microsoft-graph",
        "resource": "r",
        "tenant": "t",
        "status": "active",
        "version": 1,
        "generation": 1,
        "created_at": at(days=9),
        **fields,
    }
    return read(Connection, json.dumps(body).encode(), 200, name)


EXPIRED = failure("client_secret_expired", "operator", at(hours=2))


# Help


def every() -> list[click.Command]:
    return [cli, *cli.commands.values()]


@pytest.mark.parametrize("command", every(), ids=lambda command: command.name)
def test_help_is_short_and_speaks_of_nobody_as_he(command: click.Command) -> None:
    words = command.get_help(command.make_context("x", [], resilient_parsing=True))
    assert not re.search(r"\b(he|him|his|she|her)\b", words, re.IGNORECASE)
    assert not command.get_short_help_str(SUMMARY).endswith("...")


def test_every_command_has_its_section() -> None:
    """`run`, `agent` and `credential` are made elsewhere."""
    named = {name for names in SECTIONS.values() for name in names}
    assert {*cli.commands} <= named
    assert "More:" not in cli.get_help(click.Context(cli, info_name="token-broker"))


@pytest.mark.parametrize(
    "example",
    [text for command in every() for text in getattr(command, "examples", ())],
)
def test_examples_are_what_the_command_takes(example: str) -> None:
    name, *words = shlex.split(example.split(" > ", maxsplit=1)[0])
    cli.commands[name].make_context(name, words).close()


def test_options_stand_before_or_after(hostile: Hostile) -> None:
    server, run = hostile
    for words in (("--json", "show", "a"), ("show", "a", "--json")):
        server.script.append(Answer(200, one()))
        assert json.loads(run(*words).stdout)["connection"] == "a"
    server.script.append(Answer(200, one()))
    elsewhere = {"TOKEN_BROKER_API_URL": nobody()}
    typed = run("--api-url", server.url, "show", "a", "--json", env=elsewhere)
    assert json.loads(typed.stdout)["connection"] == "a"


def test_names_are_completed(hostile: Hostile) -> None:
    server, _ = hostile
    page = {"connections": [one("ads-jp"), one("graph"), one("$(x)"), one("ads-us")]}
    completion = ShellComplete(cli, {}, "token-broker", "_X")
    for words, answer in ((["show"], Answer(200, page)), (["show"], problem("x", 500))):
        server.script.append(answer)
        with pytest.MonkeyPatch.context() as patch:
            for name, text in BARE.items():
                patch.setenv(name, text)
            patch.setenv("AWS_ACCESS_KEY_ID", "x")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "x")
            given = ["--api-url", server.url, *words]
            found = [item.value for item in completion.get_completions(given, "ad")]
        assert found == (["ads-jp", "ads-us"] if answer.status == 200 else [])


# Configuration


def test_a_missing_profile_is_named(hostile: Hostile) -> None:
    _, run = hostile
    result = run("list", env={"AWS_PROFILE": "nobody"})
    assert result.exit_code == exits.NOT_ALLOWED
    assert "There is no AWS profile 'nobody' (AWS_PROFILE)" in result.stderr
    assert "(--profile)" in run("list", "--profile", "nobody").stderr


@pytest.mark.parametrize(
    ("env", "words", "region"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, (), "eu-west-1"),
        ({"AWS_REGION": None, "AWS_DEFAULT_REGION": "eu-west-2"}, (), "eu-west-2"),
        ({"AWS_REGION": "eu-west-1"}, ("--region", "ap-south-1"), "ap-south-1"),
    ],
)
def test_the_region(hostile: Hostile, env: Any, words: tuple[str, ...], region: str) -> None:
    server, run = hostile
    server.script.append(Answer(200, one()))
    assert run("show", "a", *words, env=env).exit_code == 0
    assert f"/{region}/execute-api/" in server.asked[-1].headers["Authorization"]


def test_no_region_anywhere_names_the_flag(hostile: Hostile) -> None:
    _, run = hostile
    result = run("show", "a", env={"AWS_REGION": None, "AWS_DEFAULT_REGION": None})
    assert result.exit_code == exits.USAGE
    assert "--region" in result.stderr


def test_an_unreachable_broker_is_told_at_once(hostile: Hostile) -> None:
    _, run = hostile
    result = run("list", "--api-url", nobody())
    assert result.exit_code == exits.FAILED
    assert "127.0.0.1: the connection was refused" in result.stderr
    no_stage = run("list", "--api-url", "https://x.execute-api.eu-west-1.amazonaws.com")
    assert no_stage.exit_code == exits.USAGE
    assert "names no stage" in no_stage.stderr


# Grants and remedies


@pytest.mark.parametrize(
    ("principal", "said"),
    [
        ("arn:aws:iam::111122223333:user/ada", "Grant their account, 111122223333"),
        ("arn:aws:iam::111122223333:root", "Grant their account, 111122223333"),
        ("arn:aws:sts::111122223333:assumed-role/job/i-1", "arn:aws:iam::111122223333:role/job"),
        ("report-job", "12 digits"),
        ("*", "12 digits"),
    ],
)
def test_who_cannot_be_granted_is_told_who_can(offline: Run, principal: str, said: str) -> None:
    for words in (("grant", "a", principal), ("connect", "a", "--grant", principal)):
        result = offline(*words)
        assert result.exit_code == exits.USAGE
        assert said in result.stderr


def test_a_grant_for_a_scope_that_is_not_held_warns(hostile: Hostile) -> None:
    server, run = hostile
    held = {**one(scopes=["https://graph.microsoft.com/User.Read"])}
    for scope, warns in (("https://graph.microsoft.com/user.read", False), ("Mail.Read", True)):
        server.script += [Answer(200, held)] * 2
        result = run("grant", "a", ROLE, "--scope", scope)
        assert result.exit_code == 0
        assert ("Mail.Read is none of a's scopes" in result.stderr) is warns
    assert not foreign_scopes(grant(f"{ROLE}=https://x/a"), ["https://x/A"])


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("Check the name with GET /connections.", "token-broker list."),
        ("(POST /connections/{connection}/authorizations)", "(token-broker reauthorize ads-jp)"),
        (
            "Give it one (PATCH /connections/{connection}, parameters).",
            "Give it one (token-broker parameters ads-jp --developer-token -).",
        ),
        ("GET /connections/other/token", "token-broker token other"),
        ("TRACE /connections and POST /elsewhere", "TRACE /connections and POST /elsewhere"),
    ],
)
def test_remedies_speak_commands(said: str, wanted: str) -> None:
    assert spoken(said, "ads-jp").endswith(wanted)


def test_an_errors_remedy_does_so(hostile: Hostile) -> None:
    server, run = hostile
    for more in ((), ("--json",)):
        remedy = "Ask for a link (POST /connections/{connection}/authorizations)."
        server.script.append(problem("suspended", 409, remedy=remedy))
        assert "token-broker reauthorize a" in run("token", "a", *more).stderr


# Looking


PENDING: dict[str, Any] = {
    "status": "pending",
    "authorization": {"expires_at": "2999-01-01T00:00:00Z"},
}
FOUND = [
    one("broken", status="reauthorization_required", last_error=failure("x", "owner", at(days=1))),
    one("fine", refreshed_at=at(minutes=5), next_refresh_at="2999-01-01T00:00:00Z"),
    one("fresh", **PENDING),
    one("google", identity_provider="google", labels={"team": "b"}, next_refresh_at=at(hours=2)),
    one("stale", status="pending"),
    one("waits", status="awaiting_admin", labels={"team": "a"}),
]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--provider", "google"), ["google"]),
        (("--label", "team"), ["google", "waits"]),
        (("--label", "team=a"), ["waits"]),
        (("--service", "power-bi"), []),
        (("--actor", "owner"), ["broken", "fresh"]),
        (("--actor", "operator"), ["stale"]),
        (("--due", "0"), ["google"]),
    ],
)
def test_a_list_of_some(hostile: Hostile, words: tuple[str, ...], names: list[str]) -> None:
    server, run = hostile
    server.script.append(Answer(200, {"connections": FOUND}))
    result = run("list", "--json", *words)
    assert [found["connection"] for found in json.loads(result.stdout)] == names


def test_a_board_of_who_must_act(hostile: Hostile) -> None:
    server, run = hostile
    server.script.append(Answer(200, {"connections": FOUND}))
    lines = run("board").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["operator", "owner", "owner", "tenant"]
    assert "token-broker reauthorize stale" in lines[0]
    assert "token-broker wait fresh" in lines[2]


def test_a_later_success_and_a_suspension_need_nobody() -> None:
    failed: dict[str, Any] = {"last_error": failure("x", "owner", at(hours=2))}
    assert need(one(**failed), NOW)
    assert need(one(**failed, refreshed_at=at(hours=1)), NOW) is None
    assert need(one(**failed, suspended=True), NOW) is None


@pytest.mark.parametrize("words", [("list",), ("board",), ("show", "a")])
def test_watching_goes_on_until_interrupted(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    server, run = hostile
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr("token_broker.operator.cli.commands.look.sleep", sleep)
    answer = one() if words == ("show", "a") else {"connections": FOUND}
    server.script += [Answer(200, answer)] * 3
    assert run(*words, "--watch").exit_code == 0
    assert len(server.asked) == 3
    assert run(*words, "--watch", "--json").exit_code == exits.USAGE


# Waiting


def test_wait_is_done_where_there_is_nothing_to_wait_for(hostile: Hostile) -> None:
    server, run = hostile
    server.script += [Answer(200, one(authorized_at=at(days=1)))] * 2
    assert "a is active" in run("wait", "a").stdout
    server.script.append(Answer(200, one(status="pending")))
    result = run("wait", "a")
    assert result.exit_code == exits.OPERATOR_MUST_ACT
    assert "token-broker reauthorize a" in result.stderr


def test_an_interrupted_connect_says_how_to_go_on(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, run = hostile
    links = {"authorize_url": "https://b/a", "admin_consent_url": "https://b/b", "expires_at": "x"}
    links |= {"admin_forecast": "required", "admin_forecast_reason": "By definition."}
    server.script += [Answer(201, links), Answer(200, one(**PENDING))]

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("token_broker.operator.cli.consent.sleep", interrupt)
    result = run("connect", "a")
    assert result.exit_code == exits.INTERRUPTED
    assert "token-broker wait a" in result.stderr
    assert "send that link as well. By definition." in " ".join(result.stderr.split())


def test_what_a_browser_brought_is_told_before_an_older_failure(hostile: Hostile) -> None:
    server, run = hostile
    link = {"expires_at": "2999-01-01T00:00:00Z", "started_at": at(hours=1), "returned_at": at()}
    errors: dict[str, Any] = {
        "consent_error": failure("consent_declined", "owner", at(minutes=1)),
        "last_error": failure("throttled", "nobody", at(minutes=1)),
    }
    server.script += [Answer(200, one(**{**PENDING, "authorization": link}, **errors))] * 2
    result = run("wait", "a")
    assert result.exit_code == exits.PERSON_MUST_ACT
    assert "consent_declined" in result.stderr


# Doctor


def test_a_later_success_clears_the_credential() -> None:
    refused = one("a", last_error=EXPIRED, refreshed_at=at(days=1))
    assert redemptions([refused]).ok is False
    assert redemptions([refused, one("b", refreshed_at=at(hours=1))]).ok is True
    assert redemptions([]).ok is None


def test_pending_connections_say_nothing_about_the_broker() -> None:
    waiting = one(status="pending", next_refresh_at=at(days=1), last_error=EXPIRED)
    found = {finding.name: finding.ok for finding in connections([waiting], NOW)}
    assert (found["refreshes"], found["client credential"]) == (True, None)
    assert refreshes([one(next_refresh_at=at(hours=1))], NOW).ok is False


def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS knows the credentials."""
    finding = Finding("credentials", True, ROLE)
    monkeypatch.setattr("token_broker.operator.cli.examine.identity", lambda _: finding)


def test_findings_come_in_the_order_of_what_to_do_first(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, run = hostile
    _known(monkeypatch)
    late = at(days=400)
    refused = one("a", last_error=EXPIRED, next_refresh_at=late, excess_scopes=["Mail.Read"])
    waiting = [found for found in FOUND if not found["refreshed_at"]]
    page = {"connections": [refused, *waiting]}
    server.script += [problem("not_authorized", 403), Answer(200, page)]
    result = run("doctor", "--json")
    found = json.loads(result.stdout)["findings"]
    assert [one["ok"] for one in found] == sorted(
        (one["ok"] for one in found), key=(False, None, True).index
    )
    bad = [one["name"] for one in found if one["ok"] is False]
    assert bad == ["client credential", "refreshes"]
    assert {one["name"] for one in found} >= {"excess scopes", "broken", "waits"}
    assert result.exit_code == exits.OPERATOR_MUST_ACT


def test_fix_runs_what_the_operator_agrees_to(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, run = hostile
    page = {"connections": [one("late", next_refresh_at=at(days=1))]}
    server.script += [problem("not_authorized", 403), *[Answer(200, page)] * 2]
    _known(monkeypatch)
    module = "token_broker.operator.cli.commands.doctor"
    monkeypatch.setattr(f"{module}._interactive", lambda: True)
    result = run("doctor", "--fix", input="y\n")
    assert "$ token-broker list --due 0" in result.stdout
    assert result.stdout.count("late") == 2
    assert result.stderr.count("Run it?") == 1


# Exit codes


@pytest.mark.parametrize(
    ("actor", "code"),
    [
        ("owner", exits.PERSON_MUST_ACT),
        ("tenant_admin", exits.PERSON_MUST_ACT),
        ("operator", exits.OPERATOR_MUST_ACT),
        ("caller", exits.FAILED),
    ],
)
def test_exit_codes_agree_with_the_actor(hostile: Hostile, actor: str, code: int) -> None:
    server, run = hostile
    server.script.append(problem("anything", 409, actor=actor))
    assert run("show", "a").exit_code == code


# What people are told of a connection


def test_a_connection_is_described(fake: tuple[Fake, str], offline: Run) -> None:
    broker, _ = fake
    people = ("--owner-mail", "ads@example.jp", "--owner-language", "ja")
    words = ("--display-name", "Ads", "--purpose", "Reports", *people)
    assert offline("connect", "a", *words, "--no-wait").exit_code == 0
    changed = offline(
        "describe", "a", "--purpose", "Bids", "--admin-mail", "it@example.jp", "--json"
    )
    found = json.loads(changed.stdout)
    assert (found["display_name"], found["purpose"]) == ("Ads", "Bids")
    assert found["contacts"]["owner"] == {"email": "ads@example.jp", "language": "ja"}
    assert found["contacts"]["tenant_admin"]["email"] == "it@example.jp"
    assert offline("describe", "a").exit_code == exits.USAGE
    assert offline("describe", "a", "--owner-language", "en").exit_code == exits.USAGE
    assert broker.calls["PATCH"] == 1
