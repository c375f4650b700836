"""Adds up what a request says: instructions, turns, tools, pictures, documents, and the frame around them."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from domain.conversation.extensions import Json
from domain.conversation.parts import (
    Document,
    ForeignPart,
    Image,
    InlineData,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import Conversation, ForeignTool, MalformedRequest, Message, Tool
from domain.tokens.pictures import picture_tokens

PREAMBLE = 4
MESSAGE = 3
CALL = 12
TOOL = 8
"""Role names, separators and the like: what chat templates put around each of these, on average."""

TOOLS_PREAMBLE = 346
"""What Claude is told about using tools, whenever there are any:
https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview, "Pricing"."""

VENDORS_TOOLS = 2500
"""What Claude is told at most of tools of Anthropic's own that clients run, together (computer 1,234, text
editor 700, bash 245): "Pricing" of each at https://docs.anthropic.com/en/docs/agents-and-tools/tool-use."""

PAGE = 2000
"""A page of a PDF, which is read as text and as a picture:
https://docs.anthropic.com/en/docs/build-with-claude/pdf-support, "Estimate your costs"."""

_PAGE_BYTES = 50_000
"""What a page takes where the file does not let its pages be counted."""
_PDF_PAGE = re.compile(rb"/Type\s*/Page\b")

_KEPT_ELSEWHERE = (b'"file_id"', b'"file_url"', b'"url"', b'"item_reference"')
"""What parts that only one dialect knows say of content that is not in them."""

_SOUND = b'"input_audio"'
_SOUND_BYTES = 2000
"""A tenth of a second as MP3, for which vendors charge a token."""


def request_tokens(conversation: Conversation, count: Callable[[str], int]) -> int:
    """
    The size of the whole request; ``count`` says how many tokens a text is.

    Raises:
        MalformedRequest: it is nested past all sense.
    """
    total = PREAMBLE + sum(_message(message, count) for message in conversation.messages)
    if conversation.tools:
        total += TOOLS_PREAMBLE + sum(TOOL + count(_tool_text(tool)) for tool in conversation.tools)
    return total


def most_request_tokens(
    conversation: Conversation, at_most: Callable[[str], int], *, picture: int
) -> int | None:
    """
    No fewer tokens than the request has, whoever counts; ``None`` where that cannot be told.

    How much a document says that is kept elsewhere, or in a format of its own, only its reader knows.

    Args:
        at_most: a number of tokens that no model makes more of a text than.
        picture: as many as a picture may have beyond what it is estimated at.

    Raises:
        MalformedRequest: it is nested past all sense.
    """
    parts = [part for message in conversation.messages for part in _unfolded(message.parts)]
    if any(_is_closed(part) for part in parts) or any(map(_was_said_aloud, conversation.messages)):
        return None
    pictures = sum(isinstance(part, Image) for part in parts)
    foreign = sum(len(part.payload) for part in parts if isinstance(part, ForeignPart))
    return request_tokens(conversation, at_most) + pictures * picture + foreign


def _was_said_aloud(message: Message) -> bool:
    """An answer that OpenAI keeps as sound, and of which the request has no more than its name."""
    return any("audio" in fields for fields in message.extensions.values())


def words_fit(most_bytes: int, tokens: int) -> bool:
    """
    Whether a request of words alone, of so many bytes at most, certainly is no more than these tokens.

    Vocabularies fall back to bytes, and never below them; what a frame adds costs more bytes in any dialect.
    """
    return most_bytes + TOOLS_PREAMBLE <= tokens


def schema_text(parameters: Mapping[str, Json]) -> str:
    """
    A tool's schema as compact JSON.

    Raises:
        MalformedRequest: it is nested past all sense.
    """
    try:
        return _schemas.encode(parameters)
    except RecursionError:
        raise MalformedRequest("tools", "a schema is nested past all sense") from None


_schemas = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, default=dict)


def _message(message: Message, count: Callable[[str], int]) -> int:
    return MESSAGE + sum(_part(part, count) for part in message.parts)


def _part(part: Part, count: Callable[[str], int]) -> int:
    match part:
        case Text(text=text) | Refusal(text=text):
            return count(text)
        case Thinking(text=text, redacted=redacted):
            return count(text) + count(redacted or "")
        case ToolCall(name=name, arguments=arguments):
            return CALL + count(name) + count(arguments)
        case ToolResult(content=content):
            return CALL + sum(_part(piece, count) for piece in content)
        case Image():
            return picture_tokens(part)
        case Document():
            return _document(part, count)
        case ForeignPart(payload=payload):
            return _foreign(payload, count)


def _unfolded(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if isinstance(part, ToolResult):
            yield from part.content


def _is_closed(part: Part) -> bool:
    """Whether nobody can tell from the request how much there is to read in it."""
    match part:
        case Document(source=Text()):
            return False
        case Document(source=InlineData(media_type=media_type)):
            return not media_type.startswith("text/")
        case Document():
            return True
        case ForeignPart(payload=payload):
            return any(word in payload for word in _KEPT_ELSEWHERE)
        case _:
            return False


def _foreign(payload: bytes, count: Callable[[str], int]) -> int:
    if _SOUND in payload:
        return 1 + len(payload) // _SOUND_BYTES
    return count(payload.decode("utf-8", "replace"))


def _document(document: Document, count: Callable[[str], int]) -> int:
    title = count(document.title or "")
    match document.source:
        case Text(text=text):
            return title + count(text)
        case InlineData(media_type=media_type, base64=data):
            return title + _file(media_type, data, count)
        case _:
            return title + PAGE


def _file(media_type: str, data: str, count: Callable[[str], int]) -> int:
    try:
        content = base64.b64decode(data)
    except (binascii.Error, ValueError):
        content = b""
    if media_type.startswith("text/"):
        return count(content.decode("utf-8", "replace"))
    pages = len(_PDF_PAGE.findall(content)) or 1 + len(content) // _PAGE_BYTES
    return pages * PAGE


def _tool_text(tool: Tool | ForeignTool) -> str:
    match tool:
        case ForeignTool(payload=payload):
            return payload.decode("utf-8", "replace")
        case Tool(name=name, description=description, parameters=parameters):
            schema = () if parameters is None else (schema_text(parameters),)
            return "\n".join((name, description or "", *schema))
