"""`token-broker agent`: a service with a secret of its own, a ready check, a graceful end."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.client.fake import Broker
from token_broker.agent import secret
from token_broker.agent.journal import Journal
from token_broker.errors import InvalidArgument

from .commands import agent, ended, refused, run, send
from .serving import ADS, VERSION

QUERY = f"api-version={VERSION}&resource={ADS}"


def ask(endpoint: str, value: str, query: str = QUERY) -> tuple[int, dict[str, str]]:
    parts = urlsplit(endpoint)
    connection = HTTPConnection(parts.hostname or "", parts.port or 0, timeout=20)
    try:
        connection.request("GET", f"{parts.path}?{query}", headers={"X-IDENTITY-HEADER": value})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_a_service_from_start_to_end(fake: Broker, tmp_path: Path) -> None:
    """The secret's file is made, the ready check passes, a request under way is still answered."""
    file = tmp_path / "secret"
    fake.delay = 0.6
    with agent(fake.url, "--secret-file", str(file), "--connection", "ads-jp") as (endpoint, it):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        value = file.read_text().strip()
        port = str(urlsplit(endpoint).port)
        assert run(fake.url, "agent", "--check", "--port", port).returncode == 0
        found: list[tuple[int, dict[str, str]]] = []
        thread = threading.Thread(target=lambda: found.append(ask(endpoint, value)))
        thread.start()
        time.sleep(0.25)
        send(it, signal.SIGTERM)
        thread.join(10)
        assert [(status, body["access_token"]) for status, body in found] == [(200, "token-1")]
        code, out, log = ended(it)
        assert (code, out) == (0, "")
        assert json.loads(log.splitlines()[-1])["event"] == "ended"
        assert value not in log
        assert run(fake.url, "agent", "--check", "--port", port).returncode == 1


def test_a_secret_that_is_there_is_kept(fake: Broker, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s" * 40 + "\n")
    file.chmod(0o640)
    with agent(fake.url, "--secret-file", str(file), "--connection", "a") as (endpoint, _):
        assert ask(endpoint, "s" * 40)[0] == 200
        assert ask(endpoint, "s" * 39)[0] == 403
    assert file.read_text() == "s" * 40 + "\n"


def test_a_secret_of_the_orchestrator(fake: Broker) -> None:
    given = {secret.VARIABLE: "o" * 43}
    with agent(fake.url, "--connection", "a", **given) as (endpoint, _):
        assert ask(endpoint, "o" * 43)[0] == 200


def test_settings_of_a_file(fake: Broker, tmp_path: Path) -> None:
    """Options win over it."""
    file = tmp_path / "agent.toml"
    file.write_text(
        f'api_url = "{fake.url}"\nconnection = ["ads-jp", "ads-us"]\nimds = true\nport = 1\n'
        f'secret_file = "{tmp_path / "secret"}"\n\n[map]\n"https://graph.microsoft.com" = "graph"\n'
    )
    with agent("", "--config", str(file)) as (endpoint, _):
        value = (tmp_path / "secret").read_text().strip()
        graph = f"api-version={VERSION}&resource=https://graph.microsoft.com/"
        assert ask(endpoint, value, graph)[1]["client_id"] == "graph"
        assert "ads-jp, ads-us, graph" in ask(endpoint, value)[1]["message"]
        imds = endpoint.replace("/msi/token", "/metadata/identity/oauth2/token")
        assert ask(imds, value, "")[1]["message"].startswith("The header Metadata")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("canary", "it is no TOML"),
        ('prot = "canary"', "unknown settings; known are"),
        ('connection = "canary"', "connection has the wrong kind of value"),
        ("port = [1]", "port has the wrong kind of value"),
        ('[map]\n"https://a" = "no name"', "A connection's name has"),
        (None, "No such file"),
    ],
)
def test_a_file_that_will_not_do(fake: Broker, tmp_path: Path, text: str | None, says: str) -> None:
    file = tmp_path / "agent.toml"
    if text is not None:
        file.write_text(text)
    options = ["--config", str(file), "--secret-file", str(tmp_path / "secret")]
    code, told = refused(fake.url, "agent", *options)
    assert code == 2
    assert says in told
    assert "canary" not in told


def test_a_port_in_use(fake: Broker, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = ["--port", port, "--secret-file", str(tmp_path / "secret")]
        code, told = refused(fake.url, "agent", *options)
    assert code == 2
    assert f"Cannot listen on 127.0.0.1, port {port}: Address already in use." in told


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "--allow-remote insists on it"),
        (["--host", "::"], "--allow-remote insists on it"),
        (["--host", "localhost"], "--host is an address"),
        ([], "Give --secret-file, or set TOKEN_BROKER_AGENT_SECRET"),
        (["--secret-file", "/nonexistent/secret"], "No such file or directory"),
        (["--secret-file", "/dev/null"], "no regular file"),
    ],
)
def test_wrong_usage(fake: Broker, options: list[str], says: str) -> None:
    code, told = refused(fake.url, "agent", *options)
    assert code == 2
    assert says in told


def test_beyond_this_host_only_by_force_and_by_name(fake: Broker) -> None:
    options = ["--host", "0.0.0.0", "--allow-remote", "--name", "agent.internal"]
    with agent(fake.url, *options, **{secret.VARIABLE: "o" * 43}) as (endpoint, _):
        port = urlsplit(endpoint).port
        for host, status in (("agent.internal", 200), (f"Agent.internal:{port}", 200), ("x", 403)):
            connection = HTTPConnection("127.0.0.1", port or 0, timeout=10)
            connection.request("GET", "/healthz", headers={"Host": host})
            assert connection.getresponse().status == status
            connection.close()


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [
        (b"short", 0o600, "32 to 512 characters"),
        (b"", 0o600, "32 to 512 characters"),
        (b"x" * 513, 0o600, "32 to 512 characters"),
        (b"canary canary canary canary canary", 0o600, "visible ASCII"),
        ("ü".encode() * 40, 0o600, "visible ASCII"),
        (b"x" * 43, 0o620, "others may write it (mode 0620)"),
        (b"x" * 43, 0o602, "others may write it (mode 0602)"),
    ],
)
def test_a_secret_that_will_not_do(tmp_path: Path, content: bytes, mode: int, says: str) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(InvalidArgument) as caught:
        secret.from_file(file)
    assert says in str(caught.value)
    assert "canary" not in str(caught.value)


def test_two_agents_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    file, found = tmp_path / "secret", set[str]()
    barrier = threading.Barrier(8)

    def one() -> None:
        barrier.wait(10)
        found.add(secret.from_file(file))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_secret_everybody_may_read_is_told(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    import sys

    file = tmp_path / "secret"
    secret.from_file(file)
    file.chmod(0o644)
    secret.given(file, Journal(sys.stderr))
    assert "every user of this host" in capsys.readouterr().err


def test_the_orchestrators_secret_leaves_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(secret.VARIABLE, "o" * 43)
    assert secret.given(None, Journal(None)) == "o" * 43
    assert secret.VARIABLE not in os.environ


def test_the_journal_knows_its_fields() -> None:
    import io

    with pytest.raises(KeyError):
        Journal(io.StringIO()).note("answered", access_token="x")
