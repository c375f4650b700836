"""
Keeps somebody else's adapter from doing harm.

Theory of operation. Each conversation of such an adapter runs in a task of its own, which is handed one batch
after the other. So its generator is begun, iterated and closed by one and the same task, as cancel scopes and
task groups inside it require; whatever it raises, `SystemExit` included, ends in that task; and an adapter
that will not be cancelled is left behind after a while instead of holding its client up with it. What cannot
be helped from here is code that blocks the event loop without awaiting anything.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace

from adapters.outbound.ending import end
from adapters.outbound.foreign_failures import contained, fault, is_called_off
from adapters.outbound.redaction import Redaction
from domain.conversation.reply import MOST_TOKENS, Batch, ReplyStarted, UsageReported, Wire
from domain.conversation.request import MalformedRequest
from domain.conversation.soundness import type_in_words, unsoundness
from domain.conversation.telling import Telling
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import (
    ChatProvider,
    EmbeddingCall,
    EmbeddingProvider,
    Embeddings,
    Probed,
    ProbeProvider,
    ProviderCall,
    TokenCountProvider,
)

_CANCELLED_ITSELF = "the adapter cancelled its own task"


class ForeignProvider:
    """
    Somebody else's provider: whatever it does wrong is an `UpstreamFailure`, and tells none of its secrets.

    It embeds, counts tokens and can be probed when the provider inside does or can.
    """

    def __init__(self, provider: ChatProvider, redaction: Redaction) -> None:
        self._provider = provider
        self._redaction = redaction
        if isinstance(provider, EmbeddingProvider):
            self._embedding = provider
            self.embed = self._embed
        if isinstance(provider, TokenCountProvider):
            self._counting = provider
            self.count_tokens = self._count_tokens
        if isinstance(provider, ProbeProvider):
            self._probing = provider
            self.probe = self._probe

    def __repr__(self) -> str:
        return f"<ForeignProvider {type(self._provider).__name__}>"

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """See `domain.ports.providers.ChatProvider`."""
        with self._redaction.of_failures():
            async with _performing(self._provider, _of_its_own(call)) as batches:
                async for batch in batches:
                    yield batch

    async def _embed(self, call: EmbeddingCall) -> Embeddings:
        """See `domain.ports.providers.EmbeddingProvider`."""
        with self._redaction.of_failures():
            embeddings = await _apart(lambda: self._embedding.embed(call))
            if not isinstance(embeddings, Embeddings):
                raise fault(f"embed gave {type_in_words(embeddings)} instead of Embeddings")
            if wrong := _unsound(embeddings):
                raise fault(f"embed gave {wrong}")
            return embeddings

    async def _count_tokens(self, call: ProviderCall) -> int:
        """See `domain.ports.providers.TokenCountProvider`."""
        with self._redaction.of_failures():
            tokens = await _apart(lambda: self._counting.count_tokens(_of_its_own(call)))
            if not isinstance(tokens, int) or tokens < 0:
                raise fault(f"count_tokens gave {type_in_words(tokens)} instead of a number of tokens")
            return tokens

    async def _probe(self) -> Probed:
        """See `domain.ports.providers.ProbeProvider`."""
        with self._redaction.of_failures():
            probed = await _apart(self._probing.probe)
            if not isinstance(probed, Probed):
                raise fault(f"probe gave {type_in_words(probed)} instead of Probed")
            if wrong := unfit_windows(probed):
                raise fault(f"probe gave {wrong}")
            return probed


def unfit_windows(probed: Probed) -> str:
    """What is wrong with the context windows that somebody's probe told, in words; empty when nothing is."""
    windows: object = probed.windows
    if not isinstance(windows, Mapping):
        return f"{type_in_words(windows)} instead of windows by model"
    fit = all(isinstance(model, str) and _is_window(tokens) for model, tokens in windows.items())
    return "" if fit else "windows that are not positive whole numbers of tokens by model"


def _is_window(tokens: object) -> bool:
    return isinstance(tokens, int) and not isinstance(tokens, bool) and 0 < tokens <= MOST_TOKENS


def _unsound(embeddings: Embeddings) -> str:
    told = () if embeddings.usage is None else (UsageReported(embeddings.usage),)
    return unsoundness(Batch((ReplyStarted(model=embeddings.model), *told), Wire("", embeddings.body)))


def _of_its_own(call: ProviderCall) -> ProviderCall:
    """Who changes what it was asked changes nothing for those who are asked after it."""
    return replace(call, request=replace(call.request, source=call.request.source.afresh()))


@asynccontextmanager
async def _performing(provider: ChatProvider, call: ProviderCall) -> AsyncIterator["_Performance"]:
    performance = _Performance()
    task = asyncio.create_task(performance.play(provider, call))
    try:
        yield performance
    finally:
        await end(task)


class _Performance(AsyncIterator[Batch]):
    """The batches of one conversation on their way from the adapter's task to the one that reads them."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Batch | Exception | None] = asyncio.Queue(1)

    def __repr__(self) -> str:
        return f"<_Performance {'with' if self._heard.full() else 'without'} a batch to hear>"

    async def __anext__(self) -> Batch:
        match await self._heard.get():
            case Batch() as batch:
                return batch
            case None:
                raise StopAsyncIteration
            case failure:
                raise failure

    async def play(self, provider: ChatProvider, call: ProviderCall) -> None:
        """In the adapter's task: plays to the end, which is heard as well."""
        try:
            with contained():
                await self._play(provider, call)
        except (UpstreamFailure, MalformedRequest) as failure:
            await self._heard.put(failure)
        except asyncio.CancelledError:
            with suppress(asyncio.QueueFull):  # nobody may wait for more when it was the adapter itself
                self._heard.put_nowait(fault(_CANCELLED_ITSELF))
            raise
        else:
            await self._heard.put(None)

    async def _play(self, provider: ChatProvider, call: ProviderCall) -> None:
        answer: object = provider.converse(call)
        if not isinstance(answer, AsyncGenerator):
            if isinstance(answer, Coroutine):
                answer.close()  # Python would complain that nobody awaits it
            raise fault(f"converse gave {type_in_words(answer)} instead of an async generator")
        telling = Telling()
        async with aclosing(answer) as batches:
            async for batch in batches:
                if wrong := unsoundness(batch) or telling.disorder(batch):
                    raise fault(f"converse yielded {wrong}")
                await self._heard.put(batch)
                if is_called_off():
                    return
        if missing := telling.incompleteness():
            raise UpstreamFailure(FailureKind.BROKEN_OFF, missing)


async def _apart(question: Callable[[], Awaitable[object]]) -> object:
    """What a question that is asked in a task of its own comes to."""

    async def asked() -> object:
        with contained():
            return await question()

    task = asyncio.create_task(asked())
    try:
        await asyncio.wait({task})
    finally:
        await end(task)
    if task.cancelled():
        raise fault(_CANCELLED_ITSELF)
    return task.result()
