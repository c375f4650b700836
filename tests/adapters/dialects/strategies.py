"""Draws legal answers, and cuts streams at random, for every test of a dialect."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from hypothesis import strategies as st

from domain.conversation.reply import (
    MOST_TOKENS,
    Batch,
    Finished,
    PartEnded,
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

Events: TypeAlias = tuple[ReplyEvent, ...]

WORDS = st.text(min_size=1, max_size=12)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,15}", fullmatch=True)
COUNTS = st.integers(min_value=0, max_value=MOST_TOKENS // 4)
"""Some dialects tell the sum of a prompt's counts, which must be a number of tokens too."""

WORDY_REASONS = st.sampled_from([StopReason.END_TURN, StopReason.MAX_TOKENS, StopReason.CONTENT_FILTER])
"""Why an answer without tool calls ends, in words that every dialect has."""


def usages() -> st.SearchStrategy[Usage]:
    """Counts that every dialect can say."""
    return st.builds(Usage, input_tokens=COUNTS, output_tokens=COUNTS, cache_read_tokens=COUNTS)


@st.composite
def beginnings(draw: st.DrawFn) -> ReplyStarted:
    return ReplyStarted(
        id=draw(NAMES), model=draw(NAMES), created=draw(st.integers(min_value=1, max_value=2**31))
    )


@st.composite
def _texts(draw: st.DrawFn) -> list[ReplyEvent]:
    return [TextDelta(words) for words in draw(st.lists(WORDS, min_size=1, max_size=4))]


@st.composite
def _thoughts(draw: st.DrawFn, *, signed: bool) -> list[ReplyEvent]:
    shown: list[ReplyEvent] = [
        ThinkingDelta(words) for words in draw(st.lists(WORDS, min_size=1, max_size=3))
    ]
    if signed:
        shown += [ThinkingSigned(draw(NAMES)), PartEnded()]
    return shown


@st.composite
def _refusals(draw: st.DrawFn) -> list[ReplyEvent]:
    return [RefusalDelta(words) for words in draw(st.lists(WORDS, min_size=1, max_size=3))]


@st.composite
def arguments(draw: st.DrawFn) -> list[str]:
    """The JSON text of an object, in pieces."""
    whole = draw(st.sampled_from(['{"city":"Zürich"}', "{}", '{"path": "a\\nb", "deep": {"x": [1, 2]}}']))
    return pieces_of(whole, draw(st.sets(st.integers(1, max(1, len(whole) - 1)), max_size=4)))


def pieces_of(whole: str, cuts: set[int]) -> list[str]:
    return [piece for start, end in pairwise([0, *sorted(cuts), len(whole)]) if (piece := whole[start:end])]


@st.composite
def tool_calls(draw: st.DrawFn, *, interleaved: bool, ended: bool = False) -> list[ReplyEvent]:
    """One to three calls; when interleaved, a later call may begin before an earlier one is complete."""
    count = draw(st.integers(1, 3))
    ids = draw(st.lists(NAMES, min_size=count, max_size=count, unique=True))
    queues: list[list[ReplyEvent]] = []
    for call, call_id in enumerate(ids):
        written = [ToolCallDelta(call, piece) for piece in draw(arguments())]
        end = [PartEnded(call)] if ended else []
        queues.append([ToolCallStarted(call, call_id, draw(NAMES)), *written, *end])
    if not interleaved:
        return [event for queue in queues for event in queue]
    return _interleaved(draw, queues)


def _interleaved(draw: st.DrawFn, queues: list[list[ReplyEvent]]) -> list[ReplyEvent]:
    """Any order that keeps each call's own order and begins the calls by their number."""
    mixed: list[ReplyEvent] = []
    begun = 0
    while any(queues):
        choices = [queue for number, queue in enumerate(queues) if queue and number <= begun]
        queue = draw(st.sampled_from(choices))
        begun += isinstance(queue[0], ToolCallStarted)
        mixed.append(queue.pop(0))
    return mixed


@st.composite
def legal_replies(
    draw: st.DrawFn,
    *,
    interleaved: bool = True,
    signed_thinking: bool = False,
    refusals: bool = False,
    early_usage: bool = True,
) -> Events:
    """
    One answer (choice 0) from its beginning to its end, as an upstream of any dialect may tell it.

    Args:
        interleaved: parallel tool calls may be told in turns.
        signed_thinking: thinking may end with a signature, and then is told to have ended.
        refusals: the answer may hold a refusal.
        early_usage: a first usage report may come before the content.
    """
    events: list[ReplyEvent] = [draw(beginnings())]
    if early_usage and draw(st.booleans()):
        events.append(UsageReported(draw(usages())))
    if draw(st.booleans()):
        events += draw(_thoughts(signed=signed_thinking and draw(st.booleans())))
    if draw(st.booleans()):
        events += draw(_texts())
    if refusals and draw(st.booleans()):
        events += draw(_refusals())
    calls = draw(st.booleans())
    if calls:
        events += draw(tool_calls(interleaved=interleaved))
    events.append(Finished(StopReason.TOOL_CALLS if calls else draw(WORDY_REASONS)))
    if draw(st.booleans()):
        events.append(UsageReported(draw(usages())))
    return tuple(events)


@st.composite
def batched(draw: st.DrawFn, events: Events) -> tuple[Batch, ...]:
    """The events in batches of any size, without bytes."""
    cuts = draw(st.sets(st.integers(0, len(events))))
    bounds = sorted({0, *cuts, len(events)})
    return tuple(Batch(events[start:end]) for start, end in pairwise(bounds))


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The bytes in reads of any size."""
    cuts = sorted(draw(st.sets(st.integers(0, len(data)), max_size=12)))
    return reads_of(data, cuts)


def reads_of(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *cuts, len(data)])]


LINE_ENDS = (b"\n", b"\r\n", b"\r")


def with_line_ends(data: bytes, line_end: bytes) -> bytes:
    """A stream with LF line ends, rewritten with others."""
    return data.replace(b"\n", line_end)
