"""What is told of calls and results that had to be paired is what the dialects have done about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect, Outgoing
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from domain.conversation.built import Built
from domain.conversation.pairing import unpaired
from domain.conversation.parts import Text, ToolCall, ToolResult
from domain.conversation.request import ChatRequest, Conversation, Message, Role

ids = st.lists(st.sampled_from("abc"), max_size=3)


def asked(calls: list[str]) -> Message:
    parts = tuple(ToolCall(id=each, name="x", arguments="{}") for each in calls)
    return Message(role=Role.ASSISTANT, parts=(Text(text="calls"), *parts))


def answered(calls: list[str]) -> Message:
    parts = tuple(ToolResult(call_id=each, content=(Text(text="r"),)) for each in calls)
    return Message(role=Role.USER, parts=(*parts, Text(text="goes on")))


turns = st.lists(st.tuples(ids, ids), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("dialect", "interrupted", "orphaned"),
    [
        (OPENAI_CHAT, b"[interrupted: ", b"which is no longer shown"),
        (ANTHROPIC_MESSAGES, b"The call was interrupted: ", b"which is no longer part of this conversation"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@given(turns)
def test_each_repair_is_counted(
    dialect: Dialect, interrupted: bytes, orphaned: bytes, said: list[tuple[list[str], list[str]]]
) -> None:
    messages = tuple(message for calls, results in said for message in (asked(calls), answered(results)))
    source = Built(Conversation(messages=messages))
    request = ChatRequest(dialect="openai_responses", model="m", source=source)

    body = dialect.encode_request(Outgoing(request=request, model="m", stream=False))

    found = unpaired(messages)
    assert (body.count(interrupted), body.count(orphaned)) == (found.calls, found.results)
