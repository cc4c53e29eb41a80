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
from token_broker.token import Token


class Variable(NamedTuple):
    """A variable for a program that wants the token itself, once."""

    name: str
    connection: str
    what: str


def choice(connections: Iterable[str], maps: Mapping[str, str]) -> Choice:
    """Raises `invalid_request` for what is no name, ValueError for two maps of one resource."""
    names = tuple(dict.fromkeys(_wire.key(name, None).connection for name in connections))
    found: dict[str, str] = {}
    for resource, name in maps.items():
        spelt = canonical(resource)
        if found.get(spelt, name) != name:
            raise ValueError(f"{spelt} is mapped twice.")
        found[spelt] = _wire.key(name, None).connection
    return Choice(names, found)


def variable(text: str, served: Choice) -> Variable:
    """`NAME`, `NAME=WHAT` or `NAME=CONNECTION:WHAT`. Raises ValueError."""
    name, _, asked = text.partition("=")
    connection, mark, what = asked.rpartition(":")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"--env {name}: that is no name of a variable.")
    if (what or WHAT[0]) not in WHAT:
        raise ValueError(f"--env {name}: it can be one of {', '.join(WHAT)}.")
    if not mark and len(served.connections) != 1:
        raise ValueError(f"--env {name}: say whose, as in {name}=CONNECTION:{WHAT[0]}.")
    whose = served.named(connection) if mark else served.connections[0]
    return Variable(name, whose, what or WHAT[0])


def variables(wanted: Iterable[Variable], token: Callable[[str], Token]) -> dict[str, str]:
    """Their values. `token` fetches a connection's. Raises ValueError for a parameter that the
    connection has not, and what `token` raises."""
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
            raise ValueError(f"--env {name}: {connection} carries no {what}.")
        found[name] = values[what]
    return found


def loopback(host: str) -> bool:
    """Whether an address is this host's own. ValueError for what is no address."""
    return ipaddress.ip_address(host).is_loopback


def file(path: Path, known: Mapping[str, bool]) -> dict[str, Any]:
    """A TOML file's settings under the names of the options. `known`: name → whether it is a list.
    Raises ValueError, which never shows what the file holds."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise ValueError(f"{path}: it is no TOML.") from None
    if found.keys() - known.keys():
        raise ValueError(f"{path}: unknown settings; known are {', '.join(sorted(known))}.")
    if isinstance(found.get("map"), dict):
        found["map"] = [f"{resource}={name}" for resource, name in found["map"].items()]
    for name, value in found.items():
        if isinstance(value, dict) or isinstance(value, list) != known[name]:
            raise ValueError(f"{path}: {name} has the wrong kind of value.")
    return found
