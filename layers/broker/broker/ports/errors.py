"""What every port may raise."""

from __future__ import annotations

from typing import Literal


class Unavailable(Exception):  # noqa: N818 (it is what the caller is told: broker_unavailable)
    """An AWS service failed, throttled or timed out. Says which; holds no payload."""

    def __init__(self, service: str, code: str) -> None:
        self.service, self.code = service, code
        super().__init__(f"{service}: {code}")


Reason = Literal["timeout", "connect", "reset", "tls", "protocol"]


class Unreachable(Exception):  # noqa: N818 (it says what happened)
    """No HTTP answer."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(reason)
