"""Reasoning that a client has no place for is left out whole."""

from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    RedactedThinking,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    Wire,
)
from domain.repair.stages import Dropped, Loss, Pipeline
from domain.repair.thinking import ReasoningDropped

WIRE = Wire("openai_chat", b"...")


def test_thinking_goes_with_its_signature_and_its_end() -> None:
    stage = ReasoningDropped()
    thought = (ThinkingDelta("hm"), ThinkingSigned("sig"), PartEnded(), RedactedThinking("x"))
    answer = (TextDelta("yes"), PartEnded(), Finished(StopReason.END_TURN))

    assert stage.feed((ReplyStarted(), *thought, *answer)) == (ReplyStarted(), *answer)


def test_the_loss_is_told_once() -> None:
    stage = ReasoningDropped()
    stage.feed((ThinkingDelta("a"), ThinkingDelta("b", 1)))
    stage.feed((ThinkingDelta("c"),))

    assert stage.remarks() == (Dropped(("reasoning", "reasoning_content"), Loss.NON_STANDARD_FIELD),)


def test_an_answer_without_thinking_keeps_its_bytes_and_has_no_loss() -> None:
    pipeline = Pipeline([ReasoningDropped()])
    batch = Batch((TextDelta("yes"), PartEnded()), WIRE)

    assert pipeline.feed(batch) is batch
    assert pipeline.remarks() == ()


def test_the_end_of_one_choice_does_not_end_with_the_thinking_of_another() -> None:
    stage = ReasoningDropped()

    assert stage.feed((ThinkingDelta("hm", 1), TextDelta("a"), PartEnded())) == (TextDelta("a"), PartEnded())
