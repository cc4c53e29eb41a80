"""AWS clients, each built once in an execution environment.

Region, credentials and endpoints come from the environment, as AWS sets them. Creating clients is
most of a cold start, so each function asks only for those it needs; and they are botocore's own,
which are what boto3 hands out, without importing boto3 (`make bench` says what that saves).
"""

from __future__ import annotations

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
    from mypy_boto3_sqs import SQSClient

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


@cache
def _session() -> Session:
    return get_session()


def _client(service: str, config: Config) -> Any:
    return _session().create_client(service, config=config)


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
def functions_briefly() -> LambdaClient:
    """Lambda, for the callback: a person waits 20 s in all, and what was started goes on."""
    found: LambdaClient = _client("lambda", PATIENT.merge(Config(read_timeout=7)))
    return found


@cache
def functions() -> LambdaClient:
    """Lambda, with timeouts for a function that talks to Microsoft."""
    found: LambdaClient = _client("lambda", PATIENT)
    return found
