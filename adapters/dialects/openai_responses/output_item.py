"""
What all items of an answer have in common while they are written.

An item is announced (``output_item.added``), grows, and is told whole (``output_item.done``). Several may be
open at once: every event names its item by id and by place in the output.
"""

from typing import Any, Protocol

import msgspec

from adapters.dialects.openai_responses.frames import NumberedFrames, delta_opening

Object = dict[str, Any]


class OutputItem(Protocol):
    """An item that is open; its growing is its own."""

    @property
    def told(self) -> Any:
        """The item as an object, as far as it is known."""
        ...

    def close(self, *, cut: bool) -> bytes:
        """The events that end it; ``cut`` says that the model was stopped within it."""
        ...


class Place:
    """Where an item stands: what every event about it repeats."""

    def __init__(self, frames: NumberedFrames, index: int, id: str) -> None:
        self._frames = frames
        self._index = index
        self.id = id

    def added(self, told: Any) -> bytes:
        return self._frames.frame("response.output_item.added", {"output_index": self._index, "item": told})

    def done(self, told: Any) -> bytes:
        return self._frames.frame("response.output_item.done", {"output_index": self._index, "item": told})

    def event(self, type: str, fields: Object) -> bytes:
        return self._frames.frame(type, {**self._words(), **fields})

    def delta_opening(self, type: str, fields: Object) -> bytes:
        return delta_opening(type, {**self._words(), **fields})

    def delta(self, opening: bytes, text: str) -> bytes:
        return self._frames.delta(opening, text)

    def _words(self) -> Object:
        return {"item_id": self.id, "output_index": self._index}


class ForeignItem:
    """An item that only this dialect knows, as it was told."""

    def __init__(self, frames: NumberedFrames, index: int, told: msgspec.Raw) -> None:
        self._place = Place(frames, index, "")
        self.told: Any = told

    def __repr__(self) -> str:
        return f"<ForeignItem {len(self.told)} bytes>"

    def open(self) -> bytes:
        return self._place.added(self.told)

    def close(self, *, cut: bool) -> bytes:  # noqa: ARG002  it came whole
        return self._place.done(self.told)
