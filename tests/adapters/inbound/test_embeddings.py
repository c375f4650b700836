"""Embeddings over HTTP: the chain is walked as for conversations, and the numbers are passed on untouched."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar, asgi
from litestar.types import ASGIApp

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.inbound.http.conversation import InboundLimits
from adapters.inbound.http.embeddings import EmbeddingsRoute
from adapters.inbound.http.routes import EMBEDDINGS, Envelopes, ErrorResponses
from adapters.outbound.kit import ProviderKit
from adapters.outbound.openai_compatible import openai_compatible
from app.use_cases.attempts import Attempting, Ending, seen_of
from app.use_cases.embed import Embed
from app.use_cases.member_limits import MemberLimits
from app.use_cases.plan import Planner
from domain.access.keys import ANYBODY
from domain.admission.limits import Limits
from domain.budget.billing import bill
from domain.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    FallbackOccurred,
    Outcome,
    RequestCompleted,
)
from domain.ports.providers import ChatProvider
from domain.routing.targets import Profile, ProviderSpec, RoutingTable, Target, Timeouts
from infrastructure.model_server.absent import AbsentModelServer
from infrastructure.model_server.weights import ModelMissing
from tests.adapters.inbound.gateway import Answered, Client
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.plain_counter import PlainCounter
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory, ScriptedProvider

VECTOR = (
    b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.0023064255,-1e-7]}],'
    b'"model":"real-model","usage":{"prompt_tokens":8,"total_tokens":8}}'
)
HELLO = {"model": "text-embedding-3-small", "input": "hello"}


class Upstream(httpx.AsyncBaseTransport):
    """Answers every request alike, or never."""

    def __init__(self, status: int = 200, body: bytes = VECTOR, *, silent: bool = False) -> None:
        self.asked: list[httpx.Request] = []
        self.reached = asyncio.Event()
        self.left = asyncio.Event()
        self._answer = (status, body)
        self._silent = silent

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.reached.set()
        try:
            if self._silent:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        headers = {"content-type": "application/json"}
        return httpx.Response(self._answer[0], headers=headers, content=self._answer[1])


@dataclass(frozen=True, slots=True)
class Billed:
    """An attempt whose bill is written on its receipt."""

    attempting: Attempting

    def ended(self, ending: Ending) -> None:
        self.attempting.receipt.add(self.attempting.target, bill(seen_of(self.attempting, ending), None))


class Billing:
    """Writes a bill for every attempt, and promises no money before."""

    def admit(self, attempting: Attempting) -> Billed:
        return Billed(attempting)


class House:
    """The route before a chain of upstreams, in order; ``None`` is a provider that embeds nothing."""

    def __init__(
        self, *upstreams: Upstream | None, ttft_s: float = 5.0, total_s: float | None = None
    ) -> None:
        self.sink = RecordingSink()
        clock = FixedClock()
        self.member_limits = MemberLimits({ANYBODY.member: Limits()}, self.sink, clock)
        names = [f"p{number}" for number in range(len(upstreams))]
        specs = {
            name: ProviderSpec(
                name=name,
                adapter="openai_compat",
                base_url=f"http://{name}.test/v1",
                model=f"model-{name}",
                timeouts=Timeouts(ttft_s=ttft_s, total_s=total_s),
            )
            for name in names
        }
        table = RoutingTable(
            providers=specs,
            profiles={
                "default": Profile(
                    name="default", targets=tuple(Target(name, specs[name].model) for name in names)
                )
            },
            default_profile="default",
        )
        providers: dict[str, ChatProvider] = {
            name: ScriptedProvider(()) if upstream is None else openai_compatible(specs[name], kit(upstream))
            for name, upstream in zip(names, upstreams, strict=True)
        }
        directory = ScriptedDirectory(providers)
        planner = Planner(table, directory, self.sink, clock, PlainCounter())
        route = EmbeddingsRoute(
            embed=Embed(table, planner, directory, self.sink, clock, [Billing()]),
            sink=self.sink,
            clock=clock,
            ids=lambda: "id-1",
            limits=InboundLimits(),
            member_limits=self.member_limits,
        )
        envelopes = Envelopes(openai=OPENAI_CHAT, anthropic=ANTHROPIC_MESSAGES)
        self.app = cast(
            "ASGIApp",
            Litestar(
                [asgi(EMBEDDINGS, copy_scope=False)(route.serve)],
                exception_handlers=ErrorResponses(envelopes, self.sink, lambda: "id-1").handlers(),
                openapi_config=None,
                logging_config=None,
            ),
        )

    async def post(self, body: object, headers: Mapping[str, str] | None = None) -> Answered:
        return await Client(self.app, EMBEDDINGS, body, headers=headers).run()

    @property
    def completed(self) -> RequestCompleted:
        (event,) = self.sink.of(RequestCompleted)
        return event


def kit(upstream: Upstream) -> ProviderKit:
    return ProviderKit(
        transport=upstream,
        clock=FixedClock(),
        secret="sk-test",
        model_server=AbsentModelServer(ModelMissing(("nothing",))),
        user_agent="test",
    )


async def test_the_numbers_come_as_the_upstream_wrote_them_under_the_name_that_was_asked_for() -> None:
    upstream = Upstream()
    house = House(upstream)

    answered = await house.post(HELLO)

    assert answered.status == 200
    assert answered.body == VECTOR.replace(b"real-model", b"text-embedding-3-small")
    assert answered.headers["x-coderouter-provider"] == "p0"
    assert answered.headers["x-coderouter-model"] == "real-model"
    assert answered.headers["x-request-id"] == "id-1"


async def test_the_body_goes_upstream_as_it_came_but_for_the_model_and_our_own_field() -> None:
    upstream = Upstream()
    body = b'{"input": [1, 2,3], "profile":"default","model" : "x", "dimensions":256,"future":{"a":1}}'

    await House(upstream).post(body)

    (request,) = upstream.asked
    assert str(request.url) == "http://p0.test/v1/embeddings"
    assert request.headers["authorization"] == "Bearer sk-test"
    assert request.content == (b'{"input": [1, 2,3],"model" : "model-p0", "dimensions":256,"future":{"a":1}}')


async def test_what_was_counted_is_told_of_the_request() -> None:
    house = House(Upstream())

    await house.post(HELLO)

    told = house.completed
    assert (told.outcome, told.status, told.input_tokens, told.output_tokens) == (Outcome.ANSWERED, 200, 8, 0)
    assert (told.provider, told.model, told.requested_model) == ("p0", "real-model", HELLO["model"])
    assert len(house.sink.of(AttemptStarted)) == len(house.sink.of(AttemptSucceeded)) == 1


async def test_texts_that_no_upstream_counts_are_estimated_for_the_limit_of_a_member() -> None:
    uncounted = Upstream(body=VECTOR.partition(b',"usage"')[0] + b"}")
    house = House(uncounted)
    for meter in house.member_limits.meters.values():
        meter.limits = Limits(tokens_per_minute=1)

    answers = [await house.post(HELLO), await house.post(HELLO)]

    assert [answered.status for answered in answers] == [200, 429]


@pytest.mark.parametrize(
    "first",
    [
        Upstream(501, b'{"error":{"code":501,"message":"This server does not support embeddings."}}'),
        Upstream(404, b'{"detail":"Not Found"}'),
        Upstream(200, b"<html>"),
        Upstream(200, b'{"object":"list"}'),
    ],
    ids=["without embeddings", "without the path", "garbled", "without data"],
)
async def test_the_chain_moves_on_past_a_failure(first: Upstream) -> None:
    house = House(first, Upstream())

    answered = await house.post(HELLO)

    assert answered.status == 200
    assert answered.headers["x-coderouter-attempts"] == "2"
    assert answered.headers["x-coderouter-provider"] == "p1"
    (moved,) = house.sink.of(FallbackOccurred)
    assert answered.headers["x-coderouter-fallback-reason"] == moved.reason
    assert len(house.sink.of(AttemptFailed)) == 1


async def test_a_provider_that_embeds_nothing_is_passed_by() -> None:
    house = House(None, Upstream())

    answered = await house.post(HELLO)

    assert answered.headers["x-coderouter-provider"] == "p1"
    assert house.sink.of(AttemptFailed) == []


async def test_a_chain_without_embeddings_says_so() -> None:
    answered = await House(None).post(HELLO)

    assert answered.status == 400
    assert "embeddings" in answered.json["error"]["message"]


@pytest.mark.parametrize(
    ("deadlines", "words"),
    [
        ({"ttft_s": 0.05}, "no content within 0.05 s"),
        ({"total_s": 0.05}, "no content within the 0.05 s of the whole answer"),
    ],
)
async def test_a_silent_upstream_is_given_up(deadlines: dict[str, float], words: str) -> None:
    first = Upstream(silent=True)
    house = House(first, Upstream(), **deadlines)

    answered = await house.post(HELLO)

    assert answered.status == 200
    assert first.left.is_set()
    assert [event.error for event in house.sink.of(AttemptFailed)] == [words]


async def test_a_fault_of_the_request_is_relayed_and_ends_the_walk() -> None:
    refusal = b'{"error":{"message":"input is too odd","type":"invalid_request_error"}}'
    second = Upstream()
    house = House(Upstream(400, refusal), second)

    answered = await house.post(HELLO)

    assert (answered.status, answered.body, second.asked) == (400, refusal, [])
    assert house.completed.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[]", "JSON object"),
        ({"model": "x"}, "input"),
        ({"model": "x", "input": None}, "input"),
        ({"model": 7, "input": "x"}, "model"),
        ({"input": "x", "profile": "nowhere"}, "nowhere"),
        (b'{"model":"x","input":["a long text"],"input":["a"]}', "input: stands more than once"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(body: Any, words: str) -> None:
    upstream = Upstream()
    house = House(upstream)

    answered = await house.post(body)

    assert (answered.status, upstream.asked) == (400, [])
    assert words in answered.json["error"]["message"]
    assert house.completed.outcome is Outcome.REJECTED


async def test_a_client_that_leaves_frees_the_upstream() -> None:
    upstream = Upstream(silent=True)
    house = House(upstream)
    client = Client(house.app, EMBEDDINGS, HELLO)

    async with client.running() as task, asyncio.timeout(10):
        await upstream.reached.wait()
        client.leave()
        await upstream.left.wait()
        await task

    assert (house.completed.outcome, house.completed.status) == (Outcome.CLIENT_LEFT, 499)


async def test_the_models_name_is_left_alone_when_none_was_asked_for() -> None:
    answered = await House(Upstream()).post({"input": "x"})

    assert json.loads(answered.body)["model"] == "real-model"
