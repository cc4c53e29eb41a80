"""Work that comes late changes nothing: not for what was deleted, recreated, re-consented or
replaced meanwhile, and not for another holder of the lease."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.domain.connection import Status
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.lifecycle import policy
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest, Reply
from broker.sealing.envelope import encryption_context, unseal
from tests.fakes.microsoft import OTHER, OWNER, refusal
from tests.unit.house import ADS, ADS_RESOURCE, GRAPH, GRAPH_RESOURCE, NAME, STACK, House

REVOKED = refusal("invalid_grant", 50173)


@pytest.fixture
def house() -> House:
    found = House().connected(scopes=[ADS, GRAPH])
    found.pause(3600)
    return found


def opened(house: House) -> str:
    """The refresh token in the vault."""
    kept = house.kept()
    where = encryption_context(
        STACK, kept.incarnation, "refresh_token", kept.sealed.generation, kept.epoch
    )
    return unseal(house.real_vault_keys, where, kept.sealed.data).open()


def during(house: House, work: Callable[[], object]) -> None:
    """Do something while the next redemption is at Microsoft."""

    def once(_: object) -> None:
        house.microsoft.meanwhile = None
        work()

    house.microsoft.meanwhile = once


def consent_again(house: House) -> None:
    assert house.consent(house.renew()["authorize_url"]).good


def recreate(house: House) -> None:
    house.connections_step.delete(NAME)
    house.connected(scopes=[ADS, GRAPH])


Change = Callable[[House], None]


@pytest.mark.parametrize("change", [consent_again, recreate])
@pytest.mark.parametrize("answer", [None, REVOKED, refusal("x", status=503)])
@pytest.mark.parametrize("resource", [None, GRAPH_RESOURCE])
def test_a_redemption_that_comes_late(
    house: House, change: Change, answer: object, resource: str | None
) -> None:
    """Lesson 5: re-consent must win. A rotated token of before never shadows the fresh one."""
    stored: list[object] = []

    def meanwhile() -> None:
        change(house)
        stored.extend([house.one(), house.kept(), opened(house), house.kinds()])
        if isinstance(answer, type(REVOKED)):
            house.microsoft.faults = [answer, answer]

    house.pause(120)
    during(house, meanwhile)
    house.refresh("caller", resource=resource)
    house.microsoft.faults.clear()
    assert [house.one(), house.kept(), opened(house), house.kinds()] == stored
    assert house.fetch()["expires_in"] == 3600
    assert house.refresh() is None


MOMENTS = [
    *(
        "after connections.lease",
        "before vault.get",
        "after vault.get",
        "before vault_keys.decrypt",
    ),
    *("before http.post", "after http.post", "before vault.rotate", "after vault.rotate"),
    "before connections.settle",
]


@pytest.mark.parametrize("reason", ["schedule", "caller", "operator"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("change", [consent_again, recreate])
def test_wherever_the_redemption_is(house: House, change: Change, moment: str, reason: str) -> None:
    """Lesson 5. And it is never an error of the broker's own: it was overtaken."""
    house.pause(120)
    old = set(house.microsoft.grants)
    house.moments.once[moment] = lambda: change(house)
    problem = house.refresh(reason)
    assert problem is None or problem.code in ("refresh_in_progress", "not_found")
    assert opened(house) not in old
    kept, one = house.kept(), house.one()
    assert (kept.epoch, kept.generation) == (one.epoch, one.generation)
    assert one.lease_owner is None
    issued = house.microsoft.issued[house.fetch()["access_token"]]
    assert issued.expires_at == house.clock.now + 3600
    assert house.refresh() is None


def test_a_deletion_during_a_redemption(house: House) -> None:
    during(house, lambda: house.connections_step.delete(NAME))
    order = RefreshRequest(NAME, house.one().incarnation, "schedule")
    assert house.refresh_step.run(order) is not None
    assert (house.tables.connections, house.tables.vault) == ({}, {})
    with pytest.raises(Problem, match="access_denied"):
        house.fetch()


def test_a_caller_whose_connection_is_deleted_meanwhile(house: House) -> None:
    during(house, lambda: house.connections_step.delete(NAME))
    with pytest.raises(Problem, match="access_denied"):
        house.fetch()


def test_a_caller_whose_connection_is_recreated_meanwhile(house: House) -> None:
    """The grants of the new creation count, and its token."""
    during(house, lambda: recreate(house))
    new = house.fetch()["access_token"]
    stored = house.one().tokens[ADS_RESOURCE]
    where = encryption_context(STACK, house.one().incarnation, "access_token", 1, 1, ADS_RESOURCE)
    assert unseal(house.real_token_keys, where, stored.sealed.data).open() == new


def test_re_consent_of_another_account_during_a_redemption(house: House) -> None:
    """No caller gets a token of the account before."""
    url = house.renew(allow_account_change=True)["authorize_url"]
    during(house, lambda: house.consent(url, OTHER))
    issued = house.microsoft.issued[house.fetch()["access_token"]]
    assert issued.account == OTHER
    assert house.one().account == OTHER


def test_a_link_replaced_while_open_in_another_tab(house: House) -> None:
    params = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]))
    second = house.renew()["authorize_url"]
    before, redemptions = house.one(), house.microsoft.redemptions
    assert house.finish(params).page == "link_replaced"
    assert (house.one(), house.microsoft.redemptions) == (before, redemptions)
    assert house.consent(second).good


def test_a_link_replaced_while_its_code_is_redeemed(house: House) -> None:
    params = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]))
    kept = house.kept()
    during(house, house.renew)
    assert house.finish(params).page == "link_replaced"
    assert house.kept() == kept
    assert house.one().epoch == 1


def test_a_connection_deleted_while_its_code_is_redeemed(house: House) -> None:
    params = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]))
    during(house, lambda: recreate(house))
    house.finish(params)
    assert house.one().epoch == 1
    assert house.tables.vault.keys() == {house.one().incarnation}


def test_two_tabs_redeem_at_once(house: House) -> None:
    url = house.renew()["authorize_url"]
    first, second = (house.microsoft.sign_in(house.begin(url)) for _ in range(2))
    pages: list[str] = []
    during(house, lambda: pages.append(house.finish(second).page))
    pages.append(house.finish(first).page)
    assert pages == ["connected", "link_finished"]
    assert house.one().epoch == 2


def test_two_refreshers(house: House) -> None:
    """Lesson 1."""
    problems: list[Problem | None] = []
    during(house, lambda: problems.append(house.refresh()))
    before = house.microsoft.redemptions
    assert house.refresh() is None
    (second,) = problems
    assert second is not None
    assert second.code == "refresh_in_progress"
    assert house.microsoft.redemptions == before + 1


@pytest.mark.parametrize("scope", [ADS, GRAPH])
def test_a_caller_held_up_between_its_read_and_its_claim(house: House, scope: str) -> None:
    """Somebody else has redeemed meanwhile, and given the lease back: nothing is left to do."""
    house.fetch(scope=scope)
    house.pause(3600)
    before = house.microsoft.redemptions
    others: list[str] = []

    def somebody_else() -> None:
        others.append(house.fetch(scope=scope)["access_token"])

    house.moments.once["before connections.claim"] = somebody_else
    assert house.fetch(scope=scope)["access_token"] == others[0]
    assert house.microsoft.redemptions == before + 1


@pytest.mark.parametrize("scope", [ADS, GRAPH])
def test_a_caller_held_up_while_somebody_else_fails(house: House, scope: str) -> None:
    """What the other was told holds for this one as well; Microsoft is not asked again."""
    house.fetch(scope=scope)
    house.pause(3600)
    house.microsoft.always = refusal("x", status=429, headers={"retry-after": "90"})
    before = house.microsoft.redemptions

    def somebody_else() -> None:
        with pytest.raises(Problem, match="throttled"):
            house.fetch(scope=scope)

    house.moments.once["before connections.claim"] = somebody_else
    with pytest.raises(Problem, match="throttled") as caught:
        house.fetch(scope=scope)
    assert caught.value.retry_after == 91
    assert house.microsoft.redemptions == before + 1
    assert house.one().lease_owner is None


def test_a_consent_between_a_callers_claim_and_its_redemption(house: House) -> None:
    before = house.microsoft.redemptions
    house.moments.once["after connections.claim"] = lambda: consent_again(house)
    house.fetch()
    assert house.microsoft.redemptions == before + 2, "the code, and the second resource"


@pytest.mark.parametrize("answer", [None, refusal("x", status=429), REVOKED])
@pytest.mark.parametrize("scope", [ADS, GRAPH])
def test_a_fault_of_aws_after_microsofts_answer_keeps_the_lease(
    house: House, answer: Reply | None, scope: str
) -> None:
    """Or each waiting caller would have Microsoft answer again, until AWS is well."""
    house.microsoft.always = answer
    before = house.microsoft.redemptions

    def fail() -> None:
        raise Unavailable("dynamodb", "Throttled")

    house.moments.once["before connections.settle"] = fail
    with pytest.raises(Problem, match="broker_unavailable"):
        house.fetch(scope=scope)
    assert house.one().leased(house.clock.instant())
    house.microsoft.always = None
    house.pause(policy.LEASE)
    assert house.fetch(scope=scope)["expires_in"] > 0
    assert house.microsoft.redemptions <= before + 3


def test_an_order_that_makes_no_sense_leaves_no_lease(house: House) -> None:
    """What cannot be redeemed is refused, and the lease given back."""
    problem = house.refresh("caller", resource="https://elsewhere.example")
    assert problem is not None
    assert problem.code == "scope_not_granted"
    assert house.one().lease_owner is None


def test_a_caller_held_up_before_it_replaces_ahead(house: House) -> None:
    house.fetch()
    house.pause(3000)
    before = house.microsoft.redemptions
    house.moments.once["before connections.claim"] = house.refresh
    house.fetch()
    assert house.microsoft.redemptions == before + 1
    assert house.invoked.started == []


def test_a_holder_whose_lease_ended(house: House) -> None:
    """Lesson 1: a lock released without an owner check."""

    def another() -> None:
        house.pause(policy.LEASE)
        assert house.refresh() is None

    before = house.one().generation
    during(house, another)
    problem = house.refresh()
    assert problem is not None
    assert problem.code == "refresh_in_progress"
    assert house.one().generation == house.kept().generation == before + 1
    assert house.fetch()["expires_in"] == 3600


def test_a_late_holder_does_not_release_anothers_lease(house: House) -> None:
    """Lesson 1."""
    house.moments.once["before vault.rotate"] = lambda: house.change(
        lease_owner="another", lease_until=Instant(house.clock.instant() + 60)
    )
    house.refresh()
    assert house.one().lease_owner == "another"


def test_a_late_failure_of_a_lost_lease_moves_nothing(house: House) -> None:
    house.microsoft.faults = [REVOKED]
    house.refresh()
    house.pause(120)
    before = house.one()

    def taken() -> None:
        house.change(lease_owner="another", lease_until=Instant(house.clock.instant() + 60))
        house.microsoft.faults = [REVOKED]

    during(house, taken)
    house.refresh()
    assert (house.one().status, house.one().last_error) == (Status.ACTIVE, before.last_error)
    assert house.kinds()[-1] == "Connection At Risk"


def test_a_lease_nobody_holds_any_more_ends(house: House) -> None:
    """Lesson 1: a refresh stuck until restart."""
    house.change(lease_owner="dead", lease_until=Instant(house.clock.instant() + policy.LEASE))
    with pytest.raises(Problem, match="refresh_in_progress"):
        house.fetch()
    house.pause(policy.LEASE)
    assert house.fetch()["expires_in"] == 3600


def test_grants_changed_while_the_owner_consents(house: House) -> None:
    """The consent does not bring back what the operator took away."""
    params = house.microsoft.sign_in(house.begin(house.renew()["authorize_url"]))
    during(house, lambda: house.change(grants=(), labels={"a": "1"}))
    house.finish(params)
    assert (house.one().grants, house.one().labels) == ((), {"a": "1"})


def test_import_against_a_consent(house: House) -> None:
    """Whichever is written first wins; the other changes nothing."""
    during(house, lambda: consent_again(house))
    with pytest.raises(Problem, match="conflict"):
        house.connections_step.adopt(NAME, house.microsoft.grant(OWNER, (ADS, GRAPH)))
    assert house.one().epoch == house.kept().epoch == 2
    assert house.one().lease_owner is None


def test_orders_of_an_earlier_creation(house: House) -> None:
    house.pause(policy.DAY)
    house.rotate_step.run(lambda: 60.0)
    recreate(house)
    before, redemptions = house.one(), house.microsoft.redemptions
    (order,) = house.orders.orders
    problem = house.refresh_step.run(order)
    assert problem is not None
    assert problem.code == "not_found"
    assert (house.one(), house.microsoft.redemptions) == (before, redemptions)


def test_suspicion_of_before_does_not_outlive_a_consent(house: House) -> None:
    house.microsoft.faults = [REVOKED]
    house.refresh()
    assert house.one().suspicion is not None
    consent_again(house)
    house.pause(120)
    house.microsoft.faults = [REVOKED]
    house.refresh()
    assert house.one().status is Status.ACTIVE, "the first refusal of the new grant"


def test_a_copy_of_the_sealed_token_does_not_open_elsewhere(house: House) -> None:
    """Moved to another connection, it is damaged goods."""
    house.connected(connection="other")
    mine, other = house.kept(), house.tables.connections[type(NAME)("other")]
    foreign = house.tables.vault[other.incarnation]
    house.tables.vault[other.incarnation] = replace(foreign, sealed=mine.sealed)
    with pytest.raises(Exception, match=r"wrong encryption context"):
        house.refresh_step.run(RefreshRequest(other.name, other.incarnation, "schedule"))
