"""boto3 clients that never reach a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.stub import Stubber


class Stub(Stubber):
    """A stubber whose client passes for that of any service."""

    client: Any


@contextmanager
def stubbed(service: str) -> Iterator[Stub]:
    """Answers are queued with `add_response`; each must have been asked for in the end."""
    with Stub(_client(service)) as made:
        yield made
        made.assert_no_pending_responses()


@cache
def _client(service: str) -> Any:
    # Building a client takes longer than the tests that use it.
    return boto3.client(
        service,  # type: ignore[call-overload]
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url="http://127.0.0.1:1",
        config=Config(retries={"total_max_attempts": 1}),
    )
