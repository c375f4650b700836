"""Puts environment variables into the few values that may name them."""

import re
from collections.abc import Iterator, Mapping

from config.findings import Finding
from config.key_shapes import looks_like_key
from config.problems import KeyPath

_INTERPOLATED: tuple[tuple[str, ...], ...] = (
    ("providers", "*", "base_url"),
    ("providers", "*", "model"),
    ("providers", "*", "api_key_file"),
    ("providers", "*", "headers", "*"),
    ("providers", "*", "options", "**"),
    ("models", "*", "model"),
    ("auth", "keys", "*", "hash_file"),
    ("state", "url"),
)
"""Where `${VAR}` is replaced; `*` is any one step and `**` any number. Everywhere else it is plain text."""

_REFERENCE = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$\{(?P<bad>[^}]*)\}?"
)


def interpolate(data: object, environment: Mapping[str, str]) -> tuple[object, list[Finding]]:
    """
    The data with its references replaced, and what is wrong with those that cannot be.

    `${VAR}` takes the variable, which must be set; `${VAR:-default}` the default when it is unset or empty;
    `$${` is a literal `${`.
    """
    findings: list[Finding] = []
    return _walk(data, (), environment, findings), findings


def is_interpolated(path: KeyPath) -> bool:
    """Whether references are replaced in the value at this path."""
    return any(_matches(path, pattern) for pattern in _INTERPOLATED)


def _matches(path: KeyPath, pattern: tuple[str, ...]) -> bool:
    if pattern[-1] == "**":
        pattern = pattern[:-1]
        path = path[: len(pattern)] if len(path) > len(pattern) else ()
    return len(path) == len(pattern) and all(
        want in ("*", step) for step, want in zip(path, pattern, strict=True)
    )


def _walk(value: object, path: KeyPath, environment: Mapping[str, str], findings: list[Finding]) -> object:
    if isinstance(value, dict):
        return {key: _walk(inner, (*path, key), environment, findings) for key, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, (*path, index), environment, findings) for index, inner in enumerate(value)]
    if not isinstance(value, str) or "${" not in value or not is_interpolated(path):
        return value
    missing = list(_unresolvable(value, path, environment))
    findings += missing
    return value if missing else _REFERENCE.sub(lambda match: _replacement(match, environment), value)


def _unresolvable(text: str, path: KeyPath, environment: Mapping[str, str]) -> Iterator[Finding]:
    for match in _REFERENCE.finditer(text):
        name = match["name"]
        if match["bad"] is not None:
            yield Finding(
                path, "${ does not begin a reference", "write ${NAME} or ${NAME:-default}; $${ is a plain ${"
            )
        elif name and looks_like_key(name):
            yield Finding(
                path, "a reference looks like a key", "write the name of the variable that holds the key"
            )
        elif name and match["default"] is None and name not in environment:
            yield Finding(
                path, f"the environment variable {name} is not set", f"set it, or write ${{{name}:-default}}"
            )


def _replacement(match: re.Match[str], environment: Mapping[str, str]) -> str:
    name, default = match["name"], match["default"]
    if name is None:
        return "${"
    return environment.get(name, "") or (default or "")
