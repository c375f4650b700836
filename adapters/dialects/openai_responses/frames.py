"""Writes the numbered events of a stream."""

from typing import Any

from adapters.dialects.json_text import json_text
from adapters.dialects.sse import named_frame


class NumberedFrames:
    """Frames with a ``sequence_number`` that counts from 0 without a gap, over all events of a stream."""

    def __init__(self) -> None:
        self._next = 0

    def __repr__(self) -> str:
        return f"<NumberedFrames next={self._next}>"

    def frame(self, type: str, fields: dict[str, Any]) -> bytes:
        """One event; ``fields`` are what it says beside its type and number."""
        return named_frame(type.encode(), json_text({"type": type, **fields, **self._number()}))

    def delta(self, opening: bytes, text: str) -> bytes:
        """One of many events alike: ``opening`` (see `delta_opening`), the new text, and the number."""
        number, self._next = self._next, self._next + 1
        return b'%b%b,"sequence_number":%d}\n\n' % (opening, json_text(text), number)

    def _number(self) -> dict[str, int]:
        number, self._next = self._next, self._next + 1
        return {"sequence_number": number}


def delta_opening(type: str, fields: dict[str, Any]) -> bytes:
    """What all events of one kind and place have in common: a frame up to the text of its ``delta``."""
    name = type.encode()
    return b'event: %b\ndata: %b,"delta":' % (name, json_text({"type": type, **fields})[:-1])
