"""What a check says before it is known where the value was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.problems import KeyPath


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a key path."""

    path: KeyPath
    message: str
    hint: str = ""


def as_mapping(value: object) -> Mapping[str, object]:
    """The value if it is a mapping, else an empty one: its shape is judged elsewhere."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else ()
