"""Server-sent events are read alike however they are cut and whatever their line ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.sse import (
    MAX_EVENT_BYTES,
    OversizedEvent,
    SseEvent,
    SseReader,
    comment_frame,
    data_frame,
    named_frame,
)
from tests.adapters.dialects.strategies import LINE_ENDS, cut, reads_of, with_line_ends

STREAM = (
    b": hello\n\n"
    b'data: {"a":1}\n\n'
    b"event: ping\ndata:{}\nid: 7\nretry: 10\n\n"
    b"data: one\ndata: two\n\n"
    b"data\n\n"
    b"\n\n: ping\ndata: last\n\n"
)
EVENTS = [
    SseEvent(b"", b'{"a":1}'),
    SseEvent(b"ping", b"{}"),
    SseEvent(b"", b"one\ntwo"),
    SseEvent(b"", b""),
    SseEvent(b"", b"last"),
]


def read(*reads: bytes) -> list[SseEvent]:
    reader = SseReader()
    events = [event for data in reads for event in reader.feed(data)]
    return events + list(reader.close())


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_every_line_end_is_understood(line_end: bytes) -> None:
    assert read(with_line_ends(STREAM, line_end)) == EVENTS


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_no_cut_changes_what_is_read(line_end: bytes) -> None:
    stream = with_line_ends(STREAM, line_end)

    for position in range(len(stream) + 1):
        assert read(*reads_of(stream, [position])) == EVENTS
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == EVENTS


@given(st.data(), st.sampled_from(LINE_ENDS))
def test_no_cutting_at_random_changes_what_is_read(data: st.DataObject, line_end: bytes) -> None:
    assert read(*data.draw(cut(with_line_ends(STREAM, line_end)))) == EVENTS


def test_an_event_that_the_end_cuts_short_of_its_blank_line_is_still_told() -> None:
    assert read(b"data: a\n\ndata: b\n") == [SseEvent(b"", b"a"), SseEvent(b"", b"b")]
    assert read(b"data: a") == [SseEvent(b"", b"a")]


def test_an_event_without_end_is_refused_instead_of_filling_the_memory() -> None:
    reader = SseReader()
    piece = b"x" * (1024 * 1024)
    for _ in range(MAX_EVENT_BYTES // len(piece)):
        reader.feed(piece)

    with pytest.raises(OversizedEvent):
        reader.feed(piece)


def test_frames_are_read_back_as_they_were_written() -> None:
    assert read(data_frame(b"{}") + comment_frame(b"ping") + named_frame(b"stop", b"[1]")) == [
        SseEvent(b"", b"{}"),
        SseEvent(b"stop", b"[1]"),
    ]
