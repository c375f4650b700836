"""Says whether a configuration can be used, without serving."""

from pathlib import Path

import click

from app.cli.options import Choices, config_options, launch_for, told_errors
from app.container import container_for
from app.launch import Launch
from app.notes import notes
from app.package_names import foreign_packages
from config.state_location import StateLocation
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
        container.directory()
        container.keys()
    for line in foreign_packages():
        click.echo(f"warning: {line}", err=True)
    _tell(launch, container.table(), container.state_location())
    for line in notes(container):
        click.echo(f"  note: {line}")
    if show and launch.text:
        click.echo(f"\n{launch.text}", nl=False)


def _tell(launch: Launch, table: RoutingTable, state: StateLocation) -> None:
    click.echo(f"{launch.source or 'no configuration file; built from what is here'}: ok")
    for line in launch.found:
        click.echo(f"  {line}")
    config = launch.config
    click.echo(f"  providers: {', '.join(provider.name for provider in config.providers)}")
    click.echo(f"  profiles: {', '.join(profile.name for profile in config.profiles)}")
    click.echo(f"  default profile: {config.default_profile}")
    click.echo(f"  paid providers: {'allowed' if config.allow_paid else 'off'}")
    click.echo(f"  state: {state}")
    if table.auto_router is not None:
        click.echo(f"  rules: {_rules(table.auto_router)}")


def _rules(router: RuleMatcher) -> str:
    """In the order in which they are asked."""
    asked = () if router.disabled else router.rules
    return "; ".join([*(f"{rule.id} -> {rule.profile}" for rule in asked), f"else {router.default_profile}"])
