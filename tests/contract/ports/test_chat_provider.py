"""Every provider keeps the promises of the port: those we ship, and the fake that other tests trust."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

import pytest

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.anthropic import anthropic
from adapters.outbound.kit import ProviderFactory, ProviderKit
from adapters.outbound.openai_compatible import openai_compatible
from domain.conversation.fold import fold
from domain.conversation.parts import Text, ToolCall
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    bears_content,
)
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, ProviderCall
from domain.routing.targets import ProviderSpec
from infrastructure.clock import SystemClock
from infrastructure.http_clients import HttpClients
from infrastructure.model_server.absent import AbsentModelServer
from infrastructure.model_server.weights import ModelMissing
from tests.fakes.scripted_provider import Act, ScriptedProvider, Silence
from tests.upstream import behaviours as upstreams
from tests.upstream.behaviours import Answer, CutAfter, Stall, Status
from tests.upstream.scripted_upstream import ScriptedUpstream, until

BODY = b'{"model":"any","stream":true,"messages":[{"role":"user","content":"Say hello."}]}'
SOON_S = 5.0
"""Ten times what a freed connection may take."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider whose upstream behaves as the test asks, and whether the upstream's work has ended."""

    provider: ChatProvider
    released: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way for an upstream to behave, for a real provider and for the fake."""

    upstream: upstreams.Behaviour
    script: tuple[Act, ...]


ANSWERS = Behaviour(
    Answer.text("hello world"),
    (
        Batch((ReplyStarted(model="m"), TextDelta("hello "))),
        Batch((TextDelta("world"), Finished("end_turn"))),
    ),
)
CALLS = Behaviour(
    Answer.tool_call("Read", {"path": "x"}),
    (
        Batch((ToolCallStarted(0, "c1", "Read"), ToolCallDelta(0, '{"path": "x"}'))),
        Batch((Finished("tool_calls"),)),
    ),
)
REFUSES = Behaviour(Status(503), (UpstreamFailure(FailureKind.OVERLOADED, "503: busy", status=503),))
BREAKS_OFF = Behaviour(
    CutAfter(events=3), (Batch((TextDelta("hello"),)), UpstreamFailure(FailureKind.BROKEN_OFF, "cut"))
)
FALLS_SILENT = Behaviour(Stall(after_events=3, seconds=60), (Batch((TextDelta("hello"),)), Silence()))


def fake(behaviour: Behaviour) -> AbstractAsyncContextManager[Subject]:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Subject]:
        provider = ScriptedProvider(behaviour.script)
        yield Subject(provider, lambda: provider.all_ended)

    return opened()


def over_http(
    factory: ProviderFactory, base: Callable[[ScriptedUpstream], str]
) -> Callable[[Behaviour], AbstractAsyncContextManager[Subject]]:
    @asynccontextmanager
    async def opened(behaviour: Behaviour) -> AsyncIterator[Subject]:
        async with ScriptedUpstream(behaviour.upstream) as upstream, HttpClients() as clients:
            kit = ProviderKit(
                transport=clients.transport,
                clock=SystemClock(),
                secret="",
                model_server=AbsentModelServer(ModelMissing(("all of it",))),
                user_agent="contract",
            )
            spec = ProviderSpec(name="p", adapter="", base_url=base(upstream), model="m")
            yield Subject(
                factory(spec, kit),
                lambda: all(chat.connection.closed_by_peer_at is not None for chat in upstream.chats),
            )

    return opened


SUBJECTS = MappingProxyType(
    {
        "the fake": fake,
        "openai_compat": over_http(openai_compatible, lambda upstream: upstream.openai_base_url),
        "anthropic": over_http(anthropic, lambda upstream: upstream.origin),
    }
)


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Callable[[Behaviour], AbstractAsyncContextManager[Subject]]:
    return SUBJECTS[request.param]


Opening = Callable[[Behaviour], AbstractAsyncContextManager[Subject]]


def call() -> ProviderCall:
    request = OPENAI_CHAT.decode_request(BODY, {})
    return ProviderCall(request=request, request_id="r1", model="m", stream=True)


async def test_an_answer_comes_as_batches_and_ends_with_its_finish(subject: Opening) -> None:
    async with subject(ANSWERS) as opened:
        batches = [batch async for batch in opened.provider.converse(call())]

    completion = fold(batches)
    assert completion.choices[0].parts == (Text(text="hello world"),)
    assert completion.choices[0].finish is not None
    assert completion.choices[0].finish.reason == "end_turn"


async def test_a_tool_call_comes_with_its_name_and_arguments(subject: Opening) -> None:
    async with subject(CALLS) as opened:
        completion = fold([batch async for batch in opened.provider.converse(call())])

    (part,) = completion.choices[0].parts
    assert isinstance(part, ToolCall)
    assert (part.name, part.arguments.replace(" ", "")) == ("Read", '{"path":"x"}')


async def test_a_refusal_is_a_classified_failure(subject: Opening) -> None:
    async with subject(REFUSES) as opened:
        with pytest.raises(UpstreamFailure) as caught:
            await anext(opened.provider.converse(call()))

    assert caught.value.kind is FailureKind.OVERLOADED
    assert caught.value.status == 503


async def test_an_answer_that_stops_short_is_a_failure_and_never_an_end(subject: Opening) -> None:
    async with subject(BREAKS_OFF) as opened:
        answer = opened.provider.converse(call())
        await _first_content(answer)
        with pytest.raises(UpstreamFailure) as caught:
            await _to_its_end(answer)

    assert caught.value.kind is FailureKind.BROKEN_OFF


async def test_closing_it_in_the_midst_ends_the_upstreams_work(subject: Opening) -> None:
    async with subject(FALLS_SILENT) as opened:
        answer = opened.provider.converse(call())
        await _first_content(answer)
        await answer.aclose()

        await until(opened.released, within_s=SOON_S)


async def test_cancelling_it_in_the_midst_ends_the_upstreams_work(subject: Opening) -> None:
    async with subject(FALLS_SILENT) as opened:
        answer = opened.provider.converse(call())
        await _first_content(answer)
        waiting = asyncio.ensure_future(anext(answer))
        await asyncio.sleep(0.05)
        waiting.cancel()
        await asyncio.wait({waiting})
        await answer.aclose()

        assert waiting.cancelled()
        await until(opened.released, within_s=SOON_S)


async def _to_its_end(answer: AsyncIterator[Batch]) -> None:
    async for _ in answer:
        pass


async def _first_content(answer: AsyncIterator[Batch]) -> None:
    async for batch in answer:
        if any(bears_content(event) for event in batch.events):
            return
