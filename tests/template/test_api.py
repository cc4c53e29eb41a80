"""Routes, refusals, throttling and logs of the API."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest

from broker.domain.problems import Problem
from tests.template.conftest import Resources

SIGNED = {
    ("GET", "/connections"): "Connections",
    ("POST", "/connections"): "Connections",
    ("GET", "/connections/{connection}"): "Connections",
    ("PATCH", "/connections/{connection}"): "Connections",
    ("DELETE", "/connections/{connection}"): "Connections",
    ("POST", "/connections/{connection}/authorizations"): "Connections",
    ("POST", "/connections/{connection}/refresh"): "Connections",
    ("PUT", "/connections/{connection}/refresh-token"): "Connections",
    ("POST", "/connections/{connection}/verify"): "Verify",
    ("GET", "/connections/{connection}/token"): "Token",
}
OPEN = {
    ("GET", "/authorize"): "Authorize",
    ("POST", "/authorize"): "Authorize",
    ("GET", "/admin-consent"): "Authorize",
    ("POST", "/admin-consent"): "Authorize",
    ("GET", "/callback"): "Callback",
}

STEPS = ("Connections", "Authorize", "Callback", "Token", "Verify")

MEANINGS = {
    401: "not_authorized",
    403: "not_authorized",
    404: "not_found",
    400: "invalid_request",
    413: "invalid_request",
    415: "invalid_request",
    429: "rate_limited",
    500: "internal_error",
    503: "broker_unavailable",
}
"""The contract's code for each status that API Gateway gives by itself."""


@pytest.fixture(scope="module")
def api(resources: Resources) -> dict[str, Any]:
    found: dict[str, Any] = resources["Api"]["Properties"]
    return found


def test_routes_and_who_may_call_them(deployed: Resources) -> None:
    found: dict[str, dict[tuple[str, str], str]] = {"AWS_IAM": {}, "NONE": {}}
    for path, methods in deployed["Api"]["Properties"]["Body"]["paths"].items():
        for verb, method in methods.items():
            ((authorizer, _),) = method["security"][0].items()
            integration = method["x-amazon-apigateway-integration"]
            assert integration["type"] == "aws_proxy"
            assert "credentials" not in integration  # InvokeRole NONE
            uri = json.dumps(integration["uri"])
            (step,) = [one for one in STEPS if f"{one}Function.Arn" in uri]
            found[authorizer][(verb.upper(), path)] = step
    assert found == {"AWS_IAM": SIGNED, "NONE": OPEN}


def test_signature_is_the_default(deployed: Resources) -> None:
    schemes = deployed["Api"]["Properties"]["Body"]["components"]["securitySchemes"]
    assert schemes["AWS_IAM"]["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert deployed["Api"]["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_every_refusal_of_the_gateway_is_a_problem(api: dict[str, Any]) -> None:
    for kind, response in api["GatewayResponses"].items():
        body = json.loads(response["ResponseTemplates"]["application/json"])
        status = int(response["StatusCode"])
        assert body["code"] == MEANINGS[status], kind
        retry_after = body.get("retry_after")
        wanted = Problem(body["code"], body["detail"], status=status, retry_after=retry_after)
        assert body == wanted.as_dict(), kind
        headers = response["ResponseParameters"]["Headers"]
        assert headers["Content-Type"] == "'application/problem+json'"
        assert headers["Cache-Control"] == "'no-store'"
        assert headers.get("Retry-After") == (f"'{retry_after}'" if retry_after else None), kind
        assert bool(retry_after) == (status in (429, 503)), kind


def test_no_refusal_repeats_what_the_gateway_says(api: dict[str, Any]) -> None:
    """`$context.error.message` names the caller's ARN."""
    for response in api["GatewayResponses"].values():
        template = response["ResponseTemplates"]["application/json"]
        assert template.replace("$context.requestId", "").count("$") == 0


def test_every_kind_of_refusal_is_covered(api: dict[str, Any]) -> None:
    model = botocore.session.get_session().get_service_model("apigateway")
    shape: Any = model.shape_for("GatewayResponseType")
    kinds = set(shape.enum)
    assert set(api["GatewayResponses"]) == kinds


def test_refusals_come_with_the_deployment(deployed: Resources) -> None:
    body = deployed["Api"]["Properties"]["Body"]
    assert "ACCESS_DENIED" in body["x-amazon-apigateway-gateway-responses"]


def test_throttling(api: dict[str, Any], template: dict[str, Any]) -> None:
    rates = {
        (one["HttpMethod"], one["ResourcePath"]): (
            one["ThrottlingRateLimit"]["Ref"],
            one["ThrottlingBurstLimit"]["Ref"],
        )
        for one in api["MethodSettings"]
    }
    assert rates == {("*", "/*"): ("ApiRate", "ApiRate")} | dict.fromkeys(
        OPEN, ("BrowserRate", "BrowserRate")
    )
    parameters = template["Parameters"]
    assert parameters["BrowserRate"]["Default"] < parameters["ApiRate"]["Default"]


def test_nothing_of_a_request_is_logged_or_traced(api: dict[str, Any]) -> None:
    for one in api["MethodSettings"]:
        assert one["DataTraceEnabled"] is False
        assert one["LoggingLevel"] in ("OFF", "ERROR")
        assert one["MetricsEnabled"] is True
    assert api["TracingEnabled"] is False  # the gateway's segments hold URLs


def test_access_log_holds_no_path_and_no_query(api: dict[str, Any]) -> None:
    shape = json.loads(api["AccessLogSetting"]["Format"])
    assert set(shape.values()) == {
        "$context.requestId",
        "$context.requestTimeEpoch",
        "$context.httpMethod",
        "$context.resourcePath",
        "$context.status",
        "$context.error.responseType",
        "$context.responseLength",
        "$context.responseLatency",
        "$context.integrationLatency",
        "$context.integrationStatus",
        "$context.identity.userArn",
        "$context.identity.sourceIp",
        "$context.identity.userAgent",
    }
