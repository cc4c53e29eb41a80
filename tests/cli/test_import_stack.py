"""import against the stack: the broker redeems every token at the simulated platform."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.e2e.harness import ADS, Stack

SCOPE = f"{ADS}/msads.manage offline_access openid profile"
GOOD, BAD = 25, 6


@pytest.fixture(autouse=True)
def _unhurried(stack: Stack) -> None:
    stack.platform.settings(throttle_threshold=None)


def minted(stack: Stack, scope: str = SCOPE, client_id: str | None = None) -> str:
    """A refresh token that somebody got elsewhere."""
    return str(stack.platform.mint(stack.user(), scope, client_id)["refresh_token"])


def test_good_and_bad_ones_twice(stack: Stack, run: Run, tmp_path: Path) -> None:
    stack.platform.client("foreign-client", secrets=[{"value": "s"}])
    stack.platform.client("public-client", public=True)
    revoked = stack.user()
    dead = stack.platform.mint(revoked, SCOPE)["refresh_token"]
    stack.platform.revoke(revoked)
    bad = [
        minted(stack, client_id="foreign-client"),
        minted(stack, client_id="public-client"),
        minted(stack, "https://graph.microsoft.com/User.Read offline_access openid"),
        dead,
        "0.AXoA-unknown",
        "eyJhbGciOiJub25lIn0.eyJhbGciOiJub25lIn0.x",
    ]
    tokens = [*(minted(stack) for _ in range(GOOD)), *bad]
    rows = [
        {"connection": f"moved-{number}", "refresh_token": token, "labels": {"batch": "one"}}
        for number, token in enumerate(tokens)
    ]
    file, report = tmp_path / "grants.jsonl", tmp_path / "report.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ("import", str(file), "--report", str(report), "--concurrency", "4", "--json")
    first = run(*words)
    assert json.loads(first.stdout)["counts"] == {"imported": GOOD, "failed": BAD}
    told = [json.loads(line) for line in report.read_text().splitlines()]
    failed = {one["connection"]: one for one in told if one["result"] == "failed"}
    assert sorted(failed) == sorted(f"moved-{number}" for number in range(GOOD, GOOD + BAD))
    assert {one["code"] for one in failed.values()} == {"refresh_token_refused"}
    assert all(one["remedy"] and one["detail"] for one in failed.values())
    before = {name: stack.show(name) for name in (f"moved-{number}" for number in range(GOOD))}
    assert {one["status"] for one in before.values()} == {"active"}
    second = run(*words)
    assert second.exit_code == 1
    assert json.loads(second.stdout)["counts"] == {"unchanged": GOOD, "failed": BAD}
    assert {name: stack.show(name) for name in before} == before
    everything = first.output + second.output + report.read_text()
    assert not any(token in everything for token in tokens)


def test_secrets_and_parameters(stack: Stack, run: Run) -> None:
    """A value alone, or an object with other fields beside those of a row."""
    secrets, ssm = stack.client("secretsmanager"), stack.client("ssm")
    whole = {"refresh_token": minted(stack), "connection": "from-object", "client_secret": "other"}
    secrets.create_secret(Name="teams/From_Secret", SecretString=minted(stack))
    secrets.create_secret(Name="teams/object", SecretString=json.dumps(whole))
    secrets.create_secret(Name="elsewhere/not-wanted", SecretString="x")
    ssm.put_parameter(Name="/teams/from-parameter", Value=minted(stack), Type="SecureString")
    found = run(
        *("import", "--secret-prefix", "teams/", "--parameter-prefix", "/teams"),
        *("--secret", "teams/missing", "--grant", stack.team_a.role_arn, "--json"),
        principal="root",
    )
    told = json.loads(found.stdout)
    assert told["counts"] == {"imported": 3, "failed": 1}
    assert told["failures"][0]["source"] == "teams/missing"
    for name in ("from-secret", "from-object", "from-parameter"):
        assert stack.fetch(name)["connection"] == name
