"""What `doctor` looks at. Each finding says what is, and what to do where it is not well."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

from token_broker import _wire
from token_broker.errors import TokenBrokerError
from token_broker.operator.awserrors import refused, told
from token_broker.operator.cli.aws import client, outputs
from token_broker.operator.cli.session import Session
from token_broker.operator.shapes import Connection, excess

SKEW_NOTICE = 30
"""Seconds: AWS tolerates 300; a clock that is so far off already runs free."""
EXPIRY_NOTICE = 30 * 86_400
OVERDUE = 30 * 60
"""Seconds after which a refresh that is due should have been tried, as for the stack's alarm: the
schedule runs every 1 to 15 minutes, and failures are postponed."""
CREDENTIAL = ("client_secret_expired", "client_certificate_expired", "client_misconfigured")


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok` None: it could not be told."""

    name: str
    ok: bool | None
    detail: str
    remedy: str = ""
    code: str = ""
    actor: str = ""


def _failed(name: str, error: TokenBrokerError, ok: bool | None = False) -> Finding:
    detail = error.detail or error.title
    return Finding(name, ok, detail, error.remedy, error.code, error.actor)


def examine(session: Session, stack: str | None) -> Iterator[Finding]:
    """Everything, in the order in which one thing needs the other."""
    yield _identity(session)
    yield from _reach(session)
    found: list[Connection] = []
    try:
        found = [*session.operator().list()]
        yield Finding("operator", True, f"You may manage connections; there are {len(found)}.")
    except TokenBrokerError as error:
        yield _failed("operator", error)
    yield _refreshes(found)
    yield _redemptions(found)
    if spilled := _excess(found):
        yield spilled
    if stack is None:
        yield Finding("stack", None, "Not looked at.", "Name the stack with --stack.")
        return
    yield from _deployment(session, stack)


def _identity(session: Session) -> Finding:
    try:
        arn = client(session, "sts").get_caller_identity()["Arn"]
    except refused() as error:
        return _failed("credentials", told(error, "sts:GetCallerIdentity"))
    except TokenBrokerError as error:
        return _failed("credentials", error)
    return Finding("credentials", True, arn)


def _reach(session: Session) -> Iterator[Finding]:
    """An unsigned request: it must be refused, and it tells the time."""
    url = _wire.base_url(session.url)
    try:
        answer = requests.get(f"{url}/connections", timeout=(5, 30), allow_redirects=False)
    except requests.RequestException as error:
        detail = f"requests raised {type(error).__name__}."
        yield _failed("api", TokenBrokerError("unreachable", detail))
        return
    code = _code(answer)
    if answer.status_code in (401, 403) and code == "not_authorized":
        yield Finding("api", True, f"{url} answers, and refuses unsigned requests.")
    elif answer.status_code == 200:
        yield Finding("api", False, "It answers unsigned requests!", "Deploy the stack anew.")
    else:
        detail = f"{url} answers {answer.status_code}, not as the broker does."
        yield _failed("api", TokenBrokerError("unexpected_answer", detail))
    yield _clock(_wire._skew(answer.headers.get("Date"), time.time()))


def _code(answer: requests.Response) -> str:
    try:
        return str(answer.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def _clock(skew: float) -> Finding:
    size = abs(skew)
    detail = f"This machine's clock is {size:.0f} s off the API's."
    remedy = "Set the clock (NTP); AWS tolerates 5 minutes."
    if size > _wire.SKEW_SECONDS:
        return Finding("clock", False, detail, remedy, "clock_skew", "caller")
    return Finding("clock", None if size > SKEW_NOTICE else True, detail, remedy)


def _refreshes(found: list[Connection]) -> Finding:
    """Whether the schedule does its work, told from what is overdue."""
    now = datetime.now(UTC).timestamp()
    late = [one["connection"] for one in found if _seconds(one["next_refresh_at"], now) < -OVERDUE]
    if late:
        detail = f"{len(late)} of {len(found)} connections are overdue, {late[0]} among them."
        remedy = "Look at the schedule and the logs of rotate and refresh; then: replay."
        return Finding("refreshes", False, detail, remedy, "overdue", "operator")
    return Finding("refreshes", True, "No refresh is overdue.")


def _redemptions(found: list[Connection]) -> Finding:
    """Whether Microsoft accepts the client credential, told from the last redemptions."""
    errors = [one["last_error"] for one in found if one["last_error"]]
    failed = [error for error in errors if error["code"] in CREDENTIAL]
    if failed:
        last = failed[0]
        detail = f"{len(failed)} of {len(found)} connections: {last['detail']}"
        return Finding(
            "client credential", False, detail, last["remedy"], last["code"], last["actor"]
        )
    times = [one["refreshed_at"] for one in found if one["refreshed_at"]]
    if times:
        return Finding("client credential", True, f"Microsoft accepted it at {max(times)}.")
    remedy = "It shows with the first consent or import."
    return Finding("client credential", None, "It has not been used yet.", remedy)


def _excess(found: list[Connection]) -> Finding | None:
    """Microsoft puts every scope that the account ever consented to, for this app and resource,
    into a token: callers may get more than their connection asked for."""
    names = [one["connection"] for one in found if excess(one)]
    if not names:
        return None
    detail = f"{len(names)} of {len(found)} connections: their tokens hold more than their own "
    detail += f"scopes, {names[0]} among them (token-broker show tells which)."
    remedy = "Connections that must not share rights of one resource need app registrations apart."
    return Finding("excess scopes", None, detail, remedy, "", "operator")


def _deployment(session: Session, stack: str) -> Iterator[Finding]:
    """What the outputs of the stack lead to."""
    try:
        found = outputs(session, stack)
    except TokenBrokerError as error:
        yield _failed("stack", error, ok=None)
        return
    yield _stack(session, stack, found)
    remedy = "Register exactly this in Entra: Authentication, platform Web."
    yield Finding("redirect URI", True, found["RedirectUri"], remedy)
    checks = {"client secret": _secret, "schedule": _schedule, "dead letters": _letters}
    for name, check in checks.items():
        try:
            yield check(session, found)
        except TokenBrokerError as error:
            yield _failed(name, error, ok=None)


def _stack(session: Session, stack: str, found: Mapping[str, str]) -> Finding:
    """Whether the API is this stack's; a custom domain tells nothing."""
    own = found["ApiUrl"].partition("//")[2].partition(".")[0]
    if _wire.region(session.url) and own not in session.url:
        detail = f"{stack} has another API: {found['ApiUrl']}"
        return Finding("stack", False, detail, "Give the --api-url and --stack of one broker.")
    return Finding("stack", True, f"{stack}, API {own}.")


def _secret(session: Session, found: Mapping[str, str]) -> Finding:
    """The client secret's note of its end. The secret itself is neither shown nor kept."""
    arn = found["ClientSecretArn"]
    try:
        answer = client(session, "secretsmanager").get_secret_value(SecretId=arn)
        value = json.loads(answer["SecretString"])
        placeholder, ends = value.get("client_secret") == "REPLACE-ME", value.get("expires_at")
    except refused() as error:
        raise told(error, f"secretsmanager:GetSecretValue on {arn}") from None
    except (ValueError, KeyError, AttributeError):
        return _secret_bad("It is not JSON with client_secret.", found)
    if placeholder:
        return _secret_bad("It is still the placeholder.", found)
    if not ends:
        remedy = 'Store "expires_at" beside it, and the broker tells you before it ends.'
        return Finding("client secret", None, "Stored; nobody has noted its end.", remedy)
    left = _seconds(ends, datetime.now(UTC).timestamp())
    if left <= 0:
        return _secret_bad(f"It ended at {ends}.", found)
    remedy = f"Make a new one in Entra, then: {found['ClientSecretCommand']}"
    if left < EXPIRY_NOTICE:
        return Finding("client secret", None, f"It ends at {ends}.", remedy)
    return Finding("client secret", True, f"It ends at {ends}.")


def _secret_bad(detail: str, found: Mapping[str, str]) -> Finding:
    remedy = f"Make one in Entra, then: {found['ClientSecretCommand']}"
    return Finding("client secret", False, detail, remedy, "client_misconfigured", "operator")


def _schedule(session: Session, found: Mapping[str, str]) -> Finding:
    name = found["RotateScheduleName"]
    try:
        state = client(session, "scheduler").get_schedule(Name=name)
    except refused() as error:
        raise told(error, f"scheduler:GetSchedule on {name}") from None
    if state["State"] != "ENABLED":
        remedy = "Enable it in EventBridge Scheduler: nothing is refreshed meanwhile."
        return Finding("schedule", False, f"{name} is {state['State']}.", remedy, "", "operator")
    return Finding("schedule", True, f"{name} is on: {state['ScheduleExpression']}.")


def _letters(session: Session, found: Mapping[str, str]) -> Finding:
    url, count = found["RefreshDeadLetterQueueUrl"], "ApproximateNumberOfMessages"
    try:
        answer = client(session, "sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[count])
    except refused() as error:
        raise told(error, "sqs:GetQueueAttributes on the dead-letter queue") from None
    number = int(answer["Attributes"][count])
    if number:
        remedy = "Once the cause is gone: token-broker replay"
        return Finding(
            "dead letters", False, f"Refreshes that gave up: {number}.", remedy, "", "operator"
        )
    return Finding("dead letters", True, "There is none.")


def _seconds(moment: Any, now: float) -> float:
    """Seconds until a time; infinite for none or for one that cannot be read."""
    try:
        return datetime.fromisoformat(moment).timestamp() - now
    except (TypeError, ValueError):
        return float("inf")
