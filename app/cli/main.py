"""The `coderouter` command: finds the module of each subcommand when it is asked for."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pkgutil import resolve_name
from types import MappingProxyType

import click

from app.version import gateway_version

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "serve": "app.cli.serve:serve",
        "check": "app.cli.check:check",
        "route": "app.cli.route:route",
        "explain": "app.cli.explain:explain",
        "usage": "app.cli.usage:usage",
        "keys": "app.cli.keys:keys",
        "state": "app.cli.state:state",
        "stats": "app.cli.stats:stats",
        "adapter": "app.cli.adapter:adapter",
        "version": "app.cli.version:version",
    }
)
"""A command's module is imported when the command runs: serving pays for nothing else."""


class Commands(click.Group):
    """A group whose commands are named in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        with _seeming_absent("pygments", "rich"):
            command: click.Command = resolve_name(COMMANDS[cmd_name])
        return command


@contextmanager
def _seeming_absent(*packages: str) -> Iterator[None]:
    """
    Whoever is imported meanwhile and would use these packages if they are there does without them.

    httpx and structlog import rich and pygments where they find them, for a command line and for tracebacks
    that are not used here: four megabytes and a twentieth of a second. They are found because Litestar's own
    command line needs them. Afterwards they can be imported as ever, as by somebody's adapter.
    """
    hidden = [package for package in packages if package not in sys.modules]
    for package in hidden:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(gateway_version(), prog_name="coderouter")
def main() -> None:
    """An LLM gateway for coding agents: one address, your models, your rules."""
