"""Discovery documents: OpenID configuration, keys, and the instance list that MSAL asks for.

https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ..world import World
from .directory import PERSONAL_TENANT


def configuration(world: World, segment: str) -> dict[str, Any]:
    """`/{tenant}/v2.0/.well-known/openid-configuration`. Raises Refusal 90002."""
    tenant = world.segment(segment)
    name = tenant.id if tenant else segment.lower()
    known = PERSONAL_TENANT if name == "consumers" else name
    issuer = "{tenantid}" if known in ("common", "organizations") else known
    base = f"{world.base_url}/{name}"
    return {
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": world.issuer(issuer),
        "request_uri_parameter_supported": False,
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "claims_supported": [
            *("sub", "iss", "aud", "exp", "iat", "nonce"),
            *("preferred_username", "name", "tid", "ver", "email"),
        ],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
    }


def instance(world: World, authorize_url: str) -> dict[str, Any]:
    """`/common/discovery/instance`: this platform is a known instance."""
    segment = urlsplit(authorize_url).path.strip("/").split("/")[0] or "common"
    host = urlsplit(world.base_url).netloc
    return {
        "tenant_discovery_endpoint": (
            f"{world.base_url}/{segment}/v2.0/.well-known/openid-configuration"
        ),
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }
