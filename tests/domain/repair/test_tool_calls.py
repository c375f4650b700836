"""The stage that finds calls in text: what goes through at once, what waits, and what the client sees."""

import pytest

from domain.conversation.reply import (
    Finished,
    Foreign,
    PartEnded,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.repair.tool_calls import ToolCallRepair
from tests.domain.repair.cases import TOOLS, gathered

CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
BARE = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
END = Finished(StopReason.END_TURN)
FOUND = (
    ToolCallStarted(0, "", "get_weather"),
    ToolCallDelta(0, '{"city": "Paris"}'),
    PartEnded(0),
)


@pytest.fixture
def repair() -> ToolCallRepair:
    return ToolCallRepair(TOOLS)


def feed(repair: ToolCallRepair, *events: ReplyEvent) -> list[ReplyEvent]:
    """What comes out when each event comes alone."""
    return [told for event in events for told in repair.feed((event,))]


@pytest.mark.parametrize(
    "event",
    [
        TextDelta("Hello"),
        TextDelta(" a < b, `code` and more\n"),
        ReplyStarted("id", "model"),
        UsageReported(Usage(output_tokens=1)),
        ThinkingDelta("<tool_call>"),
        RefusalDelta(BARE),
        ToolCallStarted(0, "call_1", "now"),
        Foreign("openai_chat", b"{}", content=True),
        PartEnded(),
        END,
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_is_no_call_goes_through_as_the_very_same_events(
    repair: ToolCallRepair, event: ReplyEvent
) -> None:
    events = (event,)

    assert repair.feed(events) is events


def test_prose_goes_through_live_up_to_where_a_call_may_begin(repair: ToolCallRepair) -> None:
    told = feed(repair, TextDelta("I will check.\n"), TextDelta("\n<tool_"), TextDelta("call>"))

    assert told == [TextDelta("I will check.\n"), TextDelta("\n")]


def test_text_is_let_go_the_moment_it_cannot_be_a_call(repair: ToolCallRepair) -> None:
    held = feed(repair, TextDelta("<tool_call>"))
    released = feed(repair, TextDelta('{"name": "launch"'))

    assert held == []
    assert released == [TextDelta('<tool_call>{"name": "launch"')]


def test_an_answer_in_json_is_let_go_at_its_first_key(repair: ToolCallRepair) -> None:
    held = feed(repair, TextDelta('{"answer"'))
    released = feed(repair, TextDelta(":"), TextDelta(" 42}"))

    assert held == []
    assert released == [TextDelta('{"answer":'), TextDelta(" 42}")]


def test_words_then_a_call_end_the_text_before_the_call_begins(repair: ToolCallRepair) -> None:
    told = feed(repair, TextDelta("I will check.\n"), TextDelta(CALL), PartEnded(), END)

    assert told == [TextDelta("I will check.\n"), PartEnded(), *FOUND, Finished(StopReason.TOOL_CALLS)]


def test_a_call_alone_leaves_no_text_behind(repair: ToolCallRepair) -> None:
    told = feed(repair, TextDelta("\n\n"), TextDelta(CALL), TextDelta("\n"), PartEnded(), END)

    assert told == [*FOUND, Finished(StopReason.TOOL_CALLS)]


def test_text_that_was_held_and_was_no_call_ends_once(repair: ToolCallRepair) -> None:
    told = feed(repair, TextDelta("<tool_call>"), PartEnded(), END)

    assert told == [TextDelta("<tool_call>"), PartEnded(), END]


def test_a_stop_at_the_token_limit_stays_one(repair: ToolCallRepair) -> None:
    told = feed(repair, TextDelta(CALL), Finished(StopReason.MAX_TOKENS))

    assert told == [*FOUND, Finished(StopReason.MAX_TOKENS)]


def test_an_answer_with_calls_of_its_own_keeps_its_text(repair: ToolCallRepair) -> None:
    started = ToolCallStarted(0, "call_1", "now")

    told = feed(repair, TextDelta(CALL), started, ToolCallDelta(0, "{}"), PartEnded(0), TextDelta(CALL), END)

    assert told == [TextDelta(CALL), started, ToolCallDelta(0, "{}"), PartEnded(0), TextDelta(CALL), END]


def test_arguments_of_the_upstreams_own_calls_stay_what_they_are(repair: ToolCallRepair) -> None:
    events = (ToolCallStarted(0, "call_1", "get_weather"), ToolCallDelta(0, '"Paris"'), PartEnded(0))

    assert repair.feed(events) is events


def test_calls_that_follow_a_found_one_are_numbered_after_it(repair: ToolCallRepair) -> None:
    told = feed(
        repair,
        TextDelta(f"{CALL}\nSo far the weather. Now the time, please wait a moment.\n"),
        ToolCallStarted(0, "call_1", "now"),
        ToolCallDelta(0, "{}"),
        PartEnded(0),
    )

    assert told[-3:] == [ToolCallStarted(1, "call_1", "now"), ToolCallDelta(1, "{}"), PartEnded(1)]


def test_every_choice_has_a_text_of_its_own(repair: ToolCallRepair) -> None:
    told = feed(
        repair,
        TextDelta(CALL[:20], 0),
        TextDelta("Hello", 1),
        TextDelta(CALL[20:], 0),
        Finished(StopReason.END_TURN, choice=1),
        Finished(StopReason.END_TURN, choice=0),
    )

    assert told == [
        TextDelta("Hello", 1),
        Finished(StopReason.END_TURN, choice=1),
        *FOUND,
        Finished(StopReason.TOOL_CALLS, choice=0),
    ]


def test_json_after_thoughts_is_still_the_whole_text(repair: ToolCallRepair) -> None:
    told = feed(repair, ThinkingDelta("hm"), PartEnded(), TextDelta(BARE), PartEnded(), END)

    assert told == [ThinkingDelta("hm"), PartEnded(), *FOUND, Finished(StopReason.TOOL_CALLS)]


def test_json_that_more_text_follows_is_not_the_whole_text(repair: ToolCallRepair) -> None:
    told = feed(repair, TextDelta(BARE), PartEnded(), TextDelta("That is it."), PartEnded(), END)

    assert gathered(told).text == f"{BARE}That is it."
    assert gathered(told).calls == ()


def test_json_is_the_answer_where_the_client_asked_for_json() -> None:
    repair = ToolCallRepair(TOOLS, json_wanted=True)
    events = (TextDelta(BARE),)

    assert repair.feed(events) is events


def test_what_is_held_when_the_stream_is_over_is_not_lost(repair: ToolCallRepair) -> None:
    feed(repair, TextDelta("<tool_call>"))

    assert repair.close() == (TextDelta("<tool_call>"),)


def test_it_counts_what_it_found(repair: ToolCallRepair) -> None:
    feed(repair, TextDelta(f"{CALL}\n{CALL}"), END)

    assert repair.repaired == 2
