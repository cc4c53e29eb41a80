"""What people write for the agent, checked: maps, variables, a file. Pure but for reading it."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from token_broker import _wire
from token_broker.agent.choice import Choice, canonical
from token_broker.agent.environment import WHAT
from token_broker.errors import TokenBrokerError
from token_broker.token import Token


class Variable(NamedTuple):
    """A variable for a program that wants the token itself, once."""

    name: str
    connection: str
    what: str


def choice(connections: Iterable[str], maps: Iterable[str] = ()) -> Choice:
    """`maps`: `RESOURCE=CONNECTION`. Raises InvalidArgument."""
    names = tuple(dict.fromkeys(_wire.key(name, None).connection for name in connections))
    found: dict[str, str] = {}
    for text in maps:
        resource, mark, name = text.rpartition("=")
        if not mark:
            raise _wrong("A map is RESOURCE=CONNECTION.")
        spelt = canonical(resource)
        if found.get(spelt, name) != name:
            raise _wrong(f"{spelt} is mapped twice.")
        found[spelt] = _wire.key(name, None).connection
    return Choice(names, found)


def variable(text: str, served: Choice) -> Variable:
    """`NAME`, `NAME=WHAT` or `NAME=CONNECTION:WHAT`. Raises InvalidArgument."""
    name, _, asked = text.partition("=")
    connection, mark, what = asked.rpartition(":")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise _wrong(f"--env {name}: that is no name of a variable.")
    if (what or WHAT[0]) not in WHAT:
        raise _wrong(f"--env {name}: it can be one of {', '.join(WHAT)}.")
    if not mark and len(served.connections) != 1:
        raise _wrong(f"--env {name}: say whose, as in {name}=CONNECTION:{WHAT[0]}.")
    whose = served.named(connection) if mark else served.connections[0]
    return Variable(name, whose, what or WHAT[0])


def variables(wanted: Iterable[Variable], token: Callable[[str], Token]) -> dict[str, str]:
    """Their values. `token` fetches a connection's. Raises InvalidArgument for a parameter that
    the connection has not, and what `token` raises."""
    found: dict[str, str] = {}
    for name, connection, what in wanted:
        held = token(connection)
        values = {
            "access_token": held.access_token,
            "expires_at": f"{held.expires_at:%Y-%m-%dT%H:%M:%SZ}",
            "scope": held.scope,
            **held.parameters,
        }
        if what not in values:
            raise _wrong(f"--env {name}: {connection} carries no {what}.")
        found[name] = values[what]
    return found


def loopback(host: str) -> bool:
    """Whether an address is this host's own. Raises InvalidArgument for what is no address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        raise _wrong("--host is an address, as 127.0.0.1 or ::1.") from None


def file(path: Path, known: Mapping[str, bool]) -> dict[str, Any]:
    """A TOML file's settings under the names of the options. `known`: name → whether it is a list.
    Raises InvalidArgument, which never shows what the file holds."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(f"{path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise _wrong(f"{path}: it is no TOML.") from None
    if found.keys() - known.keys():
        raise _wrong(f"{path}: unknown settings; known are {', '.join(sorted(known))}.")
    if isinstance(found.get("map"), dict):
        found["map"] = [f"{resource}={name}" for resource, name in found["map"].items()]
    for name, value in found.items():
        if isinstance(value, dict) or isinstance(value, list) != known[name]:
            raise _wrong(f"{path}: {name} has the wrong kind of value.")
    return found


def _wrong(text: str) -> TokenBrokerError:
    """Of an option or a file."""
    return TokenBrokerError("invalid_request", text)
