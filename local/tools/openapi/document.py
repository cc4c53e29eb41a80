"""Routes from template.yaml, schemas from the broker's code, problems from its table."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.problems import KINDS
from broker.web import bodies
from broker.web.fields import FIELDS
from local import template
from local.tools.openapi import answers, requests
from local.tools.openapi.infer import Schema

JSON = "application/json"
PROBLEM = "application/problem+json"

ANY = ("invalid_request", "not_authorized", "rate_limited", "internal_error", "broker_unavailable")
"""What every route may answer."""

REDEEMS = (
    *("authorization_pending", "reauthorization_required", "mfa_required"),
    *("admin_consent_required", "consent_declined", "blocked_by_policy", "account_mismatch"),
    *(
        "scope_not_granted",
        "client_misconfigured",
        "client_secret_expired",
        "client_certificate_expired",
        "provider_error",
    ),
    *("provider_unavailable", "throttled", "refresh_in_progress", "grant_at_risk"),
)
"""Where Microsoft may be asked."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. `body`, `answer`: names of schemas; `answer` None: nothing is answered."""

    id: str
    summary: str
    status: int = 200
    answer: str | None = "Connection"
    body: str | None = None
    optional: bool = False
    query: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[str] = ()


ONE, NAME = ("not_found",), "/connections/{connection}"

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("post", "/connections"): Operation(
        "create",
        "Create a connection and links for its owner and a tenant administrator.",
        201,
        "Created",
        "Creation",
        problems=("already_exists", "tenant_not_allowed"),
    ),
    ("get", "/connections"): Operation(
        "list", "List connections, by name.", answer="Listing", query=requests.listing()
    ),
    ("get", NAME): Operation("show", "Show a connection: all but secrets.", problems=ONE),
    ("patch", NAME): Operation(
        "change",
        "Change grants, labels, parameters or suspension (merge patch, RFC 7396).",
        body="Change",
        problems=(*ONE, "conflict"),
    ),
    ("delete", NAME): Operation(
        "delete", "Delete a connection and its tokens.", 204, None, problems=ONE
    ),
    ("post", f"{NAME}/authorizations"): Operation(
        "reauthorize",
        "Make new links; earlier links and attempts end.",
        201,
        "Links",
        "Renewal",
        optional=True,
        problems=(*ONE, "conflict"),
    ),
    ("post", f"{NAME}/refresh"): Operation(
        "refresh",
        "Redeem the refresh token now.",
        body="Refresh",
        optional=True,
        problems=(*ONE, *REDEEMS),
    ),
    ("put", f"{NAME}/refresh-token"): Operation(
        "import",
        "Import a refresh token of this client id, once it has been redeemed.",
        body="RefreshToken",
        problems=(*ONE, *REDEEMS, "conflict", "refresh_token_refused", "tenant_not_allowed"),
    ),
    ("post", f"{NAME}/verify"): Operation(
        "verify",
        "Tell whether the connection really reaches its service.",
        answer="Verification",
        problems=ONE,
    ),
    ("get", f"{NAME}/token"): Operation(
        "token",
        "Fetch an access token.",
        answer="Token",
        query=requests.token(),
        problems=("access_denied", "suspended", "min_ttl_unreachable", *REDEEMS),
    ),
}


def document() -> dict[str, Any]:
    """The whole document. ValueError when template and table name different routes."""
    signed = set(routes())
    if signed != OPERATIONS.keys():
        raise ValueError(f"Routes without operation, or the reverse: {signed ^ OPERATIONS.keys()}")
    project = tomllib.loads((template.ROOT / "pyproject.toml").read_text())["project"]
    paths: dict[str, Any] = {}
    for (method, path), operation in OPERATIONS.items():
        paths.setdefault(path, _path(path))[method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": project["name"],
            "version": project["version"],
            "description": project["description"] + ". The routes that are signed with IAM.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {
                "url": "https://{api}.execute-api.{region}.amazonaws.com/v1",
                "variables": {"api": {"default": "api-id"}, "region": {"default": "us-east-1"}},
            }
        ],
        "security": [{"sigv4": []}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": {"sigv4": SIGV4}},
    }


SIGV4 = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "AWS Signature Version 4, service execute-api.",
    "x-amazon-apigateway-authtype": "awsSigv4",
}


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of the template's signed routes."""
    for resource in template.load()["Resources"].values():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            properties = event["Properties"]
            if event["Type"] == "Api" and "Auth" not in properties:
                yield properties["Method"], properties["Path"]


def _path(path: str) -> dict[str, Any]:
    if "{connection}" not in path:
        return {}
    name = {
        "name": "connection",
        "in": "path",
        "required": True,
        "schema": dict(FIELDS["connection"].schema),
    }
    return {"parameters": [name]}


def _operation(one: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": one.id, "summary": one.summary}
    if one.query:
        found["parameters"] = list(one.query)
    if one.body:
        content = _content(JSON, {"$ref": f"#/components/schemas/{one.body}"})
        found["requestBody"] = {"required": not one.optional, "content": content}
    return found | {"responses": _responses(one)}


def _responses(one: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if one.answer:
        good["content"] = _content(JSON, {"$ref": f"#/components/schemas/{one.answer}"})
    statuses: dict[int, list[str]] = {}
    for code in (*ANY, *one.problems):
        statuses.setdefault(KINDS[code].status, []).append(code)
    statuses[401] = ["not_authorized"]
    if one.body:
        statuses |= {413: ["invalid_request"], 415: ["invalid_request"]}
    return {str(one.status): good} | {
        str(status): _refusal(status, codes) for status, codes in sorted(statuses.items())
    }


def _refusal(status: int, codes: list[str]) -> dict[str, Any]:
    narrow: Schema = {"properties": {"code": {"enum": codes}, "status": {"const": status}}}
    schema: Schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrow]}
    found: dict[str, Any] = {
        "description": " ".join(f"`{code}`: {KINDS[code].title}." for code in codes),
        "content": _content(PROBLEM, schema),
    }
    if status == 503:
        wait = {"required": True, "schema": {"type": "integer", "minimum": 1}}
        found["headers"] = {"Retry-After": wait | {"description": "Seconds."}}
    return found


def _content(media: str, schema: Schema) -> dict[str, Any]:
    return {media: {"schema": schema}}


def _schemas() -> dict[str, Schema]:
    return {
        "Creation": requests.body(bodies.Creation),
        "Change": requests.body(bodies.Change),
        "Renewal": requests.body(bodies.Renewal),
        "Refresh": requests.body(bodies.Refresh),
        "RefreshToken": requests.body(bodies.Import),
        "Created": answers.created(),
        "Links": answers.links(),
        "Connection": answers.connection(),
        "Listing": answers.listing(),
        "Token": answers.token(),
        "Verification": answers.verification(),
        "Provider": answers.provider(),
        "Problem": answers.problem(),
    }
