"""What passes between a client and a target: cleaned text, reasoning where there is a place for it."""

from collections.abc import Iterable
from typing import Any

import pytest

from app.use_cases.reply import Reply
from domain.conversation.built import Built
from domain.conversation.parts import ForeignPart, Text, Thinking, ToolCall, ToolResult
from domain.conversation.reply import Batch, Finished, StopReason, TextDelta, ThinkingDelta, Wire
from domain.conversation.request import (
    AnswerSchema,
    Conversation,
    ForeignTool,
    Message,
    Role,
    Sampling,
    Tool,
    ToolChoice,
    ToolUse,
)
from domain.events import AttemptFailed, AttemptStarted, Outcome
from domain.failures import FailureKind, UpstreamFailure
from domain.inventory.shaping import (
    CapabilityDegraded,
    OutputFilterApplied,
    ToolCallsRepaired,
    ToolTurnsRepaired,
)
from domain.routing.shaping import Omission
from domain.routing.targets import Capabilities, Freedom
from domain.routing.tooling import ToolManners, ToolNames, ToolSchemas
from domain.routing.verdict import ChainFailed
from domain.tokens.request import request_tokens
from tests.app.use_cases.conversing import END, HELLO, ROLE, House, house
from tests.fakes.plain_counter import PlainCounter
from tests.fakes.scripted_provider import Act, ScriptedProvider

THOUGHT = Batch((ThinkingDelta("hm"),), Wire("openai_chat", b"thought"))
COMPATIBLE = {"adapter": "openai_compat"}


def gateway(script: Iterable[Act], **spec: Any) -> House:
    return house(only=ScriptedProvider(script), specs={"only": spec})


async def parts_of(reply: Reply) -> tuple[object, ...]:
    completion = await reply.whole()
    await reply.aclose()
    return completion.choices[0].parts


async def test_filters_clean_the_answer_and_are_told_of_once() -> None:
    leaks = (Batch((TextDelta("<think>hm</th"),)), Batch((TextDelta("ink>yes<|im_end|>"),)), END)
    given = gateway(leaks, output_filters=("strip_thinking", "strip_stop_markers"))

    assert await parts_of(await given.ask()) == (Text(text="yes"),)
    assert given.sink.of(OutputFilterApplied) == [
        OutputFilterApplied(
            request_id="r-1",
            provider="only",
            filters=("strip_thinking", "strip_stop_markers"),
            streaming=True,
        )
    ]


async def test_filters_that_found_nothing_are_not_told_of() -> None:
    given = gateway((ROLE, HELLO, END), output_filters=("strip_thinking",))

    assert await parts_of(await given.ask()) == (Text(text="Hello"),)
    assert given.sink.of(OutputFilterApplied) == []


async def test_a_client_that_leaves_does_not_hide_what_was_filtered() -> None:
    given = gateway((Batch((TextDelta("a<|end|>"),)), END), output_filters=("strip_stop_markers",))
    reply = await given.ask()
    await anext(reply)
    await reply.aclose()

    assert reply.outcome is Outcome.CLIENT_LEFT
    assert [event.filters for event in given.sink.of(OutputFilterApplied)] == [("strip_stop_markers",)]


async def test_nothing_is_said_to_the_client_where_nothing_is_left_to_say() -> None:
    hidden = (
        ROLE,
        Batch((TextDelta("<think>a"),)),
        Batch((TextDelta("b"),)),
        Batch((TextDelta("</think>c"),)),
    )
    given = gateway((*hidden, END), output_filters=("strip_thinking",))
    reply = await given.ask()

    assert [batch.events async for batch in reply] == [ROLE.events, (TextDelta("c"),), END.events]
    await reply.aclose()


async def test_words_held_back_from_a_choice_that_never_finished_are_still_said() -> None:
    two = Batch((TextDelta("a"), TextDelta("b <", 1), Finished(StopReason.END_TURN)))
    given = gateway((two,), output_filters=("strip_stop_markers",))
    reply = await given.ask()

    assert [batch.events async for batch in reply][-1] == (TextDelta("<", 1),)
    await reply.aclose()


async def test_an_unchanged_answer_keeps_its_bytes() -> None:
    plain = Batch((TextDelta("Hello"),), Wire("openai_chat", b"Hello"))
    given = gateway((plain, END), **COMPATIBLE, output_filters=("strip_thinking",))
    reply = await given.ask()

    assert [batch async for batch in reply] == [plain, END]
    await reply.aclose()


async def test_bytes_that_open_blocks_do_not_outrun_a_filter() -> None:
    plain = Batch((TextDelta("Hello"),), Wire("anthropic_messages", b"Hello"))
    given = gateway((plain, END), adapter="anthropic", output_filters=("strip_thinking",))
    reply = await given.ask()

    assert [batch.wire async for batch in reply] == [None, None]
    await reply.aclose()


@pytest.mark.parametrize(
    ("dialect", "capabilities", "shown"),
    [
        ("openai_chat", Capabilities(), False),
        ("openai_chat", Capabilities(thinking=True), False),
        ("openai_chat", Capabilities(reasoning_passthrough=True), True),
        ("anthropic_messages", Capabilities(), False),
        ("anthropic_messages", Capabilities(thinking=True), True),
        ("anthropic_messages", Capabilities(thinking=True, reasoning_passthrough=False), False),
        ("anthropic_messages", Capabilities(reasoning_passthrough=True), True),
        ("openai_responses", Capabilities(thinking=True), True),
        ("openai_responses", Capabilities(), False),
    ],
)
async def test_reasoning_of_a_compatible_provider_is_shown_where_it_is_expected(
    dialect: str, capabilities: Capabilities, shown: bool
) -> None:
    given = gateway((ROLE, THOUGHT, THOUGHT, HELLO, END), **COMPATIBLE, capabilities=capabilities)

    parts = await parts_of(await given.ask(dialect=dialect))

    assert parts == ((Thinking(text="hmhm"), Text(text="Hello")) if shown else (Text(text="Hello"),))
    lost = [(event.provider, event.dropped, event.reason) for event in given.sink.of(CapabilityDegraded)]
    dropped = ("only", ("reasoning", "reasoning_content"), "non-standard-field")
    assert lost == ([] if shown else [dropped])


@pytest.mark.parametrize("adapter", ["anthropic", "acme.gateway:LabModel"])
async def test_thinking_of_other_providers_is_meant_to_be_shown(adapter: str) -> None:
    given = gateway((ROLE, THOUGHT, HELLO, END), adapter=adapter)

    assert await parts_of(await given.ask()) == (Thinking(text="hm"), Text(text="Hello"))


def with_tools(**more: Any) -> Built:
    user = Message(role=Role.USER, parts=(Text(text="a"),))
    return Built(Conversation(messages=(user,), tools=(Tool(name="read"),), **more))


MUSED = '<tool_call>{"name": "read", "arguments": {}}</tool_call>'
WRITTEN_CALL = Batch((TextDelta(f'<think>{MUSED}</think><tool_call>{{"name": "read", '),))
ITS_END = Batch((TextDelta('"arguments": {"path": "a"}}</tool_call><|im_end|>'),))
FILTERS = ("strip_stop_markers", "strip_thinking")


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages", "openai_responses"])
@pytest.mark.parametrize("filters", [FILTERS, FILTERS[::-1]])
async def test_a_call_that_a_model_wrote_as_text_becomes_a_call(
    dialect: str, filters: tuple[str, ...]
) -> None:
    given = gateway((ROLE, WRITTEN_CALL, ITS_END, END), **COMPATIBLE, output_filters=filters)

    (call,) = await parts_of(await given.ask(dialect=dialect, source=with_tools()))

    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == ("read", '{"path": "a"}')


async def test_calls_that_were_found_in_text_are_told_of_once() -> None:
    given = gateway((ROLE, WRITTEN_CALL, ITS_END, END), **COMPATIBLE, output_filters=FILTERS)

    await parts_of(await given.ask(source=with_tools()))

    assert given.sink.of(ToolCallsRepaired) == [
        ToolCallsRepaired(request_id="r-1", provider="only", calls=1, forms=("json-in-tags",), streaming=True)
    ]


async def test_an_answer_without_such_calls_is_not_told_of() -> None:
    given = gateway((ROLE, HELLO, END), **COMPATIBLE)

    await parts_of(await given.ask(source=with_tools()))

    assert given.sink.of(ToolCallsRepaired) == []


async def test_json_is_the_answer_for_a_client_that_asked_for_json() -> None:
    looks_like_a_call = TextDelta('{"name": "read", "arguments": {"path": "a"}}')
    wanted = with_tools(sampling=Sampling(answer_schema=AnswerSchema()))
    given = gateway((ROLE, Batch((looks_like_a_call,)), END), **COMPATIBLE)

    assert await parts_of(await given.ask(source=wanted)) == (Text(text=looks_like_a_call.text),)


@pytest.mark.parametrize(
    ("adapter", "source"),
    [
        ("anthropic", with_tools()),
        ("openai_compat", with_tools(tool_choice=ToolChoice(use=ToolUse.NONE))),
        ("openai_compat", Built(Conversation(messages=()))),
    ],
)
async def test_where_no_call_is_wanted_text_stays_text(adapter: str, source: Built) -> None:
    given = gateway((ROLE, WRITTEN_CALL, ITS_END, END), adapter=adapter)

    parts = await parts_of(await given.ask(source=source))

    assert all(isinstance(part, Text) for part in parts)


SIGNED = Built(
    Conversation(
        messages=(
            Message(role=Role.USER, parts=(Text(text="a"),)),
            Message(role=Role.ASSISTANT, parts=(Thinking(text="hm", signature="s"), Text(text="b"))),
        ),
        sampling=Sampling(max_output_tokens=32_000),
        extensions={"anthropic_messages": {"thinking": {"type": "enabled"}}},
    )
)
REFUSED = UpstreamFailure(
    FailureKind.REQUEST_FAULT, "messages.1.content.0: Invalid `signature` in `thinking` block", status=400
)
MESSAGES: dict[str, Any] = {"dialect": "anthropic_messages", "source": SIGNED}


async def test_a_refused_signature_is_tried_once_more_on_the_same_provider_without_thinking() -> None:
    picky = ScriptedProvider([REFUSED], [ROLE, HELLO, END])
    second = ScriptedProvider([ROLE, HELLO, END])
    given = house(picky=picky, second=second)

    reply = await given.ask(**MESSAGES)
    await reply.aclose()

    assert reply.facts.target.provider == "picky"
    assert [Omission.PAST_THINKING in played.call.shaping.omits for played in picky.calls] == [False, True]
    assert second.calls == []
    assert [event.status for event in given.sink.of(AttemptFailed)] == [400]
    assert [event.dropped for event in given.sink.of(CapabilityDegraded)] == [("thinking",)]


async def test_a_signature_that_is_refused_twice_is_the_clients_to_hear_of() -> None:
    picky = ScriptedProvider([REFUSED])

    with pytest.raises(ChainFailed):
        await house(picky=picky, second=ScriptedProvider([ROLE, HELLO, END])).ask(**MESSAGES)

    assert len(picky.calls) == 2


@pytest.mark.parametrize(
    "failure",
    [
        UpstreamFailure(FailureKind.REQUEST_FAULT, "max_tokens: too large", status=400),
        UpstreamFailure(FailureKind.OVERLOADED, "thinking about the signature", status=529),
    ],
)
async def test_other_failures_are_not_tried_again(failure: UpstreamFailure) -> None:
    provider = ScriptedProvider([failure])

    with pytest.raises(ChainFailed):
        await house(only=provider).ask(**MESSAGES)

    assert len(provider.calls) == 1


async def test_without_past_thinking_there_is_nothing_to_try_again_without() -> None:
    provider = ScriptedProvider([REFUSED])

    with pytest.raises(ChainFailed):
        await house(only=provider).ask(dialect="anthropic_messages")

    assert len(provider.calls) == 1


async def test_what_a_target_is_not_asked_for_is_told() -> None:
    given = gateway((ROLE, HELLO, END), capabilities=Capabilities(thinking=False), context_window=8_000)

    await (await given.ask(**MESSAGES)).aclose()

    prompt = request_tokens(SIGNED.conversation(), PlainCounter().count)
    (started,) = given.sink.of(AttemptStarted)
    assert (started.degraded, started.output_limit) == (True, 8_000 - 400 - prompt)
    (lost,) = given.sink.of(CapabilityDegraded)
    assert (lost.dropped, lost.reason) == (("thinking",), "provider-does-not-support")


async def test_lost_cache_marks_are_told() -> None:
    marked = Message(role=Role.USER, parts=(Text(text="a", cache_control={"type": "ephemeral"}),))
    given = gateway((ROLE, HELLO, END), **COMPATIBLE)

    source = Built(Conversation(messages=(marked,)))
    await (await given.ask(dialect="anthropic_messages", source=source)).aclose()

    (lost,) = given.sink.of(CapabilityDegraded)
    assert (lost.dropped, lost.reason) == (("cache_control",), "translation-lossy")


async def test_each_way_of_losing_something_is_told_of_once() -> None:
    said = Conversation(messages=(), sampling=Sampling(seed=1, top_logprobs=0, temperature=0.3))
    fixed = Capabilities(sampling=Freedom.FIXED)
    given = gateway((ROLE, HELLO, END), adapter="anthropic", capabilities=fixed)

    await (await given.ask(source=Built(said))).aclose()

    (started,) = given.sink.of(AttemptStarted)
    assert started.degraded
    assert [(lost.dropped, lost.reason) for lost in given.sink.of(CapabilityDegraded)] == [
        (("temperature",), "provider-does-not-support"),
        (("seed", "logprobs"), "translation-lossy"),
    ]


async def test_a_schema_that_plain_words_do_not_suffice_for_is_told() -> None:
    tree = Tool(name="a", parameters={"type": "object", "properties": {"child": {"$ref": "#"}}})
    said = Conversation(messages=(), tools=(tree,))
    plainly = ToolManners(schemas=ToolSchemas.PLAIN)
    given = gateway((ROLE, HELLO, END), **COMPATIBLE, tool_manners=plainly)

    await (await given.ask(source=Built(said))).aclose()

    (lost,) = given.sink.of(CapabilityDegraded)
    assert (lost.dropped, lost.reason) == (("tool_schemas",), "provider-does-not-support")


@pytest.mark.parametrize(
    ("budget", "window", "lost"), [(500, None, "budget_tokens"), (5_000, 500, "thinking")]
)
async def test_a_changed_budget_for_thinking_is_told(budget: int, window: int | None, lost: str) -> None:
    asked: dict[str, Any] = {"thinking": {"type": "enabled", "budget_tokens": budget}}
    said = Conversation(
        messages=(),
        sampling=Sampling(max_output_tokens=8_000),
        extensions={"anthropic_messages": asked},
    )
    given = gateway((ROLE, HELLO, END), adapter="anthropic", context_window=window)

    await (await given.ask(dialect="anthropic_messages", source=Built(said))).aclose()

    assert [event.dropped for event in given.sink.of(CapabilityDegraded)] == [(lost,)]


LONG_NAME = "mcp__files.of.the.house__" + "read_" * 10
NAMED = Built(
    Conversation(messages=(Message(role=Role.USER, parts=(Text(text="a"),)),), tools=(Tool(name=LONG_NAME),))
)


@pytest.mark.parametrize(
    "words",
    [
        "Invalid 'tools[0].function.name': string does not match pattern. Expected '^[a-zA-Z0-9_-]+$'.",
        "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64",
        "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        "Invalid function name. Must start with a letter or an underscore.",
        "Value at 'toolConfig.tools.1.member.toolSpec.name' failed: must satisfy regular expression pattern",
    ],
)
async def test_refused_names_are_tried_once_more_as_ones_that_every_server_takes(words: str) -> None:
    refused = UpstreamFailure(FailureKind.REQUEST_FAULT, words, status=400)
    picky = ScriptedProvider([refused], [ROLE, HELLO, END])
    given = house(picky=picky)

    await (await given.ask(source=NAMED)).aclose()

    first, second = (played.call.shaping.tooling.names for played in picky.calls)
    assert not first
    assert len(second[LONG_NAME]) <= 64


@pytest.mark.parametrize(
    ("words", "source", "names"),
    [
        ("tools[0].function.parameters: not a valid schema", NAMED, ToolNames.AUTO),
        ("tools[0].function.name: does not match pattern", with_tools(), ToolNames.AUTO),
        ("tools[0].function.name: does not match pattern", NAMED, ToolNames.AS_IS),
    ],
)
async def test_names_that_are_not_at_fault_are_not_changed(
    words: str, source: Built, names: ToolNames
) -> None:
    picky = ScriptedProvider([UpstreamFailure(FailureKind.REQUEST_FAULT, words, status=400)])

    with pytest.raises(ChainFailed):
        await house(only=picky, specs={"only": {"tool_manners": ToolManners(names=names)}}).ask(source=source)

    assert len(picky.calls) == 1


CALLED = Message(role=Role.ASSISTANT, parts=(ToolCall(id="1", name="read", arguments="{}"),))
SAID = Message(role=Role.USER, parts=(Text(text="a"),))
RESULT = Message(role=Role.TOOL, parts=(ToolResult(call_id="1", content=(Text(text="b"),)),))


@pytest.mark.parametrize(
    ("messages", "counts"),
    [
        ((SAID, CALLED, RESULT), []),
        ((SAID, CALLED), []),
        ((SAID, CALLED, CALLED, RESULT, RESULT), []),
        ((SAID, CALLED, SAID), [(1, 0)]),
        ((SAID, CALLED, SAID, CALLED, RESULT, RESULT), [(1, 1)]),
        ((SAID, RESULT), [(0, 1)]),
    ],
)
async def test_calls_and_results_that_had_to_be_paired_are_told(
    messages: tuple[Message, ...], counts: list[tuple[int, int]]
) -> None:
    given = gateway((ROLE, HELLO, END), **COMPATIBLE)

    source = Built(Conversation(messages=messages))
    await (await given.ask(dialect="anthropic_messages", source=source)).aclose()

    repaired = [(event.interrupted, event.orphaned) for event in given.sink.of(ToolTurnsRepaired)]
    assert repaired == counts


async def test_bytes_that_go_on_as_they_are_are_not_told_of_as_repaired() -> None:
    given = gateway((ROLE, HELLO, END), **COMPATIBLE)

    await (await given.ask(source=Built(Conversation(messages=(SAID, RESULT))))).aclose()

    assert given.sink.of(ToolTurnsRepaired) == []


@pytest.mark.parametrize(("marks", "told"), [(4, []), (5, [("cache_control",)])])
async def test_marks_beyond_what_a_target_takes_are_told(marks: int, told: list[tuple[str, ...]]) -> None:
    part = Text(text="a", cache_control={"type": "ephemeral"})
    said = Conversation(messages=(Message(role=Role.USER, parts=(part,) * marks),))
    given = gateway((ROLE, HELLO, END), adapter="anthropic")

    await (await given.ask(dialect="anthropic_messages", source=Built(said))).aclose()

    assert [event.dropped for event in given.sink.of(CapabilityDegraded)] == told


@pytest.mark.parametrize("adapter", ["anthropic", "openai_compat"])
async def test_a_search_for_tools_that_is_not_offered_is_told_and_nothing_that_is_said_in_words(
    adapter: str,
) -> None:
    search, call, found, reference = (
        b'{"type":"tool_search_tool_regex_20251119","name":"find"}',
        b'{"type":"server_tool_use","id":"s","name":"tool_search_tool_regex","input":{}}',
        b'{"type":"tool_search_tool_result","content":{"type":"tool_reference","tool_name":"a"}}',
        b'{"type":"tool_reference","tool_name":"a"}',
    )
    result = ToolResult(call_id="1", content=(ForeignPart(dialect="anthropic_messages", payload=reference),))
    searched = (ForeignPart(dialect="anthropic_messages", payload=payload) for payload in (call, found))
    said = Conversation(
        messages=(
            Message(role=Role.ASSISTANT, parts=(*searched, *CALLED.parts)),
            Message(role=Role.USER, parts=(result,)),
        ),
        tools=(ForeignTool(dialect="anthropic_messages", payload=search), Tool(name="a")),
    )
    given = gateway((ROLE, HELLO, END), adapter=adapter, base_url="http://127.0.0.1:8080")

    await (await given.ask(dialect="anthropic_messages", source=Built(said))).aclose()

    assert [event.dropped for event in given.sink.of(CapabilityDegraded)] == [("tool_search",)]
