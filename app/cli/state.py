"""Backs the state up and restores it."""

from pathlib import Path

import click

from app.cli.keys import STATE_ERROR
from app.cli.options import Choices, fail, launch_for
from config.state_location import SharedServer, SqliteFile, state_location
from domain.ports.storage import StoreUnavailable
from infrastructure.state.backup import InUse, NoBackup, Taken, back_up, restore

IN_USE = 6
"""The exit code when a gateway is running on the state that is to be replaced."""

_config = click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")


@click.group()
def state() -> None:
    """Back up and restore keys, spending and usage."""


@state.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@_config
def backup(*, file: Path, force: bool, config: Path | None) -> None:
    """
    Write a copy of the state to FILE; a running gateway goes on meanwhile.

    Exits with 4 when the state cannot be read, or FILE not be written or is there already.
    """
    found = _file(config)
    try:
        back_up(found, file, replaces=force)
    except Taken as error:
        fail(f"{error}; nothing was written" + ("" if force else " (--force replaces it)"), STATE_ERROR)
    except StoreUnavailable as error:
        fail(f"the state cannot be used: {error}", STATE_ERROR)
    except OSError as error:
        fail(f"cannot write {file}: {error.strerror}", STATE_ERROR)
    click.echo(f"{found} is copied to {file}")


@state.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_config
def put_back(*, file: Path, config: Path | None) -> None:
    """
    Put the copy FILE in the place of the state; gateways must be stopped.

    What was there before is kept beside it. Keys that were revoked since the copy was made open again, and
    what was spent since is forgotten. Exits with 4 when FILE is no copy of a state or cannot be put
    in place, with 6 when a gateway is running. Where there was no state it is given to whom its folder
    belongs, as the gateway may run as another user.
    """
    found = _file(config)
    try:
        restored = restore(file, found)
    except InUse as error:
        fail(str(error), IN_USE)
    except (NoBackup, StoreUnavailable) as error:
        fail(str(error), STATE_ERROR)
    except OSError as error:
        fail(f"cannot write {found}: {error.strerror}", STATE_ERROR)
    kept = f"; what was there before is kept in {restored.before}" if restored.before else ""
    click.echo(f"{found} now holds what {file} holds{kept}")
    if restored.misplaced:
        click.echo(f"note: {restored.misplaced}: see that the gateway's user can read and write it", err=True)


def _file(config: Path | None) -> Path:
    launch = launch_for(Choices(config=config, mode="", env_files=(), env_file_override=False))
    location = state_location(launch.config.state, launch.environment)
    if isinstance(location, SharedServer):
        fail("the state is in a server, which has its own ways of being copied and put back", STATE_ERROR)
    if not isinstance(location, SqliteFile):
        fail("the state of this configuration is in no file", STATE_ERROR)
    return location.path
