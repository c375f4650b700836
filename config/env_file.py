r"""
Reads `.env` files: one `NAME=value` a line, nothing expanded, nothing over several lines.

Blank lines and lines that begin with `#` say nothing; `export ` may stand in front. A bare value ends before
a `#` that follows a blank. In double quotes `\n \t \r \" \\ \$` and an escaped backtick are escapes, and any
other backslash stays; single quotes are literal.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from config.problems import ConfigError, Place, Problem
from config.source import decode

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXPORT = re.compile(r"export[ \t]+")
_COMMENT_AFTER_BLANK = re.compile(r"[ \t]#.*")
_ESCAPES: Mapping[str, str] = MappingProxyType(
    {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$", "`": "`"}
)
_BLANKS = " \t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Which variables a file set, by name: values are secrets."""

    path: Path
    names: tuple[str, ...]

    def __str__(self) -> str:
        count = len(self.names)
        listed = f": {', '.join(self.names)}" if self.names else ""
        return f"{self.path}: {count} variable{'' if count == 1 else 's'} applied{listed}"


class _Fault(Exception):
    """A line that is not of the grammar; the message never repeats the value."""


def apply(
    paths: Iterable[Path], environment: MutableMapping[str, str], *, replaces: bool = False
) -> tuple[Applied, ...]:
    """
    Puts the files' variables into an environment, file by file, and says which.

    A variable that is there already stays (so the earliest file wins), unless the files replace (the latest
    wins).

    Raises ConfigError, having changed nothing, when a file is missing or has a line it should not have.
    """
    problems: list[Problem] = []
    files = [(path, _read(path, problems)) for path in paths]
    if problems:
        raise ConfigError(problems)
    return tuple(_fill(path, values, environment, replaces=replaces) for path, values in files)


def parse(text: str, origin: str) -> dict[str, str]:
    """
    The variables in a text; the last assignment of a name counts.

    Raises ConfigError with every faulty line.
    """
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            name, value = _assignment(content)
        except _Fault as fault:
            problems.append(Problem(place=Place(origin=origin, line=number), path="", message=str(fault)))
        else:
            values[name] = value
    if problems:
        raise ConfigError(problems)
    return values


def _read(path: Path, problems: list[Problem]) -> dict[str, str]:
    try:
        return parse(decode(path.read_bytes(), str(path)), str(path))
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        problems.append(Problem(place=Place(origin=str(path)), path="", message=message))
    except ConfigError as error:
        problems.extend(error.problems)
    return {}


def _fill(
    path: Path, values: Mapping[str, str], environment: MutableMapping[str, str], *, replaces: bool
) -> Applied:
    chosen = {name: value for name, value in values.items() if replaces or name not in environment}
    environment.update(chosen)
    return Applied(path=path, names=tuple(sorted(chosen)))


def _assignment(line: str) -> tuple[str, str]:
    left, equals, right = (
        _EXPORT.sub("", line, count=1).partition("=") if _EXPORT.match(line) else line.partition("=")
    )
    if not equals:
        raise _Fault("expected NAME=value, found no =")
    name = left.strip(_BLANKS)
    if not _NAME.fullmatch(name):
        raise _Fault("the name before = must be letters, digits and underscores, and not begin with a digit")
    value = _value(right)
    if "\0" in value:
        raise _Fault(f"the value of {name} holds a NUL character")
    return name, value


def _value(text: str) -> str:
    stripped = text.lstrip(_BLANKS)
    if stripped.startswith('"'):
        return _double_quoted(stripped[1:])
    if stripped.startswith("'"):
        literal, quote, rest = stripped[1:].partition("'")
        if not quote:
            raise _Fault("the single quote is not closed")
        return _ended(literal, rest)
    return _COMMENT_AFTER_BLANK.sub("", text).strip(_BLANKS)


def _double_quoted(text: str) -> str:
    value: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character == '"':
            return _ended("".join(value), text[position + 1 :])
        if character == "\\" and position + 1 < len(text):
            escaped = text[position + 1]
            value.append(_ESCAPES.get(escaped, f"\\{escaped}"))
            position += 2
        else:
            value.append(character)
            position += 1
    raise _Fault("the double quote is not closed")


def _ended(value: str, rest: str) -> str:
    after = rest.strip(_BLANKS)
    if after and not after.startswith("#"):
        raise _Fault("only a comment may follow the closing quote")
    return value
