"""docs/cli.md shows what the commands really say, and shows every command."""

from __future__ import annotations

import re
from pathlib import Path

from local.settings import Settings
from tests.cli.page import PAGE, Shell, steady
from tests.e2e.harness import up
from token_broker.operator.cli.commands import cli


def test_the_page_shows_what_the_commands_say(tmp_path: Path) -> None:
    """On a stack of its own: `doctor` looks at everything that others have left behind."""
    page = PAGE.read_text(encoding="utf-8")
    with up(Settings.apart(tmp_path / "state")) as stack:
        found = Shell(stack, tmp_path).rewrite(page)
    assert steady(found) == steady(page), "python -m tests.cli.page writes it anew"


def test_the_page_shows_every_command() -> None:
    shown = re.findall(
        r"^\$ .*?token-broker ([a-z-]+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert set(shown) == set(cli.commands)
