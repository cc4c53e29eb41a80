"""Routes, refusals, throttling and logs of the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from broker.domain.problems import Problem
from local.template import Resolver
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
            (step,) = [one for one in STEPS if f"{one}FunctionAliaslive}}" in uri]
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


def routes(deployed: Resources) -> Iterator[tuple[str, str, bool]]:
    """Verb, path and whether it must be signed, of every route of the API."""
    for path, methods in deployed["Api"]["Properties"]["Body"]["paths"].items():
        for verb, method in methods.items():
            yield verb.upper(), path, method["security"] == [{"AWS_IAM": []}]


def settings(template: dict[str, Any], deployed: Resources) -> dict[tuple[str, str], Any]:
    """The stage's settings by verb and encoded path, parameters filled in."""
    stage = Resolver(template, {}).resolve(deployed["Apiv1Stage"]["Properties"])
    return {(one["HttpMethod"], one["ResourcePath"]): one for one in stage["MethodSettings"]}


def encoded(path: str) -> str:
    """As a stage looks a route's settings up: slashes as ~1, but for one in front."""
    return "/" + path.replace("/", "~1")


def test_throttling(template: dict[str, Any], deployed: Resources) -> None:
    found = settings(template, deployed)
    api, browser = (template["Parameters"][name]["Default"] for name in ("ApiRate", "BrowserRate"))
    assert browser < api
    for verb, path, signed in routes(deployed):
        one = found.get((verb, encoded(path)), found["*", "/*"])
        rate = str(api if signed else browser)
        assert one["ThrottlingRateLimit"] == one["ThrottlingBurstLimit"] == rate, (verb, path)


def test_no_setting_misses_its_route(template: dict[str, Any], deployed: Resources) -> None:
    """A stage takes a setting for a path that there is not, and never uses it."""
    there = {(verb, encoded(path)) for verb, path, _ in routes(deployed)}
    assert set(settings(template, deployed)) - there == {("*", "/*")}


def test_nothing_of_a_request_is_logged_or_traced(
    template: dict[str, Any], deployed: Resources, api: dict[str, Any]
) -> None:
    for one in settings(template, deployed).values():
        assert one["DataTraceEnabled"] is False
        assert one["LoggingLevel"] in ("OFF", "ERROR")
    assert api["TracingEnabled"] is False  # the gateway's segments hold URLs


def test_metrics_of_a_route_are_those_somebody_looks_at(
    template: dict[str, Any], deployed: Resources
) -> None:
    shown = deployed["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for verb, path, _ in routes(deployed):
        one = settings(template, deployed).get((verb, encoded(path)))
        looked_at = f'"Resource", "{path}", "Method", "{verb}"' in shown
        assert bool(one and one["MetricsEnabled"]) == looked_at, (verb, path)
    assert settings(template, deployed)["*", "/*"]["MetricsEnabled"] is False


def test_a_crowd_in_browsers_leaves_room(template: dict[str, Any], deployed: Resources) -> None:
    """Each function behind an open route can be held; nobody's is unless wanted."""
    wanted = Resolver(template, {"BrowserConcurrency": "7", "TokenConcurrency": "9"})
    for step, limit in (dict.fromkeys(OPEN.values(), "7") | {"Token": "9"}).items():
        function = deployed[f"{step}Function"]["Properties"]
        assert wanted.resolve(function)["ReservedConcurrentExecutions"] == limit, step
        default = Resolver(template, {}).resolve(function)
        assert "ReservedConcurrentExecutions" not in default, step


def test_firewall_is_off_unless_wanted(template: dict[str, Any], deployed: Resources) -> None:
    assert not Resolver(template, {}).holds("LimitsAddresses")
    assert Resolver(template, {"BrowserAddressRate": "300"}).holds("LimitsAddresses")
    for name in ("BrowserFirewall", "BrowserFirewallAssociation"):
        assert deployed[name]["Condition"] == "LimitsAddresses"
    acl = deployed["BrowserFirewall"]["Properties"]
    for one in (acl, *acl["Rules"]):  # samples hold URLs, and so tickets and codes
        assert one["VisibilityConfig"]["SampledRequestsEnabled"] is False


def test_firewall_leaves_signed_routes_alone(deployed: Resources) -> None:
    (rule,) = deployed["BrowserFirewall"]["Properties"]["Rules"]
    scope = rule["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
    match = scope["NotStatement"]["Statement"]["ByteMatchStatement"]
    assert match["PositionalConstraint"] == "CONTAINS"
    for _, path, signed in routes(deployed):
        assert (match["SearchString"] in path) == signed, path


def test_access_log_holds_no_path_no_query_and_nothing_a_client_writes(api: dict[str, Any]) -> None:
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
    }
