"""A JSON Schema from samples of what the code really answers.

Types, fields and what may be null are the union over the samples; a field that is missing from one
of them is optional. Only what no sample can tell (formats, enumerations, maps with free keys) is
given beside them, by the field's path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]
Known = Mapping[str, Schema]
"""Path of a field, its names joined by dots, [] for an array's elements → its schema."""

_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "integer", dict: "object"}


def infer(samples: Sequence[Any], known: Known, path: str = "") -> Schema:
    """The schema that all samples conform to. ValueError for samples of several types."""
    present = [sample for sample in samples if sample is not None]
    found = known[path] if path in known else _plain(present, known, path)
    if len(present) == len(samples):
        return found
    if set(found) == {"type"} or (isinstance(found.get("type"), str) and "enum" not in found):
        return found | {"type": [found["type"], "null"]}
    return {"anyOf": [found, {"type": "null"}]}


def _plain(samples: Sequence[Any], known: Known, path: str) -> Schema:
    kinds = {type(sample) for sample in samples}
    if len(kinds) != 1:
        raise ValueError(f"{path}: {len(kinds)} types in the samples")
    if kinds == {dict}:
        return _object(samples, known, path)
    if kinds == {list}:
        elements = [element for sample in samples for element in sample]
        return {"type": "array", "items": infer(elements, known, f"{path}[]")}
    schema: Schema = {"type": _TYPES[kinds.pop()]}
    if path.endswith("_at"):
        schema["format"] = "date-time"
    return schema


def _object(samples: Sequence[Mapping[str, Any]], known: Known, path: str) -> Schema:
    names = list(dict.fromkeys(name for sample in samples for name in sample))
    return {
        "type": "object",
        "properties": {
            name: infer(
                [sample[name] for sample in samples if name in sample],
                known,
                f"{path}.{name}" if path else name,
            )
            for name in names
        },
        "required": [name for name in names if all(name in sample for sample in samples)],
        "additionalProperties": False,
    }
