"""AWS's query protocol: a signed form in, XML out.

https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from flask import Response

from .issuer import DEFAULT_SECONDS, Asked, Refused

NAMESPACES = {
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/([^/,\s]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Query:
    """A request: whose key signed for which region and service, and its parameters."""

    access_key_id: str
    region: str
    service: str
    parameters: Mapping[str, str]

    @property
    def action(self) -> str:
        """What is asked."""
        return self.parameters.get("Action", "")


def read(authorization: str, body: bytes) -> Query | None:
    """None when it is not signed by Signature Version 4 in the header."""
    credential = _CREDENTIAL.search(authorization)
    if credential is None:
        return None
    form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
    key, region, service = credential.groups()
    return Query(key, region, service, form)


def asked(query: Query) -> Asked:
    """The parameters, which the emulator has validated already."""
    tags = _members(query.parameters, "Tags.member.{}.Key")
    values = _members(query.parameters, "Tags.member.{}.Value")
    return Asked(
        tuple(_members(query.parameters, "Audience.member.{}")),
        query.parameters["SigningAlgorithm"],
        int(query.parameters.get("DurationSeconds", DEFAULT_SECONDS)),
        dict(zip(tags, values, strict=True)),
        query.region,
    )


def _members(parameters: Mapping[str, str], pattern: str) -> list[str]:
    names = (pattern.format(number) for number in range(1, 51))
    return [parameters[name] for name in names if name in parameters]


def error_code(xml: bytes) -> str | None:
    """The code of an error answer; None for any other XML."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None
    code = root.find("{*}Error/{*}Code")
    return code.text if code is not None else None


def answer(service: str, action: str, fields: Mapping[str, str]) -> Response:
    """A success."""
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return _xml(
        f'<{action}Response xmlns="{NAMESPACES[service]}"><{action}Result>{inner}</{action}Result>'
        f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        f"</{action}Response>",
        200,
    )


def failure(service: str, refused: Refused) -> Response:
    """An error."""
    return _xml(
        f'<ErrorResponse xmlns="{NAMESPACES[service]}"><Error><Type>Sender</Type>'
        f"<Code>{escape(refused.code)}</Code><Message>{escape(refused.message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>",
        refused.status,
    )


def moment(seconds: int) -> str:
    """As AWS writes times in XML."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _xml(text: str, status: int) -> Response:
    return Response(text, status, mimetype="text/xml")
