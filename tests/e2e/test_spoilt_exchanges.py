"""
Whatever a client or an upstream says, a client is answered in its language, and nothing breaks in between.

What is said is what real programs said, changed a little in a few places.
"""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.dialects.recorded import Recording, recordings
from tests.e2e.clients import TLS, forgive
from tests.e2e.gateway import Gateway, only
from tests.e2e.stage import Stage
from tests.upstream.behaviours import Raw
from tests.upstream.spoiling import spoilt, spoilt_stream

PATHS: Mapping[str, str] = {
    "openai_chat": "/v1/chat/completions",
    "anthropic_messages": "/v1/messages",
    "openai_responses": "/v1/responses",
}
MODELS = ("first-openai_compat", "first-anthropic")
REQUESTS = [each for each in recordings("request.json") if len(each.data) < 60_000]
ANSWERS = [each for each in recordings("upstream.*") if each.dialect.name != "openai_responses"]

COMPLETE: Mapping[str, tuple[str, ...]] = {
    "openai_chat": ("data: [DONE]\n",),
    "anthropic_messages": ("event: message_stop\n",),
    "openai_responses": ("event: response.completed\n", "event: response.incomplete\n"),
}
FAILED: Mapping[str, str] = {
    "openai_chat": 'data: {"error":',
    "anthropic_messages": "event: error\n",
    "openai_responses": "event: response.failed\n",
}

PARAMETERS = {"type": "object", "properties": {"command": {"type": "string"}}}
QUESTIONS: Mapping[str, dict[str, Any]] = {
    "openai_chat": {
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "Bash", "parameters": PARAMETERS}}],
    },
    "anthropic_messages": {
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"name": "Bash", "input_schema": PARAMETERS}],
    },
    "openai_responses": {
        "input": "hi",
        "tools": [{"type": "function", "name": "Bash", "parameters": PARAMETERS}],
    },
}


@pytest.mark.parametrize("model", MODELS)
def test_no_request_is_a_fault_of_the_gateway(gateway: Gateway, stage: Stage, model: str) -> None:
    with httpx.Client(base_url=gateway.address, timeout=30, verify=TLS) as http:

        @settings(max_examples=250, derandomize=True)
        @given(request=st.sampled_from(REQUESTS), random=st.randoms(use_true_random=False))
        def is_answered(request: Recording, random: Random) -> None:
            asked = spoilt(json.loads(request.data), random)
            asked = {**asked, "model": model} if isinstance(asked, dict) else asked
            answer = http.post(PATHS[request.dialect.name], content=json.dumps(asked))
            assert answer.status_code < 500, answer.text

        is_answered()

    assert only(gateway.events(), "internal-fault") == []


@pytest.mark.parametrize("asks", QUESTIONS)
def test_no_answer_is_a_fault_of_the_gateway_and_each_stream_ends_in_one_way(
    gateway: Gateway, stage: Stage, asks: str
) -> None:
    with httpx.Client(base_url=gateway.address, timeout=30, verify=TLS) as http:

        @settings(max_examples=250, derandomize=True)
        @given(answer=st.sampled_from(ANSWERS), random=st.randoms(use_true_random=False))
        def is_told(answer: Recording, random: Random) -> None:
            stage.plays(first=said(answer, random))
            model = MODELS[answer.dialect.name == "anthropic_messages"]
            streams = not answer.data.startswith(b"{")
            told = http.post(PATHS[asks], json={**QUESTIONS[asks], "model": model, "stream": streams})
            assert told.status_code in {200, 502, 503, 529}, told.text
            if streams and told.status_code == 200:
                is_complete = any(word in told.text for word in COMPLETE[asks])
                assert is_complete is (FAILED[asks] not in told.text), told.text

        is_told()

    forgive(gateway)
    assert only(gateway.events(), "internal-fault") == []


def said(answer: Recording, random: Random) -> Raw:
    if answer.data.startswith(b"{"):
        body = json.dumps(spoilt(json.loads(answer.data), random)).encode()
        return Raw(pieces=(body,), content_type="application/json")
    return Raw(pieces=(spoilt_stream(answer.data, random),), content_type="text/event-stream")
