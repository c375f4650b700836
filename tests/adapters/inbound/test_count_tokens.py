"""Token counts over HTTP: at once, from everything the request says, and from upstream only when asked."""

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar, asgi
from litestar.types import ASGIApp

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.inbound.http.conversation import InboundLimits
from adapters.inbound.http.count_tokens import CountTokensRoute
from adapters.inbound.http.routes import COUNT_TOKENS, Envelopes, ErrorResponses
from adapters.outbound.anthropic import anthropic
from adapters.outbound.kit import ProviderKit
from app.use_cases.count_tokens import CountTokens
from app.use_cases.plan import Planner
from domain.events import AttemptStarted
from domain.inventory.tokens import CountTokensServed
from domain.ports.providers import ChatProvider, ProviderCall
from domain.routing.targets import Profile, ProviderSpec, RoutingTable, Target
from infrastructure.model_server.absent import AbsentModelServer
from infrastructure.model_server.weights import ModelMissing
from infrastructure.tokens import TokenEstimator
from tests.adapters.dialects.recorded import Recording, recordings
from tests.adapters.inbound.gateway import Answered, Client
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory, ScriptedProvider

TEXTS = Path(__file__).parents[2] / "infrastructure" / "token_texts"
HELLO: dict[str, Any] = {"model": "claude", "messages": [{"role": "user", "content": "Hello there!"}]}
WEATHER = {
    "name": "get_weather",
    "description": "Get the current weather in a given location",
    "input_schema": {
        "type": "object",
        "properties": {
            "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
        },
        "required": ["location"],
    },
}


class House:
    """The route before one provider: a real one over a scripted transport, or one that knows no counting."""

    def __init__(self, provider: ChatProvider | None = None) -> None:
        self.sink = RecordingSink()
        self.scripted = ScriptedProvider(())
        clock = FixedClock()
        target = Target("only", "claude-sonnet-4-6")
        table = RoutingTable(
            providers={"only": ProviderSpec(name="only", adapter="scripted", model=target.model)},
            profiles={"default": Profile(name="default", targets=(target,))},
            default_profile="default",
        )
        directory = ScriptedDirectory({"only": provider or self.scripted})
        counter = TokenEstimator()
        planner = Planner(table, directory, self.sink, clock, counter)
        use_case = CountTokens(counter, planner, directory, self.sink, clock)
        route = CountTokensRoute(
            count_tokens=use_case, sink=self.sink, ids=lambda: "id-1", limits=InboundLimits()
        )
        envelopes = Envelopes(openai=OPENAI_CHAT, anthropic=ANTHROPIC_MESSAGES)
        self.app = cast(
            "ASGIApp",
            Litestar(
                [asgi(COUNT_TOKENS, copy_scope=False)(route.serve)],
                exception_handlers=ErrorResponses(envelopes, self.sink, lambda: "id-1").handlers(),
                openapi_config=None,
                logging_config=None,
            ),
        )

    async def post(
        self, body: object, headers: Mapping[str, str] | None = None, query: str = "", method: str = "POST"
    ) -> Answered:
        return await Client(self.app, COUNT_TOKENS + query, body, headers=headers, method=method).run()

    async def count(self, body: object) -> int:
        answered = await self.post(body)
        assert answered.status == 200, answered.body
        return int(answered.json["input_tokens"])


class Upstream(httpx.AsyncBaseTransport):
    """Answers every request alike and keeps what it was asked."""

    def __init__(self, status: int, body: object) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = (status, json.dumps(body).encode())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self._answer[0], content=self._answer[1])

    def provider(self) -> ChatProvider:
        spec = ProviderSpec(name="only", adapter="anthropic", base_url="https://api.example.org/v1")
        kit = ProviderKit(
            transport=self,
            clock=FixedClock(),
            secret="sk-test",
            model_server=AbsentModelServer(ModelMissing(("nothing",))),
            user_agent="test",
        )
        return anthropic(spec, kit)


async def test_a_count_is_one_number_and_needs_no_output_limit() -> None:
    answered = await House().post(HELLO, query="?beta=true")

    assert answered.status == 200
    assert answered.headers["content-type"] == "application/json"
    assert answered.headers["x-request-id"] == "id-1"
    assert list(answered.json) == ["input_tokens"]
    assert 5 <= answered.json["input_tokens"] <= 15


async def test_system_tools_and_images_count() -> None:
    house = House()
    bare = await house.count(HELLO)
    picture = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}

    assert await house.count({**HELLO, "system": "You are a careful assistant."}) > bare + 4
    assert await house.count({**HELLO, "messages": [{"role": "user", "content": [picture]}]}) > 1000
    assert await house.count({**HELLO, "tools": [WEATHER]}) > bare + 300


async def test_counts_are_near_the_examples_in_the_vendors_manual() -> None:
    """docs.anthropic.com/en/docs/build-with-claude/token-counting"""
    house = House()
    scientist = {
        "model": "claude-opus",
        "system": "You are a scientist",
        "messages": [{"role": "user", "content": "Hello, Claude"}],
    }
    weather = {
        "model": "claude-opus",
        "tools": [WEATHER],
        "messages": [{"role": "user", "content": "What's the weather like in San Francisco?"}],
    }

    assert await house.count(scientist) == pytest.approx(14, abs=6)
    assert await house.count(weather) == pytest.approx(403, rel=0.15)


@pytest.mark.parametrize("recording", recordings("count.json"), ids=str)
async def test_whatever_claude_code_wants_counted_is_counted(recording: Recording) -> None:
    """For its /context command it asks some 25 of these at once."""
    answered = await House().post(json.loads(recording.data), query="?beta=true")

    assert answered.status == 200
    assert len(recording.data) / 15 < answered.json["input_tokens"] < len(recording.data) / 2 + 400


async def test_no_upstream_is_asked_and_the_count_is_told_as_an_event() -> None:
    house = House()

    answered = await house.post(HELLO)

    (served,) = house.sink.of(CountTokensServed)
    assert (served.request_id, served.model, served.exact) == ("id-1", "claude", False)
    assert served.input_tokens == answered.json["input_tokens"]
    assert house.scripted.calls == []
    assert house.sink.of(AttemptStarted) == []


async def test_a_count_of_an_agents_request_takes_milliseconds() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(TEXTS.glob("*.txt"))) * 7
    body = json.dumps({**HELLO, "system": text, "tools": [WEATHER] * 12}).encode()
    house = House()
    began_at = time.process_time()

    await house.post(body)

    assert len(body) > 100_000
    assert time.process_time() - began_at < 0.25


@pytest.mark.parametrize(("headers", "query"), [({"x-coderouter-exact": "true"}, ""), ({}, "?exact=true")])
async def test_an_exact_count_comes_from_the_upstream(headers: dict[str, str], query: str) -> None:
    upstream = Upstream(200, {"input_tokens": 4711})
    house = House(upstream.provider())

    answered = await house.post({**HELLO, "max_tokens": 5, "profile": "default"}, headers, query)

    (request,) = upstream.requests
    assert answered.json == {"input_tokens": 4711}
    told = ("provider", "model", "profile", "rule")
    assert [answered.headers[f"x-coderouter-{name}"] for name in told] == [
        "only",
        "claude-sonnet-4-6",
        "default",
        "body-profile",
    ]
    assert str(request.url) == "https://api.example.org/v1/messages/count_tokens"
    assert request.headers["x-api-key"] == "sk-test"
    assert json.loads(request.content) == {**HELLO, "model": "claude-sonnet-4-6"}
    assert house.sink.of(CountTokensServed)[0].exact


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, {"error": {"message": "no such path"}}), (200, {"tokens": 1}), (529, {}), (200, "nonsense")],
)
async def test_our_own_count_stands_in_for_an_upstream_that_cannot_say(status: int, body: object) -> None:
    house = House(Upstream(status, body).provider())

    exact = await house.post(HELLO, {"x-coderouter-exact": "true"})

    assert exact.json["input_tokens"] == await house.count(HELLO)
    assert not house.sink.of(CountTokensServed)[0].exact


class OddCounter(ScriptedProvider):
    """An adapter of somebody else's; what it counts is no number, or it fails in a way of its own."""

    def __init__(self, outcome: object) -> None:
        super().__init__(())
        self._outcome = outcome

    async def count_tokens(self, call: ProviderCall) -> int:
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return cast("int", self._outcome)


@pytest.mark.parametrize(
    "outcome",
    [KeyError("usage"), httpx.ReadError("reset"), SystemExit(3), asyncio.CancelledError(), None, "7", -1],
    ids=repr,
)
async def test_our_own_count_stands_in_for_an_adapter_that_fails_at_it(outcome: object) -> None:
    house = House(OddCounter(outcome))

    exact = await house.post(HELLO, {"x-coderouter-exact": "true"})

    assert exact.json["input_tokens"] == await house.count(HELLO)
    assert "x-coderouter-provider" not in exact.headers


async def test_a_provider_that_does_not_count_is_not_asked() -> None:
    house = House()

    exact = await house.post(HELLO, {"x-coderouter-exact": "true"})

    assert exact.json["input_tokens"] == await house.count(HELLO)
    assert house.scripted.calls == []


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "JSON"),
        ({"model": "claude"}, 400, "messages"),
        ({**HELLO, "messages": [{"role": "user", "content": [{"type": "text"}]}]}, 400, "text"),
        ({**HELLO, "profile": 3}, 400, "profile"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(body: object, status: int, words: str) -> None:
    answered = await House().post(body)

    assert answered.status == status
    assert answered.json["type"] == "error"
    assert words in answered.json["error"]["message"]


async def test_only_post_is_answered() -> None:
    answered = await House().post(b"", method="GET")

    assert answered.status == 405


@pytest.mark.parametrize("exact", ["true", "false"])
async def test_an_unknown_profile_is_a_bad_request_whoever_counts(exact: str) -> None:
    answered = await House().post({**HELLO, "profile": "nowhere"}, {"x-coderouter-exact": exact})

    assert answered.status == 400
    assert "nowhere" in answered.json["error"]["message"]
