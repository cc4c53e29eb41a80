"""What operators read in their chats: one summary of each kind of event an hour and channel."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from broker.domain.names import Instant
from broker.domain.notices import Notice
from broker.domain.secret import Secret
from broker.ports.ambient import Randomness, Telemetry
from broker.ports.errors import Unreachable
from broker.ports.notices import Channel, Channels, Notices, Signer
from broker.ports.outside import Api
from broker.web.letters import summary

POST_AGAIN = 3600
"""Seconds until a channel is told the same kind of event again."""
POST_TIMEOUT = 5.0
"""Seconds for a chat or webhook to answer; what it answers is not looked at."""
POSTED = frozenset(
    {
        *("Connection At Risk", "Connection Broken", "Connection Recovered"),
        *("Connection Withdrawn", "Connection Incomplete"),
        *("Client Credential Failing", "Client Credential Expiring"),
    }
)
"""Events that operators are told of; the others are there for rules of their own."""


@dataclass(frozen=True, slots=True)
class Bulletin:
    """The channels, and what each was told lately."""

    notices: Notices
    channels: Channels
    api: Api
    sign: Signer
    randomness: Randomness
    telemetry: Telemetry
    stack: str

    def tell(self, messages: Mapping[str, Notice], now: Instant) -> Iterable[str]:
        """A summary to each channel; ids of what could not be told."""
        told = {key: notice for key, notice in messages.items() if notice.kind in POSTED}
        failed: set[str] = set()
        for channel in self.channels.current() if told else ():
            news = [g for g in summary.groups([*told.values()]) if self._claim(channel, g, now)]
            if not news or self._posted(channel, news, now):
                continue
            self.telemetry.note("post_failed", kind=channel.kind, number=len(news))
            self.telemetry.count("PostFailed", service="notify")
            for group in news:
                self.notices.release(_of_group(channel, group))
            kinds = {(group.kind, group.code) for group in news}
            failed |= {key for key, n in told.items() if (n.kind, n.code) in kinds}
        return failed

    def _claim(self, channel: Channel, group: summary.Group, now: Instant) -> bool:
        return self.notices.claim(_of_group(channel, group), now, Instant(now + POST_AGAIN))

    def _posted(self, channel: Channel, news: Sequence[summary.Group], now: Instant) -> bool:
        """Whether it was taken: any 2xx. Redirects are not followed."""
        body, headers = self._message(channel, news, now)
        try:
            reply = self.api.call(channel.url.open(), headers, body, POST_TIMEOUT)
        except Unreachable:
            return False
        return 200 <= reply.status < 300

    def _message(
        self, channel: Channel, news: Sequence[summary.Group], now: Instant
    ) -> tuple[Mapping[str, object], Mapping[str, str | Secret]]:
        match channel.kind:
            case "slack":
                return summary.slack(self.stack, news), {}
            case "teams":
                return summary.teams(self.stack, news), {}
            case "webhook":
                at = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
                body = summary.webhook(self.stack, news, at)
                number = f"msg_{self.randomness.id()}"
                signature = self.sign(
                    channel.secret or Secret(""), number, now, json.dumps(dict(body))
                )
                return body, {
                    "webhook-id": number,
                    "webhook-timestamp": str(now),
                    "webhook-signature": signature,
                }


def _of_group(channel: Channel, group: summary.Group) -> str:
    digest = hashlib.sha256(f"{group.kind}#{group.code}".encode()).hexdigest()[:32]
    return f"post#{channel.key}#{digest}"
