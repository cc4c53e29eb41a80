"""A server, a file or a paste that means harm: nothing of it runs or is shown as it came."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.client.fake import Answer, Broker, problem

Hostile = tuple[Broker, Run]

BAD = "\x1b[2J\x1b]0;title\x07\x9b31m\u202eevil\x08\r"
SHOWN = "evil"
SECRET = "0.AXoAcanary" + "x" * 400
CONNECTION: dict[str, Any] = {
    "connection": "a",
    "service": BAD,
    "resource": "r",
    "status": "active",
    "tenant": BAD,
    "version": 1,
    "generation": 1,
    "created_at": "2026-01-01T00:00:00Z",
    "purpose": BAD,
    "display_name": f"Ads {BAD}",
    "labels": {BAD: BAD},
    "scopes": [BAD],
    "account": {"username": BAD, "tenant_id": "t", "object_id": "o"},
    "last_error": {"code": BAD, "detail": BAD, "actor": BAD, "remedy": BAD, "at": "2026"},
    "excess_scopes": {"r": ["Mail.Read", BAD]},
}
CHECK = {"name": BAD, "ok": False, "code": BAD, "detail": BAD, "actor": BAD, "remedy": BAD}
ANSWERS = {
    ("show", "a"): CONNECTION,
    ("list",): {"connections": [CONNECTION]},
    ("export",): {"connections": [CONNECTION]},
    ("verify", "a"): {"ok": False, "checks": [CHECK]},
    ("token", "a"): {
        "access_token": "t",
        "expires_in": 60,
        "scope": BAD,
        "parameters": {"developer_token": BAD, BAD: BAD},
    },
}


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("words", ANSWERS, ids=" ".join)
def test_text_of_others_is_text(hostile: Hostile, words: tuple[str, ...], as_json: bool) -> None:
    server, run = hostile
    server.script.append(Answer(200, ANSWERS[words]))
    more = ("--json",) if as_json and words != ("export",) else ()
    said = run(*words, *more).output
    assert not {*"\x1b\x9b\u202e\x08\r\x07"} & {*said}
    assert "\\u001b" not in said
    assert SHOWN in said or words == ("token", "a")


def test_errors_of_others_are_text(hostile: Hostile) -> None:
    server, run = hostile
    texts = dict.fromkeys(("detail", "title", "remedy", "actor"), BAD)
    for more in ((), ("--json",)):
        server.script.append(problem(f"x{BAD}", 409, **texts))
        said = run("show", "a", *more).stderr
        assert not {*"\x1b\x9b\u202e\x08\r\x07"} & {*said}
        assert SHOWN in said


def test_parameters_of_others_are_not_run(hostile: Hostile, tmp_path: Path) -> None:
    """Values are quoted, and names are those that are known."""
    server, run = hostile
    marker = tmp_path / "ran"
    harm = f"x; touch {marker}; :"
    names = (harm, f"$(touch {marker})", "PATH", "LD_PRELOAD", "BASH_ENV", f"a=1\ntouch {marker}\n")
    parameters = {
        **dict.fromkeys(names, harm),
        "developer_token": f"'; touch {marker}; '\ntouch {marker}",
        "identity_provider": "Google",
    }
    body = {"access_token": "t", "expires_in": 60, "scope": "s", "parameters": parameters}
    server.script.append(Answer(200, body))
    said = run("token", "a", "--env").stdout
    shell = 'eval "$0"; echo "$DEVELOPER_TOKEN" "$IDENTITY_PROVIDER"; env'
    command = ["bash", "-c", shell, said]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": "/bin"})
    assert not marker.exists()
    assert parameters["developer_token"] + " Google" in ran.stdout
    assert "LD_PRELOAD" not in said
    assert "PATH=/bin" in ran.stdout.splitlines()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no-header.csv", f"ads-jp,{SECRET}\nads-us,{SECRET}\n"),
        ("token-first.csv", f"{SECRET},ads-jp\n"),
        ("shifted.csv", f"refresh_token,connection\nads-jp,{SECRET}\n"),
        ("service.csv", f"connection,service,refresh_token\nads-jp,{SECRET},0.short\n"),
        ("more.csv", f"connection,refresh_token\nads-jp,{SECRET},{SECRET}\n"),
        ("open-quote.csv", f'"connection,refresh_token\nads-jp,{SECRET}'),
        ("long.csv", f"connection,{SECRET * 400}\n"),
        ("nul.csv", f"connection,\0{SECRET}\n"),
        ("not.jsonl", f"{SECRET}\n[1]\n" + "[" * 50_000),
        ("deep.jsonl", '{"connection": "a", "labels": ' + '{"a":' * 500 + "1" + "}" * 501),
        ("names.jsonl", json.dumps({"connection": SECRET, SECRET: SECRET, "refresh_token": "x"})),
    ],
)
def test_nothing_of_a_file_is_in_an_error(
    offline: Run, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    report = tmp_path / "report.csv"
    result = offline("import", str(tmp_path / name), "--report", str(report))
    assert result.exit_code in (1, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    everything = result.output + (report.read_text() if report.exists() else "")
    assert "canary" not in everything
    assert "Traceback" not in everything


ENTRY = {"home_account_id": "h", "environment": "e", "secret": "0.short", "client_id": "c"}


@pytest.mark.parametrize(
    "cache",
    [
        [],
        {"RefreshToken": [], "Account": {}},
        {"RefreshToken": {"a": 5}, "Account": {}},
        {"RefreshToken": {"a": ENTRY}, "Account": {"a": 5, "b": {"home_account_id": ["h"]}}},
        {"RefreshToken": {"a": {**ENTRY, "home_account_id": ["h"]}}, "Account": {"a": {}}},
        {"RefreshToken": {"a": {**ENTRY, "secret": 5, "client_id": []}}, "Account": {"a": ENTRY}},
        {"RefreshToken": {"a": {**ENTRY, "secret": "\ud800"}}, "Account": {}},
    ],
)
def test_odd_caches_are_bad_rows_or_bad_files(offline: Run, tmp_path: Path, cache: Any) -> None:
    path = tmp_path / "cache.json"
    path.write_text(json.dumps(cache))
    result = offline("import", str(path), "--format", "msal", "--client-id", "c", "--service", "no")
    assert result.exit_code in (1, 2)
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    "words",
    [
        ("show", SECRET),
        ("token", SECRET),
        (SECRET,),
        ("show", "a", SECRET),
        ("list", f"--{SECRET}"),
        ("grant", SECRET, "111122223333"),
        ("connect", "a", "--label", SECRET),
        ("connect", "a", "--timeout", SECRET),
        ("import", SECRET, "--format", "csv"),
        ("import", SECRET),
    ],
)
def test_a_pasted_token_is_not_repeated(offline: Run, words: tuple[str, ...]) -> None:
    result = offline(*words)
    assert result.exit_code == 2
    assert "canary" not in result.output
