"""Hears what an upstream says after its model has stopped, also when nobody waits for it any more."""

import asyncio

from app.use_cases.checked import CheckedBatches
from domain.conversation.reply import Batch
from domain.failures import FailureKind, UpstreamFailure

_CLOSING_S = 1.0
"""How long an adapter may take to end when it is told to."""


class LastWords:
    """
    The last batches of an answer.

    Each is waited for in a task of its own: to cancel who waits for a generator ends the generator, and with
    it whatever the upstream had still to say.
    """

    __slots__ = ("_batches", "_underway")

    def __init__(self, batches: CheckedBatches) -> None:
        self._batches = batches
        self._underway: asyncio.Task[Batch] | None = None

    def __repr__(self) -> str:
        return f"<LastWords {'under way' if self._underway is not None else 'at rest'}>"

    async def next(self) -> Batch:
        """
        The next batch. Who is cancelled meanwhile, or loses patience, may ask again and misses nothing.

        Raises:
            StopAsyncIteration: that was all.
        """
        if self._underway is None:
            self._underway = asyncio.create_task(_next_of(self._batches))
        await asyncio.wait({self._underway})
        done, self._underway = self._underway, None
        return done.result()

    async def stop(self) -> None:
        """Nothing more is waited for; the generator can be closed then."""
        if self._underway is None:
            return
        self._underway.cancel()
        await asyncio.wait({self._underway}, timeout=_CLOSING_S)
        if self._underway.done() and not self._underway.cancelled():
            self._underway.exception()  # asyncio would complain that nobody looked at it


async def _next_of(batches: CheckedBatches) -> Batch:
    """An exit that an adapter asks for would leave the task for the event loop and end the gateway."""
    try:
        return await anext(batches)
    except SystemExit as error:
        raise UpstreamFailure(FailureKind.ADAPTER_FAULT, f"SystemExit: {error}") from error
