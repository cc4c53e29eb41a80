"""Commands against the stack: what docs/cli.md does not show."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.browser import Browser
from local.template import ROOT
from tests.cli.conftest import Run, environment
from tests.e2e.harness import Stack
from token_broker.operator.cli.commands import cli

COMMANDS = ("show", "verify", "token", "refresh", "reauthorize", "suspend", "resume")


@contextmanager
def connecting(stack: Stack, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`token-broker connect` as a process of its own, and the owner's link that it shows."""
    env = {**environment(stack, "operator"), "PYTHONPATH": str(ROOT / "layers" / "client")}
    command = [sys.executable, "-m", "token_broker", "connect", *words]
    with subprocess.Popen(
        command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        link = next(line for line in process.stdout if "/authorize?ticket=" in line)
        yield process, link.strip()


def test_connect_waits_for_the_owner(stack: Stack) -> None:
    user = stack.user()
    with connecting(stack, "waits", "--username", user) as (process, link):
        stack.consent(link, user)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f"waits is active: {user}" in out


def test_connect_tells_that_the_owner_declined(stack: Stack) -> None:
    with connecting(stack, "declined") as (process, link):
        Browser().consent(link, stack.platform, stack.user(), "cancel")
        _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "consent_declined" in err
    assert "owner: " in err


def test_connect_gives_up_waiting(stack: Stack, run: Run) -> None:
    result = run("connect", "nobody", "--timeout", "1", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stderr.splitlines()[-1])["code"] == "authorization_pending"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_connection_that_does_not_exist(run: Run, command: str) -> None:
    """The token route does not tell names apart, so it says the same as to a stranger."""
    result = run(command, "does-not-exist", "--json")
    said = json.loads(result.stderr)
    wanted = ("access_denied", 3) if command == "token" else ("not_found", 1)
    assert (said["code"], result.exit_code) == wanted
    assert said["actor"]
    assert said["remedy"]


def test_a_caller_may_not_manage(run: Run) -> None:
    result = run("list", principal="team-a")
    assert result.exit_code == 3
    assert "OperatorPolicy" in result.stderr


def test_wrong_usage(run: Run) -> None:
    assert run("show", "Not A Slug").exit_code == 2
    assert run("connect", "x", "--service", "no-such", "--no-wait").exit_code == 2
    assert run("connect", "x", "--label", "no-mark").exit_code == 2
    assert run("token", "x", "--header", "--json").exit_code == 2


def test_grants_are_kept_and_limits_replaced(stack: Stack, run: Run) -> None:
    name = stack.create()["connection"]
    before = stack.show(name)["grants"]
    for scopes in (["--scope", "https://ads.microsoft.com/msads.manage"], []):
        assert run("grant", name, "111122223333", *scopes).exit_code == 0
    assert stack.show(name)["grants"] == [*before, {"principal": "111122223333"}]
    assert run("revoke-grant", name, "111122223333", "--json").exit_code == 0
    assert stack.show(name)["grants"] == before
    assert run("revoke-grant", name, "111122223333").exit_code == 1


def test_suspension(stack: Stack, run: Run) -> None:
    name = stack.connect()
    assert run("suspend", name).exit_code == 0
    assert run("token", name, principal="team-a").exit_code == 5
    assert run("resume", name).exit_code == 0
    assert run("token", name, principal="team-a").exit_code == 0


def test_delete_asks(stack: Stack, run: Run) -> None:
    name = stack.create()["connection"]
    assert run("delete", name, input="n\n").exit_code == 1
    assert stack.show(name)["status"] == "pending"
    assert run("delete", name, input="y\n").exit_code == 0
    assert run("show", name).exit_code == 1


def test_only_token_prints_secrets(stack: Stack, run: Run) -> None:
    created = stack.create(parameters={"developer_token": "canary-developer-token"})
    name = created["connection"]
    stack.consent(created["authorize_url"], stack.user())
    token = run("token", name, "--json", principal="team-a")
    access = json.loads(token.stdout)["access_token"]
    assert json.loads(token.stdout)["parameters"] == {"developer_token": "canary-developer-token"}
    assert access in run("token", name, "--header", principal="team-a").stdout
    said = [run("list"), run("list", "--json"), run("show", name), run("show", name, "--json")]
    said += [run("export"), run("verify", name), run("refresh", name, "--json")]
    said += [run("doctor", "--stack", "token-broker", principal="administrator")]
    everything = "".join(one.output for one in said)
    assert access not in everything
    assert "canary-developer-token" not in everything
    assert stack.settings.client_secret not in everything


def test_export_is_one_line_a_connection(stack: Stack, run: Run) -> None:
    stack.create()
    found = [json.loads(line) for line in run("export").stdout.splitlines()]
    assert found == json.loads(run("list", "--json").stdout)
    assert len(found) == len({one["connection"] for one in found})


def test_replay_moves_every_dead_letter(stack: Stack, run: Run) -> None:
    queue = stack.outputs["RefreshDeadLetterQueueUrl"]
    for number in range(23):
        order = {"connection": f"gone-{number}", "incarnation": "x", "reason": "schedule"}
        stack.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(order))
    first = run("replay", "--limit", "5", "--json", principal="administrator")
    assert json.loads(first.stdout) == {"replayed": 5}
    rest = run("replay", "--json", principal="administrator")
    assert json.loads(rest.stdout) == {"replayed": 18}


def test_what_one_may_not_see_is_said_to_be_so(run: Run) -> None:
    """The operator's policy opens the broker's API, nothing else of AWS."""
    result = run("doctor", "--stack", "token-broker", "--json")
    found = {one["name"]: one for one in json.loads(result.stdout)["findings"]}
    assert found["stack"]["ok"] is None
    assert "cloudformation:DescribeStacks" in found["stack"]["remedy"]
    replayed = run("replay")
    assert replayed.exit_code == 3
    assert "cloudformation:DescribeStacks" in replayed.stderr


def test_every_command_has_help() -> None:
    for name, command in cli.commands.items():
        assert command.help, name
