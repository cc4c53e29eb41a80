"""The variables a program is started with. Pure."""

from __future__ import annotations

from collections.abc import Mapping

MISLEADING = (
    *("IDENTITY_SERVER_THUMBPRINT", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET"),
    *("AZURE_CLIENT_ID", "TOKEN_BROKER_AGENT_SECRET"),
)
"""Variables that would send a library to another endpoint, name another identity, or hold the
secret a second time."""

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
    return kept
