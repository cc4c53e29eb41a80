"""Credentials, the API and the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import requests

from token_broker import _wire
from token_broker._json import decode
from token_broker._transport import NETWORK_ERRORS
from token_broker._unreachable import unreachable
from token_broker.errors import TokenBrokerError
from token_broker.operator.awserrors import refused, told
from token_broker.operator.cli.aws import client
from token_broker.operator.cli.health.finding import Finding, failed
from token_broker.operator.cli.session import Session

SKEW_NOTICE = 30
"""Seconds: AWS tolerates 300; a clock that is so far off already runs free."""


def identity(session: Session) -> Finding:
    try:
        arn = client(session, "sts").get_caller_identity()["Arn"]
    except refused() as error:
        return failed("credentials", told(error, "sts:GetCallerIdentity"))
    except TokenBrokerError as error:
        return failed("credentials", error)
    return Finding("credentials", True, arn)


def reach(session: Session) -> Iterator[Finding]:
    """An unsigned request: it must be refused, and it tells the time."""
    url = _wire.base_url(session.url)
    try:
        answer = requests.get(f"{url}/connections", timeout=(5, 30), allow_redirects=False)
    except NETWORK_ERRORS as error:
        yield failed("api", unreachable(error, url, None))
        return
    code = _code(answer)
    if answer.status_code in (401, 403) and code == "not_authorized":
        yield Finding("api", True, f"{url} answers, and refuses unsigned requests.")
    elif answer.status_code == 200:
        yield Finding("api", False, "It answers unsigned requests!", "Deploy the stack anew.")
    else:
        detail = f"{url} answers {answer.status_code}, not as the broker does."
        yield failed("api", TokenBrokerError("unexpected_answer", detail))
    yield _clock(_wire._skew(answer.headers.get("Date"), time.time()))


def _code(answer: requests.Response) -> str:
    try:
        return str(decode(answer.content)["code"])
    except (ValueError, TypeError, KeyError):
        return ""


def _clock(skew: float) -> Finding:
    size = abs(skew)
    detail = f"This machine's clock is {size:.0f} s off the API's."
    remedy = "Set the clock (NTP); AWS tolerates 5 minutes."
    if size > _wire.SKEW_SECONDS:
        return Finding("clock", False, detail, remedy, "clock_skew", "caller")
    return Finding("clock", None if size > SKEW_NOTICE else True, detail, remedy)
