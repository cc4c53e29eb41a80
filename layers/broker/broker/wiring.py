"""The composition root: the one place that chooses adapters.

Each function builds its own step; imports stand inside, so that a cold start loads only what its
function needs.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from broker import settings
from broker.adapters import clients, snapshot
from broker.adapters.kms import Keys
from broker.adapters.randomness import Randomness
from broker.adapters.telemetry import Telemetry
from broker.domain.credentials import CredentialKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from broker.lifecycle.acceptance import Acceptance
    from broker.ports.credentials import Credentials
    from broker.ports.outside import Events, Http
    from broker.providers.credential_breaker import Breaker
    from broker.providers.platform import Platform, Registrations
    from broker.providers.token_endpoint import OAuth, Providers
    from broker.steps import (
        authorize,
        callback,
        connections,
        notify,
        refresh,
        rotate,
        token,
        verify,
    )


def token_step(telemetry: Telemetry) -> token.Step:
    """The step of the function `token`."""
    from broker.adapters.dynamodb.leases import Leases
    from broker.adapters.invoke import Refresher
    from broker.steps import token

    snapshot.prepare()
    own = settings.parse(settings.Token, os.environ)
    return token.Step(
        connections=Leases(clients.dynamodb(), own.connections_table),
        keys=Keys(clients.kms(), own.connections_key),
        refresher=Refresher(clients.functions, own.refresh_function),
        clock=time.time,
        randomness=Randomness(),
        sleep=time.sleep,
        telemetry=telemetry,
        stack=own.stack_name,
    )


def rotate_step(telemetry: Telemetry) -> rotate.Step:
    """The step of the function `rotate`."""
    from broker.adapters.dynamodb.vault import Vault
    from broker.adapters.sqs import Queue
    from broker.ports.stores import SHARDS
    from broker.steps import rotate

    own = settings.parse(settings.Rotate, os.environ)
    return rotate.Step(
        vault=Vault(clients.dynamodb(), own.vault_table),
        queue=Queue(clients.sqs(), own.queue_url),
        clock=time.time,
        randomness=Randomness(),
        telemetry=telemetry,
        shards=SHARDS,
        window=rotate.window(own.queue_concurrency, own.rotation_minutes),
    )


def authorize_step(own: settings.Authorize, telemetry: Telemetry) -> authorize.Step:
    """The step of the function `authorize`."""
    from broker.adapters.dynamodb.authorizations import Authorizations
    from broker.adapters.dynamodb.leases import Descriptions
    from broker.steps import authorize

    return authorize.Step(
        descriptions=Descriptions(clients.dynamodb(), own.connections_table),
        authorizations=Authorizations(clients.dynamodb(), own.authorizations_table),
        clock=time.time,
        randomness=Randomness(),
        telemetry=telemetry,
        registrations=_registrations(own),
    )


def connections_step(own: settings.Connections, telemetry: Telemetry) -> connections.Step:
    """The step of the function `connections`."""
    from broker.adapters.dynamodb.authorizations import Authorizations, Candidates
    from broker.adapters.dynamodb.connections import Connections
    from broker.adapters.dynamodb.consents import Consents
    from broker.adapters.eventbridge import Events
    from broker.adapters.invoke import Refresher
    from broker.steps import connections

    table = clients.dynamodb()
    return connections.Step(
        connections=Connections(table, own.connections_table),
        consents=Consents(table, own.connections_table, own.vault_table),
        authorizations=Authorizations(table, own.authorizations_table),
        candidates=Candidates(table, own.authorizations_table),
        token_keys=Keys(clients.kms(), own.connections_key),
        vault_keys=Keys(clients.kms(), own.vault_key),
        refresher=Refresher(clients.functions, own.refresh_function),
        events=Events(clients.events(), own.event_bus, telemetry),
        clock=time.time,
        randomness=Randomness(),
        stack=own.stack_name,
        registrations=_registrations(own),
        allowed_tenants=own.allowed_tenants,
        link_days=own.link_days,
    )


def refresh_step(own: settings.Refresh, telemetry: Telemetry) -> refresh.Step:
    """The step of the function `refresh`."""
    from broker.adapters.dynamodb.authorizations import Candidates
    from broker.adapters.dynamodb.connections import Connections
    from broker.adapters.dynamodb.vault import Vault
    from broker.adapters.eventbridge import Events
    from broker.adapters.https import Http
    from broker.adapters.tracing import Traced
    from broker.steps import refresh

    snapshot.prepare()
    table, http = clients.dynamodb(), Traced(Http(), "microsoft")
    events = Events(clients.events(), own.event_bus, telemetry)
    providers = _providers(own, http, events, telemetry)
    return refresh.Step(
        connections=Connections(table, own.connections_table),
        vault=Vault(table, own.vault_table),
        candidates=Candidates(table, own.authorizations_table),
        acceptance=_acceptance(own, http, events, providers),
        vault_keys=Keys(clients.kms(), own.vault_key),
        token_keys=Keys(clients.kms(), own.connections_key),
        providers=providers,
        events=events,
        clock=time.time,
        randomness=Randomness(),
        telemetry=telemetry,
        stack=own.stack_name,
    )


def callback_step(own: settings.Callback, telemetry: Telemetry) -> callback.Step:
    """The step of the function `callback`."""
    from broker.adapters.dynamodb.authorizations import Authorizations
    from broker.adapters.dynamodb.connections import Connections
    from broker.adapters.eventbridge import Events
    from broker.adapters.https import Http
    from broker.adapters.invoke import Refresher, Verifier
    from broker.adapters.sqs import Queue
    from broker.adapters.tracing import Traced
    from broker.steps import callback

    table, http = clients.dynamodb(), Traced(Http(), "microsoft")
    events = Events(clients.events(), own.event_bus, telemetry)
    providers = _providers(own, http, events, telemetry)
    return callback.Step(
        connections=Connections(table, own.connections_table),
        authorizations=Authorizations(table, own.authorizations_table),
        acceptance=_acceptance(own, http, events, providers),
        providers=providers,
        refresher=Refresher(clients.functions_briefly, own.refresh_function),
        verifier=Verifier(clients.functions_briefly, own.verify_function),
        queue=Queue(clients.sqs(), own.queue_url),
        clock=time.time,
        sleep=time.sleep,
        telemetry=telemetry,
    )


def verify_step(telemetry: Telemetry) -> verify.Step:
    """The step of the function `verify`."""
    from broker.adapters.dynamodb.leases import Leases
    from broker.adapters.https import Http
    from broker.adapters.invoke import Refresher
    from broker.steps import verify

    own = settings.parse(settings.Verify, os.environ)
    return verify.Step(
        connections=Leases(clients.dynamodb(), own.connections_table),
        keys=Keys(clients.kms(), own.connections_key),
        refresher=Refresher(clients.functions, own.refresh_function),
        api=Http(),
        clock=time.time,
        telemetry=telemetry,
        stack=own.stack_name,
        hosts={"advertising": own.advertising_url, "graph": own.graph_url},
    )


def notify_step(telemetry: Telemetry) -> notify.Step:
    """The step of the function `notify`."""
    from broker.adapters.channels import Channels, sign
    from broker.adapters.dynamodb.authorizations import Authorizations
    from broker.adapters.dynamodb.invitations import Invitations
    from broker.adapters.dynamodb.notices import Notices
    from broker.adapters.eventbridge import Events
    from broker.adapters.https import Http
    from broker.adapters.ses import Mailer
    from broker.steps import notify

    own = settings.parse(settings.Notify, os.environ)
    table, secrets = clients.dynamodb(), clients.secretsmanager()
    return notify.Step(
        connections=Invitations(table, own.connections_table),
        authorizations=Authorizations(table, own.authorizations_table),
        notices=Notices(table, own.authorizations_table),
        mailer=Mailer(clients.mail(), own.mail_from) if own.mail_from else None,
        channels=Channels(secrets, own.notify_secret, time.time, telemetry),
        api=Http(),
        sign=sign,
        events=Events(clients.events(), own.event_bus, telemetry),
        clock=time.time,
        randomness=Randomness(),
        telemetry=telemetry,
        stack=own.stack_name,
        base_url=own.public_base_url,
        link_days=own.link_days,
        organization=own.organization_name,
        support=own.support_contact,
    )


def _registrations(own: settings.Authorize | settings.Connections) -> Registrations:
    """The clients of those who only send browsers to a provider."""
    from broker.providers.entra.platform import Entra
    from broker.providers.platform import Registration, Registrations

    entra = Entra(own.identity_platform_url)
    return Registrations({entra.name: Registration(entra, own.client_id)})


def _providers(
    own: settings.Refresh, http: Http, events: Events, telemetry: Telemetry
) -> Providers:
    """The clients of `callback` and `refresh`: nobody else reads the client's credentials."""
    from broker.providers.entra.platform import Entra
    from broker.providers.token_endpoint import OAuth, Providers

    def client(platform: Platform, client_id: str, credentials: Iterable[Credentials]) -> OAuth:
        breakers = tuple(_breaker(own, events, telemetry, client_id, each) for each in credentials)
        return OAuth(
            http=http,
            platform=platform,
            client=Client(client_id, breakers),
            clock=time.time,
            randomness=Randomness(),
            sleep=time.sleep,
        )

    from broker.providers.client_authentication import Client

    entra = Entra(own.identity_platform_url)
    kinds = (_credentials(kind, own) for kind in own.client_authentication)
    return Providers({entra.name: client(entra, own.client_id, kinds)})


def _breaker(
    own: settings.Refresh,
    events: Events,
    telemetry: Telemetry,
    client_id: str,
    credentials: Credentials,
) -> Breaker:
    from broker.adapters.dynamodb.authorizations import Breakers
    from broker.providers.credential_breaker import Breaker

    return Breaker(
        credentials=credentials,
        breakers=Breakers(clients.dynamodb(), own.authorizations_table),
        events=events,
        telemetry=telemetry,
        clock=time.time,
        client_id=client_id,
    )


def _credentials(kind: CredentialKind, own: settings.Refresh) -> Credentials:
    """Where the credentials of one kind come from; what is not listed is not even imported."""
    match kind:
        case CredentialKind.SECRET:
            from broker.adapters.secretsmanager import ClientSecrets

            return ClientSecrets(clients.secretsmanager(), own.client_secret, time.time)
        case CredentialKind.CERTIFICATE:
            from broker.adapters.parameters import Certificates
            from broker.adapters.signing import Signer
            from broker.providers.certificate import CertificateCredentials

            return CertificateCredentials(
                certificates=Certificates(clients.ssm(), own.client_certificate, time.time),
                signer=Signer(clients.kms(), own.client_key),
                clock=time.time,
                randomness=Randomness(),
                client_id=own.client_id,
            )
        case CredentialKind.FEDERATED:
            from broker.adapters.web_identity import WebIdentity
            from broker.providers.federation import FederatedCredentials

            return FederatedCredentials(WebIdentity(clients.sts()), time.time)


def _acceptance(
    own: settings.Refresh, http: Http, events: Events, providers: Providers
) -> Acceptance:
    from broker.adapters.dynamodb.consents import Consents
    from broker.lifecycle.acceptance import Acceptance

    return Acceptance(
        consents=Consents(clients.dynamodb(), own.connections_table, own.vault_table),
        vault_keys=Keys(clients.kms(), own.vault_key),
        token_keys=Keys(clients.kms(), own.connections_key),
        http=http,
        events=events,
        clock=time.time,
        randomness=Randomness(),
        stack=own.stack_name,
        providers=providers,
        allowed_tenants=own.allowed_tenants,
    )
