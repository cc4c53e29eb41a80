"""AWS clients, each built once in an execution environment.

Region, credentials and endpoints come from the environment, as AWS sets them. Creating clients is
most of a cold start, so each function asks only for those it needs; and they are botocore's own,
which are what boto3 hands out, without importing boto3 (`make bench` says what that saves).

Lambda freezes an environment between two invocations, for minutes or hours. The other side closes
what is idle meanwhile, and a request sent into it is lost, or waits for its timeout. So connections
that have been idle are dropped before the next request.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session, get_session

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

# Seconds. These services answer in milliseconds; API Gateway ends a request after 29 s.
QUICK = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    tcp_keepalive=True,
    max_pool_connections=50,
)
# The function `refresh` ends after 20 s. A repeated invocation would redeem a second time.
PATIENT = Config(
    connect_timeout=1,
    read_timeout=21,
    retries={"mode": "standard", "total_max_attempts": 1},
    tcp_keepalive=True,
    max_pool_connections=50,
)


IDLE_SECONDS = 20.0
"""As in `https`. A new connection costs some 10 ms; a request into a dead one a second attempt at
best, and the clients of `PATIENT` have none."""


@cache
def _session() -> Session:
    return get_session()


def _client(service: str, config: Config, session: Session | None = None) -> Any:
    client = (session or _session()).create_client(service, config=config)
    Idle(client)
    _made.append(client)
    return client


class Idle:
    """Drops a client's connections before a request, if the one before it is some time ago. By the
    wall clock: another may stand still while the environment is frozen."""

    def __init__(self, client: Any) -> None:
        self._client, self._used = client, time.time()
        client.meta.events.register("before-send", self._before)

    def _before(self, **_: Any) -> None:
        """botocore's hook: an answer here would be taken instead of sending."""
        now = time.time()
        if now - self._used > IDLE_SECONDS:
            self._client.close()  # empties the pools; the client goes on
        self._used = now


_made: list[Any] = []


def forget_connections() -> None:
    """Drop the connections of every client there is: they are a snapshot's, not this copy's."""
    for client in _made:
        client.close()


@cache
def dynamodb() -> DynamoDBClient:
    """DynamoDB, low level: its resource takes longer to import and to build."""
    found: DynamoDBClient = _client("dynamodb", QUICK)
    return found


@cache
def kms() -> KMSClient:
    """Key Management Service."""
    found: KMSClient = _client("kms", QUICK)
    return found


@cache
def secretsmanager() -> SecretsManagerClient:
    """Secrets Manager."""
    found: SecretsManagerClient = _client("secretsmanager", QUICK)
    return found


@cache
def ssm() -> SSMClient:
    """Systems Manager."""
    found: SSMClient = _client("ssm", QUICK)
    return found


@cache
def sts() -> STSClient:
    """Security Token Service at the region's own endpoint, whatever the environment says: the
    global one issues no web identity tokens."""
    session = get_session()
    session.set_config_variable("sts_regional_endpoints", "regional")
    found: STSClient = _client("sts", QUICK, session)
    return found


@cache
def sqs() -> SQSClient:
    """Simple Queue Service."""
    found: SQSClient = _client("sqs", QUICK)
    return found


@cache
def events() -> EventBridgeClient:
    """EventBridge."""
    found: EventBridgeClient = _client("events", QUICK)
    return found


@cache
def mail() -> SESV2Client:
    """Simple Email Service."""
    found: SESV2Client = _client("sesv2", QUICK)
    return found


@cache
def functions_briefly() -> LambdaClient:
    """Lambda, for the callback: a person waits 20 s in all, and what was started goes on."""
    found: LambdaClient = _client("lambda", PATIENT.merge(Config(read_timeout=7)))
    return found


@cache
def functions() -> LambdaClient:
    """Lambda, with timeouts for a function that talks to Microsoft."""
    found: LambdaClient = _client("lambda", PATIENT)
    return found
