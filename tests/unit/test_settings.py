"""Settings fail the cold start, and never show a value."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from broker import settings
from broker.domain.credentials import CredentialKind

KINDS: list[Any] = [
    settings.Token,
    settings.Rotate,
    settings.Authorize,
    settings.Connections,
    settings.Refresh,
    settings.Callback,
]


def environment(kind: Any) -> dict[str, str]:
    """A sound environment for one function, and what else Lambda puts there."""
    found = {field.name.upper(): f"canary-{field.name}" for field in fields(kind)}
    found |= {name: "7" for name in found if name.endswith(("_DAYS", "_MINUTES", "_WORKERS"))}
    for name in found:
        if name.endswith("_URL"):
            found[name] = "https://canary.example.com/"
    for field in fields(kind):
        if field.type == "int":
            found[field.name.upper()] = "7"
    if "CLIENT_AUTHENTICATION" in found:
        found["CLIENT_AUTHENTICATION"] = "certificate,secret"
    return {**found, "AWS_REGION": "eu-central-1", "PATH": "/bin"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_name_is_needed(kind: Any) -> None:
    assert settings.parse(kind, environment(kind))
    for field in fields(kind):
        partial = environment(kind)
        del partial[field.name.upper()]
        with pytest.raises(RuntimeError) as caught:
            settings.parse(kind, partial)
        assert field.name.upper() in str(caught.value)
        assert "canary" not in str(caught.value)


def test_values() -> None:
    given = environment(settings.Connections)
    given |= {"ALLOWED_TENANTS": " A, b ,,", "LINK_DAYS": "3", "PUBLIC_BASE_URL": ""}
    given |= {"IDENTITY_PLATFORM_URL": "http://localhost:8400/"}
    found = settings.parse(settings.Connections, given)
    assert found.allowed_tenants == ("a", "b")
    assert found.link_days == 3
    assert found.public_base_url == ""
    assert found.identity_platform_url == "http://localhost:8400"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LINK_DAYS", ""),
        ("LINK_DAYS", "canary"),
        ("LINK_DAYS", "-1"),
        ("LINK_DAYS", "²"),
        ("IDENTITY_PLATFORM_URL", "http://canary.example.com"),
        ("PUBLIC_BASE_URL", "ftp://canary.example.com"),
        ("PUBLIC_BASE_URL", "canary"),
    ],
)
def test_wrong_values(name: str, value: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        settings.parse(settings.Connections, environment(settings.Connections) | {name: value})
    assert name in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "canary", "secret,secret", "secret,"])
def test_kinds_of_client_authentication(text: str) -> None:
    given = environment(settings.Refresh)
    order = settings.parse(settings.Refresh, given).client_authentication
    assert order == (CredentialKind.CERTIFICATE, CredentialKind.SECRET)
    with pytest.raises(RuntimeError, match="CLIENT_AUTHENTICATION lists ") as caught:
        settings.parse(settings.Refresh, given | {"CLIENT_AUTHENTICATION": text})
    assert "canary" not in str(caught.value)


def test_no_two_functions_share_more_than_they_need() -> None:
    """`token` knows neither the vault nor the client secret; only two functions know the latter."""
    known = {kind.__name__: {field.name for field in fields(kind)} for kind in KINDS}
    assert not known["Token"] & {"vault_table", "vault_key", "client_secret"}
    assert not known["Authorize"] & {"vault_table", "vault_key", "connections_key", "client_secret"}
    assert {name for name, has in known.items() if "client_secret" in has} == {
        "Refresh",
        "Callback",
    }
