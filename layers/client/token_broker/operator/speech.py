"""The broker's remedies in the words of the command line. Pure.

The API answers everybody, so its remedies name routes; an operator at a terminal has commands.
"""

from __future__ import annotations

import re

NAME = "{connection}"
_ROUTE = re.compile(
    r"\b(GET|POST|PATCH|PUT|DELETE) /connections(?:/([\w{}-]+)(/[\w-]+)?)?(, parameters\b)?"
)
COMMANDS = {
    ("GET", False, ""): "list",
    ("POST", False, ""): "connect NAME",
    ("GET", True, ""): "show NAME",
    ("PATCH", True, ""): "grant, parameters, suspend or resume NAME",
    ("DELETE", True, ""): "delete NAME",
    ("POST", True, "/authorizations"): "reauthorize NAME",
    ("GET", True, "/token"): "token NAME",
    ("POST", True, "/refresh"): "refresh NAME",
    ("PUT", True, "/refresh-token"): "import FILE",
    ("POST", True, "/verify"): "verify NAME",
}


def spoken(text: str, connection: str | None = None) -> str:
    """The text with commands where it names routes. `connection`: whose text it is."""

    def command(match: re.Match[str]) -> str:
        method, name, rest, parameters = match.groups(default="")
        words = COMMANDS.get((method, bool(name), rest))
        if words is None:
            return match.group()
        if parameters:
            words = "parameters NAME --developer-token -"
        named = connection if name in ("", NAME) else name
        return f"token-broker {words.replace('NAME', named or 'NAME')}"

    return _ROUTE.sub(command, text)
