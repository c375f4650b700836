"""It is told in which form a model wrote its calls."""

import pytest

from domain.conversation.reply import Finished, StopReason, TextDelta
from domain.repair.forms import (
    BARE_JSON,
    FENCED_JSON,
    FORMS,
    JSON_IN_TAGS,
    KEY_VALUE_TAGS,
    PARAMETER_TAGS,
    TEMPLATE_TOKENS,
)
from domain.repair.stages import Repaired
from domain.repair.tool_calls import ToolCallRepair
from tests.domain.repair.cases import TOOLS, Case, calls

FAMILIES = {
    "bare": BARE_JSON,
    "fenced": FENCED_JSON,
    "hermes": JSON_IN_TAGS,
    "elements": PARAMETER_TAGS,
    "keyed": KEY_VALUE_TAGS,
    "tokens": TEMPLATE_TOKENS,
}


def remarks(text: str, *, json_wanted: bool = False) -> tuple[object, ...]:
    repair = ToolCallRepair(TOOLS, json_wanted=json_wanted)
    for piece in text:
        repair.feed((TextDelta(piece),))
    repair.feed((Finished(StopReason.END_TURN),))
    return repair.remarks()


@pytest.mark.parametrize("family", FAMILIES)
def test_most_calls_of_a_family_are_of_its_form(family: str) -> None:
    found = [remarks(case.text) for case in calls() if case.name.startswith(f"{family}:")]

    forms = [form for remark in found for each in remark if isinstance(each, Repaired) for form in each.forms]
    assert forms.count(FAMILIES[family]) > len(forms) * 0.8


@pytest.mark.parametrize("case", [case for case in calls() if not case.missed], ids=str)
def test_every_repair_is_remarked_with_its_calls_and_a_known_form(case: Case) -> None:
    (remark,) = remarks(case.text, json_wanted=case.json_wanted)

    assert isinstance(remark, Repaired)
    assert remark.calls == len(case.calls)
    assert remark.forms
    assert set(remark.forms) <= set(FORMS)


def test_an_answer_in_several_forms_has_each_of_them_once() -> None:
    bare = '{"name": "read_file", "arguments": {"path": "a"}}'
    text = f"<tool_call>{bare}</tool_call>\nThen I will read it again.\n```json\n{bare}\n```"

    assert remarks(text) == (Repaired(2, (FENCED_JSON, JSON_IN_TAGS)),)


def test_prose_is_not_remarked_on() -> None:
    assert remarks("There is nothing to call.") == ()
