"""Whatever an error body looks like, a person can read what it says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.dialects.dialect import ErrorReport
from adapters.dialects.error_bodies import decode_error
from adapters.dialects.openai_errors import encode_error


@pytest.mark.parametrize(
    ("told", "message", "type", "code", "status"),
    [
        ({"error": {"message": "m", "type": "t", "code": "c"}}, "m", "t", "c", None),
        ({"error": {"message": "m", "type": "t", "code": 429}}, "m", "t", "429", 429),
        ({"error": {"message": "m", "code": None, "type": None}}, "m", "", "", None),
        (
            {"object": "error", "message": "m", "type": "BadRequestError", "code": 400},
            "m",
            "BadRequestError",
            "400",
            400,
        ),
        ([{"error": {"message": "m", "code": 503, "status": "UNAVAILABLE"}}], "m", "UNAVAILABLE", "503", 503),
        ({"error": "m"}, "m", "", "", None),
        ({"error": "m", "code": 404}, "m", "", "404", 404),
        ({"detail": "m"}, "m", "", "", None),
        ({"detail": [{"loc": ["body", "messages", 0], "msg": "m"}]}, "body.messages.0: m", "", "", None),
        ({"detail": {"x": 1}}, '{"x":1}', "", "", None),
        ({"message": {"detail": "m"}}, '{"detail":"m"}', "", "", None),
        ({"error": {"x": 1}}, '{"x":1}', "", "", None),
        ({"odd": 1}, '{"odd":1}', "", "", None),
        ("m", "m", "", "", None),
        (None, "null", "", "", None),
    ],
)
def test_every_known_form_is_understood(
    told: Any, message: str, type: str, code: str, status: int | None
) -> None:
    error = decode_error(json.dumps(told).encode())

    assert (error.message, error.type, error.code, error.status) == (message, type, code, status)


def test_a_page_is_reduced_to_its_words() -> None:
    page = (
        b"<!doctype html><html><head><style>b{}</style><title>502</title></head><body><h1>Bad\n gateway</h1>"
    )

    assert decode_error(page).message == "502 Bad gateway"


def test_text_is_the_message_and_no_text_is_said_to_be_none() -> None:
    assert decode_error(b" upstream request timeout\n").message == "upstream request timeout"
    assert decode_error(b"").message == "the server gave no reason"
    assert len(decode_error(b"x" * 100_000).message) < 2000


@given(st.binary(max_size=60))
def test_no_body_is_too_odd(body: bytes) -> None:
    assert decode_error(body).message


def test_our_error_comes_in_the_envelope_that_clients_know() -> None:
    report = ErrorReport(
        status=400,
        type="invalid_request_error",
        message="m",
        code="context_length_exceeded",
        param="messages",
    )

    assert json.loads(encode_error(report)) == {
        "error": {
            "message": "m",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    }
