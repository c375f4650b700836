"""Text comes out clean, and the same however it was cut into pieces."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversation.fold import fold
from domain.conversation.parts import Part, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Wire,
)
from domain.repair.output_filters import OUTPUT_FILTERS, output_filter
from domain.repair.stages import Filtered, Pipeline

END = Finished(StopReason.END_TURN)


def pipeline(*names: str) -> Pipeline:
    return Pipeline(output_filter(name) for name in names)


def said(filters: Pipeline, batches: Iterable[tuple[ReplyEvent, ...]]) -> tuple[Part, ...]:
    """The parts of the first choice, after the filters."""
    told = [filters.feed(Batch(events)) for events in batches]
    (choice, *_) = fold([*told, filters.close()]).choices
    return choice.parts


def cleaned(text: str, *names: str) -> str:
    parts = said(pipeline(*names), [(ReplyStarted(),), (TextDelta(text),), (END,)])
    assert all(isinstance(part, Text) for part in parts)
    return "".join(part.text for part in parts if isinstance(part, Text))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("<think>hm</think>yes", "yes"),
        ("a<think>b</think>c<think>d</think>e", "ace"),
        ("<think>one\n\ntwo</think>\n\nyes", "\n\nyes"),
        ("yes<think>never closed", "yes"),
        ("yes</think> and no", "yes</think> and no"),
        ("<think>a<think>b</think>c</think>d", "c</think>d"),
        ("<THINK>loud</THINK>", "<THINK>loud</THINK>"),
        ("<think type='deep'>x</think>", "<think type='deep'>x</think>"),
        ("if a <thin then", "if a <thin then"),
        ("ends with <th", "ends with <th"),
        ("<<think>x</think>", "<"),
        ("", ""),
    ],
)
def test_thinking_between_its_tags_is_taken_out_of_the_text(text: str, clean: str) -> None:
    assert cleaned(text, "strip_thinking") == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("done<|im_end|>", "done"),
        ("<|turn|>a<|end|>b<|python_tag|>c<|eot_id|>d", "abcd"),
        ("<|channel>thought\nhello", "\nhello"),
        ("<|channel>final", "<|channel>final"),
        ("<|im_start|>", "<|im_start|>"),
        ("<|e<|end|>nd|>", "<|end|>"),
        ("half of <|im_en", "half of <|im_en"),
        ("a < b", "a < b"),
        ("nul\0stays<|end|>", "nul\0stays"),
    ],
)
def test_marks_that_end_a_turn_are_taken_out_of_the_text(text: str, clean: str) -> None:
    assert cleaned(text, "strip_stop_markers") == clean


def test_leaked_thinking_becomes_thinking_of_its_own() -> None:
    events = (TextDelta("<think>hm"), TextDelta("m</think>yes<think>tail"), PartEnded(), END)

    assert said(pipeline("thinking_to_blocks"), [events]) == (
        Thinking(text="hmm"),
        Text(text="yes"),
        Thinking(text="tail"),
    )


_PIECES = st.sampled_from(
    [
        "<think>",
        "</think>",
        "<thi",
        "nk>",
        "</",
        "<",
        "<|end|>",
        "<|im_",
        "end|>",
        "<|channel>",
        "thought",
        "a",
    ]
)
_TEXTS = st.lists(_PIECES | st.text(max_size=3), max_size=12).map("".join)
_FILTERS = st.lists(st.sampled_from(sorted(OUTPUT_FILTERS)), min_size=1, unique=True)


@given(_TEXTS, _FILTERS, st.data())
def test_the_result_does_not_depend_on_how_the_text_was_cut(
    text: str, names: list[str], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edges = [0, *cuts, len(text)]
    deltas = [TextDelta(text[begin:end]) for begin, end in itertools.pairwise(edges)]
    cut, whole = pipeline(*names), pipeline(*names)

    in_pieces = said(cut, [*((delta,) for delta in deltas), (PartEnded(), END)])
    at_once = said(whole, [(TextDelta(text), PartEnded(), END)])

    assert _joined(in_pieces) == _joined(at_once)
    assert cut.remarks() == whole.remarks()


@given(_TEXTS)
def test_each_choice_is_filtered_for_itself(text: str) -> None:
    apart, together = pipeline("strip_thinking"), pipeline("strip_thinking")
    alone = said(apart, [(TextDelta(text), END)])

    woven: list[ReplyEvent] = [
        event
        for character in text
        for event in (TextDelta(character), TextDelta("<think>never", 1), TextDelta(character, 2))
    ]
    woven += [END, Finished("stop", None, 1)]
    told = [together.feed(Batch((event,))) for event in woven]
    first, *_ = fold([*told, together.close()]).choices

    assert _joined(first.parts) == _joined(alone)


def test_each_part_of_the_text_is_filtered_for_itself() -> None:
    unclosed = (TextDelta("<think>a"), PartEnded(), TextDelta("b<thi"), ToolCallStarted(0, "1", "f"))
    rest = (ToolCallDelta(0, "<think>"), PartEnded(0), TextDelta("nk>c"), END)

    parts = said(pipeline("strip_thinking"), [unclosed, rest])

    assert parts == (
        Text(text="b<thi"),
        ToolCall(id="1", name="f", arguments="<think>"),
        Text(text="nk>c"),
    )


def test_what_is_not_text_is_left_alone() -> None:
    events = (ThinkingDelta("<think><|end|>"), ToolCallStarted(0, "1", "f"), ToolCallDelta(0, "<|end|>"), END)
    batch = Batch(events, Wire("openai_chat", b"..."))

    assert pipeline(*OUTPUT_FILTERS).feed(batch) is batch


def test_a_part_that_was_only_thinking_leaves_no_trace() -> None:
    filters = pipeline("strip_thinking")

    assert filters.feed(Batch((TextDelta("<think>hm</think>"), PartEnded()))).events == ()


def test_held_back_text_comes_before_the_end_of_the_answer() -> None:
    filters = pipeline("strip_thinking", "strip_stop_markers")

    assert filters.feed(Batch((TextDelta("1 <"),))).events == (TextDelta("1 "),)
    assert filters.feed(Batch((END,))).events == (TextDelta("<"), END)
    assert filters.close().events == ()


def test_what_a_broken_stream_left_held_back_is_still_given() -> None:
    filters = pipeline("strip_thinking", "strip_stop_markers")
    filters.feed(Batch((TextDelta("1 <"),)))

    assert filters.close().events == (TextDelta("<"),)


def test_bytes_go_on_only_with_the_events_they_brought() -> None:
    filters = pipeline("strip_stop_markers")
    plain = Batch((TextDelta("hello"),), Wire("openai_chat", b"hello"))

    assert filters.feed(plain) is plain
    assert filters.feed(Batch((TextDelta("<|im"),), Wire("openai_chat", b"<|im"))) == Batch(())
    assert filters.feed(Batch((TextDelta("possible"),), Wire("openai_chat", b"possible"))) == Batch(
        (TextDelta("<|impossible"),)
    )
    assert filters.feed(plain) is plain


def test_bytes_that_open_blocks_are_not_passed_on_before_their_words_are_known() -> None:
    filters = Pipeline([output_filter("strip_thinking")], keeps_bytes=False)

    assert filters.feed(Batch((TextDelta("hello"),), Wire("anthropic_messages", b"..."))) == Batch(
        (TextDelta("hello"),)
    )


def test_only_filters_that_changed_the_text_are_told_of() -> None:
    filters = pipeline("strip_thinking", "strip_stop_markers")
    filters.feed(Batch((TextDelta("<thinking is hard"), TextDelta("<|end|>"), TextDelta("<|end|>"), END)))

    assert filters.remarks() == (Filtered("strip_stop_markers"),)


def _joined(parts: tuple[Part, ...]) -> list[tuple[str, str]]:
    """Parts as kind and words; how many of one kind stand in a row is the dialect's affair."""
    joined: list[tuple[str, str]] = []
    for part in parts:
        match part:
            case Text(text=text) | Thinking(text=text):
                kind = type(part).__name__
            case _:
                raise AssertionError(part)
        if joined and joined[-1][0] == kind:
            joined[-1] = (kind, joined[-1][1] + text)
        elif text:
            joined.append((kind, text))
    return joined
