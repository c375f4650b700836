"""Writes what a message is made of: text, pictures and files as content parts."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.dialects.openai_chat.wire import NAME
from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
    Part,
    Refusal,
    Text,
)
from domain.conversation.request import MalformedRequest
from domain.values import value


@value
class Manner:
    """
    How a conversation is written.

    Attributes:
        native: it was read from this dialect, so that its own words and lists are welcome to the server.
        cache_control: whether cache breakpoints are worth sending.
        fills_reasoning: whether a turn that calls tools has reasoning even where nobody thought.
    """

    native: bool
    cache_control: bool
    fills_reasoning: bool = False


_NO_WORDS: Mapping[str, Json] = {}


def own_words(extensions: Extensions) -> Mapping[str, Json]:
    """What this dialect itself had said."""
    return _NO_WORDS if extensions is NO_EXTENSIONS else extensions.get(NAME, _NO_WORDS)


def content_of(parts: Sequence[Part], path: str, manner: Manner, *, joint: str = "\n") -> Any:
    """
    A message's ``content``: a string where it can be one, as not every server reads lists.

    Raises:
        MalformedRequest: media that this dialect cannot carry.
    """
    if len(parts) == 1 and isinstance(only := parts[0], Text) and not _is_marked(only, manner):
        return only.text
    told = [part for part in parts if not isinstance(part, Text) or part.text]
    words = [part.text for part in told if isinstance(part, Text) and not _is_marked(part, manner)]
    if len(words) == len(told) and (len(words) <= 1 or not manner.native):
        return joint.join(words)
    return [part_object(part, path, manner) for part in told]


def part_object(part: Part, path: str, manner: Manner) -> Any:
    match part:
        case Text():
            return {"type": "text", "text": part.text} | marks(part, manner)
        case Image():
            return _image(part, path, manner)
        case Document():
            return _document(part, path, manner)
        case Refusal(text=text):
            return {"type": "refusal", "refusal": text} | marks(part, manner)
        case ForeignPart(dialect=dialect, payload=payload):
            text = payload.decode("utf-8", "replace")
            return msgspec.Raw(payload) if dialect == NAME else {"type": "text", "text": text}
        case _:
            raise MalformedRequest(path, f"a {type(part).__name__} has no place in a message's content")


def marks(part: Any, manner: Manner) -> dict[str, Any]:
    """A part's cache breakpoint, and what this dialect had said beside it."""
    cache_control = getattr(part, "cache_control", None)
    told: dict[str, Any] = dict(own_words(part.extensions))
    if cache_control is not None and manner.cache_control:
        told["cache_control"] = cache_control
    return told


def _is_marked(part: Text, manner: Manner) -> bool:
    return (manner.cache_control and part.cache_control is not None) or bool(own_words(part.extensions))


def _image(image: Image, path: str, manner: Manner) -> dict[str, Any]:
    told = marks(image, manner)
    details = told.pop("image_url", {})
    return {"type": "image_url", "image_url": {"url": _image_url(image, path), **details}, **told}


def _image_url(image: Image, path: str) -> str:
    match image.source:
        case InlineData(media_type=media_type, base64=base64):
            return f"data:{media_type or 'image/png'};base64,{base64}"
        case Link(url=url):
            return url
        case FileReference():
            raise MalformedRequest(path, "an image by file id cannot be sent to this provider; send its data")


def _document(document: Document, path: str, manner: Manner) -> dict[str, Any]:
    told = marks(document, manner)
    details = told.pop("file", {})
    match document.source:
        case Text(text=text):
            words = f"{document.title}\n\n{text}" if document.title else text
            return {"type": "text", "text": words, **told}
        case InlineData(media_type=media_type, base64=base64):
            data = f"data:{media_type or 'application/pdf'};base64,{base64}"
            name = {"filename": document.title or "document"}
            return {"type": "file", "file": {**name, "file_data": data, **details}, **told}
        case FileReference(file_id=file_id) if manner.native:
            return {"type": "file", "file": {"file_id": file_id, **details}, **told}
        case Link(url=link) if manner.native:
            return {"type": "file", "file": {"file_data": link, **details}, **told}
        case _:
            raise MalformedRequest(
                path, "a document by link or file id cannot be sent to this provider; send its data"
            )
