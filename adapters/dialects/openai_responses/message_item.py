"""A message of an answer while it is written: parts of text or of refusal."""

from dataclasses import dataclass
from typing import Any

from adapters.dialects.openai_responses.frames import NumberedFrames
from adapters.dialects.openai_responses.output_item import Object, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wording:
    """How the parts of a message differ: in words alone."""

    delta: str
    done: str
    field: str
    extras: Object
    event_extras: Object


_TEXT = _Wording(
    delta="response.output_text.delta",
    done="response.output_text.done",
    field="text",
    extras={"type": "output_text", "annotations": [], "logprobs": []},
    event_extras={"logprobs": []},
)
_REFUSAL = _Wording(
    delta="response.refusal.delta",
    done="response.refusal.done",
    field="refusal",
    extras={"type": "refusal"},
    event_extras={},
)


class MessageItem:
    """What the model says: parts of text or of refusal, one after the other."""

    def __init__(self, frames: NumberedFrames, index: int, bare_id: str) -> None:
        self._place = Place(frames, index, f"msg_{bare_id}_{index}")
        self._status = "in_progress"
        self._content: list[Object] = []
        self._open: _SpokenPart | None = None

    def __repr__(self) -> str:
        return f"<MessageItem {self._place.id} {self._status}>"

    @property
    def told(self) -> Any:
        return {
            "id": self._place.id,
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": self._content,
        }

    def open(self) -> bytes:
        return self._place.added(self.told)

    def say(self, text: str) -> bytes:
        return self._grow(_TEXT, text)

    def refuse(self, text: str) -> bytes:
        return self._grow(_REFUSAL, text)

    def end_part(self) -> bytes:
        """What is said next is a part of its own."""
        if self._open is None:
            return b""
        part, self._open = self._open, None
        self._content.append(part.told())
        return part.close()

    def close(self, *, cut: bool) -> bytes:
        ended = self.end_part()
        self._status = "incomplete" if cut else "completed"
        return ended + self._place.done(self.told)

    def _grow(self, wording: _Wording, text: str) -> bytes:
        part, opened = self._open, b""
        if part is None or part.wording is not wording:
            opened = self.end_part()
            part = self._open = _SpokenPart(self._place, len(self._content), wording)
            opened += part.open()
        return opened + part.grow(text)


class _SpokenPart:
    """A part of a message that is open."""

    def __init__(self, place: Place, content_index: int, wording: _Wording) -> None:
        self.wording = wording
        self._place = place
        self._where = {"content_index": content_index}
        self._pieces: list[str] = []
        self._opening = place.delta_opening(wording.delta, {**self._where, **wording.event_extras})

    def open(self) -> bytes:
        return self._place.event("response.content_part.added", {**self._where, "part": self._part("")})

    def grow(self, text: str) -> bytes:
        self._pieces.append(text)
        return self._place.delta(self._opening, text)

    def close(self) -> bytes:
        said = {**self._where, **self.wording.event_extras, self.wording.field: "".join(self._pieces)}
        done = self._place.event(self.wording.done, said)
        return done + self._place.event("response.content_part.done", {**self._where, "part": self.told()})

    def told(self) -> Object:
        return self._part("".join(self._pieces))

    def _part(self, text: str) -> Object:
        return {**self.wording.extras, self.wording.field: text}
