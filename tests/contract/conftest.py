"""Every store twice: in memory, and over real DynamoDB calls to the emulator."""

from __future__ import annotations

import gc
import secrets
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any, Protocol, TypeVar

import boto3
import pytest

from broker.adapters import clients
from broker.adapters.dynamodb import (
    authorizations,
    connections,
    consents,
    invitations,
    leases,
    notices,
    vault,
)
from broker.ports.notices import Invitations, Notices
from broker.ports.stores import (
    Authorizations,
    Breakers,
    Candidates,
    Connections,
    Consents,
    Descriptions,
    Vault,
)
from local import deploy, processes, servers, template
from local.memory import authorizations as remembered
from local.memory import notices as told
from local.memory import tables
from local.settings import Settings

T = TypeVar("T")

CROWD = 40


@dataclass(frozen=True, slots=True)
class Stores:
    """All stores over one set of tables."""

    connections: Connections
    descriptions: Descriptions
    vault: Vault
    consents: Consents
    authorizations: Authorizations
    candidates: Candidates
    breakers: Breakers
    notices: Notices
    invitations: Invitations


class Crowd(Protocol):
    """Calls all functions at the same moment, each in a thread, and returns what they return."""

    def __call__(self, work: list[Callable[[], T]]) -> list[T]: ...


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    """Empty stores."""
    if request.param == "memory":
        return _memory()
    return _dynamodb(request.getfixturevalue("dynamodb"))


@pytest.fixture(scope="session")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of an emulator of our own, with the timeouts and retries the functions use."""
    settings = Settings.apart(tmp_path_factory.mktemp("emulator"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the process outlives its handle
        processes.start([servers.emulator(settings)], settings.state, template.ROOT)
        gc.collect()
    client = boto3.client(
        "dynamodb",
        endpoint_url=settings.endpoint,
        region_name=deploy.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=clients.QUICK,
    )
    try:
        yield client
    finally:
        client.close()
        processes.stop(servers.EMULATOR, settings.state)


@pytest.fixture(scope="session")
def crowd() -> Iterator[Crowd]:
    """Threads that are there already, so that they start together."""
    with ThreadPoolExecutor(CROWD) as threads:

        def together(work: list[Callable[[], T]]) -> list[T]:
            barrier = Barrier(len(work))

            def one(task: Callable[[], T]) -> T:
                barrier.wait(60)
                return task()

            return list(threads.map(one, work))

        yield together


def _memory() -> Stores:
    shared = tables.Tables()
    return Stores(
        tables.Connections(shared),
        tables.Descriptions(shared),
        tables.Vault(shared),
        tables.Consents(shared),
        remembered.Authorizations(shared),
        remembered.Candidates(shared),
        remembered.Breakers(shared),
        told.Notices(shared),
        told.Invitations(tables.Connections(shared)),
    )


def _dynamodb(client: Any) -> Stores:
    resources = template.load()["Resources"]
    name = {logical: f"{logical}-{secrets.token_hex(4)}" for logical in _TABLES}
    for logical, physical in name.items():
        properties = resources[logical]["Properties"]
        definition = {key: properties[key] for key in _DEFINITION if key in properties}
        client.create_table(TableName=physical, **definition)
    first, second, third = name.values()
    return Stores(
        connections.Connections(client, first),
        leases.Descriptions(client, first),
        vault.Vault(client, second),
        consents.Consents(client, first, second),
        authorizations.Authorizations(client, third),
        authorizations.Candidates(client, third),
        authorizations.Breakers(client, third),
        notices.Notices(client, third),
        invitations.Invitations(client, first),
    )


_TABLES = ("ConnectionsTable", "VaultTable", "AuthorizationsTable")
_DEFINITION = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
