"""What happens at the simulated Google: visits, codes, tokens, consents. In memory.

Used under the world's lock only.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from ..keys import Key
from . import accounts
from .accounts import Account, Client

MOST_REFRESH_TOKENS = 100
"""Live ones of an account for a client; the next one kills the oldest, silently."""

IDLE_SECONDS = 182 * 86_400
"""A refresh token unused for six months is dead."""


@dataclass(slots=True)
class Settings:
    """`issuer`: how ID tokens name it: ``url`` or ``bare`` (without the scheme). `redirect_issuer`:
    the redirect's ``iss`` (RFC 9207): ``url``, ``bare``, another text, or None for none."""

    expires_in: int = 3599
    latency_ms: int = 0  # of the token endpoint
    issuer: str = "url"
    redirect_issuer: str | None = "url"
    prompt_none_error: str = "interaction_required"  # also seen: access_denied
    id_token_on_refresh: bool = True
    telling_hours: float = 12.0  # a dead token is told as expired or revoked; later as Bad Request


@dataclass(slots=True)
class Visit:
    """One person on the pages."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    offline: bool
    prompts: tuple[str, ...] = ()
    include_granted: bool = False
    state: str | None = None
    nonce: str | None = None
    challenge: str | None = None
    challenge_method: str = "plain"
    login_hint: str | None = None
    account: Account | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(slots=True)
class Grant:
    """What one authorization gave, shared by its code and tokens."""

    client: Client
    account: Account
    scopes: tuple[str, ...]
    nonce: str | None = None


@dataclass(slots=True)
class Code:
    """One use, ten minutes. `refreshes`: a refresh token comes with it."""

    grant: Grant
    visit: Visit
    issued_at: float
    refreshes: bool
    used: bool = False


@dataclass(slots=True)
class RefreshToken:
    """`ends_at`: of time-limited access; `died_at`: revoked, or pushed out by a newer one."""

    grant: Grant
    issued_at: float
    used_at: float
    ends_at: float | None = None
    died_at: float | None = None


@dataclass(slots=True)
class AccessToken:
    """An opaque token."""

    grant: Grant
    expires_at: float
    revoked: bool = False


class Google:
    """The whole state. `base_url`: the origin that stands for both of Google's hosts."""

    def __init__(self) -> None:
        self.base_url = "http://127.0.0.1"
        self.keys = [Key(), Key()]
        self.foreign = Key()
        self.reset()

    def reset(self) -> None:
        """Back to the seed; keys and clients' registration stay with the caller."""
        self.directory = accounts.load()
        self.settings = Settings()
        self.visits: dict[str, Visit] = {}
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.consents: dict[tuple[str, str], set[str]] = {}

    def consented(self, client: Client, account: Account) -> set[str]:
        """What the person granted the client's whole project."""
        return self.consents.get((client.project, account.sub), set())

    def consent(self, client: Client, account: Account, scopes: tuple[str, ...]) -> None:
        """Add to it."""
        self.consents.setdefault((client.project, account.sub), set()).update(scopes)

    def withdraw(self, project: str, account: Account, now: float) -> None:
        """End the consent to a project: all tokens of all its clients die."""
        self.consents.pop((project, account.sub), None)
        for refresh in self.refresh_tokens.values():
            grant = refresh.grant
            if (grant.client.project, grant.account.sub) == (project, account.sub):
                refresh.died_at = refresh.died_at if refresh.died_at is not None else now
        for access in self.access_tokens.values():
            grant = access.grant
            if (grant.client.project, grant.account.sub) == (project, account.sub):
                access.revoked = True

    def keep(self, digest: str, token: RefreshToken) -> None:
        """Store a new refresh token; the 101st of an account and client kills the oldest."""
        self.refresh_tokens[digest] = token
        grant = token.grant
        alive = [
            other
            for other in self.refresh_tokens.values()
            if other.died_at is None
            and other.grant.client.client_id == grant.client.client_id
            and other.grant.account.sub == grant.account.sub
        ]
        if len(alive) > MOST_REFRESH_TOKENS:
            min(alive, key=lambda other: other.issued_at).died_at = token.issued_at
