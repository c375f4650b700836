"""How a client wants to be answered is said to every upstream that has words for it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect, OutboundDialect, Outgoing, Quirks
from adapters.dialects.ollama_chat.dialect import OLLAMA_CHAT
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from domain.conversation.built import Built
from domain.conversation.request import AnswerSchema, ChatRequest, MalformedRequest, Sampling
from domain.routing.manner import Manner
from domain.routing.shaping import Shaping

POINT: dict[str, Any] = {
    "type": "object",
    "properties": {"x": {"type": "number"}},
    "required": ["x"],
    "additionalProperties": False,
}
HELLO = [{"role": "user", "content": "hi"}]


def chat(**fields: Any) -> ChatRequest:
    body = {"model": "m", "messages": HELLO, **fields}
    return OPENAI_CHAT.decode_request(json.dumps(body).encode(), {})


def messages(**fields: Any) -> ChatRequest:
    body = {"model": "m", "max_tokens": 5, "messages": HELLO, **fields}
    return ANTHROPIC_MESSAGES.decode_request(json.dumps(body).encode(), {})


def responses(**fields: Any) -> ChatRequest:
    return OPENAI_RESPONSES.decode_request(json.dumps({"model": "m", "input": "hi", **fields}).encode(), {})


def sent(request: ChatRequest, dialect: OutboundDialect, **outgoing: Any) -> dict[str, Any]:
    """What an upstream of the dialect is told, apart from the conversation itself."""
    body = dialect.encode_request(Outgoing(request=request, model="m", stream=False, **outgoing))
    envelope = {"model", "messages", "input", "stream", "store"}
    return {field: value for field, value in json.loads(body).items() if field not in envelope}


JSON_SCHEMA = {"type": "json_schema", "json_schema": {"name": "point", "schema": POINT, "strict": True}}
RESPONSES_SCHEMA = {"format": {"type": "json_schema", "name": "point", "schema": POINT, "strict": True}}
MESSAGES_SCHEMA = {"format": {"type": "json_schema", "schema": POINT}}


@pytest.mark.parametrize(
    ("request_", "sampling"),
    [
        (
            chat(response_format=JSON_SCHEMA),
            Sampling(answer_schema=AnswerSchema(schema=POINT, name="point", strict=True)),
        ),
        (chat(response_format={"type": "json_object"}), Sampling(answer_schema=AnswerSchema())),
        (
            chat(response_format={"type": "json_object", "schema": POINT}),
            Sampling(answer_schema=AnswerSchema(schema=POINT)),
        ),
        (chat(response_format={"type": "text"}), Sampling()),
        (chat(response_format={"type": "grammar", "grammar": "root ::= x"}), Sampling()),
        (chat(reasoning_effort="low", verbosity="high"), Sampling(reasoning_effort="low", verbosity="high")),
        (chat(logprobs=True), Sampling(top_logprobs=0)),
        (chat(logprobs=True, top_logprobs=3), Sampling(top_logprobs=3)),
        (chat(logprobs=False, top_logprobs=3), Sampling()),
        (
            chat(presence_penalty=0.5, frequency_penalty=-1),
            Sampling(presence_penalty=0.5, frequency_penalty=-1),
        ),
        (chat(stop="END", seed=7), Sampling(stop=("END",), seed=7)),
        (chat(max_tokens=3, max_completion_tokens=9), Sampling(max_output_tokens=9)),
        (
            messages(output_config={"effort": "xhigh"}),
            Sampling(max_output_tokens=5, reasoning_effort="xhigh"),
        ),
        (
            messages(output_config=MESSAGES_SCHEMA),
            Sampling(max_output_tokens=5, answer_schema=AnswerSchema(schema=POINT)),
        ),
        (
            messages(output_format=MESSAGES_SCHEMA["format"]),
            Sampling(max_output_tokens=5, answer_schema=AnswerSchema(schema=POINT)),
        ),
        (
            responses(reasoning={"effort": "high", "summary": "auto"}, text={"verbosity": "low"}),
            Sampling(reasoning_effort="high", verbosity="low"),
        ),
        (
            responses(top_logprobs=2, include=["message.output_text.logprobs"]),
            Sampling(top_logprobs=2),
        ),
        (responses(top_logprobs=2, include=["reasoning.encrypted_content"]), Sampling()),
    ],
)
def test_a_wish_is_understood(request_: ChatRequest, sampling: Sampling) -> None:
    assert request_.conversation.sampling == sampling


@pytest.mark.parametrize(
    ("dialect", "beneath"),
    [
        (OPENAI_CHAT, {"max_tokens": 7}),
        (OPENAI_RESPONSES, {"max_output_tokens": 7}),
        (OLLAMA_CHAT, {"options": {"num_predict": 7}}),
    ],
    ids=["chat", "responses", "ollama"],
)
def test_a_limit_of_nothing_makes_way_for_the_providers(
    dialect: OutboundDialect, beneath: dict[str, Any]
) -> None:
    """Anthropic has a use for it; to other servers it may mean that there is none."""
    body = sent(messages(max_tokens=0), dialect, extra_body=beneath)

    assert body.items() >= beneath.items()


@pytest.mark.parametrize(
    ("request_", "place"),
    [
        (lambda: chat(response_format="json"), "response_format"),
        (lambda: chat(response_format={"type": "json_schema"}), "response_format.json_schema"),
        (lambda: chat(reasoning_effort=3), "reasoning_effort"),
        (lambda: chat(logprobs="yes"), "logprobs"),
        (lambda: messages(output_config=[]), "output_config"),
        (lambda: messages(output_config={"effort": 1}), "output_config.effort"),
        (lambda: messages(output_config={"format": {}}), "output_config.format.type"),
        (lambda: responses(text={"format": {"type": "json_schema", "schema": 1}}), "text.format.schema"),
        (lambda: responses(reasoning="high"), "reasoning"),
        (lambda: responses(text={"verbosity": 1}), "text.verbosity"),
    ],
)
def test_a_wish_of_the_wrong_type_is_refused_with_its_place(request_: Any, place: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        _ = request_().conversation
    assert refused.value.path == place


ASKING_ALL = Sampling(
    max_output_tokens=64,
    temperature=0.5,
    top_p=0.9,
    top_k=40,
    presence_penalty=0.1,
    frequency_penalty=0.2,
    stop=("END",),
    seed=3,
    reasoning_effort="high",
    verbosity="low",
    answer_schema=AnswerSchema(schema=POINT, name="point", strict=True),
    top_logprobs=2,
)


def asking(sampling: Sampling, dialect: str = "elsewhere") -> ChatRequest:
    content = messages().conversation
    built = Built(type(content)(messages=content.messages, sampling=sampling))
    return ChatRequest(dialect=dialect, model="m", source=built)


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (
            OPENAI_CHAT,
            {
                "max_tokens": 64,
                "temperature": 0.5,
                "top_p": 0.9,
                "presence_penalty": 0.1,
                "frequency_penalty": 0.2,
                "stop": ["END"],
                "seed": 3,
                "reasoning_effort": "high",
                "verbosity": "low",
                "response_format": JSON_SCHEMA,
                "logprobs": True,
                "top_logprobs": 2,
            },
        ),
        (
            ANTHROPIC_MESSAGES,
            {
                "max_tokens": 64,
                "temperature": 0.5,
                "top_p": 0.9,
                "top_k": 40,
                "stop_sequences": ["END"],
                "output_config": {"effort": "high", **MESSAGES_SCHEMA},
            },
        ),
        (
            OPENAI_RESPONSES,
            {
                "max_output_tokens": 64,
                "temperature": 0.5,
                "top_p": 0.9,
                "reasoning": {"effort": "high"},
                "text": {**RESPONSES_SCHEMA, "verbosity": "low"},
                "include": ["message.output_text.logprobs"],
                "top_logprobs": 2,
            },
        ),
        (
            OLLAMA_CHAT,
            {
                "format": POINT,
                "think": True,
                "logprobs": True,
                "top_logprobs": 2,
                "options": {
                    "num_predict": 64,
                    "temperature": 0.5,
                    "top_p": 0.9,
                    "top_k": 40,
                    "presence_penalty": 0.1,
                    "frequency_penalty": 0.2,
                    "seed": 3,
                    "stop": ["END"],
                },
            },
        ),
    ],
    ids=lambda value: value.name if isinstance(value, OutboundDialect) else "",
)
def test_every_wish_is_said_that_the_dialect_has_words_for(
    dialect: OutboundDialect, body: Mapping[str, Any]
) -> None:
    assert sent(asking(ASKING_ALL), dialect) == body


def test_what_a_target_would_refuse_is_not_said() -> None:
    shaping = Shaping(manner=Manner(omits=frozenset({"temperature", "answer_schema"}), effort="medium"))

    told = sent(asking(ASKING_ALL), ANTHROPIC_MESSAGES, shaping=shaping)

    assert "temperature" not in told
    assert told["output_config"] == {"effort": "medium"}


@pytest.mark.parametrize(
    ("effort", "config"), [("none", None), ("minimal", {"effort": "low"}), ("max", {"effort": "max"})]
)
def test_anthropics_efforts_begin_at_low(effort: str, config: object) -> None:
    assert sent(chat(reasoning_effort=effort), ANTHROPIC_MESSAGES).get("output_config") == config


def test_any_json_at_all_is_no_wish_that_anthropic_knows() -> None:
    assert "output_config" not in sent(chat(response_format={"type": "json_object"}), ANTHROPIC_MESSAGES)


@pytest.mark.parametrize(
    ("effort", "levels", "think"),
    [("none", False, False), ("high", False, True), ("none", True, False), ("high", True, "high")],
)
def test_ollama_is_told_a_level_only_for_a_model_that_has_levels(
    effort: str, levels: bool, think: object
) -> None:
    quirks = Quirks(thinking_levels=levels)

    assert sent(responses(reasoning={"effort": effort}), OLLAMA_CHAT, quirks=quirks)["think"] == think


OWN_WORDS = [
    (chat(response_format=JSON_SCHEMA, reasoning_effort="low", logprobs=True, top_logprobs=2), OPENAI_CHAT),
    (chat(response_format={"type": "grammar", "grammar": "x"}, parallel_tool_calls=True), OPENAI_CHAT),
    (chat(response_format={"type": "json_object", "schema": POINT}), OPENAI_CHAT),
    (messages(output_config={"effort": "max", "task_budget": {"type": "tokens"}}), ANTHROPIC_MESSAGES),
    (messages(output_format=MESSAGES_SCHEMA["format"]), ANTHROPIC_MESSAGES),
    (
        responses(
            text={"verbosity": "low", **RESPONSES_SCHEMA}, reasoning={"summary": "auto", "effort": "low"}
        ),
        OPENAI_RESPONSES,
    ),
]


@pytest.mark.parametrize(("request_", "dialect"), OWN_WORDS)
def test_a_request_that_is_built_anew_at_home_says_what_it_said(
    request_: ChatRequest, dialect: Dialect
) -> None:
    """Also what only that vendor knows, beside what has neutral words."""
    anew = ChatRequest(dialect=dialect.name, model="m", source=Built(request_.conversation))
    said = {
        field: value for field, value in sent(request_, dialect).items() if field != "parallel_tool_calls"
    }

    assert sent(anew, dialect) == said


def samplings(**fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Sampling]:
    schema = st.builds(AnswerSchema, schema=st.just(POINT), name=st.just("answer"))
    every: dict[str, st.SearchStrategy[Any]] = {
        "max_output_tokens": st.none() | st.integers(1, 10**6),
        "temperature": st.none() | st.floats(0, 1),
        "top_p": st.none() | st.floats(0, 1),
        "reasoning_effort": st.none() | st.sampled_from(["low", "medium", "high", "xhigh", "max"]),
        "answer_schema": st.none() | schema,
    }
    return st.builds(Sampling, **(every | fixed))


IN_OPENAIS_DIALECTS = samplings(
    verbosity=st.none() | st.sampled_from(["low", "medium", "high"]),
    top_logprobs=st.none() | st.integers(0, 20),
    answer_schema=st.none()
    | st.builds(
        AnswerSchema,
        schema=st.just(POINT),
        name=st.just("point"),
        description=st.none() | st.text(min_size=1),
        strict=st.none() | st.booleans(),
    )
    | st.just(AnswerSchema()),
)


def through(sampling: Sampling, *dialects: Dialect) -> Sampling:
    """The wishes as they arrive after they have been said in one dialect after the other."""
    request = asking(sampling)
    for dialect in dialects:
        body = dialect.encode_request(Outgoing(request=request, model="m", stream=False))
        request = dialect.decode_request(body, {})
    return request.conversation.sampling


@given(IN_OPENAIS_DIALECTS)
def test_any_wish_survives_between_the_dialects_of_openai(sampling: Sampling) -> None:
    assert through(sampling, OPENAI_RESPONSES, OPENAI_CHAT, OPENAI_RESPONSES) == sampling


@given(samplings(max_output_tokens=st.integers(1, 10**6)))
def test_any_wish_survives_among_all_dialects(sampling: Sampling) -> None:
    assert through(sampling, OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES, OPENAI_CHAT) == sampling
