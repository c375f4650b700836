"""Builds the adapter for a scene, and listens to what it answers."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace

import httpx

from adapters.outbound.contract.observed_transport import AS_IT_IS, Disturbance, ObservedTransport
from adapters.outbound.contract.stage import Scene, Setting, Stage
from adapters.outbound.foreign_failures import contained
from adapters.outbound.kit import ProviderFactory, ProviderKit
from domain.conversation.reply import Batch, Finished, TextDelta
from domain.conversation.request import MalformedRequest
from domain.conversation.soundness import type_in_words, unsoundness
from domain.conversation.telling import Telling
from domain.failures import UpstreamFailure
from domain.ports.providers import ChatProvider, ProviderCall

USER_AGENT = "coderouter-contract"


class BrokenPromise(Exception):
    """The adapter did something else than promised; the message says what."""


class NotAsked(Exception):
    """The adapter cannot be put to this test; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    An adapter that is put to the test.

    Attributes:
        build: the adapter: the factory that a configuration names.
        stage: the setting of each scene.
        network: opens the transport of settings that have none.
        patience_s: how long any promise may take to be kept.
    """

    build: ProviderFactory
    stage: Stage
    network: Callable[[], AbstractAsyncContextManager[httpx.AsyncBaseTransport]] = httpx.AsyncHTTPTransport
    patience_s: float = 30.0

    def setting(self, scene: Scene) -> Setting:
        """
        The setting of a scene.

        Raises:
            NotAsked: the stage does not play it.
        """
        setting = self.stage(scene)
        if setting is None:
            raise NotAsked(f'the stage has no scene "{scene}"')
        return setting

    @asynccontextmanager
    async def opened(
        self, scene: Scene = Scene.ANSWERS, disturbance: Disturbance = AS_IT_IS
    ) -> AsyncIterator["Opened"]:
        """The adapter, built for a scene; whatever comes through its transport is disturbed."""
        setting = self.setting(scene)
        reached = self.network() if setting.transport is None else nullcontext(setting.transport)
        async with reached as inner:
            transport = ObservedTransport(inner, disturbance)
            yield Opened(self.provider(setting, transport), transport, setting)

    @asynccontextmanager
    async def troubled(self, scene: Scene, disturbance: Disturbance) -> AsyncIterator["Opened"]:
        """The adapter before an upstream in trouble: as the stage plays it, else by a disturbance."""
        if self.stage(scene) is not None:
            async with self.opened(scene) as opened:
                yield opened
            return
        async with self.opened(Scene.ANSWERS, disturbance) as opened:
            yield replace(opened, must_ask=True)

    def provider(self, setting: Setting, transport: httpx.AsyncBaseTransport) -> ChatProvider:
        """
        Built as the gateway builds it.

        Raises:
            BrokenPromise: it cannot be.
        """
        kit = ProviderKit(
            transport=transport,
            clock=_Clock(),
            secret=setting.secret,
            model_server=_NoModelServer(),
            user_agent=USER_AGENT,
        )
        try:
            with contained():
                return self.build(setting.spec, kit)
        except (UpstreamFailure, MalformedRequest) as failure:
            raise BrokenPromise(f"it could not be built: {in_words(failure)}") from failure


@dataclass(frozen=True, slots=True)
class Opened:
    """
    An adapter, ready to be asked.

    Attributes:
        must_ask: whether the test means nothing unless the adapter uses its kit's transport.
    """

    provider: ChatProvider
    transport: ObservedTransport
    setting: Setting
    must_ask: bool = False

    async def heard(self, call: ProviderCall) -> "Heard":
        """The whole answer to a question, or as much of it as came; nothing is raised but `NotAsked`."""
        heard = Heard()
        await heard.listen(self.provider, call)
        self.require_asked()
        return heard

    def require_asked(self) -> None:
        """
        Raises:
            NotAsked: the upstream's trouble never reached the adapter, as it asks in some way of its own.
        """
        if self.must_ask and not self.transport.asked:
            raise NotAsked("it does not ask through its kit's transport; have the stage play this scene")

    def require_use_of_transport(self) -> None:
        """
        Raises:
            NotAsked: the adapter has not asked through its kit's transport, and no stage can help.
        """
        if not self.transport.asked:
            raise NotAsked("it does not ask through its kit's transport")


@dataclass(slots=True)
class Heard:
    """One answer as it was told, to its end or to its failure."""

    batches: list[Batch] = field(default_factory=list)
    failure: UpstreamFailure | MalformedRequest | None = None
    disorder: str = ""
    incompleteness: str = ""

    async def listen(self, provider: ChatProvider, call: ProviderCall) -> None:
        """Whatever the adapter raises is its `failure`, but for the cancellation of the task it runs in."""
        telling = Telling()
        try:
            with contained():
                await self._listen(provider, call, telling)
        except (UpstreamFailure, MalformedRequest) as failure:
            self.failure = failure
        self.incompleteness = telling.incompleteness()

    async def _listen(self, provider: ChatProvider, call: ProviderCall, telling: Telling) -> None:
        answer: object = provider.converse(call)
        if not isinstance(answer, AsyncGenerator):
            if isinstance(answer, Coroutine):
                answer.close()  # Python would complain that nobody awaits it
            self.disorder = f"{type_in_words(answer)}: converse must be an async generator (`yield`)"
            return
        async with aclosing(answer):
            async for batch in answer:
                if wrong := unsoundness(batch) or telling.disorder(batch):
                    self.disorder = wrong
                    return
                self.batches.append(batch)

    @property
    def text(self) -> str:
        return "".join(
            event.text for batch in self.batches for event in batch.events if isinstance(event, TextDelta)
        )

    @property
    def finish(self) -> Finished | None:
        events = (event for batch in self.batches for event in batch.events)
        return next((event for event in events if isinstance(event, Finished)), None)

    def whole(self) -> list[Batch]:
        """
        The batches of an answer that came to its end.

        Raises:
            BrokenPromise: it did not.
        """
        if self.disorder:
            raise BrokenPromise(f"it yielded {self.disorder}")
        if self.failure is not None:
            raise BrokenPromise(f"it failed: {in_words(self.failure)}")
        if self.incompleteness:
            raise BrokenPromise(self.incompleteness)
        return self.batches


def in_words(failure: UpstreamFailure | MalformedRequest) -> str:
    """What a failure says, and where it was raised if it was raised by mistake."""
    kind = f"{failure.kind}: " if isinstance(failure, UpstreamFailure) else "MalformedRequest: "
    return f"{kind}{failure}{_place(failure.__cause__)}"


def _place(error: BaseException | None) -> str:
    """Where the innermost line is that raised it."""
    traceback = error.__traceback__ if error is not None else None
    if traceback is None:
        return ""
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return f" ({traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno})"


class _Clock:
    """The machine's."""

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()


class _NoModelServer:
    """There is none to be had in a test."""

    async def ensure_running(self) -> str:
        await asyncio.sleep(0)
        raise RuntimeError("there is no model server in the contract suite")
