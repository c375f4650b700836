"""Our own adapters, and the fake that other tests trust, keep the promises that authors are held to."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

import httpx
import pytest

from adapters.outbound.anthropic import anthropic
from adapters.outbound.contract.promises import PROMISES, judge
from adapters.outbound.contract.stage import Scene, Setting, Stage
from adapters.outbound.contract.trial import Trial
from adapters.outbound.contract.verdicts import Kept, Promise, Unasked
from adapters.outbound.kit import ProviderFactory
from adapters.outbound.ollama import ollama
from adapters.outbound.openai_compatible import openai_compatible
from domain.conversation.reply import (
    Batch,
    Finished,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.failures import FailureKind, UpstreamFailure
from domain.routing.targets import ProviderSpec
from infrastructure.http_clients import HttpClients
from tests.adapters.dialects.ollama_chat import lines
from tests.fakes.scripted_provider import Act, ScriptedProvider, Silence
from tests.upstream.behaviours import Answer, Behaviour
from tests.upstream.scripted_upstream import ScriptedUpstream, served_in_thread

SPEC = ProviderSpec(name="p", adapter="", model="m")
OWN_OPTIONS = "refuses-unknown-options"
"""A kind of ours takes no options at all: the configuration refuses them before it is built."""

SAID: dict[Scene, Behaviour] = {
    Scene.ANSWERS: Answer.text("hello wörld"),
    Scene.CALLS_TOOL: Answer.tool_call("look_up", {"place": "Rome"}),
}
CALL = {"tool_calls": [lines.call("look_up", {"place": "Rome"})]}
DONE = {"done": True, "done_reason": "stop", **lines.COUNTS}
OLLAMA_SAID = {
    Scene.ANSWERS: (
        lines.line({"content": "hello "}) + lines.line({"content": "wörld"}) + lines.end(),
        lines.line({"content": "hello wörld"}, **DONE),
    ),
    Scene.CALLS_TOOL: (lines.line(CALL) + lines.end(), lines.line(CALL, **DONE)),
}
"""In each scene a stream, and an answer as a whole."""
USAGE = UsageReported(Usage(input_tokens=19, output_tokens=7))
SCRIPTS: dict[Scene, tuple[Act, ...]] = {
    Scene.ANSWERS: (Batch((TextDelta("hello"),)), Batch((TextDelta(" world"), USAGE, Finished("end_turn")))),
    Scene.CALLS_TOOL: (
        Batch((ToolCallStarted(0, "c1", "look_up"), ToolCallDelta(0, '{"place": "Rome"}'))),
        Batch((Finished("tool_calls"),)),
    ),
    Scene.REFUSES: (UpstreamFailure(FailureKind.OVERLOADED, "busy", status=503),),
    Scene.BREAKS_OFF: (Batch((TextDelta("hello"),)), UpstreamFailure(FailureKind.BROKEN_OFF, "cut")),
    Scene.FALLS_SILENT: (Batch((TextDelta("hello"),)), Silence()),
}
Subject: TypeAlias = tuple[ProviderFactory, Stage]


def over_loopback(factory: ProviderFactory, base: Callable[[ScriptedUpstream], str]) -> Iterator[Subject]:
    with served_in_thread(ScriptedUpstream()) as upstream:

        def stage(scene: Scene) -> Setting | None:
            if scene not in SAID:
                return None
            upstream.plays(SAID[scene])
            return Setting(spec=replace(SPEC, base_url=base(upstream)))

        yield factory, stage


def openai() -> Iterator[Subject]:
    yield from over_loopback(openai_compatible, lambda upstream: upstream.openai_base_url)


def anthropics() -> Iterator[Subject]:
    yield from over_loopback(anthropic, lambda upstream: upstream.origin)


def ollamas() -> Iterator[Subject]:
    def stage(scene: Scene) -> Setting | None:
        if scene not in OLLAMA_SAID:
            return None
        transport = httpx.MockTransport(lambda request: ollama_answer(request, *OLLAMA_SAID[scene]))
        return Setting(spec=replace(SPEC, base_url="http://box:11434"), transport=transport)

    yield ollama, stage


def ollama_answer(request: httpx.Request, streamed: bytes, body: bytes) -> httpx.Response:
    if b'"stream":true' in request.content:
        return httpx.Response(200, headers={"content-type": "application/x-ndjson"}, content=streamed)
    return httpx.Response(200, headers={"content-type": "application/json"}, content=body)


def fakes() -> Iterator[Subject]:
    playing = [Scene.ANSWERS]

    def stage(scene: Scene) -> Setting | None:
        playing[0] = scene
        return Setting(spec=SPEC)

    yield (lambda spec, kit: ScriptedProvider(SCRIPTS[playing[0]])), stage


SUBJECTS = MappingProxyType(
    {"openai_compat": openai, "anthropic": anthropics, "ollama": ollamas, "the fake": fakes}
)
"""Each adapter on a stage of its own."""

NO_TRANSPORT = {"reads-any-pieces", "fails-when-nobody-is-there", "asks-once", "takes-nonsense-for-failure"}
UNASKED = {
    "openai_compat": {"counts-tokens"},
    "anthropic": {"embeds"},
    "ollama": {"embeds", "counts-tokens"},
    "the fake": {"embeds", "counts-tokens", "can-be-probed", *NO_TRANSPORT},
}
"""What each cannot be asked: methods that it lacks, and what the fake is too simple for."""
JUDGED = [promise for promise in PROMISES if promise.name != OWN_OPTIONS]


@asynccontextmanager
async def network() -> AsyncIterator[httpx.AsyncBaseTransport]:
    """The transport that the gateway itself uses."""
    async with HttpClients() as clients:
        yield clients.transport


@pytest.fixture(params=SUBJECTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def trial(name: str) -> Iterator[Trial]:
    with contextmanager(SUBJECTS[name])() as (factory, stage):
        yield Trial(build=factory, stage=stage, network=network)


@pytest.mark.parametrize("promise", JUDGED, ids=lambda promise: promise.name)
async def test_a_promise_is_kept(promise: Promise, name: str, trial: Trial) -> None:
    verdict = await judge(promise, trial)

    if promise.name in UNASKED[name]:
        assert isinstance(verdict, Unasked)
    else:
        assert verdict == Kept()
