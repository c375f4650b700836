"""A whole answer is understood in every server's form, and is written as a client expects it."""

import json
from typing import Any

import pytest
from hypothesis import given

from adapters.dialects.dialect import Answering, GarbledReply, ReportedError
from adapters.dialects.openai_chat.reply import decode_completion, encode_completion
from domain.conversation.fold import fold
from domain.conversation.parts import ForeignPart, Refusal, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Choice,
    Completion,
    Finished,
    ReplyEvent,
    StopReason,
    Usage,
    Wire,
)
from tests.adapters.dialects.openai_chat.chat_streams import ANSWERING
from tests.adapters.dialects.strategies import Events, legal_replies

REAL_NAME = Answering(model="", reply_id="r1", created=9)


def body(message: Any = None, finish: str | None = "stop", **fields: Any) -> bytes:
    choice = {"index": 0, "message": message or {}, "finish_reason": finish}
    told = {"id": "chatcmpl-1", "created": 5, "model": "real", "choices": [choice]} | fields
    return json.dumps(told).encode()


def completed(message: Any = None, finish: str | None = "stop", **fields: Any) -> Completion:
    return fold([decode_completion(body(message, finish, **fields))])


def only(completion: Completion) -> Choice:
    [choice] = completion.choices
    return choice


def test_a_message_is_thinking_text_refusal_and_calls() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "x", "arguments": "{}"}}
    message = {"content": "so", "reasoning_content": "hm", "refusal": "no", "tool_calls": [call]}

    assert only(completed(message, "tool_calls")) == Choice(
        parts=(
            Thinking(text="hm"),
            Text(text="so"),
            Refusal(text="no"),
            ToolCall(id="a", name="x", arguments="{}"),
        ),
        finish=Finished(StopReason.TOOL_CALLS),
    )


@pytest.mark.parametrize("message", [{"content": None}, {"content": ""}, {}])
def test_no_words_are_no_part(message: Any) -> None:
    assert only(completed(message)).parts == ()


def test_usage_is_split_into_new_and_cached() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 5}}

    assert completed({"content": "a"}, usage=usage).usage == Usage(
        input_tokens=4, output_tokens=2, cache_read_tokens=5
    )
    assert completed({"content": "a"}, usage={"prompt_tokens": None}).usage is None


def test_a_missing_finish_reason_follows_from_what_was_said() -> None:
    call = {"id": "a", "function": {"name": "x", "arguments": "{}"}}

    assert only(completed({"content": "a"}, None)).finish == Finished(StopReason.END_TURN)
    assert only(completed({"tool_calls": [call]}, None)).finish == Finished(StopReason.TOOL_CALLS)


@pytest.mark.parametrize("call", [{"id": "a", "function": {"name": "x", "arguments": {"p": 1}}}])
def test_arguments_that_come_as_an_object_are_set_right_for_every_client(call: Any) -> None:
    completion = completed({"content": None, "tool_calls": [call]}, "tool_calls")

    sent = json.loads(encode_completion(completion, REAL_NAME))
    assert sent["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"p":1}'


def test_a_call_without_id_is_given_one() -> None:
    completion = completed({"tool_calls": [{"function": {"name": "x", "arguments": "{}"}}]}, "tool_calls")

    sent = json.loads(encode_completion(completion, REAL_NAME))
    assert sent["choices"][0]["message"]["tool_calls"][0]["id"] == "call_1_0"


def test_a_custom_call_survives_being_written_anew() -> None:
    custom = {"id": "a", "type": "custom", "custom": {"name": "x", "input": "1"}}
    batch = decode_completion(body({"content": None, "tool_calls": [custom]}, "tool_calls"))

    completion = fold([Batch(batch.events)])

    assert isinstance(only(completion).parts[0], ForeignPart)
    sent = json.loads(encode_completion(completion, REAL_NAME))
    assert sent["choices"][0]["message"]["tool_calls"] == [custom]


def test_the_older_form_of_a_call_is_a_call() -> None:
    completion = completed({"function_call": {"name": "x", "arguments": "{}"}}, "function_call")

    assert only(completion).parts == (ToolCall(id="call_1_0", name="x", arguments="{}"),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices":[]}',
        b'{"choices":[{}]}',
        b'{"choices":[{"message":{"content":5}}]}',
        b"[" * 9000,
    ],
)
def test_a_body_that_is_no_answer_is_garbled(data: bytes) -> None:
    with pytest.raises(GarbledReply):
        decode_completion(data)


@pytest.mark.parametrize(
    "told",
    [
        {"error": {"message": "broke", "code": 500}},
        {"error": "broke"},
        {"object": "error", "message": "broke"},
        {"detail": "broke"},
        {"choices": [{"index": 0, "message": None, "error": {"message": "broke"}}]},
        {"choices": [], "error": {"message": "broke"}},
    ],
)
def test_an_error_that_came_as_a_success_is_an_error(told: Any) -> None:
    with pytest.raises(ReportedError, match="broke"):
        decode_completion(json.dumps(told).encode())


def test_own_bytes_pass_with_the_clients_model_name() -> None:
    data = body({"content": '"model": "real"'}, x_vendor={"deep": [1, 2.0]})

    passed = encode_completion(fold([decode_completion(data)]), ANSWERING)

    assert passed == data.replace(b'"model": "real", ', b'"model":"asked-for", ').replace(
        b'"model":"asked-for"', b'"model": "asked-for"'
    )


def test_a_body_with_a_key_twice_is_written_anew() -> None:
    data = body({"content": "a"})[:-1] + b',"model":"real"}'

    sent = json.loads(encode_completion(fold([decode_completion(data)]), ANSWERING))

    assert sent["model"] == "asked-for"
    assert sent["choices"][0]["message"]["content"] == "a"


def test_another_dialects_answer_is_put_together() -> None:
    completion = Completion(
        id="",
        model="real",
        created=None,
        choices=(
            Choice(
                parts=(
                    Thinking(text="hm", signature="s"),
                    Text(text="a"),
                    Text(text="b"),
                    ToolCall(id="t", name="x", arguments="{}"),
                ),
                finish=Finished(StopReason.TOOL_CALLS),
            ),
        ),
        usage=Usage(input_tokens=3, output_tokens=4),
        wire=Wire("anthropic_messages", b"{}", whole=True),
    )

    assert json.loads(encode_completion(completion, ANSWERING)) == {
        "id": "chatcmpl-r1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "asked-for",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "ab",
                    "refusal": None,
                    "reasoning_content": "hm",
                    "tool_calls": [
                        {"id": "t", "type": "function", "function": {"name": "x", "arguments": "{}"}}
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    }


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (StopReason.END_TURN, "stop"),
        (StopReason.STOP_SEQUENCE, "stop"),
        (StopReason.PAUSE, "stop"),
        (StopReason.MAX_TOKENS, "length"),
        (StopReason.REFUSAL, "content_filter"),
        (StopReason.CONTENT_FILTER, "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("eos", "eos"),
    ],
)
def test_a_reason_to_stop_has_its_word(reason: str, word: str) -> None:
    choice = Choice(parts=(Text(text="a"),), finish=Finished(reason))
    completion = Completion(id="x", model="m", created=1, choices=(choice,), usage=None)

    assert json.loads(encode_completion(completion, REAL_NAME))["choices"][0]["finish_reason"] == word


@given(legal_replies(refusals=True))
def test_what_is_written_reads_back_as_the_same_answer(events: Events) -> None:
    completion = fold([Batch(events)])

    again = fold([decode_completion(encode_completion(completion, REAL_NAME))])

    assert (again.id, again.model, again.created) == (completion.id, completion.model, completion.created)
    assert again.choices == completion.choices
    assert again.usage == completion.usage


def test_a_servers_marks_survive_being_written_anew() -> None:
    events: tuple[ReplyEvent, ...] = decode_completion(body({"content": "a"}, system_fingerprint="b1")).events

    assert json.loads(encode_completion(fold([Batch(events)]), REAL_NAME))["system_fingerprint"] == "b1"
