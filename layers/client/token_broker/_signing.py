"""Requests signed with the job's own AWS credentials, for API Gateway.

botocore is imported with the first signature: it takes longer than all the rest.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Any, Protocol

from requests import PreparedRequest
from requests.auth import AuthBase

from token_broker import _wire
from token_broker.errors import TokenBrokerError


class SupportsCredentials(Protocol):
    """A session of botocore or boto3."""

    def get_credentials(self) -> Any:
        """botocore's Credentials, or None."""


class Signer(AuthBase):
    """Signature Version 4 for `execute-api`. An auth object of requests, because then requests
    looks for no credentials of its own (~/.netrc) and would overwrite none.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
    """

    def __init__(self, api_url: str, session: SupportsCredentials | None, region: str | None):
        self._region = region or _wire.region(api_url)
        self._session = session
        self._credentials: Any = None
        self._lock = Lock()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        signed = AWSRequest(method=request.method, url=request.url, data=request.body)
        SigV4Auth(self._frozen(), "execute-api", self._where()).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request

    def _frozen(self) -> Any:
        """Credentials of this moment. botocore finds them (environment, profile, SSO, ECS, EKS,
        Lambda, EC2) and renews those that expire."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            with self._lock:
                if self._credentials is None:
                    self._credentials = self._aws().get_credentials()
                credentials = self._credentials
            if credentials is not None:
                return credentials.get_frozen_credentials()
            failure = TokenBrokerError("no_credentials", "botocore finds none anywhere.")
        except (BotoCoreError, ClientError) as error:
            # No cause: it may hold botocore's own signed request, to STS for one.
            failure = TokenBrokerError("no_credentials", _told(error))
        raise failure

    def _aws(self) -> Any:
        if self._session is None:
            from botocore.session import Session

            # Lambda, ECS and people set AWS_REGION; botocore reads AWS_DEFAULT_REGION alone.
            self._region = self._region or os.environ.get("AWS_REGION")
            self._session = Session()
        return self._session

    def _where(self) -> str:
        """The API's region: given, or in its host name, or the session's."""
        if self._region is None:
            aws = self._aws()
            found = getattr(aws, "region_name", None)  # boto3
            if not found and hasattr(aws, "get_config_variable"):
                found = aws.get_config_variable("region")
            if not found:
                raise TokenBrokerError(
                    "invalid_request",
                    "The API URL names no region, and AWS_REGION, AWS_DEFAULT_REGION and the "
                    "profile do not either.",
                    remedy="Give the region: --region, or region= in Python.",
                )
            self._region = str(found)
        return self._region


def _told(error: Exception) -> str:
    """What botocore says, for people: a missing profile by its name, an answer by AWS's code."""
    name = type(error).__name__
    if name == "ProfileNotFound":
        return str(error)
    answer = getattr(error, "response", None)
    code = answer.get("Error", {}).get("Code", "") if isinstance(answer, dict) else ""
    return f"botocore raised {name} ({code})." if code else f"botocore raised {name}."
