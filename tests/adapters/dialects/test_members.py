"""Single members of a JSON object change; every other byte stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.members import JsonMembers
from domain.conversation.request import MalformedRequest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=6)


@given(
    OBJECTS,
    OBJECTS,
    st.sets(st.text(max_size=6), max_size=3),
    st.sampled_from([None, 2]),
    st.booleans(),
)
def test_changes_mean_what_they_would_mean_to_a_dict(
    body: dict[str, Any], new: dict[str, Any], gone: set[str], indent: int | None, ascii_only: bool
) -> None:
    members = JsonMembers(json.dumps(body, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace"))
    gone = gone | set(list(body)[:1])

    changed = members.replaced({k: json.dumps(v).encode() for k, v in new.items()} | dict.fromkeys(gone))

    expected = {k: v for k, v in (body | new).items() if k not in gone}
    assert json.loads(changed) == expected


def test_all_other_bytes_stay() -> None:
    body = b'{ "model" : "a\\u0062c" ,\n\t"x": 1.00, "messages":[ {"b":"}, \\"x\\": 2"} ] }'

    assert JsonMembers(body).replaced({"model": b'"real"'}) == body.replace(b'"a\\u0062c"', b'"real"')
    assert JsonMembers(body).replaced({"x": None}) == body.replace(b'\n\t"x": 1.00,', b"")
    assert JsonMembers(body).replaced({}) == body


def test_members_come_and_go_at_either_end() -> None:
    assert JsonMembers(b"{}").replaced({"a": b"1"}) == b'{"a":1}'
    assert JsonMembers(b'{"a":1}').replaced({"a": None}) == b"{}"
    assert JsonMembers(b'{"a":1,"b":2}').replaced({"a": None}) == b'{"b":2}'
    assert JsonMembers(b'{"a":1,"b":2}').replaced({"b": None, "c": b"3"}) == b'{"a":1,"c":3}'


def test_an_escaped_key_is_known_by_its_name() -> None:
    assert JsonMembers(b'{"mod\\u0065l":"a"}').replaced({"model": b'"b"'}) == b'{"mod\\u0065l":"b"}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"cheap","model":"dear"}',
        b'{"model":1,"model":22}',
        b'{"model":"x","a":1,"model":"x"}',
        b'{"model":"x","mod\\u0065l":"x"}',
        b'{"model":12,"b":1,"model":1}',
        b'{"model":1,"b":1,"model":12}',
        b'{"a":{"model":"x"},"model":"y","model":"z"}',
        b'{"a":1,"a":1,"model":"cheap","model":"dear"}',
    ],
)
def test_a_key_to_change_that_stands_twice_is_refused_as_nobody_knows_which_one_counts(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="more than once"):
        JsonMembers(body).replaced({"model": b'"real"'})


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b'{"a":1}x', b'{"a":' * 5000, b"\xff{}", b"null"])
def test_what_is_no_object_is_the_clients_fault(body: bytes) -> None:
    with pytest.raises(MalformedRequest, match="not a JSON object"):
        JsonMembers(body)


@pytest.mark.parametrize(
    ("field", "told"),
    [("a", True), ("b", False), ("a.x", True), ("a.y", False), ("n.x", False), ("n", True), ("b.x", False)],
)
def test_it_is_known_whether_a_field_is_there(field: str, told: bool) -> None:
    assert JsonMembers(b'{"a": {"x": null}, "n": null}').tells(field) is told
