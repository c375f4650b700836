"""What a message is made of: text, media, thinking, tool calls and their results."""

from collections.abc import Mapping
from typing import TypeAlias

from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json
from domain.values import value

Logprobs: TypeAlias = "tuple[Mapping[str, Json], ...]"
"""
How likely tokens were, an object for each: ``token``, ``logprob``, ``bytes`` and ``top_logprobs``, the same
of others that might have stood there. All dialects that tell this use these words.
"""


@value(kw_only=True)
class Text:
    """
    Words.

    ``cache_control`` is the cache breakpoint that a vendor understands, verbatim; ``logprobs`` belong to an
    answer for which they were asked.
    """

    text: str
    cache_control: Json = None
    logprobs: Logprobs = ()
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class InlineData:
    """Media carried in the request itself; ``base64`` is the data as it was sent."""

    media_type: str
    base64: str


@value(kw_only=True)
class Link:
    """Media the upstream fetches for itself."""

    url: str


@value(kw_only=True)
class FileReference:
    """Media stored with the vendor beforehand."""

    file_id: str


MediaSource: TypeAlias = InlineData | Link | FileReference


@value(kw_only=True)
class Image:
    """A picture."""

    source: MediaSource
    cache_control: Json = None
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class Document:
    """A file to read, such as a PDF or a plain text."""

    source: MediaSource | Text
    title: str | None = None
    cache_control: Json = None
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class Thinking:
    """
    Reasoning shown beside the answer.

    A ``signature`` is only worth something to the provider that issued it; ``redacted`` data is opaque.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class ToolCall:
    """A call that the model asks for; ``arguments`` is JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str
    cache_control: Json = None
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class Refusal:
    """The model's words for declining."""

    text: str
    extensions: Extensions = NO_EXTENSIONS


@value(kw_only=True)
class ForeignPart:
    """A part that only the dialect named can read; ``payload`` is its JSON text."""

    dialect: str
    payload: bytes


@value(kw_only=True)
class ToolResult:
    """What a tool answered to the call ``call_id``."""

    call_id: str
    content: "tuple[Text | Image | Document | ForeignPart, ...]"
    is_error: bool = False
    cache_control: Json = None
    extensions: Extensions = NO_EXTENSIONS


Part: TypeAlias = Text | Image | Document | Thinking | ToolCall | ToolResult | Refusal | ForeignPart
