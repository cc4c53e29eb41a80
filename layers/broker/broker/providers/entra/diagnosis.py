"""From an answer to a diagnosis.

In order, the first that says something decides:
1. HTTP 429 and 408
2. a known AADSTS number (of several, the one whose class stands first in `Class`)
3. HTTP 5xx
4. `suberror`
5. a known number that says little (70000)
6. `error_subcode=cancel` of a redirect
7. `error`
8. a Retry-After beside a body that is no OAuth error
Unknown numbers and unknown words never count, except that `invalid_client` with an unknown number
alone is no proof against the client credential; what is left is `unintelligible`, without effect.

Microsoft asks clients to branch on `error`, for numbers change:
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from broker.domain.problems import Actor, Problem, Provider
from broker.providers.entra.error_catalogue import Entry, table, words
from broker.providers.entra.response import Answer, of_redirect, of_token
from broker.providers.terms import Class, Effect, Endpoint, Language, Text

Reason = Literal["timeout", "connect", "reset", "tls", "protocol"]

_ORDER = {kind: place for place, kind in enumerate(Class)}
_BARE = (None, 70000)

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

    leg: Endpoint
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
    """invalid_grant with 70000 alone or without a known number: it is known to come and go."""
    scope_related: bool
    """May be about the scopes that were asked for alone, not about the grant as a whole."""

    def problem(self, detail: str = "") -> Problem:
        """As an answer to a caller, in English. `detail` is vetted text to put in front."""
        said = text(self)
        number = f"Microsoft's answer: AADSTS{self.number} ({said.meaning})." if self.number else ""
        return Problem(
            self.code,
            " ".join(part for part in (detail, said.what, number) if part),
            actor=self.actor,
            remedy=said.remedy,
            retry_after=self.retry_after,
            provider=self.provider if self.provider != Provider() else None,
        )


def diagnose(
    leg: Endpoint, status: int, headers: Mapping[str, str], body: bytes, now: float
) -> Diagnosis:
    """A non-success answer of the token endpoint. `now`: epoch seconds. Never raises."""
    return _conclude(leg, of_token(status, headers, body, now))


def diagnose_redirect(leg: Endpoint, params: Mapping[str, str]) -> Diagnosis:
    """The query of an error redirect. Never raises."""
    return _conclude(leg, of_redirect(params))


def diagnose_transport(leg: Endpoint, reason: Reason) -> Diagnosis:  # noqa: ARG001
    """No answer came. The reason is for the caller's log: whichever it is, waiting is the cure."""
    return _make(leg, Class.RETRY, None, Answer(status=0, provider=Provider()))


def text(subject: Diagnosis | Class | int, language: Language = "en") -> Text:
    """What to tell people about a diagnosis, a class, or a number of the catalogue (KeyError)."""
    if isinstance(subject, Diagnosis):
        return told(subject.kind, subject.number, language)
    if isinstance(subject, Class):
        return words(subject, None, language)
    return words(table().numbers[subject].kind or Class.REAUTHORIZE, subject, language)


def told(kind: Class, number: int | None, language: Language) -> Text:
    """What to tell people about a diagnosis of which only class and number were kept.

    A number's own text holds for the class it has by itself, not for what a leg makes of it."""
    entry = table().numbers.get(number or 0)
    if entry is None or kind is entry.kind:
        return words(kind, number, language)
    meaning = (entry.meaning or {}).get(language, "")
    return words(kind, None, language)._replace(meaning=meaning)


def _conclude(leg: Endpoint, answer: Answer) -> Diagnosis:
    kind, number = _decide(leg, answer)
    return _make(leg, kind, number, answer)


def _decide(leg: Endpoint, answer: Answer) -> tuple[Class, int | None]:
    if answer.status == 429:
        return Class.THROTTLE, None
    if answer.status == 408:
        return Class.RETRY, None
    known = _known(leg, answer.provider.error_codes, weak=False)
    if known:
        return known
    if answer.status >= 500:
        return Class.RETRY, None
    said = _entry_of(table().suberrors, answer.provider.suberror, leg)
    if said:
        return said, None
    return _known(leg, answer.provider.error_codes, weak=True) or (_fallback(leg, answer), None)


def _fallback(leg: Endpoint, answer: Answer) -> Class:
    if answer.cancelled:
        return _swap(leg, Class.USER_DENIED)
    said = _entry_of(table().errors, answer.provider.error, leg)
    codes = answer.provider.error_codes
    if said is Class.CREDENTIAL and codes and table().numbers.keys().isdisjoint(codes):
        # With a number nobody knows it need not be about the secret (650052 once was such a one),
        # so it must not keep every other connection from being redeemed.
        return Class.CLIENT_MISCONFIGURED
    if said:
        return said
    return Class.THROTTLE if answer.retry_after else Class.UNINTELLIGIBLE


def _known(leg: Endpoint, numbers: tuple[int, ...], *, weak: bool) -> tuple[Class, int] | None:
    """The most telling of the known numbers; of equals, the first."""
    found = [
        (_swap(leg, kind), number)
        for number in numbers
        if (entry := table().numbers.get(number)) and entry.weak is weak and (kind := entry.on(leg))
    ]
    return min(found, key=lambda pair: _ORDER[pair[0]], default=None)


def _entry_of(entries: dict[str, Entry], word: str | None, leg: Endpoint) -> Class | None:
    entry = entries.get(word or "")
    kind = entry.on(leg) if entry else None
    return _swap(leg, kind) if kind else None


def _swap(leg: Endpoint, kind: Class) -> Class:
    return table().legs[leg].get(kind, kind)


def _make(leg: Endpoint, kind: Class, number: int | None, answer: Answer) -> Diagnosis:
    rule = table().rules[kind]
    entry = table().numbers.get(number or 0)
    grant = answer.provider.error == "invalid_grant" and answer.provider.suberror is None
    bare = grant and number in _BARE and kind in (Class.REAUTHORIZE, Class.RESTART)
    # In the browser of the admin-consent link sits the administrator, not the owner.
    stands_in = leg is Endpoint.ADMIN_CONSENT and rule.actor == "owner"
    wait = answer.retry_after or (entry.retry_after if entry else None) or rule.retry_after
    return Diagnosis(
        leg=leg,
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
    )
