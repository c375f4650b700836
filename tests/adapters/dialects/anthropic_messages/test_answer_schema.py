"""A schema from elsewhere becomes one that Anthropic takes, and means no more and no less than it can."""

from typing import Any

import pytest
from anthropic import transform_schema
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.anthropic_messages.answer_schema import bindable

STRING = {"type": "string"}


def test_objects_are_closed_wherever_they_stand() -> None:
    inner = {"type": "object", "properties": {"b": STRING}}
    schema = {
        "type": "object",
        "properties": {"a": inner, "many": {"type": "array", "items": inner}},
        "$defs": {"c": inner},
        "anyOf": [inner],
    }

    told = bindable(schema)

    closed = {**inner, "additionalProperties": False}
    assert told["additionalProperties"] is False
    assert told["properties"] == {"a": closed, "many": {"type": "array", "items": closed}}
    assert (told["$defs"], told["anyOf"]) == ({"c": closed}, [closed])


def test_an_open_object_is_closed() -> None:
    assert bindable({"type": "object", "additionalProperties": STRING}) == {
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "integer", "minimum": 1}, {"type": "integer", "description": "{minimum: 1}"}),
        (
            {"type": "string", "maxLength": 9, "description": "A name."},
            {"type": "string", "description": "A name.\n\n{maxLength: 9}"},
        ),
        ({"type": "string", "format": "email"}, {"type": "string", "format": "email"}),
        ({"type": "string", "format": "iban"}, {"type": "string", "description": "{format: iban}"}),
        (
            {"type": "array", "minItems": 1, "items": STRING},
            {"type": "array", "minItems": 1, "items": STRING},
        ),
        ({"type": "array", "minItems": 2}, {"type": "array", "description": "{minItems: 2}"}),
        ({"oneOf": [STRING, {"type": "null"}]}, {"anyOf": [STRING, {"type": "null"}]}),
        (
            {"type": ["string", "null"], "enum": ["a", None]},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        (
            {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": "#/$defs/a"},
            {"$ref": "#/$defs/a"},
        ),
        ({"properties": {"$ref": STRING}}, {"properties": {"$ref": STRING}, "additionalProperties": False}),
    ],
)
def test_what_cannot_be_enforced_is_said_in_words(schema: Any, told: Any) -> None:
    assert bindable(schema) == told


SCHEMAS = st.recursive(
    st.sampled_from([STRING, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]),
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items}, inner)
        | st.builds(lambda variants: {"anyOf": variants}, st.lists(inner, min_size=1, max_size=3))
        | st.builds(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": sorted(properties),
                "additionalProperties": False,
            },
            st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
        )
    ),
    max_leaves=6,
)


@given(SCHEMAS)
def test_a_schema_that_anthropics_sdk_would_send_stays_as_it_is(schema: dict[str, Any]) -> None:
    assert bindable(schema) == schema == transform_schema(schema)
