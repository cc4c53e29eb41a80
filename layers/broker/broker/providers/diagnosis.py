"""What an answer of an identity provider means: what happened, who must act, and how.

`entra.diagnosis` and `google.diagnosis` decide the class; what follows from it is told here.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.names import IdentityProvider
from broker.domain.problems import Actor, Problem, Provider
from broker.providers.error_catalogue import table, words
from broker.providers.response import Answer
from broker.providers.terms import Class, Effect, Endpoint, Language, Text

_EFFECTS = {
    # A redirect comes through the browser, where anyone can write one.
    Endpoint.AUTHORIZE: {Effect.ADMIN},
    Endpoint.ADMIN_CONSENT: set[Effect](),
    # The token endpoint itself answered, but who signed in is not known yet.
    Endpoint.CODE: {Effect.ADMIN, Effect.CREDENTIAL},
    Endpoint.REFRESH: set(Effect),
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What happened, who must act, and what it means for the connection. Holds nothing unvetted."""

    identity_provider: IdentityProvider
    kind: Class
    code: str
    """A key of `broker.domain.problems.KINDS`."""
    actor: Actor
    effect: Effect
    retryable: bool
    """May heal by itself within seconds or minutes. A code is never redeemed again all the same."""
    retry_after: int | None
    """Seconds, 1 to 3600; None where retrying is no use, or where nobody said how long."""
    number: int | None
    """The AADSTS number that decided."""
    provider: Provider
    bare: bool
    """invalid_grant without a number that says more (a weak one, or none): it is known to come and
    go with the same token."""
    scope_related: bool
    """May be about the scopes that were asked for alone, not about the grant as a whole."""
    spreads: bool = False
    """What was registered minutes ago may not be known to all of Microsoft's nodes yet."""
    names: str = ""
    """The values an operator compares, where the refusal is about the client's credential."""

    @property
    def passes(self) -> bool:
        """Whether to ask once more at once is likely to help."""
        soon = self.retryable and not self.retry_after and self.code != "throttled"
        return soon or self.spreads

    def problem(self, detail: str = "") -> Problem:
        """As an answer to a caller, in English. `detail` is vetted text to put in front."""
        said = text(self)
        number = f"Microsoft's answer: AADSTS{self.number} ({said.meaning})." if self.number else ""
        return Problem(
            self.code,
            " ".join(part for part in (detail, said.what, number) if part),
            actor=self.actor,
            remedy=" ".join(part for part in (said.remedy, self.names) if part),
            retry_after=self.retry_after,
            provider=self.provider if self.provider != Provider() else None,
        )


def conclude(
    identity_provider: IdentityProvider,
    leg: Endpoint,
    kind: Class,
    number: int | None,
    answer: Answer,
) -> Diagnosis:
    """What follows from a class of answers on a leg, by the provider's catalogue."""
    catalogue = table(identity_provider)
    rule = catalogue.rules[kind]
    entry = catalogue.numbers.get(number or 0)
    grant = answer.provider.error == "invalid_grant" and answer.provider.suberror is None
    says_little = entry is None or entry.weak
    bare = grant and says_little and kind in (Class.REAUTHORIZE, Class.RESTART)
    # In the browser of the admin-consent link sits the administrator, not the owner.
    stands_in = leg is Endpoint.ADMIN_CONSENT and rule.actor == "owner"
    wait = answer.retry_after or (entry.retry_after if entry else None) or rule.retry_after
    return Diagnosis(
        identity_provider=identity_provider,
        kind=kind,
        code=rule.code,
        actor="tenant_admin" if stands_in else rule.actor,
        effect=rule.effect if rule.effect in _EFFECTS[leg] else Effect.NONE,
        retryable=rule.retryable,
        retry_after=wait if rule.retryable else None,
        number=number,
        provider=answer.provider,
        bare=bare,
        scope_related=rule.scope_related or bare or bool(entry and entry.scope_related),
        spreads=bool(entry and entry.spreads),
    )


def text(subject: Diagnosis | Class | int, language: Language = "en") -> Text:
    """What to tell people about a diagnosis, or about a class or number of Microsoft's catalogue
    (KeyError)."""
    if isinstance(subject, Diagnosis):
        return told(subject.kind, subject.number, language, subject.identity_provider)
    if isinstance(subject, Class):
        return words(subject, None, language)
    return words(table().numbers[subject].kind or Class.REAUTHORIZE, subject, language)


def told(
    kind: Class,
    number: int | None,
    language: Language,
    identity_provider: IdentityProvider = "microsoft",
) -> Text:
    """What to tell people about a diagnosis of which only class and number were kept.

    A number's own text holds for the class that an `error` beside it makes, else for the class it
    has by itself; not for what a leg makes of it."""
    entry = table(identity_provider).numbers.get(number or 0)
    if entry is None or kind in ((entry.beside or {}).values() or (entry.kind,)):
        return words(kind, number, language, identity_provider)
    meaning = (entry.meaning or {}).get(language, "")
    return words(kind, None, language, identity_provider)._replace(meaning=meaning)
