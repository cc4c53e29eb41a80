"""The audit log: who did what to which connection, and what changed. Never a secret."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from broker.ports.ambient import Fact
from broker.ports.errors import Unavailable
from local.memory.outside import Telemetry
from tests.unit import handlers
from tests.unit.house import ACCOUNT_ID, ADS, BASE, GRAPH, NAME, OPERATOR, House

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/report-*"
CANARY = "canary-secret"


class Office:
    """The functions that write the audit log, over one house, as API Gateway calls them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.house, self.telemetry = House(), Telemetry()
        own = SimpleNamespace(public_base_url=BASE)
        steps = {
            "connections": self.house.connections_step,
            "token": self.house.token_step,
            "verify": self.house.verify_step,
        }
        self.functions = {
            name: handlers.load(monkeypatch, name, step, own) for name, step in steps.items()
        }
        for function in self.functions.values():
            function.TELEMETRY = self.telemetry
            function.TELEMETRY.flush = lambda: None

    def call(self, name: str, body: object = None, connection: str = NAME) -> dict[str, Any]:
        """One request, from its sample event; the function stands first in its name."""
        event = handlers.event(name)
        text = json.dumps(event).replace("marketing-jp", connection)
        event = json.loads(text) | ({"body": json.dumps(body)} if body is not None else {})
        event["requestContext"]["identity"]["userArn"] = OPERATOR
        found: dict[str, Any] = self.functions[name.partition("-")[0]].handler(event, None)
        return found

    def line(self, message: str = "management") -> dict[str, Fact]:
        """The only line since the last look."""
        lines = [fields for note, fields in self.telemetry.notes if note == message]
        self.telemetry.notes.clear()
        (line,) = lines
        return line


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(monkeypatch)


def create(office: Office, **wish: Any) -> dict[str, Any]:
    wanted = {"connection": NAME, "service": "microsoft-advertising", **wish}
    return office.call("connections-create", wanted)


def test_a_creation(office: Office) -> None:
    answer = create(
        office,
        grants=[{"principal": ACCOUNT_ID}, {"principal": ROLE, "scopes": [ADS, GRAPH]}],
        labels={"team": "x"},
        parameters={"developer_token": CANARY},
    )
    assert answer["statusCode"] == 201
    line = office.line()
    assert line.pop("request_id")
    assert line == {
        "action": "create",
        "connection": NAME,
        "principal": OPERATOR,
        "code": "done",
        "grants_added": [ACCOUNT_ID, f"{ROLE}: {ADS} {GRAPH}"],
        "grants_removed": [],
        "changed": ["labels.team", "parameters.developer_token"],
        "link": 1,
        "scopes": [ADS],
        "allow_account_change": False,
        "send_link": False,
    }


def test_grants_that_come_and_go(office: Office) -> None:
    create(office, grants=[{"principal": ACCOUNT_ID}], labels={"a": "1", "b": "2"})
    office.line()
    grants = [{"principal": ROLE}]
    change = {"grants": grants, "suspended": True, "labels": {"a": None, "b": "3", "c": "4"}}
    assert office.call("connections-change", change)["statusCode"] == 200
    line = office.line()
    assert (line["action"], line["principal"]) == ("change", OPERATOR)
    assert (line["grants_added"], line["grants_removed"]) == ([ROLE], [ACCOUNT_ID])
    assert line["changed"] == ["labels.a", "labels.b", "labels.c", "suspended"]
    assert line["suspended"] is True
    office.call("connections-change", {"grants": [{"principal": ROLE, "scopes": [ADS]}]})
    line = office.line()
    assert (line["grants_added"], line["grants_removed"]) == ([f"{ROLE}: {ADS}"], [ROLE])
    assert "suspended" not in line


def test_a_takeover_that_is_allowed(office: Office) -> None:
    create(office)
    office.line()
    office.call("connections-authorizations", {"allow_account_change": True})
    line = office.line()
    assert (line["action"], line["link"], line["allow_account_change"]) == ("authorize", 2, True)


def test_a_deletion(office: Office) -> None:
    create(office, grants=[{"principal": ACCOUNT_ID}])
    office.line()
    assert office.call("connections-delete")["statusCode"] == 204
    line = office.line()
    assert (line["action"], line["code"]) == ("delete", "done")
    assert line["grants_removed"] == [ACCOUNT_ID]


@pytest.mark.parametrize(
    ("event", "body", "action"),
    [
        ("connections-refresh", None, "refresh"),
        ("connections-refresh-token", {"refresh_token": CANARY}, "import"),
        ("connections-delete", None, "delete"),
        ("connections-change", {"suspended": True}, "change"),
        ("connections-authorizations", {}, "authorize"),
        ("verify", None, "verify"),
    ],
)
def test_what_failed_is_told_too(office: Office, event: str, body: object, action: str) -> None:
    assert office.call(event, body)["statusCode"] == 404
    line = office.line()
    assert (line["action"], line["connection"], line["code"]) == (action, NAME, "not_found")
    assert line["principal"] == OPERATOR


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Unavailable("dynamodb", "Throttled"), "broker_unavailable"), (OSError(), "internal_error")],
)
def test_whatever_goes_wrong(office: Office, fault: Exception, code: str) -> None:
    def fail() -> None:
        raise fault

    office.house.moments.once["before connections.create"] = fail
    create(office)
    assert office.line()["code"] == code


def test_looking_is_no_action(office: Office) -> None:
    create(office)
    office.line()
    office.call("connections-show")
    office.call("connections-list")
    assert not [note for note, _ in office.telemetry.notes if note == "management"]


def test_verify_is_one(office: Office) -> None:
    office.house.connected()
    assert office.call("verify")["statusCode"] == 200
    line = office.line()
    assert (line["action"], line["code"], line["principal"]) == ("verify", "done", OPERATOR)


def test_a_token_s_line_has_the_session(office: Office) -> None:
    """The session decides nothing, and is the only trace of the person or job behind a role."""
    office.house.connected()
    office.call("token")
    line = office.line("token")
    assert (line["code"], line["connection"], line["principal"]) == ("served", NAME, OPERATOR)


def test_a_refused_fetch_names_who_was_refused(office: Office) -> None:
    """Also one whose query cannot be read, which is judged before the grants are."""
    office.house.connected()
    event = handlers.event("token", multiValueQueryStringParameters={"min_ttl": ["x"]})
    event["requestContext"]["identity"]["userArn"] = OPERATOR
    assert office.functions["token"].handler(event, None)["statusCode"] == 400
    line = office.line("token")
    assert (line["code"], line["principal"], line["connection"]) == (
        *("invalid_request", OPERATOR),
        NAME,
    )
    office.call("token", connection="nobody-s")
    line = office.line("token")
    assert (line["code"], line["principal"]) == ("access_denied", OPERATOR)


def test_no_secret_is_written(office: Office) -> None:
    answer = create(office, parameters={"developer_token": CANARY})
    links = [text for name, text in json.loads(answer["body"]).items() if name.endswith("_url")]
    office.call("connections-change", {"parameters": {"developer_token": f"{CANARY}-2"}})
    office.call("connections-refresh-token", {"refresh_token": f"{CANARY}-3"})
    written = json.dumps(office.telemetry.notes)
    assert "parameters.developer_token" in written
    assert "canary" not in written
    for link in links:
        assert link.rpartition("=")[2] not in written
