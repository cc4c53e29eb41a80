"""How a browser's attempt ended: stored for reloads, and shown in the reader's language. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from broker.domain.connection import Check
from broker.domain.names import Instant
from broker.domain.problems import Actor, Problem, Provider
from broker.providers.diagnosis import Diagnosis, told
from broker.providers.terms import Class
from broker.services import checks
from broker.web.pages import shapes
from broker.web.pages.language import Language
from broker.web.pages.layout import Page
from broker.web.pages.outcome import brief, outcome
from broker.web.pages.shapes import OUTCOMES, PageText, Support

_ADMINISTRATORS = {
    Class.ADMIN_DECLINED: "admin_consent_declined",
    Class.ADMIN_RETRY: "admin_consent_incomplete",
}
"""Pages for an administrator, where the code's own page speaks to the owner."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A page's content, in no language yet. `page`: a name of `pages.OUTCOMES` or a code."""

    page: str
    connection: str = ""
    service: str = ""
    account: str = ""
    expected: str = ""
    tenant: str = ""
    scopes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    retry_after: int | None = None
    actor: Actor | None = None
    kind: str | None = None
    number: int | None = None
    provider: Provider = field(default_factory=Provider)
    at: int = 0
    request_id: str = ""
    handover: bool = False
    """Whether the page shows a link for the administrator."""

    @property
    def good(self) -> bool:
        """Whether the attempt reached its end."""
        return self.page in ("connected", "admin_consent_received")

    def diagnosed(self, found: Diagnosis) -> Ending:
        """With what Microsoft's answer means."""
        return replace(
            self,
            page=_ADMINISTRATORS.get(found.kind, found.code),
            actor=found.actor,
            kind=found.kind.value,
            number=found.number,
            provider=found.provider,
            retry_after=found.retry_after,
        )

    def refused(self, problem: Problem, page: str | None = None) -> Ending:
        """With the broker's own refusal."""
        return replace(
            self,
            page=page or problem.code,
            actor=problem.actor,
            provider=problem.provider or Provider(),
            retry_after=problem.retry_after,
        )

    @property
    def approval(self) -> bool:
        """Whether the page helps to reach the administrator."""
        return self.page in OUTCOMES and OUTCOMES[self.page].approval

    def render(self, language: Language, client_id: str, admin_url: str | None = None) -> Page:
        """The page. `admin_url`: a link to hand to the administrator."""
        support = Support(Instant(self.at), self.request_id, self.provider)
        return outcome(
            self.page,
            language,
            connection=self.connection,
            service=self.service,
            account=self.account,
            expected=self.expected,
            tenant=self.tenant,
            scopes=self.scopes,
            missing=self.missing,
            checks=[_shown(check, language) for check in self.checks],
            client_id=client_id,
            admin_consent_url=admin_url,
            retry_after=self.retry_after,
            actor=self.actor,
            text=self._text(language),
            support=None if self.good else support,
        )

    def _text(self, language: Language) -> PageText | None:
        if self.kind is None:
            return None
        said = told(Class(self.kind), self.number, language)
        return PageText(said.title, said.what, said.remedy, said.link)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {name: found for name, found in asdict(self).items() if found}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Ending:
        """From `as_dict`."""
        provider = dict(data.get("provider", {}))
        provider["error_codes"] = tuple(provider.get("error_codes", ()))
        lists = {name: tuple(data[name]) for name in ("scopes", "missing") if name in data}
        checks = tuple(Check(**check) for check in data.get("checks", ()))
        return cls(**{**data, **lists, "checks": checks, "provider": Provider(**provider)})


def _shown(check: Check, language: Language) -> shapes.Check:
    """A check for a page, with the general text of its code where there is no other."""
    said = checks.told(check, language)
    if check.ok or said.detail or check.code is None:
        return shapes.Check(said.name, check.ok, said.detail, said.remedy, check.actor)
    general = brief(check.code, language)
    return shapes.Check(said.name, False, *general, check.actor)
