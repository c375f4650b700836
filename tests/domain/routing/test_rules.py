"""Which rule chooses, and when a session stays where it was."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from config.patterns import name_pattern, search_pattern
from domain.conversation.request import ChatRequest, MalformedRequest
from domain.routing.predicates import (
    CodeFenceRatioMin,
    ContentContains,
    ContentRegex,
    HasImage,
    HasTools,
    ModelPattern,
    Predicate,
    TokenCountMin,
)
from domain.routing.rules import FellThrough, Kept, Resolved, Rule, RuleMatcher, bundled_rules
from tests.domain.routing.bodies import Reply, Say, Use, facts, facts_of, talk

ALL: dict[str, Predicate] = {
    "image": HasImage(),
    "fences": CodeFenceRatioMin(0.3),
    "words": ContentContains("plan"),
    "regex": ContentRegex(search_pattern("(?i)plan")),
    "model": ModelPattern(name_pattern("claude-.*")),
    "long": TokenCountMin(3),
    "tools": HasTools(),
}
EVERYTHING = talk(Say(text="a plan ```code```", image=True), model="claude-opus-5", tools=("read",))
"""A request for which every question is answered with yes."""


def rules(*names: str) -> RuleMatcher:
    written = tuple(Rule(id=name, profile=f"for-{name}", predicate=ALL[name]) for name in names)
    return RuleMatcher(rules=written, default_profile="rest")


def chose(name: str) -> Resolved:
    return Resolved(rule_id=name, profile=f"for-{name}")


@pytest.mark.parametrize("first", ALL)
@pytest.mark.parametrize("second", ALL)
def test_of_two_rules_that_hold_the_first_one_chooses(first: str, second: str) -> None:
    assert rules(first, second).route(facts(EVERYTHING)) == chose(first)


def test_a_rule_that_does_not_hold_is_passed_over() -> None:
    assert rules("image", "words").route(facts(talk(Say(text="a plan")))) == chose("words")


def test_what_no_rule_wants_goes_to_the_default() -> None:
    assert rules("image").route(facts(talk(Say(text="hello")))) == FellThrough(profile="rest")


def test_rules_that_are_disabled_are_not_asked() -> None:
    off = RuleMatcher(rules=rules("image").rules, default_profile="rest", disabled=True)
    asked = facts(EVERYTHING)

    assert off.route(asked, chose("image")) == FellThrough(profile="rest", disabled=True)
    assert not asked.was_read


def test_the_conversation_is_not_read_for_rules_about_its_envelope() -> None:
    asked = facts(EVERYTHING)
    rules("tools", "model", "image").route(asked)

    assert not asked.was_read


@pytest.mark.parametrize(
    ("profiles", "ids"),
    [
        (("multi", "coding", "writing"), ["builtin:image-attachment", "builtin:code-fence-dense"]),
        (("coding",), ["builtin:code-fence-dense"]),
        (("other",), []),
    ],
)
def test_bundled_rules_are_those_whose_profiles_exist(profiles: tuple[str, ...], ids: list[str]) -> None:
    assert [rule.id for rule in bundled_rules(profiles)] == ids


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        (talk(Say(text="x", image=True)), "builtin:image-attachment"),
        (talk(Say(text="```" + "c" * 24 + "```" + "x" * 70)), "builtin:code-fence-dense"),
    ],
)
def test_the_bundled_rules_choose_for_pictures_and_code(said: Any, rule: str) -> None:
    bundled = RuleMatcher(rules=bundled_rules({"multi", "coding", "writing"}), default_profile="writing")

    choice = bundled.route(facts(said))
    assert isinstance(choice, Resolved)
    assert choice.rule_id == rule


def test_code_just_below_three_tenths_is_not_dense() -> None:
    bundled = RuleMatcher(rules=bundled_rules({"coding"}), default_profile="writing")
    said = talk(Say(text="```" + "c" * 24 + "```" + "x" * 71))

    assert bundled.route(facts(said)) == FellThrough(profile="writing")


def test_a_session_stays_while_its_rule_holds_whatever_else_is_talked_about() -> None:
    said = talk(Say(text="a plan"), tools=("read",))

    assert rules("words", "tools").route(facts(said)) == chose("words")
    assert rules("words", "tools").route(facts(said), chose("tools")) == Kept(chose("tools"))


def test_a_session_moves_on_when_its_rule_does_not_hold_any_more() -> None:
    said = talk(Say(text="a plan"))

    assert rules("words", "image").route(facts(said), chose("image")) == chose("words")


def test_a_session_stays_through_turns_that_only_bring_results() -> None:
    said = talk(Say(text="and a plan"), Use())

    assert rules("words", "fences").route(facts(said), chose("fences")) == Kept(chose("fences"))
    assert rules("words").route(facts(said), FellThrough(profile="rest")) == Kept(FellThrough(profile="rest"))


def test_a_session_that_no_rule_chose_goes_to_the_first_that_does() -> None:
    said = talk(Say(text="a plan"))

    assert rules("words").route(facts(said), FellThrough(profile="rest")) == chose("words")


@pytest.mark.parametrize(
    ("need", "said"),
    [
        ("image", talk(Say(text="what is this", image=True), tools=("read",))),
        ("long", talk(Say(text="go"), Use(answer="x" * 100), tools=("read",))),
    ],
)
def test_what_a_request_needs_moves_its_session_at_once(need: str, said: Any) -> None:
    assert rules(need, "tools").route(facts(said), chose("tools")) == chose(need)


def test_a_session_goes_back_when_what_it_needed_is_gone() -> None:
    said = talk(Say(image=True), Reply(), Say(text="thanks"), tools=("read",))

    assert rules("image", "tools").route(facts(said), chose("image")) == chose("tools")


@pytest.mark.parametrize(
    "before", [chose("gone"), Resolved(rule_id="tools", profile="elsewhere"), FellThrough(profile="other")]
)
def test_a_choice_that_the_rules_do_not_know_any_more_binds_nobody(before: Any) -> None:
    said = talk(Say(text="a plan"), Use(), tools=("read",))

    assert rules("words", "tools").route(facts(said), before) == chose("words")


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "role", "content", "name", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
_parts = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "image", "image_url", "input_image", "tool_result", "thing"])},
        optional={
            "text": st.text(max_size=20) | _json,
            "image_url": _json,
            "source": _json,
            "content": _json,
            "tool_use_id": st.just("t"),
        },
    ),
    max_size=3,
)
_messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "assistant", "system", "tool"]),
            "content": st.text(max_size=30) | _parts | _json,
        },
        optional={"tool_call_id": st.just("t")},
    )
    | _json,
    max_size=4,
)
_bodies = st.fixed_dictionaries(
    {"model": st.text(max_size=9), "messages": _messages, "input": _messages, "max_tokens": st.just(9)},
    optional={"tools": _json, "system": _json, "thinking": _json, "functions": _json},
)


@pytest.mark.parametrize("dialect", [OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES], ids=lambda d: d.name)
@given(body=_bodies)
def test_rules_always_choose_and_always_the_same_or_name_the_clients_fault(
    dialect: Dialect, body: dict[str, Any]
) -> None:
    try:
        request = dialect.decode_request(json.dumps(body).encode(), {})
    except MalformedRequest:
        return
    matcher = rules(*ALL)
    told = [_told(matcher, request), _told(matcher, dialect.decode_request(json.dumps(body).encode(), {}))]

    assert told[0] == told[1]


def _told(matcher: RuleMatcher, request: ChatRequest) -> object:
    try:
        return matcher.route(facts_of(request), FellThrough(profile="rest"))
    except MalformedRequest as error:
        return str(error)
