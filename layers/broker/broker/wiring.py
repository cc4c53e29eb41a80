"""The composition root: the one place that chooses adapters.

Each function builds its own step; imports stand inside, so that a cold start loads only what its
function needs.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from broker import settings
from broker.adapters import aws
from broker.adapters.chance import Chance
from broker.adapters.journal import Journal
from broker.adapters.kms import Keys

if TYPE_CHECKING:
    from broker.consent import Acceptance
    from broker.oauth import OAuth
    from broker.ports import Events, Http
    from broker.steps import authorize, callback, connections, refresh, rotate, token, verify


def token_step(journal: Journal) -> token.Step:
    """The step of the function `token`."""
    from broker.adapters.dynamodb.leases import Leases
    from broker.adapters.invoke import Refresher
    from broker.steps import token

    own = settings.parse(settings.Token, os.environ)
    return token.Step(
        connections=Leases(aws.dynamodb(), own.connections_table),
        keys=Keys(aws.kms(), own.connections_key),
        refresher=Refresher(aws.functions, own.refresh_function),
        clock=time.time,
        chance=Chance(),
        sleep=time.sleep,
        journal=journal,
        stack=own.stack_name,
    )


def rotate_step(journal: Journal) -> rotate.Step:
    """The step of the function `rotate`."""
    from broker.adapters.dynamodb.vault import Vault
    from broker.adapters.sqs import Queue
    from broker.ports import SHARDS
    from broker.steps import rotate

    own = settings.parse(settings.Rotate, os.environ)
    return rotate.Step(
        vault=Vault(aws.dynamodb(), own.vault_table),
        queue=Queue(aws.sqs(), own.queue_url),
        clock=time.time,
        chance=Chance(),
        journal=journal,
        shards=SHARDS,
        window=rotate.window(own.queue_concurrency, own.rotation_minutes),
    )


def authorize_step(own: settings.Authorize, journal: Journal) -> authorize.Step:
    """The step of the function `authorize`."""
    from broker.adapters.dynamodb.authorizations import Authorizations
    from broker.adapters.dynamodb.leases import Descriptions
    from broker.steps import authorize

    return authorize.Step(
        descriptions=Descriptions(aws.dynamodb(), own.connections_table),
        authorizations=Authorizations(aws.dynamodb(), own.authorizations_table),
        clock=time.time,
        chance=Chance(),
        journal=journal,
        platform=own.identity_platform_url,
        client_id=own.client_id,
    )


def connections_step(own: settings.Connections, journal: Journal) -> connections.Step:
    """The step of the function `connections`."""
    from broker.adapters.dynamodb.authorizations import Authorizations, Candidates
    from broker.adapters.dynamodb.connections import Connections
    from broker.adapters.dynamodb.consents import Consents
    from broker.adapters.eventbridge import Events
    from broker.adapters.invoke import Refresher
    from broker.steps import connections

    table = aws.dynamodb()
    return connections.Step(
        connections=Connections(table, own.connections_table),
        consents=Consents(table, own.connections_table, own.vault_table),
        authorizations=Authorizations(table, own.authorizations_table),
        candidates=Candidates(table, own.authorizations_table),
        token_keys=Keys(aws.kms(), own.connections_key),
        vault_keys=Keys(aws.kms(), own.vault_key),
        refresher=Refresher(aws.functions, own.refresh_function),
        events=Events(aws.events(), own.event_bus, journal),
        clock=time.time,
        chance=Chance(),
        stack=own.stack_name,
        platform=own.identity_platform_url,
        client_id=own.client_id,
        allowed_tenants=own.allowed_tenants,
        link_days=own.link_days,
    )


def refresh_step(own: settings.Refresh, journal: Journal) -> refresh.Step:
    """The step of the function `refresh`."""
    from broker.adapters.dynamodb.authorizations import Candidates
    from broker.adapters.dynamodb.connections import Connections
    from broker.adapters.dynamodb.vault import Vault
    from broker.adapters.eventbridge import Events
    from broker.adapters.microsoft import Http
    from broker.adapters.tracing import Traced
    from broker.steps import refresh

    table, http = aws.dynamodb(), Traced(Http(), "microsoft")
    events = Events(aws.events(), own.event_bus, journal)
    return refresh.Step(
        connections=Connections(table, own.connections_table),
        vault=Vault(table, own.vault_table),
        candidates=Candidates(table, own.authorizations_table),
        acceptance=_acceptance(own, http, events),
        vault_keys=Keys(aws.kms(), own.vault_key),
        token_keys=Keys(aws.kms(), own.connections_key),
        oauth=_oauth(own, http, events, journal),
        events=events,
        clock=time.time,
        chance=Chance(),
        journal=journal,
        stack=own.stack_name,
        platform=own.identity_platform_url,
        client_id=own.client_id,
    )


def callback_step(own: settings.Callback, journal: Journal) -> callback.Step:
    """The step of the function `callback`."""
    from broker.adapters.dynamodb.authorizations import Authorizations
    from broker.adapters.dynamodb.connections import Connections
    from broker.adapters.eventbridge import Events
    from broker.adapters.invoke import Refresher, Verifier
    from broker.adapters.microsoft import Http
    from broker.adapters.sqs import Queue
    from broker.adapters.tracing import Traced
    from broker.steps import callback

    table, http = aws.dynamodb(), Traced(Http(), "microsoft")
    events = Events(aws.events(), own.event_bus, journal)
    return callback.Step(
        connections=Connections(table, own.connections_table),
        authorizations=Authorizations(table, own.authorizations_table),
        acceptance=_acceptance(own, http, events),
        oauth=_oauth(own, http, events, journal),
        refresher=Refresher(aws.functions_briefly, own.refresh_function),
        verifier=Verifier(aws.functions_briefly, own.verify_function),
        queue=Queue(aws.sqs(), own.queue_url),
        clock=time.time,
        journal=journal,
        platform=own.identity_platform_url,
    )


def verify_step(journal: Journal) -> verify.Step:
    """The step of the function `verify`."""
    from broker.adapters.dynamodb.leases import Leases
    from broker.adapters.invoke import Refresher
    from broker.adapters.microsoft import Http
    from broker.steps import verify

    own = settings.parse(settings.Verify, os.environ)
    return verify.Step(
        connections=Leases(aws.dynamodb(), own.connections_table),
        keys=Keys(aws.kms(), own.connections_key),
        refresher=Refresher(aws.functions, own.refresh_function),
        api=Http(),
        clock=time.time,
        journal=journal,
        stack=own.stack_name,
        hosts={"advertising": own.advertising_url, "graph": own.graph_url},
    )


def _oauth(own: settings.Refresh, http: Http, events: Events, journal: Journal) -> OAuth:
    """The OAuth client of `callback` and `refresh`: nobody else reads the client credential."""
    from broker.adapters.dynamodb.authorizations import Breakers
    from broker.adapters.secretsmanager import Credentials
    from broker.breaker import Breaker
    from broker.oauth import OAuth

    return OAuth(
        http=http,
        breaker=Breaker(
            credentials=Credentials(aws.secretsmanager(), own.client_secret, time.time),
            breakers=Breakers(aws.dynamodb(), own.authorizations_table),
            events=events,
            journal=journal,
            clock=time.time,
            client_id=own.client_id,
        ),
        clock=time.time,
        chance=Chance(),
        sleep=time.sleep,
        client_id=own.client_id,
    )


def _acceptance(own: settings.Refresh, http: Http, events: Events) -> Acceptance:
    from broker.adapters.dynamodb.consents import Consents
    from broker.consent import Acceptance

    return Acceptance(
        consents=Consents(aws.dynamodb(), own.connections_table, own.vault_table),
        vault_keys=Keys(aws.kms(), own.vault_key),
        token_keys=Keys(aws.kms(), own.connections_key),
        http=http,
        events=events,
        clock=time.time,
        chance=Chance(),
        stack=own.stack_name,
        platform=own.identity_platform_url,
        client_id=own.client_id,
        allowed_tenants=own.allowed_tenants,
    )
