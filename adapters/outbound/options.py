"""Reads the options that a configuration hands to an adapter, by the adapter's own description of them."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from domain.conversation.extensions import Json
from domain.routing.targets import ProviderSpec

Options = TypeVar("Options")


class OptionsRefused(ValueError):
    """
    Options that do not fit.

    Attributes:
        details: what is wrong, each with the path to it below the options.
        schema: the JSON Schema of what was wanted; empty where it has none.
    """

    def __init__(self, details: Sequence[ErrorDetails], schema: Json) -> None:
        super().__init__("; ".join(map(_in_words, details)))
        self.details = tuple(details)
        self.schema = schema


def options_as(description: type[Options], spec: ProviderSpec) -> Options:
    """
    The provider's options as an instance of ``description``: a dataclass or a pydantic model.

    Types are strict, as in the rest of the file: ``"1"`` is no number. Unknown keys are refused.

    Raises:
        OptionsRefused: to be left alone: the gateway tells every problem with its line in the file.
    """
    wanted = TypeAdapter(description)
    try:
        return wanted.validate_json(
            msgspec.json.encode(spec.options, enc_hook=dict), strict=True, extra="forbid"
        )
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise OptionsRefused(details, _schema(wanted)) from None


def _schema(wanted: "TypeAdapter[Options]") -> Json:
    """For hints only: a type without a schema is as good as any other."""
    try:
        return wanted.json_schema()
    except Exception:  # noqa: BLE001  pydantic and the author's own types raise what they like
        return {}


def _in_words(detail: ErrorDetails) -> str:
    path = ".".join(map(str, detail["loc"]))
    return f"options.{path}: {detail['msg']}" if path else f"options: {detail['msg']}"
