"""AWS beside the broker's API: stack outputs, queues, secrets. Only some commands need it."""

from __future__ import annotations

from typing import Any

from token_broker.operator.awserrors import refused, told
from token_broker.operator.cli.session import Session


def client(session: Session, service: str) -> Any:
    """A botocore client, in the region of --region, of the API, or of the AWS configuration."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3})
    try:
        found = session.aws.create_client(service, region_name=session.where, config=config)
    except BotoCoreError as error:
        raise told(error, service) from None
    session.opened.callback(found.close)
    return found


def outputs(session: Session, stack: str) -> dict[str, str]:
    """The outputs of a stack of CloudFormation."""
    try:
        answer = client(session, "cloudformation").describe_stacks(StackName=stack)
    except refused() as error:
        raise told(error, f"cloudformation:DescribeStacks on {stack}") from None
    (found,) = answer["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
