"""A target is asked in a manner that it takes, whatever the client's language knows."""

from typing import Any

import pytest

from domain.conversation.built import Built
from domain.conversation.parts import Text
from domain.conversation.request import AnswerSchema, ChatRequest, Conversation, Message, Role, Sampling
from domain.routing.manner import AS_ASKED, EFFORTS, Manner, is_openai, manner_for
from domain.routing.targets import Capabilities, Freedom, ProviderSpec
from tests.domain.routing.bodies import facts_of

HELLO = Message(role=Role.USER, parts=(Text(text="hello"),))
ALL_CLAUDE = ("low", "medium", "high", "xhigh", "max")


def manner(
    *, adapter: str, dialect: str = "openai_responses", url: str = "", has: Capabilities, **sampling: Any
) -> Manner:
    said = Conversation(messages=(HELLO,), sampling=Sampling(**sampling))
    request = ChatRequest(dialect=dialect, model="m", source=Built(said))
    spec = ProviderSpec(name="a", adapter=adapter, base_url=url, capabilities=has)
    return manner_for(facts_of(request), spec, dialect)


class Unread(Built):
    """A request that nobody may read."""

    def conversation(self) -> Conversation:
        raise AssertionError("it was read")


@pytest.mark.parametrize(
    ("adapter", "dialect"),
    [
        ("openai_compat", "openai_chat"),
        ("embedded", "openai_chat"),
        ("openai_compat", "openai_completions"),
        ("anthropic", "anthropic_messages"),
        ("acme.gateway:LabModel", "openai_chat"),
    ],
)
def test_a_client_of_the_targets_own_language_is_not_second_guessed(adapter: str, dialect: str) -> None:
    request = ChatRequest(dialect=dialect, model="m", source=Unread(Conversation(messages=())))
    spec = ProviderSpec(
        name="a", adapter=adapter, capabilities=Capabilities(sampling=Freedom.FIXED, answer_schema=False)
    )
    assert manner_for(facts_of(request), spec, dialect) is AS_ASKED


@pytest.mark.parametrize(
    ("wanted", "levels", "told"),
    [
        ("medium", ALL_CLAUDE, "medium"),
        ("minimal", ALL_CLAUDE, "low"),
        ("none", ALL_CLAUDE, "low"),
        ("xhigh", ("low", "medium", "high"), "high"),
        ("max", ("none", "low", "medium", "high", "xhigh"), "xhigh"),
        ("max", ("high", "low"), "high"),
        ("xhigh", ("low", "medium", "high", "max"), "high"),
        ("none", ("none", "low"), "none"),
        ("minimal", ("none", "low"), "low"),
        ("ultra", ("low", "ultra"), "ultra"),
    ],
)
def test_the_nearest_effort_is_asked_for(wanted: str, levels: tuple[str, ...], told: str) -> None:
    given = manner(
        adapter="anthropic",
        dialect="openai_chat",
        has=Capabilities(effort_levels=levels),
        reasoning_effort=wanted,
    )

    assert given == Manner(effort=None if told == wanted else told)
    assert given.over(Sampling(reasoning_effort=wanted)).reasoning_effort == told


@pytest.mark.parametrize("wanted", EFFORTS)
def test_nothing_but_a_wish_not_to_think_turns_thinking_off(wanted: str) -> None:
    given = manner(
        adapter="openai_compat",
        has=Capabilities(effort_levels=("none", "high")),
        reasoning_effort=wanted,
    )
    told = given.over(Sampling(reasoning_effort=wanted)).reasoning_effort
    assert (told == "none") is (wanted == "none")


@pytest.mark.parametrize(
    ("adapter", "has"),
    [
        ("openai_compat", Capabilities(thinking=True)),
        ("anthropic", Capabilities(thinking=True)),
        ("ollama", Capabilities()),
        ("ollama", Capabilities(thinking=False)),
        ("anthropic", Capabilities(effort_levels=())),
    ],
)
def test_a_target_whose_efforts_are_not_known_is_told_none(adapter: str, has: Capabilities) -> None:
    given = manner(adapter=adapter, has=has, reasoning_effort="high")

    assert given == Manner(omits=frozenset({"reasoning_effort"}))


def test_an_effort_that_nobody_knows_is_left_out() -> None:
    has = Capabilities(effort_levels=("low", "high"))

    assert manner(adapter="anthropic", has=has, reasoning_effort="ultra").omits == {"reasoning_effort"}


def test_ollama_can_turn_thinking_on_and_off_for_any_model_that_thinks() -> None:
    assert manner(adapter="ollama", has=Capabilities(thinking=True), reasoning_effort="high") == AS_ASKED


@pytest.mark.parametrize(
    ("freedom", "left"),
    [
        (None, {"temperature", "top_p", "top_k"}),
        (Freedom.FREE, {"temperature", "top_p", "top_k"}),
        (Freedom.EITHER, {"temperature", "top_k"}),
        (Freedom.FIXED, set()),
    ],
)
def test_tokens_are_drawn_as_far_as_the_target_lets_that_be_said(
    freedom: Freedom | None, left: set[str]
) -> None:
    asked: dict[str, Any] = {"temperature": 0.2, "top_p": 0.9, "top_k": 5}

    given = manner(adapter="anthropic", has=Capabilities(sampling=freedom), **asked)

    told = given.over(Sampling(**asked))
    assert {field for field in asked if getattr(told, field) is not None} == left


def test_a_nucleus_alone_is_one_of_the_two() -> None:
    has = Capabilities(sampling=Freedom.EITHER)
    assert manner(adapter="anthropic", has=has, top_p=0.9) == AS_ASKED


@pytest.mark.parametrize(("binds", "left_out"), [(None, False), (True, False), (False, True)])
def test_a_schema_is_left_out_only_where_it_is_known_to_be_refused(
    binds: bool | None, left_out: bool
) -> None:
    has = Capabilities(answer_schema=binds)
    given = manner(adapter="anthropic", has=has, answer_schema=AnswerSchema(schema={}))
    assert ("answer_schema" in given.omits) is left_out


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://house.openai.azure.com/openai/v1", True),
        ("https://api.openai.com.example.org/v1", False),
        ("https://notopenai.com/v1", False),
        ("http://127.0.0.1:8080/v1", False),
        ("", False),
    ],
)
def test_verbosity_is_a_word_of_openais_own_api(url: str, own: bool) -> None:
    given = manner(adapter="openai_compat", url=url, has=Capabilities(), verbosity="low")

    assert is_openai(ProviderSpec(name="a", adapter="openai_compat", base_url=url)) is own
    assert ("verbosity" in given.omits) is not own


def test_what_nobody_asks_for_is_not_left_out() -> None:
    has = Capabilities(sampling=Freedom.FIXED, answer_schema=False, effort_levels=())
    assert manner(adapter="openai_compat", has=has) == AS_ASKED
