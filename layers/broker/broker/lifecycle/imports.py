"""An import: a refresh token that somebody held already becomes the connection's.

It counts only after it has been redeemed, and after identity and scopes have been checked as those
of a consent are.
"""

from __future__ import annotations

from broker.domain.connection import Connection
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.lifecycle.acceptance import Terms
from broker.lifecycle.redemption import Ports
from broker.lifecycle.result import Abandoned, Result, Stored
from broker.lifecycle.verdict import Refusal
from broker.providers.error_catalogue import marked
from broker.providers.token_endpoint import Refused
from broker.sealing.envelope import encryption_context, unseal


def adopt(ports: Ports, connection: Connection, now: Instant) -> Result:
    """Prove the refresh token that was handed in, and make it the connection's.

    What fails changes nothing: the token is still where it came from.
    """
    try:
        _prove(ports, connection, now)
    except Problem as problem:
        return Abandoned(problem)
    return Stored()


def _prove(ports: Ports, connection: Connection, now: Instant) -> None:
    sealed = ports.candidates.take(connection.incarnation, now)
    if sealed is None:
        raise Problem("conflict", "The refresh token was handed in again, or too long ago.")
    where = encryption_context(
        ports.stack, connection.incarnation, "import", sealed.generation, sealed.epoch
    )
    secret = unseal(ports.vault_keys, where, sealed.data)
    asked = connection.service_scopes.text
    try:
        client = ports.providers.of(connection)
        authority = client.platform.authority(connection.tenant)
        tokens = client.refresh(authority, authority, connection.incarnation, secret, asked)
    except Refused as refused:
        raise declined(Refusal.of(refused)) from None
    terms = Terms(connection.scopes, nonce=None, link=None, refresh_token=secret)
    ports.acceptance.accept(connection, tokens, terms)


def declined(refusal: Refusal) -> Problem:
    """Why an import failed: the token's fault, or something that passes."""
    said = refusal.problem
    if said.provider and marked("public_client", said.provider.error_codes):
        return Problem(
            "refresh_token_refused",
            "It was issued to a public client (native or single-page), which has no secret.",
            remedy="Have the owner consent through a link of the broker instead.",
            provider=said.provider,
        )
    about_it = said.provider is not None and said.provider.error in (
        "invalid_grant",
        "invalid_request",
    )
    if not refusal.grant and not (said.code == "provider_error" and about_it):
        return said
    return Problem("refresh_token_refused", said.detail, provider=said.provider)
