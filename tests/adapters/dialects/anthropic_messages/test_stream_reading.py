"""How streams of this dialect are read."""

import json
from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import GarbledReply, ReportedError, TruncatedReply
from adapters.dialects.sse import named_frame
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from tests.adapters.dialects.anthropic_messages.recordings import (
    IN_ORDER,
    OVERLAPPING,
    cases,
    events_of,
    read,
    recorded,
    wire_of,
)
from tests.adapters.dialects.strategies import LINE_ENDS, cut, with_line_ends

STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
START = named_frame(
    b"message_start",
    b'{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],'
    b'"model":"m","usage":{"input_tokens":3,"output_tokens":1,"cache_read_input_tokens":5}}}',
)


def frame(**fields: object) -> bytes:
    return named_frame(str(fields["type"]).encode(), json.dumps(fields).encode())


def outcome(reads: list[bytes]) -> tuple[list[ReplyEvent], bytes, str]:
    """Events, bytes and the kind of end of a stream that may be broken."""
    decoder = ANTHROPIC_MESSAGES.stream_decoder()
    batches: list[Batch] = []
    try:
        for data in reads:
            batches.extend(decoder.feed(data))
        batches.extend(decoder.close())
    except (GarbledReply, ReportedError, TruncatedReply) as error:
        return events_of(batches), wire_of(batches), repr(error)
    return events_of(batches), wire_of(batches), "complete"


def test_a_call_of_claude_codes_upstream_is_read() -> None:
    assert events_of(read(recorded("claude-code-tool-call", "upstream.sse"))) == [
        ReplyStarted("msg_rec1", "claude-opus-5-5"),
        UsageReported(
            Usage(input_tokens=11, output_tokens=1, cache_read_tokens=0, cache_creation_tokens=0),
        ),
        ToolCallStarted(0, "toolu_rec0001", "Bash"),
        ToolCallDelta(0, '{"command": "echo hello-from-to'),
        ToolCallDelta(0, 'ol", "description": "say hello"}'),
        PartEnded(0),
        UsageReported(
            Usage(input_tokens=11, output_tokens=7, cache_read_tokens=0, cache_creation_tokens=0),
        ),
        Finished("tool_calls"),
    ]


def test_two_blocks_that_are_open_at_once_keep_their_words_apart() -> None:
    events = events_of(read(recorded("llama-two-calls", "upstream.sse")))
    for call in (0, 1):
        arguments = "".join(e.arguments for e in events if isinstance(e, ToolCallDelta) and e.call == call)
        assert json.loads(arguments) == {"city": "Paris"}
    assert [e for e in events if isinstance(e, PartEnded)] == [PartEnded(0), PartEnded(1)]


def test_text_and_stop_reason_are_read() -> None:
    events = events_of(read(recorded("vllm-text", "upstream.sse")))
    assert "".join(e.text for e in events if isinstance(e, TextDelta)).startswith("Hello there!")
    assert events[-1] == Finished("max_tokens")


@pytest.mark.parametrize("case", cases("upstream.sse"))
@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_a_stream_says_the_same_however_it_is_cut(case: str, line_end: bytes) -> None:
    data = recorded(case, "upstream.sse")
    whole = outcome([data])
    cutting = with_line_ends(data, line_end)
    assert outcome([cutting]) == whole
    assert outcome([cutting[at : at + 1] for at in range(len(cutting))]) == whole
    step = 1 if line_end == b"\n" and len(data) < 10_000 else 17
    for at in range(0, len(cutting), step):
        assert outcome([cutting[:at], cutting[at:]]) == whole


@given(data=st.data(), case=st.sampled_from(cases("upstream.sse")))
def test_a_stream_says_the_same_in_any_number_of_reads(data: st.DataObject, case: str) -> None:
    stream = with_line_ends(recorded(case, "upstream.sse"), data.draw(st.sampled_from(LINE_ENDS)))
    assert outcome(data.draw(cut(stream))) == outcome([recorded(case, "upstream.sse")])


@pytest.mark.parametrize("case", IN_ORDER)
def test_a_read_gives_one_batch_whose_bytes_are_those_that_came(case: str) -> None:
    data = recorded(case, "upstream.sse")
    batches = read(data)
    assert len(batches) == 1
    stop = data.index(b"event: message_stop")
    assert wire_of(batches) == data[:stop]


def test_blocks_that_overlap_end_the_bytes_that_are_passed_on() -> None:
    data = recorded(OVERLAPPING, "upstream.sse")
    second = [at for at in range(len(data)) if data.startswith(b"event: content_block_start", at)][1]
    assert [batch.wire and batch.wire.data for batch in read(data)] == [data[:second], None]


def test_reading_can_be_given_up_where_blocks_begin_to_overlap() -> None:
    reading = ANTHROPIC_MESSAGES.stream_decoder().feed(recorded(OVERLAPPING, "upstream.sse"))
    assert isinstance(reading, Generator)
    next(reading)

    reading.close()

    assert list(reading) == []


@pytest.mark.parametrize("case", ["claude-code-cut", "llama-killed", "llama-terminated"])
def test_a_stream_that_breaks_off_is_truncated_after_all_its_words(case: str) -> None:
    events, _, end = outcome([recorded(case, "upstream.sse")])
    assert any(isinstance(e, TextDelta) for e in events)
    assert "TruncatedReply" in end


def test_a_stream_that_breaks_off_inside_an_event_is_truncated_not_garbled() -> None:
    data = recorded("llama-text", "upstream.sse")
    assert "TruncatedReply" in outcome([data[:-130]])[2]


def test_an_error_event_is_reported_with_its_words() -> None:
    decoder = ANTHROPIC_MESSAGES.stream_decoder()
    with pytest.raises(ReportedError) as caught:
        list(
            decoder.feed(
                START + frame(type="error", error={"type": "overloaded_error", "message": "Overloaded"})
            )
        )
    assert (caught.value.type, caught.value.message) == ("overloaded_error", "Overloaded")


def test_an_error_without_an_envelope_is_reported_after_what_came_before() -> None:
    decoder = ANTHROPIC_MESSAGES.stream_decoder()
    batches = decoder.feed(recorded("llama-malformed-call", "upstream.sse"))
    assert isinstance(next(batches).events[0], ReplyStarted)
    with pytest.raises(ReportedError, match="peg-native") as caught:
        next(batches)
    assert (caught.value.type, caught.value.status) == ("server_error", 500)


def test_later_counts_replace_earlier_ones_one_by_one() -> None:
    delta = frame(
        type="message_delta",
        delta={"stop_reason": "end_turn"},
        usage={"output_tokens": 9, "input_tokens": 4, "output_tokens_details": {"thinking_tokens": 2}},
    )
    usages = [e.usage for e in events_of(read(START + delta + STOP)) if isinstance(e, UsageReported)]
    assert usages[-1] == Usage(input_tokens=4, output_tokens=9, cache_read_tokens=5, reasoning_tokens=2)


def test_thinking_keeps_its_signature_and_its_seal() -> None:
    stream = [
        START,
        frame(
            type="content_block_start",
            index=0,
            content_block={"type": "thinking", "thinking": "", "signature": ""},
        ),
        frame(type="content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
        frame(type="content_block_delta", index=0, delta={"type": "signature_delta", "signature": "c2ln"}),
        frame(type="content_block_stop", index=0),
        frame(
            type="content_block_start", index=1, content_block={"type": "redacted_thinking", "data": "xyz"}
        ),
        frame(type="content_block_stop", index=1),
        STOP,
    ]
    assert events_of(read(*stream))[2:] == [
        ThinkingDelta("hm"),
        ThinkingSigned("c2ln"),
        PartEnded(),
        RedactedThinking("xyz"),
    ]


def test_what_only_this_dialect_knows_is_kept_as_it_came() -> None:
    server_call = [
        frame(
            type="content_block_start",
            index=0,
            content_block={"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        ),
        frame(type="content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{}"}),
        frame(type="content_block_stop", index=0),
    ]
    events = events_of(read(START, *server_call, frame(type="new_event", x=1), STOP))[2:]
    assert [(e.content, json.loads(e.payload)["type"]) for e in events if isinstance(e, Foreign)] == [
        (True, "content_block_start"),
        (True, "content_block_delta"),
        (True, "content_block_stop"),
        (False, "new_event"),
    ]


def test_an_unknown_delta_of_a_known_block_is_foreign_content() -> None:
    stream = [
        frame(type="content_block_start", index=0, content_block={"type": "text", "text": ""}),
        frame(type="content_block_delta", index=0, delta={"type": "citations_delta", "citation": {"a": 1}}),
    ]
    assert [type(e) for e in events_of(read(START, *stream, STOP))[2:]] == [Foreign]


def test_a_call_whose_arguments_come_with_its_beginning_has_them() -> None:
    start = frame(
        type="content_block_start",
        index=0,
        content_block={"type": "tool_use", "id": "a", "name": "f", "input": {"b": 1}},
    )
    assert events_of(read(START, start, STOP))[2:] == [
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, '{"b": 1}'),
    ]


def test_a_call_that_tells_no_arguments_has_an_empty_object() -> None:
    shown = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    start = frame(type="content_block_start", index=0, content_block=shown)
    events = events_of(read(START, start, frame(type="content_block_stop", index=0), STOP))
    assert events[2:] == [ToolCallStarted(0, "a", "f"), ToolCallDelta(0, "{}"), PartEnded(0)]


def test_an_event_without_its_name_is_known_by_its_type_and_gets_the_name() -> None:
    data = recorded("vllm-text", "upstream.sse")
    nameless = b"".join(line for line in data.splitlines(keepends=True) if not line.startswith(b"event:"))
    assert outcome([nameless]) == outcome([data])


def test_pings_are_passed_on_and_say_nothing() -> None:
    ping = frame(type="ping")
    (batch,) = ANTHROPIC_MESSAGES.stream_decoder().feed(b": hello\n\n" + ping)
    assert batch.events == ()
    assert batch.wire is not None
    assert batch.wire.data == ping


def test_nothing_that_follows_the_end_is_read() -> None:
    assert outcome([START + STOP + b"data: [DONE]\n\n"])[2] == "complete"


def test_a_reason_nobody_knew_travels_as_it_is() -> None:
    delta = frame(
        type="message_delta", delta={"stop_reason": "compaction", "container": {"id": "c"}}, usage={}
    )
    (finished,) = [e for e in events_of(read(START + delta + STOP)) if isinstance(e, Finished)]
    assert finished.reason == "compaction"
    assert finished.extensions == {"anthropic_messages": {"container": {"id": "c"}}}


@pytest.mark.parametrize(
    "event",
    [
        b"data: {not json\n\n",
        b"data: []\n\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        b'data: {"index":1}\n\n',
        b'event: message_start\ndata: {"type":"message_start"}\n\n',
        b'data: {"type":"content_block_start","content_block":{"type":"text"}}\n\n',
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}\n\n',
        b'data: {"type":"content_block_delta","index":"a","delta":{"type":"text_delta","text":"x"}}\n\n',
        b'data: {"type":"message_delta","usage":{}}\n\n',
        b"data: \xff\xfe\n\n",
    ],
)
def test_what_the_dialect_does_not_allow_is_garbled(event: bytes) -> None:
    with pytest.raises(GarbledReply):
        list(ANTHROPIC_MESSAGES.stream_decoder().feed(START + event))


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_read_or_refused_but_never_crash(reads: list[bytes]) -> None:
    outcome(reads)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "type",
                        "index",
                        "delta",
                        "content_block",
                        "message",
                        "usage",
                        "text",
                        "error",
                        "id",
                        "input",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    ),
    st.sampled_from(
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "error",
        ]
    ),
)
def test_any_json_is_read_or_refused_but_never_crashes(value: object, kind: str) -> None:
    body = {**value, "type": kind} if isinstance(value, dict) else value
    outcome([named_frame(kind.encode(), json.dumps(body).encode())])
