"""A whole inbound side over scripted providers, and a client that speaks ASGI to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from litestar import Litestar
from litestar.types import ASGIApp, Message, Scope

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.inbound.http.conversation import ConversationRoute, InboundLimits
from adapters.inbound.http.models import model_routes
from adapters.inbound.http.routes import Envelopes, ErrorResponses, conversation_routes
from adapters.inbound.http.status import Readiness, status_routes
from app.use_cases.converse import Converse
from app.use_cases.list_models import ListModels
from app.use_cases.member_limits import MemberLimits
from app.use_cases.plan import Planner
from app.use_cases.watch_context import WatchContext
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyStarted,
    StopReason,
    TextDelta,
    Usage,
    UsageReported,
)
from domain.events import RequestCompleted
from domain.routing.targets import Profile, ProfileAlias, ProviderSpec, RoutingTable, Target, Timeouts
from infrastructure.tokens import TokenEstimator
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.key_stores import StandingKeys
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import Act, Script, ScriptedDirectory, ScriptedProvider

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
COMPLETIONS = "/v1/completions"

BEGINNING = Batch((ReplyStarted("abc", "qwen3-8b", 1_700_000_000), TextDelta("Hello")))
MIDDLE = Batch((TextDelta(", world"),))
END = Batch((Finished(StopReason.END_TURN), UsageReported(Usage(input_tokens=7, output_tokens=3))))
ANSWER: tuple[Act, ...] = (BEGINNING, MIDDLE, END)


@dataclass(slots=True)
class Gateway:
    """The inbound side with everything that a test wants to look at."""

    app: ASGIApp
    sink: RecordingSink
    clock: FixedClock
    readiness: Readiness
    providers: dict[str, ScriptedProvider]
    keys: StandingKeys

    @property
    def completed(self) -> RequestCompleted:
        """The one line about the one request."""
        (event,) = self.completions
        return event

    @property
    def completions(self) -> list[RequestCompleted]:
        return self.sink.of(RequestCompleted)


def gateway(
    *,
    local: Iterable[Script] = (ANSWER,),
    cloud: Iterable[Script] = (ANSWER,),
    paid: Iterable[str] = (),
    without_credential: Iterable[str] = (),
    limits: InboundLimits | None = None,
    timeouts: Timeouts | None = None,
    default: Iterable[str] = ("local", "cloud"),
) -> Gateway:
    """Profile ``default`` asks `local`, then `cloud`; ``solo`` asks `local` alone."""
    sink, clock, readiness = RecordingSink(), FixedClock(), Readiness()
    readiness.ready = True
    providers = {"local": ScriptedProvider(*local), "cloud": ScriptedProvider(*cloud)}
    table = routing_table(paid, timeouts or Timeouts(), default)
    directory = ScriptedDirectory(providers, without_credential=without_credential)
    planner = Planner(table, directory, sink, clock, TokenEstimator())
    converse = Converse(table, planner, directory, sink, clock)
    keys = StandingKeys()
    numbers = count(1)

    def ids() -> str:
        return f"id-{next(numbers)}"

    def route(dialect: Dialect) -> ConversationRoute:
        return ConversationRoute(
            converse=converse,
            dialect=dialect,
            sink=sink,
            clock=clock,
            ids=ids,
            limits=limits or InboundLimits(),
            member_limits=MemberLimits({}, sink, clock),
            watch=WatchContext(TokenEstimator(), sink),
        )

    envelopes = Envelopes(openai=OPENAI_CHAT, anthropic=ANTHROPIC_MESSAGES)
    app = Litestar(
        [
            *conversation_routes(
                chat_completions=route(OPENAI_CHAT),
                messages=route(ANTHROPIC_MESSAGES),
                responses=route(OPENAI_RESPONSES),
                completions=route(OPENAI_COMPLETIONS),
            ),
            *model_routes(ListModels(table), created=1_700_000_000),
            *status_routes(
                version="1.2.3",
                providers=list(table.providers),
                allow_paid=False,
                readiness=readiness,
                keys=keys,
            ),
        ],
        exception_handlers=ErrorResponses(envelopes, sink, ids).handlers(),
        openapi_config=None,
        logging_config=None,
    )
    return Gateway(cast("ASGIApp", app), sink, clock, readiness, providers, keys)


def routing_table(paid: Iterable[str], timeouts: Timeouts, default: Iterable[str]) -> RoutingTable:
    local, cloud = Target("local", "qwen3"), Target("cloud", "sonnet")
    by_name = {"local": local, "cloud": cloud}
    costly = frozenset(paid)
    return RoutingTable(
        providers={
            target.provider: ProviderSpec(
                name=target.provider,
                adapter="scripted",
                model=target.model,
                timeouts=timeouts,
                paid=target.provider in costly,
            )
            for target in (local, cloud)
        },
        profiles={
            "default": Profile(name="default", targets=tuple(by_name[name] for name in default)),
            "solo": Profile(name="solo", targets=(local,)),
        },
        default_profile="default",
        mode_aliases={"quick": "solo"},
        models={"claude-house/best": ProfileAlias(profile="default")},
    )


@dataclass(slots=True)
class Answered:
    """What a client got; ``sent_at`` has the loop's time of each message."""

    messages: list[Message] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(cast("Any", self.messages[0])["status"])

    @property
    def headers(self) -> dict[str, str]:
        raw = cast("Any", self.messages[0])["headers"]
        return {name.decode(): value.decode("latin-1") for name, value in raw}

    @property
    def chunks(self) -> list[bytes]:
        return [cast("Any", message)["body"] for message in self.messages[1:]]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def is_complete(self) -> bool:
        return bool(self.messages) and not cast("Any", self.messages[-1]).get("more_body", True)


class Client:
    """
    One request of one client.

    ``leave`` is what the server reports when the connection closes; ``hang_up`` makes sending fail, too. A
    slow one takes so many seconds for each message; ``most_at_once`` is how many were ever sent together.
    """

    def __init__(
        self,
        app: ASGIApp,
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        pieces: Iterable[bytes] | None = None,
        takes_s: float = 0.0,
    ) -> None:
        self.answered = Answered()
        self.most_at_once = 0
        self._at_once = 0
        self._takes_s = takes_s
        self._app = app
        whole = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._pieces = list(pieces) if pieces is not None else [whole]
        self._left = asyncio.Event()
        self._hung_up = False
        self._arrived = asyncio.Event()
        self._scope = scope(path, method, headers or {})

    async def run(self) -> Answered:
        async with asyncio.timeout(20):
            await self._app(self._scope, self._receive, self._send)
        return self.answered

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[Answered]"]:
        task = asyncio.create_task(self.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def complete(self) -> None:
        """Until the last message has come."""
        while not self.answered.is_complete:
            await self.messages(len(self.answered.messages) + 1)

    async def messages(self, number: int) -> None:
        """Until so many messages have come."""
        async with asyncio.timeout(10):
            while len(self.answered.messages) < number:
                self._arrived.clear()
                await self._arrived.wait()

    def leave(self) -> None:
        self._left.set()

    def hang_up(self) -> None:
        self._hung_up = True

    async def _receive(self) -> Any:
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces)}
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._hung_up:
            raise BrokenPipeError("the client is gone")
        self.answered.messages.append(message)
        self.answered.sent_at.append(asyncio.get_running_loop().time())
        self._arrived.set()
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(self._takes_s)
        self._at_once -= 1


def scope(path: str, method: str, headers: Mapping[str, str]) -> Scope:
    path, _, query = path.partition("?")
    raw = {"host": "localhost", "content-type": "application/json", **headers}
    return cast(
        "Scope",
        {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in raw.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8088),
            "extensions": {},
        },
    )


async def post(house: Gateway, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answered:
    return await Client(house.app, path, body, headers=headers).run()


def chat(**fields: object) -> dict[str, object]:
    """A request that both dialects understand."""
    return {"model": "gpt-9", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}], **fields}
