"""How commands look and fail: sections, examples, shared options apart; errors as code, actor and
remedy; nothing repeated that may be a token.

    @command(examples=("show marketing-jp",))
    @click.argument("connection", type=NAME)
    @shared
    def show(connection: str) -> None: ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from token_broker._text import masked
from token_broker.errors import TokenBrokerError
from token_broker.operator.cli import exits, screen
from token_broker.operator.cli.session import SHARED, Session

SUMMARY = 60
"""Columns of a summary in the list of commands, so that it fits beside the longest name."""


class Command(click.Command):
    """A command with examples, and with the options of all commands in a part of their own."""

    def __init__(self, *words: Any, examples: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*words, **more)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own options first."""
        apart: dict[str, list[tuple[str, str]]] = {"Options": [], "For every command": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record and isinstance(parameter, click.Option):
                everywhere = parameter.name in (*SHARED, "help")
                apart["For every command" if everywhere else "Options"].append(record)
        for title, records in apart.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """The examples."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}token-broker {example}\n")


def command(
    name: str | None = None, *, examples: Sequence[str] = (), **more: Any
) -> Callable[[Callable[..., Any]], Command]:
    """Makes a command of a function. `examples`: what follows `token-broker`; `more`: other
    arguments of click's."""

    def decorate(function: Callable[..., Any]) -> Command:
        return click.command(name, cls=Command, examples=examples, **more)(function)

    return decorate


class Group(click.Group):
    """Shows errors as code, actor and remedy, and exits with the documented status."""

    def __init__(self, *words: Any, sections: Mapping[str, Sequence[str]], **more: Any) -> None:
        super().__init__(*words, **more)
        self.sections = sections

    def make_context(self, *words: Any, **more: Any) -> click.Context:
        """Parse what stands before the command."""
        with _masked():
            return super().make_context(*words, **more)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        session = ctx.ensure_object(Session)
        session.tell_retries()
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
            session.close()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands by what one wants to do."""
        rest = [name for name in self.list_commands(ctx) if name not in _named(self.sections)]
        for title, names in {**self.sections, "More": rest}.items():
            records = [
                (name, self.commands[name].get_short_help_str(SUMMARY))
                for name in names
                if name in self.commands
            ]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def _named(sections: Mapping[str, Sequence[str]]) -> set[str]:
    return {name for names in sections.values() for name in names}


@contextmanager
def _masked() -> Iterator[None]:
    """A usage error repeats what was typed; not if that looks like a token."""
    try:
        yield
    except click.ClickException as error:
        error.message = masked(error.message)  # type: ignore[misc]
        raise
