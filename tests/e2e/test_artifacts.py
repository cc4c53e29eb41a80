"""The built functions on the sample events, with nothing but the artifacts to import from."""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

from local import template as local_template
from tests.e2e.artifacts import EVENTS, Artifacts, Run, sample
from tests.e2e.harness import ADS, Stack


def ticket(link: str) -> str:
    return parse_qs(urlsplit(link).query)["ticket"][0]


def ok(run: Run, status: int = 200) -> Run:
    assert run.answer["statusCode"] == status, run.answer
    return run


def test_every_route_and_trigger_has_a_sample() -> None:
    events = [sample(path.stem) for path in sorted(EVENTS.glob("*.json"))]
    samples = {(e["httpMethod"], e["resource"]) for e in events if "httpMethod" in e}
    resources = local_template.load()["Resources"]
    routes = {
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"])
        for resource in resources.values()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "Api"
    }
    assert samples == routes
    schedule = resources["RotateSchedule"]["Properties"]["Target"]["Input"]
    assert sample("rotate") == {"reason": "schedule"}
    assert schedule == '{"reason": "schedule"}'


def test_the_main_job_on_samples_alone(stack: Stack, artifacts: Artifacts) -> None:
    name, user = f"c-{secrets.token_hex(4)}", stack.user()
    (created,) = artifacts.run("connections", sample("connections-create", connection=name))
    links = ok(created, 201).body
    owner, admin = ticket(links["authorize_url"]), ticket(links["admin_consent_url"])
    shown, left, shown_admin, left_admin = artifacts.run(
        "authorize",
        sample("authorize-show", ticket=owner),
        sample("authorize-continue", ticket=owner),
        sample("authorize-show-admin", ticket=admin),
        sample("authorize-continue-admin", ticket=admin),
    )
    assert name in ok(shown).answer["body"]
    assert name in ok(shown_admin).answer["body"]
    assert "adminconsent" in header(ok(left_admin, 303), "Location")
    ok(left, 303)
    cookie = "c" * 43
    back = stack.platform.consent(header(left, "Location"), user).redirect
    assert back
    query = {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}
    (returned,) = artifacts.run(
        "callback",
        sample("callback", code=query["code"], state=query["state"], cookie=cookie),
    )
    assert user in ok(returned).answer["body"]

    (token,) = artifacts.run("token", sample("token", connection=name))
    assert ok(token).body["token_type"] == "Bearer"
    (checked,) = artifacts.run("verify", sample("verify", connection=name))
    assert {"ok", "checks"} == set(ok(checked).body)

    incarnation = (stack.item(name) or {})["incarnation"]
    order, queue = artifacts.run(
        "refresh",
        sample("refresh-order", connection=name, incarnation=incarnation),
        sample("refresh-queue", connection=name, incarnation=incarnation),
    )
    assert order.answer == {"problem": None}
    # Generation 1 has been replaced by the order before: nothing is left to do.
    assert queue.answer == {"batchItemFailures": []}
    assert stack.show(name)["generation"] == 2
    (rotated,) = artifacts.run("rotate", sample("rotate"))
    assert set(rotated.answer) == {"sent"}

    minted = stack.platform.mint(user, f"openid profile offline_access {ADS}/msads.manage")
    runs = artifacts.run(
        "connections",
        sample("connections-list"),
        sample("connections-show", connection=name),
        sample("connections-change", connection=name),
        sample("connections-refresh", connection=name),
        sample("connections-refresh-token", connection=name, refresh_token=minted["refresh_token"]),
        sample("connections-authorizations", connection=name),
        sample("connections-delete", connection=name),
        sample("connections-show", connection=name),
    )
    assert [run.answer["statusCode"] for run in runs] == [200] * 5 + [201, 204, 404]
    assert runs[2].body["labels"] == {"cost": "42"}
    assert runs[4].body["generation"] == 4


def test_samples_as_they_are_are_refused(artifacts: Artifacts) -> None:
    """Words of nobody: each function answers the contract's refusal."""
    (token,) = artifacts.run("token", sample("token"))
    assert ok(token, 403).body["code"] == "access_denied"
    (page,) = artifacts.run("callback", sample("callback"))
    ok(page, 400)
    (order,) = artifacts.run("refresh", sample("refresh-order"))
    assert order.answer["problem"]["code"] == "not_found"
    for run in artifacts.run(
        "authorize",
        sample("authorize-show"),
        sample("authorize-continue"),
        sample("authorize-show-admin"),
        sample("authorize-continue-admin"),
    ):
        ok(run, 400)


def header(run: Run, name: str) -> str:
    """A header of an answer, from either of API Gateway's two maps."""
    answer = run.answer
    found = {key: values[-1] for key, values in (answer.get("multiValueHeaders") or {}).items()}
    found |= answer.get("headers") or {}
    return str(found[name])
