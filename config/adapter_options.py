"""Puts what an adapter has to say against its options into words for the person who wrote the file."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic_core import ErrorDetails

from config.complaints import found, what_is_wrong
from config.findings import Finding, as_mapping
from config.problems import KeyPath, suggestion

_UNKNOWN_KEY = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
"""What pydantic calls a key that a model, or a dataclass, does not have."""


def option_findings(
    details: Iterable[ErrorDetails], options: Mapping[str, object], schema: object
) -> list[Finding]:
    """
    The findings, at paths that begin with `options`.

    ``schema`` is the JSON Schema of the options, as far as there is one.
    """
    written = {"options": options}
    return [_finding(detail, written, schema) for detail in details]


def _finding(detail: ErrorDetails, written: object, schema: object) -> Finding:
    path = _in_file(("options", *detail["loc"]), written, adds_key=detail["type"] == "missing")
    if detail["type"] in _UNKNOWN_KEY:
        known = tuple(as_mapping(_schema_at(path[1:-1], schema).get("properties")))
        return Finding(path, "no such key", suggestion(str(path[-1]), known) if known else "")
    hint = str(_schema_at(path[1:], schema).get("description", ""))
    if detail["type"] == "missing":
        return Finding(path, what_is_wrong(detail), hint)
    if isinstance(reason := detail.get("ctx", {}).get("error"), ValueError):
        return Finding(path, str(reason), hint)
    return Finding(path, f"{what_is_wrong(detail)}{found(path, written)}", hint)


def _in_file(path: KeyPath, written: object, *, adds_key: bool) -> KeyPath:
    """Without the steps that only the type has, such as the member of a union that was tried."""
    for length, step in enumerate(path):
        is_there = isinstance(written, Mapping | list) and _has(written, step)
        if not is_there:
            return path[: length + 1] if adds_key and length == len(path) - 1 else path[:length]
        written = written[step]  # type: ignore[index]
    return path


def _has(written: "Mapping[str, object] | list[object]", step: str | int) -> bool:
    if isinstance(written, Mapping):
        return step in written
    return isinstance(step, int) and step < len(written)


def _schema_at(path: Sequence[str | int], schema: object) -> Mapping[str, object]:
    definitions = as_mapping(as_mapping(schema).get("$defs"))
    here = _resolved(schema, definitions)
    for step in path:
        inner = as_mapping(here.get("properties")).get(str(step))
        inner = inner or here.get("items" if isinstance(step, int) else "additionalProperties")
        here = _resolved(inner, definitions)
    return here


def _resolved(schema: object, definitions: Mapping[str, object]) -> Mapping[str, object]:
    """What a reference means; what stands beside it, such as a description, is kept."""
    here = as_mapping(schema)
    reference = str(here.get("$ref", "")).rpartition("/")[2]
    return {**as_mapping(definitions.get(reference)), **here} if reference else here
