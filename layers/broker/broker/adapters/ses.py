"""Mail through Simple Email Service, API v2.

Subject and bodies are fields of the request, never raw headers, so nothing in a name can add one.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.adapters.aws_errors import call

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


class Mailer:
    """`ports.Mailer`. `sender`: the parameter MailFrom, an identity SES has verified."""

    def __init__(self, client: SESV2Client, sender: str) -> None:
        self._client, self._sender = client, sender

    def send(self, to: str, subject: str, text: str, html: str) -> None:
        call(
            "ses",
            self._client.send_email,
            FromEmailAddress=self._sender,
            Destination={"ToAddresses": [to]},
            Content={
                "Simple": {
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": text, "Charset": "UTF-8"},
                        "Html": {"Data": html, "Charset": "UTF-8"},
                    },
                }
            },
        )
