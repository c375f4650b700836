"""Streams of Ollama say the same however they are cut, and never end well by accident."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, Dialect, GarbledReply, ReportedError, TruncatedReply
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.ollama_chat.stream_decoder import MAX_LINE_BYTES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.fold import fold
from domain.conversation.parts import Text, Thinking, ToolCall
from domain.conversation.reply import (
    Finished,
    PartEnded,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from tests.adapters.dialects.ollama_chat.lines import (
    MODEL,
    STREAMS,
    TEXT,
    THINKING,
    TOOLS,
    call,
    end,
    events,
    line,
    read,
    told,
)
from tests.adapters.dialects.strategies import Events, cut, legal_replies

BEGINNING = ReplyStarted(model=MODEL, created=1783896843)
COUNTED = UsageReported(Usage(input_tokens=61, output_tokens=468))
streams = pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)


def test_a_text_is_read_as_it_comes() -> None:
    assert events(read(TEXT)) == [
        BEGINNING,
        TextDelta("The sky "),
        TextDelta("is blue — なぜ?"),
        Finished(StopReason.END_TURN),
        COUNTED,
    ]


def test_thinking_is_told_apart_from_the_answer() -> None:
    assert events(read(THINKING))[1:3] == [ThinkingDelta("Let me see."), TextDelta("Blue.")]


def test_calls_come_whole_and_get_ids_where_the_server_gives_none() -> None:
    assert events(read(TOOLS))[2:-2] == [
        ToolCallStarted(0, "call_20260712225403408987654_0", "get_weather"),
        ToolCallDelta(0, '{"city":"Zürich"}'),
        PartEnded(0),
        ToolCallStarted(1, "call_20260712225403408987654_1", "get_time"),
        ToolCallDelta(1, "{}"),
        PartEnded(1),
        ToolCallStarted(2, "call_own", "get_weather"),
        ToolCallDelta(2, '{"city":"Rom"}'),
        PartEnded(2),
    ]
    assert events(read(TOOLS))[-2] == Finished(StopReason.TOOL_CALLS)


@pytest.mark.parametrize(
    ("word", "reason"), [("stop", "end_turn"), ("length", "max_tokens"), ("load", "load"), ("new", "new")]
)
def test_the_reason_to_stop_is_translated_or_passed_on(word: str, reason: str) -> None:
    assert Finished(reason) in events(read(line({"content": "x"}) + end(word)))


def test_a_call_that_was_cut_short_by_the_limit_is_no_finished_turn() -> None:
    stream = line({"tool_calls": [call("f", {})]}) + end("length")

    assert Finished(StopReason.MAX_TOKENS) in events(read(stream))


@streams
def test_every_cut_gives_the_same_events(stream: bytes) -> None:
    whole = events(read(stream))

    for place in range(len(stream) + 1):
        assert events(read(stream[:place], stream[place:])) == whole
    assert events(read(*(bytes([byte]) for byte in stream))) == whole


@streams
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n\n", b" \n"])
def test_line_ends_and_blank_lines_make_no_difference(stream: bytes, line_end: bytes) -> None:
    assert events(read(stream.replace(b"\n", line_end))) == events(read(stream))


@streams
def test_the_last_line_may_lack_its_end(stream: bytes) -> None:
    assert events(read(stream.removesuffix(b"\n"))) == events(read(stream))


@streams
def test_a_stream_that_ends_early_is_broken_wherever_it_ends(stream: bytes) -> None:
    last = stream.rindex(b"\n", 0, -1) + 1
    for place in (0, 1, last // 2, last):
        with pytest.raises((TruncatedReply, GarbledReply)):
            read(stream[:place])


def test_what_comes_after_the_end_is_left_out() -> None:
    assert events(read(TEXT + line({"content": "more"}) + b"rubbish\n")) == events(read(TEXT))


def test_an_error_in_the_midst_is_told_after_what_came_before() -> None:
    decoder = OLLAMA_CHAT.stream_decoder()
    stream = decoder.feed(line({"content": "Hel"}) + b'{"error":"model runner has unexpectedly stopped"}\n')

    assert events([next(stream)]) == [BEGINNING, TextDelta("Hel")]
    with pytest.raises(ReportedError, match="unexpectedly stopped"):
        next(stream)


@pytest.mark.parametrize("garbage", [b"<html>", b"[]", b'{"model":"m"}', b'{"done":"no"}', b"\xff"])
def test_garbage_is_named_as_such(garbage: bytes) -> None:
    with pytest.raises(GarbledReply):
        read(line({"content": "x"}), garbage + b"\n")


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    decoder = OLLAMA_CHAT.stream_decoder()
    piece = b"x" * (1024 * 1024)

    for _ in range(MAX_LINE_BYTES // len(piece)):
        assert list(decoder.feed(piece)) == []
    with pytest.raises(GarbledReply, match="a line of more than"):
        list(decoder.feed(piece))


def test_a_server_that_counts_nothing_reports_no_usage() -> None:
    stream = line({"content": "x"}) + line({}, done=True)

    assert [event for event in events(read(stream)) if isinstance(event, UsageReported)] == []


def test_a_whole_answer_is_read_like_a_stream() -> None:
    body = line(
        {"content": "Blue.", "thinking": "Hm.", "tool_calls": [call("f", {"x": 1})]},
        done=True,
        done_reason="stop",
        prompt_eval_count=5,
        eval_count=7,
    )

    completion = fold([OLLAMA_CHAT.decode_completion(body)])

    assert [type(part) for part in completion.choices[0].parts] == [Thinking, Text, ToolCall]
    assert completion.usage == Usage(input_tokens=5, output_tokens=7)
    assert completion.choices[0].finish == Finished(StopReason.TOOL_CALLS)


def test_a_whole_answer_that_is_not_done_is_none() -> None:
    with pytest.raises(GarbledReply):
        OLLAMA_CHAT.decode_completion(line({"content": "x"}))
    with pytest.raises(ReportedError):
        OLLAMA_CHAT.decode_completion(b'{"error":"no"}')


def test_an_error_body_is_read() -> None:
    error = OLLAMA_CHAT.decode_error(b'{"error":"model \\"nope\\" not found, try pulling it first"}')

    assert error.message == 'model "nope" not found, try pulling it first'


@given(reply=legal_replies(interleaved=False), data=st.data())
def test_any_reply_is_read_back_from_any_cut(reply: Events, data: st.DataObject) -> None:
    stream = told(reply)

    found = events(read(*data.draw(cut(stream))))

    assert found == events(read(stream))
    for kind in (TextDelta, ThinkingDelta):
        assert _words(found, kind) == _words(reply, kind)
    assert _calls(found) == _calls(reply)


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES])
@given(reply=legal_replies(interleaved=False))
def test_any_reply_can_be_told_to_every_client(dialect: Dialect, reply: Events) -> None:
    encoder = dialect.stream_encoder(Answering(model="asked-for", reply_id="r1", created=1, wants_usage=True))
    batches = read(told(reply))

    written = b"".join([encoder.send(batch) for batch in batches]) + encoder.close()

    decoder = dialect.stream_decoder()
    back = events([*decoder.feed(written), *decoder.close()])
    assert _words(back, TextDelta) == _words(reply, TextDelta)
    assert _calls(back) == _calls(reply)


def _words(found: object, kind: type[TextDelta | ThinkingDelta]) -> str:
    assert isinstance(found, list | tuple)
    return "".join(event.text for event in found if isinstance(event, kind))


def _calls(found: object) -> list[tuple[str, str, object]]:
    assert isinstance(found, list | tuple)
    begun = {event.call: event for event in found if isinstance(event, ToolCallStarted)}
    written = dict.fromkeys(begun, "")
    for event in found:
        if isinstance(event, ToolCallDelta):
            written[event.call] += event.arguments
    return [(event.id, event.name, json.loads(written[n] or "{}")) for n, event in begun.items()]
