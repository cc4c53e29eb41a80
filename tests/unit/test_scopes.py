"""Canonical scopes: one scope, one name, however it is written; and what a caller's choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain import scopes
from broker.domain.problems import Problem

GRAPH = "https://graph.microsoft.com"
ADS = "https://ads.microsoft.com"
READ, MAIL, MANAGE = f"{GRAPH}/User.Read", f"{GRAPH}/Mail.Read", f"{ADS}/msads.manage"
CONSENTED = (MANAGE, MAIL, READ)
NAMES = st.sampled_from(["User.Read", "Mail.Read", "Mail.Send", "Files.Read.All"])


def refused(text: str) -> str:
    with pytest.raises(Problem) as caught:
        scopes.parse(text)
    assert caught.value.code == "invalid_request"
    return caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        "User.Read Mail.Read",
        " User.Read   Mail.Read User.Read ",
        f"openid {READ} Mail.Read offline_access profile email",
        f"OpenID {READ} Mail.Read {GRAPH}/offline_access",
        "https://GRAPH.Microsoft.COM/User.Read HTTPS://graph.microsoft.com/Mail.Read",
        "https://graph.microsoft.com//User.Read https:///graph.microsoft.com///Mail.Read",
        "User.Read user.read USER.READ Mail.Read https://graph.microsoft.com/mail.READ",
    ],
)
def test_one_scope_has_one_name(text: str) -> None:
    assert scopes.parse(text) == (MAIL, READ)


def test_the_first_spelling_counts() -> None:
    assert scopes.parse("user.read User.Read") == (f"{GRAPH}/user.read",)
    assert scopes.parse("https://h/API/A https://h/api/B") == ("https://h/API/A", "https://h/API/B")


def test_spelled_as_the_connection_has_them() -> None:
    like = ("https://analysis.windows.net/powerbi/api/Report.Read.All",)
    assert scopes.spelled(("https://analysis.windows.net/PowerBI/API/report.read.all",), like) == (
        like
    )
    assert scopes.spelled(("https://analysis.windows.net/POWERBI/api/Other",), like) == (
        "https://analysis.windows.net/powerbi/api/Other",
    )


@given(st.sets(NAMES, min_size=1), st.data())
def test_order_and_repetition_never_count(names: set[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*names, *data.draw(st.lists(st.sampled_from([*names])))]))
    assert scopes.parse(" ".join(shuffled)) == scopes.parse(" ".join(sorted(names)))


@pytest.mark.parametrize(
    "text",
    [
        *("User.Read\n", "User.Read\tMail.Read", "a\x00b", "a\x7fb", 'a"b', "a\\b", "ünicode"),
        *("x" * 256, "\u3000", "a\u200bb"),
    ],
)
def test_what_is_no_scope(text: str) -> None:
    assert "visible ASCII" in refused(text)


@pytest.mark.parametrize(
    "text", ["/", "//", "/User.Read", "https://", "https://x", f"{GRAPH}/", "https:///User.Read"]
)
def test_a_scope_is_a_permission_of_a_resource(text: str) -> None:
    assert "<resource>/<permission>" in refused(text)


@pytest.mark.parametrize("text", ["", " ", "openid", "openid offline_access email profile"])
def test_nothing_is_asked_for(text: str) -> None:
    assert scopes.parse(text) == ()


def test_there_are_bounds() -> None:
    assert "4096" in refused("a " * 3000)
    assert scopes.parse("User.Read".ljust(4096)) == (READ,)
    assert len(scopes.parse(" ".join(f"s{number}" for number in range(50)))) == 50
    assert "at most 50" in refused(" ".join(f"s{number}" for number in range(51)))


def test_default_stands_alone() -> None:
    (alone,) = scopes.group([f"{GRAPH}/.default"]).values()
    scopes.pure(alone, "scopes")
    (mixed,) = scopes.group([f"{GRAPH}/.Default", READ]).values()
    with pytest.raises(Problem, match="invalid_request"):
        scopes.pure(mixed, "scopes")


@given(st.text(max_size=80))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    try:
        canonical = scopes.parse(text)
    except Problem:
        with pytest.raises(Problem, match="invalid_request"):
            scopes.parse(f" {text} ")
    else:
        assert scopes.parse(" ".join(canonical)) == canonical
        assert all(scope.isascii() and scope.isprintable() for scope in canonical)
        assert all(scopes.resource(scope) for scope in canonical)


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("User.Read", GRAPH),
        ("user.read MAIL.READ", GRAPH),
        (f"{GRAPH}/.default", GRAPH),
        ("HTTPS://graph.microsoft.com//.DEFAULT", GRAPH),
        (MANAGE, ADS),
        (MANAGE.upper(), ADS),
        (f"{ADS}/.default", ADS),
    ],
)
def test_a_callers_scopes_choose_a_resource_of_the_connection(text: str, resource: str) -> None:
    """And get the connection's own scopes of it, spelled as the connection has them."""
    assert scopes.choose(scopes.parse(text), CONSENTED) == scopes.group(CONSENTED)[resource]


@pytest.mark.parametrize(
    "text",
    [
        "Mail.Send",
        "User.Read Mail.Send",
        "User.Read.All",
        f"{ADS}/ads.manage",
        f"{READ} {MANAGE}",
        f"{GRAPH}/.default User.Read",
        f"{GRAPH}/.default {ADS}/.default",
        "https://graph.microsoft.com.evil.example/User.Read",
        "https://graph.microsoft.com/v1.0/User.Read",
        "https://analysis.windows.net/powerbi/api/.default",
        "api://graph.microsoft.com/User.Read",
        f"{GRAPH}/User.Read/.default",
    ],
)
def test_anything_else_is_not_granted(text: str) -> None:
    with pytest.raises(Problem) as caught:
        scopes.choose(scopes.parse(text), CONSENTED)
    assert (caught.value.status, caught.value.code) == (422, "scope_not_granted")
    assert "scopes of one resource that the connection has" in caught.value.detail


def test_default_chooses_nothing_finer_where_default_was_consented_to() -> None:
    consented = (f"{GRAPH}/.default",)
    assert scopes.choose(consented, consented).scopes == consented
    with pytest.raises(Problem, match="scope_not_granted"):
        scopes.choose((READ,), consented)


@given(st.text(max_size=60), st.lists(st.sampled_from([*CONSENTED, "User.Read", ".default", "/"])))
def test_whatever_a_caller_writes_reaches_nothing_else(text: str, parts: list[str]) -> None:
    try:
        wanted = scopes.parse(" ".join([text, *parts]))
        chosen = scopes.choose(wanted, CONSENTED)
    except Problem as problem:
        assert problem.code in ("invalid_request", "scope_not_granted")  # noqa: PT017
    else:
        assert chosen in scopes.group(CONSENTED).values()
        default = f"{chosen.resource}/.default".lower()
        lower = {scope.lower() for scope in wanted}
        assert not wanted or lower <= {scope.lower() for scope in (*chosen.scopes, default)}


def test_answered_scopes_are_of_the_resource_that_was_asked() -> None:
    text = "openid profile msads.manage https://ads.microsoft.com/ads.manage  msads.manage"
    assert scopes.answered(text, ADS) == (f"{ADS}/ads.manage", MANAGE)
    assert scopes.answered("", GRAPH) == ()
    assert scopes.answered("MSADS.Manage OPENID", ADS, [MANAGE]) == (MANAGE,)


def test_what_cannot_be_read_is_kept_as_it_is() -> None:
    assert scopes.answered("ünicode", ADS) == ("ünicode",)
    assert scopes.answered("ß ss", "") == ("/ss", "ß")
    assert scopes.spelled(("ß", "ss")) == ("ss", "ß"), "as upper case they would be one"


def test_a_refusal_names_the_field() -> None:
    two = scopes.ScopeSet(GRAPH, (READ, f"{GRAPH}/.default"))
    for refuse, field in (
        (lambda: scopes.parse('a"b'), "scope"),
        (lambda: scopes.parse('a"b', "filter"), "filter"),
        (lambda: scopes.names(['a"b']), "scopes"),
        (lambda: scopes.names(["/"], "grants[0].scopes"), "grants[0].scopes"),
        (lambda: scopes.pure(two, "scopes"), "scopes"),
    ):
        with pytest.raises(Problem) as caught:
            refuse()
        assert caught.value.code == "invalid_request"
        assert caught.value.detail.startswith(f"{field}: ")


def test_slashes_of_an_address_without_a_scheme_are_single_too() -> None:
    assert scopes.parse("contoso//app///read") == ("contoso/app/read",)


def test_held_is_compared_without_case() -> None:
    assert scopes.covers([f"{GRAPH}/user.read"], [READ])
    assert scopes.missing([READ], [MAIL]) == (MAIL,)
    assert not scopes.covers([READ], [f"{GRAPH}/.default"])
    assert scopes.covers([], [])
