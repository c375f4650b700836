"""Each promise is noticed when it is broken, and what is then said names what was seen."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from adapters.outbound.contract.promises import PROMISES, judge
from adapters.outbound.contract.stage import Scene, Setting
from adapters.outbound.contract.trial import Trial
from adapters.outbound.contract.verdicts import Broken, Kept, Unasked, Verdict
from adapters.outbound.kit import ProviderKit
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.conversation.request import MalformedRequest
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import EmbeddingCall, Embeddings, Probed, ProviderCall
from domain.routing.targets import ProviderSpec
from tests.adapters.outbound.contract.labs import Lab, stage

END = Batch((Finished("end_turn"),))
PATIENCE_S = 2.0


async def verdict(name: str, build: Any, **trial: Any) -> Verdict:
    (promise,) = (promise for promise in PROMISES if promise.name == name)
    return await judge(promise, Trial(**{"build": build, "stage": stage, **trial}))


def telling(change: Callable[[ReplyEvent], ReplyEvent | None]) -> type[Lab]:
    """A lab whose events are changed, or left out."""

    class Changed(Lab):
        async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
            async with contextlib.aclosing(super().converse(call)) as batches:
                async for batch in batches:
                    yield Batch(tuple(filter(None, map(change, batch.events))))

    return Changed


class AsksWhenBuilt(Lab):
    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        super().__init__(spec, kit)
        asking = kit.transport.handle_async_request(httpx.Request("GET", "http://lab.test"))
        with contextlib.suppress(StopIteration):
            asking.send(None)


class Careless(Lab):
    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        super().__init__(replace(spec, options={}), kit)


class Blabbing(Lab):
    def __repr__(self) -> str:
        return f"<Lab {self._kit.secret}>"


class WholeOnly(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        if not call.stream:
            raise KeyError("choices")
        async with contextlib.aclosing(super().converse(call)) as batches:
            async for batch in batches:
                yield batch


class OtherWhole(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        async with contextlib.aclosing(super().converse(call)) as batches:
            async for batch in batches:
                yield batch
                if not call.stream and isinstance(batch.events[0], ReplyStarted):
                    yield Batch((TextDelta("by the way, "),))


class OpenAiOnly(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        if call.request.dialect != "openai_chat":
            raise UpstreamFailure(FailureKind.REQUEST_FAULT, "unknown dialect")
        async with contextlib.aclosing(super().converse(call)) as batches:
            async for batch in batches:
                yield batch


class WordsOnly(Lab):
    def request(self, call: ProviderCall) -> httpx.Request:
        for message in call.conversation.messages:
            for part in message.parts:
                assert cast("Any", part).text
        return super().request(call)


class Scribbling(Lab):
    def request(self, call: ProviderCall) -> httpx.Request:
        for tool in call.conversation.tools:
            cast("Any", tool).parameters.clear()
        return super().request(call)


class OneMind(Lab):
    """Gathers what it says on itself."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        super().__init__(spec, kit)
        self._said = ""

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        self._said = ""
        async with contextlib.aclosing(super().converse(call)) as batches:
            async for batch in batches:
                self._said += "".join(event.text for event in batch.events if isinstance(event, TextDelta))
                if any(isinstance(event, Finished) for event in batch.events):
                    yield Batch((TextDelta(self._said),))
                    yield batch


class ByPiece(Lab):
    """Takes every piece that arrives for so many lines."""

    async def read(self, response: httpx.Response) -> AsyncIterator[Batch]:
        async for piece in response.aiter_text():
            async for batch in super().read(httpx.Response(200, text=piece)):
                yield batch
            return


class Raw(Lab):
    """Lets httpx's own errors through."""

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        response = await self._kit.transport.handle_async_request(self.request(call))
        try:
            response.raise_for_status() if response.has_redirect_location else None
            async for batch in self.read(response):
                yield batch
        finally:
            await response.aclose()


class Persistent(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        for attempts_left in (1, 0):
            try:
                async with contextlib.aclosing(super().converse(call)) as batches:
                    async for batch in batches:
                        yield batch
                return
            except UpstreamFailure:
                if not attempts_left:
                    raise


class Trusting(Lab):
    async def read(self, response: httpx.Response) -> AsyncIterator[Batch]:
        async for line in response.aiter_lines():
            yield Batch((TextDelta(httpx.Response(200, text=line).json()["say"]),))


class Resigned(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        with contextlib.suppress(UpstreamFailure):
            async with contextlib.aclosing(super().converse(call)) as batches:
                async for batch in batches:
                    yield batch


class Blaming(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        try:
            async with contextlib.aclosing(super().converse(call)) as batches:
                async for batch in batches:
                    yield batch
        except UpstreamFailure as failure:
            raise MalformedRequest("messages", "not today") from failure


class Hoarding(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        response = await self._kit.transport.handle_async_request(self.request(call))
        async for batch in self.read(response):
            yield batch
        await response.aclose()


class Swallowing(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        try:
            async with contextlib.aclosing(super().converse(call)) as batches:
                async for batch in batches:
                    yield batch
        except asyncio.CancelledError as error:
            raise UpstreamFailure(FailureKind.BROKEN_OFF, "somebody called it off") from error


class Stubborn(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        async with contextlib.aclosing(super().converse(call)) as batches:
            try:
                async for batch in batches:
                    yield batch
            except asyncio.CancelledError:
                while True:
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(3600)


class Littering(Lab):
    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        self._pinging = [*getattr(self, "_pinging", ()), asyncio.create_task(asyncio.sleep(3600))]
        async with contextlib.aclosing(super().converse(call)) as batches:
            async for batch in batches:
                yield batch


class Vague(Lab):
    async def embed(self, call: EmbeddingCall) -> Embeddings:
        return cast("Embeddings", [1.0])

    async def count_tokens(self, call: ProviderCall) -> int:
        return cast("int", "many")

    async def probe(self) -> Probed:
        return cast("Probed", True)


class Coroutine(Lab):
    async def converse(self, call: ProviderCall) -> Batch:  # type: ignore[override]
        return END


def without(*kinds: type[ReplyEvent]) -> type[Lab]:
    return telling(lambda event: None if isinstance(event, kinds) else event)


def otherwise_called(event: ReplyEvent) -> ReplyEvent:
    return replace(event, name="search") if isinstance(event, ToolCallStarted) else event


def in_words(event: ReplyEvent) -> ReplyEvent:
    return replace(event, arguments="place: Rome") if isinstance(event, ToolCallDelta) else event


def at_its_end(event: ReplyEvent) -> ReplyEvent:
    return replace(event, reason="end_turn") if isinstance(event, Finished) else event


BREAKERS: list[tuple[str, Any, str]] = [
    ("builds-without-asking", AsksWhenBuilt, "1 requests were sent while it was built"),
    ("builds-without-asking", lambda spec, kit: object(), "an object, which has no method converse"),
    (
        "builds-without-asking",
        lambda spec, kit: 1 / 0,
        "could not be built: .*ZeroDivisionError.*test_promises",
    ),
    ("refuses-unknown-options", Careless, "an_option_that_nobody_knows"),
    ("keeps-its-key", Blabbing, "shows the provider's key"),
    ("streams-in-order", without(Finished), "ended without Finished"),
    ("streams-in-order", without(TextDelta), "no text"),
    ("streams-in-order", Coroutine, "a coroutine: converse must be an async generator"),
    ("streams-in-order", telling(lambda event: cast("Any", "hello")), "a str instead of an event"),
    ("answers-whole", WholeOnly, "KeyError: 'choices'.*test_promises.py"),
    ("tells-usage", without(UsageReported), "no UsageReported"),
    ("tells-the-same-whole", OtherWhole, "streamed the text is 'hello world', whole it is 'by the way"),
    ("calls-tools", telling(otherwise_called), "the tool 'search'"),
    ("calls-tools", telling(in_words), "not the text of a JSON object"),
    ("calls-tools", telling(at_its_end), 'finished with "end_turn"'),
    ("answers-every-client", OpenAiOnly, "unknown dialect"),
    ("reads-long-histories", WordsOnly, "failed by itself: .*AttributeError"),
    ("leaves-requests-alone", Scribbling, "another after the answer"),
    ("reads-any-pieces", ByPiece, "GARBLED|garbled"),
    ("keeps-conversations-apart", OneMind, "told beside others it is"),
    ("fails-when-nobody-is-there", Raw, "ConnectError"),
    ("fails-when-refused", Blaming, "held the client's request to be at fault"),
    ("asks-once", Persistent, "asked 2 times"),
    ("takes-nonsense-for-failure", Trusting, "JSONDecodeError"),
    ("breaks-off-as-failure", Resigned, "in the midst, and the generator ended as if the answer were whole"),
    ("breaks-off-as-failure", Raw, "ReadError"),
    ("ends-when-closed", Hoarding, "1 HTTP responses were never closed"),
    ("ends-when-cancelled", Swallowing, "swallowed its cancellation and raised broken-off"),
    ("ends-before-its-answer", Swallowing, "swallowed its cancellation"),
    ("leaves-nothing-running", Littering, "2 more tasks running"),
    ("embeds", Vague, "embed gave a list"),
    ("counts-tokens", Vague, "count_tokens gave a str"),
    ("can-be-probed", Vague, "probe gave a bool"),
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
async def test_a_sound_adapter_keeps_every_promise(promise: Any) -> None:
    assert await judge(promise, Trial(build=Lab, stage=stage)) == Kept()


@pytest.mark.parametrize(
    ("name", "build", "seen"), BREAKERS, ids=[f"{row[0]}-{i}" for i, row in enumerate(BREAKERS)]
)
async def test_an_adapter_that_breaks_a_promise_is_told_what_was_seen(
    name: str, build: Any, seen: str
) -> None:
    found = await verdict(name, build)

    assert isinstance(found, Broken)
    assert re.search(seen, found.seen, re.DOTALL), found.seen


def test_every_promise_is_broken_by_somebody() -> None:
    assert {promise.name for promise in PROMISES} == {name for name, _, _ in BREAKERS}


async def test_an_adapter_that_will_not_end_holds_nobody_up() -> None:
    found = await verdict("ends-when-cancelled", Stubborn, patience_s=PATIENCE_S)

    assert isinstance(found, Broken)
    assert found.seen == "nothing had come of it after 2 s"


async def test_a_scene_that_is_not_played_is_said_to_be_missing() -> None:
    found = await verdict("calls-tools", Lab, stage=only_answers)

    assert found == Unasked('the stage has no scene "calls-tool"')


async def test_who_does_not_use_the_kits_transport_is_not_judged_by_it() -> None:
    found = {
        promise.name: await judge(promise, Trial(build=Aloof, stage=only_answers)) for promise in PROMISES
    }

    assert {verdict for verdict in found.values() if isinstance(verdict, Broken)} == set()
    assert isinstance(found["breaks-off-as-failure"], Unasked)
    assert isinstance(found["fails-when-nobody-is-there"], Unasked)
    assert isinstance(found["ends-when-cancelled"], Unasked)


async def test_an_upstream_with_a_mind_of_its_own_need_not_repeat_itself() -> None:
    def live(scene: Scene) -> Setting | None:
        setting = stage(scene)
        return setting and replace(setting, repeatable=False)

    assert isinstance(await verdict("tells-the-same-whole", OtherWhole, stage=live), Unasked)
    assert await verdict("keeps-conversations-apart", Lab, stage=live) == Kept()


class Aloof(Lab):
    """Asks in a way of its own, say through a library."""

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        usage = UsageReported(Usage(input_tokens=1, output_tokens=1))
        for event in (TextDelta("hello "), TextDelta("world"), usage, Finished("end_turn")):
            yield Batch((event,))


def only_answers(scene: Scene) -> Setting | None:
    return stage(scene) if scene is Scene.ANSWERS else None
