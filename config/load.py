"""Finds the configuration file and turns it into a configuration, or into everything wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from config.checks import check
from config.complaints import Shape, shape_of
from config.findings import Finding, as_mapping
from config.interpolate import interpolate
from config.overrides import Override, override
from config.problems import ConfigError, KeyPath, Place, Problem, dotted
from config.schema.root import Config
from config.schema.server import Server
from config.source import Document, decode, parse

FILE_NAME = "providers.yaml"


def discover(*, flag: Path | None, variable: Path | None, directory: Path, home: Path) -> Path | None:
    """
    The file to load: `--config`, then `CODEROUTER_CONFIG`, then `./providers.yaml`, then the one in
    `~/.coderouter`; None when there is none of them.

    Raises ConfigError when a file was asked for and is not there.
    """
    for path, asked_by in ((flag, "flag --config"), (variable, "environment variable CODEROUTER_CONFIG")):
        if path is not None:
            return _demanded(_at_home(path, home), asked_by)
    return next((path for path in usual_places(directory, home) if path.is_file()), None)


def usual_places(directory: Path, home: Path) -> tuple[Path, Path]:
    """Where a file is looked for that nobody names."""
    return directory / FILE_NAME, home / ".coderouter" / FILE_NAME


def load(
    path: Path,
    *,
    environment: Mapping[str, str],
    overrides: Sequence[Override] = (),
    allow_paid: bool | None = None,
) -> Config:
    """
    The configuration in a file, with variables and overrides put in; `allow_paid` beats the file's.

    Raises ConfigError with every problem there is.
    """
    document = _document(path)
    return validate(document, environment=environment, overrides=overrides, allow_paid=allow_paid)


def load_server(path: Path | None, *, overrides: Sequence[Override] = ()) -> Server:
    """
    Where the gateway of a file, or of none, listens; whatever else the file says may be wrong.

    Raises ConfigError with every problem of this one section.
    """
    document = _document(path) if path is not None else parse("", FILE_NAME)
    own = [each for each in overrides if each.path[0] == _SERVER]
    written = override(document, own)
    section = as_mapping(written.data).get(_SERVER, {})
    server, findings = shape_of(section, section, Server)
    if server is None:
        told = [replace(finding, path=(_SERVER, *finding.path)) for finding in findings]
        raise ConfigError(_placed(told, written))
    return server


_SERVER = "server"


def load_text(
    text: str,
    *,
    origin: str = FILE_NAME,
    environment: Mapping[str, str] | None = None,
    overrides: Sequence[Override] = (),
    allow_paid: bool | None = None,
) -> Config:
    """As `load`, from text that did not come from a file."""
    document = parse(text, origin)
    return validate(document, environment=environment or {}, overrides=overrides, allow_paid=allow_paid)


def place_of(path: KeyPath, file: Path | None) -> Place:
    """
    Where a value of a configuration was written, for what is found wrong with it after it was loaded.

    Without a file it is the configuration that was made from what was there.
    """
    return Place(origin="this machine") if file is None else _document(file).place_of(path)


def read_as(schema: type[Shape], path: Path) -> Shape:
    """
    What a file of another schema says, word for word.

    Raises ConfigError with every problem there is.
    """
    document = _document(path)
    shape, findings = shape_of(document.data, document.data, schema)
    told = [finding for finding in findings if finding.path not in document.unread]
    problems = [*document.problems, *_placed(told, document)]
    if problems or shape is None:
        raise ConfigError(sorted(problems, key=_reading_order))
    return shape


def validate(
    document: Document,
    *,
    environment: Mapping[str, str],
    overrides: Sequence[Override] = (),
    allow_paid: bool | None = None,
) -> Config:
    """
    The configuration that a document describes.

    Raises ConfigError with every problem there is, in the order of the file.
    """
    written = override(document, overrides)
    filled, unset = interpolate(written.data, environment)
    config, misshapen = shape_of(filled, written.data, Config)
    told = document.unread | {finding.path for finding in unset}
    findings = [finding for finding in (*misshapen, *check(filled)) if finding.path not in told]
    problems = [*document.problems, *_placed([*unset, *findings], written)]
    if problems or config is None:
        raise ConfigError(sorted(problems, key=_reading_order))
    return config if allow_paid is None else config.model_copy(update={"allow_paid": allow_paid})


def _document(path: Path) -> Document:
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = Problem(place=Place(origin=str(path)), path="", message=f"cannot be read: {error.strerror}")
        raise ConfigError([problem]) from None
    return parse(decode(content, str(path)), str(path))


def _demanded(path: Path, asked_by: str) -> Path:
    if path.is_file():
        return path
    found = "is not a file" if path.exists() else "does not exist"
    problem = Problem(
        place=Place(origin=asked_by),
        path="",
        message=f"{path} {found}",
        hint="correct the path, or leave it out to use ./providers.yaml or ~/.coderouter/providers.yaml",
    )
    raise ConfigError([problem])


def _at_home(path: Path, home: Path) -> Path:
    return home.joinpath(*path.parts[1:]) if path.parts[:1] == ("~",) else path


def _placed(findings: Iterable[Finding], document: Document) -> list[Problem]:
    said = {(finding.path, finding.message): finding for finding in findings}
    return [
        Problem(
            place=document.place_of(finding.path),
            path=dotted(finding.path),
            message=finding.message,
            hint=finding.hint,
        )
        for finding in said.values()
    ]


def _reading_order(problem: Problem) -> tuple[bool, int, int]:
    place = problem.place
    return place.line is None, place.line or 0, place.column or 0
