"""connections: create, list, show, change, delete, links, refresh, import."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import Connection, Expected, Status
from broker.domain.names import Incarnation, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.errors import Unavailable
from broker.web import bodies
from local.memory import outside
from tests.fakes.microsoft import CLIENT_ID, OWNER, TENANT, refusal
from tests.unit.house import ACCOUNT_ID, ADS, GRAPH, MAIL, NAME, OPERATOR, House, ticket


@pytest.fixture
def house() -> House:
    return House()


def code(work: Any) -> str:
    with pytest.raises(Problem) as caught:
        work()
    return caught.value.code


def change(house: House, **wish: Any) -> dict[str, Any]:
    return house.connections_step.change(NAME, bodies.change(wish)).answer


def test_creation_answers_two_links(house: House) -> None:
    answer = house.create()
    authorize, admin = answer.pop("authorize_url"), answer.pop("admin_consent_url")
    assert answer == {
        "connection": NAME,
        "status": "pending",
        "expires_at": "2027-01-22T08:00:00Z",
    }
    assert authorize.startswith("https://broker.example.com/authorize?ticket=")
    assert admin.startswith("https://broker.example.com/admin-consent?ticket=")
    assert ticket(authorize) != ticket(admin)


def test_tickets_are_stored_as_digests_only(house: House) -> None:
    answer = house.create()
    for url in (answer["authorize_url"], answer["admin_consent_url"]):
        assert ticket(url) not in repr(house.tables)
        assert Secret(ticket(url)).sha256() in house.tables.tickets


def test_a_new_connection(house: House) -> None:
    house.create(
        account={"username": "ads@example.com"},
        labels={"team": "広告"},
        parameters={"developer_token": "canary-developer"},
    )
    one = house.one()
    assert (one.service, one.resource) == ("microsoft-advertising", "https://ads.microsoft.com")
    assert (one.tenant, one.scopes) == ("common", (ADS,))
    assert (one.client_id, one.created_by) == (CLIENT_ID, OPERATOR)
    assert (one.status, one.epoch, one.generation, one.link) == (Status.PENDING, 0, 0, 1)
    assert one.expected == Expected(username="ads@example.com")
    assert "canary" not in repr(one)


def test_a_name_is_taken_once(house: House) -> None:
    house.create()
    first = house.one()
    assert code(house.create) == "already_exists"
    assert house.one() == first


def test_incarnations_differ(house: House) -> None:
    house.create()
    first = house.one()
    house.connections_step.delete(NAME)
    house.create()
    assert house.one().incarnation != first.incarnation


def test_a_tenant_that_is_never_admitted(house: House) -> None:
    house.allowed_tenants = (TENANT,)
    house.build()
    other = "cccccccc-0000-4000-8000-000000000000"
    assert code(lambda: house.create(tenant=other)) == "tenant_not_allowed"
    assert house.tables.connections == {}
    assert house.create(tenant=TENANT)["status"] == "pending"


def test_show_holds_exactly_the_contracts_fields(house: House) -> None:
    house.connected()
    shown = house.connections_step.show(NAME)
    assert shown.keys() == {
        *("connection", "service", "resource", "status", "suspended", "tenant", "scopes"),
        *(
            "granted_scopes",
            "excess_scopes",
            "account",
            "grants",
            "labels",
            "version",
            "generation",
        ),
        *("created_at", "authorized_at", "refreshed_at", "next_refresh_at", "last_used_at"),
        *("used_by", "findings", "last_error", "consent_error", "authorization"),
        *("identity_provider", "display_name", "purpose", "contacts"),
    }
    assert shown["account"] == {
        "username": OWNER.username,
        "tenant_id": OWNER.tenant_id,
        "object_id": OWNER.object_id,
    }
    assert shown["granted_scopes"] == {"https://ads.microsoft.com": [ADS]}
    assert shown["grants"] == [{"principal": ACCOUNT_ID}]
    assert shown["authorization"] is None
    assert shown["authorized_at"] == "2027-01-15T08:00:00Z"


def test_show_tells_how_far_the_owner_came(house: House) -> None:
    url = house.create()["authorize_url"]
    assert house.connections_step.show(NAME)["authorization"]["opened_at"] is None
    house.authorize_step.show(
        next(iter(house.tables.tickets.values())).kind, ticket(url), "https://b", "en"
    )
    house.pause(60)
    house.begin(url)
    opened = house.connections_step.show(NAME)["authorization"]
    assert opened["opened_at"] == "2027-01-15T08:00:00Z"
    assert opened["started_at"] == "2027-01-15T08:01:00Z"
    assert opened["returned_at"] is None
    assert opened["attempts"] == 1


def test_show_tells_the_last_error(house: House) -> None:
    house.connected()
    house.microsoft.always = refusal("invalid_grant", 50173)
    for _ in range(2):
        house.refresh()
        house.pause(120)
    shown = house.connections_step.show(NAME)
    assert (shown["status"], shown["next_refresh_at"]) == ("reauthorization_required", None)
    assert shown["last_error"]["code"] == "reauthorization_required"
    assert shown["last_error"]["provider"]["error_codes"] == [50173]


def test_what_is_not_there_is_not_found(house: House) -> None:
    step, name = house.connections_step, Name("nothing")
    for work in (
        lambda: step.show(name),
        lambda: step.change(name, bodies.change({})),
        lambda: step.delete(name),
        lambda: step.reauthorize(name, bodies.renewal({}), OPERATOR, "https://b"),
        lambda: step.refresh(name),
        lambda: step.adopt(name, Secret("canary")),
    ):
        assert code(work) == "not_found"


def test_list_goes_through_all(house: House) -> None:
    names = [f"name-{number:02}" for number in range(25)]
    for name in reversed(names):
        house.create(connection=name)
    found: list[str] = []
    cursor: list[str] = []
    while True:
        query = bodies.listing({"limit": ["10"]} | ({"cursor": cursor} if cursor else {}))
        page = house.connections_step.list(query.status, query.limit, query.after)
        found += [one["connection"] for one in page["connections"]]
        if page["next_cursor"] is None:
            break
        cursor = [page["next_cursor"]]
    assert found == names


def test_list_of_one_status(house: House) -> None:
    house.create(connection="waiting")
    house.connected(connection="working")
    page = house.connections_step.list(Status.ACTIVE, 10, None)
    assert [one["connection"] for one in page["connections"]] == ["working"]
    house.connected()
    page = house.connections_step.list(Status.ACTIVE, 10, None)
    assert [one["connection"] for one in page["connections"]] == [NAME, "working"]


def test_merge_patch(house: House) -> None:
    """RFC 7396: what is absent stays, null removes, arrays are replaced."""
    house.create(labels={"a": "1", "b": "2"}, parameters={"customer_id": 1, "account_id": 2})
    shown = change(
        house,
        labels={"a": None, "c": "3"},
        parameters={"customer_id": None, "developer_token": "canary-developer"},
        grants=[{"principal": "222233334444"}],
    )
    assert shown["labels"] == {"b": "2", "c": "3"}
    assert shown["grants"] == [{"principal": "222233334444"}]
    assert house.one().parameters.keys() == {"account_id", "developer_token"}
    assert shown["version"] == 2
    assert change(house)["labels"] == {"b": "2", "c": "3"}
    assert change(house, labels=None)["labels"] == {}
    assert change(house, grants=None)["grants"] == []


def test_changed_parameters_can_be_opened(house: House) -> None:
    house.connected(parameters={"customer_id": 1})
    change(house, parameters={"customer_id": 2, "account_id": 3})
    change(house, suspended=True)
    change(house, suspended=False)
    assert house.fetch()["parameters"] == {"customer_id": "2", "account_id": "3"}


def test_suspending_and_resuming(house: House) -> None:
    house.connected()
    assert change(house, suspended=True)["suspended"] is True
    assert code(house.fetch) == "suspended"
    change(house, suspended=False)
    assert house.fetch()["expires_in"] == 3600


def test_a_stale_version_is_a_conflict(house: House) -> None:
    house.create()
    change(house, version=1, labels={"a": "1"})
    assert code(lambda: change(house, version=1, labels={"a": "2"})) == "conflict"
    assert house.one().labels == {"a": "1"}


def test_changes_without_a_version_are_repeated(house: House) -> None:
    house.create()
    house.moments.once["before connections.change"] = lambda: house.change(version=2)
    assert change(house, labels={"a": "1"})["version"] == 3


def test_somebody_else_is_quicker_with_a_version(house: House) -> None:
    house.create()
    house.moments.once["before connections.change"] = lambda: house.change(version=2)
    assert code(lambda: change(house, version=1, labels={"a": "1"})) == "conflict"


def test_deletion_leaves_nothing(house: House) -> None:
    house.connected()
    house.connections_step.delete(NAME)
    assert (house.tables.connections, house.tables.vault) == ({}, {})
    assert code(house.fetch) == "access_denied"
    kind, detail = house.events.published[-1]
    assert kind == "Connection Deleted"
    assert detail["connection"] == NAME


def test_deletion_of_another_creation(house: House) -> None:
    house.create()
    other = replace(house.one(), incarnation=Incarnation("another"))

    def recreate() -> None:
        house.tables.connections[NAME] = other

    house.moments.once["before consents.remove"] = recreate
    assert code(lambda: house.connections_step.delete(NAME)) == "not_found"
    assert house.one() == other


def test_a_new_link_ends_the_earlier_one(house: House) -> None:
    first = house.create()
    second = house.renew()
    assert house.one().link == 2
    assert second.keys() == {"authorize_url", "admin_consent_url", "expires_at"}
    with pytest.raises(Problem):
        house.begin(first["authorize_url"])
    with pytest.raises(Problem):
        house.begin(first["admin_consent_url"])
    assert house.consent(second["authorize_url"]).good


def test_new_scopes_hold_from_their_consent_on(house: House) -> None:
    house.connected()
    url = house.renew(scopes=[ADS, GRAPH])["authorize_url"]
    assert house.one().scopes == (ADS,)
    house.consent(url)
    assert house.one().scopes == (ADS, GRAPH)
    assert house.fetch(scope=GRAPH)["expires_in"] == 3600


def test_new_scopes_include_what_the_service_requires(house: House) -> None:
    house.connected()
    house.consent(house.renew(scopes=[GRAPH])["authorize_url"])
    assert house.one().scopes == (ADS, GRAPH)


def test_new_scopes_of_a_service_with_the_customers_host(house: House) -> None:
    host = "https://contoso.sharepoint.com"
    house.create(service="sharepoint", resource=host, tenant=TENANT)
    house.consent(house.renew(scopes=[f"{host}/AllSites.Write", MAIL])["authorize_url"])
    assert house.one().scopes == (f"{host}/AllSites.Write", MAIL)


def test_links_collide(house: House) -> None:
    house.create()
    numbers = iter(range(10, 20))

    class Quicker:
        def __getattr__(self, name: str) -> Any:
            return getattr(house.connections, name)

        def link(self, before: Connection, *given: Any) -> bool:
            house.change(link=next(numbers))
            return house.connections.link(before, *given)

    quicker: Any = Quicker()
    house.connections_step = replace(house.connections_step, connections=quicker)
    assert code(house.renew) == "conflict"


def test_refresh_now(house: House) -> None:
    house.connected()
    assert house.connections_step.refresh(NAME).answer["generation"] == 2
    assert house.connections_step.refresh(NAME).answer["generation"] == 3
    assert house.invoked.ran[-1].reason == "operator"


def test_refresh_that_fails_says_why(house: House) -> None:
    house.connected()
    house.microsoft.always = refusal("temporarily_unavailable", status=503)
    assert code(lambda: house.connections_step.refresh(NAME)) == "provider_unavailable"


def test_import_order_holds_no_secret(house: House) -> None:
    house.create()
    given = house.microsoft.grant(OWNER, (ADS,))
    shown = house.connections_step.adopt(NAME, given).answer
    assert shown["status"] == "active"
    assert given.open() not in repr(house.invoked.ran) + house.shown() + repr(shown)


def test_import_seals_at_once(house: House) -> None:
    """`connections` may seal, not open; the candidate is sealed under the vault's key."""
    house.create()
    refresher = outside.faulty(house.refresher, {"run": Unavailable("lambda", "Throttled")})
    house.connections_step = replace(house.connections_step, refresher=refresher)
    with pytest.raises(Unavailable):
        house.connections_step.adopt(NAME, Secret("canary-import"))
    ((sealed, expires_at),) = house.tables.candidates.values()
    assert b"canary" not in sealed.data
    assert expires_at == house.clock.now + 300
    assert house.real_token_keys.generated == []
    assert house.real_vault_keys.decrypted == []


@pytest.mark.parametrize("moment", ["authorizations.put_ticket", "connections.create"])
def test_aws_fails_while_creating(house: House, moment: str) -> None:
    def fail() -> None:
        raise Unavailable("dynamodb", "Throttled")

    house.moments.once[f"before {moment}"] = fail
    with pytest.raises(Unavailable):
        house.create()
    assert house.tables.connections == {}
    assert house.create()["status"] == "pending"


def test_nothing_secret_is_shown(house: House) -> None:
    house.create(parameters={"developer_token": "canary-developer"})
    shown = repr(house.connections_step.show(NAME)) + repr(
        house.connections_step.list(None, 10, None)
    )
    assert "canary" not in shown + house.shown()


def test_what_people_are_told_is_stored_shown_and_changed(house: House) -> None:
    owner = {"email": "owner@example.co.jp", "language": "ja"}
    house.create(display_name="広告レポート", purpose="Reports", contacts={"owner": owner})
    shown = house.connections_step.show(NAME)
    assert (shown["display_name"], shown["purpose"]) == ("広告レポート", "Reports")
    assert (shown["identity_provider"], shown["contacts"]) == ("microsoft", {"owner": owner})
    shown = change(house, purpose=None, contacts={"owner": {"language": "en"}})
    assert (shown["display_name"], shown["purpose"]) == ("広告レポート", None)
    assert shown["contacts"] == {"owner": {**owner, "language": "en"}}
    assert change(house, display_name="Ads")["display_name"] == "Ads"


def test_a_link_that_is_to_be_mailed_says_so(house: House) -> None:
    house.create(contacts={"owner": {"email": "owner@example.com"}}, send_link=True)

    def mailed() -> bool:
        opened = house.one().open_link
        assert opened
        return opened.send

    assert mailed()
    house.renew()
    assert not mailed()
    house.renew(send_link=True)
    assert mailed()
    change(house, contacts=None)
    before = house.one()
    assert code(lambda: house.renew(send_link=True)) == "invalid_request"
    assert house.one() == before
