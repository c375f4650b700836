"""A text to go on with leaves as it came, but for what must change."""

import json
from typing import Any

import pytest

from adapters.dialects.dialect import (
    Outgoing,
    Quirks,
)
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from domain.conversation.parts import Text
from domain.conversation.reply import MOST_TOKENS
from domain.conversation.request import ChatRequest, MalformedRequest, Message, Role
from domain.routing.shaping import AS_IT_IS, Shaping
from tests.adapters.dialects.openai_completions.recorded import recorded


def asked(**body: Any) -> ChatRequest:
    return OPENAI_COMPLETIONS.decode_request(
        json.dumps({"model": "m", "prompt": "once", **body}).encode(), {}
    )


def sent(request: ChatRequest, *, stream: bool = False, shaping: Shaping = AS_IT_IS, **extra: Any) -> Any:
    outgoing = Outgoing(request=request, model="m", stream=stream, shaping=shaping, extra_body=extra)
    return json.loads(OPENAI_COMPLETIONS.encode_request(outgoing))


@recorded("*/request.json")
def test_a_request_leaves_byte_for_byte(data: bytes) -> None:
    request = OPENAI_COMPLETIONS.decode_request(data, {})
    quirks = Quirks(usage_in_streams=False)
    outgoing = Outgoing(request=request, model=request.model, stream=request.stream, quirks=quirks)

    assert OPENAI_COMPLETIONS.encode_request(outgoing) == data


def test_the_text_is_what_the_user_says() -> None:
    request = asked(prompt=["once"], stop="end", seed=1, max_tokens=9, temperature=0.5)

    assert request.conversation.messages == (Message(role=Role.USER, parts=(Text(text="once"),)),)
    assert [message.role for message in request.source.newest(Role.USER)] == [Role.USER]
    sampling = request.conversation.sampling
    assert (sampling.stop, sampling.seed, sampling.max_output_tokens) == (("end",), 1, 9)
    assert request.source.output_limit == 9
    assert request.source.afresh().conversation() == request.conversation


def test_configured_fields_lie_below_those_of_the_client() -> None:
    extra: dict[str, Any] = {"temperature": 1, "seed": 7, "prompt": "other", "model": "other"}

    told = sent(asked(temperature=0.1, profile="p"), **extra)

    assert told == {"model": "m", "prompt": "once", "temperature": 0.1, "seed": 7}


@pytest.mark.parametrize(("limit", "told"), [(900, 300), (200, 200)])
def test_an_answer_gets_no_more_room_than_there_is(limit: int, told: int) -> None:
    assert sent(asked(max_tokens=limit), shaping=Shaping(most_output_tokens=300))["max_tokens"] == told


def test_a_limit_below_nothing_is_none_and_the_targets_own_is_told() -> None:
    request = asked(max_tokens=-1)

    assert request.source.output_limit == 0
    assert request.conversation.sampling.max_output_tokens is None
    assert "max_tokens" not in sent(request)
    assert sent(request, max_tokens=9)["max_tokens"] == 9


def test_a_prompt_that_is_only_scored_goes_on_as_it_is_and_counts_as_any_length() -> None:
    request = asked(max_tokens=0, echo=True)

    assert sent(request, max_tokens=9)["max_tokens"] == 0
    assert request.source.output_limit == MOST_TOKENS


def test_answers_that_are_made_to_choose_the_best_of_are_made_too() -> None:
    assert asked(n=2, best_of=20).choices == 20


def test_usage_is_asked_for_in_streams_alone() -> None:
    options = {"include_usage": False}

    assert sent(asked(stream=True, stream_options=options), stream=True)["stream_options"] == {
        "include_usage": True
    }
    assert "stream_options" not in sent(asked(stream=True, stream_options=options))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"best_of": 10**20}, "best_of"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"stop": 3}, "stop"),
    ],
    ids=str,
)
def test_a_field_that_makes_no_sense_is_refused_with_its_place(fields: Any, place: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        _ = asked(**fields).conversation

    assert refused.value.path == place


def test_a_conversation_is_no_text_to_go_on_with() -> None:
    talk = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'

    with pytest.raises(MalformedRequest):
        sent(OPENAI_CHAT.decode_request(talk, {}))
