"""The token route's query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.problems import Problem
from broker.lifecycle import serving
from broker.lifecycle.serving import Query

DIGEST = "ab" * 32


def test_queries() -> None:
    assert serving.parse({}) == Query()
    assert serving.parse({"min_ttl": ["2700"]}).min_ttl == 2700
    assert serving.parse({"min_ttl": ["0"]}).min_ttl == 0
    assert serving.parse({"scope": ["User.Read"]}).scope == (
        "https://graph.microsoft.com/User.Read",
    )
    assert serving.parse({"rejected": [DIGEST.upper()]}).rejected == DIGEST


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"min_ttl": ["-1"]}, "min_ttl"),
        ({"min_ttl": ["2701"]}, "min_ttl"),
        ({"min_ttl": ["9" * 10_000]}, "min_ttl"),
        ({"min_ttl": [""]}, "min_ttl"),
        ({"min_ttl": ["1.5"]}, "min_ttl"),
        ({"min_ttl": ["1e3"]}, "min_ttl"),
        ({"min_ttl": [" 1"]}, "min_ttl"),
        ({"min_ttl": ["٣"]}, "min_ttl"),
        ({"min_ttl": ["NaN"]}, "min_ttl"),
        ({"min_ttl": ["1", "2"]}, "min_ttl"),
        ({"min_ttl": []}, "min_ttl"),
        ({"rejected": [""]}, "rejected"),
        ({"rejected": ["xyz"]}, "rejected"),
        ({"rejected": [DIGEST + "0"]}, "rejected"),
        ({"scope": [""]}, "scope"),
        ({"scope": ["a\nb"]}, "scope"),
        ({"scope": ["openid"]}, "scope"),
        ({"scope": ["a", "b"]}, "scope"),
        ({"scopes": ["a"]}, "scope, min_ttl and rejected"),
        ({"": ["a"]}, "scope, min_ttl and rejected"),
    ],
)
def test_what_is_no_query(query: dict[str, list[str]], field: str) -> None:
    with pytest.raises(Problem) as caught:
        serving.parse(query)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    assert field in caught.value.detail


NAMES = st.sampled_from(["scope", "min_ttl", "rejected", "x"])


@given(st.dictionaries(NAMES, st.lists(st.text(), max_size=2)))
def test_any_query(query: dict[str, list[str]]) -> None:
    """Read or refused, and a refusal echoes nothing."""
    try:
        found = serving.parse(query)
    except Problem as problem:
        echoed = [text for values in query.values() for text in values if len(text) > 12]
        assert not any(text in problem.detail for text in echoed)  # noqa: PT017
    else:
        assert 0 <= found.min_ttl <= 2700
