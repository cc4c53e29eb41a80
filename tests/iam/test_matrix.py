"""The deployed policies, judged by an IAM engine that is not ours (@cloud-copilot/iam-simulate).

What a role may do is what its function was seen to do (`calls.json`, held current by
tests/e2e/test_recorded_rights.py) and what it does seldom (`page.SELDOM`); everything else is
denied. A new right: record its call there (`RECORD=1`), or say what uses it; then `make docs`.
"""

from __future__ import annotations

import pytest

from local.template import ACCOUNT
from local.tools.permissions import page
from local.tools.permissions.account import Account
from local.tools.permissions.matrix import ORGANIZATION, allowed, routes, universe
from local.tools.permissions.page import SELDOM, known
from local.tools.permissions.questions import Question, ask, of_role

Route = tuple[str, str]

TOKEN: Route = ("GET", "/connections/marketing-jp/token")


@pytest.fixture(scope="module")
def account() -> Account:
    return Account(page.PARAMETERS)


def test_every_call_the_code_makes_is_allowed(account: Account) -> None:
    questions = [
        of_role(account, role, *pair, context)
        for role in account.roles
        for pair, contexts in known(role).items()
        for context in contexts
    ]
    verdicts = ask(questions)
    refused = [
        one for one, verdict in zip(questions, verdicts, strict=True) if verdict != "Allowed"
    ]
    assert len(questions) > 50
    assert not refused


def test_nothing_else_is_allowed(account: Account) -> None:
    for role in account.roles:
        needed = set(known(role)) | set(SELDOM.get(role, {}))
        assert allowed(account, role, known(role)) == needed, role
        assert needed <= universe(account), role


def test_what_is_done_seldom_was_not_seen(account: Account) -> None:
    """A line below that is seen after all is no line."""
    assert set(SELDOM) <= set(account.roles)
    for role, pairs in SELDOM.items():
        assert not set(known(role)) & set(pairs), role


@pytest.mark.parametrize(
    ("role", "action"),
    [("AuthorizeRole", "dynamodb:GetItem"), ("TokenRole", "dynamodb:UpdateItem")],
)
def test_one_attribute_more_is_denied(account: Account, role: str, action: str) -> None:
    """And so is a request that says nothing of its attributes: ForAllValues alone lets it pass."""
    pair = (action, "ConnectionsTable")
    context = known(role)[pair][0]
    more = {**context, "dynamodb:Attributes": [*context["dynamodb:Attributes"], "tokens"]}
    silent = {key: value for key, value in context.items() if key != "dynamodb:Attributes"}
    told = {**context, "dynamodb:ReturnValues": ["ALL_OLD"], "dynamodb:Select": ["ALL_ATTRIBUTES"]}
    asked = [of_role(account, role, *pair, one) for one in (context, more, silent, told)]
    assert ask(asked) == ["Allowed", *["ImplicitlyDenied"] * 3]


@pytest.mark.parametrize("operators", [True, False])
def test_who_may_call_which_route(operators: bool) -> None:
    parameters = {"OrganizationId": ORGANIZATION, "AdmittedAccounts": "111111111111"}
    if operators:
        parameters["OperatorRoles"] = f"arn:aws:iam::{ACCOUNT}:role/oper*"
    account = Account(parameters)
    every = {(verb, path) for verb, path, _ in account.routes()}
    browser = {(verb, path) for verb, path, signed in account.routes() if not signed}
    assert TOKEN in every - browser
    assert routes(account) == {
        "anonymous": browser,
        "own account, no policy": browser,
        "own account, a broad policy": browser | {TOKEN} if operators else every,
        "own account, an operator": every,
        "admitted account, no policy": set(),  # of another account both must allow
        "admitted account, a broad policy": browser | {TOKEN},
        "the organization, a broad policy": browser | {TOKEN},
        "foreign account, a broad policy": browser,
    }


def test_nobody_is_admitted_by_default() -> None:
    found = routes(Account({}))
    for who in ("admitted account, a broad policy", "the organization, a broad policy"):
        assert TOKEN not in found[who]


@pytest.mark.parametrize(
    ("context", "verdict"),
    [
        ({}, "Allowed"),
        ({"aws:SourceAccount": ACCOUNT}, "Allowed"),
        ({"aws:SourceAccount": "999999999999"}, "ExplicitlyDenied"),
    ],
    ids=["EventBridge says nothing", "a rule of this account", "a rule of another account"],
)
def test_rules_may_mail(account: Account, context: dict[str, str], verdict: str) -> None:
    topic = account.attached("AWS::SNS::TopicPolicy", "NotificationTopic")
    arn = account.arns["NotificationTopic"]
    asked = Question("events.amazonaws.com", "sns:Publish", arn, context, (), topic)
    assert ask([asked]) == [verdict]


def test_only_this_stacks_rules_fill_its_dead_letters(account: Account) -> None:
    policy = account.attached("AWS::SQS::QueuePolicy", "NoticeDeadLetterQueue")
    arn = account.arns["NoticeDeadLetterQueue"]
    rule = account.arns["ConnectionNotice"]
    contexts: list[dict[str, str]] = [
        {"aws:SourceArn": rule},
        {"aws:SourceArn": rule.replace(ACCOUNT, "999999999999")},
        {},
    ]
    asked = [
        Question("events.amazonaws.com", "sqs:SendMessage", arn, context, (), policy)
        for context in contexts
    ]
    assert ask(asked) == ["Allowed", "ImplicitlyDenied", "ImplicitlyDenied"]


def test_the_page_is_current(account: Account) -> None:
    """`make docs` writes it anew."""
    assert page.render(account) == page.PAGE.read_text()
