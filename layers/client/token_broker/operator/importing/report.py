"""What became of each row: a line each, without secrets, written at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TextIO

from token_broker._text import masked

Result = Literal["imported", "unchanged", "skipped", "failed", "untried"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """imported: active now. unchanged: an earlier run did it. skipped: active already, from
    elsewhere. failed: `code`, `detail`, `actor`, `remedy` say why. untried: the run ended.
    """

    source: str
    connection: str
    result: Result
    account: str = ""
    code: str = ""
    detail: str = ""
    actor: str = ""
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """The fields that say something. Masked: in a row whose columns are shifted, a token stands
        where the broker expects a word, and its answer may repeat that."""
        return {name: masked(text) for name, text in asdict(self).items() if text}


def writer(file: TextIO | None, name: str) -> Callable[[Outcome], None]:
    """Writes outcomes to a file as CSV, or as JSON lines if its name ends in .jsonl or .json."""
    if file is None:
        return lambda _: None
    if name.endswith((".jsonl", ".json")):
        return lambda outcome: _put(file, json.dumps(outcome.as_dict(), ensure_ascii=False) + "\n")
    rows: Any = csv.DictWriter(file, [one.name for one in fields(Outcome)])
    rows.writeheader()

    def write(outcome: Outcome) -> None:
        rows.writerow({name: _cell(text) for name, text in outcome.as_dict().items()})
        file.flush()

    return write


def _put(file: TextIO, text: str) -> None:
    file.write(text)
    file.flush()


def _cell(text: str) -> str:
    """Nothing that a spreadsheet would take for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
