"""A short request is read in one pass, and a long one part by part; both are understood alike."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from adapters.dialects.openai_chat.body import ChatBody
from adapters.dialects.openai_chat.plain_chat import short_chat
from adapters.dialects.openai_chat.request import decode_request
from domain.conversation.request import MalformedRequest

HI = {"role": "user", "content": "hi"}
USUAL: dict[str, Any] = {"model": "m", "messages": [HI]}
PICTURE = {"type": "image_url", "image_url": {"url": "https://127.0.0.1/a.png"}}
SHOWN = {"role": "user", "content": [PICTURE]}
FUNCTION = {"type": "function", "function": {"name": "read"}}
ODD: st.SearchStrategy[Any] = st.sampled_from([None, False, True, -1, 0, 1, 2, 1.0, "on", [], {}])

bodies = st.fixed_dictionaries(
    {},
    optional={
        "model": st.just("m") | ODD,
        "messages": st.lists(
            st.sampled_from(
                [
                    HI,
                    {"role": "system", "content": [{"type": "text", "text": "größer"}]},
                    SHOWN,
                    {"role": "function", "name": "read", "content": "42"},
                    {"role": "robot", "content": "hi"},
                    {"content": "hi"},
                    "hi",
                ]
            ),
            max_size=3,
        )
        | ODD,
        "stream": ODD,
        "stream_options": st.just({"include_usage": True}) | ODD,
        "profile": st.just("away") | ODD,
        "n": ODD,
        "best_of": ODD,
        "max_tokens": st.integers(1, 9) | ODD,
        "max_completion_tokens": st.integers(1, 9) | ODD,
        "tools": st.lists(st.sampled_from([FUNCTION, {"type": "web_search"}]), max_size=2) | ODD,
        "functions": st.just([{"name": "read"}]) | ODD,
        "cache_control": st.just({"type": "ephemeral", "ttl": "1h"}) | ODD,
        "service_tier": st.just("priority") | ODD,
        "temperature": ODD,
    },
)


def understood(body: bytes) -> object:
    """All that is known of a request without reading its conversation, but for its size; or what is wrong."""
    try:
        request = decode_request(body, {"openai-beta": "b", "x-other": "c"})
        source = request.source
        assert isinstance(source, ChatBody)
        limit, measure = source.output_limit, source.measure
    except MalformedRequest as error:
        return str(error)
    assert measure is None or measure.size == len(body)
    envelope = (request.model, request.stream, request.profile, request.declares_tools, request.choices)
    told = (request.wants_usage, request.headers, source.roles, source.has_only_words, source.is_open_ended)
    return (*envelope, *told, limit, None if measure is None else measure.output_limit)


@given(bodies)
@example(USUAL | {"n": 2, "max_tokens": 5})
@example(USUAL | {"max_tokens": 5, "max_completion_tokens": 7, "stream": True})
def test_a_short_request_is_understood_as_a_long_one_is(body: Mapping[str, Any]) -> None:
    text = json.dumps(body).encode()

    assert understood(text) == understood(text + b" " * 3000)


def test_a_request_of_words_is_short_and_any_other_is_not() -> None:
    assert short_chat(json.dumps(USUAL).encode()) is not None
    assert short_chat(json.dumps(USUAL | {"messages": [HI] * 100}).encode()) is None
    assert short_chat(json.dumps(USUAL | {"messages": [SHOWN]}).encode()) is None
