"""The event inventory is closed, harmless and told in the documents."""

from dataclasses import fields, is_dataclass
from enum import StrEnum
from types import UnionType
from typing import get_args, get_origin

import pytest

from domain.events import Event
from domain.inventory.level import Level
from scripts.write_events_page import PAGE, kinds, page

SMALL = (bool, int, float, str)


def is_small(annotation: object) -> bool:
    """A primitive, an enumeration, or a value, tuple, mapping or choice of such: nothing to hold a prompt."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        return all(is_small(field.type) for field in fields(annotation))
    if annotation is None or annotation is type(None):
        return True
    if (
        isinstance(annotation, UnionType)
        or get_origin(annotation) in (tuple, dict)
        or _is_mapping(annotation)
    ):
        return all(part is Ellipsis or is_small(part) for part in get_args(annotation))
    return isinstance(annotation, type) and issubclass(annotation, (*SMALL, StrEnum))


def _is_mapping(annotation: object) -> bool:
    return getattr(get_origin(annotation), "__name__", "") == "Mapping"


def test_the_page_of_events_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m scripts.write_events_page"


def test_no_two_events_share_a_name() -> None:
    names = [kind.name for kind in kinds()]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: str(kind.name))
def test_an_event_has_a_level_words_and_only_small_fields(kind: type[Event]) -> None:
    assert isinstance(kind.level, Level)
    assert kind.__doc__
    assert [field.name for field in fields(kind) if not is_small(field.type)] == []
