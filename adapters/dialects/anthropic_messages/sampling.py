"""How tokens are to be drawn and in what form to answer, read and written."""

from typing import Any

from adapters.dialects.anthropic_messages.answer_schema import bindable
from adapters.dialects.fields import Fields, expected
from domain.conversation.request import AnswerSchema, Sampling

_NO_THINKING = "none"
_LEAST = "minimal"
"""OpenAI's words for no thinking and for less than ``low``, which is the least here."""


def read_sampling(fields: Fields) -> Sampling:
    """
    What the fields of a request say about it; those with more to say also stay as they are.

    Raises:
        MalformedRequest: with the place.
    """
    config = _object(fields, "output_config")
    return Sampling(
        max_output_tokens=fields.optional_count("max_tokens"),
        temperature=fields.optional_number("temperature"),
        top_p=fields.optional_number("top_p"),
        top_k=fields.optional_count("top_k"),
        stop=_stop(fields.items("stop_sequences")),
        reasoning_effort=config.optional_text("effort"),
        answer_schema=_answer_schema(config, "format") or _answer_schema(fields, "output_format"),
    )


def sampling_fields(sampling: Sampling, *, at_home: bool) -> dict[str, Any]:
    """
    The same in return, but for ``output_config``, which a request of this dialect has kept.

    A seed, penalties and likelihoods have no word here. What a request of another dialect says too much of is
    brought within bounds.
    """
    told = {
        "max_tokens": sampling.max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop_sequences": list(sampling.stop),
    }
    return told if at_home else told | _within_bounds(sampling)


def _within_bounds(sampling: Sampling) -> dict[str, Any]:
    temperature = sampling.temperature
    return {
        "max_tokens": sampling.max_output_tokens or None,
        "temperature": None if temperature is None else min(max(temperature, 0), 1),
        "stop_sequences": [sequence for sequence in sampling.stop if sequence.strip()],
        "output_config": _output_config(sampling) or None,
    }


def _output_config(sampling: Sampling) -> dict[str, Any]:
    """Any object that is JSON cannot be asked for, only one by a schema."""
    effort, wanted = sampling.reasoning_effort, sampling.answer_schema
    told: dict[str, Any] = {}
    if effort is not None and effort != _NO_THINKING:
        told["effort"] = "low" if effort == _LEAST else effort
    if wanted is not None and wanted.schema is not None:
        told["format"] = {"type": "json_schema", "schema": bindable(wanted.schema)}
    return told


def _object(fields: Fields, key: str) -> Fields:
    """An object that stays where it is; empty when absent."""
    value = fields.peek(key)
    return Fields({} if value is None else value, fields.path(key))


def _answer_schema(fields: Fields, key: str) -> AnswerSchema | None:
    if not fields.has(key):
        return None
    wanted = _object(fields, key)
    if wanted.text("type") != "json_schema":
        return None
    return AnswerSchema(schema=wanted.optional_object("schema"))


def _stop(values: list[Any]) -> tuple[str, ...]:
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise expected(f"stop_sequences[{index}]", "a string", value)
    return tuple(values)
