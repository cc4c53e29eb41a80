"""The findings of `verify`: what was checked, what is wrong, who must act, and how. Pure.

Texts are data: `checks.json`, and the catalogue of Microsoft Advertising's faults.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from broker.domain.connection import Check
from broker.domain.problems import Problem
from broker.providers.terms import Language
from broker.services.advertising import Finding, catalogue


class Said(NamedTuple):
    """A check in a reader's language. `detail` and `remedy` are empty where there is no text."""

    name: str
    detail: str
    remedy: str


def passed(name: str, detail: str) -> Check:
    """All is well."""
    return Check(name, True, detail=detail)


def failed(name: str, problem: Problem) -> Check:
    """The broker could not even try."""
    return Check(name, False, problem.code, problem.detail, problem.actor, problem.remedy)


def found(name: str, finding: str, more: str = "") -> Check:
    """One of the broker's own findings. `more`: vetted text to add."""
    entry = table()["findings"][finding]
    said = entry["en"]
    detail = " ".join(part for part in (said["what"], more) if part)
    return Check(
        name, False, entry["problem"], detail, entry["actor"], said["remedy"], finding=finding
    )


def fault(name: str, finding: Finding) -> Check:
    """A fault of the Microsoft Advertising API."""
    said = finding.text()
    number = f"code {finding.code}, " if finding.code is not None else ""
    tracking = f"; tracking id {finding.tracking_id}" if finding.tracking_id else ""
    return Check(
        name,
        False,
        finding.problem,
        f"{said.title}. {said.what} ({number}{finding.symbol}{tracking})",
        finding.actor,
        said.remedy,
        finding=finding.symbol,
    )


def told(check: Check, language: Language) -> Said:
    """The check for the owner's page. What others must mend is said, not how."""
    names: dict[str, str] = table()["names"].get(check.name, {})
    name = names.get(language, check.name)
    if check.ok:
        return Said(name, "", "")
    owners = table()["owners"]
    entry = (
        owners.get(check.finding)
        or owners.get(check.actor)
        or table()["findings"].get(check.finding)
        or catalogue()["findings"].get(check.finding)
    )
    if entry is None:
        return Said(name, "", "")
    said = entry[language]
    return Said(name, said["what"], said["remedy"])


@cache
def table() -> dict[str, Any]:
    """checks.json."""
    path = Path(__file__).with_name("checks.json")
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data
