"""The stack itself: what others build on, before the broker does anything."""

from __future__ import annotations

import json

import requests

from .harness import Stack


def test_stack_file_is_private_and_complete(stack: Stack) -> None:
    path = stack.settings.state / "stack.json"
    assert path.stat().st_mode & 0o777 == 0o600
    document = json.loads(path.read_text())
    assert set(document) == {
        *("api_url", "region", "aws_endpoint_url", "identity_platform_url", "principals"),
        "web_identity",
    }
    assert set(document["principals"]) == {"operator", "team-a", "team-b"}
    for principal in document["principals"].values():
        assert set(principal) == {
            *("role_arn", "access_key_id", "secret_access_key", "session_token")
        }


def test_teams_may_only_fetch_tokens(stack: Stack) -> None:
    team = stack.team_a
    refused = [
        team.get("/connections"),
        team.get("/connections/x"),
        team.post("/connections", {}),
        team.patch("/connections/x", {}),
        team.delete("/connections/x"),
        team.post("/connections/x/authorizations", {}),
        team.post("/connections/x/refresh"),
        team.put("/connections/x/refresh-token", {}),
    ]
    assert {answer.status_code for answer in refused} == {403}
    # The broker itself answers on the token route: IAM has let the caller through.
    assert team.get("/connections/x/token").json()["code"] == "access_denied"


def test_gateway_refuses_in_the_contracts_shape(stack: Stack) -> None:
    for path in ("/connections", "/connections/x/token", "/no-such-route"):
        answer = requests.get(stack.api_url + path, timeout=60)
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "not_authorized"
        assert "arn:" not in answer.text


def test_browser_routes_need_no_signature(stack: Stack) -> None:
    for path in ("/authorize", "/callback", "/admin-consent"):
        answer = requests.get(stack.api_url + path, timeout=60)
        assert answer.headers["Content-Type"].startswith("text/html")
