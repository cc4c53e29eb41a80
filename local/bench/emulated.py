"""The steps over a local stack: the emulator's AWS, and the simulated Microsoft platform."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.config import Config

from broker import settings, wiring
from broker.adapters import clients
from broker.adapters.dynamodb.connections import Connections
from broker.adapters.dynamodb.consents import Consents
from broker.adapters.dynamodb.vault import Vault
from broker.domain.secret import Secret
from broker.providers.token_endpoint import Providers
from local import deploy, stack
from local.bench import sample
from local.bench.ground import Counted, Ground, Silent
from local.settings import Settings
from local.simulator.client import Platform

PATIENT = Config(
    connect_timeout=60,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=1000,
)
"""The emulator answers a few hundred calls a second: a crowd shall wait for it, not fail at it."""

CLIENTS = (
    clients.dynamodb,
    clients.kms,
    clients.secretsmanager,
    clients.sqs,
    clients.events,
    clients.functions,
)


@contextmanager
def broker(report: Callable[[str], None]) -> Iterator[Ground]:
    """Over a local stack of its own. Changes this process's environment: the steps are wired as in
    a function."""
    with tempfile.TemporaryDirectory() as state:
        own = Settings.apart(Path(state))
        stack.up(own, report)
        kept, quick = dict(os.environ), clients.QUICK
        try:
            names = stack.outputs(own.state)
            # The stack's own rotation would redeem what is measured.
            schedule = deploy.Cloud(own.endpoint).client("scheduler")
            schedule.delete_schedule(Name=names["RotateScheduleName"])
            os.environ.update(environment(own))
            clients.QUICK = PATIENT
            yield _wired(own)
        finally:
            clients.QUICK = quick
            _forget()
            os.environ.clear()
            os.environ.update(kept)
            stack.down(own.state)


def environment(own: Settings) -> dict[str, str]:
    """What the functions are told, for those that are measured together."""
    functions = deploy.Cloud(own.endpoint).client("lambda")
    told: dict[str, str] = {}
    for step in ("rotate", "refresh", "token"):
        deployed = functions.get_function_configuration(FunctionName=f"{deploy.NAME}-{step}")
        told |= deployed["Environment"]["Variables"]
    return told | {
        "AWS_ENDPOINT_URL": own.endpoint,
        "AWS_DEFAULT_REGION": deploy.REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_METRICS_NAMESPACE": "TokenBroker",
    }


def _wired(own: Settings) -> Ground:
    telemetry: Any = Silent()
    redeem = wiring.refresh_step(settings.parse(settings.Refresh, os.environ), telemetry)
    microsoft = redeem.providers.clients["microsoft"]
    http = Counted(microsoft.http)
    redeem = replace(redeem, providers=Providers({"microsoft": replace(microsoft, http=http)}))
    platform = Platform(own.platform)
    platform.settings(throttle_threshold=None)
    minted: dict[str, Any] = platform.mint("owner@contoso.example", f"{sample.ADS} offline_access")
    connections, vault = os.environ["CONNECTIONS_TABLE"], os.environ["VAULT_TABLE"]
    return Ground(
        substrate="emulator",
        serve=wiring.token_step(telemetry),
        redeem=redeem,
        connections=Connections(clients.dynamodb(), connections),
        consents=Consents(clients.dynamodb(), connections, vault),
        vault=Vault(clients.dynamodb(), vault),
        keys=(redeem.token_keys, redeem.vault_keys),
        http=http,
        stack=deploy.NAME,
        client_id=own.client_id,
        platform=own.platform,
        refresh_token=Secret(minted["refresh_token"]),
        slow=lambda seconds: _settle(platform, seconds),
    )


def _settle(platform: Platform, seconds: float) -> None:
    platform.settings(latency_ms=int(seconds * 1000))


def _forget() -> None:
    """Close this process's clients: the next ones shall look at the environment anew."""
    for client in CLIENTS:
        client().close()
        client.cache_clear()
    clients._session.cache_clear()
