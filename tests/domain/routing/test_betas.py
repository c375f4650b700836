"""A beta and what it switches on in the body go together, or not at all."""

import pytest

from domain.conversation.built import Built
from domain.conversation.extensions import Json
from domain.conversation.request import ChatRequest, Conversation, Message, Role, Tool
from domain.routing.betas import betas_in, defer_tools, dropped, paired_fields, without
from domain.routing.shaping import Shaping, shaped, shaping_for
from domain.routing.targets import ProviderSpec
from tests.domain.routing.bodies import facts_of

HEADERS = {"anthropic-beta": "context-management-2025-06-27, interleaved-thinking-2025-05-14"}
SAID: dict[str, Json] = {"context_management": {"edits": []}, "metadata": {"user_id": "u"}}


def request(*tools: Tool) -> ChatRequest:
    said = Conversation(
        messages=(Message(role=Role.USER, parts=()),), tools=tools, extensions={"anthropic_messages": SAID}
    )
    return ChatRequest(dialect="anthropic_messages", model="m", source=Built(said), headers=HEADERS)


def shaping(*patterns: str, dialect: str = "anthropic_messages", told: ChatRequest | None = None) -> Shaping:
    spec = ProviderSpec(
        name="a", adapter="anthropic", base_url="https://api.anthropic.com", drop_betas=patterns
    )
    return shaping_for(facts_of(told or request()), spec, dialect)


def test_a_headers_value_is_a_list_of_names() -> None:
    assert betas_in(" a, b ,,c") == ("a", "b", "c")
    assert betas_in("") == ()


def test_patterns_say_which_are_not_asked_for() -> None:
    assert dropped(("skills-2025", "effort-2025"), ("skills-*",)) == ("skills-2025",)


def test_fields_go_with_the_beta_that_knows_them() -> None:
    assert paired_fields(("context-management-2025-06-27", "unheard-of-2030")) == {"context_management"}


def test_a_field_is_left_out_with_its_beta_and_others_stay() -> None:
    told = shaped(request().conversation, shaping("context-management-*"))

    assert told.extensions["anthropic_messages"] == {"metadata": {"user_id": "u"}}


@pytest.mark.parametrize(
    ("config", "left"),
    [
        ({"effort": "high", "format": {"type": "json_schema"}}, {"format": {"type": "json_schema"}}),
        ({"effort": "high"}, None),
        ({"format": {}}, {"format": {}}),
        (7, None),
    ],
)
def test_of_an_object_that_others_know_too_only_its_own_field_goes(config: Json, left: Json) -> None:
    assert without({"output_config": config, "x": 1}, paired_fields(("effort-2025-11-24",))) == {
        **({} if left is None else {"output_config": left}),
        "x": 1,
    }


def test_a_field_that_the_request_does_not_have_is_not_left_out() -> None:
    beside = ChatRequest(
        dialect="anthropic_messages",
        model="m",
        source=request().source,
        headers={"anthropic-beta": "skills-2025-10-02,context-management-2025-06-27,effort-2025-11-24"},
    )

    assert shaping("*", told=beside).without_fields == {"context_management"}


def test_nothing_is_left_out_for_a_provider_that_takes_all() -> None:
    assert shaping().without_fields == frozenset()
    assert shaping("skills-*").without_fields == frozenset()


def test_a_target_of_another_language_never_hears_of_betas() -> None:
    assert shaping("context-management-*", dialect="openai_chat").without_fields == frozenset()


def test_without_the_beta_that_lets_tools_wait_all_of_them_are_offered() -> None:
    late = Tool(name="late", extensions={"anthropic_messages": {"defer_loading": True}})
    told = ChatRequest(
        dialect="anthropic_messages",
        model="m",
        source=request(late).source,
        declares_tools=True,
        headers={"anthropic-beta": "advanced-tool-use-2025-11-20"},
    )

    assert defer_tools(("advanced-tool-use-2025-11-20",))
    assert shaping("advanced-tool-use-*", told=told).tooling.offers_all
    assert not shaping(told=told).tooling.offers_all
