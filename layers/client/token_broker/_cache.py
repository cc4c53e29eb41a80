"""Tokens in memory: when to serve one, when to fetch, and one fetch at a time for each key.

A token is *fresh* until `Rules.ahead` before its end. Then one caller fetches its successor while
the others still get it; in the last `Rules.margin` seconds all wait. A token that is still valid is
served whatever the fetch said; an expired or refused one never.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from hashlib import sha256
from threading import Event, Lock
from typing import NamedTuple

from token_broker._wire import Ask, Key
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

AHEAD = 600.0
"""Seconds before the end when a successor is fetched. The broker replaces a token in use after
six tenths of its life, so there is one by then."""
MARGIN = 60.0
"""Seconds before the end when callers wait for the successor: requests take time as well."""
QUIET = 60.0
"""Seconds between two fetches ahead of need for one key."""
PURGE_ABOVE = 512
"""Entries; beyond it, expired ones are dropped, and refusals that no fetch has answered yet."""


class Rules(NamedTuple):
    """When a token is fetched anew. All in seconds.

    ahead   before its end: one caller fetches the successor, the others are served
    margin  before its end: everyone waits for the successor
    quiet   after a fetch: no other one ahead of need
    floor   before its end: `quiet` no longer counts
    """

    ahead: float = AHEAD
    margin: float = MARGIN
    quiet: float = QUIET
    floor: float = MARGIN


JOB = Rules()
"""For one process that asks before every call."""

LOG = logging.getLogger("token_broker")

Clock = Callable[[], float]
"""Unix seconds."""


class Entry(NamedTuple):
    """A token in the cache. `quiet_until`: no fetch ahead of need before."""

    token: Token
    quiet_until: float

    def left(self, now: float) -> float:
        """Seconds."""
        return self.token.expires_at.timestamp() - now


class Flight:
    """A fetch under way. Neither `token` nor `error` when done: whoever led it was interrupted."""

    __slots__ = ("ask", "done", "error", "token")

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.done = Event()
        self.token: Token | None = None
        self.error: TokenBrokerError | None = None


class Turn(NamedTuple):
    """One caller's part in a fetch: leads it or waits for it. `usable` is what is left to serve if
    it fails."""

    usable: Token | None
    flight: Flight
    leads: bool = False


class Cache:
    """Safe for threads; holds the lock only for bookkeeping."""

    def __init__(self, fetch: Callable[[Ask], Token], clock: Clock, rules: Rules = JOB) -> None:
        self._fetch = fetch
        self._clock = clock
        self._rules = rules
        self._lock = Lock()
        self._entries: dict[Key, Entry] = {}
        self._flights: dict[Key, Flight] = {}
        self._refused: dict[Key, str] = {}

    def token(self, key: Key, min_ttl: int) -> Token:
        """A token that lives at least `min_ttl` more seconds, unless the broker's own lives less.
        Raises TokenBrokerError."""
        while True:
            turn = self._turn(key, min_ttl)
            if isinstance(turn, Token):
                return turn
            if turn.leads:
                return self._lead(turn.flight, turn.usable)
            turn.flight.done.wait()
            found = self._share(turn.flight, turn.usable, min_ttl)
            if found is not None:
                return found

    def peek(self, key: Key, min_ttl: int) -> tuple[Token | None, bool]:
        """A token that may be served at once, and whether a fetch is due."""
        with self._lock:
            entry, now = self._entries.get(key), self._clock()
            if entry is None or entry.left(now) <= min_ttl:
                return None, True
            if self._rests(entry, now):
                return entry.token, False
            return (entry.token if entry.left(now) > self._rules.margin else None), True

    def valid(self, key: Key) -> Token | None:
        """The token at hand, if it has not expired."""
        with self._lock:
            return _usable(self._entries.get(key), 0, self._clock())

    def rejected(self, access_token: str) -> None:
        """The API refused it: never serve it again, and tell the broker with the next fetch.
        A token that has been replaced already is nobody's business any more."""
        with self._lock:
            for key, entry in list(self._entries.items()):
                if entry.token.access_token == access_token:
                    del self._entries[key]
                    self._refused[key] = sha256(access_token.encode()).hexdigest()

    def refused(self, key: Key, digest: str) -> None:
        """As `rejected`, where only the token's SHA-256 (hex) is known: perhaps it was fetched by
        another process, and only the broker can tell."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.token.sha256 == digest:
                self._entries.pop(key, None)
                self._refused[key] = digest

    def _turn(self, key: Key, min_ttl: int) -> Token | Turn:
        """A token to serve at once, or a part in a fetch."""
        with self._lock:
            entry, now = self._entries.get(key), self._clock()
            usable = _usable(entry, min_ttl, now)
            flight = self._flights.get(key)
            if entry and usable:
                rests = self._rests(entry, now)
                if rests or (flight and entry.left(now) > self._rules.margin):
                    return usable
            if flight:
                return Turn(usable, flight)
            ask = Ask(key, min_ttl, self._refused.get(key), patient=usable is None)
            self._flights[key] = flight = Flight(ask)
            return Turn(usable, flight, leads=True)

    def _lead(self, flight: Flight, usable: Token | None) -> Token:
        try:
            flight.token = self._fetch(flight.ask)
        except TokenBrokerError as error:
            flight.error = error
            found = self._fallback(flight.ask.key, usable, error)
            if found is None:
                raise
            return found
        else:
            return flight.token
        finally:
            self._land(flight)

    def _share(self, flight: Flight, usable: Token | None, min_ttl: int) -> Token | None:
        """What another caller's fetch brought, if it answers this caller's question as well."""
        ask = flight.ask
        if flight.token:
            stale = flight.token.sha256 == self._refused.get(ask.key)
            return None if stale or ask.min_ttl < min_ttl else flight.token
        if flight.error is None:
            return None
        found = self._fallback(ask.key, usable, flight.error)
        if found is None and ask.patient and ask.min_ttl == min_ttl:
            raise flight.error.copy() from flight.error
        return found

    def _fallback(self, key: Key, usable: Token | None, error: TokenBrokerError) -> Token | None:
        """The token at hand, if it is still valid after a fetch that failed."""
        if usable is None or usable.expires_at.timestamp() <= self._clock():
            return None
        if self._refused.get(key) == usable.sha256:
            return None
        LOG.warning("%s: serving the cached token; %s", usable.connection, error.code)
        return usable

    def _land(self, flight: Flight) -> None:
        """Keep what a fetch brought, and let the others go on."""
        key, now = flight.ask.key, self._clock()
        with self._lock:
            token, refused = flight.token, self._refused.get(key)
            if token and (refused == flight.ask.rejected or refused != token.sha256):
                self._refused.pop(key, None)
                self._entries[key] = Entry(token, now + self._rules.quiet)
            elif not token and key in self._entries:
                until = now + self._rules.quiet
                self._entries[key] = self._entries[key]._replace(quiet_until=until)
            if len(self._entries) > PURGE_ABOVE:
                live = {k: entry for k, entry in self._entries.items() if entry.left(now) > 0}
                self._entries = live
            if len(self._refused) > PURGE_ABOVE:
                self._refused.clear()
            del self._flights[key]
        flight.done.set()

    def _rests(self, entry: Entry, now: float) -> bool:
        """Whether nothing needs fetching yet."""
        left, rules = entry.left(now), self._rules
        return left > rules.ahead or (left > rules.floor and now < entry.quiet_until)


def _usable(entry: Entry | None, min_ttl: int, now: float) -> Token | None:
    return entry.token if entry and entry.left(now) > min_ttl else None
