"""What is found out about a request, in whatever dialect it came."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from domain.conversation.built import Built
from domain.conversation.request import MalformedRequest
from domain.routing.facts import Facts
from domain.tokens.request import request_tokens, words_fit
from tests.domain.routing.bodies import (
    DIALECTS,
    PIXEL,
    SCHEMA,
    Reply,
    Say,
    Talk,
    Turn,
    Use,
    facts,
    facts_of,
    talk,
)
from tests.fakes.plain_counter import PlainCounter

every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def chat(**body: object) -> Facts:
    return facts_of(OPENAI_CHAT.decode_request(json.dumps(body).encode(), {}))


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


def test_a_picture_that_a_tool_shows_beside_words_of_the_user_is_still_the_tools() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    shown = {"type": "tool_result", "tool_use_id": "t", "content": [picture]}
    call = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
    messages = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [shown, {"type": "text", "text": "and now?"}]},
    ]
    body = json.dumps({"model": "m", "max_tokens": 1, "messages": messages}).encode()
    asked = facts_of(ANTHROPIC_MESSAGES.decode_request(body, {}))

    assert asked.latest_text == "and now?"
    assert not asked.has_image
    assert asked.image_place is not None


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


@every_dialect
def test_a_prompt_is_the_whole_request_as_the_counter_counts_it(dialect: str) -> None:
    request = DIALECTS[dialect](
        talk(Say(text="see", image=True), Use(), Reply(), system="Be brief.", tools=("read",))
    )

    assert facts_of(request).prompt_tokens == request_tokens(request.conversation, PlainCounter().count)


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
    assert one.excess(1600) is None
    assert not one.was_read
    assert one.has_tokens(250)
    assert not one.has_tokens(251)


class Tally:
    """A counter that tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def count(self, text: str) -> int:
        self.asked.append(text)
        return len(text)


@every_dialect
def test_a_prompt_is_as_large_as_it_is_counted_and_counted_once(dialect: str) -> None:
    tally = Tally()
    one = Facts(DIALECTS[dialect](talk(Say(text="x" * 1000))), tally.count)

    assert one.excess(one.prompt_tokens) is None
    assert one.excess(one.prompt_tokens - 1) == one.prompt_tokens
    assert len(tally.asked) == 1


@every_dialect
def test_what_is_far_too_large_is_told_by_its_characters(dialect: str) -> None:
    tally = Tally()
    one = Facts(DIALECTS[dialect](talk(Say(text="x" * 1000), Use(answer="y" * 1000))), tally.count)

    assert one.excess(2000 // 16 - 1) == (2000 + len("read{}")) // 4
    assert tally.asked == []


@every_dialect
@pytest.mark.parametrize("turns", [(Say(text="see", image=True),), (Say(), Use(image=True))])
def test_a_picture_is_more_tokens_than_its_bytes_tell(dialect: str, turns: tuple[Turn, ...]) -> None:
    one = facts(talk(*turns), dialect)

    assert one.excess(10_000) is None
    assert one.was_read


@every_dialect
@given(text=st.text(max_size=50), answer=st.text(max_size=50))
def test_what_must_fit_by_its_size_does(dialect: str, text: str, answer: str) -> None:
    """The counter here is the dearest there is: a token for each byte."""

    def by_byte(text: str) -> int:
        return len(text.encode("utf-8", "surrogatepass"))

    said = talk(Say(text=text), Use(answer=answer), Reply(text=text), system=answer, tools=("read",))
    request = DIALECTS[dialect](said)
    most = request.source.most_bytes

    assert most is not None
    assert request.source.has_only_words
    assert not words_fit(most, request_tokens(request.conversation, by_byte) - 1)


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
    read, built = facts_of(request), facts_of(replace(request, source=Built(request.conversation)))
    for fact in ("latest_text", "has_image", "carries_only_results", "estimated_tokens", "image_place"):
        assert getattr(read, fact) == getattr(built, fact), fact


@every_dialect
@pytest.mark.parametrize("system", ["", "Be brief."])
def test_the_place_of_a_picture_is_the_same_whatever_a_dialect_puts_before_it(
    dialect: str, system: str
) -> None:
    shown = (Say(text="one"), Reply(), Say(text="see", image=True))

    assert facts(talk(*shown, system=system), dialect).image_place == "user message 2"


def test_prose_about_images_is_no_picture_and_an_escaped_word_may_be_one() -> None:
    prose = facts(talk(Say(text='say "image" or image_url')), "openai_chat")
    escaped = b'{"messages":[{"role":"user","content":[{"type":"im\\u0061ge_url","image_url":{"url":"x"}}]}]}'

    assert prose.image_place is None
    assert not prose.was_read
    assert facts_of(OPENAI_CHAT.decode_request(escaped, {})).image_place == "user message 1"


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

    assert facts_of(request).wants_thinking is wanted


def test_the_output_limit_is_the_clients_or_none() -> None:
    assert facts(talk(Say(text="x"), output_limit=500), "openai_chat").output_limit == 500
    assert facts(Talk(), "openai_chat").output_limit == 0


@pytest.mark.parametrize("depth", [10, 200, 450, 700, 950])
def test_a_schema_of_any_depth_is_measured_or_is_the_clients_fault(depth: int) -> None:
    schema = '{"a":' * depth + "{}" + "}" * depth
    tool = f'{{"name":"t","input_schema":{schema}}}'
    body = f'{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"x"}}],"tools":[{tool}]}}'
    try:
        tokens = facts_of(ANTHROPIC_MESSAGES.decode_request(body.encode(), {})).estimated_tokens
    except MalformedRequest:
        assert depth > 100
    else:
        assert tokens == (len("x") + len("t") + len(schema)) // 4
