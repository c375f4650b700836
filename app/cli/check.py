"""Says whether a configuration can be used, without serving."""

from collections.abc import Collection
from pathlib import Path

import click

from app.cli.options import Choices, config_options, launch_for, told_errors
from app.container import container_for
from app.launch import Launch
from app.package_names import foreign_packages
from config.advice import advice
from domain.routing.rules import RuleMatcher
from domain.routing.targets import RoutingTable


@click.command()
@config_options
@click.option("--show", is_flag=True, help="Print the configuration that was built when there is no file.")
def check(
    *, config: Path | None, mode: str, env_files: tuple[Path, ...], env_file_override: bool, show: bool
) -> None:
    """
    Validate the configuration; build everything and start nothing.

    Exits with 0 when it can be served, with 2 when not.
    """
    choices = Choices(config=config, mode=mode, env_files=env_files, env_file_override=env_file_override)
    launch = launch_for(choices)
    with told_errors():
        container = container_for(launch)
        directory = container.directory()
        container.keys()
    for line in foreign_packages():
        click.echo(f"warning: {line}", err=True)
    _tell(launch, container.table(), directory.without_credential)
    if show and launch.text:
        click.echo(f"\n{launch.text}", nl=False)


def _tell(launch: Launch, table: RoutingTable, without_credential: Collection[str]) -> None:
    click.echo(f"{launch.source or 'no configuration file; built from what is here'}: ok")
    for line in launch.found:
        click.echo(f"  {line}")
    config = launch.config
    click.echo(f"  providers: {', '.join(provider.name for provider in config.providers)}")
    click.echo(f"  profiles: {', '.join(profile.name for profile in config.profiles)}")
    click.echo(f"  default profile: {config.default_profile}")
    click.echo(f"  paid providers: {'allowed' if config.allow_paid else 'off'}")
    if table.auto_router is not None:
        click.echo(f"  rules: {_rules(table.auto_router)}")
    for name in sorted(without_credential):
        click.echo(f"  note: {name} is left out: its API key is not set: {table.providers[name].secret}")
    for line in advice(config):
        click.echo(f"  note: {line}")


def _rules(router: RuleMatcher) -> str:
    """In the order in which they are asked."""
    asked = () if router.disabled else router.rules
    return "; ".join([*(f"{rule.id} -> {rule.profile}" for rule in asked), f"else {router.default_profile}"])
