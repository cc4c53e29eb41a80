"""Who gets no token: relayed requests, browsers, strangers, and clients that mean no good."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from tests.client.fake import Broker
from token_broker.agent.choice import Choice

from .serving import ADS, VERSION, Served, received, serving

TOKEN = f"/msi/token?{urlencode({'api-version': VERSION, 'resource': ADS, 'client_id': 'c'})}"
PATHS = [TOKEN, "/connections/c/token"]


def refused(agent: Served, fake: Broker, headers: Mapping[str, str], code: str) -> None:
    for path in PATHS:
        reply = agent.get(path, headers)
        assert reply.status == 403
        assert reply.body["statusCode"] == 403
        assert "token" not in reply.body
        assert not [name for name in reply.headers if name.startswith("access-control")]
        assert agent.lines()[-1]["code"] == code
    assert not fake.asked


@pytest.mark.parametrize("given", ["", "x", "é", "x" * 43, "x" * 20_000])
def test_a_wrong_secret(agent: Served, fake: Broker, given: str) -> None:
    refused(agent, fake, {"X-IDENTITY-HEADER": given}, "wrong_secret")


def test_a_secret_that_begins_right(agent: Served, fake: Broker) -> None:
    secret = agent.plan.secret
    for given in (secret[:-1], secret + "x", secret.upper() + "x", secret[::-1]):
        refused(agent, fake, {"X-IDENTITY-HEADER": given}, "wrong_secret")


def test_no_secret(agent: Served, fake: Broker) -> None:
    raw = f"GET {TOKEN} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    assert b"403" in agent.send(raw).splitlines()[0]
    inside = f"GET {TOKEN}&X-IDENTITY-HEADER={agent.plan.secret} HTTP/1.1\r\nHost: localhost\r\n"
    assert b"403" in agent.send(inside.encode() + b"Connection: close\r\n\r\n").splitlines()[0]
    assert not fake.asked


@pytest.mark.parametrize("name", ["X-Forwarded-For", "x-forwarded-host", "Forwarded", "Via"])
def test_a_relayed_request_even_with_the_secret(agent: Served, fake: Broker, name: str) -> None:
    refused(agent, fake, {name: "10.0.0.1"}, "relayed")
    refused(agent, fake, {name: ""}, "relayed")


@pytest.mark.parametrize(
    "host",
    [
        *["evil.example", "evil.example:{port}", "localhost.evil.example:{port}", "10.0.0.1"],
        *["127.0.0.1:1", "localhost:{port}0", "127.0.0.1.nip.io:{port}", "0.0.0.0:{port}", "@", ""],
    ],
)
def test_a_foreign_host(agent: Served, fake: Broker, host: str) -> None:
    """DNS rebinding: a page's own name that resolves to this address."""
    refused(agent, fake, {"Host": host.format(port=agent.port)}, "foreign_host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]"])
def test_hosts_of_its_own(agent: Served, host: str) -> None:
    assert agent.get(TOKEN, {"Host": host.format(port=agent.port)}).status == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_browser(agent: Served, fake: Broker, headers: dict[str, str]) -> None:
    refused(agent, fake, headers, "browser")


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS", "DELETE", "TRACE", "FOO"])
def test_get_only(agent: Served, fake: Broker, method: str) -> None:
    reply = agent.get(TOKEN, method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET")
    assert not fake.asked


def test_a_preflight_gets_nothing_that_lets_a_page_in(agent: Served) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    reply = agent.get(TOKEN, asked, "OPTIONS")
    assert reply.status == 403
    assert not [name for name in reply.headers if name.startswith("access-control")]


def test_paths_that_are_none(agent: Served, fake: Broker) -> None:
    for path in ("/", "/msi", "/msi/token/", "//msi/token", "/MSI/token", "/connections/c", "/x"):
        reply = agent.get(path)
        assert reply.status == 404
        assert "location" not in reply.headers
        assert agent.get(path, {"X-IDENTITY-HEADER": "no"}).status == 403, "no probing"
    assert not fake.asked


def test_a_megabyte(agent: Served, fake: Broker) -> None:
    """In the target, in a header, in a body, in chunks: refused, and the next one is served."""
    big = b"x" * 1_000_000
    head = f"Host: localhost\r\nX-IDENTITY-HEADER: {agent.plan.secret}\r\n".encode()
    get = f"GET {TOKEN} HTTP/1.1\r\n".encode()
    attempts = [
        b"GET /" + big + b" HTTP/1.1\r\n" + head + b"\r\n",
        get + head + b"X-Big: " + big + b"\r\n\r\n",
        get + head + b"Content-Length: 1000000\r\n\r\n" + big,
        get + head + b"Transfer-Encoding: chunked\r\n\r\nF4240\r\n" + big + b"\r\n0\r\n\r\n",
    ]
    for attempt in attempts:
        try:
            answer = agent.send(attempt)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""  # it has closed before all was sent
        assert not answer or answer.split()[1] in (b"400", b"413"), answer[:100]
        assert b"token-1" not in answer
    assert not fake.asked
    assert agent.get(TOKEN).status == 200


def test_smuggled_requests(agent: Served, fake: Broker) -> None:
    """What follows a refused body is never read as a request."""
    head = f"Host: localhost\r\nX-IDENTITY-HEADER: {agent.plan.secret}\r\n"
    second = f"GET {TOKEN} HTTP/1.1\r\n{head}\r\n"
    for extra in (
        f"Content-Length: {len(second)}\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n",
    ):
        answer = agent.send(f"GET {TOKEN} HTTP/1.1\r\n{head}{extra}\r\n{second}".encode())
        assert answer.count(b"HTTP/1.1") == 1
        assert answer.split()[1] in (b"400", b"413")
    assert not fake.asked


@pytest.mark.parametrize(
    "raw", [b"\x00" * 100, b"GET\r\n\r\n", b"GET / FTP/1.0\r\n\r\n", b"\x16\x03\x01\x02\x00" * 9]
)
def test_what_is_no_http(agent: Served, raw: bytes) -> None:
    answer = agent.send(raw + b"\r\n\r\n")
    assert answer.split()[1] == b"400"
    assert agent.get("/healthz").status == 200


def test_slow_clients_end(fake: Broker) -> None:
    """A header byte by byte, nothing at all, and half a second request: each is ended."""
    with serving(fake.url, Choice(("c",)), protocol={"request_seconds": 0.5}) as agent:
        begun = time.monotonic()
        silent, slow, half = (
            socket.create_connection(("127.0.0.1", agent.port), timeout=10) for _ in range(3)
        )
        head = f"GET /healthz HTTP/1.1\r\nHost: localhost:{agent.port}\r\n\r\n".encode()
        half.sendall(head)
        answer = b""
        while b'"ok"}' not in answer:
            answer += half.recv(4096)
        half.sendall(b"GET /hea")
        slow.settimeout(0.05)
        ended = False
        while not ended and time.monotonic() - begun < 8:
            try:
                slow.sendall(b"G")
                ended = slow.recv(1) == b""
            except TimeoutError:
                continue
            except OSError:
                ended = True
        assert ended
        assert received(silent) == b""
        assert received(half) == b""
        assert time.monotonic() - begun < 6
        for plain in (silent, slow, half):
            plain.close()


def test_connections_are_bounded(fake: Broker) -> None:
    """Beyond the limit a client is told to come again, and is let in once there is room."""
    with serving(fake.url, Choice(("c",)), connections=5) as agent:
        held = [socket.create_connection(("127.0.0.1", agent.port)) for _ in range(5)]
        time.sleep(0.2)
        with socket.create_connection(("127.0.0.1", agent.port), timeout=5) as sixth:
            answer = received(sixth)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in answer
        for plain in held:
            plain.close()
        deadline = time.monotonic() + 5
        status = 0
        while status != 200 and time.monotonic() < deadline:
            try:
                status = agent.get(TOKEN).status
            except OSError:
                time.sleep(0.05)
        assert status == 200


def test_who_goes_away_does_no_harm(agent: Served, fake: Broker) -> None:
    fake.delay = 0.3
    head = f"Host: localhost\r\nX-IDENTITY-HEADER: {agent.plan.secret}\r\n\r\n"
    for _ in range(20):
        plain = socket.create_connection(("127.0.0.1", agent.port))
        plain.sendall(f"GET {TOKEN} HTTP/1.1\r\n{head}".encode())
        plain.close()
    assert agent.get(TOKEN).status == 200
    assert len(fake.asked) == 1


def test_the_ready_check_needs_no_secret_and_tells_nothing(agent: Served) -> None:
    reply = agent.get("/healthz", {"X-IDENTITY-HEADER": ""})
    assert (reply.status, reply.body) == (200, {"status": "ok"})
    assert agent.get("/healthz", {"X-Forwarded-For": "1.2.3.4"}).status == 403


def test_no_secret_is_logged(agent: Served) -> None:
    agent.get(TOKEN, {"X-IDENTITY-HEADER": "canary-wrong-secret", "User-Agent": "a\x1b[31mb"})
    agent.get(TOKEN + "&token_sha256_to_refresh=canary")
    agent.get(TOKEN)
    log = agent.log.getvalue()
    assert len(agent.lines()) == 3
    for canary in ("canary", agent.plan.secret, "token-1", "\x1b", "canary-secret-key"):
        assert canary not in log
    assert agent.plan.secret not in repr(agent.plan)
