"""How tools of this dialect are offered to models of others, and called back by their own names."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.dialects.openai_responses.tool_names import ClientTool, ToolForm, client_tools
from domain.conversation.parts import Text, ToolCall, ToolResult
from domain.conversation.request import Conversation, ForeignTool, Tool
from tests.adapters.dialects.strategies import NAMES

SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}}


def conversation(*tools: dict[str, Any], **fields: Any) -> Conversation:
    body = {"input": "hi", "tools": list(tools)} | fields
    return OPENAI_RESPONSES.decode_request(json.dumps(body).encode(), {}).conversation


def own_tools(*tools: dict[str, Any]) -> list[Tool]:
    return [tool for tool in conversation(*tools).tools if isinstance(tool, Tool)]


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "name": name, "parameters": SCHEMA, **fields}


def namespace(name: str, *tools: dict[str, Any], description: str = "") -> dict[str, Any]:
    return {"type": "namespace", "name": name, "description": description, "tools": list(tools)}


def test_a_function_is_a_tool() -> None:
    (tool,) = own_tools(function("read", description="Reads.", strict=False))

    assert (tool.name, tool.description, tool.parameters) == ("read", "Reads.", SCHEMA)


def test_a_namespace_becomes_part_of_the_names_and_tells_itself_once() -> None:
    first, second = own_tools(
        namespace("agents", function("close", description="Closes."), function("open"), description="Agents.")
    )

    assert (first.name, second.name) == ("agents__close", "agents__open")
    assert (first.description, second.description) == ("Agents.\n\nCloses.", None)
    assert client_tools([first, second])["agents__open"] == ClientTool("open", "agents")


def test_a_free_text_tool_is_a_function_of_one_string_that_tells_its_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: patch"}

    (tool,) = own_tools({"type": "custom", "name": "apply_patch", "description": "Edits.", "format": grammar})

    assert tool.description == (
        "Edits.\n\nGive the text as the string parameter `input`."
        "\n\nThe input must follow this lark grammar:\nstart: patch"
    )
    assert tool.parameters is not None
    assert tool.parameters["required"] == ["input"]
    assert client_tools([tool])["apply_patch"] == ClientTool("apply_patch", None, ToolForm.CUSTOM)


def test_tools_that_the_vendor_runs_are_no_reason_to_refuse() -> None:
    hosted: list[dict[str, Any]] = [
        {"type": "web_search", "external_web_access": True},
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "computer_use_preview", "display_width": 1},
        {"type": "mcp", "server_label": "x"},
        {"type": "local_shell"},
        {"type": "tool_search", "execution": "server"},
        {"type": "of_next_year"},
    ]

    assert all(isinstance(tool, ForeignTool) for tool in conversation(*hosted).tools)


def test_a_choice_of_some_tools_leaves_the_others_out() -> None:
    hosted: dict[str, Any] = {"type": "web_search"}
    tools = [function("a"), function("b"), namespace("n", function("c")), hosted]
    chosen = [{"type": "function", "name": "b"}, {"type": "namespace", "name": "n"}]

    asked = conversation(*tools, tool_choice={"type": "allowed_tools", "mode": "auto", "tools": chosen})

    assert [tool.name for tool in asked.tools if isinstance(tool, Tool)] == ["b", "n__c"]
    assert len(asked.tools) == 2


def test_calls_in_the_history_have_the_names_that_their_tools_have_now() -> None:
    long = "very_long_name_" * 6
    items = [
        {"type": "function_call", "call_id": "a", "namespace": "n", "name": long, "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "gone.tool", "arguments": "{}"},
    ]

    asked = conversation(namespace("n", function(long)), input=items)

    (tool,) = (tool for tool in asked.tools if isinstance(tool, Tool))
    assert [part.name for part in asked.messages[0].parts if hasattr(part, "name")] == [
        tool.name,
        "gone_tool",
    ]


SEARCH = {"type": "tool_search", "execution": "client", "description": "Finds.", "parameters": SCHEMA}


def searched(*found: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"role": "user", "content": "go"},
        {"type": "tool_search_call", "call_id": "s", "execution": "client", "arguments": {"query": "x"}},
        {"type": "tool_search_output", "call_id": "s", "execution": "client", "tools": list(found)},
    ]


def test_a_search_for_tools_that_the_client_does_is_a_tool() -> None:
    (tool,) = own_tools(SEARCH)

    assert (tool.name, tool.description, tool.parameters) == ("tool_search", "Finds.", SCHEMA)


def test_tools_that_a_search_found_are_told_and_can_be_called() -> None:
    found = namespace("mcp", function("read", description="Reads."), function("write"))

    asked = conversation(SEARCH, function("write"), input=searched(found, function("write")))

    assert [tool.name for tool in asked.tools if isinstance(tool, Tool)] == [
        "tool_search",
        "write",
        "mcp__read",
        "mcp__write",
    ]
    call, result = asked.messages[1].parts[0], asked.messages[2].parts[0]
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == ("tool_search", '{"query":"x"}')
    assert isinstance(result, ToolResult)
    assert isinstance(result.content[0], Text)
    assert result.content[0].text.endswith(": mcp__read, mcp__write, write")


def test_a_search_that_found_nothing_says_so() -> None:
    asked = conversation(SEARCH, input=searched())

    result = asked.messages[2].parts[0]
    assert isinstance(result, ToolResult)
    assert result.content == (Text(text="No tools were found."),)


@given(
    st.lists(
        st.tuples(
            st.none() | NAMES | st.just("a__b"), st.text(min_size=1, max_size=90) | NAMES | st.just("c")
        ),
        unique=True,
        max_size=8,
    )
)
def test_any_names_are_flattened_without_two_becoming_one(names: list[tuple[str | None, str]]) -> None:
    tools = [function(name) if space is None else namespace(space, function(name)) for space, name in names]

    read = own_tools(*tools)

    known = client_tools(read)
    assert len({tool.name for tool in read}) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", tool.name) for tool in read)
    assert [
        (client.namespace, client.name)
        for tool in read
        for client in [known.get(tool.name, ClientTool(tool.name))]
    ] == names


def test_a_plain_name_that_is_legal_stays_whatever_namespaces_say() -> None:
    spaced, plain = own_tools(namespace("a", function("b")), function("a__b"))

    assert plain.name == "a__b"
    assert spaced.name != "a__b"
