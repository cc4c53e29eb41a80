"""Bad input on the signed routes: the contract's answer, a reason in the log, nothing changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.harness import ADS, Stack, refused
from tests.e2e.watch import refusal, unchanged

SERVICE = "microsoft-advertising"


@pytest.fixture(scope="module")
def name(stack: Stack) -> str:
    """A connection in use."""
    name = stack.connect()
    stack.fetch(name)
    return name


def creation(**fields: Any) -> dict[str, Any]:
    return {"connection": "bad-input", "service": SERVICE, **fields}


BODIES: dict[str, tuple[Any, int, str]] = {
    "no JSON": ("{not json", 400, "not JSON"),
    # API Gateway hands it over with U+FFFD in its place.
    "no UTF-8": (b'{"connection": "\xff", "service": "x"}', 400, ""),
    "nothing": ("", 400, "not JSON"),
    "nested without end": ("[" * 30_000, 400, "not JSON"),
    "no object": ([1], 400, "must be a JSON object"),
    "too large": ("x" * 70_000, 413, "65536 bytes"),
    "unknown field": (creation(secret_door=1), 400, "1 unknown field(s)"),
    "no service": ({"connection": "bad-input"}, 400, "service"),
    "unknown service": ({"connection": "bad-input", "service": "gopher"}, 400, "service"),
    "path trick": (creation(connection="../../vault"), 400, "connection"),
    "unicode": (creation(connection="マーケティング"), 400, "connection"),
    "look-alike": (creation(connection="ａｄｓ"), 400, "connection"),
    "10,000 characters": (creation(connection="x" * 10_000), 400, "connection"),
    "newline at the end": (creation(connection="bad-input\n"), 400, "connection"),
    "capital": (creation(connection="Bad-Input"), 400, "connection"),
    "name of another type": (creation(connection={"S": "x"}), 400, "connection"),
    "scope with control": (creation(scopes=[f"{ADS}/ms\x00ads"]), 400, "scopes"),
    "scope with newline": (creation(scopes=[f"{ADS}/msads.manage\n"]), 400, "scopes"),
    "scope with space": (creation(scopes=[f"{ADS}/a {ADS}/b"]), 400, "scopes"),
    "scopes as text": (creation(scopes=f"{ADS}/msads.manage"), 400, "scopes"),
    "too many scopes": (creation(scopes=[f"{ADS}/s{n}" for n in range(51)]), 400, "scopes"),
    "tenant with a path": (creation(tenant="common/../x"), 400, "tenant"),
    "resource of no customer": (creation(resource="https://evil.example"), 400, "resource"),
    "everyone": (creation(grants=[{"principal": "*"}]), 400, "grants[0]"),
    "any account": (
        creation(grants=[{"principal": "arn:aws:iam::*:role/x"}]),
        400,
        "grants[0].principal",
    ),
    "any role": (
        creation(grants=[{"principal": "arn:aws:iam::000000000000:role/*"}]),
        400,
        "grants[0].principal",
    ),
    "object id of no GUID": (creation(account={"object_id": "1"}), 400, "account.object_id"),
    "label with control": (creation(labels={"a": "b\x1b"}), 400, "labels"),
    "header in a parameter": (
        creation(parameters={"developer_token": "a\r\nb: c"}),
        400,
        "parameters.developer_token",
    ),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_wrong_creates_nothing(stack: Stack, name: str, case: str) -> None:
    body, status, detail = BODIES[case]
    with refusal(stack, "connections", "invalid_request", detail):
        answer = stack.operator.post("/connections", body)
        assert detail in refused(answer, status, "invalid_request")["detail"]


CHANGES: list[tuple[str, str, Any, str]] = [
    ("PATCH", "", {"status": "active"}, "unknown field"),
    ("PATCH", "", {"version": "1"}, "version"),
    ("PATCH", "", {"suspended": "yes"}, "suspended"),
    ("PATCH", "", {"grants": {}}, "grants"),
    ("PATCH", "", "null", "must be a JSON object"),
    ("POST", "/authorizations", {"ticket": "x"}, "unknown field"),
    ("POST", "/authorizations", {"scopes": ["a\tb"]}, "scopes"),
    ("POST", "/authorizations", {"allow_account_change": 1}, "allow_account_change"),
    ("PUT", "/refresh-token", {}, "refresh_token"),
    ("PUT", "/refresh-token", {"refresh_token": "a b"}, "refresh_token"),
    ("PUT", "/refresh-token", {"refresh_token": "x" * 16_385}, "refresh_token"),
]


@pytest.mark.parametrize(("method", "path", "body", "detail"), CHANGES)
def test_a_change_that_is_wrong_changes_nothing(
    stack: Stack, name: str, method: str, path: str, body: Any, detail: str
) -> None:
    with refusal(stack, "connections", "invalid_request", detail):
        answer = stack.operator.request(method, f"/connections/{name}{path}", body=body)
        assert detail in refused(answer, 400, "invalid_request")["detail"]


def test_a_body_of_another_type(stack: Stack, name: str) -> None:
    with refusal(stack, "connections", "invalid_request", "Content-Type"):
        answer = stack.operator.request(
            "POST",
            "/connections",
            body=json.dumps(creation()),
            headers={"Content-Type": "text/plain"},
        )
        refused(answer, 415, "invalid_request")


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": ["1", "2"]}, "each once"),
        ({"status": "ACTIVE"}, "status"),
        ({"cursor": "e30"}, "cursor"),
        ({"cursor": "\x00"}, "cursor"),
        ({"page": "2"}, "each once"),
    ],
)
def test_a_list_query_that_is_wrong(stack: Stack, query: dict[str, Any], detail: str) -> None:
    with refusal(stack, "connections", "invalid_request", detail):
        answer = stack.operator.get("/connections", **query)
        assert detail in refused(answer, 400, "invalid_request")["detail"]


SLUGS = {
    "backslash": "..%5C..",
    "encoded twice": "%252e%252e",
    "null": "a%00b",
    "unicode": "%E3%81%82",
    "capital": "Marketing",
    "10,000 characters": "x" * 10_000,
    "star": "*",
}


@pytest.mark.parametrize("case", SLUGS)
def test_a_name_that_is_wrong(stack: Stack, name: str, case: str) -> None:
    for function, caller, path in (
        ("connections", stack.operator, f"/connections/{SLUGS[case]}"),
        ("token", stack.team_a, f"/connections/{SLUGS[case]}/token"),
    ):
        with refusal(stack, function, "invalid_request", "connection:"):
            refused(caller.get(path), 400, "invalid_request")


@pytest.mark.parametrize("slug", ["..%2F..%2Fvault", "%2E%2E", "a%0Ab"])
def test_a_name_that_the_gateway_may_stop(stack: Stack, name: str, slug: str) -> None:
    for caller, path in (
        (stack.operator, f"/connections/{slug}"),
        (stack.team_a, f"/connections/{slug}/token"),
    ):
        with unchanged(stack):
            assert caller.get(path).status_code in (400, 403)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"min_ttl": "-1"}, "min_ttl"),
        ({"min_ttl": "2701"}, "min_ttl"),
        ({"min_ttl": "9" * 400}, "min_ttl"),
        ({"min_ttl": "1.5"}, "min_ttl"),
        ({"min_ttl": "١"}, "min_ttl"),
        ({"min_ttl": ["1", "2"]}, "min_ttl"),
        ({"scope": "User.Read\x01"}, "scope"),
        ({"scope": "User.Read\r\nX: y"}, "scope"),
        ({"scope": "https://graph.microsoft.com/"}, "scope"),
        ({"scope": "openid"}, "scope"),
        ({"scope": ""}, "scope"),
        ({"scope": "x" * 4097}, "scope"),
        ({"rejected": "abc"}, "rejected"),
        ({"refresh": "1"}, "scope, min_ttl and rejected"),
    ],
)
def test_a_token_query_that_is_wrong(
    stack: Stack, name: str, query: dict[str, Any], detail: str
) -> None:
    with refusal(stack, "token", "invalid_request", detail):
        answer = stack.team_a.get(f"/connections/{name}/token", **query)
        assert detail in refused(answer, 400, "invalid_request")["detail"]
