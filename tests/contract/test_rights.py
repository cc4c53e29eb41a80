"""What the expressions touch, held against the attributes that template.yaml allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker.adapters.dynamodb.authorizations import Authorizations, Breakers, Candidates
from broker.adapters.dynamodb.leases import Descriptions, Leases
from broker.domain.names import Incarnation, Name
from local import template
from tests.contract import samples
from tests.contract.samples import NOW, later


class Recorder:
    """A DynamoDB client that notes requests and finds nothing."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.actions: list[tuple[str, str]] = []
        """Action and key of each request to a table whose key is `id`."""

    def __getattr__(self, method: str) -> Any:
        action = "".join(word.title() for word in method.split("_"))

        def note(**request: Any) -> dict[str, Any]:
            self.requests.append(request)
            key = request.get("Key") or request["Item"]
            if "id" in key:
                self.actions.append((f"dynamodb:{action}", key["id"]["S"]))
            return {}

        return note


def statements(role: str) -> Iterator[dict[str, Any]]:
    """Of a role's policy; those that stand under a condition of the template too."""
    (policy,) = template.load()["Resources"][role]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        yield statement["Fn::If"][1] if "Fn::If" in statement else statement


def allowed(role: str, action: str) -> set[str]:
    """The attributes that a role may touch with an action."""
    (attributes,) = (
        statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
        for statement in statements(role)
        if action in statement["Action"]
        and "ForAllValues:StringEquals" in statement.get("Condition", {})
    )
    return set(attributes)


def kinds(role: str, action: str) -> tuple[str, ...]:
    """The prefixes of keys on which a role may use an action, in the table of what is under way."""
    patterns = [
        pattern
        for statement in statements(role)
        if action in statement["Action"]
        and statement["Resource"] == {"Fn::GetAtt": ["AuthorizationsTable", "Arn"]}
        for pattern in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    ]
    return tuple(pattern.removesuffix("*") for pattern in patterns)


def touched(request: dict[str, Any]) -> set[str]:
    return {*request["Key"], *request["ExpressionAttributeNames"].values()}


@pytest.fixture
def recorder() -> Iterator[Any]:
    noted = Recorder()
    yield noted
    assert noted.requests


def test_token_touches_what_it_may(recorder: Any) -> None:
    leases = Leases(recorder, "table")
    given = (Name("a"), Incarnation("inc"))
    leases.claim(*given, "owner", NOW, later(1), 7)
    leases.used(*given, NOW)
    leases.release(*given, "owner")
    for request in recorder.requests:
        assert touched(request) <= allowed("TokenRole", "dynamodb:UpdateItem")
        assert request["ReturnValues"] == "NONE"


def test_authorize_reads_what_it_may(recorder: Any) -> None:
    Descriptions(recorder, "table").describe(Name("a"))
    (request,) = recorder.requests
    assert touched(request) == allowed("AuthorizeRole", "dynamodb:GetItem")
    assert set(request["ProjectionExpression"].split(", ")) == set(
        request["ExpressionAttributeNames"]
    )


def test_each_function_keeps_to_its_kinds(recorder: Any) -> None:
    """What each function does with the table, held against its role: no more, and no less."""
    underway = Authorizations(recorder, "table")
    candidates, breakers = Candidates(recorder, "table"), Breakers(recorder, "table")
    incarnation = Incarnation("inc")
    fault, client = samples.FAULT, ("client", "v1")

    def breaker() -> None:
        breakers.get(*client)
        breakers.open(*client, fault, NOW)
        breakers.probe(*client, NOW, NOW)
        breakers.close(*client)
        breakers.remind(*client, NOW, NOW)

    def connections() -> None:
        underway.put_ticket("d", samples.ticket())
        underway.ticket("d")
        candidates.put(incarnation, samples.sealed(), NOW)

    def authorize() -> None:
        underway.ticket("d")
        underway.opened("d", NOW)
        underway.start("d", NOW, 20)
        underway.put_state("d", samples.state())

    def callback() -> None:
        underway.claim("d", "cookie", NOW)
        underway.progress("d")
        underway.conclude("d", samples.PAGE, NOW)
        underway.returned("d", NOW)
        underway.put_ticket("d", samples.ticket())
        breaker()

    def refresh() -> None:
        candidates.take(incarnation, NOW)
        breaker()

    for work in (connections, authorize, callback, refresh):
        recorder.actions.clear()
        work()
        role, used = f"{work.__name__.title()}Role", set(recorder.actions)
        for action, key in used:
            assert key.startswith(kinds(role, action)), (role, action, key)
        needed = {(action, key.partition("#")[0] + "#") for action, key in used}
        verbs = ("PutItem", "GetItem", "UpdateItem", "DeleteItem")
        held = {(f"dynamodb:{v}", kind) for v in verbs for kind in kinds(role, f"dynamodb:{v}")}
        assert held == needed, role
