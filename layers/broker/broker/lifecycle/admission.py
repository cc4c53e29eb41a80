"""Which account may be a connection's: tenant, expectation, identity as before. Pure."""

from __future__ import annotations

from dataclasses import replace

from broker.domain.connection import Account, Connection, Expected
from broker.domain.names import PERSONAL_TENANT
from broker.domain.problems import Problem
from broker.domain.text import printable

MAX_USERNAME = 256


class Mismatch(Problem):
    """Another account signed in than the connection's."""

    def __init__(self, detail: str, account: Account) -> None:
        self.username = printable(account.username, MAX_USERNAME)
        super().__init__("account_mismatch", detail)


def admit(
    account: Account,
    connection: Connection,
    allowed_tenants: tuple[str, ...],
    *,
    tenant_id: str | None,
    allow_change: bool,
) -> Account:
    """The account as it may be stored; raises unless it may be the connection's.

    `tenant_id`: what the connection's tenant segment stands for, when it names one tenant.
    """
    personal = account.tenant_id == PERSONAL_TENANT
    fits = {"consumers": personal, "organizations": not personal, "common": True}
    if not fits.get(connection.tenant, account.tenant_id == tenant_id):
        raise Problem("tenant_not_allowed", "The account is not of this connection's tenant.")
    if allowed_tenants and account.tenant_id not in allowed_tenants:
        raise Problem("tenant_not_allowed", "The broker does not admit accounts of this tenant.")
    expected = connection.expected
    if expected.tenant_id and expected.tenant_id != account.tenant_id:
        raise Mismatch("The account is of another tenant than expected.", account)
    if not allow_change:
        if connection.account and not account.same(connection.account):
            raise Mismatch("Another account than last time consented.", account)
        if not connection.account and not _expected(account, expected):
            raise Mismatch("Another account than the expected one consented.", account)
    return replace(account, username=printable(account.username, MAX_USERNAME))


def _expected(account: Account, expected: Expected) -> bool:
    """Whether a first consent is by the account the operator named."""
    if expected.object_id and expected.object_id != account.object_id:
        return False
    return not expected.username or expected.username.lower() == account.username.lower()
