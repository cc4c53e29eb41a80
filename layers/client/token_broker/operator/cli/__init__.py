"""The command line `token-broker`: for operators, and for people who need a token at once.

main ─ the console script; exit codes in `exits`, commands in `commands`
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run, and exit with a documented status."""
    try:
        from token_broker.operator.cli.commands import cli
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("It needs click and rich: in a checkout, pip install './layers/client[cli]'")
    cli(prog_name="token-broker")
