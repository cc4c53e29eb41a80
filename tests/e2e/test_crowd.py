"""Fifty callers at an expired token: one redemption."""

from __future__ import annotations

import time
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import requests

from tests.e2e.harness import Stack

CROWD = 50
PATIENCE_SECONDS = 240
"""The emulator starts a process for every call that finds the others busy: about 40 s for fifty on
two cores."""


def test_fifty_callers_at_an_expired_token_cause_one_redemption(stack: Stack) -> None:
    name = stack.connect()
    stack.operator.post(f"/connections/{name}/refresh")
    old = stack.fetch(name)["access_token"]
    path = f"/connections/{name}/token"
    barrier, begun = Barrier(CROWD), time.monotonic()

    def fetch(waits: Container[str]) -> requests.Response:
        """As a job does it: a 503 says when to come again. `waits`: the codes it may carry."""
        barrier.wait(60)
        while True:
            answer = stack.team_a.request("GET", path, timeout=PATIENCE_SECONDS)
            if answer.status_code != 503 or time.monotonic() > begun + PATIENCE_SECONDS:
                return answer
            assert answer.json()["code"] in waits
            time.sleep(int(answer.headers["Retry-After"]))

    with ThreadPoolExecutor(CROWD) as threads:
        # Fifty processes that answer at once from now on. While all of them start on one machine,
        # the emulator may keep one waiting for longer than the broker waits for DynamoDB.
        started = list(threads.map(fetch, [{"broker_unavailable"}] * CROWD))
        assert {answer.status_code for answer in started} == {200}
        stack.expire(name)
        redeemed = stack.platform.redemptions(outcome=None)
        answers = list(threads.map(fetch, [{"refresh_in_progress"}] * CROWD))
    seen = sorted({(answer.status_code, answer.json().get("code")) for answer in answers})
    assert seen == [(200, None)]
    (token,) = {answer.json()["access_token"] for answer in answers}
    assert token != old
    assert stack.platform.redemptions(outcome=None) == redeemed + 1
    assert stack.show(name)["generation"] == 3
