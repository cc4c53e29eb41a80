"""Every page there is, with likely and with long values."""

from __future__ import annotations

from broker.domain.grants import Grant
from broker.domain.names import Instant
from broker.domain.problems import Provider
from broker.domain.secret import Secret
from broker.services.forecast import forecast
from broker.web.pages.ask import ask, ask_admin
from broker.web.pages.language import Language
from broker.web.pages.layout import Page
from broker.web.pages.outcome import outcome
from broker.web.pages.shapes import OUTCOMES, Asked, Check, Support

SCOPE = "https://ads.microsoft.com/msads.manage"
LINK = "https://abc123.execute-api.ap-northeast-1.amazonaws.com/v1/authorize?ticket=" + "t" * 43


def asking(language: Language) -> Page:
    asked = Asked(
        action="/authorize",
        ticket=Secret("the-ticket"),
        connection="marketing-jp",
        service="Microsoft Advertising",
        created_by="arn:aws:sts::111122223333:assumed-role/operator/hanako.sato@example.co.jp",
        tenant="example.co.jp",
        scopes=[SCOPE, "https://graph.microsoft.com/User.Read"],
        expires_at=Instant(1_795_230_245),
    )
    return ask(
        language,
        asked,
        grants=[Grant("111122223333"), Grant("arn:aws:iam::111122223333:role/a-*", (SCOPE,))],
        foretold=forecast([SCOPE], "example.co.jp").reason(language),
        account="taro.yamada@example.co.jp",
    )


def telling(code: str, language: Language) -> Page:
    return outcome(
        code,
        language,
        connection="a" * 63,
        service="Microsoft Advertising",
        account="taro.yamada@" + "long-domain-" * 12 + "example.co.jp",
        expected="hanako@example.co.jp",
        tenant="0f1e2d3c-0000-4000-8000-000000000000",
        scopes=[SCOPE],
        missing=[SCOPE],
        checks=[Check("Token", True), Check("Developer token", False, "Refused (105).", "Set it.")],
        client_id="0f1e2d3c-0000-4000-8000-000000000000",
        restart_url=LINK,
        admin_consent_url=LINK,
        retry_after=60,
        support=Support(
            Instant(1_795_230_245),
            "request-" + "1" * 60,
            Provider("access_denied", None, (65004,), "t" * 36, "c" * 36, "2026-11-21 03:04:05Z"),
        ),
    )


def gallery(language: Language) -> dict[str, Page]:
    """Every page there is, by a name for its path."""
    asked = Asked(
        action="/admin-consent",
        ticket=Secret("the-ticket"),
        connection="marketing-jp",
        service="Microsoft Advertising",
        scopes=[SCOPE],
    )
    admin = ask_admin(language, asked, client_id="0f1e2d3c-0000-4000-8000-000000000000")
    told = {code: telling(code, language) for code in OUTCOMES}
    return {"ask": asking(language), "ask_admin": admin} | told
