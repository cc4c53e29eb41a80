"""Adding a service or an AADSTS number is editing data: one entry and its texts, no code."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from broker.domain.connection import Status
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.outside import Reply
from broker.providers import error_catalogue
from broker.providers.entra.diagnosis import diagnose
from broker.providers.error_catalogue import Entry, marked, table
from broker.providers.terms import Class, Effect, Endpoint
from broker.services import catalogue
from broker.services.catalogue import Probe, Service
from tests.fakes.microsoft import refusal
from tests.unit.house import NAME, House

BROKER = Path(catalogue.__file__).parents[1]
GRAPH_OF_THE_US = "https://graph.microsoft.us"
NEW = 59_999
"""No number of Microsoft's yet."""


def whole_numbers(path: Path) -> Iterator[int]:
    """Every whole number that stands in a module's code; docstrings and comments are no code."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            yield node.value


@pytest.mark.parametrize("path", sorted(BROKER.rglob("*.py")), ids=lambda path: str(path.name))
def test_no_aadsts_number_stands_in_code(path: Path) -> None:
    assert not table().numbers.keys() & set(whole_numbers(path))


@pytest.fixture
def with_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue with one number more: a throttle of one user."""
    entry = Entry(Class.THROTTLE, {}, retry_after=77, marks=frozenset({"one_user"}))
    more = replace(table(), numbers={**table().numbers, NEW: entry})
    for module in ("error_catalogue", "diagnosis", "entra.diagnosis"):
        monkeypatch.setattr(f"broker.providers.{module}.table", lambda *_: more)


@pytest.mark.usefixtures("with_number")
def test_a_new_number_is_one_entry() -> None:
    body = json.dumps({"error": "invalid_grant", "error_codes": [NEW]}).encode()
    said = diagnose(Endpoint.REFRESH, 400, {}, body, 0.0)
    assert (said.code, said.effect, said.retry_after) == ("throttled", Effect.NONE, 77)
    assert said.problem().remedy
    assert marked("one_user", [NEW])


def test_an_unknown_number_bears_no_mark() -> None:
    assert not marked("one_user", [NEW])
    assert not marked("public_client", [NEW])


@pytest.mark.usefixtures("with_number")
def test_a_number_marked_as_one_users_pauses_nobody_else() -> None:
    house = House()
    house.connected()
    house.pause(3000)
    house.microsoft.always = refusal("invalid_grant", NEW)
    assert house.refresh()
    assert not house.refresh_step.providers.clients["microsoft"].pauses.told


def test_a_mark_nobody_reads_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    path = BROKER / "providers" / "entra" / "answers.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["numbers"]["50196"]["marks"] = ["one_usr"]
    monkeypatch.setattr(error_catalogue, "_read", lambda *_: data)
    with pytest.raises(ValueError, match="unknown mark"):
        table.__wrapped__()


def test_a_new_service_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graph of another cloud: its own host, scopes and tenant, and the probe that is known."""
    scope = f"{GRAPH_OF_THE_US}/User.Read"
    entry = Service(
        name="microsoft-graph-us",
        title="Microsoft Graph (US)",
        scopes=(scope,),
        required=(scope,),
        tenant="organizations",
        probe=Probe("graph", GRAPH_OF_THE_US),
    )
    catalogue.check(entry)
    services = {**catalogue.load(), entry.name: entry}
    monkeypatch.setattr(catalogue, "load", lambda: services)
    house = House()
    house.service.answers = {"/me": [Reply(200, {}, b'{"id": "1"}')]}
    house.connected(service=entry.name)
    assert house.one().status is Status.ACTIVE
    assert (house.one().resource, house.one().tenant) == (GRAPH_OF_THE_US, "organizations")
    assert scope in house.fetch()["scope"].split()
    checks = {check.name: check.ok for check in house.verify_step.run(NAME)}
    assert checks == {"refresh": True, "scopes": True, "me": True}
    assert house.service.calls[-1][0].startswith(GRAPH_OF_THE_US)


def test_what_is_no_entry_is_no_service() -> None:
    with pytest.raises(Problem) as refused:
        House().create(service="microsoft-graph-us")
    assert refused.value.detail.startswith("service:")


def test_a_public_clients_number_is_data_too(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry(Class.CLIENT_MISCONFIGURED, {}, marks=frozenset({"public_client"}))
    more = replace(table(), numbers={**table().numbers, NEW: entry})
    monkeypatch.setattr("broker.providers.error_catalogue.table", lambda *_: more)
    house = House()
    house.create()
    house.microsoft.faults = [refusal("invalid_client", NEW, status=401)]
    with pytest.raises(Problem) as refused:
        house.connections_step.adopt(NAME, Secret("canary-public"))
    assert refused.value.code == "refresh_token_refused"
