"""
Says a tool's JSON Schema in the few words that every server understands.

Servers that turn schemas into grammars, or check them by a list of their own, refuse a whole request for one
keyword they do not know. What is left out here only loosens what the model is told; its client still checks
the arguments.
"""

from collections.abc import Mapping
from typing import Any

from domain.conversation.extensions import Json

_KEPT = frozenset(
    {
        "type",
        "description",
        "title",
        "properties",
        "required",
        "items",
        "enum",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
    }
)
_DEEPEST = 32
"""Levels of a schema that are said; below them anything goes."""

_ANYTHING: dict[str, Json] = {}


def plain_schema(schema: Mapping[str, Json]) -> dict[str, Json]:
    """
    The schema without references, alternatives and keywords that servers stumble over.

    ``$ref`` is resolved within the schema, ``allOf`` is joined, of ``anyOf``, ``oneOf`` and a list of types
    the first is taken that is not null, ``const`` becomes an ``enum`` of one.
    """
    return _plain(schema, schema, (), 0)


def _plain(schema: Any, root: Mapping[str, Json], seen: tuple[str, ...], depth: int) -> dict[str, Json]:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return dict(_ANYTHING)
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _referenced(schema, reference, root, seen, depth)
    merged = _one_of(dict(schema))
    return _said(merged, root, seen, depth)


def _referenced(
    schema: Mapping[str, Any], reference: str, root: Mapping[str, Json], seen: tuple[str, ...], depth: int
) -> dict[str, Json]:
    """A schema that refers to itself is told once, and anything goes further down."""
    if reference in seen:
        return dict(_ANYTHING)
    found = _at(root, reference)
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    target = {**found, **beside} if isinstance(found, Mapping) else beside
    return _plain(target, root, (*seen, reference), depth + 1)


def _at(root: Mapping[str, Json], reference: str) -> Any:
    """What a JSON Pointer (RFC 6901) as a fragment refers to; nothing for one that leads elsewhere."""
    if not reference.startswith("#"):
        return None
    found: Any = root
    for step in filter(None, reference[1:].split("/")):
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found


def _one_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its alternatives decided."""
    for part in _listed(schema.pop("allOf", None)):
        schema = _joined(schema, part)
    for word in ("anyOf", "oneOf"):
        alternatives = [each for each in _listed(schema.pop(word, None)) if each.get("type") != "null"]
        if alternatives:
            schema = {**alternatives[0], **schema}
    types = schema.get("type")
    if isinstance(types, list):
        named = [each for each in types if each != "null"]
        schema["type"] = named[0] if named else "null"
    if "const" in schema:
        schema.setdefault("enum", [schema["const"]])
    return schema


def _joined(schema: dict[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    properties = {**_mapping(part.get("properties")), **_mapping(schema.get("properties"))}
    required = [*_names(schema.get("required")), *_names(part.get("required"))]
    joined = {**part, **schema}
    if properties:
        joined["properties"] = properties
    if required:
        joined["required"] = list(dict.fromkeys(required))
    return joined


def _said(
    schema: Mapping[str, Any], root: Mapping[str, Json], seen: tuple[str, ...], depth: int
) -> dict[str, Json]:
    if "$ref" in schema:  # an alternative may itself be a reference
        return _plain(schema, root, seen, depth + 1)
    plain = {key: value for key, value in schema.items() if key in _KEPT}
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        plain["properties"] = {name: _plain(each, root, seen, depth + 1) for name, each in properties.items()}
        known = [name for name in _names(schema.get("required")) if name in properties]
        plain.pop("required", None)
        if known:
            plain["required"] = known
    if "items" in schema:
        items = schema["items"]
        first = items[0] if isinstance(items, list) and items else items
        plain["items"] = _plain(first, root, seen, depth + 1)
    return plain


def _listed(value: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _names(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
