"""The steps over the stores of the tests: what is left is the broker's own work."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from broker.adapters.randomness import Randomness
from broker.domain.secret import Secret
from broker.lifecycle.acceptance import Acceptance
from broker.ports.credentials import ClientSecretPost
from broker.ports.outside import Reply
from broker.providers.client_authentication import Client
from broker.providers.credential_breaker import Breaker
from broker.providers.entra.platform import Entra
from broker.providers.token_endpoint import OAuth, Providers
from broker.steps import refresh, token
from local.bench import sample
from local.bench.ground import Counted, Ground, InProcess, Silent
from local.memory import authorizations, keys, outside, tables

PLATFORM = "https://login.microsoftonline.com"
CLIENT_ID = "client"
STACK = "bench"


@dataclass(slots=True)
class Sleeper:
    """`ports.Http` to a Microsoft that answers every redemption after `latency` seconds."""

    latency: float

    def get(self, url: str, timeout: float) -> Reply:  # noqa: ARG002
        raise AssertionError(url)

    def post(self, url: str, form: Mapping[str, str | Secret], timeout: float) -> Reply:
        assert timeout > self.latency, url
        assert form["grant_type"] == "refresh_token"
        time.sleep(self.latency)
        body = {
            "token_type": "Bearer",
            "scope": sample.ADS,
            "expires_in": sample.LIFE,
            "access_token": "a" * sample.ACCESS_BYTES,
            "refresh_token": os.urandom(8).hex() + "r" * sample.REFRESH_BYTES,
        }
        return Reply(200, {}, json.dumps(body).encode())


def broker(latency: float = 0.0) -> Ground:
    """Over the stores of the tests."""
    shared, sleeper = tables.Tables(), Sleeper(latency)
    http, telemetry, randomness = Counted(sleeper), Silent(), Randomness()
    token_keys, vault_keys = keys.Keys(), keys.Keys()
    connections, vault = tables.Connections(shared), tables.Vault(shared)
    consents, events = tables.Consents(shared), outside.Events()
    breaker = Breaker(
        credentials=outside.Credentials(ClientSecretPost(Secret("s"), "v1")),
        breakers=authorizations.Breakers(shared),
        events=events,
        telemetry=telemetry,
        clock=time.time,
        client_id=CLIENT_ID,
    )
    oauth = OAuth(
        http=http,
        platform=Entra(PLATFORM),
        client=Client(CLIENT_ID, (breaker,)),
        clock=time.time,
        randomness=randomness,
        sleep=time.sleep,
    )
    providers = Providers({"microsoft": oauth})
    acceptance = Acceptance(
        consents=consents,
        vault_keys=vault_keys,
        token_keys=token_keys,
        http=http,
        events=events,
        clock=time.time,
        randomness=randomness,
        stack=STACK,
        providers=providers,
        allowed_tenants=(),
    )
    redeem = refresh.Step(
        connections=connections,
        vault=vault,
        candidates=authorizations.Candidates(shared),
        acceptance=acceptance,
        vault_keys=vault_keys,
        token_keys=token_keys,
        providers=providers,
        events=events,
        clock=time.time,
        randomness=randomness,
        telemetry=telemetry,
        stack=STACK,
    )
    serve = token.Step(
        connections=connections,
        keys=token_keys,
        refresher=InProcess(redeem),
        clock=time.time,
        randomness=randomness,
        sleep=time.sleep,
        telemetry=telemetry,
        stack=STACK,
    )

    def slow(seconds: float) -> None:
        sleeper.latency = seconds

    return Ground(
        substrate="memory",
        serve=serve,
        redeem=redeem,
        connections=connections,
        consents=consents,
        vault=vault,
        keys=(token_keys, vault_keys),
        http=http,
        stack=STACK,
        client_id=CLIENT_ID,
        platform=PLATFORM,
        refresh_token=Secret("r" * sample.REFRESH_BYTES),
        slow=slow,
    )
