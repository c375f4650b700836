"""What is promised of an answer."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from copy import deepcopy

from adapters.outbound.contract.observed_transport import in_crumbs
from adapters.outbound.contract.questions import (
    TOOL,
    long_history,
    question,
    question_of_anthropics_client,
    question_with_tool,
)
from adapters.outbound.contract.stage import Scene
from adapters.outbound.contract.trial import BrokenPromise, Heard, NotAsked, Opened, Trial, in_words
from adapters.outbound.contract.verdicts import Promise
from domain.conversation.fold import fold
from domain.conversation.parts import Text, ToolCall
from domain.conversation.reply import Batch, Completion, StopReason
from domain.failures import FailureKind, UpstreamFailure
from domain.ports.providers import ProviderCall

_AT_ONCE = 3
"""How many conversations are had at the same time."""


async def _streams_in_order(trial: Trial) -> None:
    await _told_to_its_end(trial, stream=True)


async def _answers_whole(trial: Trial) -> None:
    await _told_to_its_end(trial, stream=False)


async def _told_to_its_end(trial: Trial, *, stream: bool) -> None:
    async with trial.opened() as opened:
        heard = await opened.heard(question(opened.setting, stream=stream))
    heard.whole()
    if not heard.text.strip():
        raise BrokenPromise("the answer has no text: no TextDelta with words came")


async def _tells_usage(trial: Trial) -> None:
    for stream in (True, False):
        async with trial.opened() as opened:
            heard = await opened.heard(question(opened.setting, stream=stream))
        usage = fold(heard.whole()).usage
        if usage is None:
            raise BrokenPromise(f"no UsageReported came with an answer that was {_manner(stream=stream)}")
        if usage.input_tokens is None or usage.output_tokens is None:
            raise BrokenPromise(f"the usage lacks input_tokens or output_tokens: {usage}")


async def _tells_the_same_whole(trial: Trial) -> None:
    async with trial.opened() as opened:
        _require_repeatable(opened)
        streamed = await opened.heard(question(opened.setting, stream=True))
        whole = await opened.heard(question(opened.setting, stream=False))
    _require_same(fold(streamed.whole()), fold(whole.whole()), ("streamed", "whole"))


async def _calls_tools(trial: Trial) -> None:
    for stream in (True, False):
        async with trial.opened(Scene.CALLS_TOOL) as opened:
            heard = await opened.heard(question_with_tool(opened.setting, stream=stream))
        _require_call(fold(heard.whole()), heard, _manner(stream=stream))


def _require_call(completion: Completion, heard: Heard, manner: str) -> None:
    calls = _calls(completion)
    if not calls:
        raise BrokenPromise(f"no tool call came with an answer that was {manner}, only {heard.text!r}")
    for call in calls:
        if call.name != TOOL:
            raise BrokenPromise(f"the call is of the tool {call.name!r}; only {TOOL!r} was offered")
        if not _is_object(call.arguments):
            raise BrokenPromise(f"the arguments are not the text of a JSON object: {call.arguments!r}")
    if heard.finish and heard.finish.reason != StopReason.TOOL_CALLS:
        raise BrokenPromise(f'it finished with "{heard.finish.reason}" instead of "{StopReason.TOOL_CALLS}"')


async def _answers_every_client(trial: Trial) -> None:
    async with trial.opened() as opened:
        ours = await opened.heard(question(opened.setting))
        theirs = await opened.heard(question_of_anthropics_client(opened.setting))
        theirs.whole()
        if opened.setting.repeatable:
            clients = ("for an OpenAI client", "for an Anthropic client")
            _require_same(fold(ours.whole()), fold(theirs.whole()), clients)


async def _reads_long_histories(trial: Trial) -> None:
    async with trial.opened() as opened:
        heard = await opened.heard(long_history(opened.setting))
    if isinstance(heard.failure, UpstreamFailure) and heard.failure.kind is FailureKind.ADAPTER_FAULT:
        raise BrokenPromise(f"it failed by itself: {in_words(heard.failure)}")
    if heard.failure is None:
        heard.whole()


async def _leaves_requests_alone(trial: Trial) -> None:
    async with trial.opened() as opened:
        call = long_history(opened.setting)
        before = deepcopy(call.request.conversation)
        await opened.heard(call)
        if call.request.conversation != before:
            raise BrokenPromise("the conversation was another after the answer than before it")


async def _reads_any_pieces(trial: Trial) -> None:
    for stream in (True, False):
        async with trial.opened() as opened:
            _require_repeatable(opened)
            entire = await opened.heard(question(opened.setting, stream=stream))
        async with trial.opened(Scene.ANSWERS, in_crumbs) as opened:
            crumbled = await opened.heard(question(opened.setting, stream=stream))
            opened.require_use_of_transport()
        _require_same(fold(entire.whole()), fold(crumbled.whole()), ("in large pieces", "in small ones"))


async def _keeps_conversations_apart(trial: Trial) -> None:
    async with trial.opened(Scene.ANSWERS, in_crumbs) as opened:
        alone = fold((await opened.heard(question(opened.setting))).whole())
        for completion in await _at_once(opened):
            if opened.setting.repeatable:
                _require_same(alone, completion, ("told alone", "told beside others"))


async def _at_once(opened: Opened) -> list[Completion]:
    """Conversations that take turns, a batch each."""
    async with _turns() as turns:
        calls = [question(opened.setting) for _ in range(_AT_ONCE)]
        listening = [turns.create_task(_in_turns(opened, call)) for call in calls]
    return [fold(task.result().whole()) for task in listening]


@asynccontextmanager
async def _turns() -> AsyncIterator[asyncio.TaskGroup]:
    """What was not kept in one conversation is told by itself, not as one of a group."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as several:
        raise several.exceptions[0] from several


async def _in_turns(opened: Opened, call: ProviderCall) -> Heard:
    return await Opened(_Patient(opened), opened.transport, opened.setting).heard(call)


class _Patient:
    """A provider that lets others have their turn between two batches of its own."""

    def __init__(self, opened: Opened) -> None:
        self._provider = opened.provider

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        async with aclosing(self._provider.converse(call)) as batches:
            async for batch in batches:
                yield batch
                await asyncio.sleep(0.001)


def _require_repeatable(opened: Opened) -> None:
    if not opened.setting.repeatable:
        raise NotAsked("this upstream does not say the same thing twice")


def _require_same(one: Completion, other: Completion, manners: Sequence[str]) -> None:
    for what, first, second in zip(("text", "tool calls", "end"), _said(one), _said(other), strict=True):
        if first != second:
            raise BrokenPromise(f"{manners[0]} the {what} is {first!r}, {manners[1]} it is {second!r}")


def _said(completion: Completion) -> tuple[object, ...]:
    parts = [part for choice in completion.choices for part in choice.parts]
    text = "".join(part.text for part in parts if isinstance(part, Text))
    calls = [(call.name, _parsed(call.arguments)) for call in _calls(completion)]
    return text, calls, [choice.finish and choice.finish.reason for choice in completion.choices]


def _calls(completion: Completion) -> list[ToolCall]:
    return [part for choice in completion.choices for part in choice.parts if isinstance(part, ToolCall)]


def _is_object(text: str) -> bool:
    return isinstance(_parsed(text), dict)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _manner(*, stream: bool) -> str:
    return "streamed" if stream else "asked for as a whole"


OF_ANSWERS = (
    Promise(
        "streams-in-order",
        "A streamed answer is told by sound events in a legal order, has text, and ends with Finished.",
        _streams_in_order,
    ),
    Promise(
        "answers-whole",
        "So is an answer that the client wants as a whole (`call.stream` is False).",
        _answers_whole,
    ),
    Promise(
        "tells-usage",
        "By its end an answer has told how many tokens were read and written: money is counted by that.",
        _tells_usage,
    ),
    Promise(
        "tells-the-same-whole", "Streamed and as a whole, an answer says the same.", _tells_the_same_whole
    ),
    Promise(
        "calls-tools",
        "A call of a tool is told with the tool's name and the JSON text of its arguments.",
        _calls_tools,
    ),
    Promise(
        "answers-every-client",
        "Whatever language the client speaks, the answer is the same.",
        _answers_every_client,
    ),
    Promise(
        "reads-long-histories",
        "A conversation with instructions, pictures, tool calls and their results is answered, or refused in"
        " so many words (`MalformedRequest`, `UpstreamFailure`).",
        _reads_long_histories,
    ),
    Promise(
        "leaves-requests-alone",
        "It changes nothing in the request, which others may be asked after it.",
        _leaves_requests_alone,
    ),
    Promise(
        "reads-any-pieces",
        "In whatever pieces the bytes of an answer arrive, it says the same.",
        _reads_any_pieces,
    ),
    Promise(
        "keeps-conversations-apart",
        "Conversations at the same time do not mix.",
        _keeps_conversations_apart,
    ),
)
"""The promises of good days."""
