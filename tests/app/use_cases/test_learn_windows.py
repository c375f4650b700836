"""Upstreams that name their context window are not asked again for more than fits."""

from domain.conversation.built import Built
from domain.conversation.reply import Batch, Finished, StopReason, TextDelta, Usage, UsageReported
from domain.conversation.request import Conversation, Sampling
from domain.failures import FailureKind, Overflow, UpstreamFailure
from domain.inventory.probing import ContextWindowLearned
from domain.routing.targets import Target
from domain.routing.verdict import Cause
from tests.app.use_cases.conversing import ANSWER, answering
from tests.app.use_cases.watching import Watched
from tests.fakes.scripted_provider import ScriptedProvider

LOCAL = Target("local", "local-model")


def too_long(prompt_tokens: int, window: int) -> UpstreamFailure:
    overflow = Overflow(prompt_tokens=prompt_tokens, window=window)
    return UpstreamFailure(FailureKind.CONTEXT_OVERFLOW, "400: too long", status=400, overflow=overflow)


def read(tokens: int) -> tuple[Batch, ...]:
    usage = UsageReported(Usage(input_tokens=tokens, output_tokens=1))
    return (Batch((TextDelta("Hello"),)), Batch((Finished(StopReason.END_TURN), usage)))


def talk(*, max_output_tokens: int | None = None) -> Built:
    return Built(Conversation(messages=(), sampling=Sampling(max_output_tokens=max_output_tokens)))


async def test_a_window_that_is_named_is_told_and_used() -> None:
    given = Watched(local=ScriptedProvider((too_long(9000, 4096),)), cloud=answering())
    assert await given.tried() == ["local", "cloud"]

    (told,) = given.sink.of(ContextWindowLearned)
    assert (told.provider, told.model, told.tokens) == ("local", "local-model", 4096)
    assert given.table.window_of(LOCAL) == 4096


async def test_a_window_that_is_no_larger_is_not_tried_after_one_that_was_too_small() -> None:
    given = Watched(
        first=ScriptedProvider((too_long(9000, 8192),)),
        second=ScriptedProvider((too_long(9000, 8192),)),
        large=answering(),
    )
    assert await given.tried() == ["first", "second", "large"]

    assert await given.tried() == ["first", "large"]


async def test_a_prompt_that_fits_nowhere_is_told_in_numbers() -> None:
    given = Watched(local=ScriptedProvider((too_long(84032, 8192),)))

    verdict = await given.verdict()

    assert verdict.cause is Cause.CONTEXT_OVERFLOW
    assert verdict.message.startswith("84032 tokens > 8192 maximum")


async def test_where_only_the_room_for_the_answer_was_too_much_it_is_made_smaller_at_once() -> None:
    local = ScriptedProvider((too_long(1000, 8192),), ANSWER)
    given = Watched(local=local, cloud=answering())

    assert await given.tried(source=talk(max_output_tokens=32_000)) == ["local", "local"]

    limits = [played.call.shaping.most_output_tokens for played in local.calls]
    assert limits[0] is None
    assert limits[1] is not None
    assert limits[1] < 8192


async def test_a_server_that_is_never_content_is_asked_twice_and_no_more() -> None:
    local = ScriptedProvider((too_long(1000, 8192),))
    given = Watched(local=local, cloud=answering())

    assert await given.tried(source=talk(max_output_tokens=32_000)) == ["local", "local", "cloud"]


async def test_a_longer_prompt_that_was_answered_proves_a_larger_window() -> None:
    given = Watched(local=ScriptedProvider((too_long(9000, 4096),), read(4000), read(5000)))
    await given.tried()
    await given.tried()
    assert given.table.window_of(LOCAL) == 4096

    await given.tried()

    assert given.table.window_of(LOCAL) is None


async def test_what_was_learned_is_forgotten_after_an_hour() -> None:
    given = Watched(local=ScriptedProvider((too_long(9000, 4096),)))
    await given.tried()
    given.clock.advance(3599.0)
    given.windows.forget_old()
    assert given.table.window_of(LOCAL) == 4096
    given.clock.advance(1.0)

    given.windows.forget_old()

    assert given.table.window_of(LOCAL) is None


async def test_what_a_probe_has_told_is_not_forgotten() -> None:
    given = Watched(local=ScriptedProvider((too_long(9000, 4096),), read(5000)))
    given.table.context_windows.learn(LOCAL, 4096)
    await given.tried()
    await given.tried()
    given.clock.advance(7200.0)
    given.windows.forget_old()

    assert given.table.window_of(LOCAL) == 4096
