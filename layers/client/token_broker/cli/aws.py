"""AWS beside the broker's API: stack outputs, queues, secrets. Only some commands need it."""

from __future__ import annotations

from typing import Any

from token_broker import _wire
from token_broker.cli.session import Session
from token_broker.errors import TokenBrokerError

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def client(session: Session, service: str) -> Any:
    """A botocore client, in the region of --region, of the API, or of the AWS configuration."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3})
    try:
        found = session.aws.create_client(service, region_name=_region(session), config=config)
    except BotoCoreError as error:
        raise told(error, service) from error
    session.opened.callback(found.close)
    return found


def _region(session: Session) -> str | None:
    return session.region or (_wire.region(session.api_url) if session.api_url else None)


def refused() -> tuple[type[Exception], ...]:
    """What calls of a client raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def told(error: Exception, needed: str) -> TokenBrokerError:
    """The error for people. `needed`: the rights the call takes. AWS's message stays out of it."""
    answer = getattr(error, "response", None)
    if answer is None:
        name = type(error).__name__
        if "Credential" in name or "SSO" in name or "Token" in name:
            return TokenBrokerError("no_credentials", f"botocore raised {name}.")
        return TokenBrokerError("unreachable", f"AWS: botocore raised {name}.")
    code = answer.get("Error", {}).get("Code", "")
    if code in DENIED:
        return TokenBrokerError(
            "not_authorized", f"AWS: {code}.", remedy=f"Run as a role that may {needed}."
        )
    return TokenBrokerError(
        "aws_refused",
        f"AWS: {code}.",
        actor="caller",
        title="AWS refused",
        remedy="Check the names, the region (--region) and the account of the credentials.",
    )


def outputs(session: Session, stack: str) -> dict[str, str]:
    """The outputs of a stack of CloudFormation."""
    try:
        answer = client(session, "cloudformation").describe_stacks(StackName=stack)
    except refused() as error:
        raise told(error, f"cloudformation:DescribeStacks on {stack}") from error
    (found,) = answer["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
