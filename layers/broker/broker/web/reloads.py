"""What a browser sees that comes back with a state it cannot claim: a reload, a second load of the
same page, another browser, too late, or a forgery."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from broker.domain.attempts import Progress
from broker.ports.ambient import Clock
from broker.ports.stores import Authorizations
from broker.web.links import LinkProblem

POLL = 0.5
"""Seconds between two looks for an outcome that another load of the page is working on."""


class Ports(Protocol):
    """Of the callback."""

    @property
    def authorizations(self) -> Authorizations: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def sleep(self) -> Callable[[float], None]: ...


def outcome(ports: Ports, digest: str, browser: str, patience: float) -> Mapping[str, Any]:
    """How the attempt of this state ended, for the browser it began in. Raises `LinkProblem`.

    `patience`: seconds that the load which claimed it may take; so long a second one waits."""
    now, progress = ports.clock(), ports.authorizations.progress(digest)
    if progress is None:
        raise LinkProblem("attempt_unknown")
    if progress.claimed_at is None:
        raise LinkProblem("other_browser" if progress.expires_at > now else "attempt_expired")
    if progress.cookie != browser or progress.expires_at <= now:
        raise LinkProblem("attempt_finished")
    return _awaited(ports, digest, progress, progress.claimed_at + patience)


def _awaited(
    ports: Ports, digest: str, progress: Progress | None, until: float
) -> Mapping[str, Any]:
    while progress:
        if progress.page is not None:
            return progress.page
        if ports.clock() >= until:
            break
        ports.sleep(POLL)
        progress = ports.authorizations.progress(digest)
    raise LinkProblem("attempt_unknown")  # whoever claimed it died
