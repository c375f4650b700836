"""A request leaves as its target can take it, and otherwise as it came."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.conversation.built import Built
from domain.conversation.extensions import Extensions, Json
from domain.conversation.parts import Part, Text, Thinking, ToolCall, ToolResult
from domain.conversation.request import ChatRequest, Conversation, Message, Role, Sampling, Tool, budget_asked
from domain.routing.shaping import (
    AS_IT_IS,
    Omission,
    Shaping,
    instructed,
    loses_cache_control,
    shaped,
    shaping_for,
)
from domain.routing.targets import Capabilities, ProviderSpec
from tests.domain.routing.bodies import facts_of

LINE = "x-anthropic-billing-header: cc_version=2.1.98; cc_entrypoint=cli; cch=00000;"
HELLO = Message(role=Role.USER, parts=(Text(text="hello"),))
MARK: Json = {"type": "ephemeral"}


def conversation(*system: Part, limit: int | None = None, **more: Any) -> Conversation:
    heads = (Message(role=Role.SYSTEM, parts=system),) if system else ()
    return Conversation(messages=(*heads, HELLO), sampling=Sampling(max_output_tokens=limit), **more)


def asking_to_think(kind: str) -> Conversation:
    return conversation(extensions={"anthropic_messages": {"thinking": {"type": kind}, "x": 1}})


def shaping(said: Conversation, dialect: str = "anthropic_messages", **spec: Any) -> Shaping:
    request = ChatRequest(dialect=dialect, model="m", source=Built(said))
    provider = ProviderSpec(**{"name": "a", "adapter": "openai_compat", **spec})
    return shaping_for(facts_of(request), provider, dialect)


def omitting(*omissions: Omission) -> Shaping:
    return Shaping(omits=frozenset(omissions))


@pytest.mark.parametrize(
    ("adapter", "base_url", "omitted"),
    [
        ("anthropic", "https://api.anthropic.com", False),
        ("anthropic", "https://api.anthropic.com/v1", False),
        ("anthropic", "http://127.0.0.1:8080", True),
        ("anthropic", "https://api.anthropic.com.example.org", True),
        ("anthropic", "https://notanthropic.com", True),
        ("openai_compat", "https://api.anthropic.com/v1", True),
        ("acme:Lab", "", True),
    ],
)
def test_only_anthropic_itself_is_told_about_the_client(adapter: str, base_url: str, omitted: bool) -> None:
    found = shaping(conversation(), adapter=adapter, base_url=base_url)

    assert (Omission.ATTRIBUTION in found.omits) is omitted


@pytest.mark.parametrize(
    ("system", "left"),
    [
        ((Text(text=LINE), Text(text="You code.")), (Text(text="You code."),)),
        ((Text(text=LINE),), None),
        ((Text(text=f"{LINE}\n\nYou code."),), (Text(text="You code."),)),
        ((Text(text="You code."), Text(text=LINE)), (Text(text="You code."), Text(text=LINE))),
        ((Text(text=f"see {LINE}"),), (Text(text=f"see {LINE}"),)),
    ],
)
def test_the_line_about_the_client_goes_and_nothing_else(
    system: tuple[Text, ...], left: tuple[Text, ...] | None
) -> None:
    said = shaped(conversation(*system), omitting(Omission.ATTRIBUTION))

    heads = () if left is None else (Message(role=Role.SYSTEM, parts=left),)
    assert said.messages == (*heads, HELLO)


def test_a_user_may_say_what_looks_like_that_line() -> None:
    said = Conversation(messages=(Message(role=Role.USER, parts=(Text(text=LINE),)),))

    assert shaped(said, omitting(Omission.ATTRIBUTION)) is said


@pytest.mark.parametrize(
    ("asked", "knows", "omitted"),
    [
        ("enabled", False, True),
        ("enabled", None, False),
        ("enabled", True, False),
        ("adaptive", False, False),
        ("disabled", False, False),
    ],
)
def test_a_target_known_not_to_think_is_not_asked_to(asked: str, knows: bool | None, omitted: bool) -> None:
    found = shaping(asking_to_think(asked), capabilities=Capabilities(thinking=knows))

    assert (Omission.THINKING_REQUEST in found.omits) is omitted


def test_the_request_to_think_goes_alone() -> None:
    said = shaped(asking_to_think("enabled"), omitting(Omission.THINKING_REQUEST))

    assert said.extensions == {"anthropic_messages": {"x": 1}}


def test_past_thinking_goes_from_every_turn() -> None:
    turn = Message(role=Role.ASSISTANT, parts=(Thinking(text="hm", signature="s"), Text(text="yes")))
    said = shaped(Conversation(messages=(HELLO, turn, HELLO)), omitting(Omission.PAST_THINKING))

    assert said.messages == (HELLO, Message(role=Role.ASSISTANT, parts=(Text(text="yes"),)), HELLO)


@pytest.mark.parametrize(
    ("limit", "window", "most"),
    [
        (32_000, 8_000, 8_000 - 400 - 9),
        (32_000, 200_000, None),
        (None, 8_000, None),
        (100, 8_000, None),
        (32_000, None, None),
        (32_000, 1, 1),
    ],
)
def test_the_output_limit_never_exceeds_what_the_window_leaves(
    limit: int | None, window: int | None, most: int | None
) -> None:
    """The prompt is nine tokens, seven of them the frame; a twentieth of the window is margin."""
    assert shaping(conversation(limit=limit), context_window=window).most_output_tokens == most


def test_a_lower_limit_of_the_client_stays() -> None:
    assert shaped(conversation(limit=10), Shaping(most_output_tokens=20)).sampling.max_output_tokens == 10
    assert shaped(conversation(limit=30), Shaping(most_output_tokens=20)).sampling.max_output_tokens == 20


def test_a_request_that_must_not_change_is_the_very_same() -> None:
    said = conversation(Text(text="You code."), limit=10)

    assert shaped(said, AS_IT_IS) is said
    assert shaped(said, Shaping(omits=frozenset(Omission), most_output_tokens=20)).messages == said.messages


@pytest.mark.parametrize(
    ("adapter", "declared", "lost"),
    [
        ("anthropic", None, False),
        ("anthropic", False, True),
        ("openai_compat", None, True),
        ("openai_compat", True, False),
    ],
)
def test_cache_marks_are_lost_on_whoever_is_not_known_to_honour_them(
    adapter: str, declared: bool | None, lost: bool
) -> None:
    spec = ProviderSpec(name="a", adapter=adapter, capabilities=Capabilities(prompt_cache=declared))
    marked = conversation(Text(text="You code.", cache_control=MARK))

    assert loses_cache_control(_request(marked), spec) is lost
    assert not loses_cache_control(_request(conversation(Text(text="You code."))), spec)


@pytest.mark.parametrize(
    "marked",
    [
        Conversation(messages=(HELLO,), tools=(Tool(name="f", cache_control=MARK),)),
        Conversation(
            messages=(
                Message(role=Role.USER, parts=(ToolResult(call_id="1", content=(), cache_control=MARK),)),
            )
        ),
    ],
)
def test_cache_marks_are_seen_wherever_they_may_stand(marked: Conversation) -> None:
    assert loses_cache_control(_request(marked), ProviderSpec(name="a", adapter="openai_compat"))


def _request(said: Conversation) -> ChatRequest:
    return ChatRequest(dialect="anthropic_messages", model="m", source=Built(said))


def test_our_instructions_come_after_the_clients_own_and_before_what_is_said() -> None:
    told = instructed(conversation(Text(text="theirs")), "ours")

    assert [message.role for message in told.messages] == [Role.SYSTEM, Role.SYSTEM, Role.USER]
    assert told.messages[1].parts == (Text(text="ours"),)


def test_without_instructions_of_ours_nothing_changes() -> None:
    asked = conversation()

    assert instructed(asked, "") is asked
    assert instructed(asked, "ours").messages[1:] == asked.messages


def thinking_for(budget: int, limit: int) -> Conversation:
    asked: Extensions = {"anthropic_messages": {"thinking": {"type": "enabled", "budget_tokens": budget}}}
    return replace(conversation(limit=limit), extensions=asked)


@pytest.mark.parametrize(
    ("budget", "limit", "window", "told", "goes"),
    [
        (5_000, 8_000, None, None, False),
        (5_000, 8_000, 3_158 + 9, 1_875, False),
        (5_000, 8_000, 20_000, None, False),
        (5_000, 8_000, 1_500, 1_024, False),
        (5_000, 8_000, 1_000, None, True),
        (9_000, 8_000, 4_000, None, False),
        (500, 8_000, None, 1_024, False),
        (500, 1_024, None, None, True),
    ],
)
def test_thinking_keeps_its_share_of_a_shortened_answer(
    budget: int, limit: int, window: int | None, told: int | None, goes: bool
) -> None:
    """A window of 3,167 leaves 3,000; what a client sets beyond its own limit it means so."""
    found = shaping(thinking_for(budget, limit), adapter="anthropic", context_window=window)

    assert (found.thinking_budget, Omission.THINKING_REQUEST in found.omits) == (told, goes)


@given(st.integers(1, 40_000), st.integers(2, 40_000), st.integers(1, 60_000))
def test_a_budget_that_the_client_could_have_is_one_that_the_target_takes(
    budget: int, limit: int, window: int
) -> None:
    assume(budget < limit)
    found = shaping(thinking_for(budget, limit), adapter="anthropic", context_window=window)
    told = shaped(thinking_for(budget, limit), found)

    thinking = budget_asked(told.extensions["anthropic_messages"].get("thinking"))
    most = told.sampling.max_output_tokens
    assert most is not None
    assert thinking is None or 1_024 <= thinking < most


def test_tools_that_were_called_and_are_offered_no_more_are_renamed_alike() -> None:
    call = ToolCall(id="1", name="a.b", arguments="{}")
    said = Conversation(
        messages=(HELLO, Message(role=Role.ASSISTANT, parts=(call,))), tools=(Tool(name="a_b"),)
    )

    names = shaping(said, adapter="openai_compat").tooling.names
    told = shaped(said, shaping(said, adapter="openai_compat")).messages[1].parts[0]

    assert names["a.b"] != "a_b"  # which is another tool
    assert isinstance(told, ToolCall)
    assert told.name == names["a.b"]


def test_names_of_calls_are_made_safe_where_no_tool_is_offered() -> None:
    call = ToolCall(id="1", name="a.b", arguments="{}")
    said = Conversation(messages=(Message(role=Role.ASSISTANT, parts=(call,)),))

    assert shaping(said, adapter="openai_compat").tooling.names == {"a.b": "a_b"}
    assert not shaping(said, adapter="anthropic").tooling.names
