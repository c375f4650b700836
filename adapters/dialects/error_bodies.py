"""
Reads what an upstream says about its failure, whatever envelope its server uses.

Compatible servers mix envelopes freely, so every dialect reads all of them.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import ReportedError

_LONGEST_MESSAGE = 1000
_DIGITS_OF_A_STATUS = 3
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_WHITE_SPACE = re.compile(r"\s+")


def decode_error(body: bytes) -> ReportedError:
    """What an error body says; a body that is not JSON becomes the message."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ReportedError(_readable(body.decode("utf-8", "replace")))
    return reported_error(told)


def reported_error(told: Any) -> ReportedError:
    """
    An error out of decoded JSON.

    Known forms: Anthropic's and OpenAI's ``{"error": {…}}``; llama.cpp's and vLLM's with a number as
    ``code``; the flat objects of vLLM and of llama.cpp's streams; Google's, the same in a list; FastAPI's
    ``{"detail": …}``; NVIDIA's problem details (RFC 9457); Ollama's ``{"error": "text"}``.
    """
    match told:
        case [first, *_]:
            return reported_error(first)
        case {"error": dict() as error}:
            return _from_object(error)
        case {"error": str(message)}:
            return ReportedError(
                _readable(message),
                code=_text(told.get("code")),
                status=_status(told.get("code")),
                told=told,
            )
        case {"detail": detail}:
            return ReportedError(_validation_words(detail), status=_status(told.get("status")), told=told)
        case {"title": str(title)}:
            return ReportedError(_readable(title), status=_status(told.get("status")), told=told)
        case {"message": _}:
            return _from_object(told)
        case str(message):
            return ReportedError(_readable(message))
        case _:
            return ReportedError(_readable(_json(told)))


def _from_object(error: Mapping[str, Any]) -> ReportedError:
    code = error.get("code")
    message = error.get("message")
    return ReportedError(
        _readable(message if isinstance(message, str) else _json(message if message is not None else error)),
        type=_text(error.get("type")) or _text(error.get("status")),
        code=_text(code),
        status=_status(code) or _status(error.get("status")),
        told=error,
    )


def _validation_words(detail: object) -> str:
    """FastAPI's ``detail``: words, or a list of ``{"loc": […], "msg": …}``."""
    match detail:
        case str(words):
            return _readable(words)
        case [*problems] if problems:
            return _readable("; ".join(_problem(problem) for problem in problems))
        case _:
            return _readable(_json(detail))


def _problem(problem: object) -> str:
    match problem:
        case {"loc": [*place], "msg": str(words)}:
            return f"{'.'.join(str(step) for step in place)}: {words}"
        case _:
            return _json(problem)


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _status(value: object) -> int | None:
    """llama.cpp and vLLM tell an HTTP status as the error's ``code``, some gateways as text."""
    if isinstance(value, str) and len(value) == _DIGITS_OF_A_STATUS and value.isdecimal():
        value = int(value)
    return value if isinstance(value, int) and 400 <= value <= 599 else None


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _readable(words: str) -> str:
    """Words for a person: without markup, on one page."""
    if words.lstrip()[:1] == "<":
        words = _WHITE_SPACE.sub(" ", _TAG.sub(" ", _HIDDEN.sub(" ", words)))
    words = words.strip()
    if len(words) > _LONGEST_MESSAGE:
        return words[:_LONGEST_MESSAGE] + "…"
    return words or "the server gave no reason"
