"""Reads the whole of a request into a neutral conversation."""

from typing import Any

from adapters.dialects.fields import Fields, decoded, expected
from adapters.dialects.members import JsonMembers
from adapters.dialects.openai_responses.items import found_tools, read_items
from adapters.dialects.openai_responses.sampling import read_sampling
from adapters.dialects.openai_responses.tools import ToolsReading, read_tool_choice
from adapters.dialects.openai_responses.words import kept
from domain.conversation.parts import Text
from domain.conversation.request import Conversation, Message, Role

_NOT_CONTENT = frozenset({"model", "stream", "stream_options", "profile", "store", "background"})


def read_conversation(members: JsonMembers) -> Conversation:
    """
    Everything that a request says.

    Raises:
        MalformedRequest: something in it is not what the dialect allows; the error names the place.
    """
    values = {
        key: decoded(raw, key) for key in members if key not in _NOT_CONTENT and (raw := members.raw(key))
    }
    fields = Fields(values, "")
    offered = ToolsReading(fields.items("tools"), found_tools(fields.peek("input")))
    parallel = fields.optional_flag("parallel_tool_calls")
    choice, allowed = read_tool_choice(fields.anything("tool_choice"), offered.names, parallel=parallel)
    messages = _instructions(fields.anything("instructions"), offered) + _input(
        fields.anything("input"), offered
    )
    return Conversation(
        messages=messages,
        tools=offered.tools(allowed),
        tool_choice=choice,
        sampling=read_sampling(fields),
        extensions=kept(fields.rest()),
    )


def _instructions(value: Any, offered: ToolsReading) -> tuple[Message, ...]:
    """A string; what a stored prompt makes of it, a list of items, may come back from clients too."""
    if value is None or value == "":
        return ()
    if isinstance(value, list):
        return read_items(value, offered.names)
    if not isinstance(value, str):
        raise expected("instructions", "a string", value)
    return (Message(role=Role.SYSTEM, parts=(Text(text=value),)),)


def _input(value: Any, offered: ToolsReading) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (Message(role=Role.USER, parts=(Text(text=value),)),)
    return read_items(value or (), offered.names)
