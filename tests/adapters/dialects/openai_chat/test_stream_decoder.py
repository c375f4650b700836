"""A stream's events do not depend on how it was cut, and only a complete answer ends well."""

import json
from typing import Any, ClassVar

import pytest

from adapters.dialects.dialect import GarbledReply, ReportedError, TruncatedReply
from adapters.dialects.openai_chat.stream_decoder import ChatStreamDecoder
from domain.conversation.fold import fold
from domain.conversation.parts import Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    RefusalDelta,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from tests.adapters.dialects.openai_chat.chat_streams import DONE, chunk, events_of, read

OPENING = chunk({"role": "assistant", "content": None})
STOP = chunk({}, "stop")


def call(
    index: int | None = None, call_id: str | None = None, name: str | None = None, arguments: Any = None
) -> Any:
    function = {"name": name, "arguments": arguments}
    told = {"index": index, "id": call_id, "function": {k: v for k, v in function.items() if v is not None}}
    return {"tool_calls": [{k: v for k, v in told.items() if v is not None}]}


def test_text_comes_as_it_was_told() -> None:
    batches = read(OPENING + chunk({"content": "Hel"}) + chunk({"content": "lo"}) + STOP + DONE)

    assert events_of(batches) == [
        ReplyStarted("chatcmpl-1", "real", 5),
        TextDelta("Hel"),
        TextDelta("lo"),
        Finished(StopReason.END_TURN),
    ]


def test_one_read_gives_one_batch_with_its_bytes_but_not_the_terminator_and_comments() -> None:
    frames = OPENING + chunk({"content": "a"}) + STOP

    [batch] = read(frames + DONE)
    assert batch.wire is not None
    assert batch.wire.data == frames

    [batch] = read(b": ping\n\n" + frames.replace(b"\n", b"\r\n") + b": ping\r\n\r\n" + DONE)
    assert batch.wire is not None
    assert batch.wire.data == frames


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_thinking_under_either_name(field: str) -> None:
    events = events_of(read(chunk({field: "hm"}) + chunk({"content": "so"}) + STOP))

    assert events[1:3] == [ThinkingDelta("hm"), TextDelta("so")]


def test_thinking_in_content_parts_is_thinking() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "so"},
    ]

    assert events_of(read(chunk({"content": parts}) + STOP))[1:3] == [ThinkingDelta("hm"), TextDelta("so")]


def test_a_refusal_is_told_as_one() -> None:
    assert RefusalDelta("no") in events_of(read(chunk({"refusal": "no"}) + STOP))


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", StopReason.END_TURN),
        ("length", StopReason.MAX_TOKENS),
        ("tool_calls", StopReason.TOOL_CALLS),
        ("function_call", StopReason.TOOL_CALLS),
        ("content_filter", StopReason.CONTENT_FILTER),
        ("eos", "eos"),
    ],
)
def test_a_finish_reason_is_translated_or_kept(word: str, reason: str) -> None:
    assert events_of(read(chunk({"content": "a"}) + chunk({}, word)))[-1] == Finished(reason)


def test_the_stop_string_that_was_met_is_told() -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}

    assert events_of(read(OPENING + chunk(choices=[choice])))[-1] == Finished(StopReason.STOP_SEQUENCE, "END")


class TestToolCalls:
    """Calls are told apart by index and by id."""

    def folded(self, *frames: bytes) -> list[tuple[str, str, str]]:
        parts = fold(read(*frames, chunk({}, "tool_calls"))).choices[0].parts
        return [(part.id, part.name, part.arguments) for part in parts if isinstance(part, ToolCall)]

    def test_interleaved_calls_keep_their_own_arguments(self) -> None:
        assert self.folded(
            chunk(call(0, "a", "x", "")),
            chunk(call(1, "b", "y", "")),
            chunk(call(0, arguments='{"p":')),
            chunk(call(1, arguments="{")),
            chunk(call(0, arguments="1}")),
            chunk(call(1, arguments="}")),
        ) == [("a", "x", '{"p":1}'), ("b", "y", "{}")]

    def test_a_repeated_index_with_a_new_id_and_name_is_a_new_call(self) -> None:
        assert self.folded(
            chunk(call(0, "a", "x", "{}")), chunk(call(0, "b", "y", "{")), chunk(call(0, arguments="}"))
        ) == [("a", "x", "{}"), ("b", "y", "{}")]

    def test_an_id_that_changes_without_a_name_is_the_same_call(self) -> None:
        assert self.folded(chunk(call(0, "a", "x", "{")), chunk(call(0, "z", arguments="}"))) == [
            ("a", "x", "{}")
        ]

    def test_a_missing_index_goes_by_the_id(self) -> None:
        assert self.folded(
            chunk(call(None, "a", "x", "{")),
            chunk(call(None, None, None, "}")),
            chunk(call(None, "b", "y", "{}")),
        ) == [("a", "x", "{}"), ("b", "y", "{}")]

    def test_arguments_that_come_as_an_object_become_text(self) -> None:
        assert self.folded(chunk(call(0, "a", "x", {"p": 1}))) == [("a", "x", '{"p":1}')]

    def test_a_call_without_id_is_given_one(self) -> None:
        assert self.folded(chunk(call(0, None, "x", "{}"))) == [("call_1_0", "x", "{}")]

    def test_what_a_client_would_read_otherwise_loses_its_bytes_and_nothing_else_does(self) -> None:
        batches = read(
            OPENING
            + chunk(call(0, "a", "x", "{}"))
            + chunk(call(0, "b", "y", "{}"))
            + chunk({}, "tool_calls")
        )

        assert [batch.wire is None for batch in batches] == [False, True, False]

    def test_the_older_form_is_a_tool_call_and_keeps_its_bytes(self) -> None:
        batches = read(
            chunk({"function_call": {"name": "x", "arguments": ""}})
            + chunk({"function_call": {"arguments": "{}"}})
            + chunk({}, "function_call")
        )

        assert events_of(batches)[1:] == [
            ToolCallStarted(0, "call_1_0", "x"),
            ToolCallDelta(0, "{}"),
            Finished(StopReason.TOOL_CALLS),
        ]
        assert all(batch.wire for batch in batches)

    def test_a_call_of_a_custom_tool_is_foreign(self) -> None:
        custom = {
            "tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "x", "input": "1"}}]
        }

        [told] = [event for event in events_of(read(chunk(custom) + STOP)) if isinstance(event, Foreign)]

        assert told.content
        assert json.loads(told.payload)["choices"][0]["delta"] == custom


class TestUsage:
    """A usage report is found wherever a server puts it."""

    usage: ClassVar = {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 6},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    report = UsageReported(Usage(input_tokens=4, output_tokens=4, cache_read_tokens=6, reasoning_tokens=3))

    @pytest.mark.parametrize(
        "choices", [[], [{"index": 0, "delta": {}}], [{"index": 0, "delta": {"content": ""}}]]
    )
    def test_a_frame_with_nothing_but_usage_is_a_batch_of_its_own(self, choices: list[Any]) -> None:
        batches = read(OPENING + STOP + chunk(choices=choices, usage=self.usage) + DONE)

        assert [len(batch.events) for batch in batches] == [2, 1]
        assert batches[1].events == (self.report,)
        assert batches[1].wire is not None

    def test_usage_on_the_finish_stays_there(self) -> None:
        [batch] = read(OPENING + chunk({}, "stop", usage=self.usage) + DONE)

        assert batch.events[-2:] == (Finished(StopReason.END_TURN), self.report)

    def test_deepseeks_cache_hits_count(self) -> None:
        usage = {"prompt_tokens": 10, "completion_tokens": 4, "prompt_cache_hit_tokens": 7}

        report = events_of(read(OPENING + STOP + chunk(choices=[], usage=usage)))[-1]

        assert report == UsageReported(Usage(input_tokens=3, output_tokens=4, cache_read_tokens=7))

    def test_null_is_no_report(self) -> None:
        events = events_of(read(OPENING + chunk({"content": "a"}, usage=None) + chunk({}, "stop", usage={})))

        assert not [event for event in events if isinstance(event, UsageReported)]


COUNTS = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}


@pytest.mark.parametrize(
    "ending",
    [
        [chunk({}, "stop", usage=COUNTS)],
        [chunk({}, "stop"), chunk({}, usage=COUNTS)],
        [chunk({}, "stop"), b'data: {"choices":[],"usage":%b}\n\n' % json.dumps(COUNTS).encode()],
        [chunk({}, usage={**COUNTS, "completion_tokens": 1}), chunk({}, "stop", usage=COUNTS)],
    ],
    ids=["with the finish", "on an empty delta", "on no choice", "again and again"],
)
def test_the_last_usage_counts_wherever_a_server_tells_it(ending: list[bytes]) -> None:
    stream = b"".join([chunk({"role": "assistant", "content": "a"}, usage=None), *ending, DONE])

    events = events_of(read(stream))

    assert [event.usage for event in events if isinstance(event, UsageReported)][-1] == Usage(
        input_tokens=5, output_tokens=3
    )
    assert [event for event in events if isinstance(event, Finished)] == [Finished("end_turn")]


def test_several_answers_keep_their_choice() -> None:
    completion = fold(
        read(
            chunk({"content": "a"})
            + chunk({"content": "b"}, index=1)
            + chunk({"reasoning": "c"}, index=1)
            + chunk({}, "stop", index=1)
            + chunk({}, "length")
        )
    )

    assert [choice.parts for choice in completion.choices] == [
        (Text(text="a"),),
        (Text(text="b"), Thinking(text="c")),
    ]


@pytest.mark.parametrize(
    ("frame", "message", "code", "status"),
    [
        (b'{"error":{"code":500,"message":"broke","type":"server_error"}}', "broke", "500", 500),
        (b'{"error":{"message":"broke","type":"x","code":"overloaded"}}', "broke", "overloaded", None),
        (b'{"error":"broke"}', "broke", "", None),
        (b'{"object":"error","message":"broke","type":"BadRequestError","code":400}', "broke", "400", 400),
        (b'{"choices":[],"error":{"message":"broke"}}', "broke", "", None),
        (b'{"choices":[{"index":0,"error":{"message":"broke","code":502}}]}', "broke", "502", 502),
    ],
)
def test_an_error_in_the_stream_is_told_in_the_servers_words(
    frame: bytes, message: str, code: str, status: int | None
) -> None:
    with pytest.raises(ReportedError) as caught:
        read(OPENING + chunk({"content": "a"}) + b"data: " + frame + b"\n\n" + DONE)

    assert (caught.value.message, caught.value.code, caught.value.status) == (message, code, status)


def test_what_came_before_an_error_is_not_lost() -> None:
    told: list[Batch] = []
    feeding = ChatStreamDecoder().feed(OPENING + chunk({"content": "a"}) + b'data: {"error":"broke"}\n\n')

    told.append(next(feeding))
    with pytest.raises(ReportedError):
        next(feeding)

    assert told[0].events[-1] == TextDelta("a")
    assert told[0].wire is not None
    assert told[0].wire.data == OPENING + chunk({"content": "a"})


@pytest.mark.parametrize(
    "frame",
    [
        b"data: {",
        b"data: 5",
        b"data: []",
        b"data: {}",
        b'data: {"id":"x"}',
        b'data: {"choices":{}}',
        b"data: <html>",
        b'data: {"choices":[]},{"choices":[]}',
        b"data: " + b"[" * 5000,
    ],
)
def test_a_frame_that_is_no_chunk_is_garbled(frame: bytes) -> None:
    with pytest.raises(GarbledReply):
        read(OPENING + frame + b"\n\n" + STOP + DONE)


def test_an_answer_that_goes_on_after_its_end_is_garbled() -> None:
    with pytest.raises(GarbledReply, match="goes on"):
        read(OPENING + STOP + chunk({"content": "more"}) + DONE)


def test_a_second_finish_reason_is_left_out() -> None:
    batches = read(OPENING + STOP + chunk({}, "length") + DONE)

    assert [event for event in events_of(batches) if isinstance(event, Finished)] == [
        Finished(StopReason.END_TURN)
    ]
    assert batches[-1] == Batch(())


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        DONE,
        OPENING,
        OPENING + chunk({"content": "a"}),
        OPENING + chunk({"content": "a"}) + DONE,
        OPENING + STOP[:-20],
        OPENING + STOP + chunk({"content": "b"}, index=1) + DONE,
        b": ping\n\n",
    ],
)
def test_a_stream_that_ends_before_the_answer_is_truncated(stream: bytes) -> None:
    with pytest.raises(TruncatedReply):
        read(stream)


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_last_frame_may_lack_its_blank_line(left: int) -> None:
    stream = OPENING + STOP

    assert events_of(read(stream[: len(stream) - left]))[-1] == Finished(StopReason.END_TURN)


def test_nothing_after_the_terminator_counts() -> None:
    batches = read(OPENING + STOP + DONE + chunk({"content": "x"}) + b"data: {", b"data: rubbish\n\n")

    assert events_of(batches)[-1] == Finished(StopReason.END_TURN)


def test_a_first_frame_with_nothing_but_filter_results_begins_no_answer() -> None:
    frame = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[]}\n\n'

    assert events_of(read(frame + OPENING + STOP))[0] == ReplyStarted("chatcmpl-1", "real", 5)
