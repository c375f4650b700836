"""A message of an answer while it is written: parts of text or of refusal."""

from typing import Any

from adapters.dialects.openai_responses.frames import NumberedFrames
from adapters.dialects.openai_responses.output_item import Object, Place
from domain.conversation.reply import TextDelta, WeighedText
from domain.values import value


@value(kw_only=True)
class _Wording:
    """How the parts of a message differ: in words, and in whether it may be told how likely these were."""

    delta: str
    done: str
    field: str
    extras: Object
    is_weighed: bool


_TEXT = _Wording(
    delta="response.output_text.delta",
    done="response.output_text.done",
    field="text",
    extras={"type": "output_text", "annotations": []},
    is_weighed=True,
)
_REFUSAL = _Wording(
    delta="response.refusal.delta",
    done="response.refusal.done",
    field="refusal",
    extras={"type": "refusal"},
    is_weighed=False,
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

    def say(self, event: TextDelta) -> bytes:
        if isinstance(event, WeighedText):
            opened, part = self._part_of(_TEXT)
            return opened + part.grow_weighed(event)
        return self._grow(_TEXT, event.text)

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
        opened, part = self._part_of(wording)
        return opened + part.grow(text)

    def _part_of(self, wording: _Wording) -> tuple[bytes, "_SpokenPart"]:
        """The open part if it is one of these; else a new one, and the events that open it."""
        if self._open is not None and self._open.wording is wording:
            return b"", self._open
        ended = self.end_part()
        self._open = _SpokenPart(self._place, len(self._content), wording)
        return ended + self._open.open(), self._open


class _SpokenPart:
    """A part of a message that is open."""

    def __init__(self, place: Place, content_index: int, wording: _Wording) -> None:
        self.wording = wording
        self._place = place
        self._where = {"content_index": content_index}
        self._pieces: list[str] = []
        self._logprobs: list[Any] = []
        self._opening = place.delta_opening(wording.delta, {**self._where, **self._weights([])})

    def open(self) -> bytes:
        return self._place.event("response.content_part.added", {**self._where, "part": self._part("", [])})

    def grow(self, text: str) -> bytes:
        self._pieces.append(text)
        return self._place.delta(self._opening, text)

    def grow_weighed(self, event: WeighedText) -> bytes:
        self._pieces.append(event.text)
        self._logprobs += event.logprobs
        said = {**self._where, "delta": event.text, "logprobs": event.logprobs}
        return self._place.event(self.wording.delta, said)

    def close(self) -> bytes:
        words = {self.wording.field: "".join(self._pieces)}
        done = self._place.event(self.wording.done, {**self._where, **self._weights(self._logprobs), **words})
        return done + self._place.event("response.content_part.done", {**self._where, "part": self.told()})

    def told(self) -> Object:
        return self._part("".join(self._pieces), self._logprobs)

    def _part(self, text: str, logprobs: list[Any]) -> Object:
        return {**self.wording.extras, **self._weights(logprobs), self.wording.field: text}

    def _weights(self, logprobs: list[Any]) -> Object:
        return {"logprobs": logprobs} if self.wording.is_weighed else {}
