"""``python -m local.demo``: the main job once, on a local stack of its own.

Exits 0 only if every step worked. Uses AWS_PORT and IDENTITY_PORT if set, else free ports.
"""

from __future__ import annotations

import copy
import hashlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests

from local import deploy, stack
from local.browser import Browser
from local.processes import StackError
from local.settings import Settings
from local.signed import Caller
from local.simulator.client import Platform
from local.template import ROOT

T = TypeVar("T")

NAME = "marketing"
OWNER = "owner@contoso.example"

ROTATION_SECONDS = 90.0
"""A one-time schedule fires within 10 s; queue, cold start and redemption follow."""


class StepError(Exception):
    """A step did not end as it must."""


class Demo:
    """The steps, in order, against a stack that is up."""

    def __init__(self, settings: Settings, document: dict[str, Any]) -> None:
        self._cloud = deploy.Cloud(settings.endpoint)
        self._outputs = stack.outputs(settings.state)
        self._platform = Platform(settings.platform)
        self._callers = {
            name: Caller(document["api_url"], document["region"], principal)
            for name, principal in document["principals"].items()
        }
        self._unsigned = f"{document['api_url']}/connections/{NAME}/token"
        self._number = 0

    def run(self) -> None:
        """Everything; raises StepError at the first step that did not work."""
        link = self._step("operator creates the connection, granted to team-a", self.create)
        self._step(
            f"{OWNER} opens the link, presses Continue, consents", lambda: self.consent(link)
        )
        self._step("the connection is active", self.active)
        first = self._step("team-a fetches a token", self.fetch)
        self._step("team-b has no grant and is refused", lambda: self.refused("team-b"))
        self._step("an unsigned request is refused", self.unsigned)
        self._step("a day passes, and the schedule rotates the refresh token", self.rotate)
        self._step("team-a fetches another token", lambda: self.fetch(other_than=first))
        self._step("operator deletes the connection", self.delete)
        self._step("team-a is refused from now on", lambda: self.refused("team-a"))

    def create(self) -> str:
        """POST /connections; returns the authorize link."""
        body = {
            "connection": NAME,
            "service": "microsoft-advertising",
            "grants": [{"principal": self._callers["team-a"].role_arn}],
        }
        answer = _expect(self._callers["operator"].post("/connections", body), 201)
        return str(answer["authorize_url"])

    def consent(self, link: str) -> None:
        """As the owner's browser would do it; the last page must be a success."""
        page = Browser().consent(link, self._platform, OWNER)
        _check(page.status_code == 200, f"the last page answered {page.status_code}")

    def active(self) -> dict[str, Any]:
        """GET /connections/{connection}."""
        shown = _expect(self._callers["operator"].get(f"/connections/{NAME}"), 200)
        _check(shown["status"] == "active", f"the status is {shown['status']}")
        _check(shown["account"]["username"] == OWNER, "it is another account")
        return shown

    def fetch(self, other_than: str | None = None) -> str:
        """GET the token; returns its SHA-256, for nobody needs to see it."""
        answer = _expect(self._callers["team-a"].get(f"/connections/{NAME}/token"), 200)
        _check(answer["token_type"] == "Bearer" and answer["expires_in"] > 0, "it is no live token")
        digest = hashlib.sha256(answer["access_token"].encode()).hexdigest()
        _check(digest != other_than, "it is the old token")
        return digest

    def refused(self, caller: str) -> None:
        """403 access_denied, whether or not the connection exists."""
        answer = _expect(self._callers[caller].get(f"/connections/{NAME}/token"), 403)
        _check(answer["code"] == "access_denied", f"the code is {answer['code']}")

    def unsigned(self) -> None:
        """API Gateway's own refusal, in the contract's shape."""
        answer = _expect(requests.get(self._unsigned, timeout=60), 403)
        _check(answer["code"] == "not_authorized", f"the code is {answer['code']}")

    def rotate(self) -> None:
        """Make the connection due, as a day would, and run the template's schedule once, now."""
        before = self.active()["generation"]
        self._make_due()
        scheduler = self._cloud.client("scheduler")
        schedule = scheduler.get_schedule(Name=self._outputs["RotateScheduleName"])
        scheduler.create_schedule(
            Name=f"{schedule['Name']}-once",
            ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow=schedule["FlexibleTimeWindow"],
            Target=copy.deepcopy(schedule["Target"]),
            ActionAfterCompletion="DELETE",
        )
        deadline = time.monotonic() + ROTATION_SECONDS
        while (after := self.active()["generation"]) == before:
            _check(time.monotonic() < deadline, f"the generation is still {before}")
            time.sleep(0.5)
        _check(after == before + 1, f"the generation went from {before} to {after}")

    def delete(self) -> None:
        """DELETE: the stored tokens are gone, the sealed refresh token too."""
        answer = self._callers["operator"].delete(f"/connections/{NAME}")
        _check(answer.status_code == 204, f"it answered {answer.status_code}")
        table = self._outputs["VaultTableName"]
        left = self._cloud.client("dynamodb").scan(TableName=table)["Items"]
        _check(not left, "the vault still holds a refresh token")

    def _make_due(self) -> None:
        """Move the due time into the past, in both tables, instead of waiting for a day."""
        dynamodb = self._cloud.client("dynamodb")
        places = {
            "VaultTableName": ("incarnation", "due_at"),
            "ConnectionsTableName": ("name", "next_refresh_at"),
        }
        for output, (key, attribute) in places.items():
            (item,) = dynamodb.scan(TableName=self._outputs[output])["Items"]
            dynamodb.update_item(
                TableName=self._outputs[output],
                Key={key: item[key]},
                UpdateExpression=f"SET {attribute} = :now",
                ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
            )

    def _step(self, text: str, work: Callable[[], T]) -> T:
        self._number += 1
        begun = time.monotonic()
        try:
            result = work()
        except Exception:
            print(f"✗ {self._number:2}. {text}", flush=True)
            raise
        print(f"✓ {self._number:2}. {text} ({time.monotonic() - begun:.1f} s)", flush=True)
        return result


def main() -> int:
    """Bring a stack up, run the steps, end the stack."""
    state = ROOT / ".local" / "demo"
    try:
        settings = _settings(state)
        document = stack.up(settings, lambda line: print(f"✓ {line}", flush=True))
        print()
        Demo(settings, document).run()
    except (StepError, StackError, RuntimeError, requests.RequestException) as error:
        print(f"\nThe demo failed: {error}\nThe logs are in {state}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.down(state)
    print("\nEverything worked. `make run` keeps a stack up to play with.")
    return 0


def _settings(state: Any) -> Settings:
    apart = Settings.apart(state)
    aws, identity = os.environ.get("AWS_PORT"), os.environ.get("IDENTITY_PORT")
    return replace(
        apart,
        aws_port=int(aws or apart.aws_port),
        identity_port=int(identity or apart.identity_port),
    )


def _expect(answer: requests.Response, status: int) -> dict[str, Any]:
    """The JSON body, if the status is the expected one. A refusal's code and detail otherwise."""
    body: dict[str, Any] = answer.json()
    told = f": {body.get('code')}: {body.get('detail')}" if answer.status_code >= 400 else ""
    _check(answer.status_code == status, f"it answered {answer.status_code}{told}")
    return body


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise StepError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
