"""Each field is taken once, each error names its place, the rest is kept."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.dialects.fields import Fields, decoded
from domain.conversation.request import MalformedRequest


def test_what_nobody_took_is_left() -> None:
    fields = Fields({"role": "user", "n": 1.0, "list": [1], "vendor": {"x": 1}}, "messages[0]")

    assert fields.text("role") == "user"
    assert fields.optional_count("n") == 1
    assert fields.items("list") == [1]
    assert fields.rest() == {"vendor": {"x": 1}}


def test_null_counts_as_absent() -> None:
    fields = Fields({"a": None}, "")

    assert not fields.has("a")
    assert fields.optional_text("a") is None
    assert fields.optional_flag("a") is None
    assert fields.optional_number("a") is None
    assert fields.items("a") == []


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda fields: fields.text("x"), r"tools\[1\].x: expected a string, found a list"),
        (lambda fields: fields.text("none"), r"tools\[1\].none: expected a string, found null"),
        (lambda fields: fields.optional_flag("x"), r"tools\[1\].x: expected a boolean, found a list"),
        (lambda fields: fields.optional_count("half"), r"tools\[1\].half: expected a whole number"),
        (
            lambda fields: fields.optional_count("yes"),
            r"tools\[1\].yes: expected a whole number, found a bool",
        ),
        (lambda fields: fields.optional_number("yes"), r"tools\[1\].yes: expected a number, found a boolean"),
        (lambda fields: fields.items("yes"), r"tools\[1\].yes: expected a list, found a boolean"),
        (lambda fields: fields.optional_object("x"), r"tools\[1\].x: expected an object, found a list"),
        (
            lambda fields: fields.nested("deep").text("y"),
            r"tools\[1\].deep.y: expected a string, found a number",
        ),
        (lambda fields: fields.nested("none"), r"tools\[1\].none: expected an object, found null"),
    ],
)
def test_an_error_names_the_place_and_what_was_found(read: Callable[[Fields], Any], words: str) -> None:
    fields = Fields({"x": [], "half": 0.5, "yes": True, "deep": {"y": 3}}, "tools[1]")

    with pytest.raises(MalformedRequest, match=words):
        read(fields)


@pytest.mark.parametrize("raw", [b"{", b'"\xff"', b"[" * 100_000])
def test_what_is_not_json_is_the_clients_fault(raw: bytes) -> None:
    with pytest.raises(MalformedRequest, match="tools: not valid JSON"):
        decoded(raw, "tools")
