"""A version that fails is taken back by moving the alias, for everyone at once."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
import requests

from local import deploy
from tests.e2e.harness import Stack

FUNCTION = f"{deploy.NAME}-token"

BROKEN = """
def handler(event, context):
    raise RuntimeError("a version that fails")
"""


def archive(source: str) -> bytes:
    """A function's code as Lambda takes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        bundle.writestr("handler.py", source)
    return packed.getvalue()


@pytest.fixture
def good(stack: Stack) -> Iterator[str]:
    """The version that serves callers; put back at the end."""
    functions = stack.client("lambda")
    live = functions.get_function(FunctionName=FUNCTION, Qualifier="live")
    version, code = (
        str(live["Configuration"]["Version"]),
        requests.get(live["Code"]["Location"], timeout=60),
    )
    yield version
    functions.update_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=version)
    functions.update_function_code(FunctionName=FUNCTION, ZipFile=code.content)


def test_code_alone_reaches_nobody(stack: Stack, good: str) -> None:
    """Between the calls of a deployment (code, then layers) callers stay with what was."""
    name = stack.connect()
    stack.client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=archive(BROKEN))
    assert stack.fetch(name)["access_token"]


def test_a_bad_version_is_taken_back(stack: Stack, good: str) -> None:
    """As docs/upgrade.md says it."""
    functions, name = stack.client("lambda"), stack.connect()
    functions.update_function_code(FunctionName=FUNCTION, ZipFile=archive(BROKEN))
    bad = functions.publish_version(FunctionName=FUNCTION)["Version"]
    assert bad != good
    functions.update_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=bad)
    assert stack.team_a.get(f"/connections/{name}/token").status_code >= 500
    functions.update_alias(FunctionName=FUNCTION, Name="live", FunctionVersion=good)
    assert stack.fetch(name)["access_token"]
