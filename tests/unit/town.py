"""Many connections, and several environments of `refresh`, in front of one Microsoft."""

from __future__ import annotations

from itertools import cycle

from broker.domain.connection import Status
from broker.domain.names import Name
from broker.domain.problems import Problem
from broker.ports.credentials import ClientSecretPost
from broker.ports.outside import RefreshRequest
from broker.steps import refresh
from tests.unit.house import House

CONNECTIONS = [Name(f"c-{number}") for number in range(100)]
ENVIRONMENTS = 8
HOUR = 3600
LIFE = 7200
"""Seconds an access token lives, so that one outlasts the hour; it is to be replaced at 0.6."""


class Town:
    """One broker with several environments of `refresh`, which orders meet in turn."""

    def __init__(self, previous: ClientSecretPost | None = None) -> None:
        self.house = House()
        self.house.microsoft.expires_in = LIFE
        self.house.credentials.before = previous
        for name in CONNECTIONS:
            self.house.connected(connection=name)
        self.environments: list[refresh.Step] = []
        for _ in range(ENVIRONMENTS):
            self.house.build()
            self.environments.append(self.house.refresh_step)
        self.turn = cycle(self.environments)
        self.house.invoked._refresh = self.run
        self.served = 0
        self.refused: list[Problem] = []

    def run(self, order: RefreshRequest) -> Problem | None:
        return next(self.turn).run(order)

    def minute(self) -> None:
        """The schedule runs, and every job fetches its token."""
        house = self.house
        house.rotate_step.run(lambda: 50.0)
        orders, house.orders.orders = house.orders.orders, []
        for order in [*orders, *house.invoked.started]:
            self.run(order)
        house.invoked.started.clear()
        for name in CONNECTIONS:
            try:
                self.served += house.fetch(name)["expires_in"] > 0
            except Problem as problem:
                self.refused.append(problem)
        house.pause(60)

    def outlive(self) -> None:
        """Until all tokens have run out, and some more."""
        self.house.pause(LIFE)
        for _ in range(5):
            self.minute()

    def statuses(self) -> set[Status]:
        return {self.house.one(name).status for name in CONNECTIONS}
