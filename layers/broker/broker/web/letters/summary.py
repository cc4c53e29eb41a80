"""What chats and webhooks are told: one summary of many events, in English. Pure.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
Teams: an Adaptive Card, https://learn.microsoft.com/power-automate/teams/send-a-message-in-teams
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.domain.notices import Notice
from broker.web.pages.layout import clean

MAX_NAMES = 20
"""Connections named of one group; the rest is counted."""

WAITS = {"owner": "the owner", "tenant_admin": "the tenant's administrator", "operator": "you"}


@dataclass(frozen=True, slots=True)
class Group:
    """Events of one kind and code."""

    kind: str
    code: str
    actor: str
    remedy: str
    connections: tuple[str, ...]
    """In the order they came, each once. Empty for what concerns no connection."""
    count: int

    def line(self) -> str:
        """For people: "Connection Broken (mfa_required): 3 connections: a, b, c. ..."."""
        named = ", ".join(clean(name, 64) for name in self.connections[:MAX_NAMES])
        rest = len(self.connections) - MAX_NAMES
        more = f" and {rest} more" if rest > 0 else ""
        amount = f" – {len(self.connections)}: {named}{more}" if self.connections else ""
        code = f" ({clean(self.code)})" if self.code else ""
        waits = f" Waits for {WAITS[self.actor]}." if self.actor in WAITS else ""
        remedy = f" {clean(self.remedy, 500)}" if self.actor == "operator" and self.remedy else ""
        return f"{clean(self.kind)}{code}{amount}.{waits}{remedy}"


def groups(notices: Sequence[Notice]) -> list[Group]:
    """The events by kind and code, in the order of each group's first one."""
    gathered: dict[tuple[str, str], list[Notice]] = {}
    for notice in notices:
        gathered.setdefault((notice.kind, notice.code), []).append(notice)
    return [
        Group(
            kind=kind,
            code=code,
            actor=members[0].actor,
            remedy=members[0].remedy,
            connections=tuple(dict.fromkeys(n.connection for n in members if n.connection)),
            count=len(members),
        )
        for (kind, code), members in gathered.items()
    ]


def slack(stack: str, told: Sequence[Group]) -> dict[str, object]:
    """An incoming webhook's message. Slack's three control characters are escaped."""
    lines = "\n".join(f"• {_mrkdwn(group.line())}" for group in told)
    return {"text": f"*{_mrkdwn(stack)}*\n{lines}"}


def teams(stack: str, told: Sequence[Group]) -> dict[str, object]:
    """A message with one Adaptive Card."""
    blocks = [{"type": "TextBlock", "weight": "Bolder", "text": stack, "wrap": True}]
    blocks += [{"type": "TextBlock", "text": group.line(), "wrap": True} for group in told]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def webhook(stack: str, told: Sequence[Group], timestamp: str) -> Mapping[str, object]:
    """A payload after Standard Webhooks: type, timestamp (RFC 3339), data."""
    data = [
        {
            "event": group.kind,
            "code": group.code,
            "actor": group.actor,
            "remedy": group.remedy,
            "count": group.count,
            "connections": list(group.connections[:MAX_NAMES]),
        }
        for group in told
    ]
    return {
        "type": "token-broker.summary",
        "timestamp": timestamp,
        "data": {"stack": stack, "groups": data},
    }


def _mrkdwn(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
