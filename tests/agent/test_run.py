"""`token-broker run`: the program's variables, signals and exit code; nothing left behind."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.client.fake import Broker, problem

from .commands import ended, environment, gone, refused, run, send, started, words

SHOW = (
    sys.executable,
    "-c",
    "import json, os; print(json.dumps([os.getpid(), os.getppid(), dict(os.environ)]))",
)
SLEEP = """
import os, signal, sys, time
def tell(*words): os.write(1, (" ".join(map(str, words)) + "\\n").encode())
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), lambda number, _: tell("got", number))
tell("ready", os.getpid(), os.environ["IDENTITY_ENDPOINT"])
end = time.monotonic() + 20
while time.monotonic() < end:
    time.sleep(0.05)
"""


def shown(done: subprocess.CompletedProcess[str]) -> tuple[int, int, dict[str, str]]:
    assert done.returncode == 0, done.stderr
    child, parent, variables = json.loads(done.stdout)
    return child, parent, variables


def test_the_program_gets_its_variables_alone(fake: Broker) -> None:
    done = run(
        *(fake.url, "run", "--connection", "ads-jp", "--", *SHOW),
        KEPT="yes",
        IDENTITY_SERVER_THUMBPRINT="x",
        MSI_ENDPOINT="http://x",
        AZURE_CLIENT_ID="00000000-0000-0000-0000-000000000000",
    )
    _, _, variables = shown(done)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/msi/token", variables["IDENTITY_ENDPOINT"])
    assert re.fullmatch(r"[\w-]{43}", variables["IDENTITY_HEADER"])
    assert variables["AZURE_TOKEN_CREDENTIALS"] == "ManagedIdentityCredential"
    assert variables["AZURE_CLIENT_ID"] == "ads-jp"
    assert variables["KEPT"] == "yes"
    assert not {"IDENTITY_SERVER_THUMBPRINT", "MSI_ENDPOINT"} & variables.keys()
    assert done.stderr == ""
    assert not fake.asked, "a token is fetched when it is asked for"


def test_a_proxy_is_not_asked_for_the_endpoint(fake: Broker) -> None:
    """It would get the secret. Python's SDK goes around it, as the variables say."""
    ask = (
        "from azure.identity import ManagedIdentityCredential as Credential; import os; "
        "print(Credential().get_token('https://ads.microsoft.com/.default').token, "
        "os.environ['NO_PROXY'], os.environ['no_proxy'])"
    )
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "10.0.0.1,localhost,127.0.0.1"}
    command = ["run", "--connection", "a", "--", sys.executable, "-c", ask]
    done = run(fake.url, *command, **proxies)  # type: ignore[arg-type]
    hosts = "10.0.0.1,localhost,127.0.0.1,127.0.0.1,localhost"
    assert done.stdout.split() == ["token-1", hosts, hosts], done.stderr


def test_maps_name_nobody_by_themselves(fake: Broker) -> None:
    maps = ["--map", "https://graph.microsoft.com=graph-jp", "--connection", "ads-jp"]
    _, _, variables = shown(run(fake.url, "run", *maps, "--", *SHOW, AZURE_CLIENT_ID="left-over"))
    assert "AZURE_CLIENT_ID" not in variables


def test_variables_for_programs_that_want_the_token_once(fake: Broker) -> None:
    wanted = ["TOKEN", "DEVELOPER=developer_token", "UNTIL=ads-jp:expires_at"]
    options = [word for name in wanted for word in ("--env", name)]
    done = run(fake.url, "run", "--connection", "ads-jp", *options, "--", *SHOW)
    _, _, variables = shown(done)
    assert (variables["TOKEN"], variables["DEVELOPER"]) == ("token-1", "canary-developer")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", variables["UNTIL"])
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--env", "A-B"], "no name of a variable"),
        (["--env", "A=refresh_token"], "it can be one of"),
        (["--env", "A=customer_id", "--env", "B=account_id"], "carries no account_id"),
        (["--connection", "other", "--env", "A"], "say whose"),
        (["--connection", "No Name"], "A connection's name has"),
        (["--map", "https://graph.microsoft.com"], "A map is RESOURCE=CONNECTION"),
        (["--map", "https://a=b", "--map", "https://A/=c"], "mapped twice"),
    ],
)
def test_wrong_usage_starts_nothing(fake: Broker, options: list[str], says: str) -> None:
    code, told = refused(
        fake.url, "run", "--connection", "ads-jp", *options, "--", "/nonexistent/program"
    )
    assert code == 2
    assert says in told
    assert "nonexistent" not in told


def test_a_token_wanted_at_once_that_there_is_none_of(fake: Broker) -> None:
    fake.script.append(problem("reauthorization_required", 409))
    code, told = refused(fake.url, "run", "--connection", "a", "--env", "T", "--", "/nonexistent")
    assert code == 4
    assert "reauthorization_required" in told


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 42"], 42),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["/nonexistent/program"], 127),
        (["/dev/null"], 126),
    ],
)
def test_the_exit_code_is_the_programs(fake: Broker, command: list[str], code: int) -> None:
    done = run(fake.url, "run", "--connection", "a", "--", *command)
    assert done.returncode == code
    assert bool(done.stderr) == (code in (126, 127))


def test_options_behind_the_command_are_the_commands(fake: Broker) -> None:
    done = run(fake.url, "run", "--connection", "a", "printf", "%s|", "--verbose", "--", "--json")
    assert done.stdout == "--verbose|--|--json|"


@pytest.fixture
def sleeping(fake: Broker) -> Any:
    """A program that tells the signals it gets, behind `run` with these options."""
    return lambda *options, signals=(): started(
        words("run", "--connection", "a", *options, "--", sys.executable, "-c", SLEEP, *signals),
        environment(fake.url),
    )


def begun(process: subprocess.Popen[str]) -> tuple[int, int]:
    """The program's id and the agent's port."""
    assert process.stdout
    _, pid, endpoint = process.stdout.readline().split()
    return int(pid), urlsplit(endpoint).port or 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGQUIT"])
def test_signals_are_passed_on(sleeping: Any, name: str) -> None:
    with sleeping(signals=[name]) as process:
        pid, _ = begun(process)
        number = signal.Signals[name]
        send(process, number)
        assert process.stdout.readline().split() == ["got", str(int(number))]
        os.kill(pid, signal.SIGKILL)
        assert ended(process)[0] == 137


def test_a_signal_that_ends_the_program_ends_all(sleeping: Any) -> None:
    with sleeping() as process:
        pid, port = begun(process)
        socket.create_connection(("127.0.0.1", port)).close()
        send(process, signal.SIGTERM)
        assert ended(process)[0] == 143
        assert gone(pid)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_a_program_that_ignores_signals_goes_on_by_itself(sleeping: Any) -> None:
    """Its reasons are its own; the agent stays with it."""
    with sleeping(signals=["SIGTERM"]) as process:
        pid, port = begun(process)
        send(process, signal.SIGTERM)
        process.stdout.readline()
        time.sleep(0.3)
        assert process.poll() is None
        socket.create_connection(("127.0.0.1", port)).close()
        os.kill(pid, signal.SIGKILL)
        assert ended(process)[0] == 137


def test_a_program_that_ignores_signals_is_killed_if_that_is_wanted(sleeping: Any) -> None:
    with sleeping("--kill-after", "0.3", signals=["SIGTERM"]) as process:
        pid, _ = begun(process)
        send(process, signal.SIGTERM)
        assert ended(process)[0] == 137
        assert gone(pid)


def test_the_keyboard_reaches_the_program_once(fake: Broker) -> None:
    """Ctrl-C at a terminal goes to both processes; passed on as well, it would count double."""
    command = words("run", "--connection", "a", "--", sys.executable, "-c", SLEEP, "SIGINT")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment(fake.url))
    seen = b""
    try:
        while b"ready" not in seen or not seen.endswith(b"\n"):
            seen += os.read(terminal, 4096)
        os.write(terminal, b"\x03")
        deadline = time.monotonic() + 5
        while b"got 2" not in seen and time.monotonic() < deadline:
            seen += os.read(terminal, 4096)
        time.sleep(0.3)
        os.kill(int(seen.split()[1]), signal.SIGKILL)
        try:
            while part := os.read(terminal, 4096):
                seen += part
        except OSError:
            pass
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    assert seen.count(b"got 2") == 1
    assert os.waitstatus_to_exitcode(status) == 137


def test_a_hanging_broker_does_not_hold_up_the_end(fake: Broker) -> None:
    """Its thread may wait for half a minute; the program's end is the end."""
    fake.delay = 8
    ask = 'curl -s -m 1 -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?$Q"; exit 5'
    query = "api-version=2019-08-01&resource=https://ads.microsoft.com"
    begun_at = time.monotonic()
    done = run(fake.url, "run", "--connection", "a", "--", "sh", "-c", ask, Q=query)
    assert done.returncode == 5
    assert time.monotonic() - begun_at < 7


def test_verbose_tells_what_was_asked_without_secrets(fake: Broker) -> None:
    ask = (
        'curl -s -o /dev/null -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" "$IDENTITY_ENDPOINT?$Q";'
        'curl -s -o /dev/null -H "X-IDENTITY-HEADER: wrong-canary" "$IDENTITY_ENDPOINT?$Q";'
        'echo "$IDENTITY_HEADER"'
    )
    query = "api-version=2019-08-01&resource=https://ads.microsoft.com"
    done = run(fake.url, "run", "--connection", "a", "--verbose", "--", "sh", "-c", ask, Q=query)
    told = done.stderr.splitlines()
    assert len(told) == 2
    assert "resource=https://ads.microsoft.com connection=a status=200" in told[0]
    assert "status=403 code=wrong_secret" in told[1]
    for canary in (done.stdout.strip(), "token-1", "wrong-canary", "canary-secret-key"):
        assert canary not in done.stderr


def test_the_secret_is_in_the_programs_environment_alone(fake: Broker) -> None:
    """Neither in a command line nor in the wrapper's environment, nor in a file it has open."""
    look = (
        "import os, pathlib; secret = os.environ['IDENTITY_HEADER'].encode(); "
        "parent = pathlib.Path(f'/proc/{os.getppid()}'); "
        "print(secret in (parent / 'environ').read_bytes(), "
        "secret in (parent / 'cmdline').read_bytes(), "
        "secret in pathlib.Path('/proc/self/cmdline').read_bytes(), "
        "[os.readlink(fd) for fd in (parent / 'fd').iterdir() if not os.readlink(fd).startswith("
        "('socket:', 'pipe:', '/dev/', 'anon_inode:'))], sorted(os.listdir('/proc/self/fd')))"
    )
    done = run(fake.url, "run", "--connection", "a", "--", sys.executable, "-c", look)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[:4] == ["False", "False", "False", "[]"]
    assert done.stdout.strip().endswith("['0', '1', '2', '3']"), "no socket is inherited"
