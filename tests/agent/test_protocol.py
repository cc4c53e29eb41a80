"""The protocol of App Service, as libraries speak it."""

from __future__ import annotations

import json
import statistics
import time
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.client.fake import Answer, Broker, problem
from token_broker.agent.choice import Choice

from .serving import ADS, VERSION, Served, serving

REQUESTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "requests.json").read_text(encoding="utf-8")
)
"""Requests of libraries that do not run here, as their sources build them."""


def test_an_answer_has_what_every_library_reads(agent: Served) -> None:
    reply = agent.ask(client_id="ads-jp")
    assert reply.status == 200
    ends = reply.body.pop("expires_on")
    assert isinstance(ends, str)
    assert abs(int(ends) - time.time() - 3600) < 10
    assert reply.body == {
        "access_token": "token-1",
        "resource": ADS,
        "token_type": "Bearer",
        "client_id": "ads-jp",
    }
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"] == "application/json"
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda found: found["library"])
def test_requests_of_other_libraries(fake: Broker, request_: dict[str, Any]) -> None:
    """The same bytes, but for the secret and the port."""
    with serving(fake.url, Choice(("ads-jp",))) as agent:
        lines = [f"GET {request_['target']} HTTP/1.1"]
        for name, value in request_["headers"].items():
            filled = value.replace("{secret}", agent.plan.secret)
            lines.append(f"{name}: {filled.replace('{port}', str(agent.port))}")
        raw = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
        head, _, body = agent.send(raw).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {request_['status']} ".encode())
    answer = json.loads(body)
    if request_["status"] == 200:
        assert (answer["access_token"], answer["resource"]) == ("token-1", request_["resource"])
        assert [asked.path for asked in fake.asked] == ["/connections/ads-jp/token"]
        assert fake.asked[0].query["scope"] == request_["scope"]
    else:
        assert request_["says"] in answer["message"]
        assert not fake.asked


@pytest.mark.parametrize(
    ("resource", "scope"),
    [
        (ADS, f"{ADS}/.default"),
        (f"{ADS}/", f"{ADS}/.default"),
        ("https://ADS.Microsoft.com", f"{ADS}/.default"),
        (f"{ADS}/.default", f"{ADS}/.default"),
        (f"{ADS}/msads.manage", f"{ADS}/msads.manage"),
        ("d42ffc93-c136-491d-b4fd-6f18168c68fd", f"{ADS}/.default"),
        ("D42FFC93-C136-491D-B4FD-6F18168C68FD/msads.manage", f"{ADS}/msads.manage"),
        ("00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com/.default"),
        ("https://analysis.windows.net/powerbi/api", None),
        ("https://analysis.windows.net/powerbi/api/", None),
        ("api://some-app", "api://some-app/.default"),
        ("11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555/.default"),
    ],
)
def test_spellings_of_a_resource(
    agent: Served, fake: Broker, resource: str, scope: str | None
) -> None:
    reply = agent.ask(resource, client_id="ads-jp")
    assert reply.status == 200
    assert reply.body["resource"] == resource
    asked = "https://analysis.windows.net/powerbi/api/.default"
    assert [one.query["scope"] for one in fake.asked] == [scope or asked]


def test_no_answer_waits_for_an_acknowledgement(agent: Served) -> None:
    """Nagle's algorithm would hold every answer on a kept connection up for 40 ms."""
    connection = HTTPConnection("127.0.0.1", agent.port)
    seconds = []
    for _ in range(20):
        begun = time.perf_counter()
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        seconds.append(time.perf_counter() - begun)
    connection.close()
    assert statistics.median(seconds) < 0.02


def test_spellings_share_one_token(agent: Served, fake: Broker) -> None:
    for resource in (ADS, f"{ADS}/", f"{ADS}/.default", "https://Ads.microsoft.com"):
        assert agent.ask(resource, client_id="ads-jp").status == 200
    assert len(fake.asked) == 1


def test_a_path_may_be_a_scope_or_a_resource(agent: Served, fake: Broker) -> None:
    """The broker knows; what it said is remembered."""
    deep = "https://api.example.com/v2"
    fake.script.append(problem("scope_not_granted", 422))
    assert agent.ask(deep, client_id="c").status == 200
    assert agent.ask(deep, client_id="c").status == 200
    assert [one.query["scope"] for one in fake.asked] == [deep, f"{deep}/.default"]


def test_a_scope_nobody_granted_is_told_as_it_was_asked(agent: Served, fake: Broker) -> None:
    fake.script += [problem("scope_not_granted", 422, detail=f"No. {n}.") for n in (1, 2)]
    reply = agent.ask(f"{ADS}/other", client_id="c")
    assert reply.status == 400
    assert "No. 1." in reply.body["message"]


def test_a_map_chooses_the_connection(fake: Broker) -> None:
    maps = {ADS: "ads-jp", "https://graph.microsoft.com": "graph-jp", f"{ADS}/special": "ads-us"}
    with serving(fake.url, Choice((), maps)) as agent:
        asked = [ADS, f"{ADS}/msads.manage", "https://graph.microsoft.com/", f"{ADS}/special"]
        named = [agent.ask(resource).body["client_id"] for resource in asked]
        assert named == ["ads-jp", "ads-jp", "graph-jp", "ads-us"]
        assert agent.ask(ADS, client_id="graph-jp").body["client_id"] == "graph-jp"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "api-version must be"),
        ("api-version=2017-09-01&resource=x", "api-version must be"),
        (f"api-version={VERSION}", "resource is missing"),
        (f"api-version={VERSION}&resource=", "resource is missing"),
        (f"api-version={VERSION}&resource={ADS}&client_id=a&client_id=b", "client_id is there twi"),
        (f"api-version={VERSION}&resource={ADS}&client_id=a&object_id=b", "exclude each other"),
        (f"api-version={VERSION}&resource={ADS}&client_id=a&mi_res_id=b", "exclude each other"),
        (f"api-version={VERSION}&resource={ADS}&principal_id=b", "principal_id names no"),
        (f"api-version={VERSION}&resource={ADS}&mi_res_id=/subscriptions/1", "mi_res_id names no"),
        (f"api-version={VERSION}&resource={ADS}&client_id=A%20B", "A connection's name has"),
        (f"api-version={VERSION}&resource={ADS}&client_id=..%2fx", "A connection's name has"),
        (f"api-version={VERSION}&resource={ADS}", "Nothing says whose"),
        (f"api-version={VERSION}&resource=a%0ab&client_id=c", "visible ASCII"),
        (f"api-version={VERSION}&resource=https://[x&client_id=c", "resource is no URL"),
        (f"api-version={VERSION}&resource={'x' * 1025}&client_id=c", "visible ASCII"),
        (f"api-version={VERSION}&resource={'x' * 9000}&client_id=c", "more than 8192"),
        (f"api-version={VERSION}&resource=%ff&client_id=c", "cannot be read"),
        ("&".join(f"a{n}=1" for n in range(40)), "cannot be read"),
        (
            f"api-version={VERSION}&resource={ADS}&client_id=c&token_sha256_to_refresh=zz",
            "64 hex digits",
        ),
    ],
)
def test_bad_questions_are_400_in_one_line(
    agent: Served, fake: Broker, query: str, says: str
) -> None:
    reply = agent.get(f"/msi/token?{query}")
    assert reply.status == 400
    assert reply.body["statusCode"] == 400
    assert says in reply.body["message"]
    assert "\n" not in reply.body["message"]
    assert reply.body["correlationId"]
    assert not fake.asked


def test_the_choices_are_told_to_those_who_know_the_secret(fake: Broker) -> None:
    with serving(fake.url, Choice(("ads-jp", "ads-us"))) as agent:
        for reply in (agent.ask(), agent.ask(client_id="ads-uk")):
            assert reply.status == 400
            assert "ads-jp, ads-us" in reply.body["message"]
        stranger = agent.get(f"/msi/token?resource={ADS}", {"X-IDENTITY-HEADER": "no"})
        assert "ads-jp" not in json.dumps(stranger.body)
    assert not fake.asked


PERSON = [
    *[("access_denied", 403), ("reauthorization_required", 409), ("mfa_required", 409)],
    *[("authorization_pending", 409), ("admin_consent_required", 409), ("suspended", 409)],
    *[("client_misconfigured", 502), ("internal_error", 500), ("blocked_by_policy", 409)],
]


@pytest.mark.parametrize(("code", "status"), PERSON)
def test_what_a_person_heals_is_400(agent: Served, fake: Broker, code: str, status: int) -> None:
    """No library tries it again, and each shows the message."""
    fake.script.append(problem(code, status, actor="owner", remedy="Open the new link."))
    reply = agent.ask(client_id="ads-jp")
    assert reply.status == 400
    assert "retry-after" not in reply.headers
    message = reply.body["message"]
    assert message.startswith(f"ads-jp: Title of {code} [{code}, {status}]")
    assert "owner: Open the new link." in message
    assert reply.body["correlationId"] == "request-1"


@pytest.mark.parametrize(
    ("code", "status", "retry_after", "told"),
    [
        ("throttled", 503, 120, "5"),
        ("refresh_in_progress", 503, 45, "5"),
        ("provider_unavailable", 503, 3, "3"),
    ],
)
def test_what_heals_itself_is_503_and_soon_again(
    fake: Broker, code: str, status: int, retry_after: int, told: str
) -> None:
    fake.script.append(problem(code, status, retry_after=retry_after, actor="nobody"))
    with serving(fake.url, timeout=0.5) as agent:
        reply = agent.ask(client_id="ads-jp")
        assert (reply.status, reply.headers["retry-after"]) == (503, told)
        assert f"[{code}, {status}]" in reply.body["message"]


def test_a_broker_that_answers_garbage(agent: Served, fake: Broker) -> None:
    fake.script.append(Answer(200, b"<html>a proxy's page, token-1</html>"))
    reply = agent.ask(client_id="ads-jp")
    assert reply.status == 400
    assert "unexpected_answer" in reply.body["message"]
    assert "html" not in reply.body["message"]


def test_a_broker_that_is_away() -> None:
    """Nobody listens: somebody must look at the URL. (API Gateway refuses no connection.)"""
    with serving("http://127.0.0.1:1", Choice(("ads-jp",))) as agent:
        reply = agent.ask()
        assert reply.status == 400
        assert "unreachable" in reply.body["message"]
        assert "127.0.0.1: the connection was refused" in reply.body["message"]


def test_a_broker_that_hangs(fake: Broker) -> None:
    """The answer comes soon, and says that it may be asked again; the fetch goes on."""
    fake.delay = 1.0
    with serving(fake.url, Choice(("ads-jp",)), wait=0.2) as agent:
        reply = agent.ask()
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert "has not answered within 0.2 s" in reply.body["message"]
        time.sleep(1.1)
        assert agent.ask().status == 200
    assert len(fake.asked) == 1


def test_a_refused_token_is_replaced(agent: Served, fake: Broker) -> None:
    digest = "2f5f7b9e4c3a" + "0" * 52
    first = agent.ask(client_id="ads-jp")
    assert agent.ask(client_id="ads-jp", token_sha256_to_refresh=digest).body == first.body
    assert len(fake.asked) == 1, "somebody else's token"
    refused = sha256(first.body["access_token"].encode()).hexdigest().upper()
    second = agent.ask(client_id="ads-jp", token_sha256_to_refresh=refused)
    assert second.body["access_token"] == "token-2"
    assert fake.asked[-1].query["rejected"] == refused.lower()
    assert agent.ask(client_id="ads-jp", token_sha256_to_refresh=refused).body == second.body
    assert len(fake.asked) == 2
