"""What the stack's outputs lead to: redirect URI, client credentials, schedule, dead letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from token_broker import _wire
from token_broker.errors import TokenBrokerError
from token_broker.operator.awserrors import refused, told
from token_broker.operator.cli.aws import client, outputs
from token_broker.operator.cli.health.credentials import examine
from token_broker.operator.cli.health.finding import Finding, failed
from token_broker.operator.cli.session import Session


def deployment(session: Session, stack: str) -> Iterator[Finding]:
    """What the outputs of the stack lead to."""
    try:
        found = outputs(session, stack)
    except TokenBrokerError as error:
        yield failed("stack", error, ok=None)
        return
    yield _stack(session, stack, found)
    remedy = "Register exactly this in Entra: Authentication, platform Web."
    yield Finding("redirect URI", True, found["RedirectUri"], remedy)
    for known in examine(session, stack, found):
        yield known.finding
    checks = {"schedule": _schedule, "dead letters": _letters}
    for name, check in checks.items():
        try:
            yield check(session, found)
        except TokenBrokerError as error:
            yield failed(name, error, ok=None)


def _stack(session: Session, stack: str, found: Mapping[str, str]) -> Finding:
    """Whether the API is this stack's; a custom domain tells nothing."""
    own = found["ApiUrl"].partition("//")[2].partition(".")[0]
    if _wire.region(session.url) and own not in session.url:
        detail = f"{stack} has another API: {found['ApiUrl']}"
        return Finding("stack", False, detail, "Give the --api-url and --stack of one broker.")
    return Finding("stack", True, f"{stack}, API {own}.")


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
        detail = f"Refreshes that gave up: {number}."
        remedy, command = "Once the cause is gone, send them back.", "token-broker replay"
        return Finding("dead letters", False, detail, remedy, "", "operator", command)
    return Finding("dead letters", True, "There is none.")
