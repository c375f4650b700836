"""What can be wrong with a configuration, and how it is told to the person who wrote it."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""The way from the top of the file to a value: keys of mappings and indices of lists."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something was written: a file with a line and a column (both from 1), a variable or a flag."""

    origin: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.origin, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: where, which key, what was found and expected, and what would be right."""

    place: Place
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        said = ": ".join(part for part in (str(self.place), self.path, self.message) if part)
        return f"{said}\n    {self.hint}" if self.hint else said


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        title = f"{count} problem{'' if count == 1 else 's'} in the configuration"
        return "\n".join([f"{title}:", *(f"  {problem}" for problem in self.problems)])


def dotted(path: KeyPath) -> str:
    """
    The path as a person would write it.

    >>> dotted(("providers", 2, "base_url"))
    'providers[2].base_url'
    """
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{step!r}]"
    return text


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a mistyped one most likely means, if any comes near."""
    by_folded = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower()[:100], by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def suggestion(name: str, known: Sequence[str]) -> str:
    """A hint for a name that is not among the known ones: the nearest, or all of them."""
    if near := nearest(name, known):
        return f'did you mean "{near}"?'
    listed = ", ".join(known[:20])
    return f"known: {listed}" + (", …" if len(known) > 20 else "")
