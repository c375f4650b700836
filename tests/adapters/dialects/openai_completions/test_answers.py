"""What a model goes on with passes untouched, and reads back however it is told and cut."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.dialect import (
    Answering,
    DialectError,
    ErrorReport,
    GarbledReply,
    ReportedError,
    TruncatedReply,
)
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.dialects.sse import SseReader
from domain.conversation.fold import fold
from domain.conversation.parts import Text
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    Usage,
    UsageReported,
)
from tests.adapters.dialects.openai_completions.recorded import recorded
from tests.adapters.dialects.strategies import (
    LINE_ENDS,
    WORDS,
    WORDY_REASONS,
    Events,
    batched,
    beginnings,
    cut,
    usages,
    with_line_ends,
)

ANSWERING = Answering(model="asked-for", reply_id="ours", created=1_700_000_000, wants_usage=True)
NAMELESS = Answering(model="", reply_id="ours", created=1_700_000_000, wants_usage=True)
QUIET = Answering(model="", reply_id="ours", created=1_700_000_000)

STARTED = ReplyStarted("cmpl-1", "real", 5)
END = Finished(StopReason.END_TURN)
FINISHED = b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}]}\n\n'


def read(reads: Iterable[bytes]) -> list[Batch]:
    decoder = OPENAI_COMPLETIONS.stream_decoder()
    return [batch for data in reads for batch in decoder.feed(data)] + list(decoder.close())


def written(batches: Iterable[Batch], answering: Answering = ANSWERING) -> bytes:
    encoder = OPENAI_COMPLETIONS.stream_encoder(answering)
    return b"".join(map(encoder.send, batches)) + encoder.close()


def events_of(batches: Iterable[Batch]) -> list[ReplyEvent]:
    """Words in a row are told in whatever pieces they came in."""
    joined: list[ReplyEvent] = []
    for event in (event for batch in batches for event in batch.events):
        match event, joined[-1] if joined else None:
            case TextDelta(text, choice), TextDelta(before, same) if same == choice:
                joined[-1] = TextDelta(before + text, choice)
            case _:
                joined.append(event)
    return joined


def chunks_of(stream: bytes) -> list[Any]:
    *chunks, last = [event.data for event in SseReader().feed(stream)]
    assert last == b"[DONE]"
    return [json.loads(chunk) for chunk in chunks]


@st.composite
def texts(draw: st.DrawFn) -> Events:
    said = [TextDelta(words) for words in draw(st.lists(WORDS, max_size=5))]
    counted = [UsageReported(draw(usages()))] if draw(st.booleans()) else []
    return (draw(beginnings()), *said, Finished(draw(WORDY_REASONS)), *counted)


@recorded("*/upstream.sse")
def test_a_stream_passes_byte_for_byte_and_says_the_same_however_it_is_cut(data: bytes) -> None:
    batches = read([data])

    assert written(batches, NAMELESS) == data
    for line_end in LINE_ENDS:
        stream = with_line_ends(data, line_end)
        assert events_of(read(stream[at : at + 1] for at in range(len(stream)))) == events_of(batches)


@recorded("*/upstream.json")
def test_a_whole_answer_passes_byte_for_byte_but_for_the_models_name(data: bytes) -> None:
    completion = fold([OPENAI_COMPLETIONS.decode_completion(data)])

    assert OPENAI_COMPLETIONS.encode_completion(completion, NAMELESS) == data
    renamed = OPENAI_COMPLETIONS.encode_completion(completion, ANSWERING)
    assert json.loads(renamed) == json.loads(data) | {"model": "asked-for"}


@recorded("*/upstream.*")
def test_a_recorded_answer_is_understood(data: bytes) -> None:
    streamed = data.startswith(b"data:")
    completion = fold(read([data]) if streamed else [OPENAI_COMPLETIONS.decode_completion(data)])

    (choice,) = completion.choices
    (text,) = choice.parts
    assert isinstance(text, Text)
    assert text.text.startswith(", the city of")
    assert choice.finish is not None
    assert choice.finish.reason is StopReason.MAX_TOKENS


@given(texts(), st.data())
def test_what_is_written_reads_back_however_it_is_cut(events: Events, data: st.DataObject) -> None:
    stream = with_line_ends(
        written(data.draw(batched(events)), NAMELESS), data.draw(st.sampled_from(LINE_ENDS))
    )

    assert events_of(read(data.draw(cut(stream)))) == events_of([Batch(events)])


@given(texts(), st.data())
def test_bytes_and_built_frames_may_take_turns(events: Events, data: st.DataObject) -> None:
    upstream = written([Batch(events)], NAMELESS)
    batches = read(frame + b"\n\n" for frame in upstream.split(b"\n\n") if frame)
    changed = [Batch(batch.events) if data.draw(st.booleans()) else batch for batch in batches]

    assert {chunk["model"] for chunk in chunks_of(written(changed))} == {"asked-for"}
    assert events_of(read([written(changed, NAMELESS)])) == events_of([Batch(events)])
    assert events_of(read([written(changed, QUIET)])) == [
        event for event in events_of([Batch(events)]) if not isinstance(event, UsageReported)
    ]


@given(texts())
def test_the_whole_reads_back(events: Events) -> None:
    before = fold([Batch(events)])

    body = OPENAI_COMPLETIONS.encode_completion(before, NAMELESS)

    after = fold([OPENAI_COMPLETIONS.decode_completion(body)])
    assert (after.id, after.choices, after.usage) == (before.id, before.choices, before.usage)


def test_several_texts_keep_apart() -> None:
    events = (STARTED, TextDelta("a", 0), TextDelta("b", 1), Finished("end_turn", choice=1), END)

    chunks = chunks_of(written([Batch(events)]))

    told = [chunk["choices"][0] for chunk in chunks]
    assert [(choice["index"], choice["text"], choice["finish_reason"]) for choice in told] == [
        (0, "a", None),
        (1, "b", None),
        (1, "", "stop"),
        (0, "", "stop"),
    ]


def test_what_is_no_text_has_no_place_in_it() -> None:
    events = (STARTED, ThinkingDelta("hm"), TextDelta("a"), END)

    assert [chunk["choices"][0]["text"] for chunk in chunks_of(written([Batch(events)]))] == ["a", ""]


def test_an_answer_without_id_and_time_is_given_them() -> None:
    (chunk,) = chunks_of(written([Batch((END,))], NAMELESS))

    assert (chunk["id"], chunk["created"]) == ("cmpl-ours", 1_700_000_000)


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b'data: {"choices":[{"index":0,"text":"a"}]}\n\ndata: [DONE]\n\n', TruncatedReply),
        (b"", TruncatedReply),
        (
            b'data: {"choices":[{"index":1,"text":"a","finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
            TruncatedReply,
        ),
        (b"data: nonsense\n\n", GarbledReply),
        (b'data: {"greeting":"hi"}\n\n', GarbledReply),
        (b'data: {"error":{"message":"out of memory"}}\n\n', ReportedError),
        (FINISHED + b'data: {"choices":[{"index":0,"text":"more"}]}\n\n', GarbledReply),
    ],
)
def test_a_stream_that_breaks_off_or_errs_is_told_from_a_complete_one(
    stream: bytes, error: type[DialectError]
) -> None:
    with pytest.raises(error):
        read([stream])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"nonsense", GarbledReply),
        (b'{"choices":[]}', GarbledReply),
        (b'{"choices":[{"text":"a"}]}', GarbledReply),
        (b'{"error":{"message":"no"}}', ReportedError),
    ],
)
def test_a_body_that_is_no_answer_is_told_from_one(body: bytes, error: type[DialectError]) -> None:
    with pytest.raises(error):
        OPENAI_COMPLETIONS.decode_completion(body)


def test_a_failure_is_told_in_the_vendors_envelope() -> None:
    encoder = OPENAI_COMPLETIONS.stream_encoder(ANSWERING)
    encoder.send(Batch((STARTED, TextDelta("a"))))

    stream = encoder.fail(ErrorReport(status=502, type="api_error", message="it broke"))

    assert json.loads(stream.removeprefix(b"data: "))["error"]["message"] == "it broke"
    assert OPENAI_COMPLETIONS.decode_error(stream.removeprefix(b"data: ").strip()).message == "it broke"


@pytest.mark.parametrize(
    "events",
    [(END, TextDelta("more")), (TextDelta("a"), STARTED), (STARTED, STARTED), (END, END)],
    ids=["text after its end", "a late beginning", "a second beginning", "a second end"],
)
def test_events_out_of_order_are_refused(events: Events) -> None:
    with pytest.raises(RuntimeError):
        OPENAI_COMPLETIONS.stream_encoder(ANSWERING).send(Batch(events))


def test_an_answer_is_not_closed_before_it_is_complete() -> None:
    encoder = OPENAI_COMPLETIONS.stream_encoder(ANSWERING)
    encoder.send(Batch((STARTED, TextDelta("a"))))

    with pytest.raises(RuntimeError):
        encoder.close()
    encoder.send(Batch((END, UsageReported(Usage(input_tokens=1, output_tokens=1)))))
    encoder.close()
    with pytest.raises(RuntimeError):
        encoder.send(Batch((END,)))
