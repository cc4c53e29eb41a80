"""Google's refusals: a table by name, one exception, and its two renderings.

The token endpoint answers `{error, error_description}`, sometimes with `error_subtype` and
`error_uri`, and HTML where a front end answers; pages name the error and never go back to the
application. The texts are those that applications have met.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `html` takes the place of the JSON body."""

    status: int
    error: str = ""
    text: str | None = None
    subtype: str | None = None
    uri: str | None = None
    html: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def _load() -> dict[str, Answer]:
    raw = json.loads(Path(__file__).with_name("answers.json").read_text(encoding="utf-8"))
    return {name: Answer(**entry) for name, entry in raw.items()}


ANSWERS = _load()


class GoogleRefusal(Exception):  # noqa: N818 (it is an answer, not a defect)
    """Google says no: an answer of the table, with changes."""

    def __init__(self, name: str, **changes: Any) -> None:
        self.name = name
        self.answer = replace(ANSWERS[name], **changes)
        super().__init__(name)


def refusal(fault: Mapping[str, Any]) -> GoogleRefusal:
    """Of a ``google`` fault: `answer` names one of the table, other fields change it."""
    names = ("status", "error", "text", "subtype", "uri", "html", "headers")
    return GoogleRefusal(fault["answer"], **{name: fault[name] for name in names if name in fault})


def body(answer: Answer) -> dict[str, str]:
    """The token endpoint's JSON."""
    fields = {
        "error": answer.error,
        "error_description": answer.text,
        "error_subtype": answer.subtype,
        "error_uri": answer.uri,
    }
    return {name: value for name, value in fields.items() if value}
