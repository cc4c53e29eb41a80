"""A person who follows forms by their buttons, over plain HTTP."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import requests

from .application import Application, returned


class Forms(HTMLParser):
    """The forms of a page: action, hidden fields, and named buttons."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append({"action": given["action"], "fields": {}, "buttons": []})
        elif self.forms and tag == "input" and given.get("type") == "hidden":
            self.forms[-1]["fields"][given["name"]] = given["value"]
        elif self.forms and tag == "button":
            self.forms[-1]["buttons"].append((given.get("name"), given.get("value")))


class Person:
    """Follows forms by their buttons."""

    def __init__(self, application: Application) -> None:
        self.base = application.platform.base_url
        self.answer = requests.Response()

    def open(self, url: str) -> Person:
        self.answer = requests.get(url, allow_redirects=False, timeout=30)
        return self

    def click(self, value: str, **typed: str) -> Person:
        """Press the button with this value."""
        for form in Forms(self.answer.text).forms:
            for name, offered in form["buttons"]:
                if offered == value:
                    data = form["fields"] | typed | {name: value}
                    url = self.base + form["action"]
                    self.answer = requests.post(url, data=data, allow_redirects=False, timeout=30)
                    return self
        raise AssertionError(f"no button {value!r} on {self.page}")

    @property
    def page(self) -> str | None:
        return self.answer.headers.get("X-Page")

    @property
    def back(self) -> dict[str, str]:
        """What the application gets."""
        assert self.answer.status_code == 302, self.answer.text
        return returned(self.answer.headers["Location"])

    def buttons(self) -> set[str]:
        return {value for form in Forms(self.answer.text).forms for _, value in form["buttons"]}
