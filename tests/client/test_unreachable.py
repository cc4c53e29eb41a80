"""No answer: which host, why, and whether it is tried again."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from token_broker import TokenBroker, TokenBrokerError
from token_broker.errors import CallerActionRequired, Retryable

from .fake import Answer, Broker, Job, nobody


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port where every connection gets these bytes, or is closed at once."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    if answer is not None:
                        peer.recv(1024)
                        peer.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def failed(url: str, **more: Any) -> tuple[TokenBrokerError, list[float]]:
    """The error, and the pauses before it."""
    pauses: list[float] = []
    with TokenBroker(url, session=Job(), **more) as client:
        client._transport._sleep = pauses.append
        with pytest.raises(TokenBrokerError) as caught:
            client.token("a")
    assert caught.value.code == "unreachable"
    return caught.value, pauses


def unresolved(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(number, "as the resolver says")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_a_refused_connection_fails_at_once() -> None:
    begun = time.monotonic()
    error, pauses = failed(nobody())
    assert "127.0.0.1: the connection was refused" in str(error)
    assert isinstance(error, CallerActionRequired)
    assert not pauses
    assert time.monotonic() - begun < 2


def test_a_host_that_does_not_exist_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    unresolved(monkeypatch, socket.EAI_NONAME)
    error, pauses = failed("https://nowhere.example/v1")
    assert "nowhere.example: DNS: there is no such host" in str(error)
    assert isinstance(error, CallerActionRequired)
    assert not pauses


def test_a_name_server_that_is_silent_is_asked_twice_more(monkeypatch: pytest.MonkeyPatch) -> None:
    unresolved(monkeypatch, socket.EAI_AGAIN)
    error, pauses = failed("https://nowhere.example/v1")
    assert "DNS: no answer" in str(error)
    assert isinstance(error, Retryable)
    assert len(pauses) == 2
    assert sum(pauses) < 3


def test_a_name_that_dns_cannot_have_fails_at_once() -> None:
    error, pauses = failed(f"https://{'x' * 70}.example/v1")
    assert "DNS" in str(error)
    assert not pauses


def test_what_does_not_speak_tls_fails_at_once() -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error, pauses = failed(f"https://127.0.0.1:{port}/v1")
    assert "TLS: the handshake failed" in str(error)
    assert not pauses


def test_a_certificate_that_is_not_trusted_fails_at_once() -> None:
    session = requests.Session()

    def refuse(*_: object, **__: object) -> None:
        untrusted = ssl.SSLCertVerificationError("certificate verify failed")
        untrusted.verify_message = "self-signed certificate"
        raise requests.exceptions.SSLError(untrusted)

    session.request = refuse  # type: ignore[method-assign,assignment]
    error, pauses = failed("https://broker.example/v1", http=session)
    assert "not trusted: self-signed certificate" in str(error)
    assert "REQUESTS_CA_BUNDLE" in error.remedy
    assert not pauses


def test_a_connection_that_breaks_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "token_broker")
    with listening(None) as port:
        error, pauses = failed(f"http://127.0.0.1:{port}/v1")
    assert isinstance(error, Retryable)
    assert (error.actor, len(pauses)) == ("nobody", 2)
    assert caplog.text.count("retrying in") == 2


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://abc.execute-api.eu-west-1.amazonaws.com", "no stage"),
        ("https://abc.execute-api.eu-west-1.amazonaws.com/v1?x=1", "without a query"),
        ("https://user:canary@broker.example/v1", "no user name"),
        ("http://broker.example/v1", "https only"),
        ("https://[broken/v1", "cannot be read"),
        ("https:///v1", "no host"),
        ("broker.example/v1", "no host"),
        ("https://broker.example:port/v1", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_by_the_constructor(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        TokenBroker(url, session=Job())
    assert isinstance(caught.value, CallerActionRequired)
    assert "canary" not in str(caught.value)


def test_a_missing_stage_is_said_to_be_one(fake: Broker, broker: TokenBroker) -> None:
    fake.script.append(Answer(403, {"message": "Missing Authentication Token"}))
    with pytest.raises(TokenBrokerError, match="the stage or the path") as caught:
        broker.token("a")
    assert caught.value.code == "unexpected_answer"
