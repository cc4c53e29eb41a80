"""Every diagnosis of every provider as the page its reader sees, and every finding of a check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from broker.domain.connection import Check
from broker.domain.names import IdentityProvider
from broker.domain.problems import Provider
from broker.providers.diagnosis import Diagnosis, conclude
from broker.providers.error_catalogue import table
from broker.providers.readers import Reader
from broker.providers.response import Answer
from broker.providers.terms import Class, Endpoint
from broker.services import advertising, checks
from broker.web.outcomes import Ending
from broker.web.pages.language import Language
from broker.web.pages.layout import Page

CLIENT = "0f1e2d3c-0000-4000-8000-000000000000"
APPROVE = "https://broker.example.co.jp/admin-consent?ticket=" + "t" * 43
TOLD = Provider("access_denied", None, (65004,), "t" * 36, "c" * 36, "2026-11-21 03:04:05Z")


def diagnoses(provider: IdentityProvider, leg: Endpoint) -> Iterator[tuple[str, Diagnosis]]:
    """Each class, and each number, by a name for its path."""
    known = table(provider)
    pairs: list[tuple[Class, int | None]] = [(kind, None) for kind in known.rules]
    pairs += [(entry.kind, number) for number, entry in known.numbers.items() if entry.kind]
    for kind, number in pairs:
        name = f"{provider}-{kind}" + (f"-{number}" if number else "")
        yield name, conclude(provider, leg, kind, number, Answer(400, TOLD))


def told(language: Language, reader: Reader) -> dict[str, Page]:
    """The page of each diagnosis for one reader; of pages that are equal, the first."""
    leg = Endpoint.ADMIN_CONSENT if reader == "tenant_admin" else Endpoint.AUTHORIZE
    pages: dict[str, Page] = {}
    begun = Ending(
        "",
        connection="Example Ads (marketing-jp)",
        purpose="Daily reports",
        service="Microsoft Advertising",
        tenant="example.co.jp",
        scopes=("https://ads.microsoft.com/msads.manage",),
        reader=reader,
        at=1_795_230_245,
        request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    )
    for provider in get_args(IdentityProvider):
        for name, diagnosis in diagnoses(provider, leg):
            ending = begun.diagnosed(diagnosis)
            page = ending.render(language, CLIENT, APPROVE if ending.approval else None)
            if page not in pages.values():
                pages[f"{reader}-{name}"] = page
    return pages


def findings(language: Language) -> dict[str, Page]:
    """The page after a consent for each finding of the check."""
    both = checks.table()["findings"] | advertising.catalogue()["findings"]
    return {
        f"finding-{name}": Ending(
            "connected",
            connection="Example Ads (marketing-jp)",
            service="Microsoft Advertising",
            account="taro.yamada@example.co.jp",
            checks=(
                Check("refresh", True),
                Check("user", False, entry["problem"], "", entry["actor"], "", finding=name),
            ),
        ).render(language, CLIENT)
        for name, entry in both.items()
    }
