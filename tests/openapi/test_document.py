"""docs/openapi.json says what the code does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from broker.domain.problems import KINDS, Problem
from broker.web import bodies, representation
from local.tools.openapi import __main__ as command
from local.tools.openapi import answers
from local.tools.openapi.document import OPERATIONS
from local.tools.openapi.infer import infer
from token_broker.operator.shapes import Change, Connection, Wish


def schema(name: str) -> Draft202012Validator:
    """A validator of one schema of the document in the repository."""
    document = json.loads(command.PATH.read_text())
    return Draft202012Validator({**document, "$ref": f"#/components/schemas/{name}"})


def test_it_is_in_step_with_the_code() -> None:
    assert command.PATH.read_text() == command.text(), "run: make docs"


def test_check_tells_a_difference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["openapi", "--check"])
    assert command.main() == 0
    monkeypatch.setattr(command, "PATH", tmp_path / "openapi.json")
    assert command.main() == 1
    assert "out of step" in capsys.readouterr().err


def test_every_problem_belongs_to_some_route() -> None:
    named = {code for one in OPERATIONS.values() for code in one.problems}
    everywhere = {"invalid_request", "not_authorized", "rate_limited", "internal_error"}
    assert named | everywhere | {"broker_unavailable"} == KINDS.keys()


@pytest.mark.parametrize("code", KINDS)
def test_every_problem_conforms(code: str) -> None:
    schema("Problem").validate(Problem(code, provider=answers.PROVIDER).as_dict())


def test_a_connection_conforms_and_one_with_another_field_does_not() -> None:
    shown = representation.connection(answers.FULL, answers.USED, answers.TICKET)
    schema("Connection").validate(shown)
    with pytest.raises(ValidationError):
        schema("Connection").validate(shown | {"refresh_token": "secret"})


def test_the_creation_of_the_readme_conforms() -> None:
    wish = {
        "connection": "marketing-jp",
        "service": "microsoft-advertising",
        "account": {"username": "ads@example.co.jp"},
        "grants": [{"principal": "arn:aws:iam::111122223333:role/report-job"}],
        "parameters": {"developer_token": "x", "customer_id": "123", "account_id": "456"},
    }
    schema("Creation").validate(wish)
    bodies.creation(wish)


@pytest.mark.parametrize(("shape", "name"), [(Wish, "Creation"), (Change, "Change")])
def test_the_client_sends_what_the_broker_takes(shape: type, name: str) -> None:
    schemas = json.loads(command.PATH.read_text())["components"]["schemas"]
    assert shape.__annotations__.keys() == schemas[name]["properties"].keys()


def test_the_client_knows_what_the_broker_shows() -> None:
    schemas = json.loads(command.PATH.read_text())["components"]["schemas"]
    assert schemas["Connection"]["properties"].keys() <= Connection.__annotations__.keys()


def test_inference_tells_optional_from_null() -> None:
    found = infer([{"a": 1, "b": None}, {"a": 2, "b": "x", "c": [True]}], {})
    assert found["required"] == ["a", "b"]
    assert found["properties"]["b"] == {"type": ["string", "null"]}
    assert found["properties"]["c"]["items"] == {"type": "boolean"}
    with pytest.raises(ValueError, match="types"):
        infer([1, "x"], {})
