"""
The adapter.

A lab server takes a question as JSON and answers with lines of JSON: ``{"say": …}`` for words,
``{"call": …}`` for the call of a tool, and at last ``{"end": …}`` with what it counted.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx

from adapters.outbound.authoring import (
    Batch,
    FailureKind,
    Finished,
    ForeignTool,
    Message,
    Part,
    ProviderCall,
    ProviderKit,
    ProviderSpec,
    Refusal,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    Text,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolResult,
    UpstreamFailure,
    Usage,
    UsageReported,
    answer_to,
    options_as,
)

ENDS = {"said": StopReason.END_TURN, "full": StopReason.MAX_TOKENS, "calls": StopReason.TOOL_CALLS}
"""How a lab server says why it stopped, and how CodeRouter does."""


@dataclass(frozen=True)
class LabOptions:
    """
    The ``options`` of a provider in ``providers.yaml``; whatever does not fit is refused with its line.

    Attributes:
        room: whose server answers.
    """

    room: str


class LabModel:
    """One lab server. It is built once, at the start of the gateway, and asks nobody until it is asked."""

    def __init__(self, spec: ProviderSpec, kit: ProviderKit) -> None:
        self._options = options_as(LabOptions, spec)
        self._url = f"{spec.base_url.rstrip('/')}/ask"
        self._kit = kit

    def __repr__(self) -> str:
        return f"<LabModel in the {self._options.room} room>"

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        """Yields the answer as it arrives; the block closes the connection, however it is left."""
        async with answer_to(self._request(call), call, self._kit) as response:
            yield Batch((ReplyStarted(model=call.model),))
            async for batch in _batches(response):
                yield batch

    def _request(self, call: ProviderCall) -> httpx.Request:
        """The conversation in the lab's words, with whatever the configuration adds to it."""
        told = call.conversation
        question = {
            "model": call.model,
            "room": self._options.room,
            "turns": [turn for message in told.messages for turn in _turns(message)],
            "tools": [_tool(tool) for tool in told.tools],
            "most": told.sampling.max_output_tokens,
        }
        headers = {"authorization": f"Bearer {self._kit.secret}", "user-agent": self._kit.user_agent}
        return httpx.Request("POST", self._url, json=question, headers=headers)


def _turns(message: Message) -> Iterator[dict[str, Any]]:
    for part in message.parts:
        match part:
            case Text() | Refusal():
                yield {"who": message.role, "says": part.text}
            case ToolCall():
                yield {"who": message.role, "calls": part.name, "id": part.id, "with": part.arguments}
            case ToolResult():
                yield {"who": "tool", "of": part.call_id, "says": _words(part.content)}
            case Thinking():
                pass  # nobody in the lab needs to be told what they thought
            case _:
                _unreadable(part)


def _words(content: tuple[Part, ...]) -> str:
    return "".join(part.text if isinstance(part, Text) else _unreadable(part) for part in content)


def _tool(tool: Tool | ForeignTool) -> dict[str, Any]:
    if isinstance(tool, ForeignTool):
        raise _cannot_read("a tool that another vendor runs")
    return {"name": tool.name, "takes": dict(tool.parameters or {})}


def _unreadable(part: Part) -> NoReturn:
    raise _cannot_read(f"a part of the kind {type(part).__name__}")


def _cannot_read(what: str) -> UpstreamFailure:
    """Nothing is wrong with the request or the server: somebody else may be able to."""
    return UpstreamFailure(FailureKind.NOT_OFFERED, f"the lab reads words alone, not {what}")


async def _batches(response: httpx.Response) -> AsyncIterator[Batch]:
    calls = 0
    async for line in response.aiter_lines():
        match _parsed(line):
            case {"say": str(text)}:
                yield Batch((TextDelta(text),))
            case {"call": str(name), "with": dict(arguments)}:
                started = ToolCallStarted(calls, f"call_{calls}", name)
                yield Batch((started, ToolCallDelta(calls, json.dumps(arguments))))
                calls += 1
            case {"end": str(reason), "read": int(read), "wrote": int(wrote)}:
                yield Batch(_end(reason, read, wrote))
                return
            case {"trouble": str(words)}:
                raise UpstreamFailure(FailureKind.OVERLOADED, words)
            case _:
                raise UpstreamFailure(FailureKind.GARBLED, "a line of the answer says nothing that is known")
    raise UpstreamFailure(FailureKind.BROKEN_OFF, "the answer stopped short of its end")


def _end(reason: str, read: int, wrote: int) -> tuple[ReplyEvent, ...]:
    usage = Usage(input_tokens=read, output_tokens=wrote)
    return (UsageReported(usage), Finished(ENDS.get(reason, reason)))


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
