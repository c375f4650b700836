"""A request that stays in its dialect keeps every byte that need not change."""

import json
from typing import Any

import pytest

from adapters.dialects.dialect import Outgoing, Quirks
from adapters.dialects.openai_chat.request import decode_request, encode_request
from domain.conversation.request import MalformedRequest

PLAIN = Quirks(usage_in_streams=False)
BODY = b'{ "model":"m", "messages" : [ {"role":"user","content":"h\\u0069"} ],\n "x_vendor": 1.0 }'


def sent(body: bytes, **fields: Any) -> bytes:
    outgoing: dict[str, Any] = {"model": "real", "stream": False, "quirks": PLAIN} | fields
    return encode_request(Outgoing(request=decode_request(body, {}), **outgoing))


def told(body: dict[str, Any], **fields: Any) -> Any:
    """What a body becomes, as JSON."""
    return json.loads(
        sent(json.dumps({"model": "m", "messages": [{"role": "user"}]} | body).encode(), **fields)
    )


def test_only_the_model_changes() -> None:
    assert sent(BODY) == BODY.replace(b'"m"', b'"real"')


def test_without_a_model_the_field_is_left_out() -> None:
    assert sent(BODY, model="") == BODY.replace(b' "model":"m",', b"")


def test_a_client_that_gave_no_model_is_given_one() -> None:
    assert told({"model": None})["model"] == "real"


def test_our_own_field_never_leaves() -> None:
    assert "profile" not in told({"profile": "fast"})


def test_a_stream_is_turned_on_and_asks_for_usage() -> None:
    changed = told({}, stream=True, quirks=Quirks())

    assert changed["stream"] is True
    assert changed["stream_options"] == {"include_usage": True}


def test_stream_options_of_the_client_stay() -> None:
    changed = told({"stream": True, "stream_options": {"x": 1}}, stream=True, quirks=Quirks())

    assert changed["stream_options"] == {"x": 1, "include_usage": True}


def test_a_stream_that_is_turned_off_has_no_options() -> None:
    changed = told({"stream": True, "stream_options": {"include_usage": True}})

    assert changed["stream"] is False
    assert "stream_options" not in changed


def test_a_server_that_refuses_stream_options_gets_none_of_ours() -> None:
    assert "stream_options" not in told({}, stream=True)


def test_the_providers_fields_lie_below_the_clients() -> None:
    extra = {"temperature": 0.1, "top_p": 0.2, "model": "x", "messages": [], "stream": True, "profile": "y"}

    changed = told({"temperature": 0.9, "top_p": None}, extra_body=extra)

    assert changed == {
        "model": "real",
        "messages": [{"role": "user"}],
        "temperature": 0.9,
        "top_p": 0.2,
    }


def test_the_providers_word_on_stream_options_counts() -> None:
    extra = {"stream_options": {"include_usage": False}}

    assert told({}, stream=True, quirks=Quirks(), extra_body=extra)["stream_options"] == {
        "include_usage": False
    }
    assert "stream_options" not in told({}, extra_body=extra)


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        ({"max_tokens": 5}, "max_tokens", {"max_tokens": 5}),
        ({"max_completion_tokens": 5}, "max_tokens", {"max_tokens": 5}),
        ({"max_tokens": 5}, "max_completion_tokens", {"max_completion_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 6}, "max_tokens", {"max_tokens": 6}),
        ({"max_tokens": 6, "max_completion_tokens": 5}, "max_tokens", {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 0}, "max_tokens", {"max_tokens": 5}),
        ({"max_tokens": None, "max_completion_tokens": 6}, "max_tokens", {"max_tokens": 6}),
        ({}, "max_completion_tokens", {}),
    ],
)
def test_the_limit_goes_by_the_name_that_the_server_knows(given: Any, wanted: str, expected: Any) -> None:
    changed = told(
        given, quirks=Quirks(max_tokens_field=wanted), extra_body={"max_tokens": 9} if given else {}
    )

    assert {key: value for key, value in changed.items() if key.startswith("max_")} == expected


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("wanted", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("limit", [-1, 0])
def test_a_limit_of_nothing_is_none_and_the_targets_own_is_told(field: str, wanted: str, limit: int) -> None:
    quirks = Quirks(max_tokens_field=wanted)

    free = told({field: limit}, quirks=quirks)
    bound = told({field: limit}, quirks=quirks, extra_body={wanted: 9})

    assert not {key for key in free if key.startswith("max_")}
    assert {key: value for key, value in bound.items() if key.startswith("max_")} == {wanted: 9}


def test_the_suffix_goes_to_the_end_of_the_first_instructions() -> None:
    user = {"role": "user", "content": "hi"}

    def instructed(*messages: Any) -> Any:
        return told({"messages": list(messages)}, system_suffix="Be brief.")["messages"]

    assert instructed(user) == [{"role": "system", "content": "Be brief."}, user]
    assert instructed(user, {"role": "system", "content": "A"})[1] == {
        "role": "system",
        "content": "A\nBe brief.",
    }
    assert instructed(
        {"role": "system", "content": [{"type": "text", "text": "A", "cache_control": {}}]}, user
    ) == [
        {
            "role": "system",
            "content": [
                {"type": "text", "text": "A", "cache_control": {}},
                {"type": "text", "text": "Be brief."},
            ],
        },
        user,
    ]
    assert instructed({"role": "system", "content": None})[0]["content"] == "Be brief."


def test_a_developer_speaks_as_system_where_the_server_knows_no_developers() -> None:
    messages = b'[{"role":"developer","content":"A"},{"role":"user","content":"\\u0068i"}]'
    body = b'{"messages":' + messages + b',"model":"real"}'

    assert sent(body, quirks=Quirks(developer_role=True, usage_in_streams=False)) == body
    assert sent(body) == body.replace(b"developer", b"system")
    suffixed = json.loads(sent(body, system_suffix="B"))["messages"]
    assert suffixed[0] == {"role": "system", "content": "A\nB"}


def test_a_field_that_stands_twice_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="more than once"):
        sent(b'{"model":"cheap","messages":[{"role":"user"}],"model":"dear"}')


@pytest.mark.parametrize(
    ("turn", "changed"),
    [
        (b'{"role":"assistant","content": null,"tool_calls":[{"id":"a"}]}', b',"reasoning_content":""}'),
        (b'{"role":"assistant","tool_calls":[{"id":"a"}], "reasoning_content":"hm"}', None),
        (b'{"role":"assistant","tool_calls":[{"id":"a"}], "reasoning":"hm"}', None),
        (b'{"role":"assistant","content": "h\\u0069"}', None),
    ],
)
def test_a_turn_that_calls_tools_has_reasoning_where_that_is_demanded(
    turn: bytes, changed: bytes | None
) -> None:
    body = BODY.replace(b"[ {", b"[ " + turn + b", {")
    demanding = Quirks(usage_in_streams=False, fills_reasoning=True)

    filled = turn if changed is None else turn[:-1] + changed
    assert filled in sent(body, quirks=demanding)
    assert turn in sent(body)
