"""What all commands share: options, configuration, the clients made from it, and how they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any, TypeVar

import click

from token_broker._text import masked
from token_broker.broker import TokenBroker
from token_broker.errors import TokenBrokerError
from token_broker.operator.cli import exits, screen
from token_broker.operator.client import Operator

F = TypeVar("F", bound=Callable[..., Any])


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
            raise TokenBrokerError("no_credentials", "There is no such profile.") from None
        return session

    def operator(self, **more: Any) -> Operator:
        """The operator's routes. `more`: other arguments of Operator."""
        found = Operator(self.url, session=self.aws, region=self.region, **more)
        self.opened.callback(found.close)
        return found

    def broker(self) -> TokenBroker:
        """The token route."""
        found = TokenBroker(self.url, session=self.aws, region=self.region)
        self.opened.callback(found.close)
        return found

    @property
    def url(self) -> str:
        """The API's base URL."""
        if not self.api_url:
            raise click.UsageError("Give --api-url or set TOKEN_BROKER_API_URL.")
        return self.api_url


def current() -> Session:
    """The session of the command that runs."""
    return click.get_current_context().ensure_object(Session)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(context.ensure_object(Session), str(parameter.name), value)


def shared(command: F) -> F:
    """The options of every command; they land in the session, not in the command's arguments."""

    def option(*names: str, **more: Any) -> Callable[[F], F]:
        return click.option(*names, callback=_keep, expose_value=False, **more)

    help_url = "The output ApiUrl of the broker's stack (env TOKEN_BROKER_API_URL)."
    command = option("--json", "as_json", is_flag=True, help="For machines.")(command)
    command = option("--profile", metavar="NAME", help="Of the AWS configuration.")(command)
    command = option("--region", metavar="NAME", help="Of the API, if its URL does not tell.")(
        command
    )
    return option("--api-url", envvar="TOKEN_BROKER_API_URL", metavar="URL", help=help_url)(command)


@contextmanager
def _masked() -> Iterator[None]:
    """A usage error repeats what was typed; not if that looks like a token."""
    try:
        yield
    except click.ClickException as error:
        error.message = masked(error.message)  # type: ignore[misc]
        raise


class Group(click.Group):
    """Shows errors as code, actor and remedy, and exits with the documented status."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        session = ctx.ensure_object(Session)
        try:
            with _masked():
                return super().invoke(ctx)
        except TokenBrokerError as error:
            screen.error(error, session.as_json)
            ctx.exit(exits.of(error))
        except KeyboardInterrupt:
            screen.note("Interrupted.")
            ctx.exit(exits.INTERRUPTED)
        finally:
            session.opened.close()
