"""Whatever the broker does may end before or after each of its calls; the work then still works.

Each scenario runs once in peace, which counts its moments: right before and right after every call
of a port (store, key, Microsoft, function, queue, bus). Then it runs once for each moment, and the
process is killed there; and once more for each, and the call fails there, the effect included.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from broker.domain.connection import Status
from broker.domain.problems import Problem
from broker.lifecycle import policy
from broker.ports.errors import Unavailable, Unreachable
from broker.sealing.envelope import encryption_context, unseal
from broker.web import bodies
from tests.fakes.microsoft import OWNER, refusal
from tests.fakes.moments import Killed
from tests.unit.house import ADS, GRAPH, GRAPH_RESOURCE, NAME, STACK, House

Act = Callable[[House], object]


@dataclass(frozen=True)
class Scenario:
    """Some work, what it begins with, and what must hold however it ended."""

    name: str
    prepare: Callable[[], House]
    act: Act
    check: Callable[[House], None]
    least: int
    """Moments it has at least: if there are fewer, the taps are broken."""


def killed(moment: str) -> BaseException | None:
    return Killed(moment)


def failed(moment: str) -> BaseException | None:
    """As the adapters fail: Microsoft is unreachable, AWS is unavailable, the bus never raises."""
    if "events." in moment:
        return None
    if "http." in moment:
        return Unreachable("reset")
    return Unavailable("aws", "Throttled")


# Beginnings


def pending() -> House:
    house = House()
    house.create()
    return house


def active() -> House:
    """For long enough that a caller may ask again."""
    house = House().connected(scopes=[ADS, GRAPH])
    house.pause(60)
    return house


def expired() -> House:
    house = active()
    house.pause(3600)
    return house


def suspected() -> House:
    house = active()
    house.microsoft.faults = [refusal("invalid_grant", 70000)]
    house.refresh()
    house.pause(120)
    return house


# Work


def owner_consents(house: House) -> None:
    url = house.renew(scopes=[ADS, GRAPH])["authorize_url"]
    house.consent(url)


def refused_once(house: House) -> None:
    house.microsoft.faults = [refusal("invalid_grant", 50173)]
    house.refresh()


def other_resource(house: House) -> None:
    house.refresh("caller", resource=GRAPH_RESOURCE)


def other_resource_is_refused(house: House) -> None:
    house.microsoft.faults = [refusal("invalid_grant", 70000)]
    house.refresh("caller", resource=GRAPH_RESOURCE)


def imports(house: House) -> None:
    house.connections_step.adopt(NAME, house.microsoft.grant(OWNER, (ADS, GRAPH)))


def changes(house: House) -> None:
    wish = {"labels": {"a": "1"}, "parameters": {"customer_id": 1}}
    house.connections_step.change(NAME, bodies.change(wish))


# What must hold


def works(house: House) -> None:
    """The grant is there, the next redemption works, and a caller gets a token of the owner's."""
    assert house.one().status is Status.ACTIVE
    served(house)
    house.pause(policy.LEASE + policy.DAY)
    served(house)
    assert house.refresh() is None
    kept = house.kept()
    where = encryption_context(
        STACK, kept.incarnation, "refresh_token", kept.sealed.generation, kept.epoch
    )
    assert house.microsoft.grants[unseal(house.real_vault_keys, where, kept.sealed.data).open()]
    house.pause(policy.DAY)
    assert set(house.rotate()) == {None}, "it is in the index of what is due"
    one = house.one()
    assert (one.suspicion, one.last_error, one.lease_owner) == (None, None, None)
    assert one.generation == house.kept().generation
    served(house)


def served(house: House) -> None:
    """A token, now or after what is under way has ended."""
    try:
        answer = house.fetch()
    except Problem as problem:
        house.pause(max(problem.retry_after or 0, policy.LEASE))
        answer = house.fetch()
    issued = house.microsoft.issued[answer["access_token"]]
    assert issued.account == OWNER
    assert issued.expires_at > house.clock.now
    assert answer["expires_at"]


def whole_or_nothing(house: House) -> None:
    """A consent either counts, or another one can be given."""
    one = house.one()
    if one.status is Status.PENDING:
        assert one.incarnation not in house.tables.vault
        assert (one.tokens, one.account, one.epoch) == ({}, None, 0)
        house.consent(house.renew(scopes=[ADS, GRAPH])["authorize_url"])
    works(house)


def can_be_made(house: House) -> None:
    """The name is free, or the connection is there and its next link works."""
    if NAME not in house.tables.connections:
        house.create()
    house.consent(house.renew(scopes=[ADS, GRAPH])["authorize_url"])
    works(house)


def there_or_gone(house: House) -> None:
    if NAME in house.tables.connections:
        works(house)
    else:
        assert house.tables.vault == {}
        house.connected(scopes=[ADS, GRAPH])
        works(house)


def changed_or_not(house: House) -> None:
    one = house.one()
    found = (one.version, dict(one.labels), list(one.parameters))
    assert found in ((2, {}, []), (3, {"a": "1"}, ["customer_id"]))
    works(house)


SCENARIOS = [
    Scenario("refresh", expired, lambda house: house.refresh(), works, 16),
    Scenario("refresh, recovering", suspected, lambda house: house.refresh(), works, 16),
    Scenario("refresh, refused", expired, refused_once, works, 12),
    Scenario("refresh, other resource", active, other_resource, works, 16),
    Scenario("refresh, other one refused", active, other_resource_is_refused, works, 20),
    Scenario("token, hit", active, lambda house: house.fetch(), works, 4),
    Scenario("token, miss", expired, lambda house: house.fetch(), works, 20),
    Scenario("consent, first", pending, owner_consents, whole_or_nothing, 30),
    Scenario("consent, again", active, owner_consents, works, 30),
    Scenario("import, first", pending, imports, whole_or_nothing, 20),
    Scenario("import, again", active, imports, works, 20),
    Scenario("create", House, lambda house: house.create(), can_be_made, 6),
    Scenario("new link", active, lambda house: house.renew(), works, 6),
    Scenario("change", active, changes, changed_or_not, 4),
    Scenario("delete", active, lambda h: h.connections_step.delete(NAME), there_or_gone, 4),
    Scenario("rotate", expired, lambda house: house.rotate(), works, 30),
]


def moments(scenario: Scenario) -> range:
    """The indexes of the scenario's moments."""
    house = scenario.prepare()
    begun = len(house.moments.passed)
    scenario.act(house)
    scenario.check(house)
    house = scenario.prepare()
    scenario.act(house)
    found = range(begun, len(house.moments.passed))
    assert len(found) >= scenario.least
    return found


@pytest.mark.parametrize("fault", [killed, failed])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.name))
def test_it_works_afterwards(
    scenario: Scenario, fault: Callable[[str], BaseException | None]
) -> None:
    """Lessons 1, 4, 6, 10: no lock stays, nothing is lost, our own outage latches nothing."""
    injected = 0
    for index in moments(scenario):
        house = scenario.prepare()
        house.moments.fail_at, house.moments.fault = index, fault
        with suppress(Killed, Unavailable, Problem):
            scenario.act(house)
        injected += house.moments.injected
        house.moments.fail_at = None
        house.microsoft.faults.clear()
        house.build()  # other processes: nothing is remembered but what is stored
        scenario.check(house)
        assert "canary" not in house.shown()
    print(f"{scenario.name}, {fault.__name__}: {injected} faults")
    assert injected >= scenario.least // 2
