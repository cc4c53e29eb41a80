"""Takes in what Google answered and lets through only what has a known shape.

Bodies are JSON with `error`, sometimes `error_description` and `error_subtype`; pages of HTML with
403, 502 or 503 are normal. There are no numbers, and no trace ids. Nothing here raises.
https://developers.google.com/identity/protocols/oauth2/web-server#exchange-errors
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain.problems import Provider
from broker.providers.error_catalogue import table
from broker.providers.response import Answer, fields, listed, wait

_GONE = "account has been deleted"


def of_token(status: int, headers: Mapping[str, str], body: bytes, now: float) -> Answer:
    """What the token endpoint answered. `now` is in epoch seconds."""
    lowered = {str(name).lower(): str(value)[:256] for name, value in headers.items()}
    said = fields(body)
    return Answer(
        status=status,
        provider=_provider(said or {}),
        retry_after=wait(lowered.get("retry-after", ""), now),
        oauth=said is not None,
    )


def of_redirect(params: Mapping[str, str]) -> Answer:
    """What came back in the query: anybody can forge it, so it proves nothing."""
    return Answer(status=0, provider=_provider(dict(params)))


def account_gone(body: bytes) -> bool:
    """Whether the text beside `invalid_grant` says that the account was deleted.

    A text may change, so it never decides who must act: it only names the cause better."""
    description = (fields(body) or {}).get("error_description")
    return isinstance(description, str) and _GONE in description[:1024].lower()


def _provider(said: Mapping[str, Any]) -> Provider:
    return Provider(
        error=listed(said.get("error"), table("google").errors),
        suberror=listed(said.get("error_subtype"), table("google").suberrors),
    )
