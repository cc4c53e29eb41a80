"""Queue, event bus and the invocation of `refresh`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.response import StreamingBody

from broker.adapters import clients, refresh_requests
from broker.adapters.eventbridge import Events
from broker.adapters.invoke import Refresher
from broker.adapters.randomness import Randomness
from broker.adapters.sqs import Queue
from broker.domain.credentials import CredentialKind
from broker.domain.names import Incarnation, Name
from broker.domain.problems import Problem, Provider
from broker.domain.secret import Secret
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from local.memory.outside import Telemetry
from tests.unit.clients import Stub, stubbed

CANARY = "canary-3c77"
BARE = RefreshRequest(Name("a"), Incarnation("inc"), "schedule")
FULL = RefreshRequest(
    Name("a"),
    Incarnation("inc"),
    "caller",
    "https://x",
    "owner",
    0,
    CredentialKind.CERTIFICATE,
)


@pytest.fixture(params=["sqs", "events", "lambda"])
def stub(request: pytest.FixtureRequest) -> Iterator[Stub]:
    with stubbed(request.param) as made:
        yield made


def only(service: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stub", [service], indirect=True)


@pytest.mark.parametrize("order", [BARE, FULL])
def test_orders_travel_whole(order: RefreshRequest) -> None:
    assert refresh_requests.load(json.loads(refresh_requests.dump(order))) == order


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"connection": "A B", "incarnation": "inc", "reason": "caller"},
        {"connection": "a", "reason": "caller"},
        {"connection": "a", "incarnation": 1, "reason": "caller"},
        {"connection": "a", "incarnation": "inc"},
        {"connection": "a", "incarnation": "inc", "reason": "caller", "generation": "1"},
        {"connection": "a", "incarnation": "inc", "reason": "caller", "resource": None},
        {"connection": "a", "incarnation": "i", "reason": "x", "client_authentication": "mtls"},
    ],
)
def test_what_is_no_order(body: object) -> None:
    with pytest.raises(Problem, match="invalid_request"):
        refresh_requests.load(body)


def test_an_order_of_a_newer_version_is_understood() -> None:
    """While a deployment moves aliases, old and new versions run side by side."""
    body = {"connection": "a", "incarnation": "i", "reason": "due", "of_tomorrow": {"x": 1}}
    assert refresh_requests.load(body).reason == "due"


@only("sqs")
def test_the_queue_takes_orders_without_their_owner(stub: Stub) -> None:
    stub.add_response(
        "send_message_batch",
        {"Successful": [], "Failed": []},
        {
            "QueueUrl": "http://queue",
            "Entries": [
                {"Id": "0", "MessageBody": refresh_requests.dump(BARE)},
                {
                    "Id": "1",
                    "MessageBody": json.dumps(
                        {
                            "connection": "a",
                            "incarnation": "inc",
                            "reason": "caller",
                            "resource": "https://x",
                            "generation": 0,
                            "client_authentication": "certificate",
                        }
                    ),
                },
            ],
        },
    )
    assert Queue(stub.client, "http://queue").send([BARE, FULL]) == 0


@only("sqs")
def test_the_queue_takes_some(stub: Stub) -> None:
    taken = {"Id": "1", "MessageId": "m", "MD5OfMessageBody": "x"}
    failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
    stub.add_response("send_message_batch", {"Successful": [taken], "Failed": [failed]})
    assert Queue(stub.client, "http://queue").send([BARE, FULL]) == 1


@only("sqs")
def test_nothing_to_send(stub: Stub) -> None:
    assert Queue(stub.client, "http://queue").send([]) == 0


@only("sqs")
def test_no_queue(stub: Stub) -> None:
    stub.add_client_error("send_message_batch", "AccessDenied", CANARY)
    with pytest.raises(Unavailable, match=r"^sqs: AccessDenied$"):
        Queue(stub.client, "http://queue").send([BARE])


@only("events")
def test_an_event(stub: Stub) -> None:
    telemetry = Telemetry()
    stub.add_response(
        "put_events",
        {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]},
        {
            "Entries": [
                {
                    "EventBusName": "bus",
                    "Source": "token-broker",
                    "DetailType": "Connection Broken",
                    "Detail": '{"connection": "a", "code": null}',
                }
            ]
        },
    )
    Events(stub.client, "bus", telemetry).publish(
        "Connection Broken", {"connection": "a", "code": None}
    )
    assert telemetry.notes == []


@only("events")
def test_a_lost_event_is_noted(stub: Stub) -> None:
    telemetry = Telemetry()
    events = Events(stub.client, "bus", telemetry)
    lost = {"ErrorCode": "ThrottlingException", "ErrorMessage": CANARY}
    stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": [lost]})
    events.publish("Connection Broken", {"connection": CANARY})
    stub.add_client_error("put_events", "InternalException", CANARY)
    events.publish("Connection Deleted", {"connection": CANARY})
    assert telemetry.notes == [
        ("event_lost", {"kind": "Connection Broken", "code": "ThrottlingException"}),
        ("event_lost", {"kind": "Connection Deleted", "code": "InternalException"}),
    ]
    assert telemetry.counts == [("EventLost", 1, {"service": "events"})] * 2


def invoked(stub: Stub, payload: bytes, **fields: Any) -> None:
    body = StreamingBody(io.BytesIO(payload), len(payload))
    stub.add_response(
        "invoke",
        {"StatusCode": 200, "Payload": body} | fields,
        {
            "FunctionName": "refresh",
            "InvocationType": "RequestResponse",
            "Payload": refresh_requests.dump(FULL).encode(),
        },
    )


def refresher(stub: Stub) -> Refresher:
    return Refresher(lambda: stub.client, "refresh")


@only("lambda")
def test_refreshed(stub: Stub) -> None:
    invoked(stub, b'{"problem": null}')
    assert refresher(stub).run(FULL) is None


@only("lambda")
@pytest.mark.parametrize(
    "problem",
    [
        Problem("throttled", "Wait.", retry_after=30),
        Problem("mfa_required", provider=Provider("invalid_grant", None, (50076,), "t")),
    ],
)
def test_a_problem_comes_back_whole(stub: Stub, problem: Problem) -> None:
    invoked(stub, json.dumps({"problem": problem.as_dict()}).encode())
    found = refresher(stub).run(FULL)
    assert found is not None
    assert found.as_dict() == problem.as_dict()


@only("lambda")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"refreshed"',
        b"\xff",
        b'{"problem": "throttled"}',
        b'{"problem": []}',
        b'{"problem": {}}',
        b'{"problem": {"code": "invented", "detail": "", "actor": "", "remedy": "", "status": 1}}',
    ],
)
def test_an_answer_that_is_none(stub: Stub, payload: bytes) -> None:
    invoked(stub, payload)
    with pytest.raises(Unavailable, match=r"^lambda: MalformedAnswer$"):
        refresher(stub).run(FULL)


@only("lambda")
def test_a_function_that_died(stub: Stub) -> None:
    invoked(stub, b'{"errorMessage": "canary-3c77"}', FunctionError="Unhandled")
    with pytest.raises(Unavailable, match=r"^lambda: FunctionError$"):
        refresher(stub).run(FULL)


@only("lambda")
def test_an_answer_that_breaks_off(stub: Stub) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise ReadTimeoutError(endpoint_url=CANARY)

    stub.add_response("invoke", {"StatusCode": 200, "Payload": StreamingBody(Broken(), 9)})
    with pytest.raises(Unavailable, match=r"^lambda: ReadTimeoutError$"):
        refresher(stub).run(FULL)


@only("lambda")
def test_no_function(stub: Stub) -> None:
    for _ in range(2):
        stub.add_client_error("invoke", "TooManyRequestsException", CANARY)
    with pytest.raises(Unavailable, match=r"^lambda: TooManyRequestsException$"):
        refresher(stub).run(FULL)
    with pytest.raises(Unavailable, match=r"^lambda: TooManyRequestsException$"):
        refresher(stub).start(FULL)


@only("lambda")
def test_start_waits_for_nothing(stub: Stub) -> None:
    stub.add_response(
        "invoke",
        {"StatusCode": 202},
        {
            "FunctionName": "refresh",
            "InvocationType": "Event",
            "Payload": refresh_requests.dump(FULL).encode(),
        },
    )
    refresher(stub).start(FULL)


def test_clients_keep_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")  # or botocore asks the machine's metadata
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    clients._session.cache_clear()
    clients.functions.cache_clear()
    try:
        found: Any = clients.functions().meta.config
        assert clients.functions() is clients.functions()
    finally:
        clients._session.cache_clear()
        clients.functions.cache_clear()
    assert found.connect_timeout == 1
    assert found.read_timeout == 21, "longer than refresh runs, shorter than token may"
    assert found.retries == {"mode": "standard", "total_max_attempts": 1}


def test_randomness() -> None:
    randomness = Randomness()
    made = {randomness.secret().open() for _ in range(50)}
    assert len(made) == 50
    assert {len(value) for value in made} == {43}, "256 bits in base64url"
    assert isinstance(randomness.secret(), Secret)
    assert {len(randomness.id()) for _ in range(5)} == {32}
    assert all(2 <= randomness.between(2, 3) <= 3 for _ in range(50))
