"""
Says a tool's JSON Schema in the few words that every server understands.

Servers that turn schemas into grammars, or check them by a list of their own, refuse a whole request for one
keyword they do not know. What is left out here only loosens what the model is told; its client still checks
the arguments.
"""

from collections.abc import Iterable, Mapping, Sequence
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

MOST_REFERENCED = 64 * 1024
"""
How many characters references may add to all the schemas of a request.

A tool's arguments take a few thousand. A schema whose definitions refer to each other several times each
grows by a power of their number, and two kilobytes of it would be millions.
"""

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_EFFORT = 32
"""What following a reference counts as, however little it leads to."""

_PUNCTUATION = 6
"""Characters that a value takes in JSON besides its words, or that a short one takes as a whole."""


def plain_schema(schema: Mapping[str, Json]) -> dict[str, Json]:
    """
    The schema without references, alternatives and keywords that servers stumble over.

    ``$ref`` is resolved within the schema, ``allOf`` is joined, of ``anyOf``, ``oneOf`` and a list of types
    the first is taken that is not null, ``const`` becomes an ``enum`` of one.
    """
    (plain,), _ = plain_schemas([schema])
    return plain


def plain_schemas(
    schemas: Iterable[Mapping[str, Json]], allowance: int = MOST_REFERENCED
) -> tuple[list[dict[str, Json]], bool]:
    """
    Each of a request's schemas in plain words, and whether some of them could not be said.

    Of a reference to itself or to what is not there, and of all once the allowance is used up, no more than
    the type is said.

    Args:
        schemas: any JSON objects; what is no schema in them is left out.
        allowance: how many characters references may add to all of them together.
    """
    left = _Allowance(allowance)
    return [_Plain(schema, left).said() for schema in schemas], left.was_missed


class _Allowance:
    """What references may still add, in characters, and whether anything was left unsaid for want of it."""

    def __init__(self, characters: int) -> None:
        self._left = characters
        self.was_missed = False

    def __repr__(self) -> str:
        return f"<_Allowance of {self._left} more characters>"

    def pays_for(self, value: Any) -> bool:
        """Whether the value may be said once more; counting it ends where the allowance does."""
        self._left -= _EFFORT
        waiting = [value]
        while waiting and self._left > 0:
            found = waiting.pop()
            self._left -= _PUNCTUATION + (len(found) if isinstance(found, str) else 0)
            if isinstance(found, Mapping):
                self._left -= sum(map(len, found)) + _PUNCTUATION * len(found)
                waiting += found.values()
            elif isinstance(found, list | tuple):
                waiting += found
        return self._left > 0


class _Plain:
    """Writes one schema."""

    def __init__(self, root: Mapping[str, Json], allowance: _Allowance) -> None:
        self._root = root
        self._allowance = allowance

    def __repr__(self) -> str:
        return f"<_Plain {self._allowance!r}>"

    def said(self) -> dict[str, Json]:
        return self._said(self._root, (), 0)

    def _said(self, schema: Any, seen: tuple[str, ...], depth: int) -> dict[str, Json]:
        if not isinstance(schema, Mapping):
            return {}
        if depth > _DEEPEST:
            return self._sketched(schema)
        if not isinstance(schema.get("$ref"), str):
            schema, seen = self._all_of(schema, seen, depth)
            schema = _one_of(schema)
        if isinstance(schema.get("$ref"), str):  # an alternative may itself be one
            target, seen = self._target(schema, seen)
            return self._said(target, seen, depth + 1)
        if "allOf" in schema:  # or be joined from parts
            return self._said(schema, seen, depth + 1)
        return self._written(schema, seen, depth)

    def _all_of(
        self, schema: Mapping[str, Any], seen: tuple[str, ...], depth: int
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The schema joined with its parts, and what has been referred to in that."""
        joined = dict(schema)
        parts = []
        for each in _listed(joined.pop("allOf", None)):
            part, seen = self._part(each, seen, depth)
            parts.append(part)
        return (_joined(joined, parts) if parts else joined), seen

    def _part(
        self, part: dict[str, Any], seen: tuple[str, ...], depth: int
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        while isinstance(part.get("$ref"), str):
            part, seen = self._target(part, seen)
        return self._all_of(part, seen, depth + 1) if "allOf" in part and depth <= _DEEPEST else (part, seen)

    def _target(
        self, schema: Mapping[str, Any], seen: tuple[str, ...]
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What is referred to; what stands beside a reference is said in any case, as it stands but once."""
        reference = schema["$ref"]
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        found = _at(self._root, reference)
        if not isinstance(found, Mapping):
            found = self._sketched({})
        elif reference in seen or not self._allowance.pays_for(found):
            found = self._sketched(found)
        return {**found, **beside}, (*seen, reference)

    def _sketched(self, schema: Mapping[str, Any]) -> dict[str, Json]:
        """No more than the type, which servers that make grammars of schemas need most."""
        self._allowance.was_missed = True
        kind = schema.get("type")
        return {"type": kind} if isinstance(kind, str) and kind in _TYPES else {}

    def _written(self, schema: Mapping[str, Any], seen: tuple[str, ...], depth: int) -> dict[str, Json]:
        if "anyOf" in schema or "oneOf" in schema:
            self._allowance.was_missed = True
        plain = {key: value for key, value in schema.items() if key in _KEPT}
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            plain["properties"] = {
                name: self._said(each, seen, depth + 1) for name, each in properties.items()
            }
            known = [name for name in _names(schema.get("required")) if name in properties]
            plain.pop("required", None)
            if known:
                plain["required"] = known
        if "items" in schema:
            items = schema["items"]
            first = items[0] if isinstance(items, list) and items else items
            plain["items"] = self._said(first, seen, depth + 1)
        return plain


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
    """The schema with its alternatives decided; one of them may have some of its own."""
    for _ in range(_DEEPEST):
        word = next((word for word in ("anyOf", "oneOf") if word in schema), None)
        if word is None:
            break
        alternatives = [each for each in _listed(schema.pop(word)) if each.get("type") != "null"]
        if alternatives:
            schema = {**alternatives[0], **schema}
    types = schema.get("type")
    if isinstance(types, list):
        named = [each for each in types if each != "null"]
        schema["type"] = named[0] if named else "null"
    if "const" in schema:
        schema.setdefault("enum", [schema["const"]])
    return schema


def _joined(schema: dict[str, Any], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of two that say the same the first counts, and before them the schema itself."""
    joined = dict(schema)
    properties = dict(_mapping(schema.get("properties")))
    required = dict.fromkeys(_names(schema.get("required")))
    for part in parts:
        joined.update((key, value) for key, value in part.items() if key not in joined)
        own = _mapping(part.get("properties"))
        properties.update((name, each) for name, each in own.items() if name not in properties)
        required.update(dict.fromkeys(_names(part.get("required"))))
    if properties:
        joined["properties"] = properties
    if required:
        joined["required"] = list(required)
    return joined


def _listed(value: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _names(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
