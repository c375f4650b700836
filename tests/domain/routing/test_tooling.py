"""Tools are told as their target can take them, and the client never sees another name than its own."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversation.parts import ForeignPart, Text, ToolCall, ToolResult
from domain.conversation.reply import ReplyEvent, TextDelta, ToolCallStarted
from domain.conversation.request import (
    Conversation,
    ForeignTool,
    Message,
    Role,
    Tool,
    ToolChoice,
    ToolUse,
)
from domain.repair.tool_names import NamesRestored
from domain.routing.tooling import Tooling, defers, safe_names, tooled

LEGAL = re.compile(r"[A-Za-z0-9_-]{1,64}")
LONG = "mcp__a_server_with_a_long_name__" + "and_a_tool_with_a_longer_one_" * 2
SEARCH = ForeignTool(
    dialect="anthropic_messages", payload=b'{"type": "tool_search_tool_regex_20251119", "name": "find"}'
)
LATE = Tool(name="late", extensions={"anthropic_messages": {"defer_loading": True, "x": 1}})

names = st.lists(
    st.text(min_size=1, max_size=80) | st.from_regex(r"[a-z_.]{60,70}", fullmatch=True), unique=True
)


def tools(*names: str) -> list[Tool]:
    return [Tool(name=name) for name in names]


def told_as(given: dict[str, str], name: str) -> str:
    return given.get(name, name)


@given(names)
def test_every_name_is_legal_and_none_is_shared(own: list[str]) -> None:
    given = dict(safe_names(own))
    told = [told_as(given, name) for name in own]

    assert all(LEGAL.fullmatch(name) for name in told)
    assert len(set(told)) == len(own)
    assert all(name not in given for name in own if LEGAL.fullmatch(name))
    assert given == safe_names(own)


@given(names)
def test_the_client_gets_its_own_names_back(own: list[str]) -> None:
    given = dict(safe_names(own))
    called: list[ReplyEvent] = [ToolCallStarted(call=0, id="1", name=told_as(given, name)) for name in own]

    back = NamesRestored(given).feed(tuple(called))

    assert [event.name for event in back if isinstance(event, ToolCallStarted)] == own


def test_names_that_the_bound_would_make_alike_stay_apart() -> None:
    given = safe_names([LONG + "read", LONG + "write"])

    assert len(set(given.values())) == 2
    assert all(len(name) == 64 for name in given.values())


def test_a_plain_name_that_is_taken_is_marked() -> None:
    given = safe_names(["a.b", "a_b"])

    assert set(given) == {"a.b"}
    assert given["a.b"].startswith("a_b_")


def test_calls_results_and_the_choice_are_told_alike() -> None:
    call = ToolCall(id="1", name="a.b", arguments="{}")
    said = Conversation(
        messages=(Message(role=Role.ASSISTANT, parts=(call, Text(text="a.b"))),),
        tools=tuple(tools("a.b")),
        tool_choice=ToolChoice(use=ToolUse.NAMED, name="a.b"),
    )

    told = tooled(said, Tooling(names={"a.b": "a_b"}))

    assert told.tools[0] == Tool(name="a_b")
    assert told.tool_choice == ToolChoice(use=ToolUse.NAMED, name="a_b")
    first, second = told.messages[0].parts
    assert isinstance(first, ToolCall)
    assert first.name == "a_b"
    assert second == Text(text="a.b")


def test_what_need_not_change_is_the_very_same() -> None:
    said = Conversation(messages=(), tools=tuple(tools("a")))

    assert tooled(said, Tooling()) is said


def test_words_pass_the_stage_as_they_are() -> None:
    events: tuple[ReplyEvent, ...] = (TextDelta("a_b"), ToolCallStarted(call=0, id="1", name="other"))

    assert NamesRestored({"a.b": "a_b"}).feed(events) is events


def refers(*tools: str) -> ForeignPart:
    names = ",".join(f'{{"type":"tool_reference","tool_name":"{name}"}}' for name in tools)
    return ForeignPart(dialect="anthropic_messages", payload=names.encode())


SERVER_CALL = ForeignPart(
    dialect="anthropic_messages",
    payload=b'{"type":"server_tool_use","id":"s","name":"tool_search_tool_regex","input":{}}',
)


@pytest.mark.parametrize(
    ("offered", "parts", "found"),
    [
        ((SEARCH,), (), True),
        ((LATE,), (), True),
        (tools("a"), (), False),
        (tools("a"), (ToolResult(call_id="1", content=(refers("a"),)),), True),
        ((), (SERVER_CALL,), True),
        ((), (ToolResult(call_id="1", content=(Text(text='"tool_reference"'),)),), False),
    ],
)
def test_tools_that_are_looked_up_are_found(offered: Any, parts: Any, found: bool) -> None:
    said = Conversation(messages=(Message(role=Role.USER, parts=parts),), tools=tuple(offered))

    assert defers(said) is found


def test_tools_that_were_found_once_are_told_in_words_where_none_waits_any_more() -> None:
    result = ToolResult(call_id="1", content=(refers("late"),))
    found = (SERVER_CALL, refers("a.b", "c"))
    turns = (Message(role=Role.ASSISTANT, parts=found), Message(role=Role.USER, parts=(result,)))
    tooling = Tooling(offers_all=True, names={"a.b": "a_b"})

    searched, answered = tooled(Conversation(messages=turns), tooling).messages

    assert searched.parts == (Text(text="Available tools: a_b, c."),)
    assert answered.parts == (ToolResult(call_id="1", content=(Text(text="Available tools: late."),)),)


def test_where_nothing_is_looked_up_every_tool_is_offered() -> None:
    reference = ForeignPart(
        dialect="anthropic_messages", payload=b'{"type":"tool_reference","tool_name":"late"}'
    )
    result = ToolResult(call_id="1", content=(reference,))
    said = Conversation(messages=(Message(role=Role.USER, parts=(result,)),), tools=(SEARCH, LATE))

    told = tooled(said, Tooling(offers_all=True))

    assert told.tools == (Tool(name="late", extensions={"anthropic_messages": {"x": 1}}),)
    (part,) = told.messages[0].parts
    assert isinstance(part, ToolResult)
    assert part.content == (Text(text="Available tools: late."),)


def test_schemas_are_told_in_plain_words() -> None:
    tool = Tool(name="a", parameters={"type": ["object", "null"], "$schema": "x"})

    told = tooled(Conversation(messages=(), tools=(tool,)), Tooling(plain_schemas=True))

    assert told.tools == (Tool(name="a", parameters={"type": "object"}),)
