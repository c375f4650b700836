"""How tokens are to be drawn and in what form to answer, read and written."""

from typing import Any

from adapters.dialects.answer_schemas import read_schema, schema_fields
from adapters.dialects.fields import Fields
from domain.conversation.request import AnswerSchema, Sampling

_WITH_LOGPROBS = "message.output_text.logprobs"
"""What a client lists in ``include`` to be told how likely each token was."""


def read_sampling(fields: Fields) -> Sampling:
    """
    What the fields of a request say about it; those with more to say also stay as they are.

    Raises:
        MalformedRequest: with the place.
    """
    reasoning, text = _object(fields, "reasoning"), _object(fields, "text")
    return Sampling(
        max_output_tokens=fields.optional_count("max_output_tokens"),
        temperature=fields.optional_number("temperature"),
        top_p=fields.optional_number("top_p"),
        reasoning_effort=reasoning.optional_text("effort"),
        verbosity=text.optional_text("verbosity"),
        answer_schema=_answer_schema(text),
        top_logprobs=_top_logprobs(fields),
    )


def sampling_fields(sampling: Sampling) -> dict[str, Any]:
    """The same in return; ``stop``, ``seed``, ``top_k`` and penalties have no word here."""
    effort, others = sampling.reasoning_effort, sampling.top_logprobs
    return {
        "max_output_tokens": sampling.max_output_tokens or None,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "reasoning": None if effort is None else {"effort": effort},
        "text": _text(sampling),
        "include": None if others is None else [_WITH_LOGPROBS],
        "top_logprobs": others,
    }


def _object(fields: Fields, key: str) -> Fields:
    """An object that stays where it is; empty when absent."""
    value = fields.peek(key)
    return Fields({} if value is None else value, key)


def _answer_schema(text: Fields) -> AnswerSchema | None:
    if not text.has("format"):
        return None
    wanted = text.nested("format")
    match wanted.text("type"):
        case "json_schema":
            return read_schema(wanted)
        case "json_object":
            return AnswerSchema()
        case _:
            return None


def _top_logprobs(fields: Fields) -> int | None:
    wanted = Fields({key: fields.peek(key) for key in ("include", "top_logprobs")}, "")
    others = wanted.optional_count("top_logprobs")
    return (others or 0) if _WITH_LOGPROBS in wanted.items("include") else None


def _text(sampling: Sampling) -> dict[str, Any] | None:
    wanted = sampling.answer_schema
    form = {} if wanted is None else {"format": _format(wanted)}
    length = {} if sampling.verbosity is None else {"verbosity": sampling.verbosity}
    return form | length or None


def _format(wanted: AnswerSchema) -> dict[str, Any]:
    if wanted.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", **schema_fields(wanted)}
