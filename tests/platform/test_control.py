"""The control API: clients, settings, counters; and the server itself."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.simulator.client import Platform

from .application import ADS, GRAPH, OWNER, SCOPE, Application, refusals


def test_secret_rotation(application: Application) -> None:
    platform, client_id = application.platform, application.registration.client_id
    first = application.registration.client_secret
    token = application.tokens()["refresh_token"]
    both = [{"value": first, "expires_in": 100}, {"value": "second"}]
    platform.client(client_id, secrets=both)
    assert application.refresh(token).status_code == 200
    assert application.refresh(token, client_secret="second").status_code == 200
    platform.clock(101)
    answer = application.refresh(token)
    assert (refusals(answer), answer.status_code) == ([7000222], 401)
    platform.client(client_id, secrets=[{"value": "second"}])
    assert refusals(application.refresh(token)) == [7000215]
    assert application.refresh(token, client_secret="second").status_code == 200


def test_redirect_uris(application: Application) -> None:
    uri = "https://broker.example/prod/callback"
    client = application.platform.client(
        application.registration.client_id, redirect_uris=[uri, "https://bare.example"]
    )
    assert client["redirect_uris"] == [uri, "https://bare.example"]
    code = application.code(redirect_uri=uri)
    assert application.redeem(code, redirect_uri=uri).status_code == 200
    url = application.authorize_url(redirect_uri="https://bare.example")
    redirect = application.platform.consent(url, OWNER).redirect
    assert redirect is not None
    assert redirect.startswith("https://bare.example/?code=")


def test_removed_client(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.remove_client(application.registration.client_id)
    assert refusals(application.refresh(token)) == [700016]


def test_clients_are_shown_without_secrets(application: Application) -> None:
    text = requests.get(application.platform.base_url + "/_control/clients", timeout=30).text
    assert application.registration.client_id in text
    assert application.registration.client_secret not in json.loads(json.dumps(text))


def test_mint(application: Application) -> None:
    answer = application.platform.mint(OWNER, f"{SCOPE} {GRAPH}")
    assert answer["scope"] == ADS
    assert application.refresh(answer["refresh_token"], scope=GRAPH).status_code == 200


def test_counters(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.refresh(token)
    application.refresh(token, client_secret="wrong")
    counters = application.platform.counters()
    assert counters["token.authorization_code.ok"] == 1
    assert counters["token.refresh_token.ok"] == 1
    assert counters["token.refresh_token.invalid_client"] == 1
    assert counters["token"] == 3
    assert counters["authorize.redirect"] == 1
    assert application.platform.redemptions(outcome=None) == 2


def test_reset(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.clock(1000)
    application.platform.settings(latency_ms=1)
    application.platform.act(OWNER, "delete")
    application.platform.reset()
    assert refusals(application.refresh(token)) == [70000]
    assert application.tokens()["scope"] == ADS
    assert application.platform.settings()["latency_ms"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "settings", {"speed": 1}),
        ("PATCH", "users/nobody@contoso.example", {}),
        ("PATCH", f"users/{OWNER}", {"tenant": "x"}),
        ("POST", f"users/{OWNER}/promote", {}),
        ("POST", "tenants/fabrikam.example/forget", {}),
        ("POST", "clock", {}),
        ("POST", "clients", {}),
        ("DELETE", "clients/unknown", None),
        ("POST", "consent", {"url": "http://x/", "user": OWNER, "action": "shrug"}),
        ("POST", "faults", ["list"]),
    ],
)
def test_mistaken_calls(platform: Platform, method: str, path: str, body: Any) -> None:
    url = f"{platform.base_url}/_control/{path}"
    answer = requests.request(method, url, json=body, timeout=30)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_a_crowd(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.settings(throttle_threshold=None)
    with ThreadPoolExecutor(200) as crowd:
        answers = list(crowd.map(lambda _: application.refresh(token), range(200)))
    assert [answer.status_code for answer in answers] == [200] * 200
    assert len({answer.json()["refresh_token"] for answer in answers}) == 200
    assert application.platform.redemptions() == 200


def test_command_line(tmp_path: Path) -> None:
    state = tmp_path / "identity.json"
    command = [sys.executable, "-m", "local.simulator", "--port", "0", "--state-file", str(state)]
    command += ["--redirect-uri", "https://a.example/callback", "--client-id", "ABC"]
    environment = {"CLIENT_SECRET": "from-the-environment", "PYTHONPATH": "."}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        written = json.loads(state.read_text(encoding="utf-8"))
        assert written["url"] in line
        assert written["client_id"] == "abc"
        assert Platform(written["url"]).healthy()
        clients = requests.get(written["url"] + "/_control/clients", timeout=30).json()
        assert clients[0]["redirect_uris"] == ["https://a.example/callback"]
        process.terminate()
        assert process.wait(60) == 0
