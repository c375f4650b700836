"""Waits for the first content of an answer; until it is there, nothing is committed."""

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType

from app.use_cases.checked import CheckedBatches
from app.use_cases.patience import Patience, is_being_cancelled
from domain.conversation.reply import Batch, bears_content
from domain.conversation.request import MalformedRequest
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ChatProvider, ProviderCall
from domain.values import value

_MOST_HELD_BYTES = 1024 * 1024
_MOST_HELD_BATCHES = 10_000
"""What is kept of an answer that has not said a word; more will not become one."""

_CLOSING_S = 2.0
"""How long an upstream connection may take to close before it is left to the loop."""


@value
class Begun:
    """An answer whose first content ends ``held``; ``opened`` closes what was opened for it."""

    held: tuple[Batch, ...]
    batches: CheckedBatches
    opened: AsyncExitStack


async def first_content(provider: ChatProvider, call: ProviderCall, patience: Patience) -> Begun:
    """
    Everything up to and with the first content.

    Raises:
        UpstreamFailure: also for whatever else an adapter may raise: its faults stay its own.
        MalformedRequest: the request cannot be said to the target.
    """
    async with AsyncExitStack() as opened:
        try:
            batches = CheckedBatches(provider.converse(call))
            opened.callback(patience.deadline.close)
            opened.push_async_callback(_closed, batches, patience)
            held = await _held_back(batches, patience)
        except UpstreamFailure as failure:
            raise _before_content(failure) from failure
        except MalformedRequest:
            raise
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            if is_being_cancelled(error):
                raise
            raise UpstreamFailure(FailureKind.ADAPTER_FAULT, f"{type(error).__name__}: {error}") from error
        return Begun(held, batches, opened.pop_all())


async def _closed(batches: CheckedBatches, patience: Patience) -> None:
    """Closes a provider's stream, bounded in time; raises nothing but cancellation."""
    with Contained(), patience.deadline.until(patience.now() + _CLOSING_S):
        await batches.aclose()


class Contained:
    """Whatever an adapter does while it is closed, only the cancellation of this task gets out."""

    # A class: every request enters it, and a generator would cost it several times as much.

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        contains = isinstance(error, Exception | SystemExit | asyncio.CancelledError)
        return contains and not is_being_cancelled(error)


async def _held_back(batches: CheckedBatches, patience: Patience) -> tuple[Batch, ...]:
    held: list[Batch] = []
    held_bytes = 0
    deadline = patience.deadline
    try:
        with deadline.until(patience.for_first()):
            async for batch in batches:
                if batch.events or batch.wire is not None:
                    held.append(batch)
                if any(map(bears_content, batch.events)):
                    return tuple(held)
                held_bytes += len(batch.wire.data) if batch.wire is not None else 0
                if held_bytes > _MOST_HELD_BYTES or len(held) > _MOST_HELD_BATCHES:
                    raise UpstreamFailure(FailureKind.GARBLED, "the answer goes on without any content")
                deadline.move(min(patience.for_first(), patience.for_next()))
    except TimeoutError as error:
        if deadline.has_passed:
            raise UpstreamFailure(FailureKind.SLOW, patience.missed(deadline.due_at)) from error
        raise
    raise UpstreamFailure(FailureKind.GARBLED, "the answer is empty")


def _before_content(failure: UpstreamFailure) -> UpstreamFailure:
    """A stream that breaks off before any content has broken nothing for the client: the next may answer."""
    if failure.kind is not FailureKind.BROKEN_OFF:
        return failure
    return UpstreamFailure(FailureKind.GARBLED, failure.message, status=failure.status)
