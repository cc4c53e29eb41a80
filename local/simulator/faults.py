"""Faults on demand: which apply to a request, and how they answer it or spoil the answer.

A fault is ``{"leg", "match", "times", "fault": {"kind": ...}}``; README.md lists the kinds.
Kinds that answer instead of the platform do so before any effect, unless ``after_effect`` is true:
then the effect happened and only the answer is lost.
"""

from __future__ import annotations

import itertools
import json
import socket
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from .entra.errors import Refusal
from .google.errors import GoogleRefusal
from .google.errors import refusal as google_refusal

GOOGLE_LEGS = ("google_authorize", "google_token", "google_revoke", "google_discovery")
LEGS = (
    *("authorize", "adminconsent", "token", "discovery", "advertising", "graph"),
    *GOOGLE_LEGS,
)
REPLACING = ("http", "throttle", "reset", "garbage", "html", "empty")
SPOILING = ("truncated", "omit", "set", "scope", "id_token")
KINDS = ("aadsts", "google", "api", "slow", "held", *REPLACING, *SPOILING)
_ids = itertools.count(1)


@dataclass(slots=True)
class Fault:
    """`match`: every key must equal the request's; `times`: how often still; None: for ever."""

    leg: str
    match: dict[str, Any]
    times: int | None
    fault: dict[str, Any]
    id: int = field(default_factory=lambda: next(_ids))

    def __post_init__(self) -> None:
        if self.leg not in LEGS:
            raise ValueError(f"leg is one of {', '.join(LEGS)}")
        if self.kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}")
        if self.refuses:
            refusal(self.fault)  # says now what is wrong with it
            if (self.kind == "google") != (self.leg in GOOGLE_LEGS):
                raise ValueError(f"a fault of kind {self.kind} cannot be played on {self.leg}")

    @property
    def kind(self) -> str:
        """What it does."""
        return str(self.fault.get("kind"))

    @property
    def refuses(self) -> bool:
        """Whether it refuses in the provider's own words."""
        return self.kind in ("aadsts", "google") or self.fault.get("shape") == "50196"

    @property
    def late(self) -> bool:
        """Whether it waits for the effect."""
        return bool(self.fault.get("after_effect"))


def take(faults: list[Fault], leg: str, subject: dict[str, Any]) -> list[Fault]:
    """The faults that hit this request, each counted down once. Call under the lock."""
    taken = []
    for fault in list(faults):
        if fault.leg != leg or not _matches(fault.match, subject):
            continue
        taken.append(fault)
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                faults.remove(fault)
    return taken


def _matches(match: dict[str, Any], subject: dict[str, Any]) -> bool:
    """All equal; of `scope` it is enough that the request holds those named."""
    wanted = dict(match)
    scope = set(str(wanted.pop("scope", "")).split())
    if not scope <= set(str(subject.get("scope") or "").split()):
        return False
    return all(subject.get(name) == value for name, value in wanted.items())


def refusal(fault: dict[str, Any]) -> Refusal | GoogleRefusal:
    """Of a ``google`` or an ``aadsts`` fault, or of a ``throttle`` in the shape of 50196."""
    if fault["kind"] == "google":
        return google_refusal(fault)
    names = ("error", "suberror", "text", "status", "claims", "codes", "page")
    number = 50196 if fault.get("shape") == "50196" else fault.get("number")
    return Refusal(number, **{n: fault[n] for n in names if n in fault})


def replacement(fault: dict[str, Any]) -> Response:
    """The answer of a replacing fault."""
    kind = fault["kind"]
    status = int(fault.get("status", 429 if kind == "throttle" else 200))
    if kind == "reset":
        return hang_up(None)
    if kind == "throttle":
        answer = Response("Too Many Requests", status, mimetype="text/plain")
        if fault.get("retry_after", 60) is not None:
            answer.headers["Retry-After"] = str(fault.get("retry_after", 60))
        return answer
    bodies = {
        "garbage": (b"\x00\xff{not json", "application/json"),
        "html": (b"<html><body><h1>Service unavailable</h1></body></html>", "text/html"),
        "empty": (b"", "application/json"),
    }
    content, mimetype = bodies.get(kind, (fault.get("body", ""), "text/plain"))
    if isinstance(content, dict | list):
        content, mimetype = json.dumps(content), "application/json"
    answer = Response(content, status, mimetype=fault.get("content_type", mimetype))
    for name, value in fault.get("headers", {}).items():
        answer.headers[name] = str(value)
    return answer


def spoil(fault: dict[str, Any], answer: Response) -> Response:
    """An answer after a spoiling fault."""
    kind = fault["kind"]
    if kind == "truncated":
        return hang_up(answer)
    if kind in ("omit", "set", "scope") and answer.status_code == 200 and answer.is_json:
        content = answer.get_json()
        for name in fault.get("fields", []) if kind == "omit" else ():
            content.pop(name, None)
        if kind == "set":
            content |= fault["fields"]
        if kind == "scope":
            content["scope"] = fault["scope"]
        answer.set_data(json.dumps(content))
    return answer


def hang_up(answer: Response | None) -> Response:
    """Close the connection: with half of `answer` sent (its length promised in full), or none."""
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is None:  # the headless shortcut has no wire
        return Response("connection lost", 502, mimetype="text/plain")
    if answer is not None:
        content = answer.get_data()
        head = f"HTTP/1.1 {answer.status}\r\n{answer.headers}".encode()
        connection.sendall(head + content[: len(content) // 2])
    connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)
