"""boto3 clients, each built once in an execution environment.

Region, credentials and endpoints come from the environment, as AWS sets them. Creating clients is
most of a cold start, so each function asks only for those it needs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

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
    connect_timeout=2,
    read_timeout=22,
    retries={"mode": "standard", "total_max_attempts": 1},
    tcp_keepalive=True,
    max_pool_connections=50,
)


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


@cache
def dynamodb() -> DynamoDBClient:
    """DynamoDB, low level: its resource takes longer to import and to build."""
    return _session().client("dynamodb", config=QUICK)


@cache
def kms() -> KMSClient:
    """Key Management Service."""
    return _session().client("kms", config=QUICK)


@cache
def secretsmanager() -> SecretsManagerClient:
    """Secrets Manager."""
    return _session().client("secretsmanager", config=QUICK)


@cache
def sqs() -> SQSClient:
    """Simple Queue Service."""
    return _session().client("sqs", config=QUICK)


@cache
def events() -> EventBridgeClient:
    """EventBridge."""
    return _session().client("events", config=QUICK)


@cache
def functions() -> LambdaClient:
    """Lambda, with timeouts for a function that talks to Microsoft."""
    return _session().client("lambda", config=PATIENT)
