"""What comes out of order in an answer is noticed, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    PartEnded,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.conversation.telling import Telling
from tests.adapters.dialects.strategies import Events, batched, legal_replies

END = Finished("end_turn")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([TextDelta("a"), ReplyStarted()], "ReplyStarted in the midst of the answer"),
        ([ReplyStarted(), ReplyStarted()], "ReplyStarted in the midst of the answer"),
        ([END, TextDelta("a")], "TextDelta after choice 0 has finished"),
        ([END, PartEnded()], "PartEnded after choice 0 has finished"),
        ([END, END], "Finished after choice 0 has finished"),
        ([ToolCallDelta(0, "{")], "ToolCallDelta of tool call 0, which never began"),
        ([PartEnded(call=3)], "PartEnded of tool call 3, which never began"),
        ([ToolCallStarted(0, "a", "x"), ToolCallStarted(0, "b", "y")], "tool call 0 begins twice"),
        (
            [ToolCallStarted(0, "a", "x"), PartEnded(call=0), ToolCallDelta(0, "}")],
            "ToolCallDelta of tool call 0, which has ended",
        ),
        ([ToolCallStarted(0, "a", "x"), ToolCallDelta(0, "{", choice=1)], "which never began"),
    ],
)
def test_what_comes_out_of_order_is_named(events: list[ReplyEvent], words: str) -> None:
    telling = Telling()

    assert telling.disorder(Batch(tuple(events[:-1]))) == ""
    assert words in telling.disorder(Batch(tuple(events[-1:])))


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "the answer ended without Finished"),
        ([TextDelta("a")], "the answer ended without Finished"),
        ([TextDelta("a"), ThinkingDelta("b", choice=1), END], "without Finished for choice 1"),
    ],
)
def test_an_answer_that_stops_short_is_incomplete(events: list[ReplyEvent], words: str) -> None:
    telling = Telling()

    assert telling.disorder(Batch(tuple(events))) == ""
    assert words in telling.incompleteness()


def test_usage_and_what_only_a_dialect_can_read_may_come_after_the_end() -> None:
    telling = Telling()

    assert telling.disorder(Batch((END, UsageReported(Usage()), Foreign("d", b"{}")))) == ""
    assert telling.incompleteness() == ""


@given(st.data())
def test_a_legal_answer_is_in_order_however_it_is_cut(data: st.DataObject) -> None:
    events: Events = data.draw(legal_replies(signed_thinking=True, refusals=True))
    telling = Telling()

    assert "".join(map(telling.disorder, data.draw(batched(events)))) == ""
    assert telling.incompleteness() == ""
