"""``python -m local.chromium``: see to it that the browser tests find a Chromium.

Takes, in this order: the program that CHROMIUM names, one on the PATH, the one that Playwright
keeps. If there is none it installs one: with apt where that is possible, else Playwright's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium (or Chrome) that runs; None if there is none."""
    return next((path for path in _candidates() if _runs(path)), None)


def main() -> int:
    """Find or install; print where it is. Exit status 1, and what to do, when there is none."""
    found = find()
    if found is None:
        print("Installing Chromium for the browser tests (once) ...", flush=True)
        _install()
        found = find()
    if found is None:
        print(
            "The browser tests need Chromium: install it with your system's packages, or name it "
            "with CHROMIUM=<path>.",
            file=sys.stderr,
        )
        return 1
    print(f"Chromium: {found}")
    return 0


def _candidates() -> Iterator[str]:
    yield from filter(None, [os.environ.get("CHROMIUM")])
    yield from filter(None, map(shutil.which, NAMES))
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if Path(path).exists():
        yield path


def _runs(path: str) -> bool:
    """A file may be there and only tell how to install the rest (Ubuntu's does)."""
    try:
        asked = subprocess.run([path, "--version"], check=False, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _install() -> None:
    if shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        installed = subprocess.run(install, check=False, stdout=subprocess.DEVNULL)
        if installed.returncode == 0 and any(map(shutil.which, NAMES)):
            return
    own = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run([*own, *(["--with-deps"] if os.geteuid() == 0 else [])], check=False)


if __name__ == "__main__":
    sys.exit(main())
