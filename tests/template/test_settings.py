"""Each function's environment is what its settings read, no more and no less."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from broker import settings
from local.template import Resolver
from tests.template.conftest import Resources

COMMON = {
    "STACK_NAME",
    "RELEASE",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_TRACER_CAPTURE_RESPONSE",
    "POWERTOOLS_TRACER_CAPTURE_ERROR",
}

KINDS: dict[str, type] = {
    "Connections": settings.Connections,
    "Authorize": settings.Authorize,
    "Callback": settings.Callback,
    "Token": settings.Token,
    "Refresh": settings.Refresh,
    "Rotate": settings.Rotate,
    "Verify": settings.Verify,
    "Notify": settings.Notify,
}


def environment(deployed: Resources, step: str) -> dict[str, Any]:
    """A function's environment variables, as CloudFormation gets them."""
    found: dict[str, Any] = deployed[f"{step}Function"]["Properties"]["Environment"]["Variables"]
    return found


def filled(template: dict[str, Any], deployed: Resources, step: str) -> dict[str, str]:
    """The same with the parameters' defaults, and with stand-ins for names, ARNs and URLs that
    only the deployment knows."""
    resolved = Resolver(template, {"ClientId": "client"}).resolve(environment(deployed, step))
    return {name: _text(name, value) for name, value in resolved.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    return "https://sqs.example/queue" if name.endswith("_URL") else name.lower()


@pytest.mark.parametrize("step", KINDS)
def test_environment_is_what_the_settings_read(deployed: Resources, step: str) -> None:
    read = {field.name.upper() for field in fields(KINDS[step])}
    assert set(environment(deployed, step)) == read | COMMON


@pytest.mark.parametrize("step", KINDS)
def test_defaults_of_the_parameters_parse(
    template: dict[str, Any], deployed: Resources, step: str
) -> None:
    parsed: Any = settings.parse(KINDS[step], filled(template, deployed, step))
    assert parsed.stack_name == "stack_name"


def test_powertools_records_no_answer_and_no_error(deployed: Resources) -> None:
    for step in KINDS:
        variables = environment(deployed, step)
        assert variables["POWERTOOLS_SERVICE_NAME"] == step.lower()
        assert variables["POWERTOOLS_TRACER_CAPTURE_RESPONSE"] == "false"
        assert variables["POWERTOOLS_TRACER_CAPTURE_ERROR"] == "false"
        assert not any(name.startswith("POWERTOOLS_LOGGER_LOG_EVENT") for name in variables)


def test_no_secret_is_in_an_environment(deployed: Resources) -> None:
    for step in KINDS:
        secret = environment(deployed, step).get("CLIENT_SECRET")
        arn = {"Fn::If": ["UsesSecret", {"Fn::GetAtt": ["ClientSecret", "Id"]}, ""]}
        assert secret in (None, arn)
