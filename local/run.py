"""``python -m local.run up|down|status``: what `make run` and `make stop` call."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local import processes, servers, stack
from local.processes import StackError
from local.settings import Settings
from local.template import ROOT

STATE = ROOT / ".local"
PROGRAM = "PYTHONPATH=layers/client .venv/bin/python -m token_broker"
"""The command line of this checkout, for a shell."""
_NEEDED = (servers.EMULATOR, servers.IDENTITY, servers.TOKENS)


def main() -> int:
    """Parse the command line and do it. Exit status 1 when the stack cannot come up."""
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status"])
    command = parser.parse_args().command
    try:
        return {"up": _up, "down": _down, "status": _status}[command]()
    except StackError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; nothing is left running.", file=sys.stderr)
        return 130


def _up() -> int:
    settings = Settings.from_environment(STATE, os.environ)
    document = stack.up(settings, lambda line: print(f"✓ {line}", flush=True))
    print(_instructions(document, settings, STATE / "stack.json"))
    if not settings.platform_url:
        from local import play  # needs the client package on the path, which `make run` sees to

        print(f"What can go wrong at a consent: open a link, and sign in\n{play.told(document)}")
    return 0


def _down() -> int:
    print("Stopped." if stack.down(STATE) else "Nothing was running.")
    return 0


def _status(state: Path = STATE) -> int:
    """0 if everything is up, 1 if anything is not."""
    up = {name: processes.running(name, state) for name in _NEEDED}
    for name, runs in up.items():
        print(f"{name}: {'up' if runs else 'down'}")
    path = state / "stack.json"
    if path.exists():
        print(f"API: {json.loads(path.read_text())['api_url']}")
    return 0 if all(up.values()) and path.exists() else 1


def _instructions(document: Mapping[str, Any], settings: Settings, path: Path) -> str:
    shown = path.relative_to(ROOT)
    simulated = "" if settings.platform_url else " (simulated; users and faults: its home page)"
    return f"""
Everything is up; `make stop` ends it.
  API                 {document["api_url"]}
  Redirect URI        {document["api_url"]}/callback
  Identity platform   {document["identity_platform_url"]}{simulated}
  Google              {settings.google or "Google's own"}
  AWS endpoint        {document["aws_endpoint_url"]}  (keys test/test, region {document["region"]})
  AWS token issuer    {document["web_identity"]["issuer"]}
  Mails               {document["aws_endpoint_url"]}/_ministack/ses/messages
  Credentials         {shown}  (operator, team-a, team-b)

Play with it (bash; needs curl 7.75 or newer):
  as() {{ eval "$({Path(sys.executable).relative_to(ROOT)} -m local.credentials "$1")"; }}
  api() {{ curl -sS --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" \\
          -H 'content-type: application/json' --config <(printf \\
          'user = "%s:%s"\\nheader = "x-amz-security-token: %s"\\n' \\
          "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN") "$@"; echo; }}
  API={document["api_url"]}
  tb() {{ {PROGRAM} --api-url "$API" "$@"; }}
  as operator         # from here on you are; in each new shell anew
  tb list; tb board; tb connect mine --grant 000000000000
  api $API/connections -d '{{"connection": "marketing", "service": "microsoft-advertising",
      "grants": [{{"principal": "{document["principals"]["team-a"]["role_arn"]}"}}]}}'
  # open the authorize_url of the answer in a browser and consent, then:
  as team-a; api $API/connections/marketing/token
  as team-b; api $API/connections/marketing/token    # refused: no grant
"""


if __name__ == "__main__":
    sys.exit(main())
