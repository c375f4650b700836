"""Notices that a client leaves, and stops the work that nobody waits for any more."""

import asyncio
from types import TracebackType
from typing import Self

from litestar.types import Receive

from adapters.inbound.http.errors import Rejected, draining
from adapters.inbound.http.response import ClientLeft


class Attendance:
    """
    While entered, a client that leaves cancels the task that serves it; the block then raises `ClientLeft`.

    Enter it when the request's body has been read: from then on the server has nothing to say but that
    the client is gone. `dismiss` it before the last bytes go out: servers report a completed exchange in
    the same words as a client that left.
    """

    __slots__ = ("_dismissed", "_left", "_serving", "_watch")

    def __init__(self, receive: Receive) -> None:
        serving = asyncio.current_task()
        if serving is None:  # pragma: no cover - every server runs requests as tasks
            raise RuntimeError("a request is served by a task")
        self._serving = serving
        self._left = self._dismissed = False
        self._watch = asyncio.ensure_future(self._until_gone(receive))

    def __repr__(self) -> str:
        return f"<Attendance {'left' if self._left else 'present'}>"

    def __enter__(self) -> Self:
        return self

    @property
    def left(self) -> bool:
        """Whether the client is gone."""
        return self._left

    def dismiss(self) -> None:
        """
        Whether the client leaves does not matter any more.

        The watch ends with the exchange: to cancel what waits for Granian takes a twentieth of a request.
        """
        self._dismissed = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._dismissed:
            self._watch.cancel()
        if not self._left:
            return
        self._serving.uncancel()
        if isinstance(error, asyncio.CancelledError):
            raise ClientLeft from error

    async def _until_gone(self, receive: Receive) -> None:
        """A task, as Granian 2.8 never frees a future of its own that was given a callback."""
        while (await receive())["type"] != "http.disconnect":
            pass
        if self._dismissed:
            return
        self._left = True
        self._serving.cancel()


def stopped() -> Rejected:
    """
    What the client is told when its request is cancelled though it is still there: the server stops.

    The task is cancelled no more, so that it can say so; a server that loses patience cancels it again.
    """
    serving = asyncio.current_task()
    if serving is not None:
        serving.uncancel()
    return draining()
