"""What botocore raises, as the ports say it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.stub import ANY

from broker.adapters.aws_errors import Refused, call
from broker.adapters.dynamodb.codec import wrap
from broker.adapters.dynamodb.connections import Connections
from broker.adapters.dynamodb.consents import Consents
from broker.adapters.dynamodb.vault import Vault
from broker.domain.names import Name
from broker.ports.errors import Unavailable
from tests.contract import samples
from tests.unit.clients import Stub, stubbed

CANARY = "canary-5b1f"


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    with stubbed("dynamodb") as made:
        yield made


def cancelled(stub: Stub, *codes: str) -> None:
    """The next transaction is cancelled, with a reason for each of its parts."""
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        CANARY,
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


def fail(error: Exception) -> Any:
    def operation(**_: object) -> None:
        raise error

    return operation


def client_error(code: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": CANARY}}, CANARY)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ReadTimeoutError(endpoint_url=CANARY), "ReadTimeoutError"),
        (EndpointConnectionError(endpoint_url=CANARY), "EndpointConnectionError"),
        (ParamValidationError(report=CANARY), "ParamValidationError"),
        (BotoCoreError(), "BotoCoreError"),
        (client_error("ProvisionedThroughputExceededException"), "ProvisionedThroughput"),
        (client_error("502"), "Unknown"),
        (client_error("<html>" + CANARY), "Unknown"),
        (client_error(None), "Unknown"),
        (ClientError({}, CANARY), "Unknown"),
    ],
)
def test_nothing_but_a_code_survives(error: Exception, code: str) -> None:
    with pytest.raises(Unavailable) as caught:
        call("dynamodb", fail(error))
    assert caught.value.service == "dynamodb"
    assert caught.value.code.startswith(code)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_an_expected_refusal_carries_nothing_either() -> None:
    with pytest.raises(Refused) as caught:
        call("dynamodb", fail(client_error("AppleException")), ("Apple",))
    assert caught.value.codes == {"Apple"}
    assert caught.value.__context__ is None


def test_what_is_no_error_of_aws_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        call("dynamodb", fail(ZeroDivisionError()))


def test_throttling(stub: Stub) -> None:
    stub.add_client_error("get_item", "ThrottlingException", CANARY)
    with pytest.raises(Unavailable, match=r"^dynamodb: ThrottlingException$"):
        Connections(stub.client, "t").get(Name("a"))


def test_a_failed_condition(stub: Stub) -> None:
    stub.add_client_error("put_item", "ConditionalCheckFailedException", CANARY)
    assert not Connections(stub.client, "t").create(samples.connection())


def test_a_missing_table_is_not_a_missing_item(stub: Stub) -> None:
    stub.add_client_error("get_item", "ResourceNotFoundException", CANARY)
    stub.add_client_error("update_item", "ResourceNotFoundException", CANARY)
    before = samples.connection()
    with pytest.raises(Unavailable):
        Connections(stub.client, "t").get(before.name)
    with pytest.raises(Unavailable):
        Connections(stub.client, "t").change(before, before)


def test_a_transaction_in_the_way_is_waited_for(stub: Stub) -> None:
    stub.add_client_error("update_item", "TransactionConflictException", CANARY)
    stub.add_client_error("update_item", "TransactionConflictException", CANARY)
    stub.add_response("update_item", {})
    assert Connections(stub.client, "t").settle(samples.settlement(samples.full(), "one"))


def test_a_transaction_that_stays_in_the_way(stub: Stub) -> None:
    for _ in range(4):
        stub.add_client_error("update_item", "TransactionConflictException", CANARY)
    stored = samples.stored(samples.full())
    with pytest.raises(Unavailable, match=r"^dynamodb: TransactionConflict$"):
        Vault(stub.client, "t").postpone(stored, None)


@pytest.mark.parametrize(
    "codes",
    [("ConditionalCheckFailed", "None"), ("ConditionalCheckFailed", "TransactionConflict")],
)
def test_a_transaction_whose_condition_fails(stub: Stub, codes: tuple[str, str]) -> None:
    cancelled(stub, *codes)
    assert not Consents(stub.client, "c", "v").complete(samples.consent(samples.full()))


def test_a_transaction_that_meets_another(stub: Stub) -> None:
    cancelled(stub, "TransactionConflict", "None")
    stub.add_response("transact_write_items", {}, {"TransactItems": ANY})
    assert Consents(stub.client, "c", "v").complete(samples.consent(samples.full()))


def test_a_transaction_that_meets_others_again_and_again(stub: Stub) -> None:
    for _ in range(4):
        cancelled(stub, "None", "TransactionConflict")
    with pytest.raises(Unavailable, match=r"^dynamodb: TransactionConflict$"):
        Consents(stub.client, "c", "v").remove(samples.full())


@pytest.mark.parametrize("code", ["ThrottlingError", "ValidationError", "ItemCollectionSize"])
def test_a_transaction_cancelled_otherwise(stub: Stub, code: str) -> None:
    cancelled(stub, code, "None")
    with pytest.raises(Unavailable, match=r"^dynamodb: TransactionCanceledException$"):
        Consents(stub.client, "c", "v").remove(samples.full())


def listed(stub: Stub, *names: str) -> None:
    """The index names these pending connections; the other statuses have none."""
    entries = [{"name": {"S": name}, "status": {"S": "pending"}} for name in names]
    stub.add_response("query", {"Items": entries})
    for _ in range(4):
        stub.add_response("query", {"Items": []})


def item(name: str) -> Any:
    return wrap(samples.connection(name))["M"]


def test_what_a_batch_leaves_is_asked_for_again(stub: Stub) -> None:
    listed(stub, "a", "b")
    left = {"t": {"Keys": [{"name": {"S": "a"}}]}}
    stub.add_response("batch_get_item", {"Responses": {"t": [item("b")]}, "UnprocessedKeys": left})
    stub.add_response("batch_get_item", {"Responses": {}, "UnprocessedKeys": left})
    stub.add_response("batch_get_item", {"Responses": {"t": [item("a")]}}, {"RequestItems": left})
    page, after = Connections(stub.client, "t").page(None, 10, None)
    assert [each.name for each in page] == ["a", "b"]
    assert after is None


def test_a_page_is_never_silently_partial(stub: Stub) -> None:
    listed(stub, "a", "b")
    left = {"t": {"Keys": [{"name": {"S": "a"}}]}}
    for _ in range(6):
        stub.add_response(
            "batch_get_item", {"Responses": {"t": [item("b")]}, "UnprocessedKeys": left}
        )
    with pytest.raises(Unavailable, match=r"^dynamodb: UnprocessedKeys$"):
        Connections(stub.client, "t").page(None, 10, None)


def test_a_short_answer_of_the_index_is_followed(stub: Stub) -> None:
    key = {"name": {"S": "a"}, "status": {"S": "pending"}}
    stub.add_response("query", {"Items": [key], "LastEvaluatedKey": key})
    listed(stub, "b")
    stub.add_response("batch_get_item", {"Responses": {"t": [item("a"), item("b")]}})
    page, _ = Connections(stub.client, "t").page(None, 10, None)
    assert [each.name for each in page] == ["a", "b"]


def test_a_connection_deleted_meanwhile_is_left_out(stub: Stub) -> None:
    listed(stub, "a", "b")
    stub.add_response("batch_get_item", {"Responses": {"t": [item("b")]}})
    page, _ = Connections(stub.client, "t").page(None, 10, None)
    assert [each.name for each in page] == ["b"]
