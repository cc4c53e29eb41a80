"""A site that serves pages with the broker's headers, and tabs that watch them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from broker.web.pages.layout import Page, headers

PHONE, DESKTOP = 375, 1280

Scheme = Literal["light", "dark"]
Answer = tuple[int, dict[str, str], str]
Route = Callable[[str], Answer]


class Site(ThreadingHTTPServer):
    """Serves what `routes` holds for "METHOD /path"; keeps what it was asked and sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, Route] = {}
        self.got: list[str] = []
        self.posted: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        pass

    def do_GET(self) -> None:
        self.server.got.append(self.path)
        self.answer("")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.posted.append(body)
        self.answer(body)

    def answer(self, body: str) -> None:
        route = self.server.routes.get(f"{self.command} {self.path.partition('?')[0]}")
        status, found, text = route(body) if route else (404, {}, "")
        content = text.encode()
        self.send_response(status)
        for name, value in (found | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving() -> Iterator[Site]:
    site = Site()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        thread.join()
        site.server_close()


def serve(site: Site, path: str, page: Page, *targets: str) -> str:
    """Serves a page as the broker does; the address."""
    sent = headers(targets, page.language)
    site.routes[f"GET {path}"] = lambda _: (page.status, sent, page.html)
    return site.url + path


@contextmanager
def tab(browser: Browser, width: int = PHONE, scheme: Scheme = "light") -> Iterator[Tab]:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    try:
        yield context.new_page()
    finally:
        context.close()


def watch(page: Tab) -> list[str]:
    """Fills with what the browser complains of: policy violations, script errors, extra loads."""
    complaints: list[str] = []

    def logged(text: str) -> None:
        # Chromium notes every document of status 400 and above; pages of failures have those.
        if not text.startswith("Failed to load resource: the server responded with a status of"):
            complaints.append(text)

    page.on("console", lambda message: logged(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.is_navigation_request() else logged(request.url),
    )
    return complaints
