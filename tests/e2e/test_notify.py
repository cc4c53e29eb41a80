"""People are told: real events, the real queue and role, the emulator's SES."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from .harness import Stack, until
from .test_diagnosis_refresh import later, refuse

MAIL_SECONDS = 40.0
LINK = re.compile(r"https?://\S+ticket=\S+")


@pytest.fixture(autouse=True)
def _healthy(stack: Stack) -> Iterator[None]:
    yield
    stack.platform.clear_faults()


def mails(stack: Stack, to: str) -> list[dict[str, Any]]:
    """What SES was handed for this address."""
    url = f"{stack.settings.endpoint}/_ministack/ses/messages"
    by_account = requests.get(url, timeout=10).json()["messages"]
    return [mail for sent in by_account.values() for mail in sent if to in mail["To"]]


def mailed(stack: Stack, to: str) -> dict[str, Any]:
    """The one mail that comes."""
    until(lambda: mails(stack, to), MAIL_SECONDS, f"a mail to {to}")
    (mail,) = mails(stack, to)
    return mail


def link(mail: dict[str, Any]) -> str:
    found = LINK.search(mail["BodyText"])
    assert found
    return found[0]


def break_(stack: Stack, user: str, name: str, number: int) -> None:
    """A refusal of the grant, and its confirmation."""
    refuse(stack, user, {"kind": "aadsts", "number": number})
    assert stack.operator.post(f"/connections/{name}/refresh").status_code == 409
    stack.expire(name)
    later(stack, name)
    assert stack.team_a.get(f"/connections/{name}/token").status_code == 409
    stack.platform.clear_faults()


def test_a_broken_connection_mails_its_owner_and_the_link_heals_it(stack: Stack) -> None:
    """Without the operator."""
    user = stack.user()
    name = stack.connect(
        user,
        display_name="広告 (日本)",
        contacts={"owner": {"email": user, "language": "ja"}},
    )
    break_(stack, user, name, 50173)
    mail = mailed(stack, user)
    assert mail["Source"] == "broker@example.com"
    assert "広告 (日本)" in mail["Subject"]
    assert "Example K.K." in mail["BodyText"]
    stack.consent(link(mail), user)
    assert stack.show(name)["status"] == "active"
    assert stack.fetch(name)["access_token"]


def test_an_administrator_is_mailed_a_link_of_their_own(stack: Stack) -> None:
    user, admin = stack.user(), f"admin-{stack.user()}"
    name = stack.connect(user, contacts={"tenant_admin": {"email": admin, "language": "en"}})
    break_(stack, user, name, 90094)
    mail = mailed(stack, admin)
    assert "/admin-consent?ticket=" in link(mail)
    assert "your approval" in mail["Subject"]


def test_the_first_link_is_mailed(stack: Stack) -> None:
    user = stack.user()
    created = stack.create(contacts={"owner": {"email": user}}, send_link=True)
    mail = mailed(stack, user)
    assert link(mail) != created["authorize_url"]
    stack.consent(link(mail), user)
    assert stack.show(created["connection"])["status"] == "active"
