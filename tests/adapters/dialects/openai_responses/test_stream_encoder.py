"""Streams to clients that speak Responses."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.dialects.dialect import Answering, ErrorReport
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.fold import fold
from domain.conversation.parts import Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Completion,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.conversation.request import ChatRequest
from tests.adapters.dialects.openai_responses.legal_stream import Told, complete, told_by
from tests.adapters.dialects.openai_responses.sdk import final_response, gathered_deltas, stream_events
from tests.adapters.dialects.strategies import batched, cut, legal_replies

ANSWERING = Answering(model="claude-sonnet", reply_id="ours", created=1_700_000_000)
START = ReplyStarted("chatcmpl-1", "qwen3", 1_800_000_000)
DONE = Finished(StopReason.END_TURN)


def written(*events: ReplyEvent, answering: Answering = ANSWERING) -> bytes:
    encoder = OPENAI_RESPONSES.stream_encoder(answering)
    return encoder.send(Batch(events)) + encoder.close()


def read_back(stream: bytes) -> list[Batch]:
    decoder = OPENAI_RESPONSES.stream_decoder()
    return [*decoder.feed(stream), *decoder.close()]


def asking(*tools: dict[str, Any], **fields: Any) -> ChatRequest:
    body = {"model": "m", "input": "hi", "tools": list(tools), **fields}
    return OPENAI_RESPONSES.decode_request(json.dumps(body).encode(), {})


def answer_to(request: ChatRequest) -> Answering:
    return replace(ANSWERING, request=request)


def normal(completion: Completion) -> Completion:
    """What this dialect cannot keep apart, and what it adds to ids."""
    usage = completion.usage
    if usage is not None:
        usage = replace(
            usage,
            reasoning_tokens=usage.reasoning_tokens or 0,
            cache_creation_tokens=usage.cache_creation_tokens or 0,
        )
    shown = completion.id if completion.id.startswith("resp_") else f"resp_{completion.id}"
    return replace(completion, id=shown, usage=usage, wire=None)


@given(st.data())
def test_any_legal_answer_makes_a_legal_stream_that_reads_back_the_same(data: st.DataObject) -> None:
    events = data.draw(legal_replies(signed_thinking=True, refusals=True))
    encoder = OPENAI_RESPONSES.stream_encoder(replace(ANSWERING, model=""))

    stream = b""
    for batch in data.draw(batched(events)):
        stream += encoder.send(batch)
        if stream and data.draw(st.booleans()):
            stream += encoder.ping()
    stream += encoder.close()

    complete(stream)
    assert normal(fold(read_back(stream))) == normal(fold([Batch(events)]))


@settings(max_examples=25)
@given(st.data())
def test_the_official_sdk_gathers_what_the_last_event_says(data: st.DataObject) -> None:
    events = data.draw(legal_replies(signed_thinking=True, refusals=True))
    stream = written(*events)
    reads = data.draw(cut(stream))
    told = complete(stream)

    seen = [event.to_dict(mode="json") for event in stream_events(reads)]
    text, arguments = gathered_deltas(reads)

    assert [event["type"] for event in seen] == told.types
    assert seen[-1]["response"]["output"] == told.final["output"]
    assert text == told.text
    assert arguments == {
        index: item["arguments"]
        for index, item in told.done.items()
        if item["type"] == "function_call" and item["arguments"]
    }
    if told.types[-1] == "response.completed":
        assert [item["id"] for item in final_response(reads)["output"]] == [item["id"] for item in told.items]


def test_an_answer_in_words_has_every_event_that_a_client_waits_for() -> None:
    usage = Usage(input_tokens=10, output_tokens=5, cache_read_tokens=90, reasoning_tokens=2)

    told = complete(written(START, TextDelta("Hello "), TextDelta("you"), DONE, UsageReported(usage)))

    assert told.types == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert told.text == "Hello you"
    assert told.final["id"] == "resp_chatcmpl-1"
    assert told.final["model"] == "claude-sonnet"
    assert told.final["created_at"] == 1_800_000_000
    assert told.final["usage"] == {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 90, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 105,
    }


def test_parallel_calls_that_interleave_are_items_of_their_own() -> None:
    told = complete(
        written(
            START,
            TextDelta("Let me look."),
            ToolCallStarted(0, "call_a", "read"),
            ToolCallDelta(0, '{"path"'),
            ToolCallStarted(1, "call_b", "list"),
            ToolCallDelta(1, "{}"),
            ToolCallDelta(0, ':"x"}'),
            Finished(StopReason.TOOL_CALLS),
        )
    )

    assert told.item_types == ["message", "function_call", "function_call"]
    assert [(call["call_id"], call["name"], call["arguments"]) for call in told.items[1:]] == [
        ("call_a", "read", '{"path":"x"}'),
        ("call_b", "list", "{}"),
    ]


def test_a_call_that_ended_is_told_before_the_answer_ends() -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(ANSWERING)

    early = encoder.send(
        Batch((START, ToolCallStarted(0, "call_a", "read"), ToolCallDelta(0, "{}"), PartEnded(0)))
    )

    assert told_by(early).item_types == ["function_call"]


def test_thinking_is_a_reasoning_item_with_a_summary() -> None:
    told = complete(written(START, ThinkingDelta("Hm. "), ThinkingDelta("Yes."), TextDelta("42"), DONE))

    assert told.item_types == ["reasoning", "message"]
    assert told.items[0]["summary"] == [{"type": "summary_text", "text": "Hm. Yes."}]
    assert "response.reasoning_summary_text.delta" in told.types


def test_what_a_provider_sealed_comes_back_to_it_with_the_next_request() -> None:
    told = complete(
        written(
            START, ThinkingDelta("Hm."), ThinkingSigned("sig=="), PartEnded(), RedactedThinking("x+y"), DONE
        )
    )

    request = asking(input=[*told.items, {"role": "user", "content": "go on"}])

    assert request.conversation.messages[0].parts == (
        Thinking(text="Hm.", signature="sig=="),
        Thinking(redacted="x+y"),
    )


def test_a_refusal_is_a_part_of_the_message_and_completes_the_answer() -> None:
    told = complete(written(START, RefusalDelta("I "), RefusalDelta("won't"), Finished(StopReason.REFUSAL)))

    assert told.items[0]["content"] == [{"type": "refusal", "refusal": "I won't"}]
    assert told.final["status"] == "completed"


def test_text_parts_stay_apart_in_one_message() -> None:
    told = complete(written(START, TextDelta("a"), PartEnded(), TextDelta("b"), DONE))

    assert [part["text"] for part in told.items[0]["content"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("reason", "told_reason"),
    [
        (StopReason.MAX_TOKENS, "max_output_tokens"),
        (StopReason.CONTENT_FILTER, "content_filter"),
        (StopReason.REFUSAL, "content_filter"),
        ("model_context_window_exceeded", "max_output_tokens"),
    ],
)
def test_an_answer_that_was_cut_is_incomplete(reason: str, told_reason: str) -> None:
    told = complete(written(START, TextDelta("Once upon"), Finished(reason)))

    assert told.types[-1] == "response.incomplete"
    assert told.final["incomplete_details"] == {"reason": told_reason}
    assert told.items[0]["status"] == "incomplete"


def test_an_answer_without_any_content_is_still_one() -> None:
    assert complete(written(START, DONE)).final["output"] == []
    assert complete(written(START, TextDelta(""), ThinkingDelta(""), DONE)).final["output"] == []


def test_a_ping_is_a_real_event_and_counts() -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(ANSWERING)

    stream = encoder.ping() + encoder.ping() + encoder.send(Batch((START, TextDelta("hi")))) + encoder.ping()
    told = complete(stream + encoder.send(Batch((DONE,))) + encoder.close())

    assert told.types[:3] == ["response.created", "response.in_progress", "response.in_progress"]
    assert told.types.count("response.in_progress") == 3
    assert told.final["id"] == "resp_ours", "the id that the ping told stays, whatever the upstream says"
    assert told.final["created_at"] == 1_700_000_000


def test_a_stream_that_ended_is_not_pinged_any_more() -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(ANSWERING)
    encoder.send(Batch((START, DONE)))
    encoder.close()

    assert encoder.ping() == b""


def failed(report: ErrorReport, *events: ReplyEvent) -> Told:
    encoder = OPENAI_RESPONSES.stream_encoder(ANSWERING)
    return complete(encoder.send(Batch(events)) + encoder.fail(report))


def test_a_broken_answer_fails_and_never_completes() -> None:
    report = ErrorReport(status=502, type="server_error", message="the answer broke off")

    told = failed(report, START, TextDelta("Once"))

    assert told.types[-1] == "response.failed"
    assert told.final["error"] == {"code": "server_error", "message": "the answer broke off"}
    assert "response.completed" not in told.types


def test_an_answer_that_fails_before_it_began_is_a_whole_stream_too() -> None:
    told = failed(ErrorReport(status=503, type="server_error", message="busy"))

    assert told.types == ["response.created", "response.in_progress", "response.failed"]


@pytest.mark.parametrize(
    ("type", "code", "told_code"),
    [
        ("invalid_request_error", "context_length_exceeded", "context_length_exceeded"),
        ("invalid_request_error", None, "invalid_prompt"),
        ("rate_limit_error", None, "rate_limit_exceeded"),
        ("insufficient_quota", "insufficient_quota", "insufficient_quota"),
        ("server_error", None, "server_error"),
    ],
)
def test_a_failure_has_the_code_by_which_clients_decide_what_to_do(
    type: str, code: str | None, told_code: str
) -> None:
    report = ErrorReport(status=400, type=type, message="no", code=code)

    assert failed(report, START).final["error"]["code"] == told_code


FUNCTION = {"type": "function", "name": "close_agent", "parameters": {"type": "object", "properties": {}}}
CUSTOM = {"type": "custom", "name": "apply_patch", "description": "Patches files."}


def test_a_call_in_a_namespace_has_its_name_and_its_namespace() -> None:
    request = asking({"type": "namespace", "name": "agents", "description": "", "tools": [FUNCTION]})

    told = complete(
        written(
            START,
            ToolCallStarted(0, "call_a", "agents__close_agent"),
            ToolCallDelta(0, "{}"),
            Finished(StopReason.TOOL_CALLS),
            answering=answer_to(request),
        )
    )

    assert (told.items[0]["namespace"], told.items[0]["name"]) == ("agents", "close_agent")


@given(st.text(min_size=1), st.booleans(), st.data())
def test_a_call_of_a_free_text_tool_tells_the_text_alone(
    text: str, ascii_only: bool, data: st.DataObject
) -> None:
    whole = json.dumps({"input": text}, ensure_ascii=ascii_only)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6)))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    calls = [ToolCallDelta(0, piece) for piece in pieces]

    stream = written(
        START,
        ToolCallStarted(0, "call_a", "apply_patch"),
        *calls,
        Finished(StopReason.TOOL_CALLS),
        answering=answer_to(asking(CUSTOM)),
    )

    told = complete(stream)
    assert (told.items[0]["type"], told.items[0]["input"]) == ("custom_tool_call", text)
    (call,) = fold(read_back(stream)).choices[0].parts
    assert isinstance(call, ToolCall)
    assert json.loads(call.arguments) == {"input": text}


SEARCH = {"type": "tool_search", "execution": "client", "description": "", "parameters": {}}


@pytest.mark.parametrize(
    ("arguments", "told_arguments"),
    [('{"query": "x"}', {"query": "x"}), ("", {}), ("x", {"query": "x"}), ("[1", {"query": "[1"})],
)
def test_a_search_for_tools_is_told_as_one(arguments: str, told_arguments: Any) -> None:
    told = complete(
        written(
            START,
            ToolCallStarted(0, "call_a", "tool_search"),
            ToolCallDelta(0, arguments),
            Finished(StopReason.TOOL_CALLS),
            answering=answer_to(asking(SEARCH)),
        )
    )

    assert told.items[0]["type"] == "tool_search_call"
    assert told.items[0]["execution"] == "client"
    assert told.items[0]["arguments"] == told_arguments


def test_an_answer_repeats_what_it_was_asked_but_for_the_bulk() -> None:
    request = asking(FUNCTION, temperature=0.5, metadata={"k": "v"}, tool_choice="required", text=None)

    told = complete(written(START, DONE, answering=answer_to(request)))

    assert told.final["temperature"] == 0.5
    assert told.final["metadata"] == {"k": "v"}
    assert told.final["tool_choice"] == "required"
    assert told.final["text"] == {"format": {"type": "text"}}
    assert told.final["tools"] == []


def test_items_of_this_dialect_alone_are_written_in_their_place() -> None:
    item = {
        "id": "ws_1",
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": "x"},
    }
    payload = json.dumps({"type": "response.output_item.done", "output_index": 7, "item": item}).encode()

    stream = written(START, TextDelta("a"), Foreign("openai_responses", payload, content=True), DONE)

    last = json.loads(stream.split(b"data: ")[-1])
    assert last["response"]["output"][1] == item


def test_what_other_dialects_alone_know_is_left_out() -> None:
    told = complete(written(START, Foreign("anthropic_messages", b"{}", content=True), TextDelta("a"), DONE))

    assert told.item_types == ["message"]


def test_other_answers_than_the_first_are_left_out() -> None:
    assert (
        complete(written(START, TextDelta("a"), TextDelta("b", 1), DONE, Finished("end_turn", choice=1))).text
        == "a"
    )


@pytest.mark.parametrize(
    "events",
    [
        (START, START),
        (START, DONE, TextDelta("more")),
        (START, DONE, DONE),
        (START, ToolCallDelta(0, "{}")),
        (START, ToolCallStarted(0, "a", "b"), ToolCallStarted(0, "a", "b")),
        (START, ToolCallStarted(0, "a", "b"), PartEnded(0), ToolCallDelta(0, "{}")),
    ],
)
def test_events_out_of_order_are_a_fault_of_ours(events: tuple[ReplyEvent, ...]) -> None:
    with pytest.raises(RuntimeError):
        OPENAI_RESPONSES.stream_encoder(ANSWERING).send(Batch(events))


def test_an_answer_that_did_not_finish_cannot_be_closed() -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(ANSWERING)
    encoder.send(Batch((START, TextDelta("a"))))

    with pytest.raises(RuntimeError):
        encoder.close()


def test_a_whole_text_part_is_read_back_as_one() -> None:
    (part,) = fold(read_back(written(START, TextDelta("a"), TextDelta("b"), DONE))).choices[0].parts

    assert part == Text(text="ab")
