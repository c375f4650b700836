"""How whole answers and errors of this dialect are read and written."""

import json
from typing import Any

import pytest
from hypothesis import given

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, ErrorReport, GarbledReply, ReportedError
from domain.conversation.fold import fold
from domain.conversation.parts import ForeignPart, Refusal, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Choice,
    Completion,
    Finished,
    Foreign,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    Usage,
)
from tests.adapters.dialects.anthropic_messages.recordings import cases, recorded
from tests.adapters.dialects.strategies import legal_replies

ANSWERING = Answering(model="sonnet", reply_id="r1", created=1)


def decode(**fields: Any) -> Batch:
    return ANTHROPIC_MESSAGES.decode_completion(json.dumps({"content": [], **fields}).encode())


def encode(*parts: Any, finish: Finished | None = None, **fields: Any) -> dict[str, Any]:
    completion = Completion(
        id=fields.pop("id", "x"),
        model="real",
        created=None,
        choices=(Choice(parts=parts, finish=finish or Finished(StopReason.END_TURN)),),
        usage=fields.pop("usage", None),
        **fields,
    )
    body: dict[str, Any] = json.loads(ANTHROPIC_MESSAGES.encode_completion(completion, ANSWERING))
    return body


@pytest.mark.parametrize("case", cases("upstream.json"))
def test_an_answer_of_this_dialect_passes_byte_for_byte_but_for_the_model(case: str) -> None:
    body = recorded(case, "upstream.json")
    completion = fold([ANTHROPIC_MESSAGES.decode_completion(body)])
    out = ANTHROPIC_MESSAGES.encode_completion(completion, ANSWERING)
    assert out == body.replace(b'"%b"' % completion.model.encode(), b'"sonnet"')


@pytest.mark.parametrize("case", cases("upstream.json"))
def test_an_answer_written_anew_says_the_same(case: str) -> None:
    batch = ANTHROPIC_MESSAGES.decode_completion(recorded(case, "upstream.json"))
    before = fold([Batch(batch.events)])
    out = ANTHROPIC_MESSAGES.encode_completion(before, ANSWERING)
    after = fold([ANTHROPIC_MESSAGES.decode_completion(out)])
    assert (after.choices, after.usage) == (before.choices, before.usage)


def test_calls_are_read_with_their_arguments_as_written() -> None:
    choice = fold(
        [ANTHROPIC_MESSAGES.decode_completion(recorded("llama-two-calls", "upstream.json"))]
    ).choices[0]
    assert [part.arguments for part in choice.parts if isinstance(part, ToolCall)] == ['{"city":"Paris"}'] * 2
    assert choice.finish == Finished("tool_calls")


def test_every_block_and_field_of_this_dialect_survives_being_written_anew() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "seal"},
        {"type": "server_tool_use", "id": "t", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "t", "content": [{"url": "u"}]},
        {"type": "text", "text": "done"},
    ]
    batch = decode(
        id="msg_1", content=content, stop_reason="end_turn", container={"id": "c"}, usage={"input_tokens": 1}
    )
    out = json.loads(ANTHROPIC_MESSAGES.encode_completion(fold([Batch(batch.events)]), ANSWERING))
    assert out["content"] == content
    assert out["container"] == {"id": "c"}
    assert out["usage"] == {"input_tokens": 1, "output_tokens": 0}


def test_a_foreign_block_told_in_pieces_is_put_together() -> None:
    pieces = (
        b'{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","input":{}}}',
        b'{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":"}}',
        b'{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"1}"}}',
        b'{"type":"content_block_stop","index":0}',
        b'{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"url":"u"}}}',
    )
    foreign = [Foreign("anthropic_messages", piece, content=True) for piece in pieces]
    events: tuple[ReplyEvent, ...] = (
        ReplyStarted("x"),
        *foreign[:4],
        TextDelta("t"),
        foreign[4],
        Finished("end_turn"),
    )
    out = json.loads(ANTHROPIC_MESSAGES.encode_completion(fold([Batch(events)]), ANSWERING))
    assert out["content"] == [
        {"type": "server_tool_use", "id": "s", "input": {"a": 1}},
        {"type": "text", "text": "t", "citations": [{"url": "u"}]},
    ]


def test_an_answer_from_abroad_is_whole() -> None:
    out = encode(
        Thinking(text="hm"),
        Text(text="hi"),
        Text(text=""),
        ToolCall(id="a", name="f", arguments='{"x":1}'),
        ToolCall(id="", name="g", arguments=""),
        ToolCall(id="c", name="h", arguments='"Paris"'),
        ForeignPart(dialect="openai_chat", payload=b"{}"),
        usage=Usage(input_tokens=3, output_tokens=4, cache_read_tokens=5),
    )
    assert out == {
        "id": "msg_x",
        "type": "message",
        "role": "assistant",
        "model": "sonnet",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": ""},
            {"type": "text", "text": "hi"},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            {"type": "tool_use", "id": "toolu_r1_1", "name": "g", "input": {}},
            {"type": "tool_use", "id": "c", "name": "h", "input": {"_raw": '"Paris"'}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5},
    }


def test_an_empty_answer_has_no_content() -> None:
    out = encode(id="")
    assert (out["id"], out["content"], out["usage"]) == (
        "msg_r1",
        [],
        {"input_tokens": 0, "output_tokens": 0},
    )


def test_a_refusal_is_text_with_its_reason() -> None:
    out = encode(Refusal(text="no"))
    assert (out["content"], out["stop_reason"]) == ([{"type": "text", "text": "no"}], "refusal")


def test_a_stop_sequence_is_told() -> None:
    out = encode(Text(text="x"), finish=Finished(StopReason.STOP_SEQUENCE, "END"))
    assert (out["stop_reason"], out["stop_sequence"]) == ("stop_sequence", "END")


@given(events=legal_replies(signed_thinking=True))
def test_what_is_written_is_read_back(events: tuple[ReplyEvent, ...]) -> None:
    before = fold([Batch(events)])
    after = fold(
        [ANTHROPIC_MESSAGES.decode_completion(ANTHROPIC_MESSAGES.encode_completion(before, ANSWERING))]
    )
    shown = [p for p in after.choices[0].parts if not isinstance(p, ToolCall)]
    assert shown == [p for p in before.choices[0].parts if not isinstance(p, ToolCall)]
    assert [json.loads(p.arguments) for p in after.choices[0].parts if isinstance(p, ToolCall)] == [
        json.loads(p.arguments) for p in before.choices[0].parts if isinstance(p, ToolCall)
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}',
        b'{"error":{"message":"busy"}}',
        b'{"error":"busy"}',
    ],
)
def test_an_error_that_came_as_a_success_is_reported(body: bytes) -> None:
    with pytest.raises(ReportedError, match="busy"):
        ANTHROPIC_MESSAGES.decode_completion(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"content":"x"}',
        b'{"content":[1]}',
        b'{"content":[{"type":"text","text":5}]}',
    ],
)
def test_a_body_that_is_no_message_is_garbled(body: bytes) -> None:
    with pytest.raises(GarbledReply):
        ANTHROPIC_MESSAGES.decode_completion(body)


@pytest.mark.parametrize(
    ("case", "type", "words", "status"),
    [
        (
            "prompt-too-long",
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
            None,
        ),
        ("llama-overlong", "exceed_context_size_error", "exceeds the available context size", 400),
        ("llama-loading", "unavailable_error", "Loading model", 503),
        ("llama-bad-key", "authentication_error", "Invalid API Key", 401),
        ("vllm-overlong", "BadRequestError", "maximum context length is 8192 tokens", None),
        ("vllm-bad-request", "Bad Request", "validation error", 400),
        ("vllm-call", "BadRequestError", "validation error", None),
    ],
)
def test_errors_of_real_servers_are_read(case: str, type: str, words: str, status: int | None) -> None:
    error = ANTHROPIC_MESSAGES.decode_error(recorded(case, "error.json"))
    assert (error.type, error.status) == (type, status)
    assert words in error.message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"upstream connect error", "upstream connect error"),
        (b'{"detail":"Not Found"}', "Not Found"),
        (b'{"detail":[{"loc":["body","x"],"msg":"missing"}]}', "body.x: missing"),
        (b'{"error":"no such model"}', "no such model"),
        (
            b"<html><head><style>a{}</style></head><body><h1>502</h1> Bad Gateway</body></html>",
            "502 Bad Gateway",
        ),
        (b"\xff", "�"),
        (b"", "the server gave no reason"),
        (b"null", "null"),
    ],
)
def test_a_body_in_any_other_form_becomes_the_message(body: bytes, message: str) -> None:
    assert ANTHROPIC_MESSAGES.decode_error(body).message == message


def test_our_errors_have_this_dialects_envelope() -> None:
    report = ErrorReport(status=400, type="invalid_request_error", message="no", request_id="req_1")
    assert json.loads(ANTHROPIC_MESSAGES.encode_error(report)) == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "no"},
        "request_id": "req_1",
    }


def test_rounds_in_which_the_conversation_was_summarized_count_too() -> None:
    rounds = [
        {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500},
        {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000},
    ]
    said = {"input_tokens": 23_000, "output_tokens": 1_000, "iterations": rounds}

    summarized = fold([decode(usage=said)]).usage
    usual = fold([decode(usage={**said, "iterations": rounds[1:]})]).usage

    assert summarized == Usage(input_tokens=203_000, output_tokens=4_500)
    assert usual == Usage(input_tokens=23_000, output_tokens=1_000)
