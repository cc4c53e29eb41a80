"""Prints docs/permissions.md and keeps it; with --check fails if the kept one is not current."""

from __future__ import annotations

import sys

from local.tools.permissions import page
from local.tools.permissions.account import Account

text = page.render(Account(page.PARAMETERS))
print(text)
if "--check" not in sys.argv:
    page.PAGE.write_text(text)
elif page.PAGE.read_text() != text:
    sys.exit("docs/permissions.md is not current: `make docs` writes it anew.")
