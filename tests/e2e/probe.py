"""A function that tries AWS calls under whatever role it is given; the tests deploy it by itself.

Event: {"calls": {name: [service, method, arguments]}}; answer: {name: "allowed" or "denied"}.
"""

from __future__ import annotations

from typing import Any

import boto3
from botocore.exceptions import ClientError

DENIED = {"AccessDenied", "AccessDeniedException", "AccessDeniedError"}


def handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    """Try each call. Whatever AWS says but AccessDenied, the role was good enough."""
    clients: dict[str, Any] = {}
    found = {}
    for name, (service, method, arguments) in event["calls"].items():
        client = clients.get(service) or clients.setdefault(service, boto3.client(service))
        found[name] = _try(client, method, arguments)
    return found


def _try(client: Any, method: str, arguments: dict[str, Any]) -> str:
    try:
        getattr(client, method)(**arguments)
    except ClientError as error:
        # The emulator's and AWS's words for one and the same.
        return "denied" if error.response["Error"]["Code"] in DENIED else "allowed"
    return "allowed"
