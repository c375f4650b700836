"""Whole answers, streams of servers in all their manners, and errors."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.dialect import Answering, ErrorReport, GarbledReply, ReportedError, TruncatedReply
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.dialects.sse import data_frame
from domain.conversation.fold import fold
from domain.conversation.parts import ForeignPart, Part, Refusal, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Choice,
    Completion,
    Finished,
    Foreign,
    StopReason,
    Usage,
)
from tests.adapters.dialects.openai_responses.legal_stream import checked_response, complete
from tests.adapters.dialects.strategies import legal_replies

ANSWERING = Answering(model="shown", reply_id="ours", created=1_700_000_000)
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 5,
    "model": "gpt",
    "status": "completed",
    "output": [],
    "error": None,
    "usage": None,
}


def message(*content: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [*content],
    }


def whole(*items: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps(RESPONSE | {"output": [*items]} | fields).encode()


def stream(*events: dict[str, Any]) -> list[Batch]:
    decoder = OPENAI_RESPONSES.stream_decoder()
    batches = [*decoder.feed(b"".join(data_frame(json.dumps(event).encode()) for event in events))]
    return [*batches, *decoder.close()]


def completed(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": RESPONSE | {"output": [*items]} | fields}


def answered(*parts: Part, reason: str = StopReason.END_TURN) -> Completion:
    choice = Choice(parts=parts, finish=Finished(reason))
    return Completion(id="x", model="real", created=5, choices=(choice,), usage=Usage(input_tokens=1))


@given(st.data())
def test_a_whole_answer_is_what_the_stream_of_it_ends_with(data: st.DataObject) -> None:
    events = data.draw(legal_replies(signed_thinking=True, refusals=True))
    encoder = OPENAI_RESPONSES.stream_encoder(ANSWERING)
    streamed = complete(encoder.send(Batch(events)) + encoder.close()).final

    body = checked_response(OPENAI_RESPONSES.encode_completion(fold([Batch(events)]), ANSWERING))

    assert [essence(item) for item in body.pop("output")] == [
        essence(item) for item in streamed.pop("output")
    ]
    assert body == streamed


@given(st.data())
def test_a_whole_answer_reads_back_the_same(data: st.DataObject) -> None:
    events = data.draw(legal_replies(signed_thinking=True, refusals=True))
    said = replace(fold([Batch(events)]), usage=None)

    body = OPENAI_RESPONSES.encode_completion(said, replace(ANSWERING, model=""))

    read = fold([OPENAI_RESPONSES.decode_completion(body)])
    assert read.choices == said.choices
    assert (read.id.removeprefix("resp_"), read.model, read.created) == (
        said.id.removeprefix("resp_"),
        said.model,
        said.created,
    )


def essence(item: dict[str, Any]) -> Any:
    """Calls that interleave end in another order than whole ones; only their number differs in ids."""
    return {key: value for key, value in item.items() if key != "id"}


def test_thinking_calls_refusals_and_free_text_stand_in_a_whole_answer() -> None:
    tools = [{"type": "custom", "name": "patch"}]
    asked = OPENAI_RESPONSES.decode_request(json.dumps({"input": "x", "tools": tools}).encode(), {})
    said = answered(
        Thinking(text="Hm.", signature="s"),
        Thinking(redacted="r"),
        Text(text="a"),
        Refusal(text="b"),
        ToolCall(id="c", name="patch", arguments='{"input": "*** Begin"}'),
        ToolCall(id="d", name="f", arguments="{}"),
        reason=StopReason.TOOL_CALLS,
    )

    told = checked_response(OPENAI_RESPONSES.encode_completion(said, replace(ANSWERING, request=asked)))

    assert [item["type"] for item in told["output"]] == [
        "reasoning",
        "reasoning",
        "message",
        "custom_tool_call",
        "function_call",
    ]
    assert told["output"][3]["input"] == "*** Begin"
    assert told["model"] == "shown"


def test_a_whole_answer_that_was_cut_says_so() -> None:
    told = checked_response(
        OPENAI_RESPONSES.encode_completion(answered(Text(text="a"), reason=StopReason.MAX_TOKENS), ANSWERING)
    )

    assert (told["status"], told["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})


def test_every_kind_of_item_in_a_whole_body_is_read() -> None:
    search = {"id": "ws_1", "type": "web_search_call", "status": "completed"}
    body = whole(
        {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        search,
        message({"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "b"}),
        {"type": "function_call", "call_id": "c", "namespace": "n", "name": "f", "arguments": '{"x":1}'},
        {"type": "custom_tool_call", "call_id": "d", "name": "patch", "input": 'say "hi"'},
    )

    batch = OPENAI_RESPONSES.decode_completion(body)

    parts = fold([batch]).choices[0].parts
    assert batch.wire is not None
    assert batch.wire.data == body
    assert parts[0] == Thinking(text="Hm.")
    assert isinstance(parts[1], ForeignPart)
    assert json.loads(parts[1].payload)["item"] == search
    assert parts[2:] == (
        Text(text="a"),
        Refusal(text="b"),
        ToolCall(id="c", name="n__f", arguments='{"x":1}'),
        ToolCall(id="d", name="patch", arguments='{"input":"say \\"hi\\""}'),
    )


def test_an_own_body_shows_the_clients_model_and_is_else_untouched() -> None:
    body = whole(message({"type": "output_text", "text": "a"}), extra={"kept": 1})
    completion = fold([OPENAI_RESPONSES.decode_completion(body)])

    assert OPENAI_RESPONSES.encode_completion(completion, ANSWERING) == body.replace(b'"gpt"', b'"shown"')
    assert OPENAI_RESPONSES.encode_completion(completion, replace(ANSWERING, model="gpt")) == body


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"nonsense", b"{}", b'{"output": [1]}', whole(status="in_progress")]
)
def test_a_body_that_is_no_response_is_garbled(body: bytes) -> None:
    with pytest.raises(GarbledReply):
        OPENAI_RESPONSES.decode_completion(body)


@pytest.mark.parametrize(
    "body",
    [
        whole(status="failed", error={"code": "server_error", "message": "boom"}),
        b'{"error": {"message": "boom", "code": "server_error"}}',
    ],
)
def test_an_error_inside_a_success_is_told_as_one(body: bytes) -> None:
    with pytest.raises(ReportedError, match="boom") as error:
        OPENAI_RESPONSES.decode_completion(body)

    assert error.value.code == "server_error"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (
            {
                "type": "response.failed",
                "response": RESPONSE | {"status": "failed", "error": {"code": "x", "message": "boom"}},
            },
            "x",
        ),
        ({"type": "error", "code": "y", "message": "boom", "param": None}, "y"),
        ({"type": "error", "error": {"type": "server_error", "message": "boom", "code": "z"}}, "z"),
        ({"error": {"message": "boom", "code": 500}}, "500"),
    ],
)
def test_an_error_inside_a_stream_is_told_as_one(event: dict[str, Any], code: str) -> None:
    with pytest.raises(ReportedError, match="boom") as error:
        stream(event)

    assert error.value.code == code


def test_a_server_that_tells_items_only_whole_is_understood() -> None:
    batches = stream(
        {"type": "response.created", "response": RESPONSE | {"status": "in_progress"}},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": message({"type": "output_text", "text": "a"}),
        },
        {
            "type": "response.output_item.done",
            "output_index": 1,
            "item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"x":1}'},
        },
        completed(),
    )

    completion = fold(batches)
    assert completion.choices[0].parts == (
        Text(text="a"),
        ToolCall(id="c", name="f", arguments='{"x":1}'),
    )
    assert completion.choices[0].finish == Finished(StopReason.TOOL_CALLS)


def test_thoughts_are_read_under_both_their_names_and_in_paragraphs() -> None:
    def added(number: int) -> dict[str, Any]:
        return {
            "type": "response.reasoning_summary_part.added",
            "output_index": 0,
            "summary_index": number,
            "part": {"type": "summary_text", "text": ""},
        }

    item = {"id": "rs_1", "type": "reasoning", "summary": []}
    batches = stream(
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        added(0),
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "A"},
        added(1),
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "B"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.reasoning_text.delta", "output_index": 1, "delta": "raw"},
        completed(),
    )

    assert fold(batches).choices[0].parts == (Thinking(text="A\n\nB"), Thinking(text="raw"))


def test_events_that_nobody_knows_are_kept_for_those_who_do() -> None:
    batches = stream({"type": "response.of_next_year", "x": 1}, completed())

    foreign = [event for batch in batches for event in batch.events if isinstance(event, Foreign)]
    assert [json.loads(event.payload) for event in foreign] == [{"type": "response.of_next_year", "x": 1}]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "response.output_text.delta", "output_index": 0},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{}"},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "function_call"}},
        {"no": "type"},
        {"type": 5},
    ],
)
def test_an_event_that_breaks_the_rules_is_garbled(event: dict[str, Any]) -> None:
    with pytest.raises(GarbledReply):
        stream(event)


def test_what_follows_the_end_does_not_count() -> None:
    assert fold(stream(completed(), {"type": "error", "message": "late"})).choices[0].finish is not None


def test_a_stream_that_ends_inside_an_event_is_truncated() -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()
    assert [*decoder.feed(b'data: {"type": "response.comp')] == []

    with pytest.raises(TruncatedReply):
        list(decoder.close())


def test_a_last_event_without_its_blank_line_counts() -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()
    batches = [*decoder.feed(b"data: " + json.dumps(completed()).encode()), *decoder.close()]

    assert fold(batches).choices[0].finish == Finished(StopReason.END_TURN)


def test_an_error_of_ours_has_openais_envelope() -> None:
    report = ErrorReport(status=400, type="invalid_request_error", message="no", param="input", code=None)

    assert json.loads(OPENAI_RESPONSES.encode_error(report)) == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "input", "code": None}
    }
