"""The value of X-IDENTITY-HEADER: 256 random bits, unless somebody else chooses it.

Never a credential of the job: libraries may log headers at their debug level.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from token_broker.agent.journal import Journal
from token_broker.errors import TokenBrokerError

BYTES = 32
LEAST, MOST = 32, 512
"""Characters. A generated one has 43."""
VARIABLE = "TOKEN_BROKER_AGENT_SECRET"
"""For containers whose orchestrator puts one secret into several of them."""


def generate() -> str:
    """A new one, in characters that headers and shells take as they are."""
    return secrets.token_urlsafe(BYTES)


def from_file(path: Path) -> str:
    """What a file holds; made with mode 0600 if there is none. Raises InvalidArgument.

    A file of a mounted volume may be a link and readable by a group, as its owner meant it. Made
    under a name of its own and then linked, so that nobody ever reads half a secret.
    """
    try:
        if not path.exists():
            _create(path)
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise _unusable(f"{path}: it is no regular file.")
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise _unusable(f"{path}: others may write it (mode {stat.S_IMODE(mode):04o}).")
        with path.open("rb") as stream:
            return check(stream.read(MOST + 2), str(path))
    except OSError as error:
        raise _unusable(f"{path}: {error.strerror}.") from None


def given(path: Path | None, journal: Journal) -> str:
    """The secret of a service: of the file, else of the variable, which is taken out of the
    environment. Raises InvalidArgument."""
    if path is not None:
        text = from_file(path)
        if path.stat().st_mode & stat.S_IROTH:
            journal.note("warning", detail="every user of this host may read the secret's file")
        return text
    if VARIABLE in os.environ:
        return check(os.environ.pop(VARIABLE).encode(), VARIABLE)
    raise _unusable(f"Give --secret-file, or set {VARIABLE}.")


def check(given: bytes, where: str) -> str:
    """A secret that a header can carry. Raises InvalidArgument."""
    text = given.strip()
    if not LEAST <= len(text) <= MOST:
        raise _unusable(f"{where}: a secret has {LEAST} to {MOST} characters.")
    if not all(0x21 <= byte <= 0x7E for byte in text):
        raise _unusable(f"{where}: a secret has visible ASCII characters only.")
    return text.decode()


def _unusable(text: str) -> TokenBrokerError:
    """Tells why, never what it is."""
    return TokenBrokerError("invalid_request", text)


def _create(path: Path) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(generate() + "\n")
        os.link(draft, path)
    except FileExistsError:
        pass  # somebody else was first
    finally:
        draft.unlink()
