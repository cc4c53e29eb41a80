"""Rows of AWS Secrets Manager and of the Parameter Store of Systems Manager.

A value is either a refresh token alone, and the last word of its name names the connection; or a
JSON object with the fields of a row, where others are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from token_broker._json import decode
from token_broker.errors import TokenBrokerError
from token_broker.operator.awserrors import refused, told
from token_broker.operator.importing.files import Item, attempt
from token_broker.operator.importing.rows import BadRow, Defaults, Row, row


def secrets(
    client: Any, names: Sequence[str], prefix: str | None, defaults: Defaults
) -> Iterator[Item]:
    """Of Secrets Manager: those named, and those whose name begins with the prefix."""
    wanted = [*names]
    if prefix is not None:
        try:
            pages = client.get_paginator("list_secrets").paginate(
                Filters=[{"Key": "name", "Values": [prefix]}]
            )
            found = [one["Name"] for page in pages for one in page["SecretList"]]
        except refused() as error:
            raise told(error, "secretsmanager:ListSecrets") from None
        wanted += [name for name in found if name.startswith(prefix)]
    for name in wanted:
        yield attempt(lambda n=name: _secret(client, n, defaults))  # type: ignore[misc]


def _secret(client: Any, name: str, defaults: Defaults) -> Row:
    try:
        text = client.get_secret_value(SecretId=name).get("SecretString")
    except refused() as error:
        raise _unread(name, told(error, f"secretsmanager:GetSecretValue on {name}")) from None
    return value(name, text, defaults)


def parameters(
    client: Any, names: Sequence[str], prefix: str | None, defaults: Defaults
) -> Iterator[Item]:
    """Of the Parameter Store: those named, and those below the path."""
    for name in names:
        yield attempt(lambda n=name: _parameter(client, n, defaults))  # type: ignore[misc]
    if prefix is None:
        return
    try:
        pages = client.get_paginator("get_parameters_by_path").paginate(
            Path=prefix, Recursive=True, WithDecryption=True
        )
        found = [one for page in pages for one in page["Parameters"]]
    except refused() as error:
        raise told(error, f"ssm:GetParametersByPath on {prefix}, kms:Decrypt") from None
    for one in found:
        yield attempt(lambda o=one: value(o["Name"], o["Value"], defaults))  # type: ignore[misc]


def _parameter(client: Any, name: str, defaults: Defaults) -> Row:
    try:
        found = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except refused() as error:
        raise _unread(name, told(error, f"ssm:GetParameter on {name}, kms:Decrypt")) from None
    return value(name, found["Value"], defaults)


def value(name: str, text: str | None, defaults: Defaults) -> Row:
    """The row of a stored text."""
    last = re.sub("[^a-z0-9]+", "-", name.rpartition("/")[2].lower()).strip("-")[:63]
    if not text:
        raise BadRow(name, "It holds no text.", last)
    try:
        found = decode(text)
    except ValueError:
        found = text.strip()
    given = found if isinstance(found, dict) else {"refresh_token": text.strip()}
    return row(name, {"connection": last} | given, defaults, strict=False)


def _unread(name: str, error: TokenBrokerError) -> BadRow:
    return BadRow(name, error.detail, code=error.code, remedy=error.remedy)
