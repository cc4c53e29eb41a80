"""What AWS, or a stored certificate, has against a client credential: the catalogue as data.

`credential_findings.json`: finding → kind of credential, code, and what people are told, in en and
ja. Read when first needed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from broker.domain.credentials import CredentialKind
from broker.domain.problems import Problem
from broker.providers.terms import Language


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry."""

    kind: CredentialKind
    code: str
    """A key of `broker.domain.problems.KINDS`."""
    what: dict[Language, str]
    remedy: dict[Language, str]


@cache
def findings() -> dict[str, Finding]:
    """The catalogue."""
    path = Path(__file__).with_name("credential_findings.json")
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Finding(
            CredentialKind(entry["kind"]),
            entry["code"],
            {"en": entry["en"]["what"], "ja": entry["ja"]["what"]},
            {"en": entry["en"]["remedy"], "ja": entry["ja"]["remedy"]},
        )
        for name, entry in entries.items()
    }


def problem(finding: str, names: str = "") -> Problem:
    """The finding as an answer, in English. `names`: the credential's values."""
    entry = findings()[finding]
    remedy = " ".join(part for part in (entry.remedy["en"], names) if part)
    return Problem(entry.code, f"{entry.kind}: {entry.what['en']}", remedy=remedy)
