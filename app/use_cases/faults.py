"""The event for a bug of ours, whoever comes upon it."""

import traceback

from domain.events import InternalFault

_ERROR_LENGTH = 500
_TRACEBACK_LENGTH = 8000
"""Characters of an error and of its traceback, counted from its end, that an event keeps."""


def internal_fault(error: BaseException, request_id: str) -> InternalFault:
    """What is told of a bug; ``request_id`` is empty where it is no request's."""
    return InternalFault(
        request_id=request_id,
        where=_where(error),
        error=f"{type(error).__name__}: {error}"[:_ERROR_LENGTH],
        traceback="".join(traceback.format_exception(error))[-_TRACEBACK_LENGTH:],
    )


def _where(error: BaseException) -> str:
    """A group of errors was raised where its tasks were awaited, which mends none of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else "unknown"
