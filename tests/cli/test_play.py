"""What `make run` prints to play with: every link shows what the line beside it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import play, run
from local.browser import Browser
from local.settings import Settings
from local.template import ROOT
from tests.e2e.harness import Stack

OUTCOMES = {
    "works": "active",
    "cancel": "consent_declined",
    "personal": "active",
    "other-account": "account_mismatch",
    "approval": "admin_consent_required",
    "need-admin": "consent_declined",
    "no-service": "admin_consent_required",
    "device": "no way back",
    "conditional": "active",
    "mfa": "active",
    "legacy": "scope_not_granted",
    "disabled": "no way back",
    "no-ads": "active",
    "google-user": "active or identity_provider_mismatch",
}
BUTTONS = {"cancel": "cancel", "approval": "request", "need-admin": "return"}


def test_every_scene_ends_as_it_says(stack: Stack) -> None:
    ends: dict[str, str] = {}
    for scene, link in play.scenes(stack.document):
        browser, button = Browser(), BUTTONS.get(scene.name, "accept")
        departure = browser.depart(link)
        back = stack.platform.consent(departure, scene.pick, button).redirect
        if back:
            browser.open(back)
        one = stack.show(play.PREFIX + scene.name)
        error = one.get("consent_error")
        ends[scene.name] = (error["code"] if error else one["status"]) if back else "no way back"
    wrong = {name: end for name, end in ends.items() if end not in OUTCOMES[name].split(" or ")}
    assert not wrong
    assert set(ends) == set(OUTCOMES)


def test_the_status_has_an_exit_code(stack: Stack, tmp_path: Path) -> None:
    assert run._status(tmp_path) == 1
    assert run._status(stack.settings.state) == 0


@pytest.mark.parametrize("words", [("local.run", "status"), ("local.credentials", "operator")])
def test_nothing_but_make_run_needs_the_client(words: tuple[str, ...]) -> None:
    """As `make` and `as` call them."""
    env = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", *words]
    ran = subprocess.run(command, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    assert ran.returncode in (0, 1)
    assert "Traceback" not in ran.stderr


def test_the_lines_name_mails_and_how_to_become_operator(stack: Stack) -> None:
    settings = Settings.apart(stack.settings.state)
    said = run._instructions(stack.document, settings, run.STATE / "stack.json")
    assert "/_ministack/ses/messages" in said
    assert "as operator" in said
    assert "-m token_broker" in said


@pytest.mark.parametrize("scene", play.SCENES, ids=lambda scene: scene.name)
def test_a_scene_says_whom_to_pick(scene: play.Scene) -> None:
    assert scene.pick.endswith(".example")
    assert scene.then
