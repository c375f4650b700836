"""Puts the schema's complaints into words for the person who wrote the file."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.findings import Finding
from config.outline import section_at, sections_with
from config.problems import KeyPath, nearest, suggestion
from config.schema.models import NAME_TAG, TARGET_TAG
from config.schema.section import Section, Unfit

Shape = TypeVar("Shape", bound=Section)

_KEY = "[key]"
"""The last step in pydantic's location of a mapping's key, as against its value."""
_MARKS = frozenset({NAME_TAG, TARGET_TAG, _KEY})
"""Steps in pydantic's locations that are not in the file."""

_QUOTES = "put it in quotes: YAML reads a bare off as false"
_DECIMAL_COMMA = re.compile(r"\s*\d+,\d+\s*")

_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "missing": "is required",
        "string_type": "expected text",
        "int_type": "expected a whole number",
        "int_from_float": "expected a whole number",
        "int_parsing": "expected a whole number",
        "int_parsing_size": "expected a whole number",
        "float_type": "expected a number",
        "float_parsing": "expected a number",
        "finite_number": "expected a finite number",
        "bool_type": "expected true or false",
        "bool_parsing": "expected true or false",
        "tuple_type": "expected a list",
        "dict_type": "expected a mapping",
        "model_type": "expected a mapping",
        "union_tag_not_found": "expected a name or a mapping with provider and model",
        "too_short": "needs at least one entry",
        "greater_than_equal": "expected at least {ge:g}",
        "less_than_equal": "expected at most {le:g}",
        "literal_error": "expected one of {expected}",
    }
)
"""pydantic's error types, in words; the braces are filled from the error's context."""

_ASKED_FOR: Mapping[str, str] = MappingProxyType(
    {
        "api_base": "base_url",
        "api_key": "api_key_env (the name of a variable) or api_key_file",
        "fallbacks": "the order of providers in a profile",
        "if": "match",
        "input_cost_per_token": "input_tokens_per_million: write 1000000 times as much",
        "input_tokens_per_thousand": "input_tokens_per_million: write 1000 times as much",
        "key": "api_key_env (the name of a variable) or api_key_file",
        "output_cost_per_token": "output_tokens_per_million: write 1000000 times as much",
        "output_tokens_per_thousand": "output_tokens_per_million: write 1000 times as much",
        "route_to": "profile",
        "timeout": "timeout_s",
        "type": "kind",
        "url": "base_url",
    }
)
"""Keys that other gateways and older samples use, and what they are called here."""

_SECRETIVE = frozenset(
    {"api_key_env", "api_key_file", "base_url", "extra_body", "hash_file", "headers", "options", "url"}
)
"""Keys below which a value may hold a secret, even where it should not: it is never repeated."""


def shape_of(data: object, written: object, root: type[Shape]) -> tuple[Shape | None, list[Finding]]:
    """
    What a file of this schema says, or all that the schema has to say against it.

    `written` is the data before variables were put in: only what stands in the file is ever repeated.
    """
    try:
        return root.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_finding(detail, written, root) for detail in details if not _is_echo(detail, written)]


def _is_echo(detail: ErrorDetails, written: object) -> bool:
    """A list whose entries are all wrong is called too short as well."""
    return detail["type"] == "too_short" and bool(_value_at(detail["loc"], written))


def _finding(detail: ErrorDetails, written: object, root: type[Section]) -> Finding:
    path = tuple(step for step in detail["loc"] if step not in _MARKS)
    context = detail.get("ctx", {})
    if detail["type"] == "extra_forbidden":
        return _unknown_key(path, root)
    what_stands = "" if detail["type"] == "missing" or _KEY in detail["loc"] else found(path, written)
    if isinstance(reason := context.get("error"), Unfit):
        return Finding(path, f"{reason}{what_stands}", reason.hint)
    hint = _remedy(detail, path) or _meaning(path, root)
    return Finding(path, f"{what_is_wrong(detail)}{what_stands}", hint)


def what_is_wrong(detail: ErrorDetails) -> str:
    """What pydantic says, in our words where it is something that we say as well."""
    expected = _EXPECTED.get(detail["type"])
    return expected.format(**detail.get("ctx", {})) if expected else detail["msg"]


def _remedy(detail: ErrorDetails, path: KeyPath) -> str:
    """What would be right, where the mistake is a usual one."""
    if _is_bare_off(detail):
        return _QUOTES
    if detail["type"] == "model_type" and detail["input"] is None and path:
        return f"write {path[-1]}: {{}} where nothing is to be set"
    if detail["type"] == "float_parsing" and _DECIMAL_COMMA.fullmatch(str(detail["input"])):
        return "decimals take a point, not a comma"
    return ""


def _is_bare_off(detail: ErrorDetails) -> bool:
    return detail["input"] is False and "'off'" in str(detail.get("ctx", {}).get("expected"))


def _unknown_key(path: KeyPath, root: type[Section]) -> Finding:
    key, section = str(path[-1]), section_at(path[:-1], root)
    known = tuple(section.model_fields) if section else ()
    if key.lower() in _ASKED_FOR:
        return Finding(path, "no such key", f"here it is called {_ASKED_FOR[key.lower()]}")
    elsewhere = [pattern or "the top level" for pattern in sections_with(key, root)]
    if elsewhere and not nearest(key, known):
        return Finding(path, "no such key here", f"it belongs to {' or '.join(elsewhere)}")
    return Finding(path, "no such key", suggestion(key, known))


def _meaning(path: KeyPath, root: type[Section]) -> str:
    """The schema's own sentence about a key."""
    section = section_at(path[:-1], root) if path else None
    field = section.model_fields.get(str(path[-1])) if section else None
    return field.description or "" if field else ""


def found(path: KeyPath, written: object) -> str:
    """What stands at a key path, for the end of a complaint; of what may be a secret, only its type."""
    try:
        value = _value_at(path, written)
    except (LookupError, TypeError):
        return ""
    return f"; found {_type_of(value) if _SECRETIVE & set(path) else _described(value)}"


def _value_at(path: Sequence[str | int], data: object) -> object:
    for step in path:
        data = data[step]  # type: ignore[index]
    return data


def _described(value: object) -> str:
    if isinstance(value, str):
        return f'"{value[:57]}…"' if len(value) > 60 else f'"{value}"'
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:60]
    return _type_of(value)


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    names: Mapping[type, str] = {type(None): "nothing", str: "text", list: "a list", dict: "a mapping"}
    return names.get(type(value), "a number")
