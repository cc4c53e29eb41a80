"""From an answer of Google to a diagnosis.

In order, the first that says something decides:
1. a passing fault: HTTP 429, 408, 5xx, and any page that is no JSON (403 of that kind is a limit)
2. `error_subtype`
3. `error`, by leg; with `invalid_grant`, the cause that its text names
4. a Retry-After
What is left is `unintelligible`, without effect. Texts change ("Token has been expired or revoked."
becomes "Bad Request" within a day), so none decides who must act.
"""

from __future__ import annotations

from collections.abc import Mapping

from broker.domain.problems import Provider
from broker.providers.diagnosis import Diagnosis, conclude
from broker.providers.error_catalogue import Entry, table
from broker.providers.google.response import account_gone, of_redirect, of_token
from broker.providers.response import Answer
from broker.providers.terms import Class, Endpoint


def diagnose(
    leg: Endpoint, status: int, headers: Mapping[str, str], body: bytes, now: float
) -> Diagnosis:
    """A non-success answer of the token endpoint. `now`: epoch seconds. Never raises."""
    answer = of_token(status, headers, body, now)
    kind = _passing(answer) or _said(leg, answer)
    if kind is Class.REAUTHORIZE and account_gone(body):
        kind = Class.ACCOUNT_GONE
    return conclude("google", leg, kind, None, answer)


def diagnose_redirect(leg: Endpoint, params: Mapping[str, str]) -> Diagnosis:
    """The query of an error redirect. Never raises."""
    answer = of_redirect(params)
    return conclude("google", leg, _said(leg, answer), None, answer)


def diagnose_transport(leg: Endpoint) -> Diagnosis:
    """No answer came: waiting is the cure."""
    return conclude("google", leg, Class.RETRY, None, Answer(status=0, provider=Provider()))


def _passing(answer: Answer) -> Class | None:
    if answer.status == 429 or (answer.status == 403 and not answer.oauth):
        return Class.THROTTLE
    if answer.status == 408 or answer.status >= 500 or not answer.oauth:
        return Class.RETRY
    return None


def _said(leg: Endpoint, answer: Answer) -> Class:
    catalogue = table("google")
    kind = _class(catalogue.suberrors, answer.provider.suberror, leg)
    kind = kind or _class(catalogue.errors, answer.provider.error, leg)
    if kind:
        return catalogue.legs[leg].get(kind, kind)
    return Class.THROTTLE if answer.retry_after else Class.UNINTELLIGIBLE


def _class(entries: Mapping[str, Entry], word: str | None, leg: Endpoint) -> Class | None:
    entry = entries.get(word or "")
    return entry.on(leg) if entry else None
