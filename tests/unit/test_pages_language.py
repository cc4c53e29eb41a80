"""Which language a page speaks, and that both languages say the same things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.names import Instant
from broker.web.pages.language import LANGUAGES, moment, negotiate, words

HEADERS = {
    None: "en",
    "": "en",
    "ja": "ja",
    "JA-jp": "ja",
    "fr-FR, de;q=0.7": "en",
    "ja-JP,ja;q=0.9,en-US;q=0.8,en;q=0.7": "ja",
    "en-US,en;q=0.9,ja;q=0.8": "en",
    "en;q=0.2, ja;q=0.21": "ja",
    "en;q=0.5, ja;q=0.5": "en",
    "ja;q=0.5, en;q=0.5": "ja",
    "fr, *;q=0.5, ja;q=0.4": "en",
    "en;q=0, *": "ja",
    "ja;q=0": "en",
    "*;q=0": "en",
    "ja;q=0.000, en;q=0": "en",
    "ja ; q=0.9 , en;q=0.8": "ja",
    "ja;q=1.5, en;q=0.1": "en",
    "ja;q=nan": "en",
    "ja;q=-1": "en",
    "ja;q=٠": "en",
    "jaa, javanese": "en",
    "zh-Hant-ja": "en",
    "," * 50_000 + "ja": "en",
    "ja" * 50_000: "en",
    "\x00\ud800, ja": "ja",
}


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: repr(header)[:40])
def test_language_follows_the_qualities(header: str | None) -> None:
    assert negotiate(header) == HEADERS[header]


@given(st.text() | st.text(alphabet="jaen*-;q=.,019 "))
def test_no_header_raises(header: str) -> None:
    assert negotiate(header) in LANGUAGES


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(tree, str):
        yield path, tree
        return
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, branch in entries:
        yield from leaves(branch, f"{path}/{key}")


def test_both_languages_have_the_same_texts_with_the_same_names_in_them() -> None:
    def shape(tree: dict[str, Any]) -> dict[str, list[str]]:
        return {path: sorted(re.findall(r"\{\w+\}", text)) for path, text in leaves(tree)}

    assert shape(words("en")) == shape(words("ja"))


def test_each_language_is_written_in_itself() -> None:
    kana = re.compile("[\u3040-\u30ff]")
    sentences = dict(leaves(words("ja")["outcomes"]))
    assert all(kana.search(text) for text in sentences.values())
    assert not any(kana.search(text) for _, text in leaves(words("en")))


def test_moments_name_their_zone() -> None:
    at = Instant(1_795_230_245)
    assert moment(at, "en") == "21 November 2026, 03:04 UTC"
    assert moment(at, "ja") == "2026年11月21日 12:04（日本時間）"
