"""A Secret never shows."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import pickle
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.attempts import OpenLink
from broker.domain.names import Instant
from broker.domain.secret import Secret
from broker.ports.outside import Reply
from broker.services.forecast import forecast
from broker.web.invitation import Invitation

SECRET = Secret("canary")
OPENED = OpenLink((), "", Instant(0))


@pytest.mark.parametrize(
    "shown",
    [
        repr(SECRET),
        str(SECRET),
        f"{SECRET}",
        f"{SECRET!r:>20}",
        f"{SECRET:10}",
        "%s %r" % (SECRET, SECRET),  # noqa: UP031 (loggers format this way)
        repr([SECRET]),
        repr({"a": SECRET}),
        repr(vars(type(SECRET))),
    ],
)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert "canary" not in shown


def test_it_is_not_serialized() -> None:
    with pytest.raises(TypeError):
        json.dumps(SECRET)
    with pytest.raises(TypeError):
        pickle.dumps(SECRET)
    with pytest.raises(TypeError):
        copy.deepcopy(SECRET)


def test_it_does_not_show_within_others() -> None:
    @dataclass
    class Holder:
        secret: Secret

    assert "canary" not in repr(Holder(SECRET))
    with pytest.raises(TypeError):
        asdict(Holder(SECRET))


def test_it_does_not_show_in_logs(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("value %s", SECRET)
    assert "canary" not in caplog.text


def test_it_does_not_show_in_errors() -> None:
    with pytest.raises(AssertionError) as caught:
        assert Secret("other") == SECRET, f"{SECRET}"
    assert "canary" not in str(caught.value)


def test_it_opens_for_those_who_ask() -> None:
    assert SECRET.open() == "canary"
    assert SECRET.sha256() == hashlib.sha256(b"canary").hexdigest()


@given(st.text(), st.text())
def test_equality_is_that_of_the_values(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert Secret(one) != one


def test_it_is_no_key() -> None:
    with pytest.raises(TypeError):
        hash(SECRET)


def test_an_empty_one_is_false() -> None:
    assert SECRET
    assert not Secret("")


def test_values_that_carry_secrets_in_the_open_print_without_them() -> None:
    """An answer of Microsoft holds tokens, a way to Microsoft the state, a link its ticket."""
    carriers: list[object] = [
        Reply(200, {"set-cookie": "canary"}, b"canary"),
        Secret("https://login.example/?state=canary"),
        Invitation(
            "https://b.example/?ticket=canary",
            "https://b.example/?ticket=canary",
            ("", ""),
            OPENED,
            forecast([], None),
        ),
    ]
    assert "canary" not in repr(carriers)
