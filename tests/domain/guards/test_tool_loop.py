"""An agent that goes in circles is noticed, and one that works is left alone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.conversation.built import Built
from domain.conversation.parts import Text, ToolCall, ToolResult
from domain.conversation.request import ChatRequest, Conversation, MalformedRequest, Message, Role
from domain.guards.tool_loop import ToolLoop, ToolLoopBroken, ToolLoopPolicy, repeated, tool_loop_of

USUAL = ToolLoopPolicy(window=5, threshold=3)
HELLO = Message(role=Role.USER, parts=(Text(text="hello"),))


def call(word: str, **arguments: Any) -> ToolCall:
    return ToolCall(id="any", name=word, arguments=json.dumps(arguments))


def run(words: str) -> list[Message]:
    """One letter for each call, answered by the client."""
    return [message for letter in words for message in _called(call(letter))]


def _called(made: ToolCall) -> list[Message]:
    result = ToolResult(call_id=made.id, content=(Text(text="ok"),))
    return [Message(role=Role.ASSISTANT, parts=(made,)), Message(role=Role.USER, parts=(result,))]


def found(messages: list[Message], policy: ToolLoopPolicy = USUAL, *, tools: bool = True) -> ToolLoop | None:
    said = Conversation(messages=tuple(messages))
    request = ChatRequest(dialect="anthropic_messages", model="m", source=Built(said), declares_tools=tools)
    return tool_loop_of(request, policy)


@pytest.mark.parametrize(
    ("words", "loop"),
    [
        ("", None),
        ("aa", None),
        ("aaa", ToolLoop(tool_name="a", repeat_count=3, period=1)),
        ("aaaaaaaa", ToolLoop(tool_name="a", repeat_count=5, period=1)),
        ("aaab", None),
        ("aabaa", None),
        ("baaa", ToolLoop(tool_name="a", repeat_count=3, period=1)),
        ("ababa", ToolLoop(tool_name="a", repeat_count=3, period=2)),
        ("abab", None),
        ("abcab", None),
    ],
)
def test_the_latest_calls_decide(words: str, loop: ToolLoop | None) -> None:
    assert found([HELLO, *run(words)]) == loop


def test_a_pattern_of_three_is_found_where_the_window_has_room_for_it() -> None:
    loop = found([HELLO, *run("abcabcabc")], ToolLoopPolicy(window=9, threshold=3))

    assert loop == ToolLoop(tool_name="c", repeat_count=3, period=3)


def test_other_arguments_are_another_call() -> None:
    calls = [message for page in range(9) for message in _called(call("read", page=page))]

    assert found([HELLO, *calls]) is None


def test_the_order_of_arguments_and_their_spelling_tell_nothing() -> None:
    spellings = ['{"a":1,"b":2}', '{"b": 2, "a": 1}', '{ "a":1, "b":2 }']
    calls = [
        message
        for number, text in enumerate(spellings)
        for message in _called(ToolCall(id=str(number), name="x", arguments=text))
    ]

    assert found([HELLO, *calls]) == ToolLoop(tool_name="x", repeat_count=3, period=1)


def test_arguments_that_are_no_json_are_compared_as_they_are() -> None:
    calls = [message for _ in range(3) for message in _called(ToolCall(id="1", name="x", arguments="{a"))]

    assert found([HELLO, *calls]) == ToolLoop(tool_name="x", repeat_count=3, period=1)


def test_a_reminder_beside_the_result_is_not_the_user_speaking() -> None:
    messages = [HELLO, *run("aaa")]
    last = messages[-1]
    messages[-1] = Message(role=Role.USER, parts=(*last.parts, Text(text="<system-reminder>be brief")))

    assert found(messages) is not None


def test_when_the_user_has_spoken_since_the_model_gets_another_chance() -> None:
    assert found([HELLO, *run("aaaa"), HELLO]) is None
    assert found([HELLO, *run("aaaa"), HELLO, *run("a")]) is not None


def test_a_request_without_tools_goes_on_with_no_loop() -> None:
    assert found([HELLO, *run("aaa")], tools=False) is None


def test_turns_of_two_are_no_loop_before_they_have_come_around() -> None:
    twice = ToolLoopPolicy(window=4, threshold=2)

    assert found([HELLO, *run("aba")], twice) is None
    assert found([HELLO, *run("abab")], twice) == ToolLoop(tool_name="b", repeat_count=2, period=2)


def test_calls_of_one_turn_count_each() -> None:
    several = Message(role=Role.ASSISTANT, parts=(call("a"), call("a"), call("a")))

    assert found([HELLO, several]) == ToolLoop(tool_name="a", repeat_count=3, period=1)


@pytest.mark.parametrize("other", ['{"a": 2}', '{"a": true}', '{"a": 1', "[" * 100_000])
def test_arguments_that_only_look_alike_are_another_call(other: str) -> None:
    latest = [ToolCall(id="x", name="read", arguments=text) for text in ('{"a": 1}', other)]

    assert repeated(latest, ToolLoopPolicy(window=2, threshold=2)) is None


def test_nothing_further_is_looked_at_once_nothing_repeats() -> None:
    looked_at: list[ToolCall] = []

    def latest() -> Iterator[ToolCall]:
        for each in map(call, "abcdefgh"):
            looked_at.append(each)
            yield each

    assert repeated(latest(), USUAL) is None
    assert len(looked_at) == 3


class Unreadable(Built):
    """A history that only its upstream could read."""

    def newest(self, *roles: Role) -> Iterator[Message]:
        raise MalformedRequest("messages[0]", "not a message")


def test_a_history_that_nobody_here_understands_is_left_to_the_upstream() -> None:
    source = Unreadable(Conversation(messages=()))
    request = ChatRequest(dialect="openai_chat", model="m", source=source, declares_tools=True)

    assert tool_loop_of(request, USUAL) is None


def test_whoever_is_refused_reads_what_repeats_and_who_refuses() -> None:
    words = str(ToolLoopBroken(ToolLoop(tool_name="Read", repeat_count=3, period=2), "coding"))

    assert "'Read' 3 times with the same arguments in turns with 1 other" in words
    assert "profile 'coding'" in words


@given(st.text(alphabet="abc", max_size=12), st.integers(2, 12), st.integers(2, 12))
def test_a_loop_is_a_repetition_within_the_window(words: str, window: int, threshold: int) -> None:
    policy = ToolLoopPolicy(window=window, threshold=threshold)
    latest = words[::-1][:window]

    loop = repeated(iter(map(call, words[::-1])), policy)

    assert loop is None or threshold <= loop.repeat_count <= latest.count(latest[0])
    assert loop is None or _repeats(latest, loop.period, loop.repeat_count)
    is_run = len(latest) - len(latest.lstrip(latest[:1])) >= threshold
    assert not is_run or (loop is not None and loop.period == 1)


def _repeats(latest: str, period: int, count: int) -> bool:
    stretch = period * (count - 1) + 1
    return all(latest[n] == latest[n - period] for n in range(period, stretch))
