"""A warm hit: one strongly consistent read, and nothing else at all."""

from __future__ import annotations

import json

from tests.e2e.artifacts import Artifacts, sample
from tests.e2e.harness import Stack

READ = "DynamoDB_20120810.GetItem"


def test_a_warm_hit_is_exactly_one_read(stack: Stack, artifacts: Artifacts) -> None:
    name = stack.connect(parameters={"developer_token": "SIMULATED01DEV"})
    asked = len(stack.platform.requests())
    fetch = sample("token", connection=name)
    cold, *warm = artifacts.run("token", *[fetch] * 4)

    assert cold.answer["statusCode"] == 200
    opened = [request.split()[0] for request in cold.requests]
    assert opened.count("TrentService.Decrypt") == 2  # the token and the parameter
    for hit in warm:
        assert hit.answer["statusCode"] == 200
        (read,) = hit.requests
        target, _, body = read.partition(" ")
        assert target == READ
        assert json.loads(body)["ConsistentRead"] is True
        assert json.loads(body)["TableName"] == stack.outputs["ConnectionsTableName"]
        assert hit.body["access_token"] == cold.body["access_token"]
    assert len(stack.platform.requests()) == asked, "Microsoft was asked"
