"""Reads what a message is made of: text, pictures, files, and parts that only this dialect knows."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from adapters.dialects.fields import Fields, expected
from adapters.dialects.openai_chat.wire import NAME
from domain.conversation.extensions import NO_EXTENSIONS, Extensions, Json
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
    Thinking,
)

ContentPart: TypeAlias = Text | Image | Document | Refusal | Thinking | ForeignPart

_DATA_URI = re.compile(r"data:(?P<media_type>[^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)


def content_parts(content: Any, path: str) -> tuple[ContentPart, ...]:
    """
    A message's ``content``: a string, a list of parts, or null. Empty strings are no parts.

    Raises:
        MalformedRequest: something else, or a part that is not what its type says.
    """
    if content is None or content == "":
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    if not isinstance(content, list):
        raise expected(path, "a string or a list of parts", content)
    return tuple(_part(part, f"{path}[{position}]") for position, part in enumerate(content))


def kept(fields: Mapping[str, Json]) -> Extensions:
    """What this dialect says and the model has no word for."""
    return {NAME: fields} if fields else NO_EXTENSIONS


def json_of(value: object) -> bytes:
    return msgspec.json.encode(value)


def media_source(url: str) -> MediaSource:
    """A data URI's content, or a link."""
    head = _DATA_URI.match(url)
    if head is None:
        return Link(url=url)
    return InlineData(media_type=head["media_type"], base64=url[head.end() :])


def _part(part: Any, path: str) -> ContentPart:
    fields = Fields(part, path)
    kind = fields.text("type")
    read = _READERS.get(kind)
    return read(fields) if read is not None else ForeignPart(dialect=NAME, payload=json_of(part))


def _text(fields: Fields) -> Text:
    text = fields.text("text")
    cache_control = fields.anything("cache_control")
    return Text(text=text, cache_control=cache_control, extensions=kept(fields.rest()))


def _image(fields: Fields) -> Image:
    """Some clients write the URL without the object around it."""
    if isinstance(fields.peek("image_url"), str):
        source, details = media_source(fields.text("image_url")), {}
    else:
        image = fields.nested("image_url")
        source, details = media_source(image.text("url")), image.rest()
    cache_control = fields.anything("cache_control")
    rest = fields.rest() | ({"image_url": details} if details else {})
    return Image(source=source, cache_control=cache_control, extensions=kept(rest))


def _file(fields: Fields) -> Document:
    file = fields.nested("file")
    title = file.optional_text("filename")
    file_id = file.optional_text("file_id")
    source: MediaSource
    source = FileReference(file_id=file_id) if file_id is not None else media_source(file.text("file_data"))
    details = file.rest()
    cache_control = fields.anything("cache_control")
    rest = fields.rest() | ({"file": details} if details else {})
    return Document(source=source, title=title, cache_control=cache_control, extensions=kept(rest))


def _refusal(fields: Fields) -> Refusal:
    return Refusal(text=fields.text("refusal"), extensions=kept(fields.rest()))


_READERS: Mapping[str, Callable[[Fields], ContentPart]] = {
    "text": _text,
    "image_url": _image,
    "file": _file,
    "refusal": _refusal,
}
"""A part's ``type`` -> how to read it. Sound (``input_audio``) and whatever comes later stay as they are."""
