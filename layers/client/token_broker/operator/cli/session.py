"""What all commands share: options, configuration, and the clients made from it."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from token_broker import _wire
from token_broker.broker import TokenBroker
from token_broker.errors import TokenBrokerError
from token_broker.operator.cli import screen
from token_broker.operator.client import Operator

F = TypeVar("F", bound=Callable[..., Any])

SHARED = ("api_url", "region", "profile", "as_json")
"""The options of every command, before or after its name."""


class Session:
    """The configuration of one run. Nothing is looked up before it is needed."""

    def __init__(self) -> None:
        self.api_url: str | None = None
        self.region: str | None = None
        self.profile: str | None = None
        self.as_json = False
        self.opened = ExitStack()
        """What is closed at the end of the run."""

    @cached_property
    def aws(self) -> Any:
        """A session of botocore. Raises `no_credentials` for a profile that does not exist."""
        from botocore.exceptions import ProfileNotFound
        from botocore.session import Session as Botocore

        try:
            session = Botocore(profile=self.profile)
            session.get_credentials()
        except ProfileNotFound:
            name = self.profile or os.environ.get("AWS_PROFILE") or "default"
            where = "--profile" if self.profile else "AWS_PROFILE"
            raise TokenBrokerError(
                "no_credentials",
                f"There is no AWS profile {name!r} ({where}).",
                remedy="Name one that aws configure list-profiles shows, or unset AWS_PROFILE.",
            ) from None
        return session

    @property
    def where(self) -> str | None:
        """The region: --region; else the one in the API's own host name, for no other signs there;
        else AWS_REGION, AWS_DEFAULT_REGION; None for the profile's."""
        of_url = _wire.region(self.api_url) if self.api_url else None
        of_environment = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return self.region or of_url or of_environment or None

    def operator(self, **more: Any) -> Operator:
        """The operator's routes. `more`: other arguments of Operator."""
        operator = Operator(self.url, session=self.aws, region=self.where, **more)
        return self.opened.enter_context(operator)

    def broker(self) -> TokenBroker:
        """The token route."""
        broker = TokenBroker(self.url, session=self.aws, region=self.where)
        return self.opened.enter_context(broker)

    @property
    def url(self) -> str:
        """The API's base URL."""
        if not self.api_url:
            raise click.UsageError(
                "Give --api-url or set TOKEN_BROKER_API_URL: the output ApiUrl of the stack."
            )
        return self.api_url

    def tell_retries(self) -> None:
        """Say on a terminal why nothing happens."""
        if not sys.stderr.isatty():
            return
        handler, log = _Notes(logging.INFO), logging.getLogger("token_broker")
        level, propagates = log.level, log.propagate
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
        self.opened.callback(setattr, log, "propagate", propagates)
        self.opened.callback(log.setLevel, level)
        self.opened.callback(log.removeHandler, handler)

    def close(self) -> None:
        """Close what was opened."""
        self.opened.close()


class _Notes(logging.Handler):
    """The client's log lines as hints."""

    def emit(self, record: logging.LogRecord) -> None:
        """Show one."""
        screen.note(record.getMessage())


def current() -> Session:
    """The session of the command that runs."""
    return click.get_current_context().ensure_object(Session)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Into the session. What is typed wins over the environment, wherever it is typed."""
    session, name = context.ensure_object(Session), str(parameter.name)
    typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    if value and (typed or not getattr(session, name)):
        setattr(session, name, value)


def shared(command: F) -> F:
    """The options of every command; they land in the session, not in the command's arguments."""

    def option(*names: str, **more: Any) -> Callable[[F], F]:
        return click.option(*names, callback=_keep, expose_value=False, **more)

    url = "The output ApiUrl of the broker's stack (env TOKEN_BROKER_API_URL)."
    region = "Of the API, if its URL does not tell (env AWS_REGION)."
    command = option("--json", "as_json", is_flag=True, help="For machines.")(command)
    command = option("--profile", metavar="NAME", help="Of the AWS configuration.")(command)
    command = option("--region", metavar="NAME", help=region)(command)
    return option("--api-url", envvar="TOKEN_BROKER_API_URL", metavar="URL", help=url)(command)
