"""`token-broker run` and `token-broker agent` as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from click.testing import CliRunner

from local.template import ROOT
from token_broker.operator.cli.commands import cli

BARE = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "canary-secret-key",
    "PYTHONPATH": str(ROOT / "layers" / "client"),
    "PATH": os.environ["PATH"],
    "NO_PROXY": "localhost,127.0.0.1",
}


def words(*command: str) -> list[str]:
    """The command line of a command."""
    return [sys.executable, "-m", "token_broker", *command]


def environment(api_url: str, **more: str) -> dict[str, str]:
    """Of a shell in front of a broker."""
    return {**BARE, "TOKEN_BROKER_API_URL": api_url, **more}


def run(
    api_url: str, *command: str, seconds: float = 60, **more: str
) -> subprocess.CompletedProcess[str]:
    """A command, until its end."""
    return subprocess.run(
        words(*command),
        env=environment(api_url, **more),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def refused(api_url: str, *command: str) -> tuple[int, str]:
    """A command in this process that does not get as far as serving: exit code and stderr."""
    found = CliRunner(env=environment(api_url)).invoke(cli, command)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stderr


@contextmanager
def started(command: list[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process; it and what it started are killed at the end."""
    process = subprocess.Popen(
        command,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[str], seconds: float = 20) -> tuple[int, str, str]:
    """Its exit code and output."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


@contextmanager
def agent(api_url: str, *options: str, **more: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A service that is ready, on a free port; its endpoint."""
    command = words("agent", "--port", "0", *options)
    with started(command, environment(api_url, **more)) as process:
        assert process.stderr
        while True:
            line = process.stderr.readline()
            assert line, "it has ended"
            found = json.loads(line)
            if found["event"] == "ready":
                break
        yield found["endpoint"], process


def gone(pid: int, seconds: float = 5) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + seconds
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


def send(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """To the process alone, as `kill` does."""
    os.kill(process.pid, number)
