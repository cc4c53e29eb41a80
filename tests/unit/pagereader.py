"""Pages with likely values, and a strict reader of their HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

from broker.domain.grants import Grant
from broker.domain.names import Instant
from broker.domain.problems import Provider
from broker.domain.secret import Secret
from broker.web.pages.ask import ask
from broker.web.pages.language import Language
from broker.web.pages.layout import Page
from broker.web.pages.outcome import outcome
from broker.web.pages.shapes import Asked, Check, Support

AT = Instant(1_795_230_245)
SCOPE = "https://ads.microsoft.com/msads.manage"

VOID = {"meta", "input", "br"}


class Reader(HTMLParser):
    """Reads a page strictly: every element closed, in order."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page.html)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.stack:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for found, attrs in self.seen if found == tag]


def support() -> Support:
    return Support(
        AT,
        "request-1",
        Provider("access_denied", "basic_action", (65004,), "trace-1", "correlation-1", "then"),
    )


def full(code: str, language: Language, **changes: Any) -> Page:
    known: dict[str, Any] = {
        "connection": "marketing-jp",
        "service": "Microsoft Advertising",
        "account": "taro.yamada@example.com",
        "expected": "hanako@example.com",
        "tenant": "example.com",
        "scopes": [SCOPE],
        "missing": [SCOPE],
        "checks": [Check("Token", True)],
        "client_id": "client-1",
        "restart_url": "https://broker.example/authorize?ticket=t",
        "admin_consent_url": "https://broker.example/admin-consent?ticket=t",
        "retry_after": 90,
        "support": support(),
    }
    return outcome(code, language, **(known | changes))


def asked(
    language: Language,
    grants: Sequence[Grant] = (Grant("arn:aws:iam::111122223333:role/jobs/team-a", (SCOPE,)),),
    account: str = "taro@example.com",
    foretold: str = "",
    **changes: Any,
) -> Page:
    known: dict[str, Any] = {
        "action": "/v1/authorize",
        "ticket": Secret("the-ticket"),
        "connection": "marketing-jp",
        "service": "Microsoft Advertising",
        "created_by": "arn:aws:sts::111122223333:assumed-role/operator/hanako",
        "scopes": [SCOPE],
        "expires_at": AT,
    }
    wanted = Asked(**(known | changes))
    return ask(language, wanted, grants=grants, account=account, foretold=foretold)
