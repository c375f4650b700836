"""Reads content blocks into parts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from adapters.dialects.anthropic_messages.words import NAME, kept
from adapters.dialects.fields import Fields, expected
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
    MediaSource,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)


class _Input(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Message(msgspec.Struct):
    content: list[_Input]


_inputs = msgspec.json.Decoder(_Message)


def parts_of(content: Any, path: str, message: msgspec.Raw | None = None) -> tuple[Part, ...]:
    """
    The parts of a ``content`` (or ``system``) value, a string or a list of blocks.

    Args:
        content: the decoded value.
        path: its place.
        message: the message around it as it was written, whence tool inputs keep their text.

    Raises:
        MalformedRequest: a block is not what its type demands.
    """
    if isinstance(content, str):
        return (Text(text=content),)
    if not isinstance(content, list):
        raise expected(path, "a string or a list of content blocks", content)
    blocks = [Fields(block, f"{path}[{index}]") for index, block in enumerate(content)]
    inputs = _inputs_of(content, message)
    return tuple(
        _part(block, value, inputs[index] if inputs else None)
        for index, (block, value) in enumerate(zip(blocks, content, strict=True))
    )


def _inputs_of(content: Sequence[Any], message: msgspec.Raw | None) -> list[_Input] | None:
    """A second look at messages with calls alone: their arguments must stay as they were written."""
    if message is None or not any(isinstance(b, dict) and b.get("type") == "tool_use" for b in content):
        return None
    return _inputs.decode(message).content


def _part(fields: Fields, value: Any, written: _Input | None) -> Part:
    kind = fields.text("type")
    if kind == "tool_use":
        return _tool_call(fields, written)
    read = _READERS.get(kind)
    part = None if read is None else read(fields)
    return ForeignPart(dialect=NAME, payload=msgspec.json.encode(value)) if part is None else part


def _text(fields: Fields) -> Text:
    return Text(
        text=fields.text("text"),
        cache_control=fields.anything("cache_control"),
        extensions=kept(fields.rest()),
    )


def _thinking(fields: Fields) -> Thinking:
    return Thinking(
        text=fields.text("thinking"),
        signature=fields.optional_text("signature"),
        extensions=kept(fields.rest()),
    )


def _redacted_thinking(fields: Fields) -> Thinking:
    return Thinking(redacted=fields.text("data"), extensions=kept(fields.rest()))


def _tool_call(fields: Fields, written: _Input | None) -> ToolCall:
    given = fields.anything("input")
    if given is not None and not isinstance(given, dict):
        raise expected(fields.path("input"), "an object", given)
    text = bytes(written.input) if written and given is not None else msgspec.json.encode(given or {})
    return ToolCall(
        id=fields.text("id"),
        name=fields.text("name"),
        arguments=text.decode(),
        cache_control=fields.anything("cache_control"),
        extensions=kept(fields.rest()),
    )


def _tool_result(fields: Fields) -> ToolResult:
    return ToolResult(
        call_id=fields.text("tool_use_id"),
        content=_result_content(fields.anything("content"), fields.path("content")),
        is_error=fields.optional_flag("is_error") or False,
        cache_control=fields.anything("cache_control"),
        extensions=kept(fields.rest()),
    )


def _result_content(content: Any, path: str) -> tuple[Text | Image | Document | ForeignPart, ...]:
    parts = () if content is None or content == "" else parts_of(content, path)
    return tuple(
        part if isinstance(part, _RESULT_PARTS) else _foreign(content[i]) for i, part in enumerate(parts)
    )


_RESULT_PARTS = (Text, Image, Document, ForeignPart)


def _foreign(value: Any) -> ForeignPart:
    return ForeignPart(dialect=NAME, payload=msgspec.json.encode(value))


def _image(fields: Fields) -> Image | None:
    source = _media_source(fields.nested("source"))
    if source is None:
        return None
    return Image(
        source=source, cache_control=fields.anything("cache_control"), extensions=kept(fields.rest())
    )


def _document(fields: Fields) -> Document | None:
    given = fields.anything("source")
    source = _document_source(Fields(given, fields.path("source")))
    if source is None:
        return None
    title = fields.optional_text("title")
    cache_control = fields.anything("cache_control")
    rest = fields.rest()
    if given["type"] == "content":
        # The blocks carry the chunks that citations point at; at home they go back as they came.
        rest["source"] = given
    return Document(source=source, title=title, cache_control=cache_control, extensions=kept(rest))


def _document_source(source: Fields) -> MediaSource | Text | None:
    if not source.has("type"):
        raise expected(source.path("type"), "a string", None)
    match source.rest():
        case {"type": "text"}:
            return Text(text=source.text("data"))
        case {"type": "content", "content": str(text)}:
            return Text(text=text)
        case {"type": "content", "content": list(blocks)}:
            return _joined(parts_of(blocks, source.path("content")))
        case _:
            return _media_source(source)


def _joined(parts: Sequence[Part]) -> Text | None:
    """Text alone can be read anywhere; a document with pictures in it is for this dialect."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    return Text(text="\n\n".join(texts)) if len(texts) == len(parts) else None


def _media_source(source: Fields) -> MediaSource | None:
    match source.text("type"):
        case "base64":
            return InlineData(media_type=source.text("media_type"), base64=source.text("data"))
        case "url":
            return Link(url=source.text("url"))
        case "file":
            return FileReference(file_id=source.text("file_id"))
        case _:
            return None


_READERS: Final[Mapping[str, Callable[[Fields], Part | None]]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _redacted_thinking,
    "tool_result": _tool_result,
    "image": _image,
    "document": _document,
}
"""Block type -> its reader; ``None`` from a reader, like an unknown type, makes the block foreign."""
