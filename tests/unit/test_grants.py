"""Who may fetch tokens: principals, sessions, wildcards, limits."""

from __future__ import annotations

import string
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain import grants
from broker.domain.grants import Caller, Grant
from broker.domain.problems import Problem

ACCOUNT = "111122223333"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/sub/ads-job"
GRAPH = "https://graph.microsoft.com/User.Read"
MAIL = "https://graph.microsoft.com/Mail.Read"
ADS_JOB = Caller("aws", ACCOUNT, "ads-job")


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/ads-job/session", "ads-job"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/ads-job/i-0123/with/slashes", "ads-job"),
        (f"arn:aws:iam::{ACCOUNT}:user/ads-job", None),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/ads-job", None),
        (f"arn:aws:iam::{ACCOUNT}:root", None),
    ],
)
def test_callers(arn: str, role: str | None) -> None:
    found = grants.caller(arn)
    assert (found.partition, found.account, found.role) == ("aws", ACCOUNT, role)


def test_a_caller_is_told_by_what_a_grant_would_name() -> None:
    assert str(ADS_JOB) == f"arn:aws:iam::{ACCOUNT}:role/ads-job"
    assert str(Caller("aws-cn", ACCOUNT, None)) == f"arn:aws-cn:iam::{ACCOUNT}:account"


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "*",
        ACCOUNT,
        f"arn:aws:iam::{ACCOUNT}:role/ads-job",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/ads-job",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/*/x",
        f"x arn:aws:iam::{ACCOUNT}:root",
        f"arn:aws:iam::{ACCOUNT}:root\n",
        "arn:aws:iam::1:root",
    ],
)
def test_unknown_kinds_of_callers(arn: str) -> None:
    with pytest.raises(Problem, match="access_denied") as caught:
        grants.caller(arn)
    assert "kind of AWS principal" in caught.value.detail


@pytest.mark.parametrize(
    ("principal", "who", "admitted"),
    [
        (ACCOUNT, ADS_JOB, True),
        (ACCOUNT, Caller("aws", ACCOUNT, None), True),
        (ACCOUNT, Caller("aws", "999988887777", "ads-job"), False),
        (ROLE, ADS_JOB, True),
        (f"arn:aws:iam::{ACCOUNT}:role/ads-job", ADS_JOB, True),
        (ROLE, Caller("aws", ACCOUNT, None), False),
        (ROLE, Caller("aws", "999988887777", "ads-job"), False),
        (ROLE, Caller("aws-cn", ACCOUNT, "ads-job"), False),
        (ROLE, Caller("aws", ACCOUNT, "ads-job-2"), False),
        (ROLE, Caller("aws", ACCOUNT, "Ads-Job"), False),
        (f"arn:aws:iam::{ACCOUNT}:role/ads-*", ADS_JOB, True),
        (f"arn:aws:iam::{ACCOUNT}:role/*-job", ADS_JOB, True),
        (f"arn:aws:iam::{ACCOUNT}:role/a*-*b", ADS_JOB, True),
        (f"arn:aws:iam::{ACCOUNT}:role/ads-*", Caller("aws", ACCOUNT, "bads-job"), False),
        (f"arn:aws:iam::{ACCOUNT}:role/a.s-*", ADS_JOB, False),
    ],
)
def test_admission(principal: str, who: Caller, admitted: bool) -> None:
    (grant,) = grants.parse([{"principal": principal}])
    assert grant.admits(who) is admitted


@given(st.text(string.ascii_letters + string.digits + "_+=,.@-", min_size=1, max_size=64))
def test_the_session_and_the_path_never_count(name: str) -> None:
    (grant,) = grants.parse([{"principal": f"arn:aws:iam::{ACCOUNT}:role/some/path/{name}"}])
    assert grant.admits(grants.caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/whoever"))
    assert not grant.admits(grants.caller(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}x/{name}"))


@pytest.mark.parametrize(
    "principal",
    [
        *("*", "", "11112222333", "1111222233334", "１１１１２２２２３３３３", None, 111122223333),
        *(f"arn:aws:iam::{ACCOUNT}:role/*", f"arn:aws:iam::{ACCOUNT}:role/**"),
        *(f"arn:aws:iam::{ACCOUNT}:role/te*/x", "arn:aws:iam::*:role/x", f"arn:*:iam::{ACCOUNT}:x"),
        *(f"arn:aws:iam::{ACCOUNT}:user/x", f"arn:aws:iam::{ACCOUNT}:root"),
        *(f"arn:aws:sts::{ACCOUNT}:assumed-role/x/y", f"{ROLE}\n", f"{ROLE}?", f"{ACCOUNT}\n"),
        f"arn:aws:iam::{ACCOUNT}:role/{'x' * 65}",
    ],
)
def test_what_is_no_principal(principal: object) -> None:
    with pytest.raises(Problem) as caught:
        grants.parse([{"principal": ACCOUNT}, {"principal": principal}])
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    assert caught.value.detail.startswith("grants[1].principal:")


@pytest.mark.parametrize(
    "items",
    [
        None,
        {},
        "x",
        [ACCOUNT],
        [None],
        [{}],
        [{"principal": ACCOUNT, "scope": []}],
        [{"principal": ACCOUNT, "scopes": []}],
        [{"principal": ACCOUNT, "scopes": "User.Read"}],
        [{"principal": ACCOUNT, "scopes": ["openid"]}],
        [{"principal": ACCOUNT, "scopes": [1]}],
        [{"principal": ACCOUNT}] * 101,
    ],
)
def test_what_are_no_grants(items: Any) -> None:
    with pytest.raises(Problem) as caught:
        grants.parse(items)
    assert caught.value.code == "invalid_request"
    assert caught.value.detail.startswith("grants")


def test_a_hundred_grants_are_not_too_many() -> None:
    assert len(grants.parse([{"principal": ACCOUNT}] * 100)) == 100


def test_no_grant_no_token() -> None:
    with pytest.raises(Problem, match="access_denied"):
        grants.reach([], ADS_JOB)
    with pytest.raises(Problem, match="access_denied"):
        grants.reach([Grant("999988887777")], ADS_JOB)


def test_grants_add_up() -> None:
    limited = grants.parse(
        [{"principal": ROLE, "scopes": ["User.Read"]}, {"principal": ACCOUNT, "scopes": [MAIL]}]
    )
    reach = grants.reach(limited, ADS_JOB)
    assert reach.holds([GRAPH, MAIL])
    assert not reach.holds([GRAPH, "https://graph.microsoft.com/Mail.Send"])
    assert not grants.reach(limited, Caller("aws", ACCOUNT, None)).holds([GRAPH])
    assert grants.reach([*limited, Grant(ACCOUNT)], ADS_JOB).holds(["anything"])


def test_a_limit_holds_default_only_by_name() -> None:
    default = "https://graph.microsoft.com/.default"
    assert not grants.reach([Grant(ACCOUNT, (GRAPH,))], ADS_JOB).holds([default])
    assert grants.reach([Grant(ACCOUNT, (default,))], ADS_JOB).holds([default])


def test_many_wildcards_cost_little() -> None:
    """Grants are compared on every fetch."""
    grant = Grant(f"arn:aws:iam::111122223333:role/{'*a' * 30}*b")
    started = time.process_time()
    assert not grant.admits(Caller("aws", "111122223333", "a" * 64))
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        (
            "arn:aws:sts::111122223333:assumed-role/team-a/s",
            "arn:aws:iam::111122223333:role/team-a",
        ),
        ("arn:aws:iam::111122223333:user/someone", "111122223333"),
        ("arn:aws:iam::111122223333:root", "111122223333"),
    ],
)
def test_a_caller_is_known_by_the_grant_that_would_name_it(arn: str, principal: str) -> None:
    who = grants.caller(arn)
    assert who.principal == principal
    assert grants.Grant(who.principal).admits(who)
