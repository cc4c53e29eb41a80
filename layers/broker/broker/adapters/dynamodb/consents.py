"""Writes over `connections` and `vault` together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from broker.adapters.dynamodb import vault
from broker.adapters.dynamodb.codec import wrap
from broker.adapters.dynamodb.leases import SAME_INCARNATION
from broker.adapters.dynamodb.table import Table, all_of, transact, values
from broker.domain.connection import Connection, Status
from broker.ports.stores import Consent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Consents:
    """`ports.Consents`. `connections`, `vault`: the tables' names."""

    def __init__(self, client: DynamoDBClient, connections: str, vault: str) -> None:
        self._client = client
        self._connections = Table(client, connections, "name")
        self._vault = Table(client, vault, "incarnation")

    def complete(self, consent: Consent) -> bool:
        no_other_consent = "#epoch = :epoch"
        same_link = "" if consent.link is None else "#link = :link"
        change, bound = _change(consent)
        update = self._connections.updating(
            consent.before.name,
            change,
            all_of(SAME_INCARNATION, no_other_consent, same_link),
            bound | values(incarnation=consent.before.incarnation, epoch=consent.before.epoch),
        )
        stored = wrap(vault.item(consent.stored))["M"]
        # The vault needs no condition: the connection's guards both.
        put = {"TableName": self._vault.name, "Item": stored}
        return transact(self._client, {"Update": update}, {"Put": put})

    def remove(self, connection: Connection) -> bool:
        incarnation = connection.incarnation
        delete = self._connections.deleting(
            connection.name, SAME_INCARNATION, values(incarnation=incarnation)
        )
        return transact(
            self._client,
            {"Delete": delete},
            {"Delete": self._vault.deleting(incarnation, None, {})},
        )


def _change(consent: Consent) -> tuple[str, dict[str, Any]]:
    stored = consent.stored
    written = {
        "epoch": consent.before.epoch + 1,
        "generation": stored.generation,
        "client_id": stored.client_id,
        "authority": stored.authority,
        "status": Status.ACTIVE,
        "account": consent.account,
        "scopes": consent.scopes,
        "granted": consent.granted,
        "tokens": consent.tokens,
        "failures": {},
        "authorized_at": consent.now,
        "refreshed_at": consent.now,
        "next_refresh_at": consent.next_refresh_at,
    }
    cleared = [
        "#last_error",
        "#consent_error",
        "#findings",
        "#suspicion",
        "#lease_owner",
        "#lease_until",
    ]
    # Relative, because the operator may have changed grants since the consent began.
    assignments = ["#version = #version + :one"]
    bound = values(one=1)
    if consent.link is not None:
        written |= {"link": consent.link + 1, "tickets": ()}
        cleared.append("#open_link")
        bound |= values(link=consent.link)
    assignments += [f"#{name} = :new_{name}" for name in written]
    bound |= values(**{f"new_{name}": value for name, value in written.items()})
    return f"SET {', '.join(assignments)} REMOVE {', '.join(cleared)}", bound
