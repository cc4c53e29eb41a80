"""What became of each row: a line each, without secrets, written at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TextIO

from token_broker._text import masked

Result = Literal["imported", "ready", "unchanged", "skipped", "failed", "untried"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """imported: active now. ready: would be (a dry run). unchanged: an earlier run did it. skipped:
    active already, from elsewhere. failed: `code`, `detail`, `actor`, `remedy` say why, `left` what
    it leaves behind. untried: the run ended.
    """

    source: str
    connection: str
    result: Result
    account: str = ""
    code: str = ""
    detail: str = ""
    actor: str = ""
    remedy: str = ""
    left: str = ""

    @property
    def name(self) -> str:
        """The row, for people."""
        return f"{self.source} {self.connection}".rstrip()

    def as_dict(self) -> dict[str, str]:
        """The fields that say something. Masked: in a row whose columns are shifted, a token stands
        where the broker expects a word, and its answer may repeat that."""
        return {name: masked(text) for name, text in asdict(self).items() if text}


def failed(source: str, connection: str, code: str, detail: str, remedy: str) -> Outcome:
    """Of a row that is the caller's to correct."""
    return Outcome(source, connection, "failed", "", code, detail, "caller", remedy)


def by_reason(outcomes: Iterable[Outcome]) -> dict[tuple[str, str, str], list[Outcome]]:
    """Rows that say the same (code, detail, remedy) together, the most frequent reason first."""
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in outcomes:
        words = outcome.as_dict()
        key = (words.get("code", ""), words.get("detail", ""), words.get("remedy", ""))
        groups.setdefault(key, []).append(outcome)
    return dict(sorted(groups.items(), key=lambda pair: -len(pair[1])))


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
