"""Whether an administrator will have to approve, foretold from data (`forecast.json`). Pure.

Nobody outside an organization can see its consent settings, so much stays "unknown". What is said
rests on how Microsoft defines permissions, and on its managed consent policy:
https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from broker.domain.names import PERSONAL_TENANT, IdentityProvider
from broker.providers.terms import Language

Outlook = Literal["required", "likely", "unknown", "unlikely"]

GRAVEST_FIRST: tuple[Outlook, ...] = ("required", "likely", "unknown", "unlikely")
PERSONAL = frozenset({"consumers", PERSONAL_TENANT})


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected, and why."""

    rule: str
    """A key of forecast.json's rules."""
    outlook: Outlook
    source: str
    """Where it is written, https."""

    def reason(self, language: Language = "en") -> str:
        """Why, in one or two sentences."""
        return str(_data()["rules"][self.rule][language])


def forecast(
    scopes: Sequence[str], tenant: str | None, identity_provider: IdentityProvider = "microsoft"
) -> Forecast:
    """The gravest of what each scope lets expect.

    `scopes`: full names. `tenant`: the tenant segment or the id of the expected account's tenant.
    """
    if identity_provider == "google":
        return _rule("google")
    if tenant in PERSONAL:
        return _rule("personal")
    foretold = [_rule(_of_scope(scope)) for scope in scopes] or [_rule("unknown")]
    return min(foretold, key=lambda said: GRAVEST_FIRST.index(said.outlook))


def _of_scope(scope: str) -> str:
    resource, _, name = scope.rpartition("/")
    for row in _data()["scopes"]:
        if re.fullmatch(row["resource"], resource.rstrip("/"), re.IGNORECASE) and re.fullmatch(
            row["names"], name, re.IGNORECASE
        ):
            return str(row["rule"])
    return "unknown"


def _rule(name: str) -> Forecast:
    rule = _data()["rules"][name]
    return Forecast(name, rule["forecast"], rule["source"])


@cache
def _data() -> dict[str, Any]:
    path = Path(__file__).with_name("forecast.json")
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data
