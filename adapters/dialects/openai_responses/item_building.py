"""Builds input items out of messages."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from adapters.dialects.openai_responses.free_text import unwrapped
from adapters.dialects.openai_responses.tool_names import ClientTool, ToolForm, search_arguments
from adapters.dialects.openai_responses.words import (
    NAME,
    own,
    sealed_redaction,
    sealed_signature,
)
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
from domain.conversation.request import MalformedRequest, Message, Role

Item = dict[str, Any]

_ROLES: Mapping[Role, str] = {Role.TOOL: "user"}
"""Roles of ours that this dialect has no messages for."""


def items_of(messages: Iterable[Message], known: Mapping[str, ClientTool], *, at_home: bool) -> list[Item]:
    """
    The value of ``input``.

    Args:
        known: flat name -> the tool as the client knows it.
        at_home: the messages came in this dialect, so its own seals and file ids mean something.

    Raises:
        MalformedRequest: a part cannot be said in this dialect.
    """
    building = _Items(known, at_home=at_home)
    for index, message in enumerate(messages):
        building.add(message, f"messages[{index}].content")
    return building.items


class _Items:
    def __init__(self, known: Mapping[str, ClientTool], *, at_home: bool) -> None:
        self.items: list[Item] = []
        self._known = known
        self._at_home = at_home
        self._custom_calls: set[str] = set()

    def add(self, message: Message, path: str) -> None:
        """Content in a row is one message; calls, results and thoughts are items between."""
        content: list[Any] = []
        for index, part in enumerate(message.parts):
            items = list(self._items(part, f"{path}[{index}]"))
            if isinstance(part, Thinking | ToolCall | ToolResult):
                self._close(message.role, content)
                content = []
                self.items += items
            else:
                content += items if message.role is not Role.ASSISTANT else _as_output(items)
        self._close(message.role, content)

    def _close(self, role: Role, content: list[Any]) -> None:
        if content:
            self.items.append({"type": "message", "role": _ROLES.get(role, role.value), "content": content})

    def _items(self, part: Part, path: str) -> Iterator[Any]:
        match part:
            case Thinking():
                yield from self._thinking(part)
            case ToolCall():
                yield self._call(part)
            case ToolResult():
                yield self._result(part, path)
            case _:
                yield self._content(part, path)

    def _thinking(self, part: Thinking) -> Iterator[Item]:
        """Thinking of another vendor's model is none of this one's."""
        if not self._at_home:
            return
        said = dict(own(part.extensions))
        if part.redacted is not None:
            said["encrypted_content"] = sealed_redaction(part.redacted)
        elif part.signature is not None:
            said["encrypted_content"] = sealed_signature(part.signature)
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        yield {"type": "reasoning", "summary": summary, **said}

    def _call(self, part: ToolCall) -> Item:
        client = self._known.get(part.name, ClientTool(part.name))
        where = {} if client.namespace is None else {"namespace": client.namespace}
        if client.form is ToolForm.CUSTOM or own(part.extensions).get("type") == "custom_tool_call":
            self._custom_calls.add(part.id)
            said = {"name": client.name, "input": unwrapped(part.arguments)}
            return {"type": "custom_tool_call", "call_id": part.id, **where, **said}
        if client.form is ToolForm.SEARCH:
            searched = {"type": "tool_search_call", "call_id": part.id, "execution": "client"}
            return {**searched, "arguments": search_arguments(part.arguments)}
        said = {"name": client.name, "arguments": part.arguments}
        return {"type": "function_call", "call_id": part.id, **where, **said}

    def _result(self, part: ToolResult, path: str) -> Item:
        found = own(part.extensions).get("tools")
        if found is not None:
            searched = {"type": "tool_search_output", "call_id": part.call_id, "execution": "client"}
            return {**searched, "status": "completed", "tools": found}
        custom = part.call_id in self._custom_calls
        kind = "custom_tool_call_output" if custom else "function_call_output"
        content = [self._content(piece, f"{path}.content[{i}]") for i, piece in enumerate(part.content)]
        match part.content:
            case (Text(text=text),):
                output: Any = text
            case _:
                output = content or ""
        return {"type": kind, "call_id": part.call_id, "output": output}

    def _content(self, part: Part, path: str) -> Any:
        match part:
            case Text(text=text):
                return {"type": "input_text", "text": text, **own(part.extensions)}
            case Refusal(text=text):
                return {"type": "refusal", "refusal": text, **own(part.extensions)}
            case Image(source=source):
                image = self._media(source, path, image=True)
                return {"type": "input_image", "detail": "auto", **image, **own(part.extensions)}
            case Document():
                return self._document(part, path)
            case ForeignPart(dialect=dialect, payload=payload) if dialect == NAME:
                return msgspec.Raw(payload)
            case _:
                raise MalformedRequest(path, f"this part has no counterpart in {NAME}")

    def _document(self, part: Document, path: str) -> Any:
        if isinstance(part.source, Text):
            return {"type": "input_text", "text": part.source.text}
        title = {} if part.title is None else {"filename": part.title}
        file = self._media(part.source, path, image=False)
        return {"type": "input_file", **title, **file, **own(part.extensions)}

    def _media(self, source: MediaSource, path: str, *, image: bool) -> Item:
        match source:
            case InlineData(media_type=media_type, base64=data):
                return {"image_url" if image else "file_data": f"data:{media_type};base64,{data}"}
            case Link(url=url):
                return {"image_url" if image else "file_url": url}
            case FileReference(file_id=file_id):
                if not self._at_home:
                    raise MalformedRequest(
                        path, "a stored file belongs to the vendor it was given to; send it inline"
                    )
                return {"file_id": file_id}


def _as_output(items: list[Any]) -> list[Any]:
    """What the assistant said is called output, also when it goes in again."""
    return [
        {**item, "type": "output_text"}
        if isinstance(item, dict) and item.get("type") == "input_text"
        else item
        for item in items
    ]
