"""One platform for the session, in a thread; every test starts from the seed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.simulator.client import Platform
from local.simulator.google.client import GooglePlatform
from local.simulator.server import Server

from .application import Application
from .google_application import GoogleApplication
from .person import Person


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def platform(server: Server) -> Platform:
    platform = Platform(server.url)
    platform.reset()
    return platform


@pytest.fixture
def application(server: Server, platform: Platform) -> Application:
    return Application(platform, server.world.registration)


@pytest.fixture
def person(application: Application) -> Person:
    return Person(application)


@pytest.fixture
def at_google(server: Server, platform: Platform) -> GoogleApplication:
    google = GooglePlatform(server.url)
    registration = server.world.google_registration
    return GoogleApplication(platform, google, server.google_url, registration)
