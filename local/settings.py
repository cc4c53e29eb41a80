"""What a local stack is made of, from the environment or apart from every other stack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import deploy, processes
from local.processes import StackError
from local.simulator.world import GoogleRegistration, Registration

SIMULATED = Registration()
"""The app registration the simulated platform starts with."""

SIMULATED_GOOGLE = GoogleRegistration()
"""Its client at Google."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a local stack is made of.

    `platform_url` None: the simulated platform, which plays Google, Microsoft Advertising and Graph
    too. `advertising_url` None: that one, or Microsoft's own. `google_url` None: the simulated
    one, or, beside another `platform_url`, Google's own if there is a `google_client_id`.
    `client_authentication`: kinds in order of preference, as the template's parameter takes them.
    """

    state: Path
    aws_port: int
    identity_port: int
    tokens_port: int = 8401
    platform_url: str | None = None
    client_id: str = SIMULATED.client_id
    client_secret: str = field(default=SIMULATED.client_secret, repr=False)
    client_authentication: str = "secret"
    advertising_url: str | None = None
    google_url: str | None = None
    google_client_id: str = SIMULATED_GOOGLE.client_id
    google_client_secret: str = field(default=SIMULATED_GOOGLE.client_secret, repr=False)

    @classmethod
    def from_environment(cls, state: Path, environment: Mapping[str, str]) -> Settings:
        """AWS_PORT, IDENTITY_PORT, AWS_TOKENS_PORT, CLIENT_AUTHENTICATION, ADVERTISING_URL;
        IDENTITY_PLATFORM_URL, CLIENT_ID, CLIENT_SECRET; the last three with GOOGLE_ as well."""
        given = environment.get
        platform, google = _url(given("IDENTITY_PLATFORM_URL")), _url(given("GOOGLE_PLATFORM_URL"))
        kinds = given("CLIENT_AUTHENTICATION") or "secret"
        if platform and not given("CLIENT_ID"):
            raise StackError("IDENTITY_PLATFORM_URL needs CLIENT_ID as well.")
        if platform and "secret" in kinds and not given("CLIENT_SECRET"):
            raise StackError("IDENTITY_PLATFORM_URL needs CLIENT_SECRET as well.")
        if google and not (given("GOOGLE_CLIENT_ID") and given("GOOGLE_CLIENT_SECRET")):
            raise StackError("GOOGLE_PLATFORM_URL needs GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET.")
        simulated = SIMULATED_GOOGLE.client_id if not platform else ""
        return cls(
            state,
            int(given("AWS_PORT") or 4566),
            int(given("IDENTITY_PORT") or 8400),
            int(given("AWS_TOKENS_PORT") or 8401),
            platform_url=platform,
            client_id=given("CLIENT_ID") or SIMULATED.client_id,
            client_secret=given("CLIENT_SECRET") or SIMULATED.client_secret,
            client_authentication=kinds,
            advertising_url=_url(given("ADVERTISING_URL")),
            google_url=google,
            google_client_id=given("GOOGLE_CLIENT_ID") or simulated,
            google_client_secret=given("GOOGLE_CLIENT_SECRET") or SIMULATED_GOOGLE.client_secret,
        )

    @classmethod
    def apart(cls, state: Path, **more: Any) -> Settings:
        """On free ports: collides with no other stack. `more`: other fields."""
        ports = (processes.free_port(), processes.free_port(), processes.free_port())
        return cls(state, *ports, **more)

    @property
    def endpoint(self) -> str:
        """The emulator's URL, for AWS_ENDPOINT_URL."""
        return f"http://localhost:{self.aws_port}"

    @property
    def api_url(self) -> str:
        """The broker's base URL; browsers and signed callers use the same."""
        return f"{self.endpoint}/_aws/execute-api/{deploy.API_ID}/{deploy.STAGE}"

    @property
    def platform(self) -> str:
        """The identity platform in use."""
        return self.platform_url or f"http://localhost:{self.identity_port}"

    @property
    def google(self) -> str:
        """Google as it is in use: another host name than the platform's, so another origin; '' for
        Google's own."""
        if self.google_url or self.platform_url:
            return self.google_url or ""
        return f"http://127.0.0.1:{self.identity_port}"

    @property
    def tokens_url(self) -> str:
        """AWS's token issuer, and AWS_ENDPOINT_URL_STS."""
        return f"http://localhost:{self.tokens_port}"

    def authenticates_by(self, kind: str) -> bool:
        """Whether `secret`, `certificate` or `federated` is listed."""
        return kind in self.client_authentication.replace(",", " ").split()

    @property
    def simulated(self) -> str:
        """The simulated platform, which plays the services' APIs too; '' if another is used."""
        return "" if self.platform_url else self.platform

    @property
    def parameters(self) -> dict[str, str]:
        """Of the template, where it declares them."""
        return {
            "ClientAuthentication": self.client_authentication,
            "GoogleClientId": self.google_client_id,
            "GooglePlatformUrl": self.google,
            "ClientId": self.client_id,
            "IdentityPlatformUrl": self.platform,
            "PublicBaseUrl": self.api_url,
            "AdvertisingUrl": self.advertising_url or self.simulated,
            "GraphUrl": self.simulated,
            "MailFrom": "broker@example.com",
            "OrganizationName": "Example K.K.",
            "SupportContact": "help@example.com",
            "DeletionProtection": "false",
        }


def _url(given: str | None) -> str | None:
    return (given or "").rstrip("/") or None
