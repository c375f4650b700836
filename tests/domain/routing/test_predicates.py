"""Each question a rule can ask: yes, no, and the edge between them, in every dialect."""

import pytest

from config.patterns import name_pattern, search_pattern
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
from tests.domain.routing.bodies import DIALECTS, Reply, Say, Talk, Use, facts, talk

FENCED = Say(text="```abcd```" + "x" * 10)
"""Exactly half of it is code."""

CASES: dict[str, tuple[Predicate, Talk, bool]] = {
    "an image": (HasImage(), talk(Say(text="see", image=True)), True),
    "an image alone": (HasImage(), talk(Say(image=True)), True),
    "no image": (HasImage(), talk(Say(text="see")), False),
    "an image in an earlier turn": (
        HasImage(), talk(Say(image=True), Reply(), Say(text="thanks")), False,
    ),
    "an image behind tool results": (HasImage(), talk(Say(text="see", image=True), Use()), True),
    "an image that a tool showed": (HasImage(), talk(Say(text="look"), Use(image=True)), False),
    "as much code": (CodeFenceRatioMin(0.5), talk(FENCED), True),
    "a little less code": (CodeFenceRatioMin(0.501), talk(FENCED), False),
    "more code": (CodeFenceRatioMin(0.499), talk(FENCED), True),
    "an unclosed fence": (CodeFenceRatioMin(0.1), talk(Say(text="```python\ncode")), False),
    "any share of nothing": (CodeFenceRatioMin(0.0), talk(Say(text="")), True),
    "some share of nothing": (CodeFenceRatioMin(0.01), talk(Say(text="")), False),
    "code in an earlier turn": (CodeFenceRatioMin(0.3), talk(FENCED, Reply(), Say(text="ok")), False),
    "code behind tool results": (CodeFenceRatioMin(0.5), talk(FENCED, Use(answer="x" * 99)), True),
    "a word": (ContentContains("Traceback"), talk(Say(text="a Traceback here")), True),
    "a word in another case": (ContentContains("traceback"), talk(Say(text="Traceback")), False),
    "a word that a tool said": (ContentContains("boom"), talk(Say(text="go"), Use(answer="boom")), False),
    "a word of the system": (ContentContains("boom"), talk(Say(text="go"), system="boom"), False),
    "a pattern inside": (
        ContentRegex(search_pattern(r"(?i)\brefactor\b")), talk(Say(text="please REFACTOR it")), True,
    ),
    "a pattern that is not there": (
        ContentRegex(search_pattern(r"\brefactor\b")), talk(Say(text="refactoring")), False,
    ),
    "a model's whole name": (
        ModelPattern(name_pattern("claude-.*haiku.*")), Talk(model="claude-haiku-5-5"), True,
    ),
    "a part of a model's name": (ModelPattern(name_pattern("haiku")), Talk(model="claude-haiku-5"), False),
    "no model": (ModelPattern(name_pattern(".*")), Talk(model=""), False),
    "as many tokens": (TokenCountMin(25), talk(Say(text="x" * 100)), True),
    "one token less": (TokenCountMin(25), talk(Say(text="x" * 99)), False),
    "tokens of tool results": (TokenCountMin(250), talk(Say(text="x"), Use(answer="y" * 1000)), True),
    "tokens of the system": (TokenCountMin(250), talk(Say(text="x"), system="y" * 1000), True),
    "tools": (HasTools(), Talk(tools=("read",)), True),
    "no tools": (HasTools(), Talk(), False),
}  # fmt: skip


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES)
def test_a_question_has_the_same_answer_in_every_dialect(case: str, dialect: str) -> None:
    predicate, asked, answer = CASES[case]

    assert predicate.holds(facts(asked, dialect)) is answer
