"""From an answer to a diagnosis.

In order, the first that says something decides:
1. HTTP 429 and 408
2. HTTP 5xx and an `error` that passes (server_error, temporarily_unavailable): a known number may
   say which passing fault it is, but never makes it a lasting one
3. a known AADSTS number (of several, the one whose class stands first in `Class`)
4. `suberror`
5. a known number that says little (`weak`)
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
from typing import Literal

from broker.domain.problems import Provider
from broker.providers.diagnosis import Diagnosis, conclude
from broker.providers.entra.response import of_redirect, of_token
from broker.providers.error_catalogue import Entry, table
from broker.providers.response import Answer
from broker.providers.terms import Class, Endpoint

Reason = Literal["timeout", "connect", "reset", "tls", "protocol"]

_ORDER = {kind: place for place, kind in enumerate(Class)}
_PASSING = (Class.THROTTLE, Class.RETRY)


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
    return conclude("microsoft", leg, Class.RETRY, None, Answer(status=0, provider=Provider()))


def _conclude(leg: Endpoint, answer: Answer) -> Diagnosis:
    kind, number = _decide(leg, answer)
    return conclude("microsoft", leg, kind, number, answer)


def _decide(leg: Endpoint, answer: Answer) -> tuple[Class, int | None]:
    if answer.status == 429:
        return Class.THROTTLE, None
    if answer.status == 408:
        return Class.RETRY, None
    known = _known(leg, answer.provider, weak=False)
    word = _entry_of(table().errors, answer.provider.error, leg)
    if answer.status >= 500 or word in _PASSING:
        passing = word if word in _PASSING else Class.RETRY
        return known if known and known[0] in _PASSING else (passing, None)
    if known:
        return known
    said = _entry_of(table().suberrors, answer.provider.suberror, leg)
    if said:
        return said, None
    return _known(leg, answer.provider, weak=True) or (_fallback(leg, answer), None)


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


def _known(leg: Endpoint, said: Provider, *, weak: bool) -> tuple[Class, int] | None:
    """The most telling of the known numbers; of equals, the first."""
    found = [
        (_swap(leg, kind), number)
        for number in said.error_codes
        if (entry := table().numbers.get(number))
        and entry.weak is weak
        and (kind := entry.on(leg, said.error))
    ]
    return min(found, key=lambda pair: _ORDER[pair[0]], default=None)


def _entry_of(entries: dict[str, Entry], word: str | None, leg: Endpoint) -> Class | None:
    entry = entries.get(word or "")
    kind = entry.on(leg) if entry else None
    return _swap(leg, kind) if kind else None


def _swap(leg: Endpoint, kind: Class) -> Class:
    return table().legs[leg].get(kind, kind)
