"""What the environment says of a local stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from local import servers
from local.processes import StackError
from local.settings import Settings

STATE = Path("state")
ENTRA = {"IDENTITY_PLATFORM_URL": "https://login.microsoftonline.com/", "CLIENT_ID": "c"}
GOOGLE = {"GOOGLE_PLATFORM_URL": "http://localhost:9/", "GOOGLE_CLIENT_ID": "g"}


def test_by_itself_everything_is_simulated() -> None:
    settings = Settings.from_environment(STATE, {})
    assert settings.parameters["ClientAuthentication"] == "secret"
    assert settings.google == "http://127.0.0.1:8400"
    assert settings.platform == "http://localhost:8400"
    assert settings.parameters["GoogleClientId"].endswith(".apps.googleusercontent.com")
    assert [service.name for service in servers.all_of(settings)] == list(reversed(servers.NAMES))


def test_googles_place_is_another_origin_than_microsofts() -> None:
    settings = Settings.apart(STATE)
    assert settings.google.rpartition(":")[2] == settings.platform.rpartition(":")[2]
    assert settings.google != settings.platform


def test_elsewhere() -> None:
    given = ENTRA | GOOGLE | {"CLIENT_SECRET": "s", "GOOGLE_CLIENT_SECRET": "t"}
    settings = Settings.from_environment(STATE, given)
    assert (settings.google, settings.platform) == ("http://localhost:9", given_url(ENTRA))
    assert settings.parameters["GooglePlatformUrl"] == "http://localhost:9"
    assert (settings.google_client_id, settings.google_client_secret) == ("g", "t")
    assert servers.IDENTITY not in [service.name for service in servers.all_of(settings)]


def given_url(environment: dict[str, str]) -> str:
    return environment["IDENTITY_PLATFORM_URL"].rstrip("/")


def test_another_entra_without_google_has_none() -> None:
    settings = Settings.from_environment(STATE, ENTRA | {"CLIENT_SECRET": "s"})
    assert (settings.google, settings.google_client_id) == ("", "")


@pytest.mark.parametrize("given", [GOOGLE, {"IDENTITY_PLATFORM_URL": "http://x"}, ENTRA])
def test_what_is_missing_is_said(given: dict[str, str]) -> None:
    with pytest.raises(StackError, match="needs"):
        Settings.from_environment(STATE, given)


def test_a_platform_elsewhere_needs_no_secret_that_is_not_listed() -> None:
    kinds = {"CLIENT_AUTHENTICATION": "certificate,federated"}
    settings = Settings.from_environment(STATE, ENTRA | kinds)
    assert settings.parameters["ClientAuthentication"] == "certificate,federated"
    assert [settings.authenticates_by(kind) for kind in ("certificate", "federated", "secret")] == [
        True,
        True,
        False,
    ]


def test_no_secret_is_shown() -> None:
    settings = Settings.apart(STATE)
    assert settings.client_secret not in repr(settings)
    assert settings.google_client_secret not in repr(settings)
