"""Says whether a configuration can be used, without serving."""

from collections.abc import Collection, Iterator
from pathlib import Path

import click

from app.cli.options import Choices, config_options, launch_for, told_errors
from app.container import container_for
from app.launch import Launch
from app.package_names import foreign_packages
from app.state import hindrance
from config.advice import advice
from config.money_advice import money_advice
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
        directory = container.directory()
        container.keys()
    for line in foreign_packages():
        click.echo(f"warning: {line}", err=True)
    _tell(launch, container.table(), container.state_location())
    for line in _notes(launch, container.table(), container.state_location(), directory.without_credential):
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


def _notes(
    launch: Launch, table: RoutingTable, state: StateLocation, without_credential: Collection[str]
) -> Iterator[str]:
    """What may not be meant."""
    for name in sorted(without_credential):
        yield f"{name} is left out: its API key is not set: {table.providers[name].secret}"
    if reason := hindrance(state):
        yield f"the state cannot be written at {state}: {reason}"
    yield from advice(launch.config)
    yield from money_advice(launch.config, table.providers)


def _rules(router: RuleMatcher) -> str:
    """In the order in which they are asked."""
    asked = () if router.disabled else router.rules
    return "; ".join([*(f"{rule.id} -> {rule.profile}" for rule in asked), f"else {router.default_profile}"])
