"""DynamoDB's types and plain values.

None is left out of maps. A tuple comes back as a list and a dataclass as a dict: `items` knows
what they were.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

Plain = dict[str, Any]


def wrap(value: Any) -> dict[str, Any]:
    """The value with DynamoDB's types. Numbers are integers: we store no others."""
    if is_dataclass(value):
        value = {part.name: getattr(value, part.name) for part in fields(value)}
    typed: dict[str, Any]
    match value:
        case bool():
            typed = {"BOOL": value}
        case str():
            typed = {"S": str(value)}  # an enum's member becomes its value
        case int():
            typed = {"N": str(value)}
        case bytes():
            typed = {"B": value}
        case Mapping():
            typed = {"M": {name: wrap(part) for name, part in value.items() if part is not None}}
        case list() | tuple():
            typed = {"L": [wrap(part) for part in value]}
        case _:
            raise TypeError(f"{type(value).__name__} is not stored")
    return typed


def plain(item: Mapping[str, Any]) -> Plain:
    """An item's attributes as plain values."""
    return {name: _unwrap(value) for name, value in item.items()}


def _unwrap(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content)
        case "B":
            return bytes(content)
        case "L":
            return [_unwrap(part) for part in content]
        case "M":
            return plain(content)
    return content  # S and BOOL are as they are
