"""What comes through from an adapter is in order, whatever the upstream says."""

from collections.abc import AsyncGenerator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.use_cases.checked import CheckedBatches
from domain.conversation.reply import (
    Batch,
    Finished,
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
from domain.failures import FailureKind, UpstreamFailure
from tests.app.use_cases.conversing import END, HELLO, ROLE, house
from tests.fakes.scripted_provider import ScriptedProvider

EVENTS: list[ReplyEvent] = [
    ReplyStarted("id", "model"),
    TextDelta("words"),
    TextDelta("other", choice=1),
    ThinkingDelta("thoughts"),
    ToolCallStarted(0, "a", "look"),
    ToolCallDelta(0, "{}"),
    PartEnded(call=0),
    UsageReported(Usage(input_tokens=1)),
    Finished("end_turn"),
]


async def told(batches: Sequence[Batch]) -> AsyncGenerator[Batch, None]:
    for batch in batches:
        yield batch


@given(st.lists(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3), max_size=8))
async def test_all_comes_through_up_to_what_is_out_of_order(events: list[list[ReplyEvent]]) -> None:
    batches = [Batch(tuple(each)) for each in events]
    telling = Telling()
    orderly = next((at for at, batch in enumerate(batches) if telling.disorder(batch)), len(batches))

    checked = CheckedBatches(told(batches))

    assert [await anext(checked) for _ in batches[:orderly]] == batches[:orderly]
    if orderly == len(batches):
        with pytest.raises(StopAsyncIteration):
            await anext(checked)
    else:
        with pytest.raises(UpstreamFailure) as caught:
            await anext(checked)
        assert caught.value.kind is FailureKind.GARBLED


@pytest.mark.parametrize("twice", [ROLE, END])
async def test_an_answer_that_speaks_nonsense_before_its_content_moves_the_chain_on(twice: Batch) -> None:
    first = ScriptedProvider([ROLE, twice, twice, HELLO, END])

    reply = await house(first=first, second=ScriptedProvider([ROLE, HELLO, END])).ask()
    await reply.aclose()

    assert reply.facts.target.provider == "second"
    assert reply.facts.fallback_reason == "garbled"
