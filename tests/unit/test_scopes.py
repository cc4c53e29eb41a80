"""Canonical scope sets: one set, one key, whichever way it is written."""

from __future__ import annotations

import hashlib
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain import scopes
from broker.domain.problems import Problem

GRAPH = "https://graph.microsoft.com"
NAMES = st.sampled_from(["User.Read", "Mail.Read", "Mail.Send", "Files.Read.All"])


def refused(text: str) -> str:
    with pytest.raises(Problem) as caught:
        scopes.single(text)
    assert caught.value.code == "invalid_request"
    return caught.value.detail


def test_one_set_has_one_key() -> None:
    """Lesson 10: cache keys without scope."""
    wanted = scopes.single("Mail.Read User.Read")
    assert wanted.scopes == (f"{GRAPH}/Mail.Read", f"{GRAPH}/User.Read")
    assert wanted.resource == GRAPH
    assert wanted.key == hashlib.sha256(wanted.text.encode()).hexdigest()
    for text in (
        "User.Read Mail.Read",
        " User.Read   Mail.Read User.Read ",
        f"openid {GRAPH}/User.Read Mail.Read offline_access profile email",
        "https://GRAPH.Microsoft.COM/User.Read HTTPS://graph.microsoft.com/Mail.Read",
    ):
        assert scopes.single(text) == wanted


def test_names_keep_their_case() -> None:
    """Microsoft compares without case, but nobody says it answers so: two keys, two tokens."""
    assert scopes.single("user.read").key != scopes.single("User.Read").key


@given(st.sets(NAMES, min_size=1), st.data())
def test_order_and_repetition_never_count(names: set[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*names, *data.draw(st.lists(st.sampled_from([*names])))]))
    assert scopes.single(" ".join(shuffled)) == scopes.single(" ".join(sorted(names)))


def test_different_sets_have_different_keys() -> None:
    texts = ["User.Read", "Mail.Read", "User.Read Mail.Read", "https://a.example/User.Read"]
    assert len({scopes.single(text).key for text in texts}) == len(texts)
    assert len({scopes.single(" ".join(each)).key for each in permutations(texts[:2])}) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("User.Read\n", "User.Read\tMail.Read", "a\x00b", "a\x7fb", 'a"b', "a\\b", "ünicode"),
        *("x" * 256, "\u3000", "a\u200bb"),
    ],
)
def test_what_is_no_scope(text: str) -> None:
    assert "visible ASCII" in refused(text)


@pytest.mark.parametrize("text", ["", " ", "openid", "openid offline_access email profile"])
def test_nothing_is_asked_for(text: str) -> None:
    assert "exactly one resource" in refused(text)


def test_one_token_serves_one_resource() -> None:
    assert "exactly one resource" in refused("User.Read https://ads.microsoft.com/msads.manage")


def test_default_stands_alone() -> None:
    assert scopes.single(f"{GRAPH}/.default").scopes == (f"{GRAPH}/.default",)
    assert "stands alone" in refused(f"{GRAPH}/.default {GRAPH}/User.Read")


def test_there_are_bounds() -> None:
    assert "4096" in refused("a " * 3000)
    assert "at most 50" in refused(" ".join(f"s{number}" for number in range(51)))


@given(st.text(max_size=80))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    try:
        found = scopes.single(text)
    except Problem:
        with pytest.raises(Problem, match="invalid_request"):
            scopes.single(f" {text} ")
    else:
        assert scopes.single(found.text) == found
        assert all(scope.isascii() and scope.isprintable() for scope in found.scopes)


def test_answered_scopes_are_of_the_resource_that_was_asked() -> None:
    text = "openid profile msads.manage https://ads.microsoft.com/ads.manage  msads.manage"
    assert scopes.answered(text, "https://ads.microsoft.com") == (
        "https://ads.microsoft.com/ads.manage",
        "https://ads.microsoft.com/msads.manage",
    )
    assert scopes.answered("", GRAPH) == ()


def test_held_is_compared_without_case() -> None:
    assert scopes.covers([f"{GRAPH}/user.read"], [f"{GRAPH}/User.Read"])
    assert scopes.missing([f"{GRAPH}/User.Read"], [f"{GRAPH}/Mail.Read"]) == (f"{GRAPH}/Mail.Read",)
    assert not scopes.covers([f"{GRAPH}/User.Read"], [f"{GRAPH}/.default"])
    assert scopes.covers([], [])
