"""The calls each path makes, counted on the wire: any more of them is a regression."""

from __future__ import annotations

import statistics

from local.bench import calls, hit, others, rotation
from local.bench.ground import Ground

REFRESH = {
    # Lease; the vault's new token; the settlement, which releases the lease.
    "dynamodb.UpdateItem": 3,
    # The vault's item.
    "dynamodb.GetItem": 1,
    "kms.Decrypt": 1,
    "kms.GenerateDataKey": 2,
    "microsoft.token": 1,
}


def test_each_path_makes_the_least_calls(emulator: Ground) -> None:
    found = calls.paths(emulator)
    assert found["hit, warm"] == {"dynamodb.GetItem": 1}
    assert found["hit, first in an environment"] == {"dynamodb.GetItem": 1, "kms.Decrypt": 1}
    assert found["refresh"] == REFRESH
    looked_up = found["refresh, first in a while (breaker looked up)"]
    assert looked_up == REFRESH | {"dynamodb.GetItem": 2}
    assert found["refresh, order of work done"] == {"dynamodb.UpdateItem": 1, "dynamodb.GetItem": 1}
    assert found["miss (the function token)"] == {
        "dynamodb.GetItem": 2,
        "dynamodb.UpdateItem": 1,
        "kms.Decrypt": 1,
        "lambda.Invoke": 1,
    }
    assert found["rotate, nothing due"] == {"dynamodb.Query": 16, "sqs.GetQueueAttributes": 1}
    assert found["rotate, 25 due"] == {
        "dynamodb.Query": 16,
        "sqs.GetQueueAttributes": 1,
        "sqs.SendMessageBatch": 3,
    }


def test_a_warm_hit_is_cheap(emulator: Ground) -> None:
    """The broker's own CPU time against MSAL with a persisted cache of 1,000 connections. The
    least of many, as other work on the machine only ever adds."""
    ours = hit.warm(emulator, 150)
    msal = others.warm(60)["MSAL, persisted, 1,000 connections"]
    assert statistics.median(ours.own) <= statistics.median(msal) / 10
    assert min(ours.own) <= 0.001


def test_everything_due_is_redeemed_once(emulator: Ground) -> None:
    seen = rotation.run(emulator, 30, 10, 0.3)
    assert (seen.redemptions, seen.orders, seen.problems, seen.left) == (30, 30, 0, 0)
