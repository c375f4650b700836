"""How tokens are to be drawn and in what form to answer, read and written."""

from typing import Any

from adapters.dialects.answer_schemas import read_schema, schema_fields
from adapters.dialects.fields import Fields, expected
from domain.conversation.request import AnswerSchema, Sampling


def read_sampling(fields: Fields) -> Sampling:
    """
    What the fields of a request say about it.

    ``response_format`` also stays as it is, as servers know more forms than have neutral words.

    Raises:
        MalformedRequest: with the place.
    """
    newer = fields.optional_limit("max_completion_tokens") or None
    older = fields.optional_limit("max_tokens") or None
    return Sampling(
        max_output_tokens=older if newer is None else newer,
        temperature=fields.optional_number("temperature"),
        top_p=fields.optional_number("top_p"),
        top_k=fields.optional_count("top_k"),
        presence_penalty=fields.optional_number("presence_penalty"),
        frequency_penalty=fields.optional_number("frequency_penalty"),
        stop=_stop(fields),
        seed=fields.optional_count("seed"),
        reasoning_effort=fields.optional_text("reasoning_effort"),
        verbosity=fields.optional_text("verbosity"),
        answer_schema=_answer_schema(fields.peek("response_format")),
        top_logprobs=_top_logprobs(fields),
    )


def sampling_fields(sampling: Sampling, limit_field: str, *, native: bool) -> dict[str, Any]:
    """
    The same in return.

    Args:
        limit_field: the name that the server has for the output limit.
        native: the request came in this dialect; ``top_k`` is no word of the dialect itself, though many
            servers know it.
    """
    told = {
        limit_field: sampling.max_output_tokens or None,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k if native else None,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "stop": list(sampling.stop) or None,
        "seed": sampling.seed,
        "reasoning_effort": sampling.reasoning_effort,
        "verbosity": sampling.verbosity,
        "response_format": _response_format(sampling.answer_schema),
        "logprobs": None if sampling.top_logprobs is None else True,
        "top_logprobs": sampling.top_logprobs or None,
    }
    return {field: value for field, value in told.items() if value is not None}


def _stop(fields: Fields) -> tuple[str, ...]:
    path = fields.path("stop")
    match fields.anything("stop"):
        case None:
            return ()
        case str(stop):
            return (stop,)
        case [*stops] if all(isinstance(stop, str) for stop in stops):
            return tuple(stops)
        case other:
            raise expected(path, "a string or a list of strings", other)


def _top_logprobs(fields: Fields) -> int | None:
    wanted, others = fields.optional_flag("logprobs"), fields.optional_count("top_logprobs")
    return (others or 0) if wanted else None


def _answer_schema(value: Any) -> AnswerSchema | None:
    if value is None:
        return None
    wanted = Fields(value, "response_format")
    match wanted.text("type"):
        case "json_schema":
            return read_schema(wanted.nested("json_schema"))
        case "json_object":
            return AnswerSchema(schema=_schema_of_llama_cpp(wanted))
        case _:
            return None


def _schema_of_llama_cpp(wanted: Fields) -> Any:
    """It takes a schema beside ``json_object`` as well."""
    return wanted.optional_object("schema")


def _response_format(wanted: AnswerSchema | None) -> dict[str, Any] | None:
    if wanted is None:
        return None
    if wanted.schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": schema_fields(wanted)}
