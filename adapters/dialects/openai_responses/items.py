"""Reads input items: what was said, thought, called and answered, one item after the other."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from adapters.dialects.fields import Fields
from adapters.dialects.openai_responses.content import content_parts
from adapters.dialects.openai_responses.free_text import wrapped
from adapters.dialects.openai_responses.tool_names import FlatNames, ToolForm
from adapters.dialects.openai_responses.tools import found_words
from adapters.dialects.openai_responses.words import (
    NAME,
    kept,
    unsealed_redaction,
    unsealed_signature,
)
from domain.conversation.parts import (
    ForeignPart,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import Message, Role


def read_items(items: Iterable[Any], names: FlatNames) -> tuple[Message, ...]:
    """
    The items as turns: what the assistant thought, said and called in a row is one message.

    Items that stand for work of the vendor's own tools say nothing to another model and are left out.

    Raises:
        MalformedRequest: with the place, as ``input[2].content[0].type``.
    """
    messages: list[Message] = []
    for index, item in enumerate(items):
        _append(messages, _message(Fields(item, f"input[{index}]"), names))
    return tuple(messages)


def found_tools(items: Any) -> Iterator[tuple[str, list[Any]]]:
    """Tools that came into the conversation later than with the request itself, and their places."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        match item:
            case {"type": "tool_search_output" | "additional_tools", "tools": [*tools]}:
                yield f"input[{index}].tools", tools
            case _:
                pass


def item_type(fields: Fields) -> str:
    """An item's type; an item with a role is a message without saying so."""
    said = fields.optional_text("type")
    return said or ("message" if fields.has("role") else "item_reference")


def _append(messages: list[Message], message: Message | None) -> None:
    if message is None:
        return
    last = messages[-1] if messages else None
    if last is not None and last.role is message.role and message.role in _JOINED:
        messages[-1] = Message(role=last.role, parts=last.parts + message.parts)
    else:
        messages.append(message)


_JOINED = (Role.ASSISTANT, Role.TOOL)


def _message(fields: Fields, names: FlatNames) -> Message | None:
    kind = item_type(fields)
    if kind == "message":
        role = Role(fields.text("role"))
        return Message(role=role, parts=content_parts(fields.anything("content"), fields.path("content")))
    read = _READERS.get(kind)
    if read is None or fields.peek("execution") == "server":
        return None
    role, part = read(fields, names)
    return Message(role=role, parts=(part,))


def _function_call(fields: Fields, names: FlatNames) -> tuple[Role, Part]:
    call = ToolCall(
        id=fields.text("call_id"),
        name=names.name(fields.optional_text("namespace"), fields.text("name")),
        arguments=_arguments(fields.anything("arguments")),
    )
    return Role.ASSISTANT, call


def _arguments(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else msgspec.json.encode(arguments).decode()


def _custom_call(fields: Fields, names: FlatNames) -> tuple[Role, Part]:
    call = ToolCall(
        id=fields.text("call_id"),
        name=names.name(fields.optional_text("namespace"), fields.text("name")),
        arguments=wrapped(fields.text("input")),
        extensions=kept({"type": "custom_tool_call"}),
    )
    return Role.ASSISTANT, call


def _output(fields: Fields, _names: FlatNames) -> tuple[Role, Part]:
    return Role.TOOL, ToolResult(call_id=fields.text("call_id"), content=_output_parts(fields))


def _custom_output(fields: Fields, _names: FlatNames) -> tuple[Role, Part]:
    result = ToolResult(
        call_id=fields.text("call_id"),
        content=_output_parts(fields),
        extensions=kept({"type": "custom_tool_call_output"}),
    )
    return Role.TOOL, result


def _search_call(fields: Fields, names: FlatNames) -> tuple[Role, Part]:
    call = ToolCall(
        id=fields.text("call_id"),
        name=names.name(None, ToolForm.SEARCH.value),
        arguments=_arguments(fields.anything("arguments")),
    )
    return Role.ASSISTANT, call


def _search_output(fields: Fields, names: FlatNames) -> tuple[Role, Part]:
    tools = fields.items("tools")
    result = ToolResult(
        call_id=fields.text("call_id"),
        content=(Text(text=found_words(tools, fields.path("tools"), names)),),
        extensions=kept({"tools": tools}),
    )
    return Role.TOOL, result


def _output_parts(fields: Fields) -> tuple[Any, ...]:
    """A string, parts, or any other JSON, as older clients send it."""
    path, output = fields.path("output"), fields.anything("output")
    if isinstance(output, dict):
        return (Text(text=msgspec.json.encode(output).decode()),)
    return tuple(
        ForeignPart(dialect=NAME, payload=msgspec.json.encode({"type": "refusal", "refusal": part.text}))
        if isinstance(part, Refusal)
        else part
        for part in content_parts(output, path)
    )


def _reasoning(fields: Fields, _names: FlatNames) -> tuple[Role, Part]:
    """What is sealed by us goes back to whom it came from; what OpenAI sealed, OpenAI alone can use."""
    sealed = fields.optional_text("encrypted_content")
    redacted = unsealed_redaction(sealed)
    if redacted is not None:
        return Role.ASSISTANT, Thinking(redacted=redacted)
    text = _words(fields, "content") or _words(fields, "summary")
    signature = unsealed_signature(sealed)
    if signature is not None:
        return Role.ASSISTANT, Thinking(text=text, signature=signature)
    said = {"id": fields.optional_text("id"), "encrypted_content": sealed}
    return Role.ASSISTANT, Thinking(
        text=text, extensions=kept({key: value for key, value in said.items() if value is not None})
    )


def _words(fields: Fields, key: str) -> str:
    path = fields.path(key)
    texts = [Fields(part, f"{path}[{index}]") for index, part in enumerate(fields.items(key))]
    return "\n\n".join(part.text("text") for part in texts)


_READERS: Mapping[str, Callable[[Fields, FlatNames], tuple[Role, Part]]] = {
    "function_call": _function_call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _custom_output,
    "reasoning": _reasoning,
    "tool_search_call": _search_call,
    "tool_search_output": _search_output,
}
"""An item's ``type`` -> how to read it."""
