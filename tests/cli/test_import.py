"""import: many grants, bad ones among them, again and again; the formats."""

from __future__ import annotations

import csv
import io
import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from broker.domain.connection import Account, Status
from broker.domain.names import Name
from broker.domain.secret import Secret
from tests.cli.conftest import Run
from tests.cli.fake import Fake
from tests.fakes.microsoft import TENANT
from tests.unit.house import ADS, GRAPH
from token_broker.operator.importing.prove import Prover

Broker = tuple[Fake, str]

COUNT = 1000
BAD = 50


def account(number: int) -> Account:
    return Account(TENANT, f"bbbbbbbb-0000-4000-8000-{number:012}", f"user{number}@example.com")


def good(fake: Fake, number: int, **more: str) -> dict[str, str]:
    """A row whose token Microsoft accepts."""
    token = fake.house.microsoft.grant(account(number), (ADS,)).open()
    return {"connection": f"c-{number}", "refresh_token": token, **more}


def rows(fake: Fake, count: int, bad: int) -> list[dict[str, str]]:
    """Good rows, and bad ones of five kinds spread among them."""
    found = [good(fake, number, username=account(number).username) for number in range(count - bad)]
    wrong = fake.house.microsoft.grant(account(0), (GRAPH,)).open()
    kinds = (
        {"refresh_token": "canary-unknown"},
        {"refresh_token": wrong},
        {"refresh_token": ""},
        {"refresh_token": "eyJh.eyJh.sig".replace("eyJh", "eyJhbGciOiJub25lIn0")},
        {**good(fake, 1), "username": "somebody-else@example.com"},
    )
    for number in range(bad):
        row = {**kinds[number % len(kinds)], "connection": f"bad-{number}"}
        found.insert(number * 7, row)
    return found


def write(path: Path, found: list[dict[str, str]]) -> str:
    """As CSV."""
    columns = list(dict.fromkeys(name for row in found for name in row))
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, columns, restval="")
        table.writeheader()
        table.writerows(found)
    return str(path)


def lines(path: Path) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(path.read_text()))]


def shown(fake: Fake) -> dict[str, tuple[Status, int, int, int]]:
    """What a run that changes nothing leaves as it is."""
    return {
        name: (one.status, one.version, one.generation, one.epoch)
        for name, one in fake.house.tables.connections.items()
    }


def test_a_thousand_with_bad_ones_among_them(fake: Broker, offline: Run, tmp_path: Path) -> None:
    broker, _ = fake
    file, report = write(tmp_path / "grants.csv", rows(broker, COUNT, BAD)), tmp_path / "report.csv"
    words = ("import", file, "--report", str(report), "--grant", "111122223333")
    first = offline(*words)
    assert first.exit_code == 1
    assert f"{COUNT - BAD} imported, 0 unchanged, 0 skipped, {BAD} failed" in first.stdout
    connections = broker.house.tables.connections
    active = [name for name, one in connections.items() if one.status is Status.ACTIVE]
    assert sorted(active) == sorted(f"c-{number}" for number in range(COUNT - BAD))
    told = {line["connection"]: line for line in lines(report)}
    assert len(told) == COUNT
    failed = {name for name, line in told.items() if line["result"] == "failed"}
    assert failed == {f"bad-{number}" for number in range(BAD)}
    assert all(told[name]["code"] and told[name]["remedy"] for name in failed)
    before, redeemed = shown(broker), broker.house.microsoft.redemptions
    second = offline(*words)
    assert f"0 imported, {COUNT - BAD} unchanged, 0 skipped, {BAD} failed" in second.stdout
    assert shown(broker) == before
    # Bad tokens are tried again, in case they have become good; nothing else is redeemed.
    assert broker.house.microsoft.redemptions - redeemed <= BAD
    everything = first.output + second.output + report.read_text()
    assert "canary-" not in everything
    assert "eyJ" not in everything


def test_an_interrupted_run_is_repeated(
    fake: Broker, offline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, _ = fake
    file = write(tmp_path / "grants.csv", rows(broker, 60, 0))
    outcome, count = Prover.outcome, iter(range(1000))

    def interrupted(self: Prover, row: Any) -> Any:
        if next(count) == 20:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return outcome(self, row)

    monkeypatch.setattr(Prover, "outcome", interrupted)
    # A process that was started in the background ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupted_run = offline("import", file)
    finally:
        signal.signal(signal.SIGINT, before)
    assert interrupted_run.exit_code == 130
    done = [one for one in broker.house.tables.connections.values() if one.epoch]
    assert 0 < len(done) < 60
    monkeypatch.undo()
    again = offline("import", file)
    assert again.exit_code == 0
    assert f"{60 - len(done)} imported, {len(done)} unchanged" in again.stdout
    assert all(one.epoch == 1 for one in broker.house.tables.connections.values())


def test_a_run_that_ended_between_creation_and_proof_goes_on(
    fake: Broker, offline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, _ = fake
    file = write(tmp_path / "grants.csv", [good(broker, 1)])
    step = broker.house.connections_step
    monkeypatch.setattr(type(step), "adopt", lambda *_: 1 / 0)
    assert offline("import", file).exit_code == 1
    assert broker.house.tables.connections[Name("c-1")].status is Status.PENDING
    monkeypatch.undo()
    assert "1 imported" in offline("import", file).stdout


def test_an_active_connection_is_left_alone(fake: Broker, offline: Run, tmp_path: Path) -> None:
    broker, _ = fake
    broker.house.connected(connection="c-1")
    file = write(tmp_path / "grants.csv", [good(broker, 1)])
    before = shown(broker)
    result = offline("import", file)
    assert (result.exit_code, shown(broker)) == (0, before)
    assert "1 skipped" in result.stdout
    named = write(tmp_path / "named.csv", [good(broker, 1, username="user1@example.com")])
    assert "account_mismatch" in offline("import", named, "--replace").stdout
    assert shown(broker) == before


def test_replace_imports_into_an_active_connection(
    fake: Broker, offline: Run, tmp_path: Path
) -> None:
    broker, _ = fake
    assert offline("import", write(tmp_path / "a.csv", [good(broker, 1)])).exit_code == 0
    changed = write(tmp_path / "b.csv", [good(broker, 1, grants="444455556666")])
    assert "1 skipped" in offline("import", changed).stdout
    assert "1 imported" in offline("import", changed, "--replace").stdout
    one = broker.house.tables.connections[Name("c-1")]
    assert [grant.principal for grant in one.grants] == ["444455556666"]
    assert "1 unchanged" in offline("import", changed).stdout


def test_a_credential_that_fails_ends_the_run(fake: Broker, offline: Run, tmp_path: Path) -> None:
    broker, _ = fake
    file = write(tmp_path / "grants.csv", rows(broker, 200, 0))
    broker.house.microsoft.secrets = {"another"}
    result = offline("import", file, "--json", "--concurrency", "2")
    counts = json.loads(result.stdout)["counts"]
    assert result.exit_code == 1
    assert sum(counts.values()) == 200
    assert "imported" not in counts


def test_json_lines_with_all_fields(fake: Broker, offline: Run) -> None:
    broker, _ = fake
    token = broker.house.microsoft.grant(account(7), (ADS, GRAPH)).open()
    line = {
        "connection": "full",
        "refresh_token": token,
        "tenant": TENANT,
        "scopes": [ADS, GRAPH],
        "account": {"object_id": account(7).object_id},
        "grants": [{"principal": "111122223333", "scopes": [ADS]}, "444455556666"],
        "labels": {"team": "reports"},
        "parameters": {"developer_token": "canary-developer", "customer_id": 123},
    }
    text = json.dumps(line) + '\n\nnot json\n{"connection": "x", "tokn": "y"}\n'
    result = offline("import", "-", "--format", "jsonl", "--json", input=text)
    told = json.loads(result.stdout)
    assert told["counts"] == {"imported": 1, "failed": 2}
    assert [one["source"] for one in told["failures"]] == ["line 3", "line 4"]
    one = broker.house.tables.connections[Name("full")]
    assert (one.tenant, one.scopes) == (TENANT, (ADS, GRAPH))
    assert [grant.scopes for grant in one.grants] == [(ADS,), None]
    assert one.labels["team"] == "reports"
    assert sorted(one.parameters) == ["customer_id", "developer_token"]
    assert "canary" not in result.output


def test_an_msal_cache(fake: Broker, offline: Run, tmp_path: Path) -> None:
    """Tokens of another client and of Microsoft's family of public clients are not even tried."""
    broker, _ = fake
    own, environment = "own-client", "login.microsoftonline.com"

    def entry(number: int, client: str = own, **more: str) -> dict[str, str]:
        token = broker.house.microsoft.grant(account(number), (ADS,)).open()
        home = f"{account(number).object_id}.{TENANT}"
        common = {"home_account_id": home, "environment": environment, "secret": token}
        return {**common, "client_id": client, "credential_type": "RefreshToken", **more}

    tokens = [entry(1), entry(2, "foreign-client"), entry(3, family_id="1")]
    accounts = [
        {
            "home_account_id": token["home_account_id"],
            "environment": environment,
            "realm": TENANT,
            "local_account_id": account(number).object_id,
            "username": account(number).username,
        }
        for number, token in enumerate(tokens, 1)
    ]
    path = tmp_path / "cache.json"
    path.write_text(
        json.dumps(
            {
                "RefreshToken": dict(enumerate(tokens)),
                "Account": dict(enumerate(accounts)),
                "AccessToken": {},
            }
        )
    )
    words = ("import", str(path), "--format", "msal", "--prefix", "ads-", "--json")
    assert offline(*words).exit_code == 2
    result = offline(*words, "--client-id", own)
    told = json.loads(result.stdout)
    assert told["counts"] == {"imported": 1, "failed": 2}
    assert {one["code"] for one in told["failures"]} == {"refresh_token_refused"}
    assert all("token-broker connect" in one["remedy"] for one in told["failures"])
    assert list(broker.house.tables.connections) == ["ads-user1-example-com"]
    assert "canary" not in result.output


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("grants.csv", "connection,refresh_tokn\n", "unknown: column 2 (refresh_token?)."),
        ("grants.csv", "connection,service\n", "refresh_token are needed"),
        ("grants.csv", "connection,refresh_token\n", "nothing to import"),
        ("grants.txt", "", "--format"),
        ("cache.msal", "{}", "--client-id"),
    ],
)
def test_a_file_that_cannot_be_meant(
    offline: Run, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    result = offline("import", str(tmp_path / name))
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_name_twice_counts_once(fake: Broker, offline: Run, tmp_path: Path) -> None:
    broker, _ = fake
    file = write(
        tmp_path / "grants.csv", [good(broker, 1), {**good(broker, 2), "connection": "c-1"}]
    )
    result = offline("import", file)
    assert "1 imported, 0 unchanged, 0 skipped, 1 failed" in result.stdout
    assert broker.house.tables.connections[Name("c-1")].account == account(1)


def test_a_row_never_shows_its_token(fake: Broker) -> None:
    from token_broker.operator.importing.rows import Defaults, row

    found = row("row 1", good(fake[0], 1), Defaults())
    assert "canary" not in repr(found)
    assert Secret(found.refresh_token).sha256() not in found.digest
