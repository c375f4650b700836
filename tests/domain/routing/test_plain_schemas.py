"""Schemas in few words: all that a model needs, and nothing that a server stumbles over."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.routing.plain_schemas import MOST_REFERENCED, plain_schema, plain_schemas

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
            "head": {
                "type": "object",
                "properties": {"next": {"type": "object"}, "name": {"type": "string"}},
            },
        },
    }


def test_a_required_property_that_is_not_there_is_not_required() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {}}, "required": ["a", "b"]}

    assert plain_schema(schema)["required"] == ["a"]


def test_references_that_fan_out_cost_no_more_than_an_allowance() -> None:
    def level(below: int) -> dict[str, Any]:
        many = {name: {"$ref": f"#/$defs/d{below}"} for name in "abcdefgh"}
        return {"type": "object", "properties": many}

    defs: dict[str, Any] = {f"d{n}": level(n - 1) for n in range(1, 8)}
    defs["d0"] = {"type": "string", "description": "x" * 50}

    before = time.process_time()
    plain: Any = plain_schema({**level(7), "$defs": defs})

    assert time.process_time() - before < 5  # 16 million strings would take longer
    assert len(json.dumps(plain)) < 4 * MOST_REFERENCED
    assert plain["properties"]["h"]["type"] == "object"  # past the allowance the bare type is left


def test_all_schemas_of_a_request_share_one_allowance() -> None:
    whole: dict[str, Any] = {
        "$ref": "#/$defs/a",
        "$defs": {"a": {"type": "string", "description": "x" * 1000}},
    }

    plain, untold = plain_schemas([whole] * 1000)

    assert untold
    assert len(json.dumps(plain)) < 4 * MOST_REFERENCED
    assert plain[0]["description"] == "x" * 1000
    assert plain[-1] == {"type": "string"}


def test_a_large_schema_without_references_is_told_whole() -> None:
    fields = {f"field_{n}": {"type": "string", "description": "x" * 100} for n in range(5_000)}
    schema: dict[str, Any] = {"type": "object", "properties": fields}

    assert plain_schemas([schema]) == ([schema], False)


def test_joining_many_parts_takes_linear_time() -> None:
    parts: list[Any] = [{"properties": {f"p{n}": {}}, "required": [f"p{n}"]} for n in range(20_000)]

    before = time.process_time()
    plain: Any = plain_schema({"allOf": parts})

    assert len(plain["properties"]) == len(plain["required"]) == 20_000
    assert time.process_time() - before < 5


EVERY_WORD = [*WORDS, "properties", "items", "required", "type", "enum", "description", "a", "b"]
any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["#", "#/$defs/a", "#/a/b", "#/items", "#/nowhere"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(EVERY_WORD), inner, max_size=6)
    ),
    max_leaves=60,
)


@given(st.dictionaries(st.sampled_from(EVERY_WORD), any_json, max_size=9))
def test_no_json_is_told_at_more_than_its_size_and_the_allowance(schema: dict[str, Any]) -> None:
    (plain,), _ = plain_schemas([schema], allowance=100)

    assert len(json.dumps(plain)) <= 4 * (len(json.dumps(schema)) + 100)


@pytest.mark.parametrize(
    ("schema", "untold"),
    [
        ({"$ref": "#/nowhere"}, True),
        ({"$ref": "https://else.where/schema"}, True),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}}, True),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}, False),
        ({"type": "object"}, False),
    ],
)
def test_it_is_known_whether_a_reference_led_nowhere(schema: dict[str, Any], untold: bool) -> None:
    assert plain_schemas([schema])[1] is untold


DEFINED: dict[str, Any] = {
    "$defs": {
        "a": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
        "b": {"allOf": [{"properties": {"y": {"type": "integer"}}}, {"required": ["y"]}]},
        "self": {"allOf": [{"$ref": "#/$defs/self"}, {"$ref": "#/$defs/a"}]},
    }
}


@pytest.mark.parametrize(
    ("schema", "plain", "untold"),
    [
        (
            {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "properties": {"z": {}}},
            {
                "type": "object",
                "properties": {"z": {}, "x": {"type": "string"}, "y": {"type": "integer"}},
                "required": ["x", "y"],
            },
            False,
        ),
        (
            {"anyOf": [{"oneOf": [{"type": "null"}, {"anyOf": [{"type": "string"}]}]}]},
            {"type": "string"},
            False,
        ),
        (
            {"anyOf": [{"allOf": [{"type": "string"}, {"enum": ["q"]}]}]},
            {"type": "string", "enum": ["q"]},
            False,
        ),
        ({"$ref": "#/$defs/self"}, DEFINED["$defs"]["a"], True),
    ],
)
def test_what_is_put_together_of_several_is_told_whole(
    schema: dict[str, Any], plain: dict[str, Any], untold: bool
) -> None:
    assert plain_schemas([{**schema, **DEFINED}]) == ([plain], untold)


def test_alternatives_of_alternatives_without_end_are_not_left_out_unsaid() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        schema = {"anyOf": [schema]}

    assert plain_schemas([schema]) == ([{}], True)


def test_parts_that_refer_to_each_other_end_in_time() -> None:
    several = {"allOf": [{"$ref": f"#/$defs/d{n}"} for n in range(40)]}
    fanning: dict[str, Any] = {**several, "$defs": {f"d{n}": several for n in range(40)}}

    before = time.process_time()
    _, untold = plain_schemas([fanning])

    assert untold
    assert time.process_time() - before < 5
