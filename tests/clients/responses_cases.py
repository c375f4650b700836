"""What programs do with OpenAI's SDK and Responses."""

import json
from typing import Any

from tests.clients.sdks import SCHEMA, WEATHER, Case, Sdks

TOOLS: Any = [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}]
CASES: list[Case] = []


def case(function: Case) -> Case:
    CASES.append(function)
    return function


@case
def answers(sdks: Sdks) -> None:
    response = sdks.openai.responses.create(
        model=sdks.model, instructions="Be brief.", input="Say hello.", max_output_tokens=16
    )

    assert response.status in {"completed", "incomplete"}
    assert response.output_text
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


@case
def streams(sdks: Sdks) -> None:
    with sdks.openai.responses.stream(model=sdks.model, input="Say hello.", max_output_tokens=16) as stream:
        events = list(stream)
        final = stream.get_final_response() if events[-1].type == "response.completed" else None

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "response.output_text.delta" in {event.type for event in events}
    assert events[-1].type in {"response.completed", "response.incomplete"}
    assert final is None or final.output_text


@case
def makes_a_tool_round_trip(sdks: Sdks) -> None:
    first = sdks.openai.responses.create(
        model=sdks.model,
        input=WEATHER,
        tools=TOOLS,
        tool_choice="required",
        max_output_tokens=128,
    )
    calls = [item for item in first.output if item.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"} for call in calls]
    turns: Any = [*WEATHER, *(item.model_dump(exclude_none=True) for item in first.output), *results]
    second = sdks.openai.responses.create(model=sdks.model, input=turns, tools=TOOLS, max_output_tokens=16)

    assert calls[0].name == "weather"
    assert "city" in json.loads(calls[0].arguments)
    assert second.output_text
