"""The variables a program is started with. Pure."""

from __future__ import annotations

from collections.abc import Mapping

MISLEADING = (
    *("IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET"),
    *("AZURE_CLIENT_ID", "TOKEN_BROKER_AGENT_SECRET"),
)
"""Variables that would send a library to another endpoint, name another identity, or hold the
secret a second time."""

PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")

WHAT = (
    *("access_token", "expires_at", "scope"),
    *("developer_token", "customer_id", "account_id", "identity_provider"),
)
"""What `--env` can set."""


def child(
    environment: Mapping[str, str], endpoint: str, secret: str, connection: str | None
) -> dict[str, str]:
    """The environment of a program beside the agent. `connection`: the one that is meant.

    AZURE_TOKEN_CREDENTIALS: DefaultAzureCredential tries nothing else then, neither a left-over
    client secret before, nor a developer's login after a refusal.
    """
    kept = {name: value for name, value in environment.items() if name not in MISLEADING}
    kept |= {
        "IDENTITY_ENDPOINT": endpoint,
        "IDENTITY_HEADER": secret,
        "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
    }
    if connection:
        kept["AZURE_CLIENT_ID"] = connection
    return kept | _around_proxies(kept)


def _around_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """What keeps a program from asking a proxy for this host's endpoint: the proxy would get the
    secret, and could not reach it anyway."""
    if not any(name in environment for name in PROXIES):
        return {}
    before = environment.get("no_proxy") or environment.get("NO_PROXY")
    hosts = ",".join(filter(None, [before, "127.0.0.1", "localhost"]))
    return {"NO_PROXY": hosts, "no_proxy": hosts}
