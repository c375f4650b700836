"""Reads what messages and tool outputs are made of: text, pictures, files."""

import mimetypes
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from adapters.dialects.fields import Fields, expected
from adapters.dialects.openai_responses.words import NAME, kept
from domain.conversation.parts import (
    Document,
    FileReference,
    ForeignPart,
    Image,
    InlineData,
    Link,
    MediaSource,
    Refusal,
    Text,
)
from domain.conversation.request import MalformedRequest

ContentPart: TypeAlias = Text | Image | Document | Refusal | ForeignPart

_DATA_URI = re.compile(r"data:(?P<media_type>[^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)
_PLAIN_FILE = "application/octet-stream"


def content_parts(content: Any, path: str) -> tuple[ContentPart, ...]:
    """
    A message's ``content`` or a tool's ``output``: a string, or a list of parts.

    Raises:
        MalformedRequest: something else, or a part that is not what its type says.
    """
    if content is None or content == "":
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    if not isinstance(content, list):
        raise expected(path, "a string or a list of parts", content)
    return tuple(_part(part, f"{path}[{index}]") for index, part in enumerate(content))


def _part(value: Any, path: str) -> ContentPart:
    fields = Fields(value, path)
    read = _READERS.get(fields.text("type"))
    return ForeignPart(dialect=NAME, payload=msgspec.json.encode(value)) if read is None else read(fields)


def _text(fields: Fields) -> Text:
    """An answer's annotations and log probabilities are nothing that a model reads again."""
    text = fields.text("text")
    fields.anything("annotations")
    fields.anything("logprobs")
    return Text(text=text, extensions=kept(fields.rest()))


def _refusal(fields: Fields) -> Refusal:
    return Refusal(text=fields.text("refusal"), extensions=kept(fields.rest()))


def _image(fields: Fields) -> Image:
    file_id = fields.optional_text("file_id")
    source = FileReference(file_id=file_id) if file_id else media_source(_image_url(fields))
    return Image(source=source, extensions=kept(fields.rest()))


def _image_url(fields: Fields) -> str:
    """Some clients put an object around the URL, as in chat completions."""
    if isinstance(fields.peek("image_url"), dict):
        return fields.nested("image_url").text("url")
    return fields.text("image_url")


def _file(fields: Fields) -> Document:
    title = fields.optional_text("filename")
    file_id, url = fields.optional_text("file_id"), fields.optional_text("file_url")
    data = fields.optional_text("file_data")
    source: MediaSource
    if file_id:
        source = FileReference(file_id=file_id)
    elif data:
        source = _file_data(data, title)
    elif url:
        source = Link(url=url)
    else:
        raise MalformedRequest(fields.path("file_data"), "expected file_data, file_url or file_id")
    return Document(source=source, title=title, extensions=kept(fields.rest()))


def media_source(url: str) -> MediaSource:
    """A data URI's content, or a link."""
    head = _DATA_URI.match(url)
    if head is None:
        return Link(url=url)
    return InlineData(media_type=head["media_type"], base64=url[head.end() :])


def _file_data(data: str, title: str | None) -> MediaSource:
    """A data URI; or bare base64, whose type only the file's name tells."""
    if _DATA_URI.match(data):
        return media_source(data)
    guessed = mimetypes.guess_type(title)[0] if title else None
    return InlineData(media_type=guessed or _PLAIN_FILE, base64=data)


_READERS: Mapping[str, Callable[[Fields], ContentPart]] = {
    "input_text": _text,
    "output_text": _text,
    "text": _text,
    "summary_text": _text,
    "input_image": _image,
    "input_file": _file,
    "refusal": _refusal,
}
"""A part's ``type`` -> how to read it. Sound and whatever comes later stay as they are."""
