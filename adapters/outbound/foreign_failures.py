"""Turns whatever somebody else's adapter raises into failures that the gateway knows."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite

from domain.conversation.request import MalformedRequest
from domain.failures import FailureKind, Overflow, QuotaScope, UpstreamAnswer, UpstreamFailure

_MOST_WORDS = 2000
"""Characters of what an adapter says of its failure; more is not words but a dump."""


@contextmanager
def contained() -> Iterator[None]:
    """
    Only failures of attempts leave the block, and requests that the target cannot be told.

    Everything else that is raised is the adapter's fault, but for the cancellation of the task it runs in.
    """
    try:
        yield
    except UpstreamFailure as failure:
        raise _sound(failure) from failure
    except MalformedRequest:
        raise
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError) and is_called_off():
            raise
        raise fault(in_words(error)) from error


def is_called_off() -> bool:
    """Whether somebody wants the running task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def fault(words: str) -> UpstreamFailure:
    """The failure that a mistake in an adapter is."""
    return UpstreamFailure(FailureKind.ADAPTER_FAULT, words[:_MOST_WORDS])


def in_words(error: BaseException) -> str:
    """What it is and what it says."""
    words = _words(error)
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _sound(failure: UpstreamFailure) -> UpstreamFailure:
    """The same failure with nothing in it but what its fields promise."""
    kind = getattr(failure, "kind", None)
    if not isinstance(kind, FailureKind) or kind is FailureKind.CLIENT_LEFT:
        return fault(in_words(failure))
    return UpstreamFailure(
        kind,
        _words(failure)[:_MOST_WORDS],
        status=_status(failure.status),
        retry_after_s=_wait_s(failure.retry_after_s),
        resets_in_s=_wait_s(failure.resets_in_s),
        scope=failure.scope if isinstance(failure.scope, QuotaScope) else None,
        overflow=failure.overflow if _is_overflow(failure.overflow) else None,
        because=failure.because if isinstance(failure.because, FailureKind) else None,
        answer=failure.answer if _is_answer(failure.answer) else None,
        was_sent=bool(failure.was_sent),
    )


def _words(error: BaseException) -> str:
    """Even asking somebody else's exception for its words may raise; half a character cannot be written."""
    try:
        return str(error).encode(errors="backslashreplace").decode()
    except Exception:  # noqa: BLE001
        return ""


def _status(status: object) -> int | None:
    return status if isinstance(status, int) and 100 <= status <= 599 else None


def _wait_s(seconds: object) -> float | None:
    return max(0.0, float(seconds)) if isinstance(seconds, int | float) and isfinite(seconds) else None


def _is_overflow(overflow: object) -> bool:
    match overflow:
        case Overflow(prompt_tokens=int() | None, window=int() | None):
            return True
        case _:
            return False


def _is_answer(answer: object) -> bool:
    """Whether it may become the status, the headers and the body of a response."""
    match answer:
        case UpstreamAnswer(dialect=str(), status=int(status), body=bytes(), headers=Mapping() as headers):
            return 400 <= status <= 599 and all(_is_header(*header) for header in headers.items())
        case _:
            return False


def _is_header(name: object, value: object) -> bool:
    """RFC 9110, 5.1 and 5.5, without what is obsolete or seldom: letters, digits, hyphens; visible ASCII."""
    if not isinstance(name, str) or not isinstance(value, str):
        return False
    return name.replace("-", "").isalnum() and (name + value).isascii() and value.isprintable()
