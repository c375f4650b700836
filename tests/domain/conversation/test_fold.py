"""A whole answer is its stream, folded."""

from domain.conversation.fold import Folding, fold
from domain.conversation.parts import ForeignPart, Refusal, Text, Thinking, ToolCall
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    Wire,
    bears_content,
)


def batches(*events: ReplyEvent) -> list[Batch]:
    return [Batch((event,)) for event in events]


def test_words_of_one_part_are_joined_and_parts_keep_their_order() -> None:
    completion = fold(
        batches(
            ReplyStarted(id="r1", model="qwen3", created=7),
            ThinkingDelta("hm"),
            ThinkingSigned("sig"),
            TextDelta("Hello "),
            TextDelta("there"),
            UsageReported(Usage(output_tokens=1)),
            UsageReported(Usage(output_tokens=5)),
            Finished("end_turn"),
        )
    )

    assert (completion.id, completion.model, completion.created) == ("r1", "qwen3", 7)
    assert completion.choices[0].parts == (Thinking(text="hm", signature="sig"), Text(text="Hello there"))
    assert completion.choices[0].finish == Finished("end_turn")
    assert completion.usage == Usage(output_tokens=5)


def test_interleaved_calls_get_their_own_arguments() -> None:
    completion = fold(
        batches(
            ToolCallStarted(0, "a", "Read"),
            ToolCallStarted(1, "b", "Bash"),
            ToolCallDelta(1, '{"command":'),
            ToolCallDelta(0, '{"path":"x"}'),
            ToolCallDelta(1, '"ls"}'),
            Finished("tool_calls"),
        )
    )

    assert completion.choices[0].parts == (
        ToolCall(id="a", name="Read", arguments='{"path":"x"}'),
        ToolCall(id="b", name="Bash", arguments='{"command":"ls"}'),
    )


def test_an_ended_part_is_not_continued() -> None:
    completion = fold(batches(TextDelta("one"), PartEnded(), TextDelta("two")))

    assert completion.choices[0].parts == (Text(text="one"), Text(text="two"))


def test_refusals_sealed_thinking_and_foreign_content_survive() -> None:
    completion = fold(
        batches(
            RedactedThinking("xyz"),
            RefusalDelta("I would "),
            RefusalDelta("rather not"),
            Foreign("anthropic_messages", b"{}", content=True),
            Foreign("anthropic_messages", b"{}", content=False),
        )
    )

    assert completion.choices[0].parts == (
        Thinking(redacted="xyz"),
        Refusal(text="I would rather not"),
        ForeignPart(dialect="anthropic_messages", payload=b"{}"),
    )


def test_choices_are_kept_apart() -> None:
    completion = fold(batches(TextDelta("a", choice=1), TextDelta("b"), TextDelta("c", choice=1)))

    assert [(choice.index, choice.parts) for choice in completion.choices] == [
        (0, (Text(text="b"),)),
        (1, (Text(text="ac"),)),
    ]


def test_only_an_answer_that_came_whole_keeps_its_bytes() -> None:
    whole = Wire("openai_chat", b"{}", whole=True)

    assert fold([Batch((TextDelta("a"),), whole)]).wire is whole
    assert fold([Batch((TextDelta("a"),), Wire("openai_chat", b"data: {}\n\n"))]).wire is None
    assert fold([Batch((TextDelta("a"),), whole), Batch((Finished("end_turn"),))]).wire is None


def test_only_what_a_client_would_miss_commits_the_gateway() -> None:
    silent: list[ReplyEvent] = [ReplyStarted(), TextDelta(""), PartEnded(), UsageReported(Usage())]
    telling: list[ReplyEvent] = [TextDelta("a"), ThinkingDelta("a"), ToolCallStarted(0, "a", "b")]

    assert not any(map(bears_content, silent))
    assert all(map(bears_content, telling))


def test_an_answer_being_gathered_tells_how_much_it_weighs() -> None:
    words: list[ReplyEvent] = [
        TextDelta("x" * 900),
        ToolCallStarted(0, "a", "b"),
        ToolCallDelta(0, "y" * 900),
    ]
    sealed: list[ReplyEvent] = [RedactedThinking("z" * 900), Foreign("openai_chat", b"0" * 900, content=True)]
    folding = Folding()

    folding.add(Batch((*words, *sealed)))

    assert 3600 < folding.weight < 4000
    folding.add(Batch((TextDelta("x"),) * 100))
    assert folding.weight > 5000  # small pieces cost more than their letters
