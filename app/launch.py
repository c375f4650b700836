"""Finds out what to run: the configuration that flags, environment and files describe, or what is there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from config.capabilities_registry import CapabilityRegistry, bundled_registry, load_registry
from config.discoverable import PROBES, Probe
from config.load import discover, load, load_server, usual_places
from config.overrides import Override
from config.problems import ConfigError, Place, Problem
from config.schema.root import Config
from config.schema.server import Server
from config.settings import Settings, read_settings
from config.zero import Findings, LocalServer, NothingFound, key_names, zero_config
from infrastructure.loopback_probes import listed_models
from infrastructure.model_server.weights import ModelInstalled, ModelMissing, find_embedded_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """
    What to run.

    Attributes:
        source: the configuration file; ``None`` when none was found and the machine was looked at instead.
        found: what was found then, a line each.
        text: that configuration as YAML, ready to be kept.
        environment: the environment that secrets come from.
        registry: what is known of models.
    """

    config: Config
    settings: Settings
    environment: Mapping[str, str]
    source: Path | None = None
    found: tuple[str, ...] = ()
    text: str = ""
    registry: CapabilityRegistry = field(default_factory=bundled_registry)

    def logs_as_json(self, stream: IO[Any]) -> bool:
        """Whether events are for machines: as asked for, else whenever nobody watches the terminal."""
        chosen = self.settings.log_format
        return chosen == "json" or (chosen == "auto" and not stream.isatty())


def find_launch(
    environment: Mapping[str, str],
    *,
    config_flag: Path | None = None,
    overrides: Sequence[Override] = (),
    directory: Path | None = None,
    home: Path | None = None,
    probes: Sequence[Probe] = PROBES,
    embedded: Callable[[], ModelInstalled | ModelMissing] = find_embedded_model,
) -> Launch:
    """
    The configuration to run; flags beat the environment, which beats the file.

    ``probes`` are the places where model servers are looked for when there is no file, and ``embedded`` tells
    whether there is a model of our own.

    Raises:
        ConfigError: with every problem there is; also when there is nothing to make a configuration from.
    """
    settings = read_settings(environment)
    home, directory = home or _home(environment), directory or Path.cwd()
    registry = load_registry(home)
    source = discover(
        flag=config_flag,
        variable=settings.config_path,
        directory=directory,
        home=home,
    )
    changes = (*settings.overrides, *overrides)
    if source is None:
        findings = Findings(
            servers=_local_servers(probes),
            key_names=key_names(environment),
            embedded=isinstance(embedded(), ModelInstalled),
        )
        looked_at = usual_places(directory, home)
        return replace(_made_from(findings, settings, environment, changes, looked_at), registry=registry)
    config = load(source, environment=environment, overrides=changes, allow_paid=settings.allow_paid)
    return Launch(config=config, settings=settings, environment=environment, source=source, registry=registry)


def find_server(
    environment: Mapping[str, str],
    *,
    config_flag: Path | None = None,
    directory: Path | None = None,
    home: Path | None = None,
) -> Server:
    """
    Where the gateway listens whose configuration `find_launch` would find.

    Raises:
        ConfigError: a file was named that is not there, or what it says of the server is wrong.
    """
    settings = read_settings(environment)
    source = discover(
        flag=config_flag,
        variable=settings.config_path,
        directory=directory or Path.cwd(),
        home=home or _home(environment),
    )
    return load_server(source, overrides=settings.overrides)


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or Path.home())


def _made_from(
    findings: Findings,
    settings: Settings,
    environment: Mapping[str, str],
    changes: Sequence[Override],
    looked_at: Sequence[Path],
) -> Launch:
    match zero_config(findings, overrides=changes, allow_paid=settings.allow_paid):
        case NothingFound(lines=lines):
            raise ConfigError([_nothing(looked_at, lines)])
        case found:
            return Launch(
                config=found.config,
                settings=settings,
                environment=environment,
                found=found.lines,
                text=found.text,
            )


def _nothing(looked_at: Sequence[Path], lines: Sequence[str]) -> Problem:
    """The file comes first: who has one elsewhere need not start anything."""
    places = " and ".join(map(str, looked_at))
    return Problem(
        place=Place(origin="this machine"),
        path="",
        message=f"found no configuration file: looked for {places}",
        hint="\n    ".join(["--config names one that is elsewhere; without any:", *lines]),
    )


def _local_servers(probes: Sequence[Probe]) -> tuple[LocalServer, ...]:
    answers = listed_models(probe.url for probe in probes)
    return tuple(
        LocalServer(kind=probe.kind, base_url=probe.base_url, models=answers[probe.url])
        for probe in probes
        if probe.url in answers
    )
