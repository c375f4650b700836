"""The options that commands share, and how their errors are told."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from app.launch import Launch, find_launch
from config import env_file
from config.overrides import Override, from_flag, mode
from config.problems import ConfigError, Place
from config.settings import process_environment

CONFIG_ERROR = 2
"""The exit code of a configuration that cannot be used; click uses the same for a wrong command line."""

ENV_FILE_ERROR = 1
"""The exit code of an env file that cannot be read."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the command line says about the configuration."""

    config: Path | None
    mode: str
    env_files: tuple[Path, ...]
    env_file_override: bool


def config_options(command: _Command) -> _Command:
    """The options that tell which configuration is meant."""
    options = (
        click.option("--config", type=click.Path(path_type=Path), help="The configuration file."),
        click.option("--mode", default="", help="The profile, or mode alias, that is the default one."),
        click.option(
            "--env-file",
            "env_files",
            multiple=True,
            type=click.Path(path_type=Path),
            help="Variables to add to the environment; may be repeated, the earliest wins.",
        ),
        click.option(
            "--env-file-override", is_flag=True, help="Let env files replace variables that are already set."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def launch_for(choices: Choices, flags: Mapping[str, object] | None = None) -> Launch:
    """
    What to run by these choices; ``flags`` maps key paths to the values of their flags.

    A configuration error ends the program with its own exit code and no traceback.
    """
    with told_errors():
        environment = dict(process_environment())
        _read_env_files(choices, environment)
        return find_launch(
            environment, config_flag=choices.config, overrides=_overrides(choices, flags or {})
        )


@contextmanager
def told_errors() -> Iterator[None]:
    """Says what is wrong with the configuration and exits, without a traceback."""
    try:
        yield
    except ConfigError as error:
        fail(str(error), CONFIG_ERROR)


def fail(message: str, code: int) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)


def _read_env_files(choices: Choices, environment: MutableMapping[str, str]) -> None:
    """Names of what was set are told, values never."""
    try:
        applied = env_file.apply(choices.env_files, environment, replaces=choices.env_file_override)
    except ConfigError as error:
        fail(str(error), ENV_FILE_ERROR)
    for each in applied:
        click.echo(str(each), err=True)


def _overrides(choices: Choices, flags: Mapping[str, object]) -> Sequence[Override]:
    given = [from_flag(_flag(path), path, value) for path, value in flags.items() if value is not None]
    if choices.mode.strip():
        given.append(mode(choices.mode.strip(), Place(origin="flag --mode")))
    return given


def _flag(path: str) -> str:
    return f"--{path.rpartition('.')[2].replace('_', '-')}"
