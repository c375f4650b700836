"""
A model server for tests that does what its script says and remembers what it saw.

It speaks OpenAI chat completions (`/v1/chat/completions`), Anthropic messages (`/v1/messages`, with
`/v1/messages/count_tokens`), `/v1/models` and `/health` on a port of its own on 127.0.0.1. Only chat requests
use up the script; the other routes always work.

In an asynchronous test it runs on the test's own event loop:

    async with ScriptedUpstream([Status(500), Answer.text("hello world")]) as upstream:
        ...                                       # talk to upstream.openai_base_url
        request = await upstream.received(2)      # the second chat request, at once or within 15 s
        left_at = await upstream.peer_left(request)

In a synchronous test it runs on a thread:

    with served_in_thread(ScriptedUpstream(Stall(after_events=3, seconds=60))) as upstream:
        ...
        wait_until(lambda: upstream.chats[0].connection.closed_by_peer_at is not None)
"""

import asyncio
import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeAlias

from tests.upstream.behaviours import Answer, Behaviour
from tests.upstream.connection import Connection, PeerLeftError
from tests.upstream.performance import perform
from tests.upstream.records import ConnectionRecord, ReceivedRequest

Script: TypeAlias = Behaviour | Sequence[Behaviour] | Callable[[ReceivedRequest], Behaviour]
"""One behaviour for every chat request; one for each in order, the last of which repeats; or a decision."""

HELLO = Answer.text("hello world")

_POLL_S = 0.002
_PATIENCE_S = 15.0
"""
Many times what the start of a worker takes, the slowest of what is waited for. Tests of promptness measure
for themselves, and an upstream that falls silent is so for longer than this.
"""


class ScriptedUpstream:
    """The server; `requests`, `chats` and `connections` may be read from any thread, at any time."""

    def __init__(self, script: Script = HELLO, *, models: Sequence[str] = ("scripted",)) -> None:
        self.requests: list[ReceivedRequest] = []
        self.connections: list[ConnectionRecord] = []
        self.port = 0
        self._models = models
        self._server: asyncio.Server | None = None
        self._serving: dict[asyncio.Task[None], Connection] = {}
        self._numbers = itertools.count()
        self.plays(script)

    def __repr__(self) -> str:
        return f"ScriptedUpstream(port={self.port}, chats={len(self.chats)})"

    def plays(self, script: Script) -> None:
        """Replaces the script, for the chat requests that arrive from now on."""
        self._decide: Callable[[ReceivedRequest], Behaviour] = _decision(script)

    @property
    def chats(self) -> list[ReceivedRequest]:
        """The requests for a completion, in the order of their arrival."""
        return [request for request in self.requests if request.is_chat]

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:PORT`: the base URL of an Anthropic client."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai_base_url(self) -> str:
        return self.origin + "/v1"

    async def received(self, count: int = 1, *, within_s: float = _PATIENCE_S) -> ReceivedRequest:
        """Waits for the chat request number `count`. Raises `AssertionError` when it does not come."""
        await until(lambda: len(self.chats) >= count, within_s=within_s)
        return self.chats[count - 1]

    async def peer_left(self, request: ReceivedRequest, *, within_s: float = _PATIENCE_S) -> float:
        """`time.monotonic()` when the peer closed the connection of `request`. Raises `AssertionError`."""
        await until(lambda: request.connection.closed_by_peer_at is not None, within_s=within_s)
        assert request.connection.closed_by_peer_at is not None
        return request.connection.closed_by_peer_at

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task, connection in list(self._serving.items()):
            task.cancel()
            connection.close()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self) -> asyncio.BaseProtocol:
        connection = Connection(next(self._numbers))
        self.connections.append(connection.record)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._serving[task] = connection
        task.add_done_callback(self._serving.pop)
        return connection.protocol

    async def _serve(self, connection: Connection) -> None:
        while request := await connection.next_request():
            self.requests.append(request)
            try:
                await self._answer(request, connection)
            except (PeerLeftError, ConnectionError):
                break
            if request.headers.get("connection", "").lower() == "close" or connection.is_closed:
                break
        connection.close()

    async def _answer(self, request: ReceivedRequest, connection: Connection) -> None:
        if request.is_chat:
            await perform(self._decide(request), request, connection)
            return
        status, body = self._plain_route(request.path)
        await connection.respond(status, json.dumps(body).encode(), "application/json")

    def _plain_route(self, path: str) -> tuple[int, object]:
        match path:
            case "/health":
                return 200, {"status": "ok"}
            case "/v1/models":
                entries = [{"id": model, "object": "model", "owned_by": "scripted"} for model in self._models]
                return 200, {"object": "list", "data": entries}
            case "/v1/messages/count_tokens":
                return 200, {"input_tokens": 19}
            case _:
                return 404, {"error": {"message": f"no route {path}", "type": "not_found_error"}}


@contextmanager
def served_in_thread(upstream: ScriptedUpstream) -> Iterator[ScriptedUpstream]:
    """Runs `upstream` on an event loop in a thread of its own until the block is left."""
    started, finished = threading.Event(), threading.Event()

    async def serve() -> None:
        async with upstream:
            started.set()
            await asyncio.to_thread(finished.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="scripted-upstream")
    thread.start()
    try:
        assert started.wait(_PATIENCE_S), "the scripted upstream did not start"
        yield upstream
    finally:
        finished.set()
        thread.join()


@contextmanager
def held_port() -> Iterator[int]:
    """
    A port of 127.0.0.1 for a program that has to be told one, which is given to nobody else meanwhile.

    It is bound and not listening, in the way (`SO_REUSEADDR`) that lets the program bind it too and listen,
    also when it is started again.
    """
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        yield port


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections: bound, so that nobody takes it, and not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        yield port


async def until(condition: Callable[[], bool], *, within_s: float = _PATIENCE_S) -> None:
    """Waits for `condition` without blocking the event loop. Raises `AssertionError` when time runs out."""
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at, f"it did not happen within {within_s} s"
        await asyncio.sleep(_POLL_S)


def wait_until(condition: Callable[[], bool], *, within_s: float = _PATIENCE_S) -> None:
    """`until` for synchronous tests."""
    give_up_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up_at, f"it did not happen within {within_s} s"
        time.sleep(_POLL_S)


def _decision(script: Script) -> Callable[[ReceivedRequest], Behaviour]:
    if not isinstance(script, Sequence):
        return script if callable(script) else lambda _: script
    assert script, "a script in order needs at least one behaviour"
    remaining = itertools.chain(script, itertools.repeat(script[-1]))
    return lambda _: next(remaining)
