"""The `coderouter` command: finds the module of each subcommand when it is asked for."""

from collections.abc import Mapping
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
        command: click.Command = resolve_name(COMMANDS[cmd_name])
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(gateway_version(), prog_name="coderouter")
def main() -> None:
    """An LLM gateway for coding agents: one address, your models, your rules."""
