"""What a stack must be able to show. Each check changes nothing that it does not remove."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests

from local.aws.stack import Stack
from local.template import load

Check = Callable[[Stack], str]
"""What was seen; raises `Failed`, or `Unseen` where there is nothing to see."""

FUNCTIONS = "AWS::Serverless::Function"


class Failed(Exception):  # noqa: N818 (it says what happened)
    """The stack is not as it must be."""


class Unseen(Exception):  # noqa: N818 (it says what happened)
    """Nothing to check here, and why."""


def aliases(stack: Stack) -> str:
    """Every alias serves what was deployed (a forgotten `Release` shows here)."""
    client = stack.client("lambda")
    for name in _of(FUNCTIONS):
        function = stack.resources[name]
        latest, live = (
            client.get_function_configuration(FunctionName=function, Qualifier=version)
            for version in ("$LATEST", "live")
        )
        for part in ("CodeSha256", "Environment", "Layers", "Role", "Timeout", "MemorySize"):
            _need(latest.get(part) == live.get(part), f"{function}:live has another {part}")
    return f"{len(_of(FUNCTIONS))} functions"


def method_settings(stack: Stack) -> str:
    """The limits as the stage has stored them, by route."""
    stage = stack.client("apigateway").get_stage(restApiId=stack.resources["Api"], stageName="v1")
    # The emulator keeps a slash in front, AWS does not.
    stored = {key.lstrip("/"): one for key, one in (stage.get("methodSettings") or {}).items()}
    rates = {True: stack.parameters["ApiRate"], False: stack.parameters["BrowserRate"]}
    for verb, path, signed in routes():
        encoded = path.lstrip("/").replace("/", "~1")
        found = stored.get(f"~1{encoded}/{verb}", stored.get("*/*", {}))
        rate = found.get("throttlingRateLimit")
        _need(rate == float(rates[signed]), f"{verb} {path} is limited to {rate}")
        _need(not found.get("dataTraceEnabled"), f"{verb} {path} logs its requests")
    return f"{len(list(routes()))} routes"


def browser_routes(stack: Stack) -> str:
    """Pages for everyone, with their headers; anything else is refused as a problem."""
    url = stack.url
    page = requests.get(f"{url}/authorize", params={"ticket": "acceptance"}, timeout=60)
    _need(page.headers.get("Content-Type", "").startswith("text/html"), "GET /authorize: no page")
    _need(400 <= page.status_code < 500, f"GET /authorize: {page.status_code}")
    policy = page.headers.get("Content-Security-Policy", "")
    _need("frame-ancestors 'none'" in policy, "GET /authorize may be framed")
    _need("no-store" in page.headers.get("Cache-Control", ""), "GET /authorize may be cached")
    for path in ("/connections", "/connections/x/token", "/no-such-route"):
        refused = requests.get(url + path, timeout=60)
        _need(refused.status_code == 403, f"GET {path} unsigned: {refused.status_code}")
        problem = refused.headers.get("Content-Type") == "application/problem+json"
        _need(problem and "arn:" not in refused.text, f"GET {path}: not the contract's refusal")
    return "a page, three refusals"


def alarms(stack: Stack) -> str:
    """Every alarm is there, and mails if anybody wants mail."""
    wanted = {stack.resources[name] for name in _of("AWS::CloudWatch::Alarm") if name in
              stack.resources}  # fmt: skip
    pages = stack.client("cloudwatch").get_paginator("describe_alarms")
    there = {
        one["AlarmName"]: one
        for page in pages.paginate(AlarmNamePrefix=f"{stack.name}-")
        for one in page["MetricAlarms"]
    }
    _need(wanted <= set(there), f"missing: {', '.join(sorted(wanted - set(there)))}")
    if stack.parameters.get("NotifyEmail"):
        silent = [name for name in wanted if not there[name]["AlarmActions"]]
        _need(set(silent) <= {f"{stack.name}-token-shift"}, f"silent: {', '.join(silent)}")
    ringing = sorted(name for name in wanted if there[name]["StateValue"] == "ALARM")
    return f"{len(wanted)} alarms" + (f", ringing: {', '.join(ringing)}" if ringing else "")


def schedule(stack: Stack) -> str:
    """It is on, and starts the alias."""
    found = stack.client("scheduler").get_schedule(Name=stack.resources["RotateSchedule"])
    _need(found["State"] == "ENABLED", f"the schedule is {found['State']}")
    _need(found["Target"]["Arn"].endswith("-rotate:live"), "it starts something else")
    return str(found["ScheduleExpression"])


def log_groups(stack: Stack) -> str:
    """Every group ends its lines some time, the audit log's later."""
    client = stack.client("logs")
    kept = {}
    for name in _of("AWS::Logs::LogGroup"):
        group = stack.resources[name]
        listed = client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        exact = [one for one in listed if one["logGroupName"] == group]
        _need(len(exact) == 1, f"{group} is not there")
        kept[name] = exact[0].get("retentionInDays")
    _need(all(kept.values()), "a group keeps its lines for ever")
    _need(str(kept["AuditLog"]) == stack.parameters["AuditRetentionDays"], "the audit log's days")
    return f"{len(kept)} groups"


def cost_tags(stack: Stack) -> str:
    """The stack's tags are on what costs."""
    tags = {one["Key"] for one in (stack.description or {}).get("Tags", [])}
    if not tags:
        raise Unseen("the stack has no tags")
    client = stack.client("lambda")
    for name in _of(FUNCTIONS):
        function = client.get_function(FunctionName=stack.resources[name])
        missing = tags - set(function.get("Tags", {}))
        _need(not missing, f"{stack.resources[name]} lacks the tags {', '.join(sorted(missing))}")
    return ", ".join(sorted(tags))


def routes() -> Iterator[tuple[str, str, bool]]:
    """Verb, path and whether it must be signed, of the template's routes."""
    for one in _of(FUNCTIONS).values():
        for event in one["Properties"].get("Events", {}).values():
            if event["Type"] == "Api":
                properties = event["Properties"]
                is_open = properties.get("Auth", {}).get("Authorizer") == "NONE"
                yield properties["Method"].upper(), properties["Path"], not is_open


def _of(kind: str) -> Mapping[str, Any]:
    return {name: one for name, one in load()["Resources"].items() if one["Type"] == kind}


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)
