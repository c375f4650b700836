"""
Writes tool results where this dialect wants them: as messages of their own, directly after their calls.

Servers refuse a conversation in which a call lacks its result or a result its call, and most refuse media in
a ``tool`` message.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any

from adapters.dialects.openai_chat.part_writing import Manner, content_of, own_words, part_object
from domain.conversation.parts import Document, ForeignPart, Image, Part, Text, ToolCall, ToolResult
from domain.conversation.request import Message

_INTERRUPTED = "[interrupted: the tool gave no result]"
_FAILED = "[the tool failed]"
_SHOWN_BELOW = "[shown in the next message]"

_MEDIA = (Image, Document)

Placed = tuple[str, ToolResult]
"""A result, and its place in the request."""


def result_messages(
    calls: Sequence[ToolCall], results: Sequence[Placed], manner: Manner, *, goes_on: bool
) -> tuple[list[dict[str, Any]], list[Any]]:
    """
    ``tool`` messages in the order of the calls, and parts for the user's message that follows them.

    Args:
        calls: what the assistant just called.
        results: what came before the assistant spoke again.
        manner: how to write.
        goes_on: the conversation goes on, so that a call without result was interrupted.
    """
    if not calls and not results:
        return [], []
    waiting = _Waiting(results)
    messages: list[dict[str, Any]] = []
    moved: list[Any] = []
    for call in calls:
        found = waiting.taken(call.id)
        if found is not None:
            messages.append(_tool_message(found[1], manner))
            moved += _media_parts(found, manner)
        elif goes_on:
            messages.append({"role": "tool", "tool_call_id": call.id, "content": _INTERRUPTED})
    for placed in waiting.left():
        moved += _orphan_parts(placed, manner)
    return messages, moved


class _Waiting:
    """Results that wait for their calls, found by id: there may be thousands."""

    def __init__(self, results: Iterable[Placed]) -> None:
        self._results = dict(enumerate(results))
        self._places: defaultdict[str, deque[int]] = defaultdict(deque)
        for place, (_, result) in self._results.items():
            self._places[result.call_id].append(place)

    def __repr__(self) -> str:
        return f"<_Waiting {len(self._results)} results>"

    def taken(self, call_id: str) -> Placed | None:
        """The first result of this call, which no longer waits."""
        places = self._places.get(call_id)
        return self._results.pop(places.popleft()) if places else None

    def left(self) -> Iterable[Placed]:
        """Those whose call is not there, in order."""
        return self._results.values()


def tool_results(message: Message, path: str) -> list[Placed]:
    return [
        (f"{path}.content[{position}]", part)
        for position, part in enumerate(message.parts)
        if isinstance(part, ToolResult)
    ]


def _tool_message(result: ToolResult, manner: Manner) -> dict[str, Any]:
    message = {"role": "tool", "tool_call_id": result.call_id, "content": _result_content(result, manner)}
    message.update(own_words(result.extensions))
    return message


def _result_content(result: ToolResult, manner: Manner) -> Any:
    if not result.is_error and result.cache_control is None and all(map(_is_text, result.content)):
        return content_of(result.content, "", manner)
    words: list[Part] = [_as_text(part) for part in result.content if not isinstance(part, _MEDIA)]
    if result.is_error:
        words = [Text(text=_FAILED), *words]
    if not words and result.content:
        words = [Text(text=_SHOWN_BELOW)]
    if result.cache_control is not None and words:
        words = [*words[:-1], _marked(words[-1], result)]
    return content_of(words, "", manner)


def _is_text(part: Part) -> bool:
    return isinstance(part, Text)


def _marked(part: Part, result: ToolResult) -> Part:
    return Text(text=part.text, cache_control=result.cache_control) if isinstance(part, Text) else part


def _as_text(part: Text | Image | Document | ForeignPart) -> Part:
    """A part that only another dialect knows is shown as what it is: JSON."""
    return Text(text=part.payload.decode("utf-8", "replace")) if isinstance(part, ForeignPart) else part


def _media_parts(placed: Placed, manner: Manner) -> list[Any]:
    path, result = placed
    media = [
        part_object(part, f"{path}.content[{position}]", manner)
        for position, part in enumerate(result.content)
        if isinstance(part, _MEDIA)
    ]
    return [_note(f"[from the result of tool call {result.call_id}]"), *media] if media else []


def _orphan_parts(placed: Placed, manner: Manner) -> list[Any]:
    """A result whose call is not there any more, as words of the user."""
    result = placed[1]
    content = _result_content(result, Manner(native=False, cache_control=False))
    note = _note(f"[result of tool call {result.call_id}, which is no longer shown]\n{content}")
    return [note, *_media_parts(placed, manner)]


def _note(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}
