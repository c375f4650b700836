"""What a target must not see goes; every other byte of the client's request stays."""

import json
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.request import decode_request, encode_request
from adapters.dialects.dialect import Outgoing
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from domain.routing.shaping import Omission, Shaping, shaping_for
from domain.routing.targets import ProviderSpec
from tests.domain.routing.bodies import facts_of

LINE = "x-anthropic-billing-header: cc_version=2.1.98; cc_entrypoint=cli; cch=00000;"
UNATTRIBUTED = Shaping(omits=frozenset({Omission.ATTRIBUTION}))
TURNS = '"messages": [ {"role":"user",  "content":"h\\u0069"} ]'


def body(**members: Any) -> bytes:
    told = "".join(f', "{name}": {json.dumps(value)}' for name, value in members.items())
    return f'{{"model": "m", "max_tokens": 9000, {TURNS}{told}}}'.encode()


def sent(given: bytes, shaping: Shaping, suffix: str = "") -> bytes:
    request = decode_request(given, {})
    return encode_request(
        Outgoing(request=request, model="m", stream=False, system_suffix=suffix, shaping=shaping)
    )


@pytest.mark.parametrize(
    ("system", "left"),
    [
        (LINE, None),
        (f"{LINE}\nYou code.", "You code."),
        ([{"type": "text", "text": LINE}], None),
        (
            [
                {"type": "text", "text": LINE},
                {"type": "text", "text": "You code.", "cache_control": {"a": 1}},
            ],
            [{"type": "text", "text": "You code.", "cache_control": {"a": 1}}],
        ),
        ([{"type": "text", "text": f"{LINE}\nYou code."}], [{"type": "text", "text": "You code."}]),
        ("You code.", "You code."),
        ([], []),
    ],
)
def test_the_line_about_the_client_goes_from_instructions_of_either_form(system: Any, left: Any) -> None:
    given = body(system=system)
    leaves = sent(given, UNATTRIBUTED)

    assert json.loads(leaves).get("system") == left
    assert TURNS.encode() in leaves
    assert (leaves == given) is (left == system)


def test_what_the_configuration_adds_still_comes_after_the_rest() -> None:
    blocks = [{"type": "text", "text": LINE}, {"type": "text", "text": "You code."}]

    assert json.loads(sent(body(system=blocks), UNATTRIBUTED, "Be brief."))["system"] == [
        {"type": "text", "text": "You code."},
        {"type": "text", "text": "Be brief."},
    ]
    assert json.loads(sent(body(system=LINE), UNATTRIBUTED, "Be brief."))["system"] == "Be brief."


def test_anthropic_gets_every_byte() -> None:
    given = body(system=[{"type": "text", "text": LINE}])

    assert sent(given, Shaping()) == given


def test_the_line_about_the_client_does_not_reach_another_dialect_either() -> None:
    request = decode_request(body(system=[{"type": "text", "text": LINE}]), {})
    leaves = OPENAI_CHAT.encode_request(
        Outgoing(request=request, model="m", stream=False, shaping=UNATTRIBUTED)
    )

    assert b"billing" not in leaves


def test_a_request_to_think_goes_and_the_rest_keeps_its_bytes() -> None:
    asked = body(thinking={"type": "enabled", "budget_tokens": 2000})
    leaves = sent(asked, Shaping(omits=frozenset({Omission.THINKING_REQUEST})))

    assert leaves == body()


def test_an_output_limit_is_lowered_in_place() -> None:
    assert sent(body(), Shaping(most_output_tokens=100)) == body().replace(b"9000", b"100")
    assert sent(body(), Shaping(most_output_tokens=9000)) == body()


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_an_output_limit_of_a_chat_request_is_lowered_under_either_name(name: str) -> None:
    given = f'{{"model": "m", "{name}": 9000, "messages": [{{"role": "user", "content": "hi"}}]}}'
    request = OPENAI_CHAT.decode_request(given.encode(), {})
    outgoing = Outgoing(request=request, model="m", stream=False, shaping=Shaping(most_output_tokens=100))

    leaves = json.loads(OPENAI_CHAT.encode_request(outgoing))

    assert leaves["max_tokens"] == 100
    assert "max_completion_tokens" not in leaves


def test_past_thinking_goes_and_calls_and_words_stay() -> None:
    turn = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "yes"},
    ]
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": turn}]
    given = json.dumps({"model": "m", "max_tokens": 9, "messages": [*messages, messages[0]]}).encode()

    leaves = json.loads(sent(given, Shaping(omits=frozenset({Omission.PAST_THINKING}))))

    kinds = [block["type"] for message in leaves["messages"] for block in message["content"]]
    assert kinds == ["text", "text", "text"]


def test_a_budget_for_thinking_is_changed_in_place() -> None:
    asked = body(thinking={"type": "enabled", "budget_tokens": 5000})

    assert sent(asked, Shaping(thinking_budget=1875)) == asked.replace(
        b'{"type": "enabled", "budget_tokens": 5000}', b'{"type":"enabled","budget_tokens":1875}'
    )


def test_a_budget_for_thinking_is_changed_in_a_body_that_is_written_anew_as_well() -> None:
    asked = body(thinking={"type": "enabled", "budget_tokens": 5000})
    anew = Shaping(thinking_budget=1875, omits=frozenset({Omission.PAST_THINKING}))

    assert json.loads(sent(asked, anew))["thinking"] == {"type": "enabled", "budget_tokens": 1875}


@pytest.mark.parametrize("rest", [{}, {"format": {"type": "json_schema", "schema": {}}}])
@pytest.mark.parametrize("omits", [frozenset(), frozenset({Omission.PAST_THINKING})])
def test_a_field_of_an_object_goes_without_the_others(rest: Any, omits: frozenset[Omission]) -> None:
    asked = body(output_config={"effort": "high", **rest})
    shaping = Shaping(without_fields=frozenset({"output_config.effort"}), omits=omits)

    assert json.loads(sent(asked, shaping)).get("output_config") == (rest or None)


def test_an_object_without_the_field_that_goes_keeps_its_bytes() -> None:
    asked = body(output_config={"format": {"type": "json_schema"}})

    assert sent(asked, Shaping(without_fields=frozenset({"output_config.effort"}))) == asked


ANTHROPIC = ProviderSpec(name="a", adapter="anthropic", base_url="https://api.anthropic.com")
MARK = {"cache_control": {"type": "ephemeral"}}


def marked(turns: int, **members: Any) -> bytes:
    """Every turn marked, beside a tool and instructions that are, too."""
    said = [{"role": "user", "content": [{"type": "text", "text": f"{n}", **MARK}]} for n in range(turns)]
    tools = [{"name": "a", "input_schema": {"type": "object"}, **MARK}]
    system = [{"type": "text", "text": "You code.", **MARK}]
    told = {"model": "m", "max_tokens": 9, "system": system, "tools": tools, "messages": said, **members}
    return json.dumps(told).encode()


@pytest.mark.parametrize(("turns", "members", "left"), [(7, {}, 4), (7, MARK, 4), (2, {}, 4)])
def test_no_more_breakpoints_leave_than_are_taken_and_the_last_ones_stay(
    turns: int, members: Any, left: int
) -> None:
    given = marked(turns, **members)
    facts = facts_of(decode_request(given, {}))
    shaping = shaping_for(facts, ANTHROPIC, "anthropic_messages")

    leaves = sent(given, shaping)

    assert leaves.count(b'"cache_control"') == left
    assert json.loads(leaves)["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert (leaves == given) is (turns == 2)
