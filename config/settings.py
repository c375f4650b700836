"""What the environment says: the one place that reads it."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from config.outline import sections
from config.overrides import Override, mode
from config.problems import ConfigError, Place, Problem, suggestion

PREFIX = "CODEROUTER_"

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "json", "console"]

OVERRIDABLE = ("server", "session", "state", "usage")
"""The sections of which the environment may set every key, as `CODEROUTER_<SECTION>__<KEY>`."""

_TRUTH: Mapping[str, bool] = MappingProxyType(
    {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
)
_NESTED = re.compile(rf"{PREFIX}(?P<section>[A-Z0-9_]+?)__(?P<key>[A-Z0-9_]+)", re.IGNORECASE)


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _trimmed(value: object) -> object:
    return value.strip() or None if isinstance(value, str) else value


def _truth(value: object) -> bool | None:
    return _TRUTH.get(value.strip().lower()) if isinstance(value, str) else None


class _Variables(BaseSettings):
    """The variables that stand alone, by their names without the prefix."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    config: Path | None = None
    mode: Annotated[str | None, BeforeValidator(_trimmed)] = None
    allow_paid: Annotated[bool | None, BeforeValidator(_truth)] = Field(
        default=None, validation_alias="ALLOW_PAID"
    )
    log_level: Annotated[LogLevel, BeforeValidator(_lower)] = "info"
    log_format: Annotated[LogFormat, BeforeValidator(_lower)] = "auto"
    events_path: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is given
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed over: the environment is an argument here, not an ambience."""
        return (init_settings,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment asks for; None where it does not say."""

    config_path: Path | None = None
    allow_paid: bool | None = None
    log_level: LogLevel = "info"
    log_format: LogFormat = "auto"
    events_path: Path | None = None
    overrides: tuple[Override, ...] = ()


def process_environment() -> Mapping[str, str]:
    """The environment of this process, as it is now."""
    return MappingProxyType(dict(os.environ))


def hand_to_workers(environment: Mapping[str, str]) -> None:
    """Makes this the environment of the processes that this one starts from now on."""
    os.environ.update(environment)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """
    The settings in an environment.

    Raises ConfigError with every variable whose value cannot be used.
    """
    variables, problems = _variables(environment)
    overrides = list(_overrides(environment, problems))
    if problems or variables is None:
        raise ConfigError(problems)
    if variables.mode:
        overrides.append(mode(variables.mode, _place(f"{PREFIX}MODE")))
    return Settings(
        config_path=variables.config,
        allow_paid=variables.allow_paid,
        log_level=variables.log_level,
        log_format=variables.log_format,
        events_path=variables.events_path,
        overrides=tuple(overrides),
    )


def _variables(environment: Mapping[str, str]) -> tuple[_Variables | None, list[Problem]]:
    source = EnvSettingsSource(_Variables)
    source.env_vars = {name.lower(): value for name, value in environment.items() if value}
    try:
        return _Variables(**source()), []
    except ValidationError as error:
        return None, [_refused(detail) for detail in error.errors(include_url=False)]


def _refused(detail: ErrorDetails) -> Problem:
    expected = detail["msg"].replace("Input should be", "expected")
    return Problem(
        place=_place(f"{PREFIX}{str(detail['loc'][0]).upper()}"),
        path="",
        message=f'{expected}; found "{str(detail["input"])[:60]}"',
    )


def _overrides(environment: Mapping[str, str], problems: list[Problem]) -> Iterator[Override]:
    for variable, text in sorted(environment.items()):
        match = _NESTED.fullmatch(variable)
        if match is None or not text.strip():
            continue
        section, key = match["section"].lower(), match["key"].lower()
        if section in OVERRIDABLE:
            yield Override(path=(section, key), value=_value(section, key, text), place=_place(variable))
        else:
            hint = suggestion(section, OVERRIDABLE)
            problems.append(
                Problem(place=_place(variable), path="", message=f"no section {section} to set", hint=hint)
            )


def _value(section: str, key: str, text: str) -> object:
    """Read as the file would read it, but for keys that hold text: those need no quotes."""
    field = sections()[section].model_fields.get(key)
    if field is None or field.annotation is str:
        return text
    try:
        value: object = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    is_words = isinstance(value, str) and "tuple" in str(field.annotation)
    return [word.strip() for word in text.split(",") if word.strip()] if is_words else value


def _place(variable: str) -> Place:
    return Place(origin=f"environment variable {variable}")
