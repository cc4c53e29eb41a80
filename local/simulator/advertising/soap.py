"""The same operations by SOAP, which `bingads` speaks until Microsoft shuts it down (2027-01-31).

Envelope and headers: https://learn.microsoft.com/advertising/guides/services-protocol
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from flask import Blueprint, Response, request
from werkzeug.datastructures import Headers

from ..world import World
from . import faults
from .faults import Fail
from .routes import OPERATIONS, Style, respond

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_HEADERS = ("DeveloperToken", "CustomerId", "CustomerAccountId", "IdentityProvider")

_MEMBERS = {
    "CustomerRoles": "e:CustomerRole",
    "Accounts": "e:AdvertiserAccount",
    "AccountsInfo": "e:AccountInfo",
    "EntityRecords": "a:string",
}
"""Element of an answer → the name of its members, with the namespace's prefix."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service's path and namespaces: of messages, and of what is inside them."""

    name: str
    path: str
    messages: str
    entities: str


SERVICES = (
    Service(
        "CustomerManagement",
        "Api/CustomerManagement/v13/CustomerManagementService.svc",
        "https://bingads.microsoft.com/Customer/v13",
        "https://bingads.microsoft.com/Customer/v13/Entities",
    ),
    Service(
        "Reporting",
        "Api/Advertiser/Reporting/v13/ReportingService.svc",
        "https://bingads.microsoft.com/Reporting/v13",
        "https://bingads.microsoft.com/Reporting/v13",
    ),
    Service(
        "Bulk",
        "Api/Advertiser/CampaignManagement/v13/BulkService.svc",
        "https://bingads.microsoft.com/CampaignManagement/v13",
        "https://bingads.microsoft.com/CampaignManagement/v13",
    ),
)


def blueprint(world: World) -> Blueprint:
    """Each service's one address, for production and, under `/sandbox`, for the sandbox."""
    routes = Blueprint("soap", __name__)
    operations = dict(OPERATIONS.values())
    for environment, prefix in (("production", ""), ("sandbox", "/sandbox")):
        for service in SERVICES:

            def view(environment: str = environment, service: Service = service) -> Response:
                return _call(world, environment, service, operations)

            url = f"{prefix}/{service.path}"
            routes.add_url_rule(url, f"{environment}:{service.name}", view, methods=["POST"])
    return routes


def _call(
    world: World, environment: str, service: Service, operations: Mapping[str, Any]
) -> Response:
    try:
        envelope = ElementTree.fromstring(request.get_data())
        (message,) = envelope.iterfind(f"{{{SOAP}}}Body/*")
    except (ElementTree.ParseError, ValueError):
        return _fault(service, faults.fault(Fail(100), reason_in_message=False))
    name = _local(message).removesuffix("Request")
    style = Style(
        headers=partial(_headers, envelope),
        body=partial(_body, message),
        answer=partial(_answer, service),
        fault=partial(_fault, service),
    )
    if name not in operations:
        return _fault(service, faults.fault(Fail(100), reason_in_message=False))
    return respond(world, environment, name, operations[name], style)


def _headers(envelope: Element) -> Headers:
    """SOAP's header elements under REST's names; empty ones are absent."""
    given = {
        _local(element): element.text.strip()
        for element in envelope.iterfind(f"{{{SOAP}}}Header/*")
        if element.text and element.text.strip()
    }
    headers = Headers({name: given[name] for name in _HEADERS if name in given})
    if "AuthenticationToken" in given:
        headers["Authorization"] = f"Bearer {given['AuthenticationToken']}"
    return headers


def _body(message: Element) -> dict[str, Any]:
    value = _read(message)
    return value if isinstance(value, dict) else {}


def _read(element: Element) -> Any:
    """A list where all members have the name of a type in lower case or of a known array."""
    children = list(element)
    if element.get(_NIL) == "true":
        return None
    if not children:
        return element.text
    names = {_local(child) for child in children}
    if names <= {"long", "string"} or names in ({"Predicate"}, {"CampaignScope"}):
        return [_read(child) for child in children]
    return {_local(child): _read(child) for child in children}


def _answer(service: Service, name: str, content: dict[str, Any]) -> Response:
    inner = "".join(_write(key, value) for key, value in content.items())
    return _envelope(
        service, f'<{name}Response xmlns="{service.messages}">{inner}</{name}Response>'
    )


def _write(name: str, value: Any) -> str:
    """An element; what is inside of it stands in the entities' namespace (prefix `e`)."""
    if value is None:
        return f'<{name} i:nil="true"/>'
    local = name.partition(":")[2] or name
    if isinstance(value, dict):
        inner = "".join(_write(f"e:{key}", item) for key, item in value.items())
    elif isinstance(value, list):
        inner = "".join(_write(_MEMBERS.get(local, "a:long"), item) for item in value)
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def _fault(service: Service, fault: faults.Fault) -> Response:
    """SOAP's faults are all HTTP 500; `Invalid client data` is all that the outside says."""
    kind = str(fault.body["Type"])
    lists = {
        "Errors": "AdApiError",
        "OperationErrors": "OperationError",
        "BatchErrors": "BatchError",
    }
    errors = ""
    for name, member in lists.items():
        if name in fault.body:
            entries = "".join(f"<{member}>{_fields(e)}</{member}>" for e in fault.body[name])
            errors += f"<{name}>{entries}</{name}>"
    space = "https://adapi.microsoft.com" if kind == "AdApiFaultDetail" else service.messages
    tracking = str(uuid.uuid4())
    text = (
        "Invalid client data. Check the SOAP fault details for more information. "
        f"TrackingId: {tracking}."
    )
    detail = f'<{kind} xmlns="{space}"><TrackingId>{tracking}</TrackingId>{errors}</{kind}>'
    answer = _envelope(
        service,
        f"<s:Fault><faultcode>s:Server</faultcode><faultstring>{text}</faultstring>"
        f"<detail>{detail}</detail></s:Fault>",
    )
    answer.status_code = 500
    return answer


def _fields(error: Mapping[str, Any]) -> str:
    return "".join(f"<{k}>{escape(str(v or ''))}</{k}>" for k, v in error.items())


def _envelope(service: Service, content: str) -> Response:
    tracking = str(uuid.uuid4())
    text = (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:e="{service.entities}" xmlns:a="{ARRAYS}"><s:Header>'
        f'<h:TrackingId xmlns:h="{service.messages}">{tracking}</h:TrackingId></s:Header>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    )
    answer = Response(text, content_type="text/xml; charset=utf-8")
    answer.headers["TrackingId"] = tracking
    return answer


def _local(element: Element) -> str:
    return element.tag.partition("}")[2] or element.tag
