"""A person's browser without a screen: opens the broker's pages, presses Continue, comes back.

Redirects are followed by hand, because the simulated platform's pages lie between them, and so is
the cookie: it is `Secure`, and `requests` never sends such a one over http, as browsers do on
localhost.
"""

from __future__ import annotations

from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urljoin

import requests

from local.simulator.client import Platform

TIMEOUT_SECONDS = 60


class Browser:
    """One browser with its cookies. `language`: of Accept-Language."""

    def __init__(self, language: str = "en") -> None:
        self.cookies: dict[str, str] = {}
        self._language = language

    def consent(
        self, authorize_url: str, platform: Platform, user: str, action: str = "accept"
    ) -> requests.Response:
        """From the link to the result's page: Continue, act at Microsoft as `user`, come back."""
        departure = self.depart(authorize_url)
        back = platform.consent(departure, user, action).redirect
        if back is None:
            raise RuntimeError(f"The platform did not send {user} back.")
        return self.open(back)

    def depart(self, link: str) -> str:
        """Open the link, press Continue; the URL at Microsoft where the browser is sent."""
        answer = self.submit(self.open(link))
        if answer.status_code != 303:
            raise RuntimeError(f"Continue answered {answer.status_code}, not 303.")
        return answer.headers["Location"]

    def open(self, url: str) -> requests.Response:
        """GET, without following redirects."""
        return self._send("GET", url)

    def submit(self, page: requests.Response) -> requests.Response:
        """Press the button of the page's only form."""
        form = _Form()
        form.feed(page.text)
        if form.action is None:
            raise RuntimeError(f"The page ({page.status_code}) has no form.")
        return self._send("POST", urljoin(page.url, form.action), form.fields)

    def _send(
        self, method: str, url: str, fields: dict[str, str] | None = None
    ) -> requests.Response:
        headers = {"Accept-Language": self._language, "Accept": "text/html"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method,
                url,
                data=fields,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        received: SimpleCookie = SimpleCookie(answer.headers.get("Set-Cookie", ""))
        self.cookies |= {name: morsel.value for name, morsel in received.items()}
        return answer


class _Form(HTMLParser):
    """The first form's action and its named inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect."""
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action = found.get("action", "")
        if tag == "input" and "name" in found:
            self.fields[found["name"]] = found.get("value", "")
