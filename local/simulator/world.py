"""The platform as one value: clock, directory, store, keys, settings, faults, and its lock.

The names are Entra's; `google` is Google as a whole.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from .advertising.jobs import Jobs
from .clock import Clock
from .entra import directory, scopes
from .entra.directory import PERSONAL_TENANT, Client, Directory, Tenant, User
from .entra.errors import Refusal, Trace
from .entra.federation import Issuers
from .entra.keys import Keys
from .entra.registered import ClientSecret
from .entra.store import Store
from .faults import Fault
from .google.accounts import Client as GoogleClient
from .google.accounts import Secret as GoogleSecret
from .google.state import Google


@dataclass(slots=True)
class Settings:
    """Knobs of the control API. Times in seconds unless the name says otherwise; None: off."""

    expires_in: int | None = None  # None: random 3600…5400, as Microsoft does
    refresh_in: int | None = None
    latency_ms: int = 0  # of the token endpoint
    spreading_seconds: float = 0.0  # until a change of a registration's credentials is everywhere
    throttle_threshold: int | None = 15  # identical refreshes in 5 minutes → 50196
    decline_error: str = "access_denied"  # also seen: consent_required
    identity_provider_header: str = "required"  # of Advertising, with Google's tokens; or: optional
    advertising_polls: int = 1  # status requests of a report or bulk file that are still pending
    fault_reason_in: str = "detail"  # where 126 says which identity it wants; or: message
    approval_number: int = 90095  # back to the app after a request; also expected: 65004


@dataclass(frozen=True, slots=True)
class Registration:
    """The app registration a fresh platform starts with."""

    client_id: str = "11111111-2222-4333-8444-555555555555"
    client_secret: str = field(default="simulated~secret.1_a-b+c/d=e%20&f", repr=False)
    redirect_uris: tuple[str, ...] = ("http://localhost:8080/callback",)
    audience: str = "AzureADandPersonalMicrosoftAccount"


@dataclass(frozen=True, slots=True)
class GoogleRegistration:
    """The OAuth client a fresh platform starts with at Google."""

    client_id: str = "123456789012-simulated.apps.googleusercontent.com"
    client_secret: str = field(default="GOCSPX-simulated_1-a-b-c", repr=False)
    redirect_uris: tuple[str, ...] = ("http://localhost:8080/callback/google",)


SHARED_SEGMENTS = ("common", "organizations", "consumers")


class World:
    """Every handler works on this under `lock`, so that an answer and its effect are one."""

    def __init__(
        self,
        base_url: str,
        registration: Registration | None = None,
        google: GoogleRegistration | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.registration = registration or Registration()
        self.google_registration = google or GoogleRegistration()
        self.google = Google()
        self.lock = threading.RLock()
        self.clock = Clock()
        self.keys = Keys()
        self.issuers = Issuers()
        self.faults: list[Fault] = []
        self.dropped = threading.Event()
        self.reset()

    def reset(self) -> None:
        """Back to the seed and the registration of the start; keys stay."""
        self.clock.offset = 0.0
        self.issuers.forget()
        self.directory: Directory = directory.load()
        self.store = Store()
        self.jobs = Jobs()
        self.settings = Settings()
        self.drop_faults()
        self._register()

    def _register(self) -> None:
        google = self.google_registration
        self.google.reset()
        self.google.directory.clients[google.client_id] = GoogleClient(
            google.client_id,
            redirect_uris=list(google.redirect_uris),
            secrets=[GoogleSecret(google.client_secret)],
        )
        first = self.registration
        self.directory.clients[first.client_id] = Client(
            first.client_id,
            audience=first.audience,
            redirect_uris=list(first.redirect_uris),
            secrets=[ClientSecret(value=first.client_secret)],
        )

    def drop_faults(self) -> None:
        """Forget all faults, and let go on what is held."""
        self.faults.clear()
        self.dropped.set()
        self.dropped = threading.Event()

    def issuer(self, tenant_id: str) -> str:
        """The issuer of one tenant's ID tokens."""
        return f"{self.base_url}/{tenant_id}/v2.0"

    def trace(self, requested: str | None = None) -> Trace:
        """Ids and time for one answer."""
        return Trace.make(self.clock.stamp(), requested)

    def parse(self, scope: str) -> scopes.Asked:
        """A scope parameter against the directory's resources."""
        return scopes.parse(scope, self.directory.resources)

    def segment(self, segment: str) -> Tenant | None:
        """The tenant a URL names; None for the shared segments. Raises Refusal 90002."""
        if segment.lower() in SHARED_SEGMENTS:
            return None
        tenant = self.directory.tenant(segment)
        if tenant is None:
            raise Refusal(90002, text=f"The tenant '{segment[:80]}' was not found.")
        return tenant

    def client(self, client_id: str, segment: str, *, token: bool = False) -> Client:
        """The registration, if this segment is for its audience. Raises 700016, 50194, 90023…"""
        client = self.directory.clients.get(client_id.lower())
        if client is None:
            raise Refusal(700016)
        name = segment.lower()
        personal = name in ("consumers", PERSONAL_TENANT)
        if client.audience == "AzureADMyOrg" and name in SHARED_SEGMENTS:
            raise Refusal(50194)
        if client.audience == "PersonalMicrosoftAccount" and not personal:
            raise Refusal(9002346 if token else 9002331)
        if client.audience.startswith("AzureAD") and "Personal" not in client.audience and personal:
            raise Refusal(9002332)
        return client

    def admits(self, segment: str, client: Client, user: User) -> bool:
        """Whether this kind of account may sign in at this segment to this client."""
        personal = user.tenant.personal
        if personal and "Personal" not in client.audience:
            return False
        if not personal and client.audience == "PersonalMicrosoftAccount":
            return False
        name = segment.lower()
        if name == "common":
            return True
        if name == "organizations":
            return not personal
        if name == "consumers":
            return personal
        return self.segment(segment) is user.tenant

    def record(self, **entry: Any) -> None:
        """One line of the ledger. Callers pass no secret: tokens only as digests' beginnings."""
        self.store.ledger.append({"at": self.clock.now(), **entry})
        leg, outcome = entry["leg"], entry["outcome"]
        grant = entry.get("grant_type")
        for name in filter(None, [leg, f"{leg}.{outcome}", grant and f"{leg}.{grant}"]):
            self.store.counters[name] += 1
        if grant:
            self.store.counters[f"{leg}.{grant}.{outcome}"] += 1
