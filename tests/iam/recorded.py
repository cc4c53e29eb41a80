"""Requests that functions sent, as IAM sees them: action, resource, condition keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

ACTIONS = {
    "BatchGetItem": "BatchGetItem",
    "ConditionCheck": "ConditionCheckItem",
    "SendMessageBatch": "SendMessage",  # SQS: a batch needs the right of the single action
    "DeleteMessageBatch": "DeleteMessage",
}
PREFIXES = {
    "DynamoDB_20120810": "dynamodb",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
    "AmazonSQS": "sqs",
    "AWSEvents": "events",
}

Call = tuple[str, str, str]
"""Function, action, and what CloudFormation calls the resource: `Table/index/name` for an index,
`Function:live` for an alias."""

Contexts = frozenset[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Recorder:
    """Turns noted requests into calls. `names`: physical name or ARN → logical id."""

    names: Mapping[str, str]

    def calls(self, function: str, requests: list[str]) -> Iterator[tuple[Call, Contexts]]:
        """What a function's requests ask of IAM, as `runner.watch` notes them."""
        for request in requests:
            target, _, text = request.partition(" ")
            if target in ("GET", "POST"):
                yield (function, "lambda:InvokeFunction", self._invoked(text)), frozenset()
                continue
            service, _, name = target.partition(".")
            prefix = PREFIXES[service]
            for operation, body in _single(name, json.loads(text)):
                action = f"{prefix}:{ACTIONS.get(operation, operation)}"
                for resource, context in self._touched(prefix, operation, body):
                    yield (function, action, resource), context

    def _invoked(self, url: str) -> str:
        name = re.search(r"/functions/(.+)/invocations", unquote(urlsplit(url).path))
        assert name, url
        function, _, qualifier = name[1].rpartition(":")
        return f"{self.names[function.rpartition(':')[2]]}:{qualifier}"

    def _touched(
        self, prefix: str, operation: str, body: Mapping[str, Any]
    ) -> Iterator[tuple[str, Contexts]]:
        match prefix:
            case "dynamodb" if operation == "BatchGetItem":
                for table, wish in body["RequestItems"].items():
                    yield self.names[table], _keys(wish["Keys"])
            case "dynamodb":
                index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
                yield self.names[body["TableName"]] + index, _context(operation, body)
            case "kms":
                yield self.names[body["KeyId"].rpartition("/")[2]], frozenset()
            case "secretsmanager":
                yield self.names[body["SecretId"]], frozenset()
            case "sqs":
                yield self.names[body["QueueUrl"]], frozenset()
            case "events":
                for entry in body["Entries"]:
                    yield self.names[entry["EventBusName"]], frozenset()


def _single(operation: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A transaction needs the rights of each of its parts."""
    if operation != "TransactWriteItems":
        yield operation, body
        return
    for item in body["TransactItems"]:
        for part, content in item.items():
            yield (part if part == "ConditionCheck" else f"{part}Item"), content


def _context(operation: str, body: Mapping[str, Any]) -> Contexts:
    """DynamoDB's condition keys (Service Authorization Reference; "Using IAM policy conditions
    for fine-grained access control" in its developer guide)."""
    names = body.get("ExpressionAttributeNames", {})
    texts = [body.get(f"{kind}Expression", "") for kind in ("Update", "Projection", "Condition",
             "KeyCondition", "Filter")]  # fmt: skip
    words = set(re.findall(r"#\w+", " ".join(texts)))
    attributes = {names[word] for word in words if word in names} | {*body.get("Key", {})}
    attributes |= {*body.get("Item", {})}
    found = {("dynamodb:Attributes", tuple(sorted(attributes)))}
    if operation in ("GetItem", "Query"):
        select = "SPECIFIC_ATTRIBUTES" if "ProjectionExpression" in body else "ALL_ATTRIBUTES"
        found.add(("dynamodb:Select", (str(body.get("Select", select)),)))
    if operation in ("UpdateItem", "PutItem", "DeleteItem"):
        found.add(("dynamodb:ReturnValues", (str(body.get("ReturnValues", "NONE")),)))
    if operation == "Query":
        return frozenset(found)
    key = body.get("Key") or {name: body["Item"][name] for name in ("id", "name", "incarnation")
                              if name in body.get("Item", {})}  # fmt: skip
    return frozenset(found | _keys([key]))


def _keys(keys: list[Mapping[str, Any]]) -> Contexts:
    """The partition keys, as far as they are the same each time: what stands before `#` or `:`."""
    kinds = set()
    for key in keys:
        value = next(iter(next(iter(key.values())).values()))
        kind = re.match(r"[a-z_-]+[#:]", value)
        kinds.add(f"{kind[0]}x" if kind else "x")
    return frozenset({("dynamodb:LeadingKeys", tuple(sorted(kinds)))})
