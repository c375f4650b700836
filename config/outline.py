"""Which sections the schema has and which keys each of them knows."""

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import get_args, get_origin

from config.problems import KeyPath
from config.schema.root import Config
from config.schema.section import Section

NAMED = "<name>"
"""Stands for a key that the user chooses."""


@cache
def sections(root: type[Section] = Config) -> Mapping[str, type[Section]]:
    """
    Every section of a file by its pattern, top first.

    The patterns look like `providers[].cost` and `models.<name>`; the top is the empty text.
    """
    return MappingProxyType(dict(_sections(root, "")))


def section_at(path: KeyPath, root: type[Section] = Config) -> type[Section] | None:
    """The section that the mapping at this path should be."""
    patterns = [""]
    for step in path:
        patterns = [longer for pattern in patterns for longer in _longer(pattern, step)]
    known = sections(root)
    return next((known[pattern] for pattern in patterns if pattern in known), None)


def sections_with(key: str, root: type[Section] = Config) -> list[str]:
    """The patterns of the sections that know this key."""
    return [pattern for pattern, section in sections(root).items() if key in section.model_fields]


def _longer(pattern: str, step: str | int) -> Iterator[str]:
    if isinstance(step, int):
        yield f"{pattern}[]"
        return
    for key in (step, NAMED):
        yield f"{pattern}.{key}" if pattern else key


def _sections(section: type[Section], pattern: str) -> Iterator[tuple[str, type[Section]]]:
    yield pattern, section
    for name, field in section.model_fields.items():
        below = f"{pattern}.{name}" if pattern else name
        for inner, inner_pattern in _inside(field.annotation, below):
            yield from _sections(inner, inner_pattern)


def _inside(annotation: object, pattern: str) -> Iterator[tuple[type[Section], str]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, pattern
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        pattern = f"{pattern}[]"
    elif origin is dict:
        pattern, arguments = f"{pattern}.{NAMED}", arguments[1:]
    for argument in arguments:
        yield from _inside(argument, pattern)
