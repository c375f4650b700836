"""Whatever a model says in whatever order: every client reads it, however its connection cuts the stream."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Answering, Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.dialects.sse import SseReader
from domain.conversation.fold import fold
from domain.conversation.parts import Refusal, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Completion,
    Finished,
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
    WeighedText,
)
from domain.conversation.telling import Telling
from tests.adapters.dialects import sdks
from tests.adapters.dialects.anthropic_messages import legal_stream as messages
from tests.adapters.dialects.openai_chat import chat_streams as chat
from tests.adapters.dialects.openai_responses import legal_stream as responses
from tests.adapters.dialects.recorded import DIALECTS
from tests.adapters.dialects.strategies import (
    LINE_ENDS,
    NAMES,
    WORDS,
    Events,
    arguments,
    batched,
    beginnings,
    cut,
    usages,
    with_line_ends,
)

ANSWERING = Answering(model="", reply_id="ours", created=1_700_000_000, wants_usage=True)

TOKEN = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


@st.composite
def answers(draw: st.DrawFn) -> Events:
    """One answer: words, thoughts and calls in any order, calls told in turns, usage reported at any time."""
    events: list[ReplyEvent] = [draw(beginnings())] if draw(st.booleans()) else []
    numbers = iter(range(10))
    calls: list[list[ReplyEvent]] = []
    for kind in draw(st.lists(st.sampled_from(["text", "thought", "sealed", "call", "usage"]), max_size=6)):
        match kind:
            case "text":
                weighed = st.builds(WeighedText, WORDS, st.just(0), st.just((TOKEN,)))
                plain = st.builds(TextDelta, WORDS | st.just(""))
                events += draw(st.lists(plain | weighed, max_size=3))
                events += draw(st.sampled_from([[], [PartEnded()]]))
            case "thought":
                events += [ThinkingDelta(words) for words in draw(st.lists(WORDS, min_size=1, max_size=3))]
                events += draw(st.sampled_from([[], [ThinkingSigned("c2ln"), PartEnded()]]))
            case "sealed":
                events.append(RedactedThinking(draw(NAMES)))
            case "usage":
                events.append(UsageReported(draw(usages())))
            case _:
                number = next(numbers)
                events.append(ToolCallStarted(number, f"call_{number}", draw(NAMES)))
                calls.append([ToolCallDelta(number, piece) for piece in draw(arguments())])
        events += _more_of(draw, calls)
    events += [event for told in calls for event in told]
    reason = (
        StopReason.TOOL_CALLS
        if calls
        else draw(st.sampled_from([StopReason.END_TURN, StopReason.MAX_TOKENS]))
    )
    return (*events, Finished(reason), UsageReported(draw(usages())))


def _more_of(draw: st.DrawFn, calls: list[list[ReplyEvent]]) -> list[ReplyEvent]:
    """A few pieces of calls that are under way, in any order."""
    told: list[ReplyEvent] = []
    for _ in range(draw(st.integers(0, 3))):
        under_way = [pieces for pieces in calls if pieces]
        if under_way:
            told.append(draw(st.sampled_from(under_way)).pop(0))
    return told


def streamed(dialect: Dialect, batches: Iterable[Batch]) -> bytes:
    encoder = dialect.stream_encoder(ANSWERING)
    return b"".join(map(encoder.send, batches)) + encoder.close()


def read(dialect: Dialect, reads: Iterable[bytes]) -> list[Batch]:
    decoder = dialect.stream_decoder()
    return [batch for data in reads for batch in decoder.feed(data)] + list(decoder.close())


def bytes_of(batches: Iterable[Batch]) -> bytes:
    return b"".join(batch.wire.data for batch in batches if batch.wire is not None)


def heard(completion: Completion, dialect: Dialect) -> Any:
    """An answer as far as the dialect has words for it; what it joins is joined."""
    choice = completion.choices[0]
    assert choice.finish is not None
    said: list[tuple[str, ...]] = []
    for part in choice.parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                _join(said, "text", text)
            case Thinking(text=text, signature=signature, redacted=None):
                seal = [signature] if signature and dialect is not OPENAI_CHAT else []
                _join(said, "thinking", text, *seal)
            case Thinking(redacted=data) if dialect is not OPENAI_CHAT:
                said.append(("sealed", str(data)))
            case ToolCall(id=id, name=name, arguments=written):
                said.append(("call", id, name, json.dumps(json.loads(written or "{}"))))
            case _:
                pass
    if dialect is OPENAI_CHAT:
        said = _by_kind(said)
    return said, choice.finish.reason, counted(completion.usage, dialect)


def _join(said: list[tuple[str, ...]], kind: str, text: str, *seal: str) -> None:
    """A signed thought is complete; other words of a kind go on with those before them."""
    if said and said[-1][0] == kind and len(said[-1]) == 2:
        text = said.pop()[1] + text
    if text or seal:
        said.append((kind, text, *seal))


def _by_kind(said: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Chat has one place for thoughts, one for words, and one for calls."""
    joined = [(kind, "".join(each[1] for each in said if each[0] == kind)) for kind in ("thinking", "text")]
    return [each for each in joined if each[1]] + [each for each in said if each[0] == "call"]


def counted(usage: Usage | None, dialect: Dialect) -> Usage | None:
    if usage is None or dialect is not OPENAI_RESPONSES:
        return usage
    return replace(usage, cache_creation_tokens=0, reasoning_tokens=0)


@every_dialect
@given(data=st.data(), events=answers())
def test_it_is_told_by_the_rules_and_reads_back_the_same_however_it_is_cut(
    dialect: Dialect, data: st.DataObject, events: Events
) -> None:
    assert not Telling().disorder(Batch(events)), "the events are in order"
    stream = streamed(dialect, data.draw(batched(events)))
    assert_legal(dialect, stream)
    arriving = with_line_ends(stream, data.draw(st.sampled_from(LINE_ENDS)))

    batches = read(dialect, data.draw(cut(arriving)))

    assert heard(fold(batches), dialect) == heard(fold([Batch(events)]), dialect)


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, ANTHROPIC_MESSAGES], ids=lambda dialect: dialect.name)
@given(data=st.data(), events=answers())
def test_it_passes_at_home_byte_for_byte_however_it_is_cut(
    dialect: Dialect, data: st.DataObject, events: Events
) -> None:
    """Events of Responses are numbered by whoever sends them, so they are always written anew."""
    stream = streamed(dialect, [Batch(events)])
    batches = read(dialect, data.draw(cut(stream)))

    assert stream.startswith(bytes_of(batches))
    assert streamed(dialect, batches) == stream


@every_dialect
@given(data=st.data(), events=answers())
def test_one_byte_at_a_time_says_what_the_whole_says(
    dialect: Dialect, data: st.DataObject, events: Events
) -> None:
    stream = with_line_ends(streamed(dialect, [Batch(events)]), data.draw(st.sampled_from(LINE_ENDS)))
    single = read(dialect, [stream[at : at + 1] for at in range(len(stream))])
    whole = read(dialect, [stream])

    assert [event for batch in single for event in batch.events] == [
        event for batch in whole for event in batch.events
    ]
    assert bytes_of(single) == bytes_of(whole)


@every_dialect
@given(data=st.data(), events=answers())
def test_signs_of_life_say_nothing(dialect: Dialect, data: st.DataObject, events: Events) -> None:
    encoder = dialect.stream_encoder(ANSWERING)
    stream = b""
    for event in events:
        for _ in range(data.draw(st.integers(0, 2))):
            stream += encoder.ping()
        stream += encoder.send(Batch((event,)))
    stream += encoder.ping() + encoder.close()

    if dialect is OPENAI_RESPONSES:  # a ping is an event there, and every event has its number
        responses.complete(stream)
    told = heard(fold(read(dialect, [stream])), dialect)
    assert told == heard(fold([Batch(events)]), dialect)


@every_dialect
@given(events=answers())
def test_the_whole_of_it_reads_back_the_same(dialect: Dialect, events: Events) -> None:
    before = fold([Batch(events)])
    body = dialect.encode_completion(before, ANSWERING)

    assert heard(fold([dialect.decode_completion(body)]), dialect) == heard(before, dialect)


@every_dialect
@settings(max_examples=25)
@given(data=st.data(), events=answers())
def test_the_vendors_sdk_gathers_it_from_the_stream_as_from_the_whole(
    dialect: Dialect, data: st.DataObject, events: Events
) -> None:
    stream = streamed(dialect, data.draw(batched(events)))
    body = dialect.encode_completion(fold([Batch(events)]), ANSWERING)

    assert sdks.streamed(dialect.name, data.draw(cut(stream))) == sdks.whole(dialect.name, body)


FIRST_CALL, SECOND_CALL = ToolCallStarted(0, "call-0", "look"), ToolCallStarted(1, "", "see")
ANY_EVENTS: list[ReplyEvent] = [
    ReplyStarted("id", "model", 1),
    TextDelta("words"),
    TextDelta("", choice=1),
    TextDelta("other words", choice=1),
    ThinkingDelta("thoughts"),
    ThinkingSigned("signature"),
    RedactedThinking("sealed"),
    RefusalDelta("no"),
    FIRST_CALL,
    SECOND_CALL,
    ToolCallDelta(0, '{"a'),
    ToolCallDelta(1, '":1}'),
    ToolCallDelta(7, "{}"),
    PartEnded(),
    PartEnded(call=0),
    PartEnded(call=9),
    UsageReported(Usage(input_tokens=1, output_tokens=2)),
    Finished("end_turn"),
    Finished("tool_calls", choice=1),
]


@st.composite
def disorder(draw: st.DrawFn) -> list[ReplyEvent]:
    """Any events in any order, but for the numbers of calls, which count from 0 whoever tells them."""
    events = draw(st.lists(st.sampled_from(ANY_EVENTS), max_size=14))
    first = next((at for at, event in enumerate(events) if event == FIRST_CALL), len(events))
    return [event for at, event in enumerate(events) if event != SECOND_CALL or at > first]


@every_dialect
@settings(max_examples=300)
@given(events=disorder(), ends=st.booleans())
@example(events=[ReplyStarted("id", "m"), Finished("end_turn", choice=1)], ends=True)
def test_events_out_of_order_are_refused_before_anything_illegal_is_written(
    dialect: Dialect, events: list[ReplyEvent], ends: bool
) -> None:
    encoder = dialect.stream_encoder(ANSWERING)
    stream = b""
    try:
        for event in events:
            stream += encoder.send(Batch((event,)))
        if ends:
            stream += encoder.close()
    except RuntimeError:
        pass

    _BEGINNINGS[dialect.name](stream)


def assert_legal(dialect: Dialect, stream: bytes) -> None:
    """A whole stream that keeps every rule of its dialect."""
    match dialect.name:
        case OPENAI_CHAT.name:
            chat.chunks_of(stream)
        case ANTHROPIC_MESSAGES.name:
            messages.told(stream)
        case _:
            responses.complete(stream)


def _messages_beginning(stream: bytes) -> None:
    so_far = messages.Told(whole_calls=False)
    for event in SseReader().feed(stream):
        so_far.take(json.loads(event.data))


def _responses_beginning(stream: bytes) -> None:
    responses.told_by(stream)


_BEGINNINGS: Mapping[str, Any] = {
    OPENAI_CHAT.name: chat.assert_legal_beginning,
    ANTHROPIC_MESSAGES.name: _messages_beginning,
    OPENAI_RESPONSES.name: _responses_beginning,
}
"""Whether bytes are the beginning of a stream that may yet become a legal one."""
