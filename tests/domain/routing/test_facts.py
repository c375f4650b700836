"""What is found out about a request, in whatever dialect it came."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from domain.conversation.request import Built, MalformedRequest
from domain.routing.facts import Facts
from tests.domain.routing.bodies import DIALECTS, SCHEMA, Reply, Say, Talk, Turn, Use, facts, talk

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def chat(**body: object) -> Facts:
    return Facts(OPENAI_CHAT.decode_request(json.dumps(body).encode(), {}))


@every_dialect
@pytest.mark.parametrize(
    ("turns", "text"),
    [
        ((Say(text="one"), Reply(), Say(text="two")), "two"),
        ((Say(text="fix it"), Use(answer="file contents")), "fix it"),
        ((Say(text="fix it"), Use(), Use(), Use()), "fix it"),
        ((Say(text="one"), Use(), Reply(), Say(text="two"), Use()), "two"),
        ((Say(text="see", image=True),), "see"),
    ],
)
def test_the_latest_text_is_the_users_and_not_a_tools(
    dialect: str, turns: tuple[Turn, ...], text: str
) -> None:
    assert facts(talk(*turns), dialect).latest_text == text


@every_dialect
@pytest.mark.parametrize(
    ("turns", "shown"),
    [
        ((Say(text="see", image=True),), True),
        ((Say(text="see", image=True), Use()), True),
        ((Say(text="see", image=True), Reply(), Say(text="thanks")), False),
        ((Say(text="look"), Use(image=True)), False),
        ((Say(text="hello"),), False),
    ],
)
def test_only_the_latest_user_turn_has_an_image_and_no_tool_shows_one(
    dialect: str, turns: tuple[Turn, ...], shown: bool
) -> None:
    assert facts(talk(*turns), dialect).has_image is shown


@every_dialect
@pytest.mark.parametrize(
    ("turns", "found"),
    [
        ((Say(text="see", image=True), Reply(), Say(text="thanks")), True),
        ((Say(text="look"), Use(image=True)), True),
        ((Say(text="look"), Use()), False),
    ],
)
def test_a_picture_anywhere_is_found_where_a_target_must_be_able_to_see(
    dialect: str, turns: tuple[Turn, ...], found: bool
) -> None:
    assert (facts(talk(*turns), dialect).image_place is not None) is found


@every_dialect
@pytest.mark.parametrize(
    ("turns", "only"),
    [
        ((Say(text="fix it"), Use()), True),
        ((Say(text="fix it"), Use(), Say(text="and this")), False),
        ((Say(text="fix it"),), False),
    ],
)
def test_a_turn_that_only_brings_results_is_told_from_one_that_says_something(
    dialect: str, turns: tuple[Turn, ...], only: bool
) -> None:
    assert facts(talk(*turns), dialect).carries_only_results is only


@every_dialect
def test_tokens_are_a_quarter_of_all_that_can_be_read(dialect: str) -> None:
    said = talk(
        Say(text="q" * 100), Use(answer="r" * 1000), Reply(text="a" * 50), system="s" * 200, tools=("read",)
    )
    schema = len(json.dumps(SCHEMA, separators=(",", ":")))

    definition = len("read") + len("A tool.") + schema
    assert facts(said, dialect).estimated_tokens == (100 + 1000 + 50 + 200 + definition) // 4


@every_dialect
@pytest.mark.parametrize(("characters", "tokens"), [(0, 0), (3, 0), (4, 1), (7, 1), (8, 2)])
def test_a_part_of_a_token_does_not_count(dialect: str, characters: int, tokens: int) -> None:
    assert facts(talk(Say(text="x" * characters)), dialect).estimated_tokens == tokens


def test_a_prompt_also_holds_the_calls_that_were_made() -> None:
    one = facts(talk(Say(text="fix it"), Use(answer="")))

    assert one.prompt_tokens * 4 >= one.estimated_tokens * 4 + len("read") - 3


@every_dialect
def test_tools_are_known_without_reading_the_conversation(dialect: str) -> None:
    one = facts(talk(Say(text="x"), model="m", tools=("read",)), dialect)

    assert (one.has_tools, one.model) == (True, "m")
    assert not one.turn_was_read
    assert not one.was_read
    assert one.has_image is False
    assert one.turn_was_read


@every_dialect
def test_what_size_alone_tells_is_told_without_reading(dialect: str) -> None:
    one = facts(talk(Say(text="x" * 1000)), dialect)

    assert not one.has_tokens(1000)
    assert one.fits(1000)
    assert not one.was_read
    assert one.has_tokens(250)
    assert not one.has_tokens(251)
    assert one.fits(250)
    assert not one.fits(249)


@every_dialect
@pytest.mark.parametrize(
    "turns",
    [
        (Say(text="one"), Reply(), Say(text="two", image=True), Use(), Use(image=True)),
        (Say(text="one"), Use(), Reply(), Say(text="two")),
        (Use(), Reply()),
    ],
)
def test_a_request_as_bytes_and_as_values_has_the_same_facts(dialect: str, turns: tuple[Turn, ...]) -> None:
    request = DIALECTS[dialect](talk(*turns, system="s", tools=("read",)))
    read, built = Facts(request), Facts(replace(request, source=Built(request.conversation)))
    for fact in ("latest_text", "has_image", "carries_only_results", "estimated_tokens", "image_place"):
        assert getattr(read, fact) == getattr(built, fact), fact


@given(st.sampled_from(sorted(DIALECTS)), st.text(max_size=30), st.text(max_size=30))
def test_a_request_never_has_more_characters_than_its_size_allows(dialect: str, text: str, more: str) -> None:
    request = DIALECTS[dialect](talk(Say(text=text), Use(answer=more), system=more, tools=("read",)))
    most = request.source.most_characters

    assert most is not None
    assert Facts(request).prompt_tokens <= most // 4


def test_prose_about_images_is_no_picture_and_an_escaped_word_may_be_one() -> None:
    prose = facts(talk(Say(text='say "image" or image_url')), "openai_chat")
    escaped = b'{"messages":[{"role":"user","content":[{"type":"im\\u0061ge_url","image_url":{"url":"x"}}]}]}'

    assert prose.image_place is None
    assert not prose.was_read
    assert Facts(OPENAI_CHAT.decode_request(escaped, {})).image_place == "message 0 (user)"


def test_older_functions_are_tools_and_empty_lists_are_none() -> None:
    messages = [{"role": "user", "content": "x"}]

    assert chat(messages=messages, functions=[{"name": "f"}]).has_tools
    assert not chat(messages=messages, tools=[], functions=[]).has_tools


def test_words_and_pictures_in_another_dialects_spelling_count_too() -> None:
    content = [{"type": "input_text", "text": "foreign words"}, {"type": "input_image", "image_url": "x"}]
    one = chat(messages=[{"role": "user", "content": content}])

    assert (one.latest_text, one.has_image) == ("foreign words", True)


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("", 0.0),
        ("no code", 0.0),
        ("```", 0.0),
        ("``````", 1.0),
        ("```ab```", 1.0),
        ("xx```ab```", 0.8),
        ("```a```-```b```", 14 / 15),
        ("```a``` and ```unclosed", 7 / 23),
        ("````a````", 8 / 9),
    ],
)
def test_the_share_of_code_is_that_of_closed_fences_with_their_marks(text: str, ratio: float) -> None:
    assert facts(talk(Say(text=text))).code_fence_ratio == pytest.approx(ratio)


@given(st.text(alphabet="`ab\n", max_size=40))
def test_the_share_of_code_lies_between_none_and_all(text: str) -> None:
    assert 0.0 <= facts(talk(Say(text=f"{text}."))).code_fence_ratio <= 1.0


@pytest.mark.parametrize(
    ("thinking", "wanted"), [("enabled", True), ("adaptive", False), ("disabled", False)]
)
def test_thinking_is_wanted_when_it_is_enabled_and_not_when_it_is_merely_allowed(
    thinking: str, wanted: bool
) -> None:
    body = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "x"}],
        "thinking": {"type": thinking, "budget_tokens": 1024},
    }
    request = ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})

    assert Facts(request).wants_thinking is wanted


def test_the_output_limit_is_the_clients_or_none() -> None:
    assert facts(talk(Say(text="x"), output_limit=500), "openai_chat").output_limit == 500
    assert facts(Talk(), "openai_chat").output_limit == 0


@pytest.mark.parametrize("depth", [10, 200, 450, 700, 950])
def test_a_schema_of_any_depth_is_measured_or_is_the_clients_fault(depth: int) -> None:
    schema = '{"a":' * depth + "{}" + "}" * depth
    tool = f'{{"name":"t","input_schema":{schema}}}'
    body = f'{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}}],"tools":[{tool}]}}'
    try:
        tokens = Facts(ANTHROPIC_MESSAGES.decode_request(body.encode(), {})).estimated_tokens
    except MalformedRequest:
        assert depth > 100
    else:
        assert tokens == (len("x") + len("t") + len(schema)) // 4
