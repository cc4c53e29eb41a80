"""How a browser's attempt ended: stored for reloads, and shown in the reader's language. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from broker.domain.connection import Check
from broker.domain.names import IdentityProvider, Instant
from broker.domain.problems import Actor, Problem, Provider
from broker.providers import readers
from broker.providers.diagnosis import Diagnosis
from broker.providers.readers import Reader
from broker.providers.terms import Class
from broker.services import checks
from broker.web.pages import shapes
from broker.web.pages.language import Language
from broker.web.pages.layout import Page
from broker.web.pages.outcome import brief, outcome
from broker.web.pages.shapes import OUTCOMES, PageText, Support

_ADMINISTRATORS = {
    "consent_declined": "admin_consent_declined",
    "admin_consent_required": "admin_consent_incomplete",
    "reauthorization_required": "admin_consent_incomplete",
    "mfa_required": "admin_consent_incomplete",
}
"""Pages for an administrator, where the code's own page speaks to the owner."""
_NO_ADMINISTRATOR = (Class.ADMIN_CONSENT, Class.ADMIN_CONSENT_PENDING)
"""Whoever opened the administrator's link may not approve: they read what an owner would."""


@dataclass(frozen=True, slots=True)
class Ending:
    """A page's content, in no language yet. `page`: a name of `pages.OUTCOMES` or a code."""

    page: str
    connection: str = ""
    """Its display name and name."""
    purpose: str = ""
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
    reader: Reader = "owner"
    """Who sits at the browser."""
    identity_provider: IdentityProvider = "microsoft"

    @property
    def good(self) -> bool:
        """Whether the attempt reached its end."""
        return self.page in ("connected", "admin_consent_received")

    def diagnosed(self, found: Diagnosis) -> Ending:
        """With what the provider's answer means for the reader."""
        return replace(
            self,
            page=self.page_of(found.code, found.kind),
            identity_provider=found.identity_provider,
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
            page=page or self.page_of(problem.code),
            actor=problem.actor,
            provider=problem.provider or Provider(),
            retry_after=problem.retry_after,
        )

    def page_of(self, code: str, kind: Class | None = None) -> str:
        """The page of a code for who reads it."""
        if self.reader == "owner" or kind in _NO_ADMINISTRATOR:
            return code
        return _ADMINISTRATORS.get(code, code)

    @property
    def approval(self) -> bool:
        """Whether the page helps to reach the administrator, and a link helps them."""
        shape = OUTCOMES.get(self.page)
        return shape is not None and shape.approval and self._approves

    @property
    def _approves(self) -> bool:
        if self.kind is None:
            return True
        return readers.approves(Class(self.kind), self.number, self.identity_provider)

    def render(self, language: Language, client_id: str, admin_url: str | None = None) -> Page:
        """The page. `admin_url`: a link to hand to the administrator."""
        support = Support(Instant(self.at), self.request_id, self.provider)
        return outcome(
            self.page,
            language,
            connection=self.connection,
            purpose=self.purpose,
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
            chores=self._chores(language),
            approves=self._approves,
            support=None if self.good else support,
        )

    def _text(self, language: Language) -> PageText | None:
        """What the diagnosis says to the reader, where it says more than the page of the code: so
        a fault looks the same whether the provider was asked or the breaker was open."""
        if self.kind is None:
            return None
        kind, provider = Class(self.kind), self.identity_provider
        said = readers.said(kind, self.number, provider, self.reader, language)
        return PageText(said.title, said.what, said.remedy) if said else None

    def _chores(self, language: Language) -> Sequence[str]:
        if self.kind is None or self.reader != "owner":
            return ()
        return readers.chores(Class(self.kind), self.number, self.identity_provider, language)

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
