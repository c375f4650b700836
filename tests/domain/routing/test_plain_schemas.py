"""Schemas in few words: all that a model needs, and nothing that a server stumbles over."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.routing.plain_schemas import plain_schema

WORDS = ("$ref", "anyOf", "oneOf", "allOf", "const", "$defs", "additionalProperties", "format", "default")

schemas = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", ["string", "null"], "object"]),
            "$ref": st.sampled_from(
                ["#", "#/$defs/a", "#/nowhere", "http://else.where/x", "#/$defs/a/items"]
            ),
            "const": st.integers(),
            "format": st.just("uri"),
            "additionalProperties": st.booleans(),
            "required": st.lists(st.sampled_from("abc"), max_size=3),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "items": inner | st.lists(inner, max_size=2),
            "anyOf": st.lists(inner, max_size=2),
            "oneOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
            "required": st.lists(st.sampled_from("abc"), max_size=3),
            "$defs": st.dictionaries(st.just("a"), inner, max_size=1),
        },
    ),
    max_leaves=12,
)


def words_of(schema: Any) -> set[str]:
    """Every keyword of it; the names of properties are not keywords."""
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties", {})
    below = [*properties.values(), schema.get("items")]
    return set(schema).union(*map(words_of, below)) if below else set(schema)


@given(schemas)
def test_any_schema_has_a_plain_one(schema: dict[str, Any]) -> None:
    plain = plain_schema(schema)

    assert not words_of(plain) & set(WORDS)
    assert plain_schema(plain) == plain


@given(
    st.recursive(st.none() | st.booleans() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_what_is_no_schema_breaks_nothing(odd: Any) -> None:
    plain_schema({"properties": odd, "items": odd, "anyOf": odd, "type": odd, "required": odd, "$ref": odd})


@pytest.mark.parametrize(
    ("schema", "plain"),
    [
        ({"type": ["string", "null"], "format": "uri"}, {"type": "string"}),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}], "description": "n"}, None),
        ({"const": 3}, {"enum": [3]}),
        ({"allOf": [{"type": "object"}, {"required": ["a"]}], "properties": {"a": {}}}, None),
        (
            {"type": "array", "items": [{"type": "string"}, {}]},
            {"type": "array", "items": {"type": "string"}},
        ),
    ],
)
def test_alternatives_are_decided(schema: dict[str, Any], plain: dict[str, Any] | None) -> None:
    expected = {
        "anyOf": {"type": "integer", "description": "n"},
        "allOf": {"type": "object", "required": ["a"], "properties": {"a": {}}},
    }

    assert plain_schema(schema) == (plain or expected[next(iter(schema))])


def test_references_are_resolved_and_one_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "name": {"type": "string"}}}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"head": {"$ref": "#/$defs/node"}},
        "$defs": {"node": node},
    }

    assert plain_schema(schema) == {
        "type": "object",
        "properties": {
            "head": {"type": "object", "properties": {"next": {}, "name": {"type": "string"}}},
        },
    }


def test_a_required_property_that_is_not_there_is_not_required() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {}}, "required": ["a", "b"]}

    assert plain_schema(schema)["required"] == ["a"]
