"""The form that an answer shall have, in the words that OpenAI's dialects share."""

from typing import Any

from adapters.dialects.fields import Fields
from domain.conversation.request import AnswerSchema


def read_schema(fields: Fields) -> AnswerSchema:
    """A schema and what is said of it."""
    return AnswerSchema(
        name=fields.optional_text("name"),
        description=fields.optional_text("description"),
        schema=fields.optional_object("schema"),
        strict=fields.optional_flag("strict"),
    )


def schema_fields(wanted: AnswerSchema) -> dict[str, Any]:
    """The same in return; a schema must have a name here."""
    said = {"description": wanted.description, "strict": wanted.strict}
    told = {key: value for key, value in said.items() if value is not None}
    return {"name": wanted.name or "answer", "schema": wanted.schema, **told}
