"""What arrives, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

from token_broker._text import plain
from token_broker.errors import TokenBrokerError

MAX_QUERY = 8192
"""Bytes. Longer than any library's: a resource, a selector, a digest."""
MAX_FIELDS = 32


class Request(NamedTuple):
    """One request. `headers`: names in lower case. `query`: as it was sent, still encoded."""

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]


Fields = Mapping[str, str]
"""The query's fields that have a value, each once."""


def fields(query: bytes) -> Fields:
    """The query's fields. Raises `invalid_request` for one that is there twice, or for too much.

    A name that several readers understand differently is what attackers look for, hence no twice.
    """
    if len(query) > MAX_QUERY:
        raise TokenBrokerError("invalid_request", f"The query has more than {MAX_QUERY} bytes.")
    try:
        found = parse_qs(query.decode("ascii"), max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise TokenBrokerError("invalid_request", "The query cannot be read.") from None
    for name, values in found.items():
        if len(values) > 1:
            raise TokenBrokerError("invalid_request", f"{brief(name)} is there twice.")
    return {name: values[0] for name, values in found.items()}


def brief(text: str, longest: int = 200) -> str:
    """Somebody's text in one line and cut to its length: for log lines and errors."""
    line = " ".join(plain(text).split())
    return line if len(line) <= longest else line[: longest - 3] + "..."
