"""A body tells which dialect it is in."""

import json

import pytest

from adapters.dialects.recognition import recognised
from domain.conversation.request import MalformedRequest

_HELLO = [{"role": "user", "content": "hello"}]
_RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ({"messages": _HELLO}, "openai_chat"),
        ({"messages": _HELLO, "tools": [{"type": "function", "function": {"name": "a"}}]}, "openai_chat"),
        ({"messages": _HELLO, "max_tokens": 5}, "openai_chat"),
        ({"input": "hello"}, "openai_responses"),
        ({"prompt": "once upon a time"}, "openai_completions"),
        ({"messages": _HELLO, "system": "be brief"}, "anthropic_messages"),
        ({"messages": _HELLO, "tools": [{"name": "a", "input_schema": {}}]}, "anthropic_messages"),
        ({"messages": [{"role": "user", "content": [_RESULT]}]}, "anthropic_messages"),
        ({"messages": "nonsense", "tools": 3}, "openai_chat"),
        ([], "openai_chat"),
    ],
)
def test_what_only_one_vendor_has_decides(body: object, dialect: str) -> None:
    assert recognised(json.dumps(body).encode()) == dialect


def test_what_is_not_json_is_in_no_dialect() -> None:
    with pytest.raises(MalformedRequest):
        recognised(b"{")
