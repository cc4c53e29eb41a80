"""Names, tenants, URLs and instants, where they enter."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain import names
from broker.domain.problems import Problem

GUID = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.mark.parametrize("text", ["a", "0", "marketing-jp", "a-", "x" * 63])
def test_slugs(text: str) -> None:
    assert names.slug(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "-a", "A", "a_b", "a.b", "a/b", "../a", "..", "a%2fb", "a b", "a\n", "a\x00", "é"),
        *("ａ", "а", "x" * 64, "x" * 10_000, None, 1, True, ["a"], {"a": 1}, b"a"),
    ],
)
def test_what_is_no_slug(text: object) -> None:
    with pytest.raises(Problem) as caught:
        names.slug(text)
    assert (caught.value.code, caught.value.status) == ("invalid_request", 400)
    assert caught.value.detail.startswith("connection:")


@given(st.text())
def test_whatever_is_accepted_is_a_slug(text: str) -> None:
    try:
        found = names.slug(text)
    except Problem:
        assert not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", text)
    else:
        assert found == text


def test_guids_are_lower_case() -> None:
    assert names.guid(GUID.upper(), "x") == GUID
    assert names.is_guid(GUID)
    assert not names.is_guid(GUID.upper())


@pytest.mark.parametrize("text", ["", GUID[:-1], f"{{{GUID}}}", GUID.replace("-", ""), None, 1])
def test_what_is_no_guid(text: object) -> None:
    with pytest.raises(Problem) as caught:
        names.guid(text, "account.object_id")
    assert caught.value.detail == "account.object_id: must be a GUID."


@pytest.mark.parametrize(
    "text", ["common", "Organizations", "consumers", GUID, "contoso.com", "Contoso.onmicrosoft.com"]
)
def test_tenants(text: str) -> None:
    assert names.tenant(text) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        *("", "contoso", "..", "../common", "common/..", "contoso.com/x", "contoso.com?x=1"),
        *("a" * 250 + ".com", "-a.com", "a..com", "contoso.com\n", "user@contoso.com", "a b.com"),
        *(None, 1, "日本.jp", "contoso.com:443", "1.2.3.4"),
    ],
)
def test_what_is_no_tenant(text: object) -> None:
    with pytest.raises(Problem, match="invalid_request"):
        names.tenant(text)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://login.microsoftonline.com", True),
        ("http://localhost:8400", True),
        ("http://127.0.0.1:8400/x", True),
        ("http://[::1]:8400", True),
        ("http://login.microsoftonline.com", False),
        ("http://localhost.evil.com", False),
        ("ftp://localhost", False),
        ("https://", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_secure(url: str, good: bool) -> None:
    assert names.secure(url) is good


def test_rfc3339_is_utc() -> None:
    assert names.rfc3339(0) == "1970-01-01T00:00:00Z"
    assert names.rfc3339(1_800_000_000) == "2027-01-15T08:00:00Z"
