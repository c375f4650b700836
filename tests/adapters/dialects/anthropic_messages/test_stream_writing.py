"""How streams of this dialect are written."""

import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, ErrorReport, StreamEncoder
from domain.conversation.fold import fold
from domain.conversation.reply import (
    Batch,
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
    Wire,
)
from tests.adapters.dialects.anthropic_messages.legal_stream import Told, told
from tests.adapters.dialects.anthropic_messages.recordings import (
    COMPLETE,
    IN_ORDER,
    OVERLAPPING,
    events_of,
    read,
    recorded,
    wire_of,
)
from tests.adapters.dialects.strategies import batched, cut, legal_replies

ANSWERING = Answering(model="sonnet", reply_id="r1", created=1)
STARTED = ReplyStarted("x", "real")


def encoder() -> StreamEncoder:
    return ANTHROPIC_MESSAGES.stream_encoder(ANSWERING)


def written(batches: Iterable[Batch]) -> bytes:
    writing = encoder()
    return b"".join([writing.send(batch) for batch in batches]) + writing.close()


def of(*events: ReplyEvent) -> Told:
    """What a client is told, each event in a batch of its own."""
    return told(written(Batch((event,)) for event in (STARTED, *events)))


@pytest.mark.parametrize("case", IN_ORDER)
def test_a_stream_of_this_dialect_passes_byte_for_byte_but_for_the_model(case: str) -> None:
    data = recorded(case, "upstream.sse")
    out = written(read(*[data[at : at + 90] for at in range(0, len(data), 90)]))
    (started,) = [e for e in events_of(read(data)) if isinstance(e, ReplyStarted)]
    assert out.replace(b'"sonnet"', b'"%b"' % started.model.encode()) == wire_of(read(data)) + (
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    assert out.count(b'"sonnet"') == 1


@pytest.mark.parametrize("model", ["", "claude-opus-5-5"])
def test_a_model_that_needs_no_renaming_leaves_every_byte(model: str) -> None:
    data = recorded("claude-code-tool-call", "upstream.sse")
    writing = ANTHROPIC_MESSAGES.stream_encoder(replace(ANSWERING, model=model))
    out = b"".join(writing.send(batch) for batch in read(data))
    assert out == wire_of(read(data))


ODD_CALLS = ("llama-call-cut", "vllm-call")
"""Recordings with arguments that are cut short, or no object."""


@pytest.mark.parametrize("case", COMPLETE)
def test_a_stream_written_anew_is_legal_and_says_the_same(case: str) -> None:
    batches = read(recorded(case, "upstream.sse"))
    out = written(Batch(batch.events) for batch in batches)
    told(out, whole_calls=case != "llama-call-cut")
    if case != "vllm-call":  # its arguments are no object, and are told as one
        assert fold(read(out)).choices == fold(Batch(batch.events) for batch in batches).choices


@given(data=st.data(), events=legal_replies(signed_thinking=True, refusals=True))
def test_every_legal_answer_becomes_a_legal_stream(
    data: st.DataObject, events: tuple[ReplyEvent, ...]
) -> None:
    seen = told(written(data.draw(batched(events))))
    choice = fold([Batch(events)]).choices[0]
    calls = [part for part in choice.parts if hasattr(part, "arguments")]
    assert [json.loads(call.arguments) for call in calls] == seen.inputs
    assert bool(calls) == (seen.delta["stop_reason"] == "tool_use") or seen.delta["stop_reason"] == "refusal"


@given(data=st.data(), events=legal_replies(signed_thinking=True))
def test_what_is_written_is_read_back(data: st.DataObject, events: tuple[ReplyEvent, ...]) -> None:
    before = fold([Batch(events)])
    after = fold(read(*data.draw(cut(written(data.draw(batched(events)))))))
    assert after.model == ANSWERING.model
    assert after.id in (before.id, f"msg_{before.id}")
    assert after.choices[0].parts == before.choices[0].parts
    finish = before.choices[0].finish
    assert finish is not None
    assert after.choices[0].finish == Finished(
        StopReason.REFUSAL if finish.reason == StopReason.CONTENT_FILTER else finish.reason
    )
    if before.usage is not None:
        assert after.usage == before.usage


@given(data=st.data(), case=st.sampled_from([c for c in COMPLETE if c not in ODD_CALLS]))
def test_batches_without_bytes_may_stand_among_others(data: st.DataObject, case: str) -> None:
    stream = recorded(case, "upstream.sse")
    batches = read(*data.draw(cut(stream)))
    first = data.draw(st.integers(0, len(batches)))
    out = written(b if at < first else Batch(b.events) for at, b in enumerate(batches))
    assert fold(read(out)).choices == fold(batches).choices
    told(out)


@pytest.mark.parametrize("piece", [1, 7, 90, 1000, 100_000])
def test_blocks_that_an_upstream_kept_open_at_once_are_told_one_after_another(piece: int) -> None:
    data = recorded(OVERLAPPING, "upstream.sse")
    batches = read(*(data[at : at + piece] for at in range(0, len(data), piece)))
    seen = told(written(batches))
    assert [block["name"] for block in seen.blocks] == ["get_weather", "get_weather"]
    assert seen.inputs == [{"city": "Paris"}, {"city": "Paris"}]
    assert written(batches) == written(read(data))


def test_a_call_that_was_passed_on_half_is_completed_from_events() -> None:
    data = recorded("claude-code-tool-call", "upstream.sse")
    middle = data.index(b"event: content_block_delta")
    batches = read(data[:middle], data[middle:])
    assert told(written([batches[0], Batch(batches[1].events)])).inputs == [
        {"command": "echo hello-from-tool", "description": "say hello"}
    ]


def test_arguments_that_were_passed_on_half_are_completed_from_events() -> None:
    data = recorded("claude-code-tool-call", "upstream.sse")
    middle = data.rindex(b"event: content_block_delta")
    batches = read(data[:middle], data[middle:])
    assert told(written([batches[0], Batch(batches[1].events)])).inputs == [
        {"command": "echo hello-from-tool", "description": "say hello"}
    ]


def test_interleaved_calls_become_blocks_one_after_another() -> None:
    seen = of(
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(1, '{"y":'),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(1, "2}"),
        ToolCallDelta(0, "1}"),
        Finished("tool_calls"),
    )
    assert seen.inputs == [{"x": 1}, {"y": 2}]
    assert [block["id"] for block in seen.blocks] == ["a", "b"]


def test_the_first_open_call_is_written_as_it_comes() -> None:
    writing = encoder()
    writing.send(Batch((STARTED, ToolCallStarted(0, "a", "f"), ToolCallStarted(1, "b", "g"))))
    assert b"input_json_delta" in writing.send(Batch((ToolCallDelta(0, '{"x":'),)))
    assert writing.send(Batch((ToolCallDelta(1, "{}"),))) == b""
    assert b'"id":"b"' in writing.send(Batch((PartEnded(0),)))


def test_text_that_comes_while_a_call_is_incomplete_waits_for_it() -> None:
    seen = of(
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, '{"x":'),
        TextDelta("and "),
        ToolCallDelta(0, "1}"),
        TextDelta("so on"),
        Finished("stop"),
    )
    assert [block["type"] for block in seen.blocks] == ["tool_use", "text"]
    assert seen.inputs == [{"x": 1}]
    assert seen.texts == ["and so on"]


def test_text_after_a_complete_call_is_written_at_once() -> None:
    writing = encoder()
    writing.send(Batch((STARTED, ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}"))))
    assert b'"text":"x"' in writing.send(Batch((TextDelta("x"),)))


@pytest.mark.parametrize("pieces", [['"Paris"'], ['"', "Par", 'is"'], [" ", '"Paris"'], ['"Paris"', " "]])
def test_arguments_that_are_no_object_are_told_as_one(pieces: list[str]) -> None:
    """Anthropic's own SDK breaks at any other JSON, and small models write it."""
    seen = of(
        ToolCallStarted(0, "a", "f"), *(ToolCallDelta(0, piece) for piece in pieces), Finished("tool_calls")
    )
    assert seen.inputs == [{"_raw": "".join(pieces)}]


def test_an_object_is_written_as_it_comes_also_after_blanks() -> None:
    writing = encoder()
    writing.send(Batch((STARTED, ToolCallStarted(0, "a", "f"))))
    assert writing.send(Batch((ToolCallDelta(0, " \n"),))) == b""
    assert b"input_json_delta" in writing.send(Batch((ToolCallDelta(0, '{"x":'),)))


def test_a_call_without_arguments_has_an_empty_input() -> None:
    seen = of(ToolCallStarted(0, "a", "f"), ToolCallDelta(0, ""), Finished("tool_calls"))
    assert seen.inputs == [{}]


def test_a_call_without_an_id_gets_one() -> None:
    seen = of(ToolCallStarted(0, "", "f"), ToolCallStarted(1, "", "g"), Finished("tool_calls"))
    assert [block["id"] for block in seen.blocks] == ["toolu_r1_0", "toolu_r1_1"]


def test_thinking_is_signed_and_sealed_blocks_come_whole() -> None:
    seen = of(
        ThinkingDelta("hm"),
        ThinkingSigned("c2ln"),
        PartEnded(),
        RedactedThinking("seal"),
        ThinkingDelta("again"),
        TextDelta("yes"),
        Finished("end_turn"),
    )
    assert [(b["type"], b["thinking"], b.get("signature"), b.get("data")) for b in seen.blocks] == [
        ("thinking", "hm", "c2ln", None),
        ("redacted_thinking", "", None, "seal"),
        ("thinking", "again", "", None),
        ("text", "", None, None),
    ]


def test_nothing_empty_is_ever_written() -> None:
    assert of(TextDelta(""), ThinkingDelta(""), PartEnded(), Finished("end_turn")).blocks == []


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ((TextDelta("x"), Finished(StopReason.END_TURN)), "end_turn"),
        ((TextDelta("x"), Finished(StopReason.TOOL_CALLS)), "end_turn"),
        ((TextDelta("x"), Finished(StopReason.MAX_TOKENS)), "max_tokens"),
        ((TextDelta("x"), Finished(StopReason.STOP_SEQUENCE, "END")), "stop_sequence"),
        ((TextDelta("x"), Finished(StopReason.CONTENT_FILTER)), "refusal"),
        ((TextDelta("x"), Finished(StopReason.PAUSE)), "pause_turn"),
        ((TextDelta("x"), Finished("model_context_window_exceeded")), "model_context_window_exceeded"),
        ((RefusalDelta("no"), Finished(StopReason.END_TURN)), "refusal"),
        ((ToolCallStarted(0, "a", "f"), Finished(StopReason.END_TURN)), "tool_use"),
        ((ToolCallStarted(0, "a", "f"), TextDelta("x"), Finished(StopReason.END_TURN)), "tool_use"),
        ((ToolCallStarted(0, "a", "f"), Finished(StopReason.MAX_TOKENS)), "max_tokens"),
    ],
)
def test_the_reason_is_told_in_this_dialects_words(events: tuple[ReplyEvent, ...], word: str) -> None:
    assert of(*events).delta["stop_reason"] == word


def test_a_stop_sequence_is_told() -> None:
    assert of(Finished(StopReason.STOP_SEQUENCE, "END")).delta["stop_sequence"] == "END"


def test_counts_that_come_after_the_end_are_told() -> None:
    seen = of(
        TextDelta("x"),
        Finished("end_turn"),
        UsageReported(Usage(input_tokens=7, output_tokens=2, cache_read_tokens=5)),
    )
    assert seen.message["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert seen.usage == {"input_tokens": 7, "output_tokens": 2, "cache_read_input_tokens": 5}


def test_counts_that_come_with_the_beginning_are_told_there() -> None:
    batch = Batch((STARTED, UsageReported(Usage(input_tokens=7)), TextDelta("x"), Finished("end_turn")))
    seen = told(written([batch]))
    assert seen.message["usage"] == {"input_tokens": 7, "output_tokens": 0}
    assert seen.usage == {"input_tokens": 7, "output_tokens": 0}


def test_the_beginning_is_written_at_once_and_names_the_model_that_was_asked_for() -> None:
    out = encoder().send(Batch((STARTED,)))
    message = json.loads(out.partition(b"data: ")[2])["message"]
    assert (message["id"], message["model"], message["stop_reason"]) == ("msg_x", "sonnet", None)


def test_an_answer_that_never_said_how_it_began_begins_all_the_same() -> None:
    seen = told(written([Batch((TextDelta("x"), Finished("end_turn")))]))
    assert seen.message["id"] == "msg_r1"


SERVER_CALL = (
    b'{"type":"content_block_start","index":%d,"content_block":{"type":"server_tool_use","id":"s","name":"w","input":{}}}',
    b'{"type":"content_block_delta","index":%d,"delta":{"type":"input_json_delta","partial_json":"{}"}}',
    b'{"type":"content_block_stop","index":%d}',
)


def test_what_only_this_dialect_knows_goes_back_verbatim() -> None:
    payloads = [payload % 0 for payload in SERVER_CALL]
    foreign = [Foreign("anthropic_messages", payload, content=True) for payload in payloads]
    events: list[ReplyEvent] = [STARTED, *foreign, Finished("end_turn")]
    out = written(Batch((event,)) for event in events)
    told(out)
    assert all(payload in out for payload in payloads)


def test_foreign_blocks_move_to_the_place_they_now_have() -> None:
    foreign = [Foreign("anthropic_messages", payload % 7, content=True) for payload in SERVER_CALL]
    seen = of(TextDelta("a"), *foreign, TextDelta("b"), Finished("end_turn"))
    assert [block["type"] for block in seen.blocks] == ["text", "server_tool_use", "text"]


def test_citations_stay_with_their_text() -> None:
    cited = b'{"type":"content_block_delta","index":3,"delta":{"type":"citations_delta","citation":{}}}'
    seen = of(TextDelta("a"), Foreign("anthropic_messages", cited, content=True), Finished("end_turn"))
    assert seen.texts == ["a"]


def test_events_of_another_dialect_are_left_out() -> None:
    assert of(Foreign("openai_chat", b"{}", content=True), Finished("end_turn")).blocks == []


def test_other_answers_than_the_first_are_left_out() -> None:
    seen = of(TextDelta("a"), TextDelta("b", choice=1), Finished("end_turn"), Finished("end_turn", choice=1))
    assert seen.texts == ["a"]


def test_bytes_of_another_dialect_are_not_written() -> None:
    batch = Batch((STARTED, TextDelta("x")), Wire("openai_chat", b"data: {}\n\n"))
    told(written([batch, Batch((Finished("end_turn"),))]))


def test_a_whole_answer_can_be_told_as_a_stream() -> None:
    batch = ANTHROPIC_MESSAGES.decode_completion(recorded("llama-two-calls", "upstream.json"))
    assert told(written([batch])).inputs == [{"city": "Paris"}, {"city": "Paris"}]


def test_a_broken_answer_ends_with_the_error_alone() -> None:
    writing = encoder()
    writing.send(Batch((STARTED, TextDelta("x"))))
    out = writing.fail(ErrorReport(status=502, type="api_error", message="cut"))
    assert out == b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"cut"}}\n\n'
    with pytest.raises(RuntimeError):
        writing.close()


def test_a_ping_may_come_at_any_moment() -> None:
    writing = encoder()
    out = writing.ping() + writing.send(Batch((STARTED, TextDelta("x")))) + writing.ping()
    out += writing.send(Batch((Finished("end_turn"),))) + writing.ping() + writing.close()
    assert told(out).texts == ["x"]
    with pytest.raises(RuntimeError):
        writing.ping()


@pytest.mark.parametrize(
    "events",
    [
        (STARTED, STARTED),
        (Finished("end_turn"), Finished("end_turn")),
        (Finished("end_turn"), TextDelta("late")),
        (ToolCallDelta(0, "{}"),),
        (ToolCallStarted(0, "a", "f"), ToolCallStarted(0, "a", "f")),
        (ToolCallStarted(0, "a", "f"), PartEnded(0), ToolCallDelta(0, "{}")),
        (PartEnded(3),),
    ],
)
def test_events_out_of_order_are_refused(events: tuple[ReplyEvent, ...]) -> None:
    with pytest.raises(RuntimeError):
        encoder().send(Batch(events))


def test_an_answer_that_did_not_finish_cannot_be_closed_as_complete() -> None:
    writing = encoder()
    writing.send(Batch((STARTED, TextDelta("x"))))
    with pytest.raises(RuntimeError):
        writing.close()
    assert writing.fail(ErrorReport(status=502, type="api_error", message="cut"))


def test_nothing_follows_the_end() -> None:
    writing = encoder()
    writing.send(Batch((STARTED, Finished("end_turn"))))
    writing.close()
    with pytest.raises(RuntimeError):
        writing.send(Batch((TextDelta("x"),)))
