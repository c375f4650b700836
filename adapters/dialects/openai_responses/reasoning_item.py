"""What a model thinks, as an item of an answer while it is written."""

from typing import Any

from adapters.dialects.openai_responses.frames import NumberedFrames
from adapters.dialects.openai_responses.output_item import Object, Place
from adapters.dialects.openai_responses.words import sealed_redaction, sealed_signature


class ReasoningItem:
    """What the model thinks, shown as a summary; a provider's seal on it travels with the item."""

    def __init__(self, frames: NumberedFrames, index: int, bare_id: str) -> None:
        self._place = Place(frames, index, f"rs_{bare_id}_{index}")
        self._pieces: list[str] = []
        self._opening = b""
        self._seal: str | None = None

    def __repr__(self) -> str:
        return f"<ReasoningItem {self._place.id} sealed={self._seal is not None}>"

    @property
    def told(self) -> Any:
        summary = [_summary("".join(self._pieces))] if self._pieces else []
        told = {"id": self._place.id, "type": "reasoning", "summary": summary}
        return told if self._seal is None else {**told, "encrypted_content": self._seal}

    def open(self) -> bytes:
        return self._place.added(self.told)

    def think(self, text: str) -> bytes:
        opened = b""
        if not self._opening:
            opened = self._place.event(
                "response.reasoning_summary_part.added", {**_FIRST, "part": _summary("")}
            )
            self._opening = self._place.delta_opening("response.reasoning_summary_text.delta", _FIRST)
        self._pieces.append(text)
        return opened + self._place.delta(self._opening, text)

    def sign(self, signature: str) -> None:
        self._seal = sealed_signature(signature)

    def redact(self, data: str) -> None:
        self._seal = sealed_redaction(data)

    def close(self, *, cut: bool) -> bytes:  # noqa: ARG002  a thought has no status
        if not self._pieces:
            return self._place.done(self.told)
        text = "".join(self._pieces)
        return (
            self._place.event("response.reasoning_summary_text.done", {**_FIRST, "text": text})
            + self._place.event("response.reasoning_summary_part.done", {**_FIRST, "part": _summary(text)})
            + self._place.done(self.told)
        )


_FIRST: Object = {"summary_index": 0}


def _summary(text: str) -> Object:
    return {"type": "summary_text", "text": text}
