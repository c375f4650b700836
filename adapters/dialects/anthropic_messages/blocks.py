"""Writes parts as content blocks."""

import base64
import binascii
from typing import Any, TypeAlias

import msgspec

from adapters.dialects.anthropic_messages.words import NAME, own
from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
    MediaSource,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import MalformedRequest

Block: TypeAlias = dict[str, Any]

_arguments = msgspec.json.Decoder(dict[str, msgspec.Raw])


def blocks_of(parts: tuple[Part, ...], path: str, *, at_home: bool) -> list[Block]:
    """
    The blocks for these parts; what may not or need not be said leaves none.

    Args:
        parts: of one message.
        path: the place of its content, for errors.
        at_home: the parts came in this dialect, so their own signatures and file ids mean something.

    Raises:
        MalformedRequest: a part cannot be said in this dialect, and leaving it out would not be harmless.
    """
    return [
        block
        for index, part in enumerate(parts)
        if (block := _block(part, f"{path}[{index}]", at_home=at_home)) is not None
    ]


def _block(part: Part, path: str, *, at_home: bool) -> Block | None:
    match part:
        case Text(text=text) | Refusal(text=text):
            return _text(part) if text.strip() else None
        case Image(source=source):
            return _noted(part, {"type": "image", "source": _media(source, path, at_home=at_home)})
        case Document():
            return _document(part, path, at_home=at_home)
        case Thinking():
            return _thinking(part, at_home=at_home)
        case ToolCall():
            return _noted(part, tool_use(part.id, part.name, part.arguments))
        case ToolResult():
            return _tool_result(part, path, at_home=at_home)
        case ForeignPart(dialect=dialect, payload=payload):
            return _foreign(dialect, payload, path)


def tool_use(id: str, name: str, arguments: str) -> Block:
    """A call as a block; its arguments stay as the model wrote them, if they are an object."""
    return {"type": "tool_use", "id": id, "name": name, "input": input_of(arguments)}


def input_of(arguments: str) -> msgspec.Raw | dict[str, Json]:
    """The arguments as an object, which this dialect demands; anything else is kept under ``_raw``."""
    if not arguments.strip():
        return {}
    try:
        _arguments.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return {"_raw": arguments}
    return msgspec.Raw(arguments.encode())


def _text(part: Text | Refusal) -> Block:
    block: Block = {"type": "text", "text": part.text}
    return _noted(part, block) if isinstance(part, Text) else block


def _thinking(part: Thinking, *, at_home: bool) -> Block | None:
    """Unsigned thinking stays at home: no server of this dialect takes it from another."""
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted, **own(part.extensions)}
    if part.signature or at_home:
        signature = {} if part.signature is None else {"signature": part.signature}
        return {"type": "thinking", "thinking": part.text, **signature, **own(part.extensions)}
    return None


def _document(part: Document, path: str, *, at_home: bool) -> Block:
    source = _document_source(part.source, path, at_home=at_home)
    title = {} if part.title is None else {"title": part.title}
    return _noted(part, {"type": "document", "source": source, **title})


def _document_source(source: MediaSource | Text, path: str, *, at_home: bool) -> Block:
    match source:
        case Text(text=text):
            return _plain_text(text)
        case InlineData(media_type=media_type, base64=data) if media_type.startswith("text/"):
            return _plain_text(_decoded(data, path))
        case InlineData() | Link() | FileReference():
            return _media(source, path, at_home=at_home)


def _plain_text(text: str) -> Block:
    return {"type": "text", "media_type": "text/plain", "data": text}


def _decoded(data: str, path: str) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except binascii.Error as error:
        raise MalformedRequest(path, f"not valid base64: {error}") from error


def _media(source: MediaSource, path: str, *, at_home: bool) -> Block:
    match source:
        case InlineData(media_type=media_type, base64=data):
            return {"type": "base64", "media_type": media_type, "data": data}
        case Link(url=url):
            return {"type": "url", "url": url}
        case FileReference(file_id=file_id):
            if not at_home:
                raise MalformedRequest(
                    path, "a stored file belongs to the vendor it was given to; send it inline"
                )
            return {"type": "file", "file_id": file_id}


def _tool_result(part: ToolResult, path: str, *, at_home: bool) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": part.call_id}
    content = blocks_of(part.content, f"{path}.content", at_home=at_home)
    match content:
        case []:
            pass
        case [{"type": "text", "text": text, **others}] if not others:
            block["content"] = text
        case _:
            block["content"] = content
    if part.is_error:
        block["is_error"] = True
    return _noted(part, block)


def _foreign(dialect: str, payload: bytes, path: str) -> Block:
    if dialect != NAME:
        raise MalformedRequest(
            path, f"this part has no counterpart in {NAME}, the language of the chosen upstream"
        )
    block: Block = msgspec.json.decode(payload)
    return block


def _noted(part: Text | Image | Document | ToolCall | ToolResult, block: Block) -> Block:
    return noted(block, part.cache_control, part.extensions)


def noted(block: Block, cache_control: Json, extensions: Extensions) -> Block:
    """The block with its cache breakpoint, and with the fields that it came with if it came from here."""
    if cache_control is not None:
        block["cache_control"] = cache_control
    if extensions is not NO_EXTENSIONS:
        block.update(own(extensions))
    return block
