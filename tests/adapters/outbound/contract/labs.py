"""An adapter that keeps every promise, and the stage it is tried on."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from adapters.outbound.answers import answer_to
from adapters.outbound.contract.stage import Scene, Setting
from adapters.outbound.kit import ProviderKit
from adapters.outbound.options import options_as
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyStarted,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
)
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import EmbeddingCall, Embeddings, Probed, ProviderCall
from domain.routing.targets import ProviderSpec

COUNTS = {"read": 19, "wrote": 7}
SAID: dict[Scene, list[dict[str, Any]]] = {
    Scene.ANSWERS: [{"say": "hello "}, {"say": "world"}, COUNTS],
    Scene.CALLS_TOOL: [{"call": "look_up", "with": {"place": "Rome"}}, COUNTS],
}
"""What the lab's model server says, a line of JSON each; the counts come last."""


@dataclass(frozen=True)
class LabOptions:
    """What may be configured."""

    room: str = "7"


class Lab:
    """Asks a server for lines of JSON and tells them."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        self._options = options_as(LabOptions, spec)
        self._url = spec.base_url
        self._kit = kit

    def __repr__(self) -> str:
        return f"<Lab in room {self._options.room}>"

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        async with answer_to(self.request(call), call, self._kit) as response:
            yield Batch((ReplyStarted(model="lab-7"),))
            async for events in self.read(response):
                yield events

    def request(self, call: ProviderCall) -> httpx.Request:
        turns = [str(message.role) for message in call.conversation.messages]
        return httpx.Request("POST", self._url, json={"turns": turns, "tools": call.request.declares_tools})

    async def read(self, response: httpx.Response) -> AsyncIterator[Batch]:
        called = False
        async for line in response.aiter_lines():
            match _parsed(line):
                case {"say": str(text)}:
                    yield Batch((TextDelta(text),))
                case {"call": str(name), "with": dict(arguments)}:
                    called = True
                    yield Batch((ToolCallStarted(0, "c1", name), ToolCallDelta(0, json.dumps(arguments))))
                case {"read": int(read), "wrote": int(wrote)}:
                    usage = UsageReported(Usage(input_tokens=read, output_tokens=wrote))
                    yield Batch((usage, Finished("tool_calls" if called else "end_turn")))
                    return
                case _:
                    raise UpstreamFailure(FailureKind.GARBLED, "the lab says what nobody understands")
        raise UpstreamFailure(FailureKind.BROKEN_OFF, "the lab said no counts")

    async def embed(self, call: EmbeddingCall) -> Embeddings:
        return Embeddings(body=b'{"data": []}', model="lab-7", usage=None)

    async def count_tokens(self, call: ProviderCall) -> int:
        return 19

    async def probe(self) -> Probed:
        return Probed(windows={"lab-7": 8192})


def stage(scene: Scene) -> Setting | None:
    if scene not in SAID:
        return None
    lines = "".join(json.dumps(said) + "\n" for said in SAID[scene])
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=lines))
    spec = ProviderSpec(name="lab", adapter="lab:Lab", base_url="http://lab.test/ask")
    return Setting(spec=spec, transport=transport, secret="sk-lab")


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
