"""docs/data.md names every attribute that the stores write, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest

from broker.adapters.dynamodb import vault
from broker.adapters.dynamodb.authorizations import Authorizations, Breakers, Candidates
from broker.adapters.dynamodb.notices import Notices
from broker.domain import attempts, connection, contacts, grants, problems
from broker.domain.attempts import LinkKind, State, Ticket
from broker.domain.connection import Connection, Sealed, StoredRefreshToken
from broker.domain.names import Incarnation, Instant, Name
from broker.domain.secret import Secret
from broker.ports.stores import Fault
from local.template import ROOT, load

PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
FUNCTIONS = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
VALUES = (attempts, connection, contacts, grants, problems)
"""Modules of the values that stand inside an item."""
NOW, LATER = Instant(1_795_000_000), Instant(1_795_000_900)


def sections() -> dict[str, list[list[str]]]:
    """By the word in a heading's backticks: the cells of its table's rows, without the header."""
    told: dict[str, list[list[str]]] = {}
    for part in re.split(r"^##+ ", PAGE, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if named := re.match(r"`([a-z#]+)`", title):
            rows = [line.strip("|").split(" | ") for line in body.splitlines() if line[:3] == "| `"]
            told[named[1]] = rows
    return told


def first_column(rows: list[list[str]]) -> list[str]:
    return [word for row in rows for word in re.findall(r"`(\w+)`", row[0])]


class Recorder:
    """A DynamoDB client that notes which attributes are written, and finds every condition met."""

    def __init__(self) -> None:
        self.written: dict[str, set[str]] = {}

    def put_item(self, Item: dict[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        self._note(Item["id"]["S"], Item)
        return {}

    def update_item(self, **call: Any) -> dict[str, Any]:
        change = re.sub(r"if_not_exists\([^)]*\)", "", call["UpdateExpression"])
        aliases = call["ExpressionAttributeNames"]
        self._note(
            call["Key"]["id"]["S"], {"id", *(aliases[word] for word in re.findall(r"#\w+", change))}
        )
        return {}

    def _note(self, key: str, attributes: Any) -> None:
        self.written.setdefault(key.partition("#")[0] + "#", set()).update(attributes)


@pytest.fixture(scope="module")
def written() -> dict[str, set[str]]:
    """By kind of item: every attribute that some method of the stores writes."""
    client: Any = Recorder()
    who = (LinkKind.AUTHORIZE, Name("ads"), Incarnation("i"))
    store, breakers = Authorizations(client, "a"), Breakers(client, "a")
    store.put_ticket("d", Ticket(*who, 1, LATER, NOW, NOW, NOW, 0, "other"))
    store.opened("d", NOW)
    store.start("d", NOW, 20)
    store.returned("d", NOW)
    store.put_state(
        "d", State(*who, 0, 1, "t", "c", "n", Secret("canary-verifier"), "https://b", LATER)
    )
    # What the claim returns is the item as it was: here there is none.
    store.claim("d", "c", NOW)
    store.conclude("d", {"page": "connected"}, LATER)
    Candidates(client, "a").put(Incarnation("i"), Sealed(b"x", 1), LATER)
    breakers.open("client", "secret#1", Fault("code", "detail", NOW, LATER), LATER)
    breakers.announce("client", "secret#1")
    breakers.probe("client", "secret#1", NOW, LATER)
    breakers.remind("client", "secret#1", NOW, LATER)
    Notices(client, "a").claim("mail#i#owner", NOW, LATER)
    return dict(client.written)


def test_connections_has_every_attribute_once() -> None:
    named = first_column(sections()["connections"])
    assert named == [part.name for part in fields(Connection)], "a row in docs/data.md for each"


def test_vault_has_every_attribute_once() -> None:
    stored = StoredRefreshToken(
        *(Incarnation("i"), Name("ads"), 1, 1, Sealed(b"x", 1, 1), "client", "https://a", NOW)
    )
    named = first_column(sections()["vault"])
    assert len(named) == len(set(named))
    assert set(named) == vault.item(stored).keys()


def test_each_kind_of_item_has_every_attribute_once(written: dict[str, set[str]]) -> None:
    named = {kind: first_column(rows) for kind, rows in sections().items() if kind.endswith("#")}
    assert {kind: set(words) for kind, words in named.items()} == written
    assert all(len(words) == len(set(words)) for words in named.values())


def stored_values() -> Iterator[tuple[str, list[str]]]:
    """Rows of "Values inside"."""
    inside = PAGE.partition("### Values inside")[2].partition("\n## ")[0]
    for name, listed in re.findall(r"^\| `([A-Z]\w+)` \| (.+) \|$", inside, re.MULTILINE):
        yield name, re.findall(r"`(\w+)`", listed)


def test_values_inside_have_every_attribute() -> None:
    told = dict(stored_values())
    kinds = {name: kind for module in VALUES for name, kind in vars(module).items()}
    assert told == {name: [part.name for part in fields(kinds[name])] for name in told}
    assert told.keys() >= {kind.__name__ for kind in inner(Connection, kinds)}


def inner(kind: type, kinds: dict[str, Any]) -> set[type]:
    """The dataclasses that stand inside another, at any depth, by the names in its annotations."""
    reached: set[type] = set()
    ahead = [kind]
    while ahead:
        for part in fields(ahead.pop()):
            words = re.findall(r"[A-Z]\w+", str(part.type))
            classes = {kinds[word] for word in words if isinstance(kinds.get(word), type)}
            more = {each for each in classes if hasattr(each, "__dataclass_fields__")} - reached
            reached |= more
            ahead += more
    return reached


@pytest.mark.parametrize("kind", sorted(sections()))
def test_who_writes_is_a_function(kind: str) -> None:
    for row in sections()[kind]:
        assert set(row[1].strip().split(", ")) <= FUNCTIONS, row


def test_the_tables_are_those_of_the_template() -> None:
    tables = [one for one in load()["Resources"].values() if one["Type"] == "AWS::DynamoDB::Table"]
    keys = re.findall(r"^\| `\w+` \| `(\w+)` \| until", PAGE, re.MULTILINE)
    assert keys == [table["Properties"]["KeySchema"][0]["AttributeName"] for table in tables]
