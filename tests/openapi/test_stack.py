"""The running stack does what the document says: schemathesis asks, under a signed session."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from zlib import crc32

import pytest
import requests
import schemathesis
from botocore.credentials import Credentials
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.tools.openapi.__main__ import PATH
from tests.e2e.harness import Stack
from token_broker._signing import Signer

EXAMPLES = 8
"""For each operation and kind of data: the whole takes well under two minutes."""

CHECKS = [
    checks.not_a_server_error,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


def unsigned() -> dict[str, Any]:
    """The document without its security: every request here is signed, whatever is tried."""
    found: dict[str, Any] = json.loads(PATH.read_text())
    del found["security"], found["components"]["securitySchemes"]
    return found


SCHEMA = schemathesis.openapi.from_dict(unsigned())


class Session:
    """What a signer wants: one principal's credentials."""

    def __init__(self, principal: dict[str, str]) -> None:
        self._keys = (
            principal["access_key_id"],
            principal["secret_access_key"],
            principal["session_token"],
        )

    def get_credentials(self) -> Credentials:
        return Credentials(*self._keys)


@pytest.fixture(scope="module")
def names(stack: Stack) -> list[str]:
    """Connections that are there: one that is active, one that nobody has consented to."""
    stack.platform.settings(throttle_threshold=None)
    return [stack.connect(), stack.create()["connection"]]


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.trust_env = False
        yield found


@SCHEMA.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_conforms(
    case: schemathesis.Case[Any], stack: Stack, names: list[str], session: requests.Session
) -> None:
    principal: Any = stack.document["principals"]["operator"]
    token = case.operation.definition.raw["operationId"] == "token"
    if token:
        principal = stack.document["principals"]["team-a"]
    signer = Signer(stack.api_url, Session(principal), stack.document["region"])
    # Every other case is about a connection that is there; deletion would end the others' fun.
    chosen = crc32(repr((case.body, case.query, case.path_parameters)).encode())
    if case.path_parameters and case.method != "DELETE" and chosen % 2:
        case.path_parameters["connection"] = names[chosen // 2 % 2]
    case.call_and_validate(
        base_url=stack.api_url, session=session, auth=signer, checks=CHECKS, timeout=60
    )
