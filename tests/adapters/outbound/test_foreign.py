"""Somebody else's adapter harms nobody but its own attempt, whatever it does."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any, cast

import httpx
import pytest

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.ending import CLOSING_S
from adapters.outbound.foreign import ForeignProvider
from adapters.outbound.lent_transport import LentTransport
from adapters.outbound.redaction import Redaction
from domain.conversation.reply import Batch, Finished, TextDelta, Usage, UsageReported
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.failures import FailureKind, UpstreamAnswer, UpstreamFailure
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

HELLO = Batch((TextDelta("hello"),))
END = Batch((Finished("end_turn"),))
SECRET = "sk-planted-secret"
BODY = json.dumps(
    {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi."}],
        "tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}],
    }
).encode()
PATIENCE_S = 5 * CLOSING_S


class Lab:
    """An adapter whose `converse` is given."""

    def __init__(self, converse: Callable[[ProviderCall], object]) -> None:
        self.converse: Any = converse


def foreign(converse: Callable[[ProviderCall], object]) -> ForeignProvider:
    return ForeignProvider(Lab(converse), Redaction(SECRET))


def call(request: ChatRequest | None = None) -> ProviderCall:
    asked = request or OPENAI_CHAT.decode_request(BODY, {})
    return ProviderCall(request=asked, request_id="r", model="m", stream=True)


def raising(error: BaseException) -> Callable[[ProviderCall], AsyncGenerator[Batch, None]]:
    """A `converse` that raises in the midst of its answer."""

    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield HELLO
        raise error

    return converse


async def heard(provider: ChatProvider) -> list[Batch]:
    async with aclosing(provider.converse(call())) as batches:
        return [batch async for batch in batches]


async def failure_of(provider: ChatProvider) -> UpstreamFailure:
    with pytest.raises(UpstreamFailure) as caught:
        await heard(provider)
    return caught.value


async def test_what_it_yields_comes_through_as_it_is() -> None:
    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield HELLO
        yield END

    batches = await heard(foreign(converse))

    assert batches == [HELLO, END]
    assert batches[0] is HELLO


class Wild(BaseException):
    """Raised by somebody who knows no `Exception`."""


class Speechless(Exception):
    """Has no words, and says so by raising."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


ERRORS: list[BaseException] = [
    KeyError("choices"),
    TimeoutError(),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    asyncio.CancelledError("its own"),
    StopIteration(),
    StopAsyncIteration(),
    RecursionError(),
    MemoryError(),
    Wild("wild"),
    Speechless(),
    ExceptionGroup("both", [ValueError("one"), SyntaxError("two")]),
    BaseExceptionGroup("worse", [SystemExit(1)]),
]
RAISING = pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)


@RAISING
async def test_whatever_it_raises_when_asked_is_its_fault(error: BaseException) -> None:
    def converse(call: ProviderCall) -> object:
        raise error

    assert (await failure_of(foreign(converse))).kind is FailureKind.ADAPTER_FAULT


@RAISING
async def test_whatever_it_raises_in_the_midst_is_its_fault(error: BaseException) -> None:
    assert (await failure_of(foreign(raising(error)))).kind is FailureKind.ADAPTER_FAULT


@RAISING
async def test_whatever_it_raises_when_closed_is_not_heard(error: BaseException) -> None:
    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        try:
            yield HELLO
            yield HELLO
        finally:
            raise error

    async with aclosing(foreign(converse).converse(call())) as batches:
        assert await anext(batches) == HELLO


async def coroutine(call: ProviderCall) -> None:
    """What `converse` is when somebody forgets to yield."""


@pytest.mark.parametrize(
    ("converse", "given"),
    [
        (coroutine, "a coroutine"),
        (lambda call: None, "None"),
        (lambda call: [HELLO, END], "a list"),
        (lambda call: iter([HELLO, END]), "a list_iterator"),
    ],
    ids=["a coroutine", "nothing", "a list", "an iterator"],
)
async def test_an_answer_that_is_no_generator_is_told_by_its_type(
    converse: Callable[[ProviderCall], object], given: str
) -> None:
    failure = await failure_of(foreign(converse))

    assert failure.kind is FailureKind.ADAPTER_FAULT
    assert failure.message == f"converse gave {given} instead of an async generator"


@pytest.mark.parametrize(
    "batch",
    [
        None,
        "hello",
        TextDelta("hello"),
        Batch(cast("Any", [TextDelta("hello")])),
        Batch((UsageReported(Usage(input_tokens=-1_000_000)),)),
        Batch((TextDelta("half a pair: \ud83d"),)),
    ],
)
async def test_batches_that_are_none_are_told_before_anybody_stumbles(batch: object) -> None:
    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield HELLO
        yield cast("Batch", batch)

    failure = await failure_of(foreign(converse))

    assert failure.kind is FailureKind.ADAPTER_FAULT
    assert failure.message.startswith("converse yielded ")


async def test_it_runs_from_its_beginning_to_its_closing_in_one_task() -> None:
    """Cancel scopes and task groups inside an adapter insist on that."""
    tasks = []

    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        tasks.append(asyncio.current_task())
        try:
            async with asyncio.timeout(60), asyncio.TaskGroup():
                yield HELLO
                tasks.append(asyncio.current_task())
                yield HELLO
        finally:
            tasks.append(asyncio.current_task())

    batches = foreign(converse).converse(call())
    assert await asyncio.create_task(anext(batches)) == HELLO
    assert await asyncio.create_task(anext(batches)) == HELLO
    await asyncio.create_task(batches.aclose())

    assert len(tasks) == 3
    assert len(set(tasks)) == 1


async def test_closing_it_closes_the_adapter() -> None:
    closed = asyncio.Event()

    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        try:
            yield HELLO
            await asyncio.Event().wait()
        finally:
            closed.set()

    batches = foreign(converse).converse(call())
    await anext(batches)
    await batches.aclose()

    assert closed.is_set()


async def test_cancelling_who_waits_for_it_closes_the_adapter() -> None:
    waits, closed = asyncio.Event(), asyncio.Event()

    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        try:
            yield HELLO
            waits.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    listening = asyncio.create_task(heard(foreign(converse)))
    await waits.wait()
    listening.cancel()
    await asyncio.wait({listening})

    assert listening.cancelled()
    assert closed.is_set()


class Stubborn:
    """Will not be cancelled until a test lets it go."""

    def __init__(self) -> None:
        self._may_go = asyncio.Event()

    async def stay(self) -> None:
        while not self._may_go.is_set():
            with suppress(asyncio.CancelledError):
                await self._may_go.wait()

    async def let_go(self) -> None:
        self._may_go.set()
        await asyncio.sleep(CLOSING_S / 10)


@pytest.fixture
async def stubborn() -> AsyncIterator[Stubborn]:
    one = Stubborn()
    yield one
    await one.let_go()


async def test_an_adapter_that_will_not_be_closed_is_left_behind(stubborn: Stubborn) -> None:
    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        try:
            yield HELLO
        finally:
            await stubborn.stay()

    async with asyncio.timeout(PATIENCE_S):
        batches = foreign(converse).converse(call())
        await anext(batches)
        await batches.aclose()


async def test_an_adapter_that_will_not_be_cancelled_is_left_behind(stubborn: Stubborn) -> None:
    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield HELLO
        await stubborn.stay()

    async with asyncio.timeout(PATIENCE_S):
        listening = asyncio.create_task(heard(foreign(converse)))
        await asyncio.sleep(CLOSING_S / 10)
        listening.cancel()
        await asyncio.wait({listening})

    assert listening.cancelled()


async def test_an_adapter_that_cancels_its_own_task_is_not_waited_for() -> None:
    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield HELLO
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)
        yield END

    async with asyncio.timeout(PATIENCE_S):
        assert (await failure_of(foreign(converse))).kind is FailureKind.ADAPTER_FAULT


async def test_it_is_never_more_than_a_batch_ahead_of_who_reads_it() -> None:
    told: list[int] = []

    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        for number in range(100):
            told.append(number)
            yield Batch((TextDelta(str(number)),))

    async with aclosing(foreign(converse).converse(call())) as batches:
        await anext(batches)
        for _ in range(20):
            await asyncio.sleep(0)

    assert len(told) <= 3


async def test_what_it_does_to_the_request_the_next_target_never_sees() -> None:
    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        (tool,) = call.request.conversation.tools
        cast("Any", tool).parameters["type"] = "planted"
        yield END

    request = OPENAI_CHAT.decode_request(BODY, {})
    async with aclosing(foreign(converse).converse(call(request))) as batches:
        assert [batch async for batch in batches] == [END]

    (tool,) = request.conversation.tools
    assert getattr(tool, "parameters", None) == {"type": "object"}


async def test_its_failures_keep_their_kind_and_lose_its_secrets() -> None:
    answer = UpstreamAnswer(dialect="lab", status=429, body=SECRET.encode(), headers={"retry-after": "7"})

    async def converse(call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield HELLO
        raise UpstreamFailure(
            FailureKind.RATE_LIMITED, f"wait, {SECRET}", status=429, retry_after_s=7.0, answer=answer
        )

    failure = await failure_of(foreign(converse))

    assert (failure.kind, failure.status, failure.retry_after_s) == (FailureKind.RATE_LIMITED, 429, 7.0)
    assert failure.message == "wait, [redacted]"
    assert failure.answer is not None
    assert failure.answer.body == b"[redacted]"


async def test_a_secret_in_an_exception_of_its_own_is_kept() -> None:
    assert SECRET not in str(await failure_of(foreign(raising(KeyError(SECRET)))))


def with_answer(**odd: object) -> UpstreamFailure:
    sound = {"dialect": "openai_chat", "status": 503, "body": b"", "headers": {}}
    fields = cast("dict[str, Any]", {**sound, **odd})
    return UpstreamFailure(FailureKind.OVERLOADED, f"answer {odd}", answer=UpstreamAnswer(**fields))


ODD_FAILURES = [
    UpstreamFailure(cast("Any", "no-such-kind"), "kind"),
    UpstreamFailure(FailureKind.CLIENT_LEFT, "not its to say"),
    UpstreamFailure(FailureKind.OVERLOADED, cast("Any", None), status=cast("Any", "503")),
    UpstreamFailure(FailureKind.OVERLOADED, "not a number", retry_after_s=float("nan")),
    UpstreamFailure(FailureKind.OVERLOADED, "soon", retry_after_s=cast("Any", "soon")),
    UpstreamFailure(FailureKind.OVERLOADED, "resets", resets_in_s=cast("Any", "soon")),
    UpstreamFailure(FailureKind.OVERLOADED, "scope", scope=cast("Any", "week")),
    UpstreamFailure(FailureKind.OVERLOADED, "overflow", overflow=cast("Any", 7)),
    UpstreamFailure(FailureKind.OVERLOADED, "because", because=cast("Any", "of that")),
    UpstreamFailure(FailureKind.OVERLOADED, "many words" * 10_000),
    with_answer(status=200),
    with_answer(body="text"),
    with_answer(headers={"a": "b\r\nc: d"}),
    with_answer(headers={"a b": ""}),
]


@pytest.mark.parametrize("odd", ODD_FAILURES, ids=lambda odd: str(odd)[:20])
async def test_a_failure_with_odd_fields_is_made_sound(odd: UpstreamFailure) -> None:
    failure = await failure_of(foreign(raising(odd)))

    assert failure.kind in {FailureKind.OVERLOADED, FailureKind.ADAPTER_FAULT}
    assert failure.consequence is not None
    assert len(failure.message) <= 2000
    assert failure.status is None
    assert (failure.retry_after_s, failure.resets_in_s, failure.scope) == (None, None, None)
    assert (failure.overflow, failure.because, failure.answer) == (None, None, None)


async def test_a_request_that_cannot_be_said_to_it_is_the_clients_to_know() -> None:
    fault = MalformedRequest("messages[0]", "the lab hears no audio")

    with pytest.raises(MalformedRequest, match="hears no audio"):
        await heard(foreign(raising(fault)))


class Versatile:
    """Does everything that a provider may do."""

    def __init__(self, embeddings: object = None, tokens: object = 0, probed: object = None) -> None:
        self._embeddings = embeddings
        self._tokens = tokens
        self._probed = probed

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        yield END

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        return cast("Embeddings", await self._given(self._embeddings))

    async def count_tokens(self, call: ProviderCall) -> int:
        return cast("int", await self._given(self._tokens))

    async def probe(self) -> Probed:
        return cast("Probed", await self._given(self._probed))

    async def _given(self, what: object) -> object:
        if isinstance(what, BaseException):
            raise what
        return what


def versatile(**gives: object) -> Any:
    return ForeignProvider(Versatile(**gives), Redaction(SECRET))


EMBEDDING = EmbeddingCall(body=b"{}", request_id="r", model="m")
SOUND = Embeddings(body=b"{}", model="m", usage=Usage(input_tokens=3))


def test_it_does_what_the_adapter_does_and_no_more() -> None:
    plain: object = foreign(coroutine)

    assert isinstance(versatile(), EmbeddingProvider)
    assert isinstance(versatile(), TokenCountProvider)
    assert isinstance(versatile(), ProbeProvider)
    assert not isinstance(plain, EmbeddingProvider)
    assert not isinstance(plain, TokenCountProvider)
    assert not isinstance(plain, ProbeProvider)


async def test_embeddings_counts_and_probes_come_through() -> None:
    probed = Probed(windows={"m": 8192})
    provider = versatile(embeddings=SOUND, tokens=7, probed=probed)

    assert await provider.embed(EMBEDDING) is SOUND
    assert await provider.count_tokens(call()) == 7
    assert await provider.probe() is probed


@pytest.mark.parametrize(
    "odd", [None, "[]", b"{}", Embeddings(body=cast("Any", "{}"), model="m", usage=None)]
)
async def test_embeddings_that_are_none_are_told(odd: object) -> None:
    with pytest.raises(UpstreamFailure, match="embed gave"):
        await versatile(embeddings=odd).embed(EMBEDDING)


@pytest.mark.parametrize("odd", [None, "7", 7.5, -1])
async def test_counts_that_are_none_are_told(odd: object) -> None:
    with pytest.raises(UpstreamFailure, match="count_tokens gave"):
        await versatile(tokens=odd).count_tokens(call())


@pytest.mark.parametrize(
    "odd",
    [
        None,
        {"m": 8192},
        Probed(windows=cast("Any", None)),
        Probed(windows=cast("Any", {"m": "8192"})),
        Probed(windows=cast("Any", {7: 8192})),
        Probed(windows={"m": 0}),
        Probed(windows={"m": True}),
        Probed(windows={"m": 10**40}),
    ],
)
async def test_probes_that_are_none_are_told(odd: object) -> None:
    with pytest.raises(UpstreamFailure, match="probe gave"):
        await versatile(probed=odd).probe()


@RAISING
async def test_whatever_embedding_counting_and_probing_raise_is_the_adapters_fault(
    error: BaseException,
) -> None:
    provider = versatile(embeddings=error, tokens=error, probed=error)
    questions: list[Callable[[], Awaitable[object]]] = [
        lambda: provider.embed(EMBEDDING),
        lambda: provider.count_tokens(call()),
        provider.probe,
    ]
    for ask in questions:
        with pytest.raises(UpstreamFailure) as caught:
            await ask()
        assert caught.value.kind is FailureKind.ADAPTER_FAULT


async def test_closing_the_lent_transport_closes_nothing() -> None:
    closed: list[bool] = []

    class Shared(httpx.MockTransport):
        async def aclose(self) -> None:
            closed.append(True)

    lent = LentTransport(Shared(lambda request: httpx.Response(200, text="hello")))
    async with httpx.AsyncClient(transport=lent) as client:
        assert (await client.get("http://lab.test/")).text == "hello"

    assert closed == []
