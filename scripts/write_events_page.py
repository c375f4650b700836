"""Writes docs/events.md from the event inventory: `python -m scripts.write_events_page`."""

import inspect
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

from domain.events import Event

PAGE = Path(__file__).resolve().parent.parent / "docs" / "events.md"

HEAD = """# Events

Everything the gateway tells about itself: one JSON object a line on stderr, with `ts` (UTC, milliseconds),
`level`, `event` (the name below) and the event's own fields. Lines of one request share its `request_id`.
Names and fields are stable; wording inside fields is not. No prompt, no answer and no secret is ever in one.

`CODEROUTER_EVENTS_PATH` names a file that gets the same JSON lines; it is rotated at 20 MiB, and the last
five are kept beside it as `.1` to `.5`.

This page is generated from `domain/events.py` by `python -m scripts.write_events_page`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section for kind in kinds() for section in _section(kind))])


def kinds() -> tuple[type[Event], ...]:
    """Every class of the union, by name of the event."""
    return tuple(sorted(get_args(Event), key=lambda kind: str(kind.name)))


def _section(kind: type[Event]) -> Iterator[str]:
    yield f"## `{kind.name}`\n"
    yield f"{inspect.getdoc(kind)}\n"
    yield f"Level: {kind.level}\n"
    rows = [f"| `{field.name}` | `{_type(field.type)}` |" for field in fields(kind)]
    if rows:
        yield "\n".join(["| field | type |", "| --- | --- |", *rows]) + "\n"


def _type(annotation: object) -> str:
    text = (
        annotation.__name__
        if isinstance(annotation, type) and "[" not in str(annotation)
        else str(annotation)
    )
    for module in ("domain.events.", "domain.inventory.requests.", "collections.abc."):
        text = text.replace(module, "")
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
