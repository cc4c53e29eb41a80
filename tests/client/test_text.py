"""Text of others, made fit for a terminal."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from token_broker._text import clean, masked, plain

BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def harmful(character: str) -> bool:
    """Whether a terminal does more than show it."""
    if character in "\n\t":
        return False
    return character in BIDIRECTIONAL or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


@given(st.text(st.characters()))
def test_nothing_harmful_is_left(text: str) -> None:
    assert not any(harmful(character) for character in plain(text))


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))))
def test_what_can_be_read_stays(text: str) -> None:
    assert plain(text) == text


def test_sequences_go_with_their_arguments() -> None:
    said = "a\x1b[31;1mb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x9b2Je\u202ef\r\x08g\x1bh"
    assert plain(said) == "abcdefgh"
    assert plain("广告 café\n\ttwo") == "广告 café\n\ttwo"


def test_json_is_cleaned_to_the_last_member() -> None:
    given_value = {"na\u202eme": ["\x9b31m", {"deep": "x\x1b[2J"}, 5, None, True]}
    assert clean(given_value) == {"name": ["", {"deep": "x"}, 5, None, True]}
    assert json.dumps(clean("\udc80ok"), ensure_ascii=False).encode() == b'"ok"'


def test_what_looks_like_a_secret_is_masked() -> None:
    arn = f"arn:aws:iam::111122223333:role/{'r' * 64}"
    told = f"{'0.AXoA' + 'x' * 80} is none; {arn} and {'f' * 64} are"
    assert masked(told) == f"*** is none; {arn} and {'f' * 64} are"
