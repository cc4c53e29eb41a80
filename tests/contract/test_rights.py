"""What the expressions touch, held against the attributes that template.yaml allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from broker.adapters.dynamodb.leases import Descriptions, Leases
from broker.domain.names import Incarnation, Name
from local import template
from tests.contract.samples import NOW, later


class Recorder:
    """A DynamoDB client that notes requests and finds nothing."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return {}

    get_item = update_item


def allowed(role: str, action: str) -> set[str]:
    """The attributes that a role may touch with an action."""
    (policy,) = template.load()["Resources"][role]["Properties"]["Policies"]
    (attributes,) = (
        statement["Condition"]["ForAllValues:StringEquals"]["dynamodb:Attributes"]
        for statement in policy["PolicyDocument"]["Statement"]
        if action in statement["Action"] and "Condition" in statement
    )
    return set(attributes)


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
