"""notify: who is told what, how often, and what a healed connection spares them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import Connection, Status
from broker.domain.names import Name
from broker.domain.notices import Notice
from broker.domain.secret import Secret
from broker.ports.errors import Unreachable
from broker.ports.notices import Channel
from broker.ports.outside import RefreshRequest, Reply
from broker.steps import notify
from local.memory import authorizations, notices
from tests.fakes.microsoft import OTHER, refusal
from tests.unit.house import BASE, NAME, House

HOUR, DAY = 3600, 86_400
CONTACTS = {
    "owner": {"email": "owner@example.jp", "language": "ja"},
    "tenant_admin": {"email": "admin@example.jp", "language": "en"},
}
SLACK = Channel("slack", Secret("https://hooks.example/canary-slack"))
TEAMS = Channel("teams", Secret("https://teams.example/canary-teams"))
HOOK = Channel("webhook", Secret("https://hook.example/in"), Secret("whsec_canary"))


class Post:
    """The step beside a broker in one process."""

    def __init__(self, *channels: Channel) -> None:
        self.house = House()
        self.mailer = notices.Mailer()
        self.house.service.answers = {"": [Reply(204, {}, b"")]}
        house = self.house
        self.step = notify.Step(
            connections=notices.Invitations(house.connections),
            authorizations=authorizations.Authorizations(house.tables),
            notices=notices.Notices(house.tables),
            mailer=self.mailer,
            channels=notices.Channels(*channels),
            api=house.api,
            sign=notices.sign,
            events=house.published,
            clock=house.clock,
            randomness=house.randomness,
            telemetry=house.telemetry,
            stack="stack",
            base_url=BASE,
            link_days=7,
            organization="Example K.K.",
            support="help@example.jp",
        )

    def connect(self, name: str = NAME, **wish: Any) -> None:
        self.house.connected(connection=name, contacts=CONTACTS, **wish)

    def break_(self, name: str = NAME, code: int = 50173) -> None:
        """A refusal of the grant, and its confirmation."""
        answer = refusal("invalid_grant", code)
        for _ in range(2):
            self.house.microsoft.faults.append(answer)
            one = self.house.one(Name(name))
            order = RefreshRequest(one.name, one.incarnation, "schedule")
            self.house.refresh_step.run(order)
            self.house.pause(400)

    def deliver(self) -> frozenset[str]:
        """Everything on the bus so far, once; the ids of what must wait."""
        events, self.house.events.published[:] = [*self.house.events.published], []
        messages = {str(number): _notice(*event) for number, event in enumerate(events)}
        return self.step.run(messages)

    def links(self) -> list[str]:
        return [url for mail in self.mailer.sent for url in re.findall(r"https://\S+", mail.text)]


def _notice(kind: str, detail: dict[str, Any]) -> Notice:
    said = {key: detail.get(key, "") for key in ("service", "status", "code", "actor", "remedy")}
    return Notice(kind, detail.get("connection", ""), **said)


@pytest.fixture
def post() -> Post:
    return Post()


def test_a_broken_connection_mails_its_owner_whose_link_heals_it(post: Post) -> None:
    post.connect()
    post.break_()
    assert post.house.one().status is Status.REAUTHORIZATION_REQUIRED
    assert not post.deliver()
    (mail,) = post.mailer.sent
    assert mail.to == "owner@example.jp"
    assert "もう一度連携" in mail.subject
    assert "Example K.K." in mail.text
    (link,) = post.links()
    assert post.house.consent(link).good
    assert post.house.one().status is Status.ACTIVE
    assert "Connection Link Sent" in post.house.kinds()


def test_the_administrator_is_mailed_in_their_language(post: Post) -> None:
    post.connect()
    post.break_(code=90094)
    assert post.house.one().status is Status.AWAITING_ADMIN
    post.deliver()
    (mail,) = post.mailer.sent
    assert mail.to == "admin@example.jp"
    assert "your approval" in mail.subject
    assert "/admin-consent?ticket=" in mail.text


def test_a_mailed_link_is_harmless_in_other_hands(post: Post) -> None:
    post.connect()
    post.break_()
    post.deliver()
    ending = post.house.consent(post.links()[0], OTHER)
    assert not ending.good
    assert post.house.one().status is Status.REAUTHORIZATION_REQUIRED


def test_at_most_one_mail_a_day_and_connection(post: Post) -> None:
    post.connect()
    post.break_()
    repeated = [*post.house.events.published]
    post.deliver()
    for _ in range(5):
        post.house.events.published[:] = repeated
        post.deliver()
        post.house.pause(HOUR)
    assert len(post.mailer.sent) == 1
    post.house.pause(DAY)
    post.house.events.published[:] = repeated
    post.deliver()
    assert len(post.mailer.sent) == 2


@pytest.mark.parametrize("meanwhile", ["healed", "deleted", "renamed", "suspended"])
def test_what_changed_meanwhile_is_not_told(post: Post, meanwhile: str) -> None:
    post.connect()
    post.break_()
    if meanwhile == "healed":
        assert post.house.consent(post.house.renew()["authorize_url"]).good
    elif meanwhile == "deleted":
        post.house.connections_step.delete(NAME)
    elif meanwhile == "renamed":
        post.house.connections_step.delete(NAME)
        post.connect()
    else:
        post.house.change(suspended=True)
    assert not post.deliver()
    assert not post.mailer.sent


def test_what_changes_while_the_mail_is_written_is_not_said_to_be_sent(post: Post) -> None:
    class Changing(notices.Invitations):
        def link(self, connection: Connection, *rest: Any) -> bool:
            return connection.name != "second" and super().link(connection, *rest)

    post.step = replace(post.step, connections=Changing(post.house.connections))
    for name in ("first", "second"):
        post.connect(name)
        post.break_(name)
    assert not post.deliver()
    (mail,) = post.mailer.sent
    assert len(post.links()) == 1
    assert "second" not in mail.text
    assert post.house.kinds().count("Connection Link Sent") == 1


def test_without_a_contact_nobody_is_mailed(post: Post) -> None:
    post.house.connected()
    post.break_()
    assert not post.deliver()
    assert not post.mailer.sent


def test_a_mail_that_could_not_be_sent_is_sent_later(post: Post) -> None:
    post.connect()
    post.break_()
    again = [*post.house.events.published]
    post.mailer.broken = "TooManyRequests"
    assert post.deliver()
    assert not post.mailer.sent
    post.mailer.broken = ""
    post.house.events.published[:] = again
    assert not post.deliver()
    assert len(post.mailer.sent) == 1


def test_an_hour_of_a_thousand_broken_connections() -> None:
    """Each person gets one mail, and the operator one summary."""
    post = Post(SLACK)
    post.connect()
    post.break_()
    (broken,) = [e for e in post.house.events.published if e[0] == "Connection Broken"]
    one = post.house.one()
    people = [f"person-{number}@example.jp" for number in range(10)]
    contacts = {who: one.contacts["owner"].__class__(who, "ja") for who in people}
    post.house.events.published.clear()
    for number in range(1000):
        name = Name(f"c-{number}")
        owner = contacts[people[number % 10]]
        post.house.tables.connections[name] = one.__class__(
            **{field: getattr(one, field) for field in one.__dataclass_fields__}
            | {"name": name, "incarnation": f"i-{number}", "contacts": {"owner": owner}}
        )
    waiting = [_notice(broken[0], {**broken[1], "connection": f"c-{n}"}) for n in range(1000)]
    for start in range(0, 1000, 50):
        batch = {str(start + place): notice for place, notice in enumerate(waiting[start:][:50])}
        post.step.run(batch)
        post.house.pause(HOUR / 20 - 1)
    mails = Counter(mail.to for mail in post.mailer.sent)
    assert mails == dict.fromkeys(people, 1)
    assert len(post.house.service.calls) == 1


def test_what_waits_is_told_together_in_the_next_hour(post: Post) -> None:
    for name in ("a", "b"):
        post.connect(name)
    post.break_("a")
    assert not post.deliver()
    post.break_("b")
    later = [*post.house.events.published]
    assert post.deliver()
    post.house.pause(HOUR)
    post.house.events.published[:] = later
    assert not post.deliver()
    assert len(post.mailer.sent) == 2


def test_the_first_link_is_mailed_and_the_operator_s_still_works(post: Post) -> None:
    answer = post.house.create(contacts=CONTACTS, send_link=True)
    assert not post.deliver()
    (mail,) = post.mailer.sent
    assert "連携をお願いします" in mail.subject
    (link,) = post.links()
    assert link != answer["authorize_url"]
    assert post.house.begin(answer["authorize_url"])
    assert post.house.consent(link).good


def test_channels_get_what_they_take_and_are_told_once_an_hour() -> None:
    post = Post(SLACK, TEAMS, HOOK)
    post.connect()
    post.break_()
    events = [*post.house.events.published]
    post.deliver()
    calls = {url: (headers, body) for url, headers, body in post.house.service.calls}
    assert len(calls) == 3
    headers, body = calls["https://hook.example/in"]
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} == headers.keys()
    assert body is not None
    assert body["type"] == "token-broker.summary"
    post.house.events.published[:] = events
    post.deliver()
    assert len(post.house.service.calls) == 3
    post.house.pause(HOUR)
    post.house.events.published[:] = events
    post.deliver()
    assert len(post.house.service.calls) == 6


@pytest.mark.parametrize(
    "answer",
    [Reply(302, {"location": "https://evil"}, b""), Reply(500, {}, b"x"), Unreachable("timeout")],
)
def test_a_channel_that_fails_is_tried_again_and_holds_up_nobody(answer: Any) -> None:
    post = Post(SLACK)
    post.connect()
    post.break_()
    events = [*post.house.events.published]
    post.house.service.answers = {"": [answer, Reply(200, {}, b"ok")]}
    assert post.deliver()
    assert len(post.mailer.sent) == 1
    post.house.events.published[:] = events
    assert not post.deliver()
    assert len(post.house.service.calls) == 2
    assert len(post.mailer.sent) == 1


def test_nothing_secret_is_shown() -> None:
    post = Post(SLACK, TEAMS, HOOK)
    post.connect()
    post.break_()
    post.deliver()
    shown = post.house.shown()
    assert "canary" not in shown
    assert not any(link.rpartition("=")[2] in shown for link in post.links())
    assert "example.jp" not in str(post.house.telemetry.notes)


def test_a_credential_s_incident_reaches_the_chat_without_a_connection() -> None:
    post = Post(SLACK)
    notice = Notice("Client Credential Failing", "", "", "", "client_secret_expired", "operator")
    assert not post.step.run({"1": notice})
    (call,) = post.house.service.calls
    assert "client_secret_expired" in str(call[2])
