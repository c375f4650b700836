"""What is read from the end of a history is what a reading of the whole of it says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from domain.conversation.request import ChatRequest, MalformedRequest, Role, newest_of

TEXT = st.sampled_from(["", "hello", "日本", "a\nb"])
MARK = st.sampled_from([{}, {"cache_control": {"type": "ephemeral"}}, {"x_unknown": 1}])
"""What may stand beside the rest of a block."""


def block(**fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda given, mark: given | mark, st.fixed_dictionaries(fields), MARK)


SAID = block(type=st.just("text"), text=TEXT)
CALL = block(
    type=st.just("tool_use"), id=st.just("t1"), name=st.just("Bash"), input=st.just({"command": "ls"})
)
RESULT = block(
    type=st.just("tool_result"), tool_use_id=st.just("t1"), content=TEXT | st.lists(SAID, max_size=2)
)
NEWER = block(type=st.just("of_next_year"), body=TEXT)
MESSAGES = st.lists(
    st.builds(
        lambda message, beside: message | beside,
        st.fixed_dictionaries({"role": st.just("user"), "content": TEXT | st.lists(SAID | RESULT | NEWER)})
        | st.fixed_dictionaries({"role": st.just("assistant"), "content": TEXT | st.lists(SAID | CALL)})
        | st.fixed_dictionaries({"role": st.just("system"), "content": TEXT}),
        st.sampled_from([{}, {}, {"x_unknown": True}]),
    ),
    min_size=1,
    max_size=6,
)
WANTED = st.sets(st.sampled_from([Role.USER, Role.ASSISTANT, Role.TOOL, Role.SYSTEM]))


@given(MESSAGES, WANTED)
def test_the_newest_messages_are_those_of_the_whole_conversation(
    messages: list[dict[str, Any]], wanted: set[Role]
) -> None:
    newest = list(request_of(messages).source.newest(*wanted))

    assert newest == list(newest_of(request_of(messages).source.conversation(), wanted))


@pytest.mark.parametrize("beside", [{}, {"x_unknown": True}])
def test_an_old_message_that_is_wrong_does_not_keep_the_newest_from_being_read(
    beside: dict[str, Any],
) -> None:
    wrong = {"role": "assistant", "content": [{"type": "tool_use"}]} | beside
    newest = request_of([wrong, {"role": "user", "content": "hi"}]).source.newest(Role.USER, Role.ASSISTANT)

    assert next(newest).role is Role.USER
    with pytest.raises(MalformedRequest, match=r"messages\[0\]\.content\[0\]"):
        next(newest)


def request_of(messages: list[dict[str, Any]]) -> ChatRequest:
    body = {"model": "m", "max_tokens": 9, "messages": messages}
    return ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})
