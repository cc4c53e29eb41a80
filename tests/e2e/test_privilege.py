"""Least privilege: what each function may and may not do, tried under its own role.

Every call is made so that it changes nothing where it is allowed.
"""

from __future__ import annotations

import base64
import io
import json
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.adapters.dynamodb.codec import wrap
from local import deploy
from local import template as local_template
from tests.e2e import probe
from tests.e2e.harness import Stack

TABLES = {"connections": "name", "vault": "incarnation"}
KINDS = ("ticket", "state", "import", "breaker", "reminder", "notice", "other")
"""Of items in the table of what is under way; nobody writes the last."""

ALLOWED = {
    "connections": {
        "connections.link",
        *("connections.get", "connections.get.described", "connections.put", "connections.update"),
        *("connections.lease", "connections.delete", "connections.batch", "connections.index"),
        *("vault.delete", "ticket.get", "ticket.put", "import.put"),
        *("key.connections.seal", "key.vault.seal", "invoke.refresh", "events"),
    },
    "authorize": {
        "connections.get.described",
        *("ticket.get", "ticket.update", "state.put"),
    },
    "callback": {
        "connections.link",
        *("connections.get", "connections.get.described", "connections.update"),
        *("connections.lease", "vault.put", "ticket.put", "ticket.update", "state.get"),
        *("state.update", "breaker.get", "breaker.update", "breaker.delete", "reminder.update"),
        *(
            "key.connections.seal",
            "key.vault.seal",
            "secret",
            "events",
            "queue.send",
            "invoke.refresh",
            "invoke.verify",
        ),
    },
    "token": {
        *("connections.get", "connections.get.described", "connections.lease"),
        *("key.connections.open", "invoke.refresh"),
    },
    "refresh": {
        "connections.link",
        *("connections.get", "connections.get.described", "connections.update"),
        *("connections.lease", "vault.get", "vault.update", "vault.put", "import.delete"),
        *("breaker.get", "breaker.update", "breaker.delete", "reminder.update"),
        *("key.vault.open", "key.vault.seal"),
        *("key.connections.seal", "secret", "events", "queue.receive", "queue.look"),
    },
    "rotate": {"vault.index", "queue.send", "queue.look"},
    "notify": {
        *("connections.get.described", "connections.link", "ticket.put"),
        *("notice.update", "notice.delete", "notify.secret", "events"),
        *("mail", "notify.receive", "notify.look"),
    },
    "verify": {
        *("connections.get", "connections.get.described", "key.connections.open"),
        "invoke.refresh",
    },
}
"""All that each function may do; every other call below is denied."""

Calls = dict[str, tuple[str, str, dict[str, Any]]]


def item_calls(name: str, table: str, key: str, value: str = "probe") -> Calls:
    """Reads and writes of one item; the writes' condition never holds."""
    found = {"TableName": table, "Key": wrap({key: value})["M"]}
    never = {"ConditionExpression": "attribute_exists(never)"}
    update = {
        **found,
        **never,
        "UpdateExpression": "SET grants = :g",
        "ExpressionAttributeValues": {":g": {"L": []}},
    }
    item = {"TableName": table, "Item": found["Key"], **never}
    return {
        f"{name}.get": ("dynamodb", "get_item", found),
        f"{name}.put": ("dynamodb", "put_item", item),
        f"{name}.update": ("dynamodb", "update_item", update),
        f"{name}.delete": ("dynamodb", "delete_item", {**found, **never}),
        f"{name}.batch": (
            "dynamodb",
            "batch_get_item",
            {"RequestItems": {table: {"Keys": [found["Key"]]}}},
        ),
        f"{name}.scan": ("dynamodb", "scan", {"TableName": table}),
        f"{name}.drop": ("dynamodb", "delete_table", {"TableName": f"{table}-none"}),
    }


def index_call(table: str, index: str, key: str) -> tuple[str, str, dict[str, Any]]:
    """A query of an index that finds nothing."""
    query = {
        "TableName": table,
        "IndexName": index,
        "KeyConditionExpression": "#k = :none",
        "ExpressionAttributeNames": {"#k": key},
        "ExpressionAttributeValues": {":none": {"S": "none"}},
    }
    return ("dynamodb", "query", query)


def narrow_calls(table: str) -> Calls:
    """What conditions on attributes let through: the lease, the description."""
    key = {"TableName": table, "Key": {"name": {"S": "probe"}}}
    names = {"#n": "name", "#i": "incarnation", "#o": "lease_owner"}
    lease = {
        **key,
        "UpdateExpression": "SET #o = :o",
        "ConditionExpression": "#i = :i",
        "ExpressionAttributeNames": {name: names[name] for name in ("#i", "#o")},
        "ExpressionAttributeValues": {":o": {"S": "probe"}, ":i": {"S": "none"}},
    }
    described = {
        **key,
        "ProjectionExpression": "#n, #i",
        "ExpressionAttributeNames": {name: names[name] for name in ("#n", "#i")},
    }
    tokens = {**key, "ProjectionExpression": "tokens"}
    link = {
        **key,
        "UpdateExpression": "SET #l = :l",
        "ConditionExpression": "#i = :i",
        "ExpressionAttributeNames": {"#i": "incarnation", "#l": "link"},
        "ExpressionAttributeValues": {":l": {"N": "1"}, ":i": {"S": "none"}},
    }
    return {
        "connections.link": ("dynamodb", "update_item", link),
        "connections.lease": ("dynamodb", "update_item", lease),
        "connections.get.described": ("dynamodb", "get_item", described),
        "connections.get": ("dynamodb", "get_item", tokens),
        "connections.get.whole": ("dynamodb", "get_item", key),
    }


def key_calls(stack: Stack, name: str) -> Calls:
    """Seal and open with one of the keys."""
    arn = stack.client("kms").describe_key(KeyId=f"alias/{deploy.NAME}-{name}")["KeyMetadata"][
        "Arn"
    ]
    blob = stack.client("kms").generate_data_key(KeyId=arn, KeySpec="AES_256")["CiphertextBlob"]
    text = base64.b64encode(blob).decode()
    return {
        f"key.{name}.open": ("kms", "decrypt", {"KeyId": arn, "CiphertextBlob": text}),
        f"key.{name}.seal": ("kms", "generate_data_key", {"KeyId": arn, "KeySpec": "AES_256"}),
        f"key.{name}.describe": ("kms", "describe_key", {"KeyId": arn}),
    }


def notify_queue(stack: Stack) -> str:
    """The queue of `notify`, which no output names."""
    queues = stack.client("sqs").list_queues(QueueNamePrefix=f"{deploy.NAME}-NotifyQueue")
    (url,) = queues["QueueUrls"]
    return str(url).rpartition("/")[2]


def mail(sender: str) -> dict[str, Any]:
    """A mail that nobody gets."""
    simple = {"Subject": {"Data": "probe"}, "Body": {"Text": {"Data": "probe"}}}
    return {
        "FromEmailAddress": sender,
        "Destination": {"ToAddresses": ["probe@example.com"]},
        "Content": {"Simple": simple},
    }


def calls(stack: Stack) -> Calls:
    """All that is tried under every role."""
    out = stack.outputs
    table = {name: out[f"{name.capitalize()}TableName"] for name in TABLES}
    underway = out["AuthorizationsTableName"]
    queue, secret = out["RefreshQueueUrl"], out["ClientSecretArn"]
    notices = stack.client("sqs").get_queue_url(QueueName=notify_queue(stack))["QueueUrl"]
    order = {"connection": "probe", "incarnation": "none", "reason": "probe"}
    event = {"Source": "probe", "DetailType": "probe", "Detail": "{}"}
    found: Calls = {}
    for name, key in TABLES.items():
        found |= item_calls(name, table[name], key)
    for kind in KINDS:
        found |= item_calls(kind, underway, "id", f"{kind}#probe")
    found |= narrow_calls(table["connections"])
    found |= key_calls(stack, "connections") | key_calls(stack, "vault")
    for name in ("refresh", "token", "verify"):
        function, payload = f"{deploy.NAME}-{name}", json.dumps(order)
        for call, target in ((name, f"{function}:live"), (f"{name}.unpublished", function)):
            arguments = {"FunctionName": target, "Payload": payload}
            found[f"invoke.{call}"] = ("lambda", "invoke", arguments)
    return found | {
        "connections.index": index_call(table["connections"], "status", "status"),
        "vault.index": index_call(table["vault"], "due", "shard"),
        "secret": ("secretsmanager", "get_secret_value", {"SecretId": secret}),
        "notify.secret": (
            "secretsmanager",
            "get_secret_value",
            {"SecretId": out["NotifySecretArn"]},
        ),
        "notify.receive": (
            "sqs",
            "delete_message",
            {"QueueUrl": notices, "ReceiptHandle": "none"},
        ),
        "notify.look": ("sqs", "get_queue_attributes", {"QueueUrl": notices}),
        "mail": ("sesv2", "send_email", mail(stack.settings.parameters["MailFrom"])),
        "mail.other": ("sesv2", "send_email", mail("somebody@else.example")),
        "secret.put": (
            "secretsmanager",
            "update_secret_version_stage",
            {"SecretId": secret, "VersionStage": "PROBE"},
        ),
        "queue.send": (
            "sqs",
            "send_message",
            {"QueueUrl": queue, "MessageBody": json.dumps(order)},
        ),
        "queue.receive": (
            "sqs",
            "delete_message",
            {"QueueUrl": queue, "ReceiptHandle": "none"},
        ),
        "queue.look": ("sqs", "get_queue_attributes", {"QueueUrl": queue}),
        "queue.purge": ("sqs", "set_queue_attributes", {"QueueUrl": queue, "Attributes": {}}),
        "events": ("events", "put_events", {"Entries": [{**event, "EventBusName": deploy.NAME}]}),
        "code": ("lambda", "get_function", {"FunctionName": f"{deploy.NAME}-refresh"}),
        "roles": ("iam", "list_roles", {}),
        "buckets": ("s3", "list_buckets", {}),
        "logs": ("logs", "describe_log_groups", {}),
    }


@pytest.fixture(scope="module")
def archive() -> bytes:
    """The probe as Lambda takes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        bundle.writestr("probe.py", Path(probe.__file__).read_bytes())
    return packed.getvalue()


@pytest.fixture
def prober(stack: Stack, archive: bytes, function: str) -> Iterator[str]:
    """The probe under a function's role; its name."""
    functions = stack.client("lambda")
    role = functions.get_function_configuration(FunctionName=f"{deploy.NAME}-{function}")["Role"]
    name = f"probe-{function}-{secrets.token_hex(4)}"
    functions.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="probe.handler",
        Timeout=60,
        Code={"ZipFile": archive},
    )
    yield name
    functions.delete_function(FunctionName=name)


@pytest.mark.parametrize("function", ALLOWED)
def test_a_function_may_do_its_work_and_nothing_else(
    stack: Stack, prober: str, function: str
) -> None:
    tried = calls(stack)
    assert ALLOWED[function] <= set(tried)
    answer = stack.client("lambda").invoke(
        FunctionName=prober, Payload=json.dumps({"calls": tried}).encode()
    )
    found = json.loads(answer["Payload"].read())
    assert "errorMessage" not in found, found
    assert set(found) == set(tried)
    allowed = {name for name, verdict in found.items() if verdict == "allowed"}
    # To read the whole item is to read its tokens; one who may not read tokens may not do either.
    assert ("connections.get.whole" in allowed) == ("connections.get" in allowed)
    assert allowed - {"connections.get.whole"} == ALLOWED[function]


def test_every_function_is_here() -> None:
    resources = local_template.load()["Resources"]
    functions = {
        name.removesuffix("Function").lower()
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert functions == set(ALLOWED)
