"""SES, and the channels an operator configures."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from broker.adapters.channels import CACHE_SECONDS, Channels, sign
from broker.adapters.ses import Mailer
from broker.domain.names import Instant
from broker.domain.secret import Secret
from broker.ports.errors import Unavailable
from local.memory.outside import Clock, Telemetry
from tests.unit.clients import Stub, stubbed

SIGNING = "whsec_" + base64.b64encode(b"canary-signing-key-of-32-bytes!!").decode()
SLACK = "https://hooks.slack.com/services/canary"
HOOK = {"url": "https://example.com/in", "secret": SIGNING}


def test_a_mail_is_fields_and_no_raw_headers() -> None:
    with stubbed("sesv2") as stub:
        charset = {"Charset": "UTF-8"}
        stub.add_response(
            "send_email",
            {"MessageId": "1"},
            {
                "FromEmailAddress": "from@example.com",
                "Destination": {"ToAddresses": ["to@example.jp"]},
                "Content": {
                    "Simple": {
                        "Subject": {"Data": "件名\r\nBcc: evil@example.com", **charset},
                        "Body": {
                            "Text": {"Data": "text", **charset},
                            "Html": {"Data": "<p>", **charset},
                        },
                    }
                },
            },
        )
        mailer = Mailer(stub.client, "from@example.com")
        mailer.send("to@example.jp", "件名\r\nBcc: evil@example.com", "text", "<p>")


@pytest.mark.parametrize("code", ["MessageRejected", "TooManyRequestsException"])
def test_what_ses_refuses_is_unavailable_and_tells_no_address(code: str) -> None:
    with stubbed("sesv2") as stub:
        stub.add_client_error("send_email", code, "to canary@example.jp")
        with pytest.raises(Unavailable) as caught:
            Mailer(stub.client, "from@example.com").send("canary@example.jp", "s", "t", "h")
        assert "canary" not in str(caught.value)
        assert caught.value.__context__ is None


def channels(stub: Stub, text: str) -> tuple[Channels, Clock, Telemetry]:
    clock, telemetry = Clock(), Telemetry()
    answer(stub, text)
    return Channels(stub.client, "arn", clock, telemetry), clock, telemetry


def answer(stub: Stub, text: str) -> None:
    stub.add_response("get_secret_value", {"SecretString": text}, {"SecretId": "arn"})


def test_all_that_is_configured() -> None:
    with stubbed("secretsmanager") as stub:
        teams = "https://prod.example.com/workflows/canary"
        text = json.dumps({"slack": SLACK, "teams": teams, "webhooks": [HOOK]})
        current = channels(stub, text)[0].current()
    assert [channel.kind for channel in current] == ["slack", "teams", "webhook"]
    assert [channel.url.open() for channel in current] == [SLACK, teams, HOOK["url"]]
    assert "canary" not in repr(current)
    assert len({channel.key for channel in current}) == 3


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        *(("{}", 0), ('{"webhooks": []}', 0), ('{"slack": ""}', 0), ("nonsense", 1), ("[1]", 1)),
        *(('{"slack": 7}', 1), ('{"slack": "http://hooks.slack.com/x"}', 1)),
        *(('{"webhooks": "x"}', 1), ('{"webhooks": [7, {}]}', 2)),
        (json.dumps({"webhooks": [{**HOOK, "secret": "whsec_"}]}), 1),
        (json.dumps({"webhooks": [{**HOOK, "secret": "whsec_ä"}]}), 1),
        (json.dumps({"webhooks": [{**HOOK, "url": "ftp://example.com"}]}), 1),
    ],
)
def test_what_is_malformed_is_noted_without_its_content(text: str, ignored: int) -> None:
    with stubbed("secretsmanager") as stub:
        made, _, telemetry = channels(stub, text)
        assert not made.current()
    assert len(telemetry.notes) == ignored
    assert "example" not in str(telemetry.notes)


def test_a_change_is_seen_after_a_while() -> None:
    with stubbed("secretsmanager") as stub:
        made, clock, _ = channels(stub, "{}")
        assert not made.current()
        clock.advance(CACHE_SECONDS - 1)
        assert not made.current()
        answer(stub, json.dumps({"slack": SLACK}))
        clock.advance(1)
        assert made.current()


def test_a_secret_that_is_gone_is_no_channel() -> None:
    with stubbed("secretsmanager") as stub:
        stub.add_client_error("get_secret_value", "ResourceNotFoundException")
        assert not Channels(stub.client, "arn", Clock(), Telemetry()).current()


def test_receivers_verify_the_signature_with_their_library() -> None:
    at, body = Instant(int(datetime.now(UTC).timestamp())), '{"type": "token-broker.summary"}'
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": sign(Secret(SIGNING), "msg_1", at, body),
    }
    assert Webhook(SIGNING).verify(body, headers) == json.loads(body)
    with pytest.raises(WebhookVerificationError):
        Webhook(SIGNING).verify(body + " ", headers)
    old = datetime.now(UTC) - timedelta(hours=1)
    headers["webhook-timestamp"] = str(int(old.timestamp()))
    with pytest.raises(WebhookVerificationError):
        Webhook(SIGNING).verify(body, headers)
